import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino';
import fc from 'fast-check';
import * as z from 'zod';
import { rawLinesOf } from '../../../../lambdas/ingest/raw-objects';
import { createTableText, runQuery } from '../../../../lambdas/lake/athena';
import { keys } from '../../../../lambdas/lake/layout';
import { deleteObjects, listObjects, putObject } from '../../../../lambdas/lake/s3';
import { agreementSql } from '../../../../lambdas/lake/sql/agreement';
import { hourlyObservationsSql } from '../../../../lambdas/lake/sql/hourly-observations';
import { VIEWS } from '../../../../lambdas/lake/sql/views';
import { addDays, addHours, utcSecond } from '../../../../lambdas/runtime/time';
import { createExchange } from '../../../../lambdas/weather/exchange';
import { NO_FORECAST, NOTHING_MEASURED, type Observation } from '../../../../lambdas/weather/observation';
import type { Outcome } from '../../../../lambdas/weather/provider';
import { PROVIDERS, type ProviderName } from '../../../../lambdas/weather/providers';
import { readRecording } from '../../../../lib/recorded-weather/observation-file/read';
import { NO_ERRORS } from '../../../../lib/recorded-weather/weather-api/manners';
import { startWeatherApi } from '../../../../lib/recorded-weather/weather-api/server';
import { LOCAL_WEATHER_KEY } from '../../../../lib/recorded-weather/weather-api/weatherapi';
import { ndjson, startTestCloud, type TestCloud } from '../../../lib/local/support';
import { collected } from '../../weather/outcomes';
import { UNHURRIED } from '../../weather/unhurried';

const golden = (name: string) => readFileSync(join(__dirname, 'golden', name), 'utf8').trimEnd();

/** A polled reading of sao-paulo with everything unknown but what is given. */
function reading(observedAt: string, given: Partial<Observation> = {}): Observation {
  return {
    location_id: 'sao-paulo',
    observed_at: observedAt,
    ingested_at: observedAt,
    source: 'weatherapi',
    kind: 'current',
    ...NOTHING_MEASURED,
    ...NO_FORECAST,
    ...given,
  };
}

/** What the provider's history says of an hour, fetched long after it was settled. */
function history(hour: string, given: Partial<Observation> = {}): Observation {
  return reading(hour, { kind: 'history', ingested_at: addHours(hour, 72), ...given });
}

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud({ now: () => new Date('2027-01-01T00:00:00Z') });
});
afterAll(() => cloud.close());

/** Rows of the SELECT for the day(s) on the local Athena, over lines that lie where ingest puts them. */
async function aggregate(
  lines: readonly object[],
  order: {
    from?: string;
    to?: string;
    closedBefore?: string;
    threshold?: number;
    hourlyMinute?: number;
  } = {},
): Promise<Record<string, unknown>[]> {
  const raw = { client: cloud.s3, name: 'raw' };
  const there = await listObjects(raw, '');
  await deleteObjects(
    raw,
    there.map(({ key }) => key),
  );
  const partitions = new Map<string, object[]>();
  for (const line of lines) {
    const { observed_at, ingested_at, kind } = placeSchema.parse(line);
    const prefix =
      kind !== 'current'
        ? keys.rawHour(observed_at.slice(0, 10), '00')
        : keys.rawHour(ingested_at?.slice(0, 10) ?? '2026-11-23', ingested_at?.slice(11, 13) ?? '12');
    partitions.set(prefix, [...(partitions.get(prefix) ?? []), line]);
  }
  for (const [prefix, rows] of partitions) {
    await putObject(raw, `${prefix}all.ndjson.gz`, ndjson(rows), 'application/gzip');
  }
  const sql = hourlyObservationsSql({
    database: 'garoa',
    from: order.from ?? '2026-11-23',
    to: order.to ?? order.from ?? '2026-11-23',
    closedBefore: order.closedBefore ?? '2027-01-01T00:00:00Z',
    rainThresholdMm: order.threshold ?? 0.1,
    hourlyMinute: order.hourlyMinute ?? 5,
    settledAfterHours: 48,
  });
  const access = {
    client: cloud.athena,
    s3: cloud.s3,
    workgroup: 'garoa-prod',
    database: 'garoa',
    remainingMs: () => 3_600_000,
  };
  return runQuery(access, { sql, row: z.record(z.string(), z.unknown()) });
}

