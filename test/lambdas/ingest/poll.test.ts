import type { PollJob } from '../../../lambdas/ingest/events';
import { pollCurrent } from '../../../lambdas/ingest/poll';
import { scheduledKey } from '../../../lambdas/ingest/raw-objects';
import { deleteObjects, putObject } from '../../../lambdas/lake/s3';
import type { Location } from '../../../lambdas/weather/location';
import { NO_FORECAST } from '../../../lambdas/weather/observation';
import type { Outcome, Reading, WeatherProvider } from '../../../lambdas/weather/provider';
import { ProviderError } from '../../../lambdas/weather/provider-error';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { place } from '../weather/places';
import { rawLines } from './raw-lines';

const MINUTE = '2026-11-23T10:15:00Z';
const EWR = place('ewr');
const JFK = place('jfk');
const LGA = place('lga');

function reading(more: Partial<Reading['measured']> = {}): Reading {
  return {
    observedAt: '2026-11-23T10:00:00Z',
    measured: {
      temp_c: 11.7,
      dewpoint_c: 9.6,
      humidity_pct: 87,
      pressure_mb: 1012,
      wind_kph: 15.1,
      wind_degree: 210,
      gust_kph: null,
      precip_mm: 0,
      cloud_pct: 75,
      visibility_km: 14,
      uv: 1.2,
      condition_code: 1183,
      ...more,
    },
    payload: { current: { anything: ['new'] } },
    drifted: 0,
  };
}

/** Gives each location what `of` says, and fails for the others. */
function provider(of: Readonly<Record<string, Reading>>): WeatherProvider {
  const outcome = (location: Location): Outcome => {
    const given = of[location.id];
    return given
      ? { location, readings: [given] }
      : { location, failure: new ProviderError('unreachable', `${location.id}: answered 503`) };
  };
  return {
    current: async (locations) => locations.map(outcome),
    settledAfterHours: 48,
    async *history(locations) {
      yield* locations.map(outcome);
    },
  };
}

const scheduled: PollJob = {
  kind: 'poll',
  minute: MINUTE,
  locations: [EWR, JFK, LGA],
  origin: { type: 'schedule' },
};
const everywhere = { ewr: reading(), jfk: reading(), lga: reading() };

