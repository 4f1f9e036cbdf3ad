import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { calibrate } from '../../lambdas/model/calibration';
import { type Evaluation, evaluate } from '../../lambdas/model/evaluation';
import { loadLibsvm } from '../../lambdas/model/libsvm';
import { type Matrix, rowsBetween, sideBySide } from '../../lambdas/model/matrix';
import type { EvaluationFile } from '../../lambdas/model/metrics-file';
import { applyPreprocessing } from '../../lambdas/model/preprocessing';
import {
  expandingFolds,
  type RowRange,
  type Split,
  splitDevelopmentTest,
} from '../../lambdas/model/protocol';
import { type Recipe, sameRecipe } from '../../lambdas/model/recipe';
import { Scorer, scoreOf } from '../../lambdas/model/search';
import type { OutOfFold } from '../../lambdas/model/series';
import type { MemberOptions } from '../../lambdas/model/svc';
import { FITTING, fitDecision, memberOptions, prepare, testRecipe } from '../../lambdas/model/train';
import type { TrainingSet } from '../../lambdas/model/training-set';
import { readTrainingSet } from '../../lambdas/retrain/inspect';
import { runFiles } from '../../lambdas/retrain/run-files';
import { findScikitLearn, median, shown } from './report';
import type { Options } from './retrain';
import { between, locationId, now, type Retraining, retrainAsDeployed, type Times } from './stations';

/** Milliseconds that fits may take here: more than any does. */
const UNHURRIED = () => 1_800_000;

/** Tolerance as ours. LIBSVM computes single kernel rows, so that more of them in its cache are worth more. */
const REFERENCE_FITTING = { tolerance: FITTING.tolerance, cacheMegabytes: 400 } as const;

/** As configured by default. */
const CANDIDATES = 24;

/** Five years, so that the development part is four: 35,040 hours. */
const USUAL_DAYS = 1_825;

/** What one retraining as deployed leaves to be compared with. */
interface Deployed extends Pick<Retraining, 'whole' | 'learning'> {
  readonly set: TrainingSet;
  readonly assessment: NonNullable<EvaluationFile['assessment']>;
}

/** @throws Error when the run did not end in a refit: there would be less to compare. */
function retrainOnce(days: number): Promise<Deployed> {
  const stations = { count: 1, firstDay: '2009-01-01', days, candidates: CANDIDATES };
  return retrainAsDeployed(stations, async (cloud, { summary, whole, learning }) => {
    const bucket = cloud.bucket('query-results');
    const { assessment, outcome, reasons } = await runFiles.outcome.read(bucket, summary.run, locationId(0));
    if (assessment === null || outcome !== 'promoted') throw new Error(`${outcome}: ${reasons.join(' ')}`);
    const set = await readTrainingSet(bucket, summary.run, locationId(0));
    return { whole, learning, set, assessment };
  });
}

/** One fit that the reference is to make, and the rows that it is to give decision values of. */
interface ReferenceFit {
  readonly name: string;
  /** Of a logistic regression, which is one member; null where the members are support vector classifiers. */
  readonly ridge: number | null;
  readonly kernel: Recipe['kernel'];
  readonly members: readonly MemberOptions[];
  readonly training: { readonly file: string; readonly rows: number };
  readonly asked: { readonly file: string; readonly rows: number };
  readonly columns: number;
}

/**
 * Writes prepared rows for the reference: raw row-major doubles with the labels beside them, once for all recipes that
 * prepare them alike.
 */
class Export {
  private readonly files = new Map<string, string>();
  private count = 0;

  constructor(
    private readonly folder: string,
    private readonly set: TrainingSet,
  ) {}

