import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { fitLibsvm, loadLibsvm } from '../../lambdas/model/libsvm';
import type { Matrix } from '../../lambdas/model/matrix';
import { decisionValues } from '../../lambdas/model/smo/decision';
import { fitSmo } from '../../lambdas/model/smo/solver';
import type { SvcOptions } from '../../lambdas/model/svc';
import { weatherRows } from '../lambdas/model/smo/weather-rows';

/** References take minutes beyond these. */
const REFERENCE_ROWS = 35_040;
const DECISION_ROWS = 8_760;

const OPTIONS: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.02,
  positiveWeight: 3,
  tolerance: 1e-3,
  cacheMegabytes: 1_000,
  timeBudgetMs: 1_800_000,
};

/** scikit-learn's SVC on the same rows; CPU seconds, its objective recomputed from its multipliers. */
const SCIKIT_LEARN = `
import json, sys, time
import numpy as np
from sklearn.svm import SVC
folder, rows, columns, test, c, gamma, weight, tolerance, cache = sys.argv[1], *map(float, sys.argv[2:])
rows, columns, test = int(rows), int(columns), int(test)
x = np.fromfile(folder + '/x').reshape(rows, columns)
y = np.fromfile(folder + '/y', dtype=np.uint8)
start = time.process_time()
model = SVC(C=c, gamma=gamma, class_weight={0: 1, 1: weight}, tol=tolerance, cache_size=cache).fit(x, y)
fit = time.process_time() - start
start = time.process_time()
model.decision_function(x[:test])
decision = time.process_time() - start
beta = model.dual_coef_[0]
inner = model.decision_function(x[model.support_]) - model.intercept_[0]
objective = 0.5 * float(beta @ inner) - float(np.abs(beta).sum())
print(json.dumps({'fit': fit, 'decision': decision, 'objective': objective}))
`;

const referenceRun = z.object({ fit: z.number(), decision: z.number(), objective: z.number() });

const commandLine = z.object({
  rows: z
    .string()
    .default('4380,8760,17520,35040,120000')
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().min(100))),
  repeats: z.string().default('5').transform(Number).pipe(z.int().min(1)),
});

interface Samples {
  readonly garoa: number[];
  readonly scikitLearn: number[];
  readonly libsvmJs: number[];
  readonly garoaDecision: number[];
  readonly scikitLearnDecision: number[];
}

/**
 * Training and decision values, beside scikit-learn (when `python3`, or what PYTHON names, has it) and libsvm-js: the
 * same rows, hyperparameters, tolerance and cache, runs taking turns, medians of CPU seconds, so that other work on the
 * machine counts as little as it can. `--rows 8760,17520 --repeats 5`. Writes `.garoa/bench/svc.json` too.
 */
