import * as z from 'zod';
import { quantileOfSorted } from './evaluation';
import { allFinite, type Matrix, row } from './matrix';

/**
 * Prepared values are whole multiples of 1/128 of a standard deviation. Less than a hundredth of a deviation carries no
 * weather (at the recorded stations 1/1024 changes the Brier score by a millionth), and support vectors become numbers that
 * a model file's float32 holds exactly and the solver adds up as 16-bit integers (`smo/points.ts`).
 */
export const PREPARED_UNIT = 1 / 128;

/** Values beyond these quantiles of the training rows are drawn in to them: one absurd reading must not set the scale. */
const CLIP_QUANTILE = 0.001;

/** A feature that is missing in fewer training rows than this share gets no indicator of its own. */
const INDICATOR_SHARE = 0.005;

// Read once: hours × features come by here in every fold.
const { round } = Math;
const { isNaN: isMissing } = Number;

/** Relative to the values: what varies less is constant but for rounding. */
const SMALLEST_DEVIATION = 1e-12;

const preparedColumn = z.strictObject({
  feature: z.string(),
  /** What a missing value is replaced by. */
  median: z.number(),
  lower: z.number(),
  upper: z.number(),
  mean: z.number(),
  /** Standard deviation after clipping; never 0. */
  deviation: z.number().positive(),
});

/** How raw features become the columns of the classifier; learned from training rows, travels inside the model. */
export const preprocessingSchema = z.strictObject({
  columns: z.array(preparedColumn).min(1),
  /** Features whose absence is a column of its own, 1 when missing, after the value columns. */
  indicators: z.array(z.string()),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** What some rows say of one feature. */
interface LearntColumn {
  /** Undefined where the feature is missing altogether or constant. */
  readonly scale: Preprocessing['columns'][number] | undefined;
  /** Which rows miss it; undefined where too few do to say so. */
  readonly pattern: string | undefined;
}

/** Features by name, as the same rows were asked for them before. */
export type LearntColumns = Map<string, LearntColumn>;

/**
 * Learns medians, bounds and scales from raw training rows (NaN = missing). Of the features asked for, those that
 * are missing altogether or constant are dropped: they can't tell hours apart.
 * @param featureNames names of the matrix columns; `wanted` names those that may be used, in any order.
 * @param learnt of these very rows; what is not there yet is added.
 * @throws RangeError when a value is infinite, or nothing is left to learn from.
 */
export function fitPreprocessing(
  x: Matrix,
  featureNames: readonly string[],
  wanted: ReadonlySet<string>,
  learnt: LearntColumns = new Map(),
): Preprocessing {
  const columns: Preprocessing['columns'] = [];
  const indicators: string[] = [];
  const patterns = new Set<string>();
  featureNames.forEach((feature, j) => {
    if (!wanted.has(feature)) {
      return;
    }
    const column = learnt.get(feature) ?? learnColumn(feature, x, j);
    learnt.set(feature, column);
    const { scale, pattern } = column;
    if (scale === undefined) {
      return;
    }
    columns.push(scale);
    // Features that always miss together share one indicator: copies would only weigh the same fact more.
    if (pattern !== undefined && !patterns.has(pattern)) {
      patterns.add(pattern);
      indicators.push(feature);
    }
  });
  if (columns.length === 0) {
    throw new RangeError('Every feature is missing or constant: there is nothing to learn from.');
  }
  return { columns, indicators };
}

/** Raw features to the classifier's columns: imputed, clipped, standardised, rounded to PREPARED_UNIT; all finite. */
export function applyPreprocessing(
  preprocessing: Preprocessing,
  x: Matrix,
  featureNames: readonly string[],
): Matrix {
  const { columns, indicators } = preprocessing;
  const places = new Map(featureNames.map((name, j) => [name, j]));
  const place = (feature: string) => {
    const j = places.get(feature);
    if (j === undefined) {
      throw new RangeError(`Feature ${feature} is not among the columns given.`);
    }
    return j;
  };
  const scaled = columns.map((column) => ({ ...column, place: place(column.feature) }));
  const flagged = indicators.map(place);
  const width = scaled.length + flagged.length;
  const values = new Float64Array(x.rows * width);
  for (let i = 0; i < x.rows; i++) {
    const raw = row(x, i);
    let at = i * width;
    for (const { place, median, lower, upper, mean, deviation } of scaled) {
      const value = raw[place] ?? median;
      const bounded = clip(isMissing(value) ? median : value, lower, upper);
      values[at++] = round((bounded - mean) / (deviation * PREPARED_UNIT)) * PREPARED_UNIT;
    }
    for (const place of flagged) {
      values[at++] = isMissing(raw[place] ?? 0) ? 1 : 0;
    }
  }
  return { rows: x.rows, columns: width, values };
}

function learnColumn(feature: string, x: Matrix, j: number): LearntColumn {
  const missing = new Uint8Array(x.rows);
  const known = knownValues(x, j, missing);
  if (!allFinite(known)) {
    throw new RangeError(`Feature ${feature} is infinite in some row.`);
  }
  const scale = scaleOf(feature, known.sort(), x.rows);
  const isFlagged = x.rows - known.length >= INDICATOR_SHARE * x.rows;
  return { scale, pattern: isFlagged ? Buffer.from(missing.buffer).toString('latin1') : undefined };
}

/** Undefined when the known values (ascending) do not vary. Missing rows count with what they are replaced by. */
function scaleOf(
  feature: string,
  known: Float64Array,
  rows: number,
): Preprocessing['columns'][number] | undefined {
  const lowest = known[0];
  const highest = known[known.length - 1];
  if (lowest === undefined || highest === undefined || lowest === highest) {
    return undefined;
  }
  const clipped = [
    quantileOfSorted(known, CLIP_QUANTILE),
    quantileOfSorted(known, 1 - CLIP_QUANTILE),
  ] as const;
  // A flag that is rarer than the quantile would be clipped away altogether.
  const [lower, upper] = clipped[0] < clipped[1] ? clipped : [lowest, highest];
  const median = quantileOfSorted(known, 0.5);
  const missing = rows - known.length;
  let sum = missing * median;
  for (const value of known) {
    sum += clip(value, lower, upper);
  }
  const mean = sum / rows;
  let squares = missing * (median - mean) ** 2;
  for (const value of known) {
    const distance = clip(value, lower, upper) - mean;
    squares += distance * distance;
  }
  const deviation = Math.sqrt(squares / rows);
  return deviation > SMALLEST_DEVIATION * Math.max(Math.abs(lower), Math.abs(upper), 1)
    ? { feature, median, lower, upper, mean, deviation }
    : undefined;
}

/** The values of a column that are there, in the order of the rows; marks the rows where none is. */
function knownValues(x: Matrix, column: number, missing: Uint8Array): Float64Array {
  const known = new Float64Array(x.rows);
  let count = 0;
  for (let i = 0; i < x.rows; i++) {
    const value = x.values[i * x.columns + column];
    if (value === undefined || isMissing(value)) {
      missing[i] = 1;
    } else {
      known[count++] = value;
    }
  }
  return known.subarray(0, count);
}

/** `Math.min(Math.max(…))` costs several times as much, and this is where the time goes. */
function clip(value: number, lower: number, upper: number): number {
  if (value < lower) return lower;
  if (value > upper) return upper;
  return value;
}