  /**
   * What `fitClassifier` is to do on `range`, and decision values of `asked`: the recipe's classifiers together, and its
   * logistic regression.
   */
  fits(recipe: Recipe, range: RowRange, asked: RowRange): ReferenceFit[] {
    const { preprocessing, x, y } = prepare(this.set, recipe, range);
    const write = ({ start, end }: RowRange) => {
      const key = JSON.stringify([preprocessing, start, end]);
      const file = this.files.get(key) ?? `rows-${this.files.size}`;
      if (!this.files.has(key)) {
        this.files.set(key, file);
        const raw = rowsBetween(this.set.x, start, end);
        const prepared = applyPreprocessing(preprocessing, raw, this.set.featureNames);
        writeFileSync(join(this.folder, `${file}.x`), prepared.values);
        writeFileSync(join(this.folder, `${file}.y`), this.set.y.slice(start, end));
      }
      return { file, rows: end - start };
    };
    const material = {
      kernel: recipe.kernel,
      training: write({ start: range.end - x.rows, end: range.end }),
      asked: write(asked),
      columns: x.columns,
    };
    const members = recipe.members.map((member) => memberOptions(member, x, y));
    return [
      ...(members.length === 0 ? [] : [this.named({ ...material, ridge: null, members })]),
      ...(recipe.linear === null ? [] : [this.named({ ...material, ...recipe.linear, members: [] })]),
    ];
  }

  private named(fit: Omit<ReferenceFit, 'name'>): ReferenceFit {
    return { ...fit, name: `fit-${this.count++}` };
  }

  /** Decision values that the reference left of a recipe's fits, one column for each member. */
  values(fits: readonly ReferenceFit[]): Matrix {
    return fits.map((fit) => this.valuesOf(fit)).reduce(sideBySide);
  }

  private valuesOf({ name, asked, members, ridge }: ReferenceFit): Matrix {
    const columns = ridge === null ? members.length : 1;
    const values = new Float64Array(asked.rows * columns);
    new Uint8Array(values.buffer).set(readFileSync(join(this.folder, `${name}.values`)));
    return { rows: asked.rows, columns, values };
  }
}

const protocolAnswer = z.object({ seconds: z.number(), cpuSeconds: z.number(), processes: z.int() });
const usualAnswer = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  rows: z.int(),
  fits: z.int(),
  averagePrecision: z.number(),
  brier: z.number(),
});

