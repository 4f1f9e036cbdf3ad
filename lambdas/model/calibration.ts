import * as z from 'zod';
import type { Matrix } from './matrix';

/** p = 1 / (1 + exp(−(intercept + Σ weights[m] · f_m))) */
const logisticCalibration = z.strictObject({
  kind: z.literal('logistic'),
  intercept: z.number(),
  weights: z.array(z.number()).min(1),
});

export const calibrationSchema = logisticCalibration;
/** Turns the decision values of a recipe's members into one probability. */
export type Calibration = z.infer<typeof calibrationSchema>;

/** Keeps members whose decision values nearly coincide from taking huge opposite weights. */
const CALIBRATION_RIDGE = 1e-3;

/**
 * Logistic regression of the outcome on out-of-fold decision values, one row per hour and one column per member,
 * with the smoothed targets of Lin, Lin and Weng (2007): with one member it is Platt's calibration as LIBSVM
 * computes it.
 * @throws RangeError when there are no rows or a value is not finite.
 */
export function fitCalibration(decisionValues: Matrix, outcomes: Uint8Array): Calibration {
  const rain = outcomes.reduce((sum, y) => sum + y, 0);
  const wet = (rain + 1) / (rain + 2);
  const dry = 1 / (outcomes.length - rain + 2);
  const { intercept, weights } = fitLogistic(
    decisionValues,
    Float64Array.from(outcomes, (y) => (y === 1 ? wet : dry)),
    CALIBRATION_RIDGE,
  );
  return { kind: 'logistic', intercept, weights };
}

/** Probability of rain for each row of decision values. */
export function calibrate(calibration: Calibration, decisionValues: Matrix): Float64Array {
  return logisticProbability(calibration, decisionValues);
}

/** A fitted logistic regression. */
export interface Logistic {
  readonly intercept: number;
  readonly weights: number[];
}

const MAXIMUM_STEPS = 100;
const GRADIENT_TOLERANCE = 1e-9;

/**
 * Minimises Σ cross-entropy(target, p) + ridge/2 · ‖weights‖² by Newton's method with step halving; the intercept is
 * not penalised. Targets may lie anywhere in [0, 1].
 * @throws RangeError when there are no rows or a value is not finite.
 */
export function fitLogistic(x: Matrix, targets: Float64Array, ridge: number): Logistic {
  if (x.rows === 0 || x.rows !== targets.length || !x.values.every(Number.isFinite)) {
    throw new RangeError(
      `Can't fit a logistic regression on ${x.rows} rows and ${targets.length} targets: none, unequal, or not finite.`,
    );
  }
  const size = x.columns + 1;
  let parameters = new Float64Array(size);
  let loss = logisticLoss(x, targets, ridge, parameters);
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    const { gradient, hessian } = logisticDerivatives(x, targets, ridge, parameters);
    if (Math.max(...gradient.map(Math.abs)) < GRADIENT_TOLERANCE * x.rows) {
      break;
    }
    const direction = solveSymmetric(hessian, gradient);
    let [scale, moved] = [1, false];
    for (; scale > 1e-10 && !moved; scale /= 2) {
      const next = parameters.map((value, j) => value - scale * (direction[j] ?? 0));
      const nextLoss = logisticLoss(x, targets, ridge, next);
      if (nextLoss < loss) {
        [parameters, loss, moved] = [next, nextLoss, true];
      }
    }
    if (!moved) {
      break;
    }
  }
  return { intercept: parameters[0] ?? Number.NaN, weights: Array.from(parameters.subarray(1)) };
}

/** Probability for each row. */
export function logisticProbability({ intercept, weights }: Omit<Logistic, 'kind'>, x: Matrix): Float64Array {
  return Float64Array.from({ length: x.rows }, (_, i) => {
    let z = intercept;
    for (let j = 0; j < x.columns; j++) {
      z += (weights[j] ?? Number.NaN) * (x.values[i * x.columns + j] ?? Number.NaN);
    }
    return sigmoid(z);
  });
}

function logisticLoss(x: Matrix, targets: Float64Array, ridge: number, parameters: Float64Array): number {
  let loss = 0;
  for (let i = 0; i < x.rows; i++) {
    const z = linear(x, i, parameters);
    // log(1 + e^z) − t·z, written so that it never overflows
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - (targets[i] ?? Number.NaN) * z;
  }
  for (let j = 1; j < parameters.length; j++) {
    loss += (ridge / 2) * (parameters[j] ?? 0) ** 2;
  }
  return loss;
}

function logisticDerivatives(x: Matrix, targets: Float64Array, ridge: number, parameters: Float64Array) {
  const size = parameters.length;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const inputs = new Float64Array(size);
  inputs[0] = 1;
  for (let i = 0; i < x.rows; i++) {
    inputs.set(x.values.subarray(i * x.columns, (i + 1) * x.columns), 1);
    const p = sigmoid(linear(x, i, parameters));
    const residual = p - (targets[i] ?? Number.NaN);
    const weight = p * (1 - p);
    for (let j = 0; j < size; j++) {
      const input = inputs[j] ?? 0;
      gradient[j] = (gradient[j] ?? 0) + residual * input;
      for (let k = 0; k <= j; k++) {
        hessian[j * size + k] = (hessian[j * size + k] ?? 0) + weight * input * (inputs[k] ?? 0);
      }
    }
  }
  for (let j = 0; j < size; j++) {
    gradient[j] = (gradient[j] ?? 0) + (j > 0 ? ridge * (parameters[j] ?? 0) : 0);
    hessian[j * size + j] = (hessian[j * size + j] ?? 0) + (j > 0 ? ridge : 0) + 1e-12;
  }
  return { gradient, hessian };
}

/** Cholesky solution of a positive definite system given by its lower triangle. */
function solveSymmetric(lower: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const factor = lower.slice();
  const get = (i: number, j: number) => factor[i * size + j] ?? Number.NaN;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = get(i, j);
      for (let k = 0; k < j; k++) {
        sum -= get(i, k) * get(j, k);
      }
      factor[i * size + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / get(j, j);
    }
  }
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) {
      solution[i] = (solution[i] ?? 0) - get(i, k) * (solution[k] ?? 0);
    }
    solution[i] = (solution[i] ?? 0) / get(i, i);
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) {
      solution[i] = (solution[i] ?? 0) - get(k, i) * (solution[k] ?? 0);
    }
    solution[i] = (solution[i] ?? 0) / get(i, i);
  }
  return solution;
}

function linear(x: Matrix, i: number, parameters: Float64Array): number {
  let z = parameters[0] ?? Number.NaN;
  for (let j = 0; j < x.columns; j++) {
    z += (parameters[j + 1] ?? Number.NaN) * (x.values[i * x.columns + j] ?? Number.NaN);
  }
  return z;
}

function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}
