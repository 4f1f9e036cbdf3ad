import { type Calibration, calibrate, fitCalibration, fitLogistic, logisticProbability } from './calibration';
import {
  type BootstrapDifference,
  bestF1Threshold,
  type Evaluation,
  evaluate,
  squaredErrors,
  weeklyBootstrap,
} from './evaluation';
import { FEATURES } from './features';
import { fitMeanwhile } from './fit';
import { fromColumns, type Matrix, selectRows } from './matrix';
import { applyPreprocessing, fitPreprocessing, type Preprocessing } from './preprocessing';
import { expandingFolds, type RowRange } from './protocol';
import type { Recipe } from './recipe';
import { simdDecisionValues } from './smo/decision';
import { smoSupported } from './smo/kernel-module';
import { decisionValues, type Fit, joinMembers, type SvcModel } from './svc';
import type { TrainingSet } from './training-set';

/** Milliseconds that may still be spent: asked before each fit, which is abandoned when they are over. */
export type RemainingMs = () => number;

/** Of every fit. The cache is for kernel rows of one solver; two leave half of the function's memory for rows and models. */
export const FITTING = { tolerance: 1e-3, cacheMegabytes: 400 } as const;

/** Preprocessing and classifiers as fitted on one range of rows; gives decision values, not yet probabilities. */
export interface Classifier {
  readonly preprocessing: Preprocessing;
  /** One for each member of the recipe. */
  readonly models: readonly SvcModel[];
}

/**
 * Decision values of rows by classifiers that were fitted without them and before them. Plain JSON: the score step
 * stores it, test and refit calibrate on it.
 */
export interface OutOfFold {
  /** Base hour of each row, ms since the epoch. */
  readonly hours: readonly number[];
  /** One array per member, each as long as `hours`. */
  readonly values: readonly (readonly number[])[];
}

/** Fits the recipe's classifiers on a range of rows. @throws FitRefused, RangeError as `fitMembers` and `fitPreprocessing`. */
export function fitClassifier(
  set: TrainingSet,
  recipe: Recipe,
  range: RowRange,
  remainingMs: RemainingMs,
): Classifier {
  return learn(set, recipe, range, remainingMs, () => undefined).classifier;
}

/**
 * As `fitClassifier`. While another thread is at it, this one does something else.
 * @param starts where the same recipe came to on the first of these rows.
 */
function learn<T>(
  set: TrainingSet,
  recipe: Recipe,
  range: RowRange,
  remainingMs: RemainingMs,
  meanwhile: () => T,
  starts: Starts = [],
): { readonly classifier: Classifier; readonly starts: Starts; readonly result: T } {
  const { preprocessing, x, y } = prepare(set, recipe, range);
  const shared = {
    kernel: recipe.kernel,
    ...FITTING,
    timeBudgetMs: remainingMs(),
  };
  const members = recipe.members.map(({ c, gammaScale, positiveWeight }) => ({
    c,
    gamma: gammaScale / x.columns,
    positiveWeight,
  }));
  const { fitted, result } = fitMeanwhile({ x, y, shared, members, starts }, meanwhile);
  return {
    classifier: { preprocessing, models: fitted.map(({ model }) => model) },
    starts: fitted.map(({ multiplierShares }) => multiplierShares),
    result,
  };
}

type Starts = NonNullable<Fit['starts']>;

/** Rows as the classifiers learn them. */
interface Prepared {
  readonly preprocessing: Preprocessing;
  readonly x: Matrix;
  readonly y: Uint8Array;
}

/** Values that may be kept of one training set: the folds of a year for several choices of features. */
const KEPT_VALUES = 10_000_000;

const kept = new WeakMap<TrainingSet, { readonly entries: Map<string, Prepared>; values: number }>();

/** The newest rows of a range that a recipe looks at. Recipes of the same features share them: it takes as long as a fit. */
function prepare(set: TrainingSet, recipe: Recipe, range: RowRange): Prepared {
  const rows = trainingRows(range, recipe.windowRows);
  const key = JSON.stringify([recipe.featureGroups, rows[0], rows.length]);
  const store = kept.get(set) ?? { entries: new Map<string, Prepared>(), values: 0 };
  kept.set(set, store);
  const known = store.entries.get(key);
  if (known !== undefined) return known;

  const raw = selectRows(set.x, rows);
  const groups: ReadonlySet<string> = new Set(recipe.featureGroups);
  const wanted = new Set(FEATURES.filter(({ group }) => groups.has(group)).map(({ name }) => name));
  const preprocessing = fitPreprocessing(raw, set.featureNames, wanted);
  const x = applyPreprocessing(preprocessing, raw, set.featureNames);
  const prepared = { preprocessing, x, y: Uint8Array.from(rows, (i) => set.y[i] ?? 0) };
  if (store.values + x.values.length <= KEPT_VALUES) {
    store.entries.set(key, prepared);
    store.values += x.values.length;
  }
  return prepared;
}

