import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readRecording } from '../../../lib/scenario/recording';
import { weatherFaultsAtRate } from '../../../lib/scenario/weather-api/faults';
import { startWeatherApi, type WeatherApi } from '../../../lib/scenario/weather-api/server';
import { LOCAL_WEATHER_KEY } from '../../../lib/scenario/weather-api/weatherapi';

const directory = mkdtempSync(join(tmpdir(), 'garoa-weather-'));
let now = new Date('2020-01-01T00:00:00Z');
let api: WeatherApi;

beforeAll(async () => {
  const rows = ['location_id,observed_at,temp_c,precip_mm'];
  // `station` misses the hours 3 and 4; `metar` reports at :10 and :51.
  for (let hour = 0; hour < 48; hour += 1) {
    const at = new Date(Date.UTC(2020, 0, 1, hour)).toISOString();
    if (hour !== 3 && hour !== 4) rows.push(`station,${at},${hour},0.2`);
    rows.push(
      `metar,${at.replace(':00:00', ':10:00')},${hour}.1,`,
      `metar,${at.replace(':00:00', ':51:00')},${hour}.5,`,
    );
  }
  writeFileSync(join(directory, 'w.csv'), rows.join('\n'));
  const locations = [
    { id: 'station', latitude: 40.69, longitude: -74.17, timezone: 'America/New_York' },
    { id: 'metar', latitude: -23.55, longitude: -46.63, timezone: 'America/Sao_Paulo' },
  ];
  writeFileSync(join(directory, 'w.json'), JSON.stringify({ locations }));
  api = await startWeatherApi({ recording: await readRecording(join(directory, 'w.csv')), now: () => now });
});
afterAll(async () => {
  await api.close();
  rmSync(directory, { recursive: true });
});

