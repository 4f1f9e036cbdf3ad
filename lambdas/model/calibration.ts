import * as z from 'zod';
import { fitLogistic, type Logistic, logisticProbability, logisticSchema, smoothedTargets } from './logistic';
import type { Matrix } from './matrix';

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
