import * as z from 'zod';
import { NO_ERRORS, REAL_MANNERS } from '../../../../lib/recorded-weather/weather-api/manners';
import { seconds, startTwoDays, type TwoDays } from './two-days';

const forecastDays = z.object({
  forecast: z.object({
    forecastday: z.array(
      z.object({ hour: z.array(z.looseObject({ time: z.string(), precip_mm: z.number().nullable() })) }),
    ),
  }),
});
const currentAmount = z.object({ current: z.object({ precip_mm: z.number() }) });
const updated = z.object({ current: z.object({ last_updated_epoch: z.number() }) });

let two: TwoDays;
beforeAll(async () => {
  two = await startTwoDays(NO_ERRORS);
});
afterAll(() => two.close());

describe('current.json', () => {
  it.each([
    ['2020-01-01T02:00:00Z', '2020-01-01T02:00:00Z', 1],
    ['2020-01-01T02:14:59Z', '2020-01-01T02:00:00Z', 1],
    ['2020-01-01T02:30:00Z', '2020-01-01T02:30:00Z', 1.5],
    ['2020-01-01T02:59:59Z', '2020-01-01T02:45:00Z', 1.75],
    // Nothing was recorded of 03 and 04: the last report stays, and no hour is made up.
    ['2020-01-01T03:00:00Z', '2020-01-01T02:45:00Z', 1.75],
    ['2020-01-01T04:59:00Z', '2020-01-01T02:45:00Z', 1.75],
    // What came before is not known, so that the air is as at the hour's end.
    ['2020-01-01T05:01:00Z', '2020-01-01T05:00:00Z', 5],
  ])(
    'at %s was last updated at %s, on the way to the state at the end of that hour',
    async (instant, updated, temperature) => {
      two.at(instant);
      expect((await two.weatherApi('current.json')).body).toMatchObject({
        current: { last_updated_epoch: seconds(updated), temp_c: temperature, uv: null },
      });
    },
  );

  it('turns the wind the short way round', async () => {
    two.at('2020-01-01T07:30:00Z');
    expect((await two.weatherApi('current.json')).body).toMatchObject({ current: { wind_degree: 0 } });
  });

  it('gives the latest reading of a place with several an hour, in local time', async () => {
    two.at('2020-01-01T02:50:59Z');
    expect((await two.weatherApi('current.json', { q: 'metar' })).body).toMatchObject({
      location: { tz_id: 'America/Sao_Paulo', localtime: '2019-12-31 23:50' },
      current: { last_updated: '2019-12-31 23:10', temp_c: 2.1, precip_mm: null },
    });
  });

  it('never reports a time that has not come, nor an hour that was not recorded', async () => {
    for (let minute = 0; minute < 6 * 60; minute += 7) {
      const now = Date.UTC(2020, 0, 1, 0, minute);
      two.at(new Date(now).toISOString());
      const { body } = await two.weatherApi('current.json');
      const time = updated.parse(body).current.last_updated_epoch;
      expect(time * 1000).toBeLessThanOrEqual(now);
      expect(['03', '04']).not.toContain(new Date(time * 1000).toISOString().slice(11, 13));
    }
  });

  it('says who answers: name, coordinates, country and zone', async () => {
    two.at('2020-01-01T02:50:59Z');
    expect((await two.weatherApi('current.json', { q: '40.69,-74.17' })).body).toMatchObject({
      location: { name: 'station', lat: 40.69, lon: -74.17, country: 'USA', tz_id: 'America/New_York' },
    });
  });

  it.each([
    ['no key', { key: '' }, 401, 1002],
    ['a wrong key', { key: 'x' }, 401, 2006],
    ['no place', { q: '' }, 400, 1003],
    ['an unknown place', { q: 'atlantis' }, 400, 1006],
  ])('answers %s with the code of the provider', async (_, query, status, code) => {
    expect(await two.weatherApi('current.json', query)).toMatchObject({ status, body: { error: { code } } });
  });
});

describe('history.json', () => {
  it('gives the hours of the local date that have passed, whole', async () => {
    two.at('2020-01-02T12:30:00Z');
    const { body } = await two.weatherApi('history.json', { dt: '2020-01-01' });
    // Midnight in New York is 05:00 UTC.
    const first = {
      time: '2020-01-01 00:00',
      time_epoch: seconds('2020-01-01T05:00:00Z'),
      temp_c: 5,
      precip_mm: 0.2,
    };
    expect(body).toMatchObject({
      forecast: { forecastday: [{ date: '2020-01-01', hour: { length: 24, 0: first } }] },
    });
  });

  it('ends with the last hour that is over', async () => {
    two.at('2020-01-01T08:59:00Z');
    const { body } = await two.weatherApi('history.json', { dt: '2020-01-01' });
    expect(body).toMatchObject({ forecast: { forecastday: [{ hour: { length: 3, 2: { temp_c: 7 } } }] } });
  });

  it('is empty before the first reading', async () => {
    const { body } = await two.weatherApi('history.json', { dt: '2019-12-30' });
    expect(body).toMatchObject({ forecast: { forecastday: [{ hour: [] }] } });
  });
});

