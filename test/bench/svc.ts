import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { SvcOptions } from '../../lambdas/model/svc';
import { weatherRows } from '../lambdas/model/smo/weather-rows';
import { findScikitLearn, median, shown, writeResults } from './report';
import { type EngineRun, engineRun, type Task } from './svc-engine';

const ENGINES = ['garoa', 'scikit-learn', 'libsvm-js'] as const;
type Engine = (typeof ENGINES)[number];

/**
 * Rows beyond which an engine is not asked. RBF: it would take an hour for all repeats. Laplacian: LIBSVM needs the whole kernel
 * matrix, 8 bytes a value in scikit-learn and 24 in libsvm-js.
 */
const LIMITS: Readonly<Record<Engine, Readonly<Record<SvcOptions['kernel'], number>>>> = {
  garoa: { rbf: Number.POSITIVE_INFINITY, laplacian: Number.POSITIVE_INFINITY },
  'scikit-learn': { rbf: 35_040, laplacian: 17_520 },
  'libsvm-js': { rbf: 35_040, laplacian: 5_000 },
};

const WARM_ROWS = 10_000;
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

export const options = { rows: { type: 'string' }, repeats: { type: 'string' } } as const;

const commandLine = z.object({
  rows: z
    .string()
    .default('4380,8760,17520,35040,120000')
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().min(100))),
  repeats: z.string().default('5').transform(Number).pipe(z.int().min(1)),
});

/**
 * Training and decision values, beside libsvm-js and scikit-learn (when `python3`, or what PYTHON names, has it): the
 * same rows, hyperparameters, tolerance and cache. Every run is a process of its own with one thread; runs take turns,
 * and medians of CPU seconds count, so that other work on the machine matters as little as it can.
 * `--rows 8760,17520 --repeats 5`. Writes `.garoa/bench/svc.json` too.
 */
export async function bench(given: unknown): Promise<void> {
  const { rows: sizes, repeats } = commandLine.parse(given);
  const python = findScikitLearn('svc');
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
        const task = {
          folder,
          rows,
          columns: x.columns,
          warmRows: Math.min(rows, WARM_ROWS),
          decisionRows: Math.min(rows, DECISION_ROWS),
          options: { ...OPTIONS, kernel, positiveWeight },
        };
        const asked = ENGINES.filter(
          (engine) => rows <= LIMITS[engine][kernel] && (engine !== 'scikit-learn' || python !== undefined),
        );
        const row = compare(task, asked, repeats, python);
        table.push(row);
        console.log(JSON.stringify(row));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  writeResults('svc', table);
}

function compare(
  task: Omit<Task, 'engine'>,
  engines: readonly Engine[],
  repeats: number,
  python: string | undefined,
): Record<string, string | number> {
  const runs = new Map<Engine, EngineRun[]>(engines.map((engine) => [engine, []]));
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [engine, done] of runs) done.push(runOnce(engine, task, python));
  }
  const of = (engine: Engine, pick: (run: EngineRun) => number) => median((runs.get(engine) ?? []).map(pick));
  const training = (engine: Engine) => of(engine, (run) => run.fit);
  const decisions = (engine: Engine) => task.decisionRows / of(engine, (run) => run.decision);
  const own = runs.get('garoa')?.[0];
  const offBy = (engine: Engine) => Math.abs(of(engine, (run) => run.objective) / (own?.objective ?? 0) - 1);
  return {
    rows: task.rows,
    kernel: task.options.kernel,
    weight: task.options.positiveWeight,
    iterations: own?.iterations ?? '-',
    'kernel rows': own?.kernelRows ?? '-',
    'support vectors': own?.supportVectors ?? '-',
    'fit s': shown(training('garoa')),
    'scikit-learn s': shown(training('scikit-learn')),
    'libsvm-js s': shown(training('libsvm-js')),
    '× scikit-learn': shown(training('scikit-learn') / training('garoa')),
    '× libsvm-js': shown(training('libsvm-js') / training('garoa')),
    "objective off scikit-learn's": shown(offBy('scikit-learn')),
    "off libsvm-js's": shown(offBy('libsvm-js')),
    'decisions a second': Math.round(decisions('garoa')),
    '× scikit-learn decisions': shown(decisions('garoa') / decisions('scikit-learn')),
    '× plain decisions': shown(decisions('garoa') / decisions('libsvm-js')),
    'peak MB': Math.round(of('garoa', (run) => run.peakMegabytes)),
    'scikit-learn MB': shown(of('scikit-learn', (run) => run.peakMegabytes)),
    'libsvm-js MB': shown(of('libsvm-js', (run) => run.peakMegabytes)),
  };
}

function runOnce(engine: Engine, task: Omit<Task, 'engine'>, python: string | undefined): EngineRun {
  const argument = JSON.stringify({ ...task, engine });
  const [command, program] =
    engine === 'scikit-learn' && python !== undefined
      ? [python, [join(__dirname, 'svc-reference.py')]]
      : // With the TypeScript loader that runs this.
        [process.execPath, [...process.execArgv, join(__dirname, 'svc-engine.ts')]];
  const output = execFileSync(command, [...program, argument], {
    encoding: 'utf8',
    // libsvm-js says on standard error how it loads its file.
    stdio: ['ignore', 'pipe', engine === 'libsvm-js' ? 'ignore' : 'inherit'],
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
  });
  return engineRun.parse(JSON.parse(output));
}
