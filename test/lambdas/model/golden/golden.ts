import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Matrix } from '../../../../lambdas/model/matrix';

const numbers = z.array(z.number());

const goldenSchema = z.object({
  columns: z.array(z.string()),
  trainingRows: z.int(),
  x: z.array(z.array(z.number().nullable())),
  y: numbers,
  wetNow: numbers,
  missing: z.array(z.string()),
  prepared: z.array(numbers),
  machines: z.array(
    z.object({
      kernel: z.enum(['rbf', 'laplacian']),
      c: z.number(),
      gamma: z.number(),
      positiveWeight: z.number(),
      support: numbers,
      coefficients: numbers,
      intercept: z.number(),
      decisions: numbers,
    }),
  ),
  calibration: z.object({ platt: numbers, joined: numbers, byPresent: numbers, probabilities: numbers }),
  logisticRegression: z.object({ intercept: z.number(), weights: numbers }),
  evaluation: z.object({
    probabilities: numbers,
    threshold: z.number(),
    averagePrecision: z.number(),
    onsetAveragePrecision: z.number(),
    rocAuc: z.number(),
    brier: z.number(),
    logLoss: z.number(),
    accuracy: z.number(),
    precision: z.number(),
    recall: z.number(),
    f1: z.number(),
    confusion: z.array(numbers),
    reliability: z.array(z.tuple([z.number(), z.number()])),
    bestF1: z.number(),
  }),
  quantiles: numbers,
});

/** Numbers of scikit-learn and LIBSVM on real rows, as README.md says. */
export const golden = goldenSchema.parse(JSON.parse(readFileSync(join(__dirname, 'golden.json'), 'utf8')));

/** Rows of numbers as a matrix; null becomes NaN. */
export function matrixOf(rows: readonly (readonly (number | null)[])[]): Matrix {
  return {
    rows: rows.length,
    columns: rows[0]?.length ?? 0,
    values: Float64Array.from(rows.flat(), (value) => value ?? Number.NaN),
  };
}

/** Outcomes and wet-now flags of the rows that the machines did not learn from. */
export const judged = {
  outcomes: Uint8Array.from(golden.y.slice(golden.trainingRows)),
  wetNow: Float64Array.from(golden.wetNow.slice(golden.trainingRows)),
};
