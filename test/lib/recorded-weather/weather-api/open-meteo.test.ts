import * as z from 'zod';
import { NO_ERRORS, REAL_MANNERS } from '../../../../lib/recorded-weather/weather-api/manners';
import { seconds, startTwoDays, type TwoDays } from './two-days';

let two: TwoDays;
beforeAll(async () => {
  two = await startTwoDays(NO_ERRORS);
});
afterAll(() => two.close());

const column = z.array(z.number().nullable());
const hours = z.object({ hourly: z.object({ time: z.array(z.number()) }).catchall(column) });
const step = z.object({ current: z.object({ temperature_2m: z.number(), precipitation: z.number() }) });

const hour = (stamp: number): string => new Date(stamp * 1000).toISOString().slice(0, 13);

async function hourly(
  days: TwoDays,
  url: string,
  query: Record<string, string>,
): Promise<Record<string, Record<string, number | null>>> {
  const { body } = await days.openMeteo(url, query);
  const { time, ...columns } = hours.parse(body).hourly;
  return Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [
      name,
      Object.fromEntries(time.map((stamp, index) => [hour(stamp), values[index] ?? null])),
    ]),
  );
}

describe('current conditions', () => {
  it('are those of the quarter that has ended, of several places at once', async () => {
    two.at('2020-01-01T06:20:00Z');
    const { body } = await two.openMeteo(`${two.api.openMeteoUrl}/forecast`, {
      latitude: '40.69,-23.55',
      longitude: '-74.17,-46.63',
      current: 'temperature_2m,precipitation',
    });
    // 0.4 mm in the hour of 06: a quarter of it in the first step.
    expect(body).toMatchObject([
      {
        current: {
          time: seconds('2020-01-01T06:15:00Z'),
          interval: 900,
          temperature_2m: 5.25,
          precipitation: 0.1,
        },
      },
      { current_units: { precipitation: 'mm' }, current: { temperature_2m: 6.1, precipitation: null } },
    ]);
  });

  it('add up to the rain of the hour, and reach its end whole at the stamp that closes it', async () => {
    let fallen = 0;
    for (const instant of ['07:15', '07:30', '07:45', '08:00']) {
      two.at(`2020-01-01T${instant}:00Z`);
      const { body } = await two.openMeteo(`${two.api.openMeteoUrl}/forecast`, {
        current: 'temperature_2m,precipitation',
      });
      const { current } = step.parse(body);
      fallen += current.precipitation;
      if (instant === '08:00') expect(current.temperature_2m).toBe(7);
    }
    expect(fallen).toBeCloseTo(0.2, 10);
  });
});

describe('hours', () => {
  it('hold the state of the instant, and rain and gust of the hour before it', async () => {
    two.at('2020-01-01T08:02:00Z');
    const { temperature_2m, precipitation, wind_gusts_10m } = await hourly(
      two,
      `${two.api.openMeteoUrl}/forecast`,
      {
        hourly: 'temperature_2m,precipitation,wind_gusts_10m',
        past_hours: '6',
        forecast_hours: '2',
      },
    );
    // The station's hour 07 ends at 08:00; of 03 and 04 nothing was recorded.
    expect(temperature_2m).toEqual({
      '2020-01-01T02': 1,
      '2020-01-01T03': 2,
      '2020-01-01T04': null,
      '2020-01-01T05': null,
      '2020-01-01T06': 5,
      '2020-01-01T07': 6,
      '2020-01-01T08': 7,
      '2020-01-01T09': null,
    });
    expect(precipitation).toMatchObject({
      '2020-01-01T07': 0.4,
      '2020-01-01T08': 0.2,
      '2020-01-01T09': null,
    });
    expect(wind_gusts_10m).toMatchObject({ '2020-01-01T08': 27, '2020-01-01T09': null });
  });

  it('tell of the next hour what was recorded as its forecast, at the stamp that ends it', async () => {
    two.at('2020-01-02T08:02:00Z');
    const { precipitation, precipitation_probability } = await hourly(
      two,
      `${two.api.openMeteoUrl}/forecast`,
      {
        hourly: 'precipitation,precipitation_probability',
        past_hours: '1',
        forecast_hours: '4',
      },
    );
    // Row 07 forecast the hour from 08:00 to 09:00, row 08 the one after; nobody has forecast further.
    expect(precipitation_probability).toEqual({
      '2020-01-02T07': 29,
      '2020-01-02T08': 30,
      '2020-01-02T09': 31,
      '2020-01-02T10': 32,
      '2020-01-02T11': null,
    });
    expect(precipitation).toEqual({
      '2020-01-02T07': 0.4,
      '2020-01-02T08': 0.2,
      '2020-01-02T09': 3.1,
      '2020-01-02T10': 3.2,
      '2020-01-02T11': null,
    });
  });

  it.each([
    ['dates', { start_date: '2020-01-01', end_date: '2020-01-02' }, 48],
    ['hours', { start_hour: '2020-01-01T03:00', end_hour: '2020-01-01T05:00' }, 3],
    ['days around today', { past_days: '1', forecast_days: '1' }, 48],
  ])('come by %s', async (_, query, count) => {
    two.at('2020-01-02T08:02:00Z');
    const { temperature_2m } = await hourly(two, `${two.api.openMeteoUrl}/forecast`, {
      hourly: 'temperature_2m',
      ...query,
    });
    expect(Object.keys(temperature_2m ?? {})).toHaveLength(count);
  });
});

