import { brier } from '../../../lambdas/model/evaluation';
import { type ProviderSeries, providerSeries, type Series } from '../../../lambdas/model/series';
import { HOUR_MS } from '../../../lambdas/runtime/time';
import { type HourlyRow, HourlyTable } from './hourly-table';
import { madeUp } from './made-up-forecasts';

const START = Date.parse('2013-03-02T00:00:00Z');

const ORDINARY: HourlyRow['values'] = {
  temp_c: 1,
  dewpoint_c: 1,
  humidity_pct: 1,
  pressure_mb: 1,
  wind_u_kph: 1,
  wind_v_kph: 1,
  gust_kph: 1,
  precip_mm: 1,
  cloud_pct: 1,
  visibility_km: 1,
  uv: 1,
};

describe('a row of features', () => {
  let table: HourlyTable;
  beforeAll(async () => {
    table = await HourlyTable.open();
  });
  afterAll(() => table.close());

  /** Dry hours with these forecasts, one an hour; undefined: none came. */
  async function given(forecasts: readonly (HourlyRow['forecast'] | undefined)[], rainMm = 0) {
    await table.fill(
      forecasts.map((forecast, i) => ({
        locationId: 'ewr',
        hour: START + i * HOUR_MS,
        values: { ...ORDINARY, precip_mm: rainMm },
        ...(forecast !== undefined && { forecast }),
      })),
    );
    const at = (hour: number) => `${new Date(START + hour * HOUR_MS).toISOString().slice(0, 19)}Z`;
    const rows = await table.features({
      locationIds: ['ewr'],
      fromHour: at(0),
      toHour: at(forecasts.length - 1),
      withLabel: false,
    });
    return rows.map(({ provider }) => provider);
  }

  const times = (length: number, probability: number, precipMm: number | null) =>
    Array.from({ length }, () => ({ probability, precipMm }));

  it("carries the provider's forecast, and by how much the one before was wrong", async () => {
    const rows = await given(
      [
        { probability: 0.3, precipMm: 0.1 },
        { probability: 0.8, precipMm: 2 },
      ],
      0.4,
    );
    expect(rows[0]).toEqual([0.3, 0.1, null]);
    expect(rows[1]?.slice(0, 2)).toEqual([0.8, 2]);
    expect(rows[1]?.[2]).toBeCloseTo(0.3, 12);
  });

  it('has none in an hour without one', async () => {
    const rows = await given([...times(1, 0.3, 0.1), undefined, ...times(1, 0.3, 0.1)]);
    expect(rows.map((row) => row[0])).toEqual([0.3, null, 0.3]);
  });

  it('has none once probability and amount have stood still for twelve hours', async () => {
    const said = (rows: readonly (readonly (number | null)[])[]) => rows.map((row) => row[0]);
    expect(said(await given([...times(1, 0.5, 0), ...times(13, 0.4, 0.2), ...times(1, 0.5, 0.2)]))).toEqual([
      0.5,
      ...Array.from({ length: 11 }, () => 0.4),
      null,
      null,
      0.5,
    ]);
    // One hour of them may have none.
    expect(said(await given([...times(1, 0.4, 0.2), undefined, ...times(12, 0.4, 0.2)])).slice(-3)).toEqual([
      null,
      null,
      null,
    ]);
    const moving = times(14, 0.4, 0.2).map((forecast, i) => ({ ...forecast, precipMm: i % 2 }));
    expect(said(await given(moving))).not.toContain(null);
  });

  it.each([0, 1])(
    'keeps a probability that stands at %d, as that of a dry week does',
    async (probability) => {
      const rows = await given(times(20, probability, 0));
      expect(rows.map((row) => row[0])).toEqual(Array.from({ length: 20 }, () => probability));
    },
  );
});

describe('the provider as a rival', () => {
  const rival = (series: Series): ProviderSeries => {
    const found = providerSeries(series);
    if (found === undefined) throw new Error('no rival');
    return found;
  };

  it('is recalibrated: what it knows counts, and not the numbers it says it in', () => {
    const { series } = madeUp(20 * 168, { seed: 1, worth: 2 });
    const { recalibrated, raw } = rival(series);
    const rain = series.outcomes.reduce((sum, y) => sum + y, 0) / series.outcomes.length;
    expect(brier(series.outcomes, raw)).toBeGreaterThan(rain * (1 - rain));
    expect(brier(series.outcomes, recalibrated)).toBeLessThan(0.9 * rain * (1 - rain));
  });

  it('says nothing of an hour by the outcomes of its own week', () => {
    const { series } = madeUp(8 * 168, { seed: 2, worth: 2 });
    const turned = {
      ...series,
      outcomes: series.outcomes.map((y, i) => (series.weeks[i] === -3 ? 1 - y : y)),
    };
    const ofTheWeek = (of: Series) => rival(of).recalibrated.filter((_, i) => of.weeks[i] === -3);
    expect(ofTheWeek(turned)).toEqual(ofTheWeek(series));
    expect(rival(turned).recalibrated).not.toEqual(rival(series).recalibrated);
  });

  it('is judged on the hours that have its forecasts, and not at all with fewer than ten days of them', () => {
    const { series } = madeUp(8 * 168, { seed: 3, worth: 2, from: 3 * 168 });
    expect(rival(series).series.hours[0]).toBe(series.hours[3 * 168]);
    expect(providerSeries(madeUp(8 * 168, { seed: 3, worth: 2, from: 7 * 168 }).series)).toBeUndefined();
    expect(providerSeries({ ...series, forecasts: null })).toBeUndefined();
  });

  it('is understood where it gives probabilities only', () => {
    const { series, forecasts } = madeUp(8 * 168, { seed: 4, worth: 2 });
    const nothing = forecasts.precipMm.map(() => Number.NaN);
    const only = { ...series, forecasts: { ...forecasts, precipMm: nothing, reaches: nothing } };
    expect(rival(only).recalibrated).toHaveLength(series.hours.length);
  });
});
