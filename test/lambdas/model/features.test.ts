import fc from 'fast-check';
import {
  FEATURE_LOOKBACK_HOURS,
  featuresSql,
  OWN_FEATURE_NAMES,
  OWN_FEATURES,
} from '../../../lambdas/model/features';
import { utteranceOf, withNeighbours } from '../../../lambdas/model/neighbours';
import { HOUR_MS } from '../../../lambdas/runtime/time';
import { type FeatureRow, type HourlyRow, HourlyTable, MEASURED } from './hourly-table';

/** Late in the evening, so that windows cross midnight. */
const START = Date.parse('2013-03-02T19:00:00Z');
const HOURS = 40;
const LAST = START + (HOURS - 1) * HOUR_MS;
const both = ['ewr', 'jfk'];
const neighbours = new Map([
  ['ewr', ['jfk']],
  ['jfk', ['ewr']],
]);

let table: HourlyTable;
beforeAll(async () => {
  table = await HourlyTable.open();
});
afterAll(() => table.close());

const text = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Every hour of both places known; a test takes away or changes what it is about. */
function wholeRows(): HourlyRow[] {
  return ['ewr', 'jfk'].flatMap((locationId, place) =>
    Array.from({ length: HOURS }, (_, i) => ({
      locationId,
      hour: START + i * HOUR_MS,
      values: {
        temp_c: 10 + Math.sin(i + place),
        dewpoint_c: 5 + Math.cos(i),
        humidity_pct: 70 + (i % 7),
        pressure_mb: 1010 + i / 10 - place,
        wind_u_kph: i % 5,
        wind_v_kph: -(i % 3),
        gust_kph: 20 + (i % 4),
        precip_mm: i % 6 === place ? 0.3 * i : 0,
        cloud_pct: (i * 13) % 100,
        visibility_km: 10 - (i % 9),
        uv: i % 8,
      },
    })),
  );
}

async function at(hour: number, locationId = 'ewr'): Promise<Record<string, number | null>> {
  const rows = await table.features({
    locationIds: [locationId],
    fromHour: text(hour),
    toHour: text(hour),
    withLabel: false,
  });
  return named(rows[0]);
}

function named(row: FeatureRow | undefined): Record<string, number | null> {
  const known = (value = Number.NaN) => (Number.isNaN(value) ? null : value);
  return Object.fromEntries(OWN_FEATURE_NAMES.map((name, j) => [name, known(row?.features[j])]));
}

const whole = { locationIds: both, fromHour: text(START), toHour: text(LAST) };
const spoken = () => table.features({ ...whole, withLabel: false });
const labelled = () => table.labelled(whole, neighbours);