describe('a poll', () => {
  let local: LocalBucket;

  beforeEach(async () => {
    local = await openLocalBucket();
  });
  afterEach(() => local.close());

  const poll = (job: PollJob, of: Readonly<Record<string, Reading>>) =>
    pollCurrent(job, { provider: provider(of), source: 'weatherapi', bucket: local.bucket });
  const stored = async () =>
    Object.fromEntries(
      [...(await rawLines(local.bucket))].map(([key, lines]) => [key, lines.map((line) => line.location_id)]),
    );

  it('stores one object a minute, a line for each location, with columns and payload', async () => {
    const { result, failures } = await poll(scheduled, everywhere);
    expect(result).toEqual({ minute: MINUTE, source: 'weatherapi', stored: 3, skipped: 0 });
    expect(failures).toEqual([]);
    const objects = await rawLines(local.bucket);
    expect([...objects.keys()]).toEqual(['observations/dt=2026-11-23/hour=10/1015-weatherapi.ndjson.gz']);
    expect([...objects.values()][0]?.[0]).toEqual({
      location_id: 'ewr',
      observed_at: '2026-11-23T10:00:00Z',
      ingested_at: MINUTE,
      source: 'weatherapi',
      kind: 'current',
      ...reading().measured,
      ...NO_FORECAST,
      payload: { current: { anything: ['new'] } },
    });
  });

  it('stores hours that a reply lists beside its reading under their own days, marked', async () => {
    const hours = ['2026-11-22T23:00:00Z', '2026-11-23T00:00:00Z', '2026-11-23T01:00:00Z'];
    const listed = hours.map((observedAt) => ({ ...reading(), observedAt, payload: null }));
    const current = async () => [
      { location: EWR, readings: [reading()], listed },
      { location: JFK, readings: [reading()] },
    ];
    const dependencies = {
      provider: { ...provider({}), current },
      source: 'weatherapi',
      bucket: local.bucket,
    };
    const { result } = await pollCurrent(scheduled, dependencies);
    expect(result.stored).toBe(2);
    await pollCurrent(scheduled, dependencies);
    const objects = await rawLines(local.bucket);
    expect([...objects.keys()].map((key) => key.replace(/-[0-9a-f]{8}-/, '-#-'))).toEqual([
      'observations/dt=2026-11-22/hour=00/listed-weatherapi-#-20261123T101500Z.ndjson.gz',
      'observations/dt=2026-11-23/hour=00/listed-weatherapi-#-20261123T101500Z.ndjson.gz',
      'observations/dt=2026-11-23/hour=10/1015-weatherapi.ndjson.gz',
    ]);
    const lines = [...objects.values()].flat();
    expect(lines.map(({ kind, observed_at }) => [kind, observed_at])).toEqual([
      ...hours.map((hour) => ['listed', hour]),
      ['current', '2026-11-23T10:00:00Z'],
      ['current', '2026-11-23T10:00:00Z'],
    ]);
    expect(lines[0]).toMatchObject({ location_id: 'ewr', ingested_at: MINUTE, precip_mm: 0, payload: null });
  });

  it.each([
    ['the instant of the reply', '2026-11-23T10:15:07Z', '2026-11-23T10:15:07Z'],
    ['the instant of a reply that came twenty minutes late', '2026-11-23T10:35:01Z', '2026-11-23T10:35:01Z'],
    ['the minute of the run when the provider’s clock is slow', '2026-11-23T10:14:58Z', MINUTE],
    ['the minute of the run when the provider’s clock is absurd', '2036-11-23T10:15:00Z', MINUTE],
    ['the minute of the run when the reply has no date', undefined, MINUTE],
  ])('dates an observation with %s', async (_, date, expected) => {
    const repliedAt = date === undefined ? undefined : Date.parse(date);
    await poll(scheduled, { ...everywhere, jfk: { ...reading(), repliedAt } });
    const all = [...(await rawLines(local.bucket)).values()].flat();
    expect(all.find(({ location_id }) => location_id === 'jfk')?.ingested_at).toBe(expected);
  });

  it('stores what the same reply forecasts of the hour to come', async () => {
    const forecast = { hour: '2026-11-23T11:00:00Z', probability: 0.61, precipMm: 0.4 };
    await poll(scheduled, { ...everywhere, jfk: { ...reading(), forecast } });
    const all = [...(await rawLines(local.bucket)).values()].flat();
    expect(all.find(({ location_id }) => location_id === 'jfk')).toMatchObject({
      forecast_hour: '2026-11-23T11:00:00Z',
      forecast_probability: 0.61,
      forecast_precip_mm: 0.4,
    });
  });

  it('keeps the other locations when one of them fails, and names that one', async () => {
    const { result, failures } = await poll(scheduled, { ewr: reading(), lga: reading() });
    expect(result.stored).toBe(2);
    expect(failures).toEqual([{ location: 'jfk', reason: 'unreachable', message: 'jfk: answered 503' }]);
    expect(Object.values(await stored())).toEqual([['ewr', 'lga']]);
  });

  it('writes nothing when every location fails', async () => {
    const { result, failures } = await poll(scheduled, {});
    expect(result.stored).toBe(0);
    expect(failures).toHaveLength(3);
    expect(await stored()).toEqual({});
  });

  it('stores null for what can’t be and counts it', async () => {
    const { implausible } = await poll(scheduled, {
      ...everywhere,
      jfk: reading({ wind_kph: 1_685, temp_c: -120 }),
    });
    expect(implausible).toBe(2);
    const line = [...(await rawLines(local.bucket)).values()]
      .flat()
      .find(({ location_id }) => location_id === 'jfk');
    expect(line).toMatchObject({ wind_kph: null, temp_c: null, humidity_pct: 87 });
  });

  it('takes a reading whose temperature and rain can not be for a failure of its place, and no observation', async () => {
    const { failures, implausible } = await poll(scheduled, {
      ...everywhere,
      jfk: reading({ temp_c: -9_999, precip_mm: -9_999 }),
    });
    expect(failures).toEqual([
      {
        location: 'jfk',
        reason: 'nothing-measured',
        message: 'jfk: neither its temperature nor its rain is a value that can be',
      },
    ]);
    expect(implausible).toBe(2);
    expect(Object.values(await stored())).toEqual([['ewr', 'lga']]);
  });

  it('counts what was no number', async () => {
    const { implausible } = await poll(scheduled, { ...everywhere, jfk: { ...reading(), drifted: 1 } });
    expect(implausible).toBe(1);
  });

  it('counts readings whose words and amount disagree', async () => {
    const { contradictions } = await poll(scheduled, {
      ...everywhere,
      jfk: { ...reading(), contradicts: true },
    });
    expect(contradictions).toBe(1);
  });

  it('writes once when its event is delivered again, and when two deliveries run at once', async () => {
    const results = await Promise.all([poll(scheduled, everywhere), poll(scheduled, everywhere)]);
    results.push(await poll(scheduled, everywhere));
    expect(results.map(({ result }) => [result.stored, result.skipped]).sort()).toEqual([
      [0, 3],
      [0, 3],
      [3, 0],
    ]);
    expect(Object.values(await stored())).toEqual([['ewr', 'jfk', 'lga']]);
  });

  it('adds what an earlier delivery had failed to fetch, and nothing else', async () => {
    await poll(scheduled, { ewr: reading() });
    const second = await poll(scheduled, { ewr: reading(), lga: reading() });
    expect(second.result).toMatchObject({ stored: 1, skipped: 1 });
    expect(second.failures.map(({ location }) => location)).toEqual(['jfk']);
    expect(Object.values(await stored())).toEqual([['lga'], ['ewr']]);
  });

  it('stores its lines beside an object of an earlier delivery that nobody can read', async () => {
    const key = scheduledKey(scheduled.minute, 'weatherapi');
    await putObject(local.bucket, key, 'hello', 'application/x-ndjson');
    const { result } = await poll(scheduled, everywhere);
    expect(result).toMatchObject({ stored: 3, skipped: 0 });
    await deleteObjects(local.bucket, [key]);
    expect(Object.values(await stored())).toEqual([['ewr', 'jfk', 'lga']]);
  });

  it('does not name a location that an earlier delivery has stored', async () => {
    await poll(scheduled, everywhere);
    const { failures, result } = await poll(scheduled, { lga: reading() });
    expect(failures).toEqual([]);
    expect(result).toMatchObject({ stored: 0, skipped: 1 });
  });

  it('by hand never takes the place of the schedule’s, nor of another selection’s', async () => {
    const adHoc: PollJob = { ...scheduled, origin: { type: 'adhoc' } };
    await poll({ ...adHoc, locations: [JFK] }, everywhere);
    await poll({ ...adHoc, locations: [JFK, LGA] }, everywhere);
    await poll({ ...adHoc, locations: [LGA, JFK] }, everywhere);
    expect((await poll(scheduled, everywhere)).result.stored).toBe(3);
    const keys = Object.keys(await stored());
    expect(keys).toHaveLength(3);
    expect(keys[1]).toMatch(/hour=10\/1015-weatherapi-adhoc-[0-9a-f]{8}\.ndjson\.gz$/);
  });

  it('of each cadence and shard has a key of its own', async () => {
    for (const shard of [
      { everyMinutes: 1, shard: 0, shards: 2 },
      { everyMinutes: 1, shard: 1, shards: 2 },
      { everyMinutes: 5, shard: 0, shards: 1 },
      { everyMinutes: 1, shard: 0, shards: 1 },
    ]) {
      await poll({ ...scheduled, origin: { type: 'schedule', shard } }, everywhere);
    }
    expect(Object.keys(await stored()).map((key) => key.split('/').at(-1))).toEqual([
      '1015-weatherapi-every5.ndjson.gz',
      '1015-weatherapi-s0.ndjson.gz',
      '1015-weatherapi-s1.ndjson.gz',
      '1015-weatherapi.ndjson.gz',
    ]);
  });
});

describe('a poll whose reply of S3 is lost', () => {
  it('stores its lines once', async () => {
    let writes = 0;
    const local = await openLocalBucket(({ operation }) =>
      operation === 'PutObject' && ++writes === 1 ? { kind: 'lostReply' } : undefined,
    );
    const dependencies = { provider: provider(everywhere), source: 'weatherapi', bucket: local.bucket };
    const { failures } = await pollCurrent(scheduled, dependencies);
    expect(failures).toEqual([]);
    expect([...(await rawLines(local.bucket)).values()].flat()).toHaveLength(3);
    await local.close();
  });
});