/** Decision values of a range of rows, one column per member. */
function classify(classifier: Classifier, set: TrainingSet, range: RowRange): Matrix {
  const raw = selectRows(set.x, trainingRows(range, range.end - range.start));
  const x = applyPreprocessing(classifier.preprocessing, raw, set.featureNames);
  const decide = smoSupported() ? simdDecisionValues : decisionValues;
  return decide(joinMembers(classifier.models), x);
}

/** Decision values over the expanding folds of a range: each row is judged by what was fitted on earlier rows only. */
export function outOfFoldValues(
  set: TrainingSet,
  recipe: Recipe,
  range: RowRange,
  remainingMs: RemainingMs,
): OutOfFold {
  const hours: number[] = [];
  const values: number[][] = recipe.members.map(() => []);
  let before: { readonly first: number | undefined; readonly starts: Starts } | undefined;
  for (const { training, validation } of expandingFolds(set, range)) {
    const [first] = trainingRows(training, recipe.windowRows);
    // A fold has all rows of the fold before, and some more, until they outgrow the window.
    const from = before?.first === first ? before?.starts : undefined;
    const { classifier, starts } = learn(set, recipe, training, remainingMs, () => undefined, from);
    before = { first, starts };
    appendTo({ hours, values }, set, validation, classify(classifier, set, validation));
  }
  return { hours, values };
}

/** Out-of-fold values as a matrix with the outcomes and wet-now flags of the same hours. @throws RangeError when an hour is not in the set. */
export function align(set: TrainingSet, outOfFold: OutOfFold) {
  const places = new Map(Array.from(set.hours, (hour, i) => [hour, i]));
  const rows = outOfFold.hours.map((hour) => {
    const place = places.get(hour);
    if (place === undefined) {
      throw new RangeError(
        `Hour ${new Date(hour).toISOString()} has decision values but is not in the training set.`,
      );
    }
    return place;
  });
  return {
    values: fromColumns(outOfFold.values),
    outcomes: Uint8Array.from(rows, (i) => set.y[i] ?? 0),
    wetNow: Float64Array.from(rows, (i) => set.wetNow[i] ?? Number.NaN),
    hours: Float64Array.from(outOfFold.hours),
  };
}

/** Calibration and decision threshold from out-of-fold values: true class balance, no row seen in training. */
export function fitDecision(
  set: TrainingSet,
  recipe: Recipe,
  outOfFold: OutOfFold,
): { calibration: Calibration; threshold: number } {
  const { values, outcomes, wetNow } = align(set, outOfFold);
  const calibration = fitCalibration(recipe.calibration, values, outcomes, wetNow);
  return { calibration, threshold: bestF1Threshold(outcomes, calibrate(calibration, values, wetNow)) };
}

/** Persistence as a probability: how often rain followed a wet, a dry and any hour. */
export interface Persistence {
  readonly probabilityAfterWet: number;
  readonly probabilityAfterDry: number;
  /** Climatology, and what persistence says when the present hour is unknown. */
  readonly probability: number;
}

/** Frequencies with one half added to each count, so that none is 0 or 1. */
export function fitPersistence(set: TrainingSet, range: RowRange): Persistence {
  const counts = { wet: [0, 0], dry: [0, 0], all: [0, 0] } satisfies Record<string, [number, number]>;
  for (let i = range.start; i < range.end; i++) {
    const y = set.y[i] === 1 ? 1 : 0;
    counts.all[y]++;
    if (set.wetNow[i] === 1) {
      counts.wet[y]++;
    } else if (set.wetNow[i] === 0) {
      counts.dry[y]++;
    }
  }
  const frequency = ([dry, wet]: readonly [number, number]) => (wet + 0.5) / (dry + wet + 1);
  return {
    probabilityAfterWet: frequency(counts.wet),
    probabilityAfterDry: frequency(counts.dry),
    probability: frequency(counts.all),
  };
}

/** Persistence's probabilities for hours whose present is wet (1), dry (0) or unknown (NaN). */
export function persistenceProbability(persistence: Persistence, wetNow: Float64Array): Float64Array {
  return wetNow.map((wet) =>
    wet === 1
      ? persistence.probabilityAfterWet
      : wet === 0
        ? persistence.probabilityAfterDry
        : persistence.probability,
  );
}