describe('features', () => {
  const t = START + 30 * HOUR_MS;
  const value = (i: number, name: (typeof MEASURED)[number], place = 0) =>
    wholeRows()[place * HOURS + i]?.values[name] ?? Number.NaN;

  it('say what they are named after', async () => {
    await table.fill(wholeRows());
    const now = await at(t);
    const rain = Array.from({ length: HOURS }, (_, i) => value(i, 'precip_mm'));
    const sum = (hours: number) => rain.slice(31 - hours, 31).reduce((total, mm) => total + mm, 0);
    expect(now.temp_c).toBe(value(30, 'temp_c'));
    expect(now.dewpoint_depression_c).toBeCloseTo(value(30, 'temp_c') - value(30, 'dewpoint_c'), 12);
    expect(now.pressure_mb_change_3h).toBeCloseTo(value(30, 'pressure_mb') - value(27, 'pressure_mb'), 12);
    expect(now.temp_c_change_24h).toBeCloseTo(value(30, 'temp_c') - value(6, 'temp_c'), 12);
    const depression = (i: number) => value(i, 'temp_c') - value(i, 'dewpoint_c');
    expect(now.dewpoint_depression_c_change_1h).toBeCloseTo(depression(30) - depression(29), 12);
    const speed = (i: number) => Math.hypot(value(i, 'wind_u_kph'), value(i, 'wind_v_kph'));
    expect(now.wind_speed_kph).toBeCloseTo(speed(30), 12);
    expect(now.wind_speed_kph_change_3h).toBeCloseTo(speed(30) - speed(27), 12);
    expect(now.gust_kph_change_1h).toBe(value(30, 'gust_kph') - value(29, 'gust_kph'));
    expect(now.uv).toBe(value(30, 'uv'));
    expect(now.rained).toBe(1);
    expect(now.log_precip_now).toBeCloseTo(Math.log1p(9), 12);
    expect(now.log_precip_1h_ago).toBe(0);
    expect(now.log_precip_sum_24h).toBeCloseTo(Math.log1p(sum(24)), 9);
    expect(now.wet_share_12h).toBeCloseTo(2 / 12, 12);
    expect(now.hours_since_rain).toBe(0);
    expect((await at(t + 2 * HOUR_MS)).hours_since_rain).toBeCloseTo(Math.log1p(2), 12);
    expect(now.hour_sin).toBeCloseTo(Math.sin((2 * Math.PI * new Date(t).getUTCHours()) / 24), 12);
    expect(now.year_cos).toBeCloseTo(Math.cos((2 * Math.PI * (31 + 28 + 4)) / 365.25), 12);
  });

  it('tell humidity, sight, pressure and rain of a wet hour once more, and are 0 there of a dry one', async () => {
    await table.fill(wholeRows());
    const names = OWN_FEATURE_NAMES.filter((name) => name.endsWith('_while_wet'));
    expect(names).toHaveLength(5);
    const [wet, dry] = [await at(t), await at(t + HOUR_MS)];
    expect([wet.rained, dry.rained]).toEqual([1, 0]);
    for (const name of names) {
      expect({ name, value: wet[name] }).toEqual({ name, value: wet[name.replace('_while_wet', '')] });
      expect(wet[name]).not.toBe(0);
      expect({ name, value: dry[name] }).toEqual({ name, value: 0 });
    }
  });

  it('call the time since rain unknown when the day before is, and long when it was dry', async () => {
    const dry = wholeRows().map((row) => ({ ...row, values: { ...row.values, precip_mm: 0 } }));
    await table.fill(dry);
    expect((await at(t)).hours_since_rain).toBeCloseTo(Math.log1p(25), 12);
    await table.fill(dry.filter(({ hour }) => hour > t - 10 * HOUR_MS));
    expect((await at(t)).hours_since_rain).toBeNull();
  });

  it('are null where they would look at a missing hour, and do not slip to another', async () => {
    const gap = t - 3 * HOUR_MS;
    await table.fill(wholeRows().filter(({ hour }) => hour !== gap));
    const now = await at(t);
    expect(now.pressure_mb_change_3h).toBeNull();
    expect(now.log_precip_3h_ago).toBeNull();
    expect(now.pressure_mb_change_6h).toBeCloseTo(value(30, 'pressure_mb') - value(24, 'pressure_mb'), 12);
    expect(now.log_precip_sum_3h).not.toBeNull();
    expect(now.wet_share_6h).toBeCloseTo(1 / 5, 12);
  });

  it('do not add up rain of which more than a quarter is unknown', async () => {
    await table.fill(wholeRows().filter(({ hour }) => hour !== t - HOUR_MS && hour !== t - 2 * HOUR_MS));
    const now = await at(t);
    expect(now.log_precip_sum_3h).toBeNull();
    expect(now.log_precip_sum_6h).toBeNull();
    expect(now.log_precip_sum_12h).not.toBeNull();
  });

  it('are for hours that were observed, labelled by the rain of the hour after', async () => {
    const gap = START + 10 * HOUR_MS;
    const rows = wholeRows().filter(({ locationId, hour }) => !(locationId === 'ewr' && hour === gap));
    await table.fill(rows);
    const own = (await labelled()).filter(({ locationId }) => locationId === 'ewr');
    const hours = own.map(({ hour }) => hour);
    expect(hours).not.toContain(gap);
    expect(hours).not.toContain(gap - HOUR_MS);
    expect(hours).not.toContain(LAST);
    expect(own).toHaveLength(HOURS - 3);
    for (const { hour, label } of own) {
      expect(label).toBe(((hour - START) / HOUR_MS + 1) % 6 === 0 ? 1 : 0);
    }
  });
});

/** Rows of which some are missing, and measurements of which some are missing or another value. */
const lake = fc
  .array(
    fc.tuple(
      fc.boolean(),
      fc.array(fc.option(fc.integer({ min: 0, max: 40 })), {
        minLength: MEASURED.length,
        maxLength: MEASURED.length,
      }),
    ),
    { minLength: 2 * HOURS, maxLength: 2 * HOURS },
  )
  .map((drawn) =>
    wholeRows().flatMap((row, i): HourlyRow[] => {
      const [kept = true, changes = []] = drawn[i] ?? [];
      const values = { ...row.values };
      MEASURED.forEach((name, j) => {
        const change = changes[j];
        values[name] = change === null ? null : (values[name] ?? 0) + (change ?? 0) / 10;
      });
      return kept || i % 3 > 0 ? [{ ...row, values }] : [];
    }),
  );

