import * as z from 'zod';
import { allFinite, type Matrix } from './matrix';

/** p = 1 / (1 + exp(−(intercept + Σ weights[m] · f_m))) */
export const logisticSchema = z.strictObject({ intercept: z.number(), weights: z.array(z.number()).min(1) });

/** Turns the decision values of a recipe's members into one probability. */
export const calibrationSchema = z.discriminatedUnion('kind', [
  /** One curve for all hours. */
  z.strictObject({ kind: z.literal('logistic'), always: logisticSchema }),
  /** One curve for hours that were wet at the base hour, one for the others (dry or unknown). */
  z.strictObject({ kind: z.literal('logistic-by-present'), wet: logisticSchema, dry: logisticSchema }),
  /** The one member is a logistic regression: its decision value is the logit already. */
  z.strictObject({ kind: z.literal('none') }),
]);
export type Calibration = z.infer<typeof calibrationSchema>;

export const CALIBRATION_KINDS = ['logistic', 'logistic-by-present', 'none'] as const;
export type CalibrationKind = (typeof CALIBRATION_KINDS)[number];

/** Only enough to make the solution unique where decision values of members coincide. */
const PLAIN_RIDGE = 1e-9;

/** Draws the two curves together, and to moderate weights, where hours of one kind are few. */
const BY_PRESENT_RIDGE = 1;

/**
 * Logistic regression of the outcome on out-of-fold decision values, one row per hour and one column per member,
 * with the smoothed targets of Lin, Lin and Weng (2007): with one member and one curve it is Platt's calibration as
 * LIBSVM computes it.
 *
 * By present: rain that goes on and rain that begins are two questions, and a decision value of 0 means another
 * probability in each. Both curves are fitted at once (members, a wet-now flag and their products), so that they share
 * what the hours have in common.
 * @param wetNow 1, 0 or NaN at the base hour of each row.
 * @param near where the search may begin: a calibration of the same kind on nearly the same rows.
 * @throws RangeError when there are no rows or a value is not finite.
 */
export function fitCalibration(
  kind: CalibrationKind,
  decisionValues: Matrix,
  outcomes: Uint8Array,
  wetNow: Float64Array,
  near?: Calibration,
): Calibration {
  if (kind === 'none') return { kind };
  const targets = smoothedTargets(outcomes);
  if (kind === 'logistic') {
    const start = near?.kind === kind ? near.always : undefined;
    return { kind, always: fitLogistic(decisionValues, targets, PLAIN_RIDGE, { start }) };
  }
  const members = decisionValues.columns;
  const start = near?.kind === kind ? jointly(near) : undefined;
  const x = withPresent(decisionValues, wetNow);
  const { intercept, weights } = fitLogistic(x, targets, BY_PRESENT_RIDGE, { start });
  const own = weights.slice(0, members);
  return {
    kind,
    dry: { intercept, weights: own },
    wet: {
      intercept: intercept + (weights[members] ?? Number.NaN),
      weights: own.map((weight, m) => weight + (weights[members + 1 + m] ?? Number.NaN)),
    },
  };
}

/** Both curves as the one regression that they were fitted by: members, the wet-now flag, their products. */
function jointly({ wet, dry }: Extract<Calibration, { kind: 'logistic-by-present' }>): Logistic {
  const products = dry.weights.map((weight, m) => (wet.weights[m] ?? Number.NaN) - weight);
  return { intercept: dry.intercept, weights: [...dry.weights, wet.intercept - dry.intercept, ...products] };
}

/** What a fit aims at: as if one more hour of each kind had come (Lin, Lin and Weng 2007). */
export function smoothedTargets(outcomes: Uint8Array): Float64Array {
  const rain = outcomes.reduce((sum, y) => sum + y, 0);
  const wet = (rain + 1) / (rain + 2);
  const targets = new Float64Array(outcomes.length).fill(1 / (outcomes.length - rain + 2));
  for (let i = 0; i < targets.length; i++) if (outcomes[i] === 1) targets[i] = wet;
  return targets;
}