const placeSchema = z.object({
  observed_at: z.string(),
  ingested_at: z.string().optional(),
  kind: z.string(),
});

describe('texts', () => {
  const sql = hourlyObservationsSql({
    database: 'garoa',
    from: '2026-11-22',
    to: '2026-11-23',
    closedBefore: '2026-11-23T11:00:00Z',
    rainThresholdMm: 0.1,
    hourlyMinute: 5,
    settledAfterHours: 48,
  });
  const ctas = createTableText('garoa', 'staging_hourly_20261123t1105_0123456789ab_1', {
    select: sql,
    partitionedBy: ['dt'],
    bucketedBy: { column: { name: 'location_id', type: 'string' }, buckets: 1 },
  });
  const views = VIEWS.map((view) => [view.name, view.sql('garoa')] as const);

  it('are the ones that were reviewed', () => {
    expect(ctas).toBe(golden('commit.sql'));
    for (const [name, text] of views) {
      expect(text).toBe(golden(`${name}.sql`));
    }
  });

  it("follow Trino's grammar", () => {
    const parser = new TrinoSQL();
    const agreement = agreementSql({
      database: 'garoa',
      from: '2026-11-20',
      to: '2026-11-20',
      closedBefore: '2026-11-23T00:00:00Z',
      rainThresholdMm: 0.1,
      hourlyMinute: 5,
      settledAfterHours: 48,
    });
    expect(parser.validate(agreement)).toEqual([]);
    expect(parser.validate(ctas)).toEqual([]);
    for (const [, text] of views) {
      expect(parser.validate(text)).toEqual([]);
    }
    expect(parser.validate('SELECT x::int FROM t')).not.toEqual([]);
  });

  it('refuse hostile names and dates', () => {
    const query = {
      from: '2026-11-23',
      to: '2026-11-23',
      closedBefore: '2026-11-24T00:00:00Z',
      rainThresholdMm: 0.1,
      hourlyMinute: 5,
      settledAfterHours: 48,
    };
    expect(() => hourlyObservationsSql({ ...query, database: 'garoa"; --' })).toThrow('no identifier');
    expect(() => hourlyObservationsSql({ ...query, database: 'garoa', from: "2026-11-23' OR 1=1" })).toThrow(
      'no date',
    );
  });
});

