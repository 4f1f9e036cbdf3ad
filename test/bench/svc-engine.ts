import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { fitLibsvm, loadLibsvm } from '../../lambdas/model/libsvm';
import type { Matrix } from '../../lambdas/model/matrix';
import { simdDecisionValues } from '../../lambdas/model/smo/decision';
import { fitSmo } from '../../lambdas/model/smo/solver';
import { decisionFunction, type SvcModel } from '../../lambdas/model/svc';

/** One of our engines in a process of its own, so that its peak of memory is its own. Started by `svc.ts`. */

const task = z.object({
  engine: z.enum(['garoa', 'libsvm-js']),
  /** Holds the files `x` (row-major doubles) and `y` (bytes). */
  folder: z.string(),
  rows: z.int(),
  columns: z.int(),
  /** First rows that are fitted before the fit that counts: hundreds of fits share the process of a retraining. */
  warmRows: z.int(),
  /** First rows that decision values are asked for. */
  decisionRows: z.int(),
  options: z.object({
    kernel: z.enum(['rbf', 'laplacian']),
    c: z.number(),
    gamma: z.number(),
    positiveWeight: z.number(),
    tolerance: z.number(),
    cacheMegabytes: z.number(),
    timeBudgetMs: z.number(),
  }),
});
export type Task = z.infer<typeof task>;

/** Seconds are of CPU time. */
export const engineRun = z.object({
  /** Of scikit-learn. */
  version: z.string().optional(),
  fit: z.number(),
  decision: z.number(),
  /** ½αᵀQα − Σα at the end. */
  objective: z.number(),
  supportVectors: z.int(),
  peakMegabytes: z.number(),
  iterations: z.int().optional(),
  kernelRows: z.int().optional(),
});
export type EngineRun = z.infer<typeof engineRun>;

async function main(): Promise<EngineRun> {
  const { engine, folder, rows, columns, warmRows, decisionRows, options } = task.parse(
    JSON.parse(process.argv[2] ?? ''),
  );
  const values = new Float64Array(rows * columns);
  new Uint8Array(values.buffer).set(readFileSync(join(folder, 'x')));
  const y = Uint8Array.from(readFileSync(join(folder, 'y')));
  const first = (count: number): Matrix => ({
    rows: count,
    columns,
    values: values.subarray(0, count * columns),
  });
  const asked = first(decisionRows);

  if (engine === 'garoa') {
    const decide = (model: SvcModel, x: Matrix) => simdDecisionValues({ ...model, members: [model] }, x);
    decide(fitSmo(first(warmRows), y.subarray(0, warmRows), options).model, first(warmRows));
    const [fit, { model, objective, iterations, kernelRows }] = cpuSeconds(() =>
      fitSmo(first(rows), y, options),
    );
    const [decision] = cpuSeconds(() => decide(model, asked));
    return { fit, decision, objective, iterations, kernelRows, ...sizeOf(model) };
  }
  await loadLibsvm();
  fitLibsvm(first(warmRows), y.subarray(0, warmRows), options);
  const [fit, model] = cpuSeconds(() => fitLibsvm(first(rows), y, options));
  // The package gives labels only; this is what forecasts without SIMD are made with.
  const [decision] = cpuSeconds(() => decisionFunction(model, asked));
  return { fit, decision, objective: objectiveOf(model), ...sizeOf(model) };
}

function sizeOf({ coefficients }: SvcModel) {
  return {
    supportVectors: coefficients.length,
    peakMegabytes: process.resourceUsage().maxRSS / 1_024,
  };
}

function objectiveOf(model: SvcModel): number {
  const products = decisionFunction(model, model.supportVectors);
  return model.coefficients.reduce(
    (sum, beta, s) => sum + (beta * ((products[s] ?? Number.NaN) - model.intercept)) / 2 - Math.abs(beta),
    0,
  );
}

function cpuSeconds<R>(work: () => R): [number, R] {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return [(user + system) / 1e6, result];
}

if (require.main === module) void main().then((run) => console.log(JSON.stringify(run)));
