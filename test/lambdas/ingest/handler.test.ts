import { place } from '../weather/places';
import { weatherApiCurrent, weatherApiError, weatherApiHistory } from '../weather/replies';
import { type Answer, startWeatherServer, type WeatherServer } from '../weather/weather-server';
import { type DeployedIngest, deployIngest } from './deployed-ingest';
import { rawLines } from './raw-lines';

const KEY = 'k3y-of-the-test';
const NOW = Math.floor(Date.now() / 1_000);
const PLACES = ['ewr', 'jfk', 'lga'].map((id) => place(id, { query: id, timezone: 'America/New_York' }));
const MINUTE = '2026-11-23T10:15:00Z';

describe('the ingest function as deployed', () => {
  let weather: WeatherServer;
  let answer: (url: URL) => Answer;
  let ingest: DeployedIngest;

  beforeAll(async () => {
    weather = await startWeatherServer((url) => answer(url));
    ingest = await deployIngest({
      locations: PLACES,
      weatherUrl: weather.url,
      apiKey: KEY,
      // Eight seconds are kept for writing. One is left for asking, which a location that never answers costs in full.
      timeoutSeconds: 9,
      patience: 8,
    });
  });
  beforeEach(() => {
    answer = () => ({ json: weatherApiCurrent(NOW) });
  });
  afterAll(async () => {
    await ingest.close();
    await weather.close();
  });

  it('is smaller than 600 KB', () => {
    expect(ingest.bundleBytes).toBeLessThan(600_000);
  });

  it('tells which settings it was deployed with, and asks no provider for that', async () => {
    answer = () => {
      throw new Error('asked');
    };
    const { payload } = await ingest.invoke({ describe: 'settings' });
    expect(payload).toMatchObject({ stage: 'prod', provider: 'weatherapi', locations: PLACES });
    expect(JSON.stringify(payload)).not.toContain(KEY);
  });

  it('stores a scheduled minute once, and says so', async () => {
    const event = { scheduledTime: MINUTE, everyMinutes: 1, shard: 0, shards: 1 };
    const expected = { minute: MINUTE, source: 'weatherapi' };
    expect((await ingest.invoke(event)).payload).toEqual({ ...expected, stored: 3, skipped: 0 });
    expect((await ingest.invoke(event)).payload).toEqual({ ...expected, stored: 0, skipped: 3 });
    expect((await rawLines(ingest.bucket, 'observations/dt=2026-11-23/')).size).toBe(1);
  });

  it('stores what it has and fails naming the rest, with the reason', async () => {
    answer = (url) =>
      url.searchParams.get('q') === 'jfk'
        ? { status: 400, json: weatherApiError(1006, 'No matching location found.') }
        : { json: weatherApiCurrent(NOW) };
    const { functionError } = await ingest.invoke({ scheduledTime: '2026-11-24T00:00:00Z' });
    expect(functionError).toMatchObject({
      kind: 'thrown',
      errorType: 'LocationsFailed',
      errorMessage:
        '1 of 3 locations failed: jfk. current conditions of jfk: WeatherAPI.com answered 400 (error 1006: No matching location found.)',
    });
    const [lines] = (await rawLines(ingest.bucket, 'observations/dt=2026-11-24/')).values();
    expect(lines?.map(({ location_id }) => location_id)).toEqual(['ewr', 'lga']);
  });

  it('leaves itself the time to store what it has when a location never answers', async () => {
    answer = (url) => (url.searchParams.get('q') === 'lga' ? 'hang' : { json: weatherApiCurrent(NOW) });
    const { functionError } = await ingest.invoke({ scheduledTime: '2026-11-25T00:00:00Z' });
    expect(functionError).toMatchObject({ errorType: 'LocationsFailed' });
    const [lines] = (await rawLines(ingest.bucket, 'observations/dt=2026-11-25/')).values();
    expect(lines?.map(({ location_id }) => location_id)).toEqual(['ewr', 'jfk']);
  });

  it('stores a day of history, and tells a day that can’t be had from one that failed', async () => {
    const day = Date.parse('2026-10-01T00:00:00Z') / 1_000;
    const epochs = Array.from({ length: 24 }, (_, hour) => day + hour * 3_600);
    // Both local dates give the same answer here; an hour that is there twice counts once.
    answer = () => ({ json: weatherApiHistory(epochs) });
    const backfill = { backfill: { date: '2026-10-01' }, at: MINUTE };
    const expected = { date: '2026-10-01', source: 'weatherapi' };
    expect((await ingest.invoke(backfill)).payload).toEqual({
      ...expected,
      stored: 144,
      skipped: 0,
      unfinished: 0,
    });

    answer = () => ({ status: 400, json: weatherApiError(1008, 'API key is limited.') });
    const gone = await ingest.invoke({ backfill: { date: '2026-09-01' }, at: MINUTE });
    expect(gone.functionError).toMatchObject({
      errorType: 'HistoryNotInPlan',
      errorMessage: expect.stringContaining(
        'The plan holds no history of 2026-09-01 for 3 of 3 locations: ewr, jfk, lga.',
      ),
    });

    answer = (url) => ({
      status: 400,
      json: weatherApiError(url.searchParams.get('q') === 'ewr' ? 1007 : 1008, 'Because.'),
    });
    const nowhere = await ingest.invoke({ backfill: { date: '2026-09-03' }, at: MINUTE });
    expect(nowhere.functionError).toMatchObject({ errorType: 'DayNotAvailable' });

    answer = (url) => ({
      status: 400,
      json: weatherApiError(url.searchParams.get('q') === 'ewr' ? 1005 : 1008, 'Because.'),
    });
    const failed = await ingest.invoke({ backfill: { date: '2026-09-02' }, at: MINUTE });
    expect(failed.functionError).toMatchObject({ errorType: 'LocationsFailed' });
  });

  it('refuses an event that makes no sense', async () => {
    const { functionError } = await ingest.invoke({ locations: ['lax'] });
    expect(functionError).toMatchObject({
      errorType: 'EventRefused',
      errorMessage:
        'The event was refused. locations[0]: unknown location "lax"; configured are ewr, jfk, lga',
    });
  });

  it('uses a key that was rotated under it', async () => {
    answer = (url) =>
      url.searchParams.get('key') === 'k3y-that-is-new'
        ? { json: weatherApiCurrent(NOW) }
        : { status: 401, json: weatherApiError(2006, 'API key is invalid.') };
    ingest.secrets.setSecret('garoa/weather-api-key', 'k3y-that-is-new');
    expect((await ingest.invoke({ scheduledTime: '2026-11-26T00:00:00Z' })).payload).toMatchObject({
      stored: 3,
    });
  });
});