/** Probability of rain for each row of decision values, whose base hour was wet (1), dry (0) or unknown (NaN). */
export function calibrate(
  calibration: Calibration,
  decisionValues: Matrix,
  wetNow: Float64Array,
): Float64Array {
  if (calibration.kind === 'logistic') {
    return logisticProbability(calibration.always, decisionValues);
  }
  if (calibration.kind === 'none') {
    return logisticProbability({ intercept: 0, weights: [1] }, decisionValues);
  }
  const afterWet = logisticProbability(calibration.wet, decisionValues);
  const afterDry = logisticProbability(calibration.dry, decisionValues);
  return afterDry.map((probability, i) => (wetNow[i] === 1 ? (afterWet[i] ?? Number.NaN) : probability));
}

/** Members, the wet-now flag, and the members again where it is wet. */
function withPresent({ rows, columns, values }: Matrix, wetNow: Float64Array): Matrix {
  const width = 2 * columns + 1;
  const extended = new Float64Array(rows * width);
  for (let i = 0; i < rows; i++) {
    const own = values.subarray(i * columns, (i + 1) * columns);
    extended.set(own, i * width);
    if (wetNow[i] === 1) {
      extended[i * width + columns] = 1;
      extended.set(own, i * width + columns + 1);
    }
  }
  return { rows, columns: width, values: extended };
}

/** A fitted logistic regression. */
export interface Logistic {
  readonly intercept: number;
  readonly weights: number[];
}

const MAXIMUM_STEPS = 200;
const GRADIENT_TOLERANCE = 1e-9;

/** A step must bring the gradient down to this part of what it was, or the next one looks at the curvature anew. */
const WORTHWHILE = 0.2;

/** Of so few inputs the Hessian costs no more than a gradient: each step looks at the curvature anew. */
const FEW_INPUTS = 16;

/** How a logistic regression may be told more than its rows. */
export interface LogisticOptions {
  /** Where the search begins; at zero when absent. The minimum is the same. */
  readonly start?: Logistic | undefined;
  /** Added to the linear predictor of each row, with a weight of 1. */
  readonly offset?: Float64Array | undefined;
}

/**
 * Minimises Σ cross-entropy(target, p) + ridge/2 · ‖weights‖² by Newton's method with step halving; the intercept is
 * not penalised. Targets may lie anywhere in [0, 1]. The Hessian, which costs as much as many gradients, serves for
 * further steps as long as they go well (Kelley 1995, Iterative methods for linear and nonlinear equations, 5.4.2).
 * @throws RangeError when there are no rows or a value is not finite.
 */
export function fitLogistic(
  x: Matrix,
  targets: Float64Array,
  ridge: number,
  { start, offset }: LogisticOptions = {},
): Logistic {
  if (x.rows === 0 || x.rows !== targets.length || !allFinite(x.values)) {
    throw new RangeError(
      `Can't fit a logistic regression on ${x.rows} rows and ${targets.length} targets: none, unequal, or not finite.`,
    );
  }
  const data = { x, targets, ridge, offset };
  let place = look(
    data,
    Float64Array.of(start?.intercept ?? 0, ...(start?.weights ?? new Float64Array(x.columns))),
  );
  let curvature: Float64Array | undefined;
  for (let step = 0; step < MAXIMUM_STEPS && place.steepness >= GRADIENT_TOLERANCE * x.rows; step++) {
    const isFresh = curvature === undefined;
    curvature ??= choleskyFactor(hessianAt(data, place));
    const next = descend(data, place, solve(curvature, place.gradient));
    if (next === undefined && isFresh) break;
    const wasWorthwhile = next !== undefined && next.steepness <= WORTHWHILE * place.steepness;
    if (!wasWorthwhile || x.columns <= FEW_INPUTS) curvature = undefined;
    place = next ?? place;
  }
  const { parameters } = place;
  return { intercept: parameters[0] ?? Number.NaN, weights: Array.from(parameters.subarray(1)) };
}

/** A logistic regression whose ridge means the same for inputs of any unit: it weighs them in standard deviations. */
export function fitScaled(
  x: Matrix,
  targets: Float64Array,
  ridge: number,
  { start, offset }: LogisticOptions = {},
): Logistic {
  const scales = Array.from({ length: x.columns }, (_, j) => {
    const column = Float64Array.from(targets, (_, i) => x.values[i * x.columns + j] ?? Number.NaN);
    const mean = column.reduce((sum, value) => sum + value, 0) / x.rows;
    return Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.rows) || 1;
  });
  const values = x.values.map((value, k) => value / (scales[k % x.columns] ?? 1));
  const near = start && { ...start, weights: start.weights.map((weight, j) => weight * (scales[j] ?? 1)) };
  const { intercept, weights } = fitLogistic({ ...x, values }, targets, ridge, { start: near, offset });
  return { intercept, weights: weights.map((weight, j) => weight / (scales[j] ?? 1)) };
}