describe('what is known of an hour', () => {
  it('is the last of its readings, each column from the last that has it', async () => {
    const rows = await aggregate([
      reading('2026-11-23T10:00:00Z', { temp_c: 20.1, pressure_mb: 1010, gust_kph: 40, precip_mm: 3, uv: 5 }),
      reading('2026-11-23T10:30:00Z', { temp_c: 20.4, pressure_mb: 1011, gust_kph: 12, precip_mm: 0.3 }),
      reading('2026-11-23T10:59:59Z', { temp_c: 20.7, gust_kph: 9, precip_mm: 0.2, visibility_km: 9 }),
      reading('2026-11-23T11:00:00Z', { temp_c: 99 }),
    ]);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      location_id: 'sao-paulo',
      hour: '2026-11-23T10:00:00Z',
      kind: 'polled',
      observation_count: 3,
      covered_minutes: 45,
      settled_at: null,
      source: 'weatherapi',
      rain_threshold_mm: 0.1,
      temp_c: 20.7,
      pressure_mb: 1011,
      gust_kph: 9,
      visibility_km: 9,
      uv: 5,
      known_precip_mm: 0.2,
      known_rained: true,
      precip_mm: 0.2,
      rained: true,
      dt: '2026-11-23',
    });
  });

  it('is not what a poll tells that comes twenty minutes late: that is seen in truth only', async () => {
    const early = reading('2026-11-23T10:45:00Z', {
      ingested_at: '2026-11-23T10:50:00Z',
      temp_c: 20,
      precip_mm: 0,
    });
    const late = reading('2026-11-23T10:59:00Z', {
      ingested_at: '2026-11-23T11:19:00Z',
      temp_c: 17,
      precip_mm: 4,
    });
    const [row] = await aggregate([early, late]);
    expect(row).toMatchObject({ temp_c: 20, known_precip_mm: 0, known_rained: false });
    expect(row).toMatchObject({ precip_mm: 4, rained: true, kind: 'polled', settled_at: null });
    const [alone] = await aggregate([late]);
    expect(alone).toMatchObject({ temp_c: null, known_precip_mm: null, known_rained: null, precip_mm: 4 });
  });

  it('ends a minute before the hour is closed', async () => {
    const at = (ingested_at: string) =>
      reading('2026-11-23T10:59:59Z', { ingested_at, temp_c: 20, precip_mm: 0 });
    const known = async (instant: string, hourlyMinute: number) =>
      (await aggregate([at(instant)], { hourlyMinute }))[0]?.temp_c;
    expect(await known('2026-11-23T11:03:59Z', 5)).toBe(20);
    expect(await known('2026-11-23T11:04:00Z', 5)).toBeNull();
    expect(await known('2026-11-23T11:18:59Z', 20)).toBe(20);
  });

  it('is what the latest poll said, where several saw one reading', async () => {
    const polls = Array.from({ length: 15 }, (_, minute) =>
      reading('2026-11-23T10:45:00Z', {
        ingested_at: `2026-11-23T10:${45 + minute}:00Z`,
        temp_c: minute === 14 ? 21 : 20,
        precip_mm: 0,
      }),
    );
    const [row] = await aggregate([...polls, ...polls]);
    expect(row).toMatchObject({ observation_count: 1, covered_minutes: 15, temp_c: 21 });
  });

  it('comes from history where no poll in time knows rain and temperature', async () => {
    const settled = history('2026-11-23T10:00:00Z', { temp_c: 18, humidity_pct: 90, precip_mm: 0.4 });
    const useless = reading('2026-11-23T10:50:00Z', { temp_c: 19 });
    expect((await aggregate([settled, useless]))[0]).toMatchObject({
      kind: 'settled',
      temp_c: 18,
      humidity_pct: 90,
      known_precip_mm: 0.4,
      precip_mm: 0.4,
      covered_minutes: 60,
    });
    const useful = reading('2026-11-23T10:50:00Z', { temp_c: 19, precip_mm: 0 });
    expect((await aggregate([settled, useful]))[0]).toMatchObject({
      kind: 'both',
      temp_c: 19,
      humidity_pct: null,
      known_precip_mm: 0,
      known_rained: false,
      precip_mm: 0.4,
      rained: true,
      settled_at: '2026-11-26T10:00:00Z',
    });
  });

  it('keeps a single reading as it is, to the last digit, and is unknown where nothing was measured', async () => {
    const [row] = await aggregate([reading('2026-11-23T10:51:00Z', { temp_c: 12.02, dewpoint_c: -0.1 })]);
    expect(row).toMatchObject({ temp_c: 12.02, dewpoint_c: -0.1, known_precip_mm: null, known_rained: null });
    expect(row).toMatchObject({ pressure_mb: null, wind_u_kph: null, precip_mm: null, rained: null });
  });

  it('changes in nothing when the hour after is another', async () => {
    const hour = [
      reading('2026-11-23T10:50:00Z', { temp_c: 20, precip_mm: 0 }),
      history('2026-11-23T10:00:00Z', { temp_c: 19, precip_mm: 0 }),
    ];
    const next = (precip_mm: number) => [
      reading('2026-11-23T11:01:00Z', { temp_c: 15, precip_mm, visibility_km: 1, cloud_pct: 100 }),
      reading('2026-11-23T11:50:00Z', { temp_c: 15, precip_mm, visibility_km: 1, cloud_pct: 100 }),
      history('2026-11-23T11:00:00Z', { temp_c: 15, precip_mm, visibility_km: 1, cloud_pct: 100 }),
    ];
    const [dry] = await aggregate([...hour, ...next(0)]);
    const [wet] = await aggregate([...hour, ...next(9)]);
    expect(wet).toEqual(dry);
  });
});

