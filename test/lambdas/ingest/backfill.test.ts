import { gzipSync } from 'node:zlib';
import { backfillDay } from '../../../lambdas/ingest/backfill';
import type { BackfillJob } from '../../../lambdas/ingest/events';
import { getObject, putObject } from '../../../lambdas/lake/s3';
import { NOTHING_MEASURED } from '../../../lambdas/weather/observation';
import type { WeatherProvider } from '../../../lambdas/weather/provider';
import { ProviderError } from '../../../lambdas/weather/provider-error';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { place } from '../weather/places';
import { rawLines } from './raw-lines';

const DATE = '2026-11-22';
const PLACES = [place('ewr'), place('jfk'), place('lga')];
const DRY = { ...NOTHING_MEASURED, precip_mm: 0 };
const job: BackfillJob = {
  kind: 'backfill',
  date: DATE,
  locations: PLACES,
  force: false,
  at: '2026-11-26T10:15:00Z',
};

describe('the backfill of a day', () => {
  let local: LocalBucket;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    local = await openLocalBucket();
  });
  afterEach(() => local.close());

  /** Has the hours of every location but of those it fails for; of some only the first few. */
  function provider(
    fails: Readonly<Record<string, ProviderError>> = {},
    hours: Readonly<Record<string, number>> = {},
  ): WeatherProvider {
    return {
      settledAfterHours: 48,
      current: async () => [],
      async *history(locations, day) {
        for (const location of locations) {
          asked.push(location.id);
          const failure = fails[location.id];
          if (failure) {
            yield { location, failure };
            continue;
          }
          const readings = Array.from({ length: hours[location.id] ?? 24 }, (_, hour) => ({
            observedAt: `${day}T${String(hour).padStart(2, '0')}:00:00Z`,
            measured: DRY,
            payload: { hour },
            drifted: 0,
          }));
          yield { location, readings };
        }
      },
    };
  }
  const run = (
    more: Partial<BackfillJob> = {},
    fails: Readonly<Record<string, ProviderError>> = {},
    hours: Readonly<Record<string, number>> = {},
  ) =>
    backfillDay(
      { ...job, ...more },
      { provider: provider(fails, hours), source: 'weatherapi', bucket: local.bucket },
    );
  const lines = async () => [...(await rawLines(local.bucket)).values()].flat();

  it('stores the hours of all locations as one object in the day’s first partition', async () => {
    const { result, failures } = await run();
    expect(result).toEqual({ date: DATE, source: 'weatherapi', stored: 72, skipped: 0, unfinished: 0 });
    expect(failures).toEqual([]);
    const keys = [...(await rawLines(local.bucket)).keys()];
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatch(
      /^observations\/dt=2026-11-22\/hour=00\/history-weatherapi-[0-9a-f]{8}-20261126T101500Z\.ndjson\.gz$/,
    );
    expect((await lines())[23]).toMatchObject({
      location_id: 'ewr',
      observed_at: '2026-11-22T23:00:00Z',
      ingested_at: '2026-11-26T10:15:00Z',
      kind: 'history',
      payload: { hour: 23 },
    });
  });

  it('asks for nothing that is stored already', async () => {
    await run();
    asked = [];
    expect((await run()).result).toMatchObject({ stored: 0, skipped: 3 });
    expect(asked).toEqual([]);
  });

  it.each([
    ['breaks off', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 20)],
    ['is no gzip', () => Buffer.from('hello')],
    ['has a broken line', () => gzipSync('{"location_id":"ewr",\n')],
  ])('of which a stored object %s is fetched again', async (_, damage) => {
    await run();
    const [key = ''] = (await rawLines(local.bucket)).keys();
    const stored = await getObject(local.bucket, key);
    await putObject(local.bucket, key, damage(stored?.bytes ?? new Uint8Array()), 'application/x-ndjson');
    asked = [];
    const { failures } = await run();
    expect(failures).toEqual([]);
    expect(asked.length).toBeGreaterThan(0);
  });

  it('goes on with the locations that failed before', async () => {
    const first = await run({}, { jfk: new ProviderError('unreachable', 'jfk: answered 503') });
    expect(first.result).toMatchObject({ stored: 48, skipped: 0 });
    expect(first.failures).toEqual([
      { location: 'jfk', reason: 'unreachable', message: 'jfk: answered 503' },
    ]);
    asked = [];
    expect((await run()).result).toMatchObject({ stored: 24, skipped: 2 });
    expect(asked).toEqual(['jfk']);
    const rows = (await lines()).map(({ location_id, observed_at }) => `${location_id} ${observed_at}`);
    expect(new Set(rows).size).toBe(72);
    expect(rows).toHaveLength(72);
  });

  it('fetches everything again when forced, and keeps what was there', async () => {
    await run();
    asked = [];
    const at = '2026-11-27T00:00:00Z';
    expect((await run({ force: true, at })).result).toMatchObject({ stored: 72, skipped: 0 });
    expect(asked).toHaveLength(3);
    const all = await lines();
    expect(all).toHaveLength(144);
    expect(all.filter(({ ingested_at }) => ingested_at === at)).toHaveLength(72);
  });

  it('is unfinished while hours are lacking, and asked for again until they are there', async () => {
    const first = await run({}, {}, { jfk: 5 });
    expect(first.result).toMatchObject({ stored: 53, unfinished: 1 });
    asked = [];
    // The same event once more, such as after a death.
    expect((await run()).result).toMatchObject({ stored: 24, skipped: 2, unfinished: 0 });
    expect(asked).toEqual(['jfk']);
    expect((await run()).result).toMatchObject({ skipped: 3 });
  });

  it('that served fewer hours later loses none of those that it served before', async () => {
    await run({}, {}, { jfk: 16 });
    await run({ at: '2026-11-27T00:00:00Z' }, {}, { jfk: 2 });
    const hours = (await lines()).filter(({ location_id }) => location_id === 'jfk');
    expect(new Set(hours.map(({ observed_at }) => observed_at)).size).toBe(16);
  });

  it('that was fetched before the provider had settled it is asked for again, once', async () => {
    await run({ at: '2026-11-23T00:06:00Z' });
    asked = [];
    expect((await run({ at: '2026-11-24T22:59:00Z' })).result).toMatchObject({ stored: 72, skipped: 0 });
    expect((await run({ at: '2026-11-25T00:06:00Z' })).result).toMatchObject({ stored: 72, skipped: 0 });
    expect((await run({ at: '2026-11-25T00:07:00Z' })).result).toMatchObject({ stored: 0, skipped: 3 });
  });

  it('of which the rain is unknown is not done', async () => {
    const unknown = provider();
    const dry = {
      ...unknown,
      async *history(...asking: Parameters<WeatherProvider['history']>) {
        for await (const outcome of unknown.history(...asking)) {
          yield 'readings' in outcome
            ? {
                ...outcome,
                readings: outcome.readings.map((one) => ({
                  ...one,
                  measured: { ...DRY, temp_c: 4, precip_mm: null },
                })),
              }
            : outcome;
        }
      },
    };
    const { result } = await backfillDay(job, { provider: dry, source: 'weatherapi', bucket: local.bucket });
    expect(result).toMatchObject({ stored: 72, unfinished: 3 });
    expect((await run()).result).toMatchObject({ stored: 72, skipped: 0 });
  });

  it('of many places is stored in parts as it comes: a death costs the last one, and only that is fetched again', async () => {
    const many = Array.from({ length: 250 }, (_, index) => place(`p${index}`));
    const whole = provider();
    const dying = {
      ...whole,
      async *history(...asking: Parameters<WeatherProvider['history']>) {
        for await (const outcome of whole.history(...asking)) {
          if (asked.length > 220) throw new Error('died');
          yield outcome;
        }
      },
    };
    const dependencies = { source: 'weatherapi', bucket: local.bucket };
    await expect(
      backfillDay({ ...job, locations: many }, { ...dependencies, provider: dying }),
    ).rejects.toThrow('died');
    expect(await lines()).toHaveLength(200 * 24);
    asked = [];
    const { result } = await backfillDay({ ...job, locations: many }, { ...dependencies, provider: whole });
    expect(result).toMatchObject({ stored: 50 * 24, skipped: 200 });
    expect(asked).toHaveLength(50);
  });

  it('of some locations leaves the others for later', async () => {
    await run({ locations: PLACES.slice(0, 1) });
    expect((await run()).result).toMatchObject({ stored: 48, skipped: 1 });
  });

  it('writes nothing when the provider has nothing', async () => {
    const gone = new ProviderError('day-not-available', 'no readings');
    const { result, failures } = await run({}, { ewr: gone, jfk: gone, lga: gone });
    expect(result.stored).toBe(0);
    expect(failures.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 3 }, () => 'day-not-available'),
    );
    expect(await lines()).toEqual([]);
  });
});