/** Beyond these a probability's logit says more of rounding than of rain. */
const CERTAINTY = 1e-9;

export function logits(probabilities: Float64Array): Float64Array {
  return probabilities.map((probability) => {
    const p = Math.min(Math.max(probability, CERTAINTY), 1 - CERTAINTY);
    return Math.log(p / (1 - p));
  });
}

/** Probability for each row; `offset` as in `LogisticOptions`. */
export function logisticProbability(
  { intercept, weights }: Logistic,
  x: Matrix,
  offset?: Float64Array,
): Float64Array {
  return Float64Array.from({ length: x.rows }, (_, i) => {
    let z = intercept + (offset?.[i] ?? 0);
    for (let j = 0; j < x.columns; j++) {
      z += (weights[j] ?? Number.NaN) * (x.values[i * x.columns + j] ?? Number.NaN);
    }
    return sigmoid(z);
  });
}

/** What a logistic regression is fitted to. */
interface LogisticData {
  readonly x: Matrix;
  readonly targets: Float64Array;
  readonly ridge: number;
  readonly offset: Float64Array | undefined;
}

/** The slope of the loss at some parameters. */
interface Place {
  /** The intercept, then the weights. */
  readonly parameters: Float64Array;
  readonly gradient: Float64Array;
  /** Largest element of the gradient. */
  readonly steepness: number;
  /** p (1 − p) of each row. */
  readonly spreads: Float64Array;
}

function look({ x, targets, ridge, offset }: LogisticData, parameters: Float64Array): Place {
  const { rows, columns, values } = x;
  const gradient = new Float64Array(columns + 1);
  const spreads = new Float64Array(rows);
  let whole = 0;
  for (let i = 0, from = 0; i < rows; i++, from += columns) {
    let z = (parameters[0] ?? 0) + (offset?.[i] ?? 0);
    for (let j = 0; j < columns; j++) z += (parameters[j + 1] ?? 0) * (values[from + j] ?? 0);
    const p = sigmoid(z);
    spreads[i] = p * (1 - p);
    const residual = p - (targets[i] ?? Number.NaN);
    whole += residual;
    for (let j = 0; j < columns; j++)
      gradient[j + 1] = (gradient[j + 1] ?? 0) + residual * (values[from + j] ?? 0);
  }
  gradient[0] = whole;
  let steepness = Math.abs(whole);
  for (let j = 1; j <= columns; j++) {
    gradient[j] = (gradient[j] ?? 0) + ridge * (parameters[j] ?? 0);
    steepness = Math.max(steepness, Math.abs(gradient[j] ?? 0));
  }
  return { parameters, gradient, steepness, spreads };
}

/** What is minimised. It takes longer than the slope to compute, and is seldom asked for. */
function lossAt({ x, targets, ridge, offset }: LogisticData, parameters: Float64Array): number {
  const { rows, columns, values } = x;
  let loss = 0;
  for (let i = 0, from = 0; i < rows; i++, from += columns) {
    let z = (parameters[0] ?? 0) + (offset?.[i] ?? 0);
    for (let j = 0; j < columns; j++) z += (parameters[j + 1] ?? 0) * (values[from + j] ?? 0);
    // Written so that log(1 + e^z) does not overflow.
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - (targets[i] ?? Number.NaN) * z;
  }
  for (let j = 1; j <= columns; j++) loss += (ridge / 2) * (parameters[j] ?? 0) ** 2;
  return loss;
}

/**
 * Goes in a direction, half as far again and again until the gradient is half as steep or the loss lower: near the
 * minimum rounding hides what the loss gains. Undefined where neither comes about.
 */
function descend(
  data: LogisticData,
  { parameters, steepness }: Place,
  direction: Float64Array,
): Place | undefined {
  for (let scale = 1; scale > 1e-10; scale /= 2) {
    const next = look(
      data,
      parameters.map((value, j) => value - scale * (direction[j] ?? 0)),
    );
    if (next.steepness < steepness / 2 || lossAt(data, next.parameters) < lossAt(data, parameters))
      return next;
  }
  return undefined;
}

/** Rows whose products are added to the Hessian together: their weighted inputs stay in the first-level cache. */
const CHUNK = 64;