describe('what is true of an hour', () => {
  it('is not told by one early poll and silence: it is not known to be dry', async () => {
    const line = readFileSync(join(__dirname, 'cases', 'partial-hour.ndjson'), 'utf8');
    const [row] = await aggregate([JSON.parse(line)]);
    expect(row).toMatchObject({ precip_mm: null, rained: null, covered_minutes: 15 });
  });

  it('is known for forecasting by an early poll that came in time', async () => {
    const [row] = await aggregate([reading('2026-11-23T12:00:00Z', { temp_c: 10, precip_mm: 0 })]);
    expect(row).toMatchObject({ known_precip_mm: 0, known_rained: false, precip_mm: null, rained: null });
  });

  it('is the settled history, column by column, and never null where something was measured', async () => {
    const rows = await aggregate([
      reading('2026-11-23T10:50:00Z', { temp_c: 20, precip_mm: 0 }),
      history('2026-11-23T10:00:00Z', { ingested_at: '2026-11-26T00:10:00Z', temp_c: 18, precip_mm: 1.2 }),
      history('2026-11-23T10:00:00Z', { ingested_at: '2026-11-27T00:10:00Z', temp_c: 17 }),
      reading('2026-11-23T11:50:00Z', { temp_c: 21, precip_mm: 0.5 }),
      history('2026-11-23T11:00:00Z', { temp_c: 18 }),
    ]);
    expect(rows[0]).toMatchObject({ precip_mm: 1.2, rained: true, settled_at: '2026-11-26T00:10:00Z' });
    expect(rows[1]).toMatchObject({ precip_mm: 0.5, rained: true, settled_at: null, kind: 'polled' });
  });

  it('is provisional until the provider has settled it', async () => {
    const poll = reading('2026-11-23T10:50:00Z', { temp_c: 20, precip_mm: 0 });
    const early = history('2026-11-23T10:00:00Z', {
      ingested_at: '2026-11-25T09:59:59Z',
      temp_c: 19,
      precip_mm: 0.7,
    });
    expect((await aggregate([poll, early]))[0]).toMatchObject({
      kind: 'polled',
      precip_mm: 0,
      settled_at: null,
    });
    expect((await aggregate([early]))[0]).toMatchObject({
      kind: 'settled',
      precip_mm: 0.7,
      settled_at: null,
    });
    const settled = { ...early, ingested_at: '2026-11-25T10:00:00Z' };
    expect((await aggregate([poll, settled]))[0]).toMatchObject({
      kind: 'both',
      precip_mm: 0.7,
      settled_at: '2026-11-25T10:00:00Z',
    });
  });

  describe('where a poll of the day’s last hour listed it and no history came', () => {
    const poll = reading('2026-11-23T10:50:00Z', { temp_c: 20, precip_mm: 0 });
    const listed = reading('2026-11-23T10:00:00Z', {
      kind: 'listed',
      ingested_at: '2026-11-24T02:56:00Z',
      temp_c: 15,
      precip_mm: 0.8,
    });
    const due = { closedBefore: '2026-11-25T10:00:00Z' };

    it('is what the list says once history would have settled, and the row says so; what was known stays', async () => {
      const [row] = await aggregate([poll, listed], due);
      expect(row).toMatchObject({ kind: 'listed', precip_mm: 0.8, rained: true, settled_at: null });
      expect(row).toMatchObject({ temp_c: 20, known_precip_mm: 0, known_rained: false, covered_minutes: 15 });
    });

    it('is what polls told until then', async () => {
      const before = await aggregate([poll, listed], { closedBefore: '2026-11-25T09:00:00Z' });
      expect(before).toEqual(await aggregate([poll], { closedBefore: '2026-11-25T09:00:00Z' }));
      expect(before[0]).toMatchObject({ kind: 'polled', precip_mm: 0, rained: false });
    });

    it('is history where history has come', async () => {
      const settled = history('2026-11-23T10:00:00Z', { temp_c: 18, precip_mm: 0.3 });
      expect((await aggregate([poll, listed, settled], due))[0]).toMatchObject({
        kind: 'both',
        precip_mm: 0.3,
        known_precip_mm: 0,
      });
    });

    it('is known of an hour that nobody polled, of which nothing was known', async () => {
      expect((await aggregate([listed], due))[0]).toMatchObject({
        kind: 'listed',
        temp_c: null,
        known_precip_mm: null,
        precip_mm: 0.8,
        covered_minutes: 0,
      });
    });
  });

  it('counts as wet from the threshold on', async () => {
    const readings = [reading('2026-11-23T10:50:00Z', { temp_c: 9, precip_mm: 0.254 })];
    const rained = async (threshold: number) => (await aggregate(readings, { threshold }))[0];
    expect(await rained(0.254)).toMatchObject({ rained: true, known_rained: true, rain_threshold_mm: 0.254 });
    expect(await rained(0.3)).toMatchObject({ rained: false, known_rained: false });
    expect(await rained(1e-7)).toMatchObject({ rained: true });
  });

  it('exists for closed hours only', async () => {
    const readings = [reading('2026-11-23T10:59:00Z'), reading('2026-11-23T11:00:00Z')];
    const rows = await aggregate(readings, { closedBefore: '2026-11-23T11:00:00Z' });
    expect(rows.map(({ hour }) => hour)).toEqual(['2026-11-23T10:00:00Z']);
  });
});