describe('the ingest function with Open-Meteo', () => {
  it('needs no secret, and asks another host for history', async () => {
    const day = Date.parse('2026-10-01T00:00:00Z') / 1_000;
    const time = Array.from({ length: 48 }, (_, hour) => day + hour * 3_600);
    const weather = await startWeatherServer((url) => ({
      json: [0, 1, 2].map(() =>
        url.pathname.startsWith('/archive')
          ? { hourly: { time, precipitation: time.map(() => 0) } }
          : { current: { time: day + 900, temperature_2m: 3 } },
      ),
    }));
    const ingest = await deployIngest({ provider: 'open-meteo', locations: PLACES, weatherUrl: weather.url });
    try {
      const polled = await ingest.invoke({ scheduledTime: MINUTE });
      expect(polled.payload).toEqual({ minute: MINUTE, source: 'open-meteo', stored: 3, skipped: 0 });
      const filled = await ingest.invoke({ backfill: { date: '2026-10-01' }, at: MINUTE });
      expect(filled.payload).toEqual({
        date: '2026-10-01',
        source: 'open-meteo',
        stored: 72,
        skipped: 0,
        unfinished: 0,
      });
      expect(new Set(weather.requests.map((url) => url.pathname))).toEqual(
        new Set(['/forecast', '/archive/forecast']),
      );
    } finally {
      await ingest.close();
      await weather.close();
    }
  });
});

describe('the log of a run', () => {
  let weather: WeatherServer;
  let ingest: DeployedIngest;

  afterEach(async () => {
    await ingest.close();
    await weather.close();
  });

  it('counts what was stored, refused and tried in vain, and names the locations that failed', async () => {
    weather = await startWeatherServer((url, count) => {
      if (url.searchParams.get('q') === 'jfk') return { status: 404, text: 'no' };
      return count === 1 ? { status: 503, text: 'no' } : { json: weatherApiCurrent(NOW, { temp_c: 99 }) };
    });
    ingest = await deployIngest({ locations: PLACES, weatherUrl: weather.url, apiKey: KEY });
    await ingest.invoke({ scheduledTime: MINUTE });
    const { log } = await ingest.close();
    const lines = log
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({
        stored: 2,
        implausible: 2,
        failed: 1,
        providerErrors: 2,
        failedAt: MINUTE,
        failedLocations: 'jfk',
      }),
    );
    // Errors and invocations are Lambda's to count: no poll sends a metric that would be paid for.
    expect(log).not.toContain('CloudWatchMetrics');
  });
});