/** Of each chunk, two inputs are multiplied with four at a time: the eight sums stay in registers. */
const INPUTS = 4;

/** Its lower triangle. */
function hessianAt({ x: { rows, columns, values }, ridge }: LogisticData, { spreads }: Place): Float64Array {
  const size = columns + 1;
  const padded = Math.ceil(size / INPUTS) * INPUTS;
  const sums = new Float64Array(padded * padded);
  // The intercept's input in all rows of the chunk, then those of column 0, …, times the root of each row's weight.
  const inputs = new Float64Array(padded * CHUNK);
  for (let from = 0; from < rows; from += CHUNK) {
    const count = Math.min(CHUNK, rows - from);
    if (count < CHUNK) inputs.fill(0);
    for (let i = 0, at = from * columns; i < count; i++) {
      const weight = Math.sqrt(spreads[from + i] ?? 0);
      inputs[i] = weight;
      for (let to = CHUNK + i; to < size * CHUNK; to += CHUNK) inputs[to] = weight * (values[at++] ?? 0);
    }
    addProducts(sums, inputs, padded);
  }
  const hessian = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    hessian.set(sums.subarray(j * padded, j * padded + j + 1), j * size);
    hessian[j * size + j] = (hessian[j * size + j] ?? 0) + (j > 0 ? ridge : 0) + 1e-12;
  }
  return hessian;
}

/** Adds the products of all inputs of a chunk to the lower triangle, and to some of what lies above it. */
function addProducts(sums: Float64Array, inputs: Float64Array, padded: number): void {
  for (let j = 0; j < padded; j += 2) {
    for (let k = 0; k <= j; k += INPUTS) {
      let [a0, a1, a2, a3] = [0, 0, 0, 0];
      let [b0, b1, b2, b3] = [0, 0, 0, 0];
      const fromJ = j * CHUNK;
      const fromK = k * CHUNK;
      for (let i = 0; i < CHUNK; i++) {
        const a = inputs[fromJ + i] ?? 0;
        const b = inputs[fromJ + CHUNK + i] ?? 0;
        const c = inputs[fromK + i] ?? 0;
        const d = inputs[fromK + CHUNK + i] ?? 0;
        const e = inputs[fromK + 2 * CHUNK + i] ?? 0;
        const f = inputs[fromK + 3 * CHUNK + i] ?? 0;
        a0 += a * c;
        a1 += a * d;
        a2 += a * e;
        a3 += a * f;
        b0 += b * c;
        b1 += b * d;
        b2 += b * e;
        b3 += b * f;
      }
      const upper = j * padded + k;
      const lower = upper + padded;
      sums[upper] = (sums[upper] ?? 0) + a0;
      sums[upper + 1] = (sums[upper + 1] ?? 0) + a1;
      sums[upper + 2] = (sums[upper + 2] ?? 0) + a2;
      sums[upper + 3] = (sums[upper + 3] ?? 0) + a3;
      sums[lower] = (sums[lower] ?? 0) + b0;
      sums[lower + 1] = (sums[lower + 1] ?? 0) + b1;
      sums[lower + 2] = (sums[lower + 2] ?? 0) + b2;
      sums[lower + 3] = (sums[lower + 3] ?? 0) + b3;
    }
  }
}

/** L of L·Lᵀ, from the lower triangle of a positive definite matrix. */
function choleskyFactor(lower: Float64Array): Float64Array {
  const size = Math.sqrt(lower.length);
  const factor = lower.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = factor[i * size + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (factor[i * size + k] ?? 0) * (factor[j * size + k] ?? 0);
      factor[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / (factor[j * size + j] ?? 0);
    }
  }
  return factor;
}

/** The solution of L·Lᵀ·s = right. */
function solve(factor: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    let sum = solution[i] ?? 0;
    for (let k = 0; k < i; k++) sum -= (factor[i * size + k] ?? 0) * (solution[k] ?? 0);
    solution[i] = sum / (factor[i * size + i] ?? 0);
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = solution[i] ?? 0;
    for (let k = i + 1; k < size; k++) sum -= (factor[k * size + i] ?? 0) * (solution[k] ?? 0);
    solution[i] = sum / (factor[i * size + i] ?? 0);
  }
  return solution;
}

/** Written so that e^z does not overflow. */
function sigmoid(z: number): number {
  const e = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : e) / (1 + e);
}
