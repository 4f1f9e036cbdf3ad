import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino';
import fc from 'fast-check';
import { createTableText } from '../../../../lambdas/lake/athena';
import { hourlyObservationsSql } from '../../../../lambdas/lake/sql/hourly-observations';
import { VIEWS } from '../../../../lambdas/lake/sql/views';
import { NO_FORECAST, NOTHING_MEASURED, type Observation } from '../../../../lambdas/weather/observation';

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

let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(
    "SET TimeZone = 'UTC'; SET integer_division = true; SET ieee_floating_point_ops = false; CREATE SCHEMA garoa",
  );
});

/** Rows of the SELECT for the day(s), over readings that lie in the raw partition of their `ingested_at`. */
async function aggregate(
  readings: readonly Observation[],
  order: { from?: string; to?: string; closedBefore?: string; threshold?: number } = {},
): Promise<Record<string, unknown>[]> {
  const columns = Object.keys(reading('')).filter((name) => name !== 'payload');
  const type = (name: string) =>
    ['location_id', 'observed_at', 'ingested_at', 'source', 'kind', 'forecast_hour'].includes(name)
      ? 'VARCHAR'
      : 'DOUBLE';
  await connection.run('DROP TABLE IF EXISTS garoa.observations');
  await connection.run(
    `CREATE TABLE garoa.observations (${columns.map((name) => `${name} ${type(name)}`).join(', ')}, dt VARCHAR, hour VARCHAR)`,
  );
  if (readings.length > 0) {
    const rows = readings.map((row) => {
      const values = Object.values(row).map((value) =>
        value === null ? 'NULL' : typeof value === 'number' ? `${value}::DOUBLE` : `'${value}'`,
      );
      return `(${values.join(', ')}, '${row.ingested_at.slice(0, 10)}', '${row.ingested_at.slice(11, 13)}')`;
    });
    await connection.run(`INSERT INTO garoa.observations VALUES ${rows.join(', ')}`);
  }
  const sql = hourlyObservationsSql({
    database: 'garoa',
    from: order.from ?? '2026-11-23',
    to: order.to ?? order.from ?? '2026-11-23',
    closedBefore: order.closedBefore ?? '2027-01-01T00:00:00Z',
    rainThresholdMm: order.threshold ?? 0.1,
  });
  return (await connection.runAndReadAll(sql)).getRowObjectsJson();
}

describe('texts', () => {
  const sql = hourlyObservationsSql({
    database: 'garoa',
    from: '2026-11-22',
    to: '2026-11-23',
    closedBefore: '2026-11-23T11:00:00Z',
    rainThresholdMm: 0.1,
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
    expect(parser.validate(ctas)).toEqual([]);
    for (const [, text] of views) {
      expect(parser.validate(text)).toEqual([]);
    }
    expect(parser.validate('SELECT x::int FROM t')).not.toEqual([]);
  });

  it('refuse hostile names and dates', () => {
    const query = { from: '2026-11-23', to: '2026-11-23', closedBefore: '', rainThresholdMm: 0.1 };
    expect(() => hourlyObservationsSql({ ...query, database: 'garoa"; --' })).toThrow('no identifier');
    expect(() => hourlyObservationsSql({ ...query, database: 'garoa', from: "2026-11-23' OR 1=1" })).toThrow(
      'no date',
    );
  });
});