/** The day on which New York goes back to winter time; nothing may shift. */
const AUTUMN = '2013-11-03';
const HOURS = Array.from({ length: 24 }, (_, h) => addHours(`${AUTUMN}T00:00:00Z`, h));
const MINUTE_MS = 60_000;

describe.each<[ProviderName, 'start' | 'end']>([
  ['weatherapi', 'start'],
  ['open-meteo', 'end'],
])("one hour's weather through %s", (name, stamped) => {
  const rainOf = (h: number) => (h % 3 === 0 ? 1.5 : 0);
  /** Of the hour's end; temperature moves by half a degree in an hour. */
  const airOf = (h: number) => 10 + h / 2;
  const { closingPoll } = PROVIDERS[name];
  let polls: readonly Observation[];
  let past: readonly Observation[];

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'garoa-hour-'));
    const rows = Array.from({ length: 72 }, (_, i) => {
      const h = i - 24;
      return `jfk,${addHours(HOURS[0] ?? '', h)},${airOf(h)},70,1012,${rainOf(h)}`;
    });
    const header = 'location_id,observed_at,temp_c,humidity_pct,pressure_mb,precip_mm';
    writeFileSync(join(directory, 'w.csv'), [header, ...rows].join('\n'));
    const jfk = { id: 'jfk', latitude: 40.64, longitude: -73.78, timezone: 'America/New_York' };
    writeFileSync(join(directory, 'w.json'), JSON.stringify({ locations: [jfk] }));
    const recording = await readRecording(join(directory, 'w.csv'));
    let now = Date.parse(`${AUTUMN}T00:00:00Z`);
    const api = await startWeatherApi({ recording, manners: NO_ERRORS, now: () => new Date(now) });
    const addresses =
      name === 'weatherapi'
        ? { api: api.url }
        : { api: api.openMeteoUrl, archive: api.historicalForecastUrl };
    const key = async () => LOCAL_WEATHER_KEY;
    const exchange = createExchange({ ...UNHURRIED, apiKey: { howToSet: '', current: key, renewed: key } });
    const provider = PROVIDERS[name].connect({ addresses, exchange });
    const linesOf = (outcomes: readonly Outcome[], kind: Observation['kind']) => {
      const { lines, failures } = rawLinesOf(outcomes, { at: utcSecond(now), source: name, kind });
      expect(failures).toEqual([]);
      return lines.map(({ payload, ...line }) => line);
    };
    const polled: Observation[] = [];
    // The first minutes of the next day close the last hour.
    for (let minute = 0; minute < 24 * 60 + 4; minute += 1, now += MINUTE_MS) {
      polled.push(...linesOf(await provider.current(recording.locations, utcSecond(now)), 'current'));
    }
    polls = polled;
    now += 72 * 60 * MINUTE_MS;
    past = linesOf(await collected(provider.history(recording.locations, AUTUMN)), 'history');
    await api.close();
    rmSync(directory, { recursive: true });
  });

  /** What a cadence of so many minutes polls: one of them is the closing poll. */
  const every = (minutes: number) =>
    polls.filter(
      ({ ingested_at }) => (Number(ingested_at.slice(14, 16)) - closingPoll.minute) % minutes === 0,
    );

  it.each<[string, () => readonly Observation[], string]>([
    ['60 polls', () => polls, 'polled'],
    ['4 polls', () => every(15), 'polled'],
    ['1 poll near its end', () => every(60), 'polled'],
    ['history', () => past, 'settled'],
    ['60 polls, then history', () => [...polls, ...past], 'both'],
    ['4 polls, then history', () => [...every(15), ...past], 'both'],
    ['1 poll, then history', () => [...every(60), ...past], 'both'],
  ])('is the same row when it comes as %s', async (_, lines, kind) => {
    const rows = await aggregate(lines(), { from: AUTUMN, closedBefore: `${addDays(AUTUMN, 1)}T00:00:00Z` });
    expect(rows.map(({ hour }) => hour)).toEqual(HOURS);
    for (const [h, row] of rows.entries()) {
      expect(row).toMatchObject({ kind, precip_mm: rainOf(h), rained: rainOf(h) > 0 });
      expect(row).toMatchObject({ known_precip_mm: rainOf(h), known_rained: rainOf(h) > 0 });
      expect(row).toMatchObject({ humidity_pct: 70, pressure_mb: 1012 });
      // Within what the temperature moves between two readings of a quarter of an hour.
      expect(Math.abs(z.number().parse(row.temp_c) - airOf(h))).toBeLessThanOrEqual(0.125);
    }
  });

  it('has the stamps that its provider gives', () => {
    const minute = stamped === 'start' ? ':00:00Z' : ':59:59Z';
    expect(past.map(({ observed_at }) => observed_at)).toEqual(
      HOURS.map((hour) => hour.replace(':00:00Z', minute)),
    );
  });
});

