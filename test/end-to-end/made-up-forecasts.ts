import * as z from 'zod';
import { HOURLY_OBSERVATIONS } from '../../lambdas/lake/layout';
import { decodeParquet, encodeParquet } from '../../lambdas/lake/parquet';
import { utcSecond } from '../../lambdas/runtime/time';
import type { RecordedForecast, Recording } from '../../lib/recorded-weather/recording';
import { RECORDED_COLUMNS, Series } from '../../lib/recorded-weather/recording';

const HOUR = 3_600;

/**
 * A forecast of the hour that begins at `start` (UTC seconds), made up from what was recorded: it tells seven hours in
 * eight, rain by 80% and dry hours by 10%, and says of the eighth the other of both.
 */
export function madeUpForecast(series: Series, start: number): RecordedForecast | undefined {
  const [reading] = series.between(start, start + HOUR);
  const precipMm = reading?.values.precip_mm ?? null;
  if (precipMm === null) return undefined;
  const told = Math.floor(start / HOUR) % 8 !== 0;
  const says = precipMm >= 0.1 === told;
  return { probabilityPct: says ? 80 : 10, precipMm: says ? 1 : 0 };
}

/** A recording with such forecasts of every hour. */
export function withMadeUpForecasts(recording: Recording): Recording {
  const series = Array.from(recording.series, ([id, before]): [string, Series] => {
    const readings = before.between(recording.from, recording.to);
    const columns = RECORDED_COLUMNS.map((name): [typeof name, Float64Array] => [
      name,
      Float64Array.from(readings, ({ time, values }) => {
        const forecast = madeUpForecast(before, Math.floor(time / HOUR) * HOUR + HOUR);
        const value =
          name === 'forecast_probability_pct'
            ? forecast?.probabilityPct
            : name === 'forecast_precip_mm'
              ? forecast?.precipMm
              : values[name];
        return value ?? Number.NaN;
      }),
    ]);
    return [id, new Series(before.times.slice(0, readings.length), new Map(columns))];
  });
  return { ...recording, series: new Map(series) };
}

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** A day of `hourly_observations` as if each hour's forecast of the next one had been kept when it closed. */
export async function withKeptForecasts(bytes: Uint8Array, { series }: Recording): Promise<Uint8Array> {
  const names = HOURLY_OBSERVATIONS.columns.map(({ name }) => name);
  const rows = await decodeParquet(bytes, names, z.record(z.string(), cell));
  const told = rows.map((row) => {
    const end = Date.parse(String(row.hour)) / 1_000 + HOUR;
    const place = series.get(String(row.location_id));
    const forecast = place && madeUpForecast(place, end);
    if (forecast === undefined) return row;
    const { probabilityPct, precipMm } = forecast;
    return {
      ...row,
      provider_probability: probabilityPct === null ? null : probabilityPct / 100,
      provider_precip_mm: precipMm,
      provider_issued_at: utcSecond(end * 1_000 - 240_000),
    };
  });
  return encodeParquet(HOURLY_OBSERVATIONS.columns, told);
}