describe('an hour', () => {
  it('is every reading that lies in it, with means, extremes and the last pressure', async () => {
    const rows = await aggregate([
      reading('2026-11-23T10:00:00Z', {
        temp_c: 20.1,
        humidity_pct: 80,
        pressure_mb: 1010,
        gust_kph: 12,
        precip_mm: 0,
        visibility_km: 10,
        uv: 1,
      }),
      reading('2026-11-23T10:15:00Z', {
        temp_c: 20.4,
        humidity_pct: 83,
        pressure_mb: 1011,
        gust_kph: 30,
        precip_mm: 0.3,
        visibility_km: 4,
        uv: 3,
      }),
      reading('2026-11-23T10:59:59Z', { temp_c: 20.7, precip_mm: 0.2, visibility_km: 9 }),
      reading('2026-11-23T11:00:00Z', { temp_c: 99 }),
    ]);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      location_id: 'sao-paulo',
      hour: '2026-11-23 10:00:00',
      observation_count: '3',
      temp_c: 20.4,
      humidity_pct: 81.5,
      pressure_mb: 1011,
      gust_kph: 30,
      precip_mm: 0.3,
      rained: true,
      visibility_km: 4,
      uv: 3,
      source: 'weatherapi',
      dt: '2026-11-23',
    });
  });

  it('keeps a single reading as it is, to the last digit', async () => {
    const [row] = await aggregate([reading('2026-11-23T10:51:00Z', { temp_c: 12.02, dewpoint_c: -0.1 })]);
    expect(row).toMatchObject({ temp_c: 12.02, dewpoint_c: -0.1, precip_mm: null, rained: null });
  });

  it('is unknown where nothing was measured, never 0', async () => {
    const [row] = await aggregate([reading('2026-11-23T10:00:00Z')]);
    expect(row).toMatchObject({
      temp_c: null,
      pressure_mb: null,
      wind_u_kph: null,
      gust_kph: null,
      precip_mm: null,
      rained: null,
      visibility_km: null,
    });
  });

  it('that is not closed has no row', async () => {
    const readings = [reading('2026-11-23T10:59:00Z'), reading('2026-11-23T11:00:00Z')];
    const rows = await aggregate(readings, { closedBefore: '2026-11-23T11:00:00Z' });
    expect(rows.map(({ hour }) => hour)).toEqual(['2026-11-23 10:00:00']);
  });

  it('counts as wet from the threshold on', async () => {
    const readings = [reading('2026-11-23T10:00:00Z', { precip_mm: 0.254 })];
    expect((await aggregate(readings, { threshold: 0.254 }))[0]).toMatchObject({ rained: true });
    expect((await aggregate(readings, { threshold: 0.3 }))[0]).toMatchObject({ rained: false });
    expect((await aggregate(readings, { threshold: 1e-7 }))[0]).toMatchObject({ rained: true });
  });
});

describe('wind', () => {
  it('is averaged as a vector: north-west and north-east make north', async () => {
    const [row] = await aggregate([
      reading('2026-11-23T10:00:00Z', { wind_kph: 10, wind_degree: 315 }),
      reading('2026-11-23T10:15:00Z', { wind_kph: 10, wind_degree: 45 }),
    ]);
    expect(row?.wind_u_kph).toBe(0);
    expect(row?.wind_v_kph).toBe(-7.071);
  });

  it('from the west blows east', async () => {
    const [row] = await aggregate([reading('2026-11-23T10:00:00Z', { wind_kph: 20, wind_degree: 270 })]);
    expect(row).toMatchObject({ wind_u_kph: 20, wind_v_kph: 0 });
  });

  it('is calm without a direction, and unknown when it blows from nowhere', async () => {
    const calm = await aggregate([reading('2026-11-23T10:00:00Z', { wind_kph: 0 })]);
    expect(calm[0]).toMatchObject({ wind_u_kph: 0, wind_v_kph: 0 });
    const unknown = await aggregate([reading('2026-11-23T10:00:00Z', { wind_kph: 8 })]);
    expect(unknown[0]).toMatchObject({ wind_u_kph: null, wind_v_kph: null });
  });
});

