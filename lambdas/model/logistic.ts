import * as z from 'zod';
import { allFinite, type Matrix } from './matrix';
import { openArena, smoSupported } from './smo/kernel-module';

/** p = 1 / (1 + exp(−(intercept + Σ weights[m] · f_m))) */
export const logisticSchema = z.strictObject({ intercept: z.number(), weights: z.array(z.number()).min(1) });

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
export function logisticProbability(logistic: Logistic, x: Matrix, offset?: Float64Array): Float64Array {
  return logisticLogits(logistic, x, offset).map(sigmoid);
}

/** The logit of that probability. */
export function logisticLogits(
  { intercept, weights }: Logistic,
  x: Matrix,
  offset?: Float64Array,
): Float64Array {
  return predictors(x, Float64Array.of(intercept, ...weights), offset);
}

/** What a fit aims at: as if one more hour of each kind had come (Lin, Lin and Weng 2007). */
export function smoothedTargets(outcomes: Uint8Array): Float64Array {
  const rain = outcomes.reduce((sum, y) => sum + y, 0);
  const wet = (rain + 1) / (rain + 2);
  const targets = new Float64Array(outcomes.length).fill(1 / (outcomes.length - rain + 2));
  for (let i = 0; i < targets.length; i++) if (outcomes[i] === 1) targets[i] = wet;
  return targets;
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
  const residuals = predictors(x, parameters, offset);
  const spreads = new Float64Array(x.rows);
  for (let i = 0; i < x.rows; i++) {
    const p = sigmoid(residuals[i] ?? Number.NaN);
    spreads[i] = p * (1 - p);
    residuals[i] = p - (targets[i] ?? Number.NaN);
  }
  const gradient = weightedSums(x, residuals);
  let steepness = Math.abs(gradient[0] ?? Number.NaN);
  for (let j = 1; j < gradient.length; j++) {
    gradient[j] = (gradient[j] ?? 0) + ridge * (parameters[j] ?? 0);
    steepness = Math.max(steepness, Math.abs(gradient[j] ?? 0));
  }
  return { parameters, gradient, steepness, spreads };
}

/** What is minimised. It takes longer than the slope to compute, and is seldom asked for. */
function lossAt({ x, targets, ridge, offset }: LogisticData, parameters: Float64Array): number {
  const logits = predictors(x, parameters, offset);
  let loss = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = logits[i] ?? Number.NaN;
    // Written so that log(1 + e^z) does not overflow.
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - (targets[i] ?? Number.NaN) * z;
  }
  for (let j = 1; j < parameters.length; j++) loss += (ridge / 2) * (parameters[j] ?? 0) ** 2;
  return loss;
}

/**
 * Rows that are added up side by side, since a sum waits for its own last addition only. Those that are left over have
 * loops of their own: reading beyond the end of an array slows all reads.
 */
const ROWS = 4;

/** intercept + Σ weight · input + offset of each row; the intercept leads the parameters. */
function predictors(
  { rows, columns, values }: Matrix,
  parameters: Float64Array,
  offset: Float64Array | undefined,
): Float64Array {
  const sums = new Float64Array(rows).fill(parameters[0] ?? Number.NaN);
  let i = 0;
  for (let at = 0; i + ROWS <= rows; i += ROWS, at += ROWS * columns) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let j = 0; j < columns; j++) {
      const weight = parameters[j + 1] ?? Number.NaN;
      a += weight * (values[at + j] ?? 0);
      b += weight * (values[at + columns + j] ?? 0);
      c += weight * (values[at + 2 * columns + j] ?? 0);
      d += weight * (values[at + 3 * columns + j] ?? 0);
    }
    sums[i] = (sums[i] ?? 0) + a;
    sums[i + 1] = (sums[i + 1] ?? 0) + b;
    sums[i + 2] = (sums[i + 2] ?? 0) + c;
    sums[i + 3] = (sums[i + 3] ?? 0) + d;
  }
  for (; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      sums[i] = (sums[i] ?? 0) + (parameters[j + 1] ?? Number.NaN) * (values[i * columns + j] ?? 0);
    }
  }
  if (offset !== undefined) for (i = 0; i < rows; i++) sums[i] = (sums[i] ?? 0) + (offset[i] ?? Number.NaN);
  return sums;
}

/** Σ weight of the rows, then Σ weight · input for each input. */
function weightedSums({ rows, columns, values }: Matrix, weights: Float64Array): Float64Array {
  const sums = new Float64Array(columns + 1);
  let i = 0;
  for (let at = 0; i + ROWS <= rows; i += ROWS, at += ROWS * columns) {
    const a = weights[i] ?? 0;
    const b = weights[i + 1] ?? 0;
    const c = weights[i + 2] ?? 0;
    const d = weights[i + 3] ?? 0;
    sums[0] = (sums[0] ?? 0) + a + b + c + d;
    for (let j = 0; j < columns; j++) {
      sums[j + 1] =
        (sums[j + 1] ?? 0) +
        a * (values[at + j] ?? 0) +
        b * (values[at + columns + j] ?? 0) +
        c * (values[at + 2 * columns + j] ?? 0) +
        d * (values[at + 3 * columns + j] ?? 0);
    }
  }
  for (; i < rows; i++) {
    const weight = weights[i] ?? 0;
    sums[0] = (sums[0] ?? 0) + weight;
    for (let j = 0; j < columns; j++) {
      sums[j + 1] = (sums[j + 1] ?? 0) + weight * (values[i * columns + j] ?? 0);
    }
  }
  return sums;
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
  let loss: number | undefined;
  for (let scale = 1; scale > 1e-10; scale /= 2) {
    const next = look(
      data,
      parameters.map((value, j) => value - scale * (direction[j] ?? 0)),
    );
    if (next.steepness < steepness / 2) return next;
    loss ??= lossAt(data, parameters);
    if (lossAt(data, next.parameters) < loss) return next;
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
  const arena = smoSupported() ? openArena(8 * padded * (padded + CHUNK), 2) : undefined;
  const room = (length: number) => arena?.doubles(length).fill(0) ?? new Float64Array(length);
  const sums = room(padded * padded);
  // The intercept's input in all rows of the chunk, then those of column 0, …, times the root of each row's weight.
  const inputs = room(padded * CHUNK);
  for (let from = 0; from < rows; from += CHUNK) {
    const count = Math.min(CHUNK, rows - from);
    if (count < CHUNK) inputs.fill(0);
    for (let i = 0, at = from * columns; i < count; i++) {
      const weight = Math.sqrt(spreads[from + i] ?? 0);
      inputs[i] = weight;
      for (let to = CHUNK + i; to < size * CHUNK; to += CHUNK) inputs[to] = weight * (values[at++] ?? 0);
    }
    if (arena === undefined) addProducts(sums, inputs, padded);
    else arena.kernel.addProducts(sums.byteOffset, inputs.byteOffset, padded);
  }
  const hessian = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    hessian.set(sums.subarray(j * padded, j * padded + j + 1), j * size);
    hessian[j * size + j] = (hessian[j * size + j] ?? 0) + (j > 0 ? ridge : 0) + 1e-12;
  }
  return hessian;
}

/** What `smo/assembly/products.ts` does, where there is no SIMD. */
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