function askReference<T>(python: string, task: object, answer: z.ZodType<T>): T {
  const output = execFileSync(python, [join(__dirname, 'retrain-reference.py')], {
    encoding: 'utf8',
    input: JSON.stringify(task),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return answer.parse(JSON.parse(output));
}

/**
 * Retraining as deployed beside the same protocol in scikit-learn with n_jobs=-1: the same rows, folds, candidates,
 * hyperparameters and tolerance, and three times the cache, then the test fits of the recipe that it chooses and of the
 * baselines, and the refit. Each candidate is fitted by itself, as scikit-learn's searches do; ours shares what some have
 * in common. All fits of the search are given to it at once, where ours come in rounds. Compared are the times from
 * training set to refitted model. Ours has preparation, calibration, metrics and all reading and writing of
 * objects in it; the reference's decision values are calibrated and measured by our code outside of its time, its rows
 * come prepared, and starting Python is not counted. Its logistic regressions begin at no rain, ours at persistence.
 */
export async function compareProtocol({ repeats, days }: Options): Promise<Record<string, unknown>[]> {
  await loadLibsvm();
  const runs: [Deployed, ...Deployed[]] = [await retrainOnce(days)];
  while (runs.length < repeats) runs.push(await retrainOnce(days));
  const [{ set, assessment }] = runs;
  const candidates = assessment.candidates.filter((each): each is Candidate => each.status === 'scored');
  const recipes = candidates.map(({ recipe }) => recipe);
  const size = { repeats, rows: set.hours.length, recipes: recipes.length };
  const own = medianTimes(runs.map(({ learning }) => learning));
  const found = {
    ...size,
    ...figures(assessment.test),
    'recipe chosen': nameOf(recipes, assessment.recipe),
  };
  const rows = [
    {
      by: 'garoa, with SQL, cold starts and report',
      ...shownTimes(medianTimes(runs.map(({ whole }) => whole))),
      ...found,
    },
    { by: 'garoa, search to refit', ...shownTimes(own), ...found },
  ];
  const python = findScikitLearn('retrain');
  if (python === undefined) return rows;

  const references = referenceProtocol(python, set, candidates, repeats);
  const [{ processes, recipe, evaluation }] = references;
  const theirs = medianTimes(references);
  return [
    ...rows,
    {
      by: `scikit-learn, ${processes} processes`,
      ...shownTimes(theirs),
      ...size,
      ...figures(evaluation),
      'recipe chosen': nameOf(recipes, recipe),
      '× seconds': shown(theirs.seconds / own.seconds),
      '× CPU seconds': shown(theirs.cpuSeconds / own.cpuSeconds),
    },
  ];
}

type Candidate = Extract<Deployed['assessment']['candidates'][number], { readonly status: 'scored' }>;

interface ReferenceRun extends Times {
  readonly processes: number;
  readonly recipe: Recipe;
  readonly evaluation: Evaluation;
}

/** Search, the tests' fits and the refit in scikit-learn, `repeats` times. */
function referenceProtocol(
  python: string,
  set: TrainingSet,
  recipes: readonly Pick<Candidate, 'recipe' | 'baseline'>[],
  repeats: number,
): [ReferenceRun, ...ReferenceRun[]] {
  const folder = mkdtempSync(join(tmpdir(), 'garoa-bench-'));
  try {
    const exported = new Export(folder, set);
    const split = splitDevelopmentTest(set);
    const folds = expandingFolds(set, split.development);
    const search = recipes.map(({ recipe }) =>
      folds.map(({ training, validation }) => exported.fits(recipe, training, validation)),
    );
    const run = (fits: readonly ReferenceFit[]) =>
      askReference(python, { mode: 'protocol', folder, ...REFERENCE_FITTING, fits }, protocolAnswer);
    const once = (): ReferenceRun => {
      const searched = run(search.flat(2));
      const scored = recipes.map(({ recipe, baseline }, r) => {
        const values = (search[r] ?? []).map((fits) => exported.values(fits));
        const outOfFold = joinFolds(
          set,
          folds.map(({ validation }) => validation),
          values,
        );
        return { recipe, baseline, outOfFold, brier: scoreOf(set, recipe, outOfFold).brier };
      });
      const best = (some: typeof scored) =>
        some.reduce((best, each) => (each.brier < best.brier ? each : best));
      const chosen = best(scored.filter(({ baseline }) => !baseline));
      const { recipe } = chosen;
      const tested = exported.fits(recipe, split.development, split.test);
      const baselines = [
        best(scored.filter(({ baseline, recipe }) => baseline && recipe.members.length === 0)),
        best(scored.filter(({ baseline, recipe }) => baseline && recipe.members.length > 0)),
      ].flatMap(({ recipe }) => exported.fits(recipe, split.development, split.test));
      // One row is asked for, since every fit is: nobody looks at it.
      const refitted = exported.fits(recipe, { start: 0, end: set.hours.length }, { start: 0, end: 1 });
      const finished = run([...tested, ...baselines, ...refitted]);
      return {
        seconds: searched.seconds + finished.seconds,
        cpuSeconds: searched.cpuSeconds + finished.cpuSeconds,
        processes: searched.processes,
        recipe,
        evaluation: testOf(set, split, recipe, chosen.outOfFold, exported.values(tested)),
      };
    };
    const first = once();
    return [first, ...Array.from({ length: repeats - 1 }, once)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function joinFolds(set: TrainingSet, ranges: readonly RowRange[], values: readonly Matrix[]): OutOfFold {
  const members = values[0]?.columns ?? 0;
  return {
    hours: ranges.flatMap(({ start, end }) => Array.from(set.hours.subarray(start, end))),
    values: Array.from({ length: members }, (_, m) =>
      values.flatMap((fold) => Array.from(fold.values.filter((_, at) => at % members === m))),
    ),
  };
}

function testOf(
  set: TrainingSet,
  { test }: Split,
  recipe: Recipe,
  outOfFold: OutOfFold,
  values: Matrix,
): Evaluation {
  const { calibration, threshold } = fitDecision(set, recipe, outOfFold);
  const wetNow = set.wetNow.slice(test.start, test.end);
  const probability = calibrate(calibration.settled, values, wetNow);
  return evaluate(set.y.slice(test.start, test.end), probability, wetNow, threshold);
}

/**
 * Five years of hours beside what people usually do with them: rows of the minority repeated until classes are equal,
 * `SVC(probability=True)` as it comes, scored on the same test hours. One fit, or with `--grid` the search over nine
 * that is common (hours of time); scikit-learn's defaults otherwise, n_jobs=-1. Ours are the whole retraining as
 * deployed, and, like for like with one fit, one such classifier calibrated on its folds, in one thread.
 */
export async function compareUsual({ grid }: Options): Promise<Record<string, unknown>[]> {
  const deployed = await retrainOnce(USUAL_DAYS);
  const { set, assessment } = deployed;
  const { development, test } = splitDevelopmentTest(set);
  const rows = development.end - development.start;
  const rain = set.y.subarray(development.start, development.end).reduce((sum, y) => sum + y, 0);
  const single: Recipe = {
    featureGroups: assessment.recipe.featureGroups,
    windowRows: set.hours.length,
    kernel: 'rbf',
    // SVC's defaults: for standardised columns its gamma of 'scale' is one over their number.
    members: [{ c: 1, gammaScale: 1, positiveWeight: (rows - rain) / rain }],
    linear: null,
    calibration: 'logistic',
    solver: 'smo',
  };
  const started = now();
  const { outOfFold } = new Scorer(set, UNHURRIED).score(single);
  const { evaluation } = testRecipe(set, single, { development, test }, outOfFold, UNHURRIED);
  const alone = between(started, now());
  const table: Record<string, unknown>[] = [
    {
      by: 'garoa, whole retraining',
      ...shownTimes(deployed.whole),
      rows,
      fits: assessment.candidates.length,
      ...figures(assessment.test),
    },
    { by: 'garoa, one classifier', ...shownTimes(alone), rows, fits: 1, ...figures(evaluation) },
  ];
  const python = findScikitLearn('retrain');
  if (python === undefined) return table;
  const folder = mkdtempSync(join(tmpdir(), 'garoa-bench-'));
  try {
    const fits = new Export(folder, set).fits(single, development, test);
    const usual = askReference(python, { mode: 'usual', folder, grid, fits }, usualAnswer);
    table.push({
      by: `SVC(probability=True)${grid ? ', grid of nine' : ''}`,
      ...shownTimes(usual),
      rows: usual.rows,
      fits: usual.fits,
      ...figures(usual),
      '× whole retraining': shown(usual.seconds / deployed.whole.seconds),
      '× one classifier': shown(usual.seconds / alone.seconds),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
  return table;
}

function medianTimes(runs: readonly Times[]): Times {
  return {
    seconds: median(runs.map(({ seconds }) => seconds)),
    cpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

function shownTimes({ seconds, cpuSeconds }: Times) {
  return { seconds: shown(seconds), 'CPU seconds': shown(cpuSeconds) };
}

function figures(of: { readonly averagePrecision: number | null; readonly brier: number }) {
  return { 'average precision': of.averagePrecision?.toFixed(4), Brier: of.brier.toFixed(5) };
}

/** A recipe by its place among the candidates. */
function nameOf(recipes: readonly Recipe[], recipe: Recipe): string {
  return `number ${recipes.findIndex((each) => sameRecipe(each, recipe)) + 1}`;
}