describe('forecast.json', () => {
  const hoursOf = async (query: Record<string, string>) => {
    const { body } = await two.weatherApi('forecast.json', query);
    return forecastDays.parse(body).forecast.forecastday.map(({ hour }) => hour);
  };

  it('holds current conditions, the hours that are over, the running one, and the next as it was forecast', async () => {
    two.at('2020-01-02T08:20:00Z');
    const { body } = await two.weatherApi('forecast.json', { days: '1' });
    const running = { temp_c: 31.25, precip_mm: 0.4, chance_of_rain: 31 };
    const next = { time: '2020-01-02 04:00', chance_of_rain: 32, will_it_rain: 0, precip_mm: 3.2 };
    expect(body).toMatchObject({
      current: { last_updated: '2020-01-02 03:15', temp_c: 31.25, precip_mm: 0.4 },
      forecast: {
        forecastday: [{ date: '2020-01-02', hour: { length: 5, 2: { temp_c: 31 }, 3: running, 4: next } }],
      },
    });
  });

  it('has the first hour of the next local day when it is asked for two', async () => {
    two.at('2020-01-02T04:50:00Z');
    const [today = [], tomorrow = []] = await hoursOf({ days: '2' });
    expect(today.map(({ time }) => time).at(-1)).toBe('2020-01-01 23:00');
    expect(tomorrow).toEqual([expect.objectContaining({ time: '2020-01-02 00:00', chance_of_rain: 28 })]);
    expect(await hoursOf({ days: '2', hour: '0' })).toMatchObject([
      [{ time: '2020-01-01 00:00' }],
      [{ time: '2020-01-02 00:00' }],
    ]);
  });

  it('makes up no forecast where none was recorded', async () => {
    two.at('2020-01-01T08:20:00Z');
    const [hours = []] = await hoursOf({});
    expect(hours.map(({ time }) => time).at(-1)).toBe('2020-01-01 03:00');
    expect(hours.filter((hour) => 'chance_of_rain' in hour)).toEqual([]);
  });
});

describe('what is provisional', () => {
  let real: TwoDays;
  beforeAll(async () => {
    real = await startTwoDays(REAL_MANNERS);
  });
  afterAll(() => real.close());

  const dayOf = async (path: string, query: Record<string, string>): Promise<Map<string, number | null>> => {
    const { body } = await real.weatherApi(path, query);
    const { forecast } = forecastDays.parse(body);
    return new Map(
      forecast.forecastday.flatMap(({ hour }) => hour.map(({ time, precip_mm }) => [time, precip_mm])),
    );
  };

  it('is history until a day after the end of the local day: its rain as polls had it, its last hours late', async () => {
    real.at('2020-01-03T04:59:00Z');
    const provisional = await dayOf('history.json', { dt: '2020-01-01' });
    real.at('2020-01-03T05:00:00Z');
    const settled = await dayOf('history.json', { dt: '2020-01-01' });
    expect(settled.size).toBe(24);
    expect([...settled.values()]).toEqual(
      Array.from({ length: 24 }, (_, hour) => ((hour + 5) % 2 === 0 ? 0.4 : 0.2)),
    );
    expect(provisional.size).toBeLessThan(24);
    expect(provisional.size).toBeGreaterThan(20);
    expect([...provisional].filter(([time, amount]) => amount !== settled.get(time)).length).toBeGreaterThan(
      10,
    );
    for (const [time, amount] of provisional) {
      real.at(new Date(Date.parse(`${time.replace(' ', 'T')}:00Z`) + 5 * 3_600_000).toISOString());
      const { body } = await real.weatherApi('current.json');
      expect(body).toMatchObject({ current: { last_updated: time, precip_mm: amount } });
    }
  });

  it('says the same in every poll of an hour', async () => {
    const amounts = [];
    for (const minute of ['00', '20', '59']) {
      real.at(`2020-01-01T14:${minute}:00Z`);
      const { body } = await real.weatherApi('current.json');
      amounts.push(currentAmount.parse(body).current.precip_mm);
    }
    expect(new Set(amounts).size).toBe(1);
  });
});

describe('the readings of current precipitation that switches choose', () => {
  it.each([
    ['running-hour', 0.4, 0.4],
    ['previous-hour', 0.2, 0.2],
    ['trailing-hour', 0.2, 0.35],
    ['growing', 0, 0.3],
  ] as const)(
    '%s tells %s mm at the start of a hour with 0.4 mm after one with 0.2, and %s at its last quarter',
    async (currentRain, first, last) => {
      const other = await startTwoDays({ ...NO_ERRORS, currentRain });
      for (const [minute, amount] of [
        ['00', first],
        ['45', last],
      ] as const) {
        other.at(`2020-01-01T14:${minute}:00Z`);
        expect((await other.weatherApi('current.json')).body).toMatchObject({
          current: { precip_mm: amount },
        });
      }
      await other.close();
    },
  );
});

describe('a plan', () => {
  it('without history answers with code 1008, whatever the day', async () => {
    const poor = await startTwoDays({ ...NO_ERRORS, historyDays: 0 });
    poor.at('2020-01-02T08:00:00Z');
    const answer = await poor.weatherApi('history.json', { dt: '2020-01-01' });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 1008 } } });
    expect((await poor.weatherApi('current.json')).status).toBe(200);
    await poor.close();
  });

  it('of one day of history sells yesterday, and not the day before', async () => {
    const day = await startTwoDays({ ...NO_ERRORS, historyDays: 1 });
    day.at('2020-01-02T08:00:00Z');
    expect((await day.weatherApi('history.json', { dt: '2020-01-01' })).status).toBe(200);
    expect((await day.weatherApi('history.json', { dt: '2019-12-30' })).status).toBe(400);
    await day.close();
  });
});