describe('readings that are there more than once', () => {
  it('count once, whatever number of polls saw them', async () => {
    const polls = Array.from({ length: 15 }, (_, minute) =>
      reading('2026-11-23T10:15:00Z', {
        ingested_at: `2026-11-23T10:${15 + minute}:00Z`,
        temp_c: minute === 14 ? 21 : 20,
      }),
    );
    const [row] = await aggregate([...polls, ...polls]);
    // The poll that came last knows best.
    expect(row).toMatchObject({ observation_count: '1', temp_c: 21 });
  });

  it('give way to history, which speaks for its whole hour', async () => {
    const [row] = await aggregate([
      reading('2026-11-23T10:00:00Z', { temp_c: 30, precip_mm: 5, ingested_at: '2026-11-23T23:00:00Z' }),
      reading('2026-11-23T10:30:00Z', { temp_c: 31, precip_mm: 6 }),
      reading('2026-11-23T10:00:00Z', {
        kind: 'history',
        temp_c: 18,
        precip_mm: 0,
        ingested_at: '2026-11-23T00:00:00Z',
      }),
    ]);
    expect(row).toMatchObject({ observation_count: '1', temp_c: 18, precip_mm: 0, rained: false });
  });

  it('name each source', async () => {
    const [row] = await aggregate([
      reading('2026-11-23T10:00:00Z'),
      reading('2026-11-23T10:15:00Z', { source: 'open-meteo' }),
    ]);
    expect(row).toMatchObject({ source: 'open-meteo+weatherapi' });
  });
});

describe('days', () => {
  it('take in what was polled after midnight, and leave the next day alone', async () => {
    const rows = await aggregate([
      reading('2026-11-23T23:45:00Z', { ingested_at: '2026-11-24T00:03:00Z' }),
      reading('2026-11-24T00:00:00Z', { ingested_at: '2026-11-24T00:03:00Z' }),
      reading('2026-11-22T23:59:59Z', { ingested_at: '2026-11-23T00:00:00Z' }),
    ]);
    expect(rows.map(({ hour }) => hour)).toEqual(['2026-11-23 23:00:00']);
  });

  it.each([
    ['a leap day', '2024-02-28', '2024-03-01', 72],
    ['a change of year', '2025-12-31', '2026-01-01', 48],
    ['both changes to summer time', '2026-03-08', '2026-03-08', 24],
    ['and back', '2026-11-01', '2026-11-01', 24],
  ])('have 24 hours each across %s', async (_, from, to, hours) => {
    const start = Date.parse(`${from}T00:00:00Z`);
    const readings = Array.from({ length: hours }, (_, hour) =>
      reading(`${new Date(start + hour * 3_600_000).toISOString().slice(0, 19)}Z`),
    );
    const rows = await aggregate(readings, { from, to });
    expect(rows).toHaveLength(hours);
    expect(new Set(rows.map(({ hour }) => hour)).size).toBe(hours);
    expect(rows.at(-1)?.dt).toBe(to);
  });

  it('without a reading have no row', async () => {
    expect(await aggregate([])).toEqual([]);
  });
});

it('survives wild values: they are left out of means and stop nothing', async () => {
  const [row] = await aggregate([
    reading('2026-11-23T10:00:00Z', { temp_c: 1e300, wind_kph: 1e200, wind_degree: 10 }),
    reading('2026-11-23T10:15:00Z', { temp_c: 20 }),
  ]);
  expect(row).toMatchObject({ temp_c: 20, wind_u_kph: null });
});

it('gives the same row bit by bit in whatever order readings lie', async () => {
  const value = fc.option(fc.double({ min: -60, max: 60, noNaN: true }), { nil: null });
  const readings = fc.uniqueArray(
    fc.record({ minute: fc.integer({ min: 0, max: 59 }), temp_c: value, wind_kph: value, precip_mm: value }),
    { selector: ({ minute }) => minute, minLength: 2, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(readings, fc.infiniteStream(fc.nat()), async (given, order) => {
      const rows = given.map(({ minute, ...values }) =>
        reading(`2026-11-23T10:${String(minute).padStart(2, '0')}:00Z`, {
          ...values,
          wind_degree: minute * 6,
        }),
      );
      const shuffled = rows
        .map((row) => ({ row, place: order.next().value }))
        .sort((a, b) => a.place - b.place)
        .map(({ row }) => row);
      expect(await aggregate(shuffled)).toEqual(await aggregate(rows));
    }),
    { numRuns: 25 },
  );
});