describe("the provider's forecast of the next hour", () => {
  const forecast = (
    ingested_at: string,
    forecast_probability: number | null,
    given: Partial<Observation> = {},
  ) =>
    reading('2026-11-23T10:45:00Z', {
      ingested_at,
      temp_c: 20,
      precip_mm: 0,
      forecast_hour: '2026-11-23T11:00:00Z',
      forecast_probability,
      forecast_precip_mm: 0.3,
      ...given,
    });

  it('is the latest that came before the hour was closed, and none of another hour', async () => {
    const [row] = await aggregate([
      forecast('2026-11-23T10:46:00Z', 0.2),
      forecast('2026-11-23T11:02:00Z', 0.6, {
        observed_at: '2026-11-23T11:00:00Z',
        forecast_precip_mm: null,
      }),
      forecast('2026-11-23T10:50:00Z', 0.4),
      forecast('2026-11-23T11:20:00Z', 0.9, { observed_at: '2026-11-23T11:15:00Z' }),
      forecast('2026-11-23T11:01:00Z', 0.8, { forecast_hour: '2026-11-23T12:00:00Z' }),
    ]);
    expect(row).toMatchObject({
      hour: '2026-11-23T10:00:00Z',
      provider_probability: 0.6,
      provider_precip_mm: null,
      provider_issued_at: '2026-11-23T11:02:00Z',
    });
  });

  it('makes no row of an hour that nobody observed', async () => {
    const rows = await aggregate([
      forecast('2026-11-23T11:02:00Z', 0.6, { observed_at: '2026-11-23T09:45:00Z' }),
    ]);
    expect(rows.map(({ hour }) => hour)).toEqual(['2026-11-23T09:00:00Z']);
    expect(rows[0]).toMatchObject({ provider_probability: null, provider_issued_at: null });
  });

  it('of the first hour of a day belongs to the last hour of the day before', async () => {
    const lines = [
      forecast('2026-11-24T00:02:00Z', 0.7, {
        observed_at: '2026-11-23T23:59:59Z',
        forecast_hour: '2026-11-24T00:00:00Z',
      }),
    ];
    const [row] = await aggregate(lines);
    expect(row).toMatchObject({ hour: '2026-11-23T23:00:00Z', provider_probability: 0.7 });
    expect(await aggregate(lines, { from: '2026-11-24' })).toEqual([]);
  });
});