describe('history', () => {
  const DAY = { hourly: 'precipitation,visibility', start_date: '2020-01-01', end_date: '2020-01-01' };
  let real: TwoDays;
  beforeAll(async () => {
    real = await startTwoDays(REAL_MANNERS);
  });
  afterAll(() => real.close());

  it('from historical forecasts is provisional for a day, and lacks the last hours', async () => {
    const url = `${real.api.historicalForecastUrl}/forecast`;
    real.at('2020-01-01T23:30:00Z');
    const first = (await hourly(real, url, DAY)).precipitation ?? {};
    real.at('2020-01-03T00:00:00Z');
    const settled = (await hourly(real, url, DAY)).precipitation ?? {};
    expect([first['2020-01-01T20'], first['2020-01-01T21']]).toEqual([expect.any(Number), null]);
    expect([settled['2020-01-01T08'], settled['2020-01-01T21']]).toEqual([0.2, 0.4]);
    expect(Object.keys(first).filter((stamp) => first[stamp] !== settled[stamp]).length).toBeGreaterThan(10);
  });

  it('from the archive comes days late, without visibility', async () => {
    const url = `${real.api.archiveUrl}/archive`;
    real.at('2020-01-03T12:00:00Z');
    expect((await hourly(real, url, DAY)).precipitation?.['2020-01-01T12']).toBeNull();
    real.at('2020-01-04T12:00:00Z');
    const { precipitation, visibility } = await hourly(real, url, DAY);
    expect(precipitation).toMatchObject({ '2020-01-01T12': 0.2, '2020-01-01T13': null });
    expect(Object.values(visibility ?? {}).every((value) => value === null)).toBe(true);
  });
});

it('says why a request is refused', async () => {
  const { status, body } = await two.openMeteo(`${two.api.openMeteoUrl}/forecast`, { current: 'mood' });
  expect(status).toBe(400);
  expect(body).toMatchObject({ error: true, reason: expect.stringContaining('mood') });
});

describe('limits', () => {
  afterEach(() => two.api.setFaults(undefined));

  it('answer one request at a time, hold six, and refuse the next', async () => {
    two.at('2020-01-01T06:20:00Z');
    const url = `${two.api.openMeteoUrl}/forecast`;
    // Requests that are never answered, until whoever asked goes away.
    two.api.setFaults(() => ({ kind: 'silence' }));
    const patience = new AbortController();
    const asked = Array.from({ length: 8 }, () =>
      fetch(`${url}?latitude=40.69&longitude=-74.17&current=temperature_2m`, { signal: patience.signal }),
    );
    const refused = await Promise.race(asked);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toEqual({
      error: true,
      reason: 'Too many concurrent requests',
      status: 429,
    });
    patience.abort();
    await Promise.allSettled(asked);
    two.api.setFaults(undefined);
    // The server notices one by one that they have gone.
    let status = 429;
    while (status === 429) ({ status } = await two.openMeteo(url, { current: 'temperature_2m' }));
    expect(status).toBe(200);
  });

  it('count a tenth of a call for each variable of each place, and at least one', async () => {
    two.at('2020-01-01T06:20:00Z');
    const before = two.api.calls();
    await two.openMeteo(`${two.api.openMeteoUrl}/forecast`, { current: 'temperature_2m' });
    expect(two.api.calls() - before).toBe(1);
    await two.openMeteo(`${two.api.openMeteoUrl}/forecast`, {
      latitude: '40.69,-23.55',
      longitude: '-74.17,-46.63',
      current: 'temperature_2m,precipitation',
      hourly: Array(10).fill('precipitation').join(','),
    });
    expect(two.api.calls() - before).toBeCloseTo(3.4, 10);
  });
});