async function get(
  path: string,
  query: Record<string, string> = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${path}?${new URLSearchParams({ key: LOCAL_WEATHER_KEY, ...query })}`);
  return { status: response.status, body: await response.json() };
}

const current = (q: string): Promise<{ status: number; body: unknown }> =>
  get(`${api.url}/current.json`, { q });
const at = (instant: string): void => {
  now = new Date(instant);
};

describe('current.json', () => {
  it.each([
    ['2020-01-01T02:00:00Z', '2020-01-01T02:00:00Z', 2],
    ['2020-01-01T02:14:59Z', '2020-01-01T02:00:00Z', 2],
    ['2020-01-01T02:47:00Z', '2020-01-01T02:45:00Z', 2],
    ['2020-01-01T03:00:00Z', '2020-01-01T02:45:00Z', 2],
    ['2020-01-01T04:59:00Z', '2020-01-01T02:45:00Z', 2],
    ['2020-01-01T05:01:00Z', '2020-01-01T05:00:00Z', 5],
  ])('at %s an hourly place was last updated at %s', async (instant, updated, temperature) => {
    at(instant);
    expect((await current('station')).body).toMatchObject({
      current: {
        last_updated_epoch: Date.parse(updated) / 1000,
        temp_c: temperature,
        precip_mm: 0.2,
        uv: null,
      },
    });
  });

  it('gives the latest reading of a place with several an hour, in local time', async () => {
    at('2020-01-01T02:50:59Z');
    expect((await current('metar')).body).toMatchObject({
      location: { tz_id: 'America/Sao_Paulo', localtime: '2019-12-31 23:50' },
      current: { last_updated: '2019-12-31 23:10', temp_c: 2.1, precip_mm: null },
    });
  });

  it('never reports a time that has not come, nor an hour that was not recorded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 48 * 60 - 1 }), async (minute) => {
        now = new Date(Date.UTC(2020, 0, 1, 0, minute));
        await current('station');
      }),
      { numRuns: 60 },
    );
    const hours = [...api.served()].filter((id) => id.startsWith('station ')).map((id) => id.slice(8, 21));
    expect(hours).not.toContain('2020-01-01T03');
    expect(hours).not.toContain('2020-01-01T04');
  });

  it('dates its reply with virtual time', async () => {
    at('2020-01-01T02:50:59Z');
    const { headers } = await fetch(`${api.url}/current.json?key=${LOCAL_WEATHER_KEY}&q=station`);
    expect(headers.get('date')).toBe('Wed, 01 Jan 2020 02:50:59 GMT');
  });

  it('finds a place by its coordinates', async () => {
    expect((await current('40.69,-74.17')).body).toMatchObject({ location: { name: 'station' } });
  });

  it.each([
    ['no key', { key: '', q: 'station' }, 401, 1002],
    ['a wrong key', { key: 'x', q: 'station' }, 401, 2006],
    ['no place', {}, 400, 1003],
    ['an unknown place', { q: 'atlantis' }, 400, 1006],
  ])('answers %s with the code of the provider', async (_, query, status, code) => {
    expect(await get(`${api.url}/current.json`, query)).toMatchObject({ status, body: { error: { code } } });
  });
});

describe('history.json', () => {
  it('gives the hours of the local date that have passed', async () => {
    at('2020-01-02T12:30:00Z');
    const { body } = await get(`${api.url}/history.json`, { q: 'station', dt: '2020-01-01' });
    // Midnight in New York is 05:00 UTC.
    const first = {
      time: '2020-01-01 00:00',
      time_epoch: Date.parse('2020-01-01T05:00:00Z') / 1000,
      temp_c: 5,
    };
    expect(body).toMatchObject({
      forecast: { forecastday: [{ date: '2020-01-01', hour: { length: 24, 0: first } }] },
    });
  });

  it('ends with the last hour that is over', async () => {
    at('2020-01-01T08:59:00Z');
    const { body } = await get(`${api.url}/history.json`, { q: 'station', dt: '2020-01-01' });
    expect(body).toMatchObject({ forecast: { forecastday: [{ hour: { length: 3, 2: { temp_c: 7 } } }] } });
  });

  it('is empty before the first reading', async () => {
    const { body } = await get(`${api.url}/history.json`, { q: 'station', dt: '2019-12-30' });
    expect(body).toMatchObject({ forecast: { forecastday: [{ hour: [] }] } });
  });
});

describe('Open-Meteo', () => {
  it('answers current conditions of several places at once', async () => {
    at('2020-01-01T05:20:00Z');
    const { body } = await get(`${api.openMeteoUrl}/forecast`, {
      latitude: '40.69,-23.55',
      longitude: '-74.17,-46.63',
      current: 'temperature_2m,precipitation',
      timeformat: 'unixtime',
    });
    expect(body).toMatchObject([
      { current: { time: Date.parse('2020-01-01T05:15:00Z') / 1000, interval: 900, temperature_2m: 5 } },
      { current_units: { precipitation: 'mm' }, current: { temperature_2m: 5.1, precipitation: null } },
    ]);
  });

  it('gives every hour of the archive, with null where nothing was recorded', async () => {
    at('2020-01-05T00:00:00Z');
    const { body } = await get(`${api.archiveUrl}/archive`, {
      latitude: '40.69',
      longitude: '-74.17',
      start_date: '2020-01-01',
      end_date: '2020-01-01',
      hourly: 'temperature_2m',
    });
    expect(body).toMatchObject({
      hourly: {
        time: { length: 24, 3: '2020-01-01T03:00' },
        temperature_2m: { 2: 2, 3: null, 4: null, 5: 5 },
      },
    });
  });

  it('says why a request is refused', async () => {
    const { status, body } = await get(`${api.openMeteoUrl}/forecast`, {
      latitude: '40.69',
      longitude: '-74.17',
      current: 'mood',
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: true, reason: expect.stringContaining('mood') });
  });
});

describe('faults', () => {
  afterEach(() => api.setFaults(undefined));

  it.each([
    [{ kind: 'status', status: 503 } as const, 503],
    [{ kind: 'truncated' } as const, 200],
    [{ kind: 'html' } as const, 200],
  ])('answers with what %j leaves, and does not count it as served', async (fault, status) => {
    at('2020-01-02T20:30:00Z');
    api.setFaults(() => fault);
    const response = await fetch(`${api.url}/current.json?key=${LOCAL_WEATHER_KEY}&q=metar`);
    expect(response.status).toBe(status);
    await expect(response.json()).rejects.toThrow();
    expect(api.served()).not.toContain('metar 2020-01-02T20:10:00Z');
  });

  it('breaks the connection', async () => {
    api.setFaults(() => ({ kind: 'disconnect' }));
    await expect(current('station')).rejects.toThrow();
  });

  it('never answers while it is silent', async () => {
    api.setFaults(() => ({ kind: 'silence' }));
    const signal = AbortSignal.timeout(30);
    await expect(fetch(`${api.url}/current.json`, { signal })).rejects.toThrow();
  });

  it('turns numbers into texts', async () => {
    api.setFaults(() => ({ kind: 'wrongTypes' }));
    expect((await current('station')).body).toMatchObject({ current: { temp_c: expect.any(String) } });
  });

  it('fails at a rate, the same requests in every run, and lets the third attempt through', () => {
    const requests = Array.from({ length: 400 }, (_, minute) => ({
      path: '/current.json',
      locationId: 'station',
      at: new Date(Date.UTC(2020, 0, 1, 0, minute)),
    }));
    const kinds = (attempt: number): (string | undefined)[] => {
      const plan = weatherFaultsAtRate(0.3, 'seed');
      return requests.map((request) => plan({ ...request, attempt })?.kind);
    };
    expect(kinds(1)).toEqual(kinds(1));
    const failed = kinds(1).filter((kind) => kind !== undefined).length;
    expect(failed).toBeGreaterThan(80);
    expect(failed).toBeLessThan(160);
    expect(kinds(3).every((kind) => kind === undefined)).toBe(true);
  });
});