describe('wind', () => {
  const wind = async (given: Partial<Observation>) =>
    (await aggregate([reading('2026-11-23T10:50:00Z', given)]))[0];

  it('from the west blows east', async () => {
    expect(await wind({ wind_kph: 20, wind_degree: 270 })).toMatchObject({ wind_u_kph: 20, wind_v_kph: 0 });
    expect(await wind({ wind_kph: 10, wind_degree: 45 })).toMatchObject({
      wind_u_kph: -7.071,
      wind_v_kph: -7.071,
    });
  });

  it('is calm without a direction, and unknown when it blows from nowhere', async () => {
    expect(await wind({ wind_kph: 0 })).toMatchObject({ wind_u_kph: 0, wind_v_kph: 0 });
    expect(await wind({ wind_kph: 8 })).toMatchObject({ wind_u_kph: null, wind_v_kph: null });
  });
});

it('names each source', async () => {
  const [row] = await aggregate([
    reading('2026-11-23T10:00:00Z'),
    reading('2026-11-23T10:15:00Z', { source: 'open-meteo' }),
  ]);
  expect(row).toMatchObject({ source: 'open-meteo+weatherapi' });
});

describe('days', () => {
  it('take in what was polled after midnight, and leave the next day alone', async () => {
    const rows = await aggregate([
      reading('2026-11-23T23:45:00Z', { ingested_at: '2026-11-24T00:03:00Z' }),
      reading('2026-11-24T00:00:00Z', { ingested_at: '2026-11-24T00:03:00Z' }),
      reading('2026-11-22T23:59:59Z', { ingested_at: '2026-11-23T00:00:00Z' }),
    ]);
    expect(rows.map(({ hour }) => hour)).toEqual(['2026-11-23T23:00:00Z']);
  });

  it.each([
    ['a leap day', '2024-02-28', '2024-03-01', 72],
    ['a change of year', '2025-12-31', '2026-01-01', 48],
    ['both changes to summer time', '2026-03-08', '2026-03-08', 24],
    ['and back', '2026-11-01', '2026-11-01', 24],
  ])('have 24 hours each across %s', async (_, from, to, hours) => {
    const start = `${from}T00:00:00Z`;
    const readings = Array.from({ length: hours }, (_, hour) => reading(addHours(start, hour)));
    const rows = await aggregate(readings, { from, to });
    expect(rows).toHaveLength(hours);
    expect(new Set(rows.map(({ hour }) => hour)).size).toBe(hours);
    expect(rows.at(-1)?.dt).toBe(to);
  });

  it('without a reading have no row', async () => {
    expect(await aggregate([])).toEqual([]);
  });
});

it('survives wild values and texts that are no instants: they are left out and stop nothing', async () => {
  const rows = await aggregate([
    reading('2026-11-23T10:00:00Z', { temp_c: 20, wind_kph: 12, wind_degree: 270 }),
    reading('2026-11-23T10:15:00Z', { temp_c: 1e300, wind_kph: 1e200, wind_degree: 10 }),
    reading('2026-11-23T1o:15:00Z', { ingested_at: '2026-11-23T10:15:00Z', temp_c: 5 }),
    reading('2026-11-23T10:20:00Z', { forecast_hour: 'soon', forecast_probability: 1 }),
  ]);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ temp_c: 20, wind_u_kph: 12, provider_probability: null });
});

it('gives the same row bit by bit in whatever order readings lie', async () => {
  const value = fc.option(fc.double({ min: -60, max: 60, noNaN: true }), { nil: null });
  const readings = fc.array(
    fc.record({
      minute: fc.constantFrom(0, 20, 50),
      past: fc.boolean(),
      temp_c: value,
      wind_kph: value,
      precip_mm: value,
    }),
    { minLength: 2, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(readings, fc.infiniteStream(fc.nat()), async (given, order) => {
      const rows = given.map(({ minute, past, ...values }) =>
        past
          ? history('2026-11-23T10:00:00Z', values)
          : reading(`2026-11-23T10:${String(minute).padStart(2, '0')}:00Z`, {
              ...values,
              wind_degree: minute,
            }),
      );
      const shuffled = rows
        .map((row) => ({ row, place: order.next().value }))
        .sort((a, b) => a.place - b.place)
        .map(({ row }) => row);
      expect(await aggregate(shuffled)).toEqual(await aggregate(rows));
    }),
    { numRuns: 20 },
  );
});
