import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import type { Matrix } from '../../../../lambdas/model/matrix';
import { PREPARED_UNIT } from '../../../../lambdas/model/preprocessing';
import { HOUR_MS } from '../../../../lambdas/runtime/time';
import { normal, seededUniform } from './seeded';

const RECORDING = join(__dirname, '../../../../lib/recorded-weather/recordings/nyc-2013.csv.gz');

const measurement = z.string().transform((text) => (text === '' ? Number.NaN : Number(text)));
const reading = z.object({
  location_id: z.string(),
  observed_at: z.string(),
  temp_c: measurement,
  dewpoint_c: measurement,
  humidity_pct: measurement,
  pressure_mb: measurement,
  wind_kph: measurement,
  wind_degree: measurement,
  precip_mm: measurement,
  visibility_km: measurement,
});

const LAGS = [1, 3, 6, 24];

let recorded: { readonly features: number[][]; readonly labels: number[] } | undefined;

/** Spread of what repeated rows are perturbed by, in standard deviations of each feature. */
const PERTURBATION = 0.15;

/**
 * Scaled feature rows of the recorded New York stations, in whole units as preprocessing leaves them, with the next
 * hour's rain as label (about 7% of rows), station after station. Past the recording's 26,000 rows it is repeated with
 * small perturbations, as other years would. They are as hard to learn as what the pipeline makes, without being the
 * same features.
 */
export function weatherRows(rows: number): { readonly x: Matrix; readonly y: Uint8Array } {
  recorded ??= recordedRows();
  const { features, labels } = recorded;
  const columns = features[0]?.length ?? 0;
  const values = new Float64Array(rows * columns);
  const y = new Uint8Array(rows);
  const uniform = seededUniform(2013);
  for (let i = 0; i < rows; i++) {
    const source = i % features.length;
    const spread = i < features.length ? 0 : PERTURBATION;
    features[source]?.forEach((value, k) => {
      const perturbed = value + (spread === 0 ? 0 : spread * normal(uniform));
      values[i * columns + k] = Math.round(perturbed / PREPARED_UNIT) * PREPARED_UNIT;
    });
    y[i] = labels[source] ?? 0;
  }
  return { x: { rows, columns, values }, y };
}

function recordedRows(): { features: number[][]; labels: number[] } {
  const readings = z.array(reading).parse(parse(gunzipSync(readFileSync(RECORDING)), { columns: true }));
  const features: number[][] = [];
  const labels: number[] = [];
  for (const location of new Set(readings.map((each) => each.location_id))) {
    const byHour = new Map(
      readings
        .filter((each) => each.location_id === location)
        .map((each) => [Date.parse(each.observed_at), measurements(each)]),
    );
    for (const [hour, now] of byHour) {
      const next = byHour.get(hour + HOUR_MS);
      if (next !== undefined) {
        const lagged = LAGS.flatMap((lag) => {
          const then = byHour.get(hour - lag * HOUR_MS);
          return now.map((value, k) => value - (then?.[k] ?? Number.NaN));
        });
        const turn = 2 * Math.PI * (hour / (24 * HOUR_MS));
        const year = turn / 365.25;
        features.push([...now, ...lagged, Math.sin(turn), Math.cos(turn), Math.sin(year), Math.cos(year)]);
        labels.push((next.at(-1) ?? 0) > 0 ? 1 : 0);
      }
    }
  }
  return { features: standardise(features), labels };
}

/** The last is the rain. */
function measurements(each: z.infer<typeof reading>): number[] {
  const direction = (each.wind_degree * Math.PI) / 180;
  return [
    each.temp_c,
    each.dewpoint_c,
    each.temp_c - each.dewpoint_c,
    each.humidity_pct,
    each.pressure_mb,
    -each.wind_kph * Math.sin(direction),
    -each.wind_kph * Math.cos(direction),
    each.visibility_km,
    Math.log1p(each.precip_mm),
  ];
}

/** Missing values become the column's mean; each column gets mean 0 and deviation 1. */
function standardise(features: readonly number[][]): number[][] {
  const columns = features[0]?.length ?? 0;
  const statistics = Array.from({ length: columns }, (_, k) => {
    const known = features.map((row) => row[k] ?? Number.NaN).filter((value) => !Number.isNaN(value));
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
    return { mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 };
  });
  return features.map((row) =>
    row.map((value, k) => {
      const { mean, deviation } = statistics[k] ?? { mean: 0, deviation: 1 };
      return Number.isNaN(value) ? 0 : (value - mean) / deviation;
    }),
  );
}