/** What one recipe, fitted on the development part, shows on the test part; every forecast is kept beside it. */
export interface TestResult {
  readonly evaluation: Evaluation;
  /** Brier improvement over persistence on the same hours. */
  readonly overPersistence: BootstrapDifference;
  readonly baselines: Baselines;
  readonly forecasts: TestForecasts;
  /** The development part's out-of-fold values with the test part's added: what a refit calibrates on. */
  readonly outOfFold: OutOfFold;
}

export interface Baselines {
  readonly persistence: Evaluation;
  readonly climatology: Evaluation;
  readonly logisticRegression: Evaluation;
}

/** Column-wise, in time order. */
export interface TestForecasts {
  readonly hours: Float64Array;
  readonly probability: Float64Array;
  readonly outcome: Uint8Array;
  readonly wetNow: Float64Array;
  readonly persistenceProbability: Float64Array;
}

/**
 * The one look at the test part: fits the recipe and the baselines on the development part, evaluates all of them on
 * the same test hours.
 */
export function testRecipe(
  set: TrainingSet,
  recipe: Recipe,
  split: { readonly development: RowRange; readonly test: RowRange },
  outOfFold: OutOfFold,
  remainingMs: RemainingMs,
): TestResult {
  const { development, test } = split;
  const { classifier, result: logisticRegression } = learn(set, recipe, development, remainingMs, () =>
    evaluateLogisticRegression(set, split, recipe),
  );
  const { calibration, threshold } = fitDecision(set, recipe, outOfFold);
  const values = classify(classifier, set, test);
  const outcome = set.y.slice(test.start, test.end);
  const wetNow = set.wetNow.slice(test.start, test.end);
  const probability = calibrate(calibration, values, wetNow);
  const hours = set.hours.slice(test.start, test.end);
  const persistence = fitPersistence(set, development);
  const persisted = persistenceProbability(persistence, wetNow);
  const extended = { hours: [...outOfFold.hours], values: outOfFold.values.map((member) => [...member]) };
  appendTo(extended, set, test, values);
  return {
    evaluation: evaluate(outcome, probability, wetNow, threshold),
    overPersistence: weeklyBootstrap(
      hours,
      squaredErrors(outcome, probability),
      squaredErrors(outcome, persisted),
    ),
    baselines: {
      persistence: evaluate(outcome, persisted, wetNow, persistence.probabilityAfterWet),
      climatology: evaluate(
        outcome,
        persisted.map(() => persistence.probability),
        wetNow,
        0.5,
      ),
      logisticRegression,
    },
    forecasts: { hours, probability, outcome, wetNow, persistenceProbability: persisted },
    outOfFold: extended,
  };
}

const BASELINE_RIDGE = 1;

/** Logistic regression on the same features, rows and split; threshold from its own development probabilities. */
function evaluateLogisticRegression(
  set: TrainingSet,
  { development, test }: { readonly development: RowRange; readonly test: RowRange },
  recipe: Recipe,
): Evaluation {
  const rows = trainingRows(development, recipe.windowRows);
  const raw = selectRows(set.x, rows);
  const preprocessing = fitPreprocessing(raw, set.featureNames, new Set(set.featureNames));
  const x = applyPreprocessing(preprocessing, raw, set.featureNames);
  const y = Uint8Array.from(rows, (i) => set.y[i] ?? 0);
  const logistic = fitLogistic(x, Float64Array.from(y), BASELINE_RIDGE);
  const threshold = bestF1Threshold(y, logisticProbability(logistic, x));
  const testRows = trainingRows(test, test.end - test.start);
  const testX = applyPreprocessing(preprocessing, selectRows(set.x, testRows), set.featureNames);
  return evaluate(
    set.y.slice(test.start, test.end),
    logisticProbability(logistic, testX),
    set.wetNow.slice(test.start, test.end),
    threshold,
  );
}

/** The newest `limit` rows of a range. */
function trainingRows({ start, end }: RowRange, limit: number): Int32Array {
  const from = Math.max(start, end - limit);
  return Int32Array.from({ length: end - from }, (_, i) => from + i);
}

function appendTo(
  target: { hours: number[]; values: number[][] },
  set: TrainingSet,
  range: RowRange,
  values: Matrix,
): void {
  for (let i = 0; i < values.rows; i++) {
    target.hours.push(set.hours[range.start + i] ?? Number.NaN);
    target.values.forEach((member, m) => {
      member.push(values.values[i * values.columns + m] ?? Number.NaN);
    });
  }
}