const hourOf = fc.integer({ min: FEATURE_LOOKBACK_HOURS, max: HOURS - 2 }).map((i) => START + i * HOUR_MS);

/** Each run fills a table twice: shrinking a lake of a thousand values would outlast any patience. */
const RUNS = { numRuns: 12, endOnFailure: true } as const;

describe('for any lake', () => {
  it('no feature of hour t changes when all that came later does', async () => {
    await fc.assert(
      fc.asyncProperty(lake, hourOf, async (rows, t) => {
        await table.fill(rows);
        const before = (await spoken()).filter(({ hour }) => hour <= t);
        const earlier = rows.filter(({ hour }) => hour <= t);
        const later = wholeRows()
          .filter(({ hour }) => hour > t)
          .map((row) => ({ ...row, values: { ...row.values, precip_mm: 7, pressure_mb: 900, temp_c: -30 } }));
        await table.fill([...earlier, ...later]);
        const after = (await spoken()).filter(({ hour }) => hour <= t);
        expect(after).toEqual(before);
      }),
      RUNS,
    );
  });

  it('features look at what was known, and labels at what was true', async () => {
    const wet = (row: HourlyRow) => ({ ...row, truePrecipMm: 7 });
    await table.fill(wholeRows());
    const before = await labelled();
    await table.fill(wholeRows().map(wet));
    const after = await labelled();
    expect(after.map(({ features, wetNow }) => ({ features, wetNow }))).toEqual(
      before.map(({ features, wetNow }) => ({ features, wetNow })),
    );
    expect(before.some(({ label }) => label === 0)).toBe(true);
    expect(after.every(({ label }) => label === 1)).toBe(true);
  });

  it('rows that were made for another threshold are not there', async () => {
    const others = wholeRows().map((row, i) => (i % 4 === 0 ? { ...row, rainThresholdMm: 0.254 } : row));
    await table.fill(others);
    const mixed = await labelled();
    await table.fill(others.filter(({ rainThresholdMm }) => rainThresholdMm === undefined));
    expect(await labelled()).toEqual(mixed);
  });

  it('an hour is forecast from when its rain and its temperature are known', async () => {
    for (const name of ['temp_c', 'precip_mm'] as const) {
      await table.fill(
        wholeRows().map((row) =>
          row.hour === LAST && row.locationId === 'ewr'
            ? { ...row, values: { ...row.values, [name]: null } }
            : row,
        ),
      );
      const last = (await spoken()).filter(({ hour }) => hour === LAST);
      expect(last.map(({ locationId }) => locationId)).toEqual(['jfk']);
    }
  });

  it('forecasting sees bit by bit what training saw, in whatever order rows lie', async () => {
    await fc.assert(
      fc.asyncProperty(lake, hourOf, async (rows, t) => {
        await table.fill(rows);
        const trained = await labelled();
        await table.fill([...rows].reverse());
        const hour = { locationIds: both, fromHour: text(t), toHour: text(t), withLabel: false };
        const told = await table.features(hour);
        const said = (id: string) => told.find(({ locationId }) => locationId === id)?.features;
        for (const row of trained.filter(({ hour }) => hour === t)) {
          const heard = (neighbours.get(row.locationId) ?? []).map((id) => {
            const features = said(id);
            return features && utteranceOf(features);
          });
          const live = told.find(({ locationId }) => locationId === row.locationId);
          expect(Array.from(withNeighbours(live?.features ?? [], heard))).toEqual(row.features);
          expect(live?.wetNow).toBe(row.wetNow);
        }
      }),
      RUNS,
    );
  });
});

describe('the feature list', () => {
  it('names each feature once, and plainly', () => {
    expect(new Set(OWN_FEATURE_NAMES).size).toBe(OWN_FEATURES.length);
    for (const { name, description } of OWN_FEATURES) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(description.length).toBeGreaterThan(8);
    }
  });

  it('asks for partitions by literal dates, and for those whom it is asked for', () => {
    const sql = featuresSql({
      database: 'garoa',
      locationIds: ['ewr', 'jfk'],
      fromHour: '2013-03-02T05:00:00Z',
      toHour: '2013-03-02T23:00:00Z',
      withLabel: true,
      rainThresholdMm: 0.1,
    });
    expect(sql).toContain("dt BETWEEN '2013-03-01' AND '2013-03-03'");
    expect(sql).toContain("AND location_id IN ('ewr', 'jfk')");
  });
});