export async function bench(): Promise<void> {
  const { values: given } = parseArgs({
    args: process.argv.slice(3),
    options: { rows: { type: 'string' }, repeats: { type: 'string' } },
  });
  const { rows: sizes, repeats } = commandLine.parse(given);
  const python = process.env.PYTHON ?? 'python3';
  const hasScikitLearn = spawnSync(python, ['-c', 'import sklearn']).status === 0;
  if (!hasScikitLearn) console.log(`svc: ${python} has no scikit-learn: that comparison is skipped`);
  await loadLibsvm();
  // So that no run pays for the compilation of what all use.
  const warm = weatherRows(2_000);
  for (const kernel of ['rbf', 'laplacian'] as const) fitSmo(warm.x, warm.y, { ...OPTIONS, kernel });

  const folder = mkdtempSync(join(tmpdir(), 'garoa-bench-'));
  const table: Record<string, string | number>[] = [];
  try {
    for (const rows of sizes) {
      const { x, y } = weatherRows(rows);
      writeFileSync(join(folder, 'x'), x.values);
      writeFileSync(join(folder, 'y'), y);
      const positives = y.reduce((sum, label) => sum + label, 0);
      const balanced = Number(((rows - positives) / positives).toFixed(2));
      for (const [kernel, positiveWeight] of [
        ['rbf', 3],
        ['rbf', balanced],
        ['laplacian', 3],
      ] as const) {
        const options = { ...OPTIONS, kernel, positiveWeight };
        const comparable = kernel === 'rbf' && rows <= REFERENCE_ROWS;
        const row = measure(x, y, options, rows > REFERENCE_ROWS ? 1 : repeats, {
          scikitLearn:
            comparable && hasScikitLearn ? (each) => scikitLearn(python, folder, x, each) : undefined,
          libsvmJs: comparable,
        });
        table.push(row);
        console.log(JSON.stringify(row));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.table(table);
  mkdirSync('.garoa/bench', { recursive: true });
  writeFileSync('.garoa/bench/svc.json', `${JSON.stringify(table, undefined, 2)}\n`);
}

function measure(
  x: Matrix,
  y: Uint8Array,
  options: SvcOptions,
  repeats: number,
  references: {
    readonly scikitLearn: ((options: SvcOptions) => z.infer<typeof referenceRun>) | undefined;
    readonly libsvmJs: boolean;
  },
): Record<string, string | number> {
  const samples: Samples = {
    garoa: [],
    scikitLearn: [],
    libsvmJs: [],
    garoaDecision: [],
    scikitLearnDecision: [],
  };
  const test = firstRows(x, DECISION_ROWS);
  let objective = Number.NaN;
  let scikitLearnObjective = Number.NaN;
  let description: Record<string, number> = {};
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [seconds, result] = cpuSeconds(() => fitSmo(x, y, options));
    samples.garoa.push(seconds);
    objective = result.objective;
    description = {
      iterations: result.iterations,
      'kernel rows': result.kernelRows,
      'support vectors': result.model.coefficients.length,
    };
    samples.garoaDecision.push(cpuSeconds(() => decisionValues(result.model, test))[0]);
    if (references.scikitLearn !== undefined) {
      const run = references.scikitLearn(options);
      samples.scikitLearn.push(run.fit);
      samples.scikitLearnDecision.push(run.decision);
      scikitLearnObjective = run.objective;
    }
    if (references.libsvmJs) {
      samples.libsvmJs.push(cpuSeconds(() => fitLibsvm(x, y, options))[0]);
    }
  }
  const fit = median(samples.garoa);
  const decision = median(samples.garoaDecision);
  return {
    rows: x.rows,
    kernel: options.kernel,
    weight: options.positiveWeight,
    ...description,
    'fit s': shown(fit),
    'scikit-learn s': shown(median(samples.scikitLearn)),
    'libsvm-js s': shown(median(samples.libsvmJs)),
    '× scikit-learn': shown(median(samples.scikitLearn) / fit),
    '× libsvm-js': shown(median(samples.libsvmJs) / fit),
    'objective off by': Number.isNaN(scikitLearnObjective)
      ? '-'
      : Math.abs(objective / scikitLearnObjective - 1).toExponential(1),
    'decisions a second': Math.round(test.rows / decision),
    '× scikit-learn decisions': shown(median(samples.scikitLearnDecision) / decision),
    'peak MB': Math.round(process.resourceUsage().maxRSS / 1_024),
  };
}

function scikitLearn(
  python: string,
  folder: string,
  x: Matrix,
  options: SvcOptions,
): z.infer<typeof referenceRun> {
  const { c, gamma, positiveWeight, tolerance, cacheMegabytes } = options;
  const numbers = [x.rows, x.columns, Math.min(x.rows, DECISION_ROWS), c, gamma, positiveWeight, tolerance];
  const output = execFileSync(
    python,
    ['-c', SCIKIT_LEARN, folder, ...numbers.map(String), String(cacheMegabytes)],
    // One thread for each, as for the others.
    { encoding: 'utf8', env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' } },
  );
  return referenceRun.parse(JSON.parse(output));
}

function cpuSeconds<R>(work: () => R): [number, R] {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return [(user + system) / 1e6, result];
}

function firstRows(x: Matrix, count: number): Matrix {
  const rows = Math.min(count, x.rows);
  return { rows, columns: x.columns, values: x.values.subarray(0, rows * x.columns) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function shown(value: number): number | string {
  return Number.isNaN(value) ? '-' : Number(value.toPrecision(3));
}
