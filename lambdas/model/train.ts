import { type Costs, decisionThreshold, type Evaluation, evaluate } from './evaluation';
import { fitMeanwhile } from './fit';
import { joinedProbability, type Spoken, spokenSeries } from './joined';
import { calibrateKnown, fitKnown, type KnownCalibration } from './known-calibration';
import { fitLogistic, type Logistic, logisticLogits, smoothedTargets } from './logistic';
import { fromColumns, type Matrix, rowsBetween } from './matrix';
import { fitPersistence, type Persistence, persistenceLogits } from './persistence';
import {
  applyPreprocessing,
  fitPreprocessing,
  type LearntColumns,
  type Preprocessing,
} from './preprocessing';
import { expandingFolds, type RowRange } from './protocol';
import { forecastsAt, type ProviderForecasts } from './provider-forecast';
import { featuresOf, type Recipe } from './recipe';
import { type OutOfFold, type Series, seriesOf } from './series';
import { simdDecisionValues } from './smo/decision';
import { smoSupported } from './smo/kernel-module';
import { decisionValues, type Fit, joinMembers, type SvcEnsemble, type SvcModel } from './svc';
import type { TrainingSet } from './training-set';

/** Milliseconds that may still be spent: asked before each fit, which is abandoned when they are over. */
export type RemainingMs = () => number;

/** Of every fit. The cache is for kernel rows of one solver: three times as much saves a twentieth of the time at most. */
export const FITTING = { tolerance: 1e-3, cacheMegabytes: 128 } as const;

/** Preprocessing and members as fitted on one range of rows; gives decision values, not yet probabilities. */
export interface Classifier {
  readonly preprocessing: Preprocessing;
  /** One for each support vector classifier of the recipe. */
  readonly models: readonly SvcModel[];
  readonly linear: LinearMember | null;
}

/** A logistic regression whose weights were drawn towards 0, where it says what persistence says. */
export interface LinearMember {
  readonly persistence: Persistence;
  readonly logistic: Logistic;
}

/** Fits the recipe's members on a range of rows. @throws FitRefused, RangeError as `fitMembers` and `fitPreprocessing`. */
export function fitClassifier(
  set: TrainingSet,
  recipe: Recipe,
  range: RowRange,
  remainingMs: RemainingMs,
): Classifier {
  return learn(set, recipe, range, remainingMs).classifier;
}

/**
 * As `fitClassifier`.
 * @param starts where the same recipe came to on the first of these rows.
 */
function learn(
  set: TrainingSet,
  recipe: Recipe,
  range: RowRange,
  remainingMs: RemainingMs,
  starts: Starts = NOWHERE,
): { readonly classifier: Classifier; readonly starts: Starts } {
  const { preprocessing, x, y, wetNow, linearMembers } = prepare(set, recipe, range);
  const fitLinear = () => {
    if (recipe.linear === null) return null;
    const { ridge } = recipe.linear;
    const known = linearMembers.get(ridge);
    if (known !== undefined) return known;
    const persistence = fitPersistence({ y, wetNow }, { start: 0, end: x.rows });
    const offset = persistenceLogits(persistence, wetNow);
    // With more rows, other indicators may have come in.
    const start = starts.linear?.weights.length === x.columns ? starts.linear : undefined;
    const member = {
      persistence,
      logistic: fitLogistic(x, smoothedTargets(y), ridge, { offset, start }),
    };
    linearMembers.set(ridge, member);
    return member;
  };
  if (recipe.members.length === 0) {
    const linear = fitLinear();
    return {
      classifier: { preprocessing, models: [], linear },
      starts: { ...NOWHERE, linear: linear?.logistic },
    };
  }
  const shared = { kernel: recipe.kernel, ...FITTING, timeBudgetMs: remainingMs() };
  const members = recipe.members.map((member) => memberOptions(member, x, y));
  const fit = { x, y, shared, members, starts: starts.members, solver: recipe.solver };
  // While another thread is at the classifiers, this one has time for the linear member.
  const { fitted, result: linear } = fitMeanwhile(fit, fitLinear);
  return {
    classifier: { preprocessing, models: fitted.map(({ model }) => model), linear },
    starts: {
      members: fitted.map(({ multiplierShares }) => multiplierShares),
      linear: linear?.logistic,
    },
  };
}

/** C, γ and class weight of a member in numbers, for the rows that it is to learn. */
export function memberOptions(
  { c, gammaScale, positiveWeight }: Recipe['members'][number],
  x: Matrix,
  y: Uint8Array,
): Fit['members'][number] {
  const gamma = gammaScale === 'variance' ? 1 / (x.columns * varianceOf(x.values)) : gammaScale / x.columns;
  if (positiveWeight !== 'balanced') return { c, gamma, positiveWeight };
  const positives = y.reduce((sum, label) => sum + label, 0);
  const negatives = y.length - positives;
  return { c: (c * y.length) / (2 * negatives), gamma, positiveWeight: negatives / positives };
}

/** Of all values of the matrix together. */
function varianceOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

interface Starts {
  readonly members: NonNullable<Fit['starts']>;
  readonly linear: Logistic | undefined;
}

const NOWHERE: Starts = { members: [], linear: undefined };

/** Rows as the members learn them. */
interface Prepared {
  readonly preprocessing: Preprocessing;
  readonly x: Matrix;
  readonly y: Uint8Array;
  readonly wetNow: Float64Array;
  /** By ridge: recipes that differ in their classifiers share it. */
  readonly linearMembers: Map<number, LinearMember>;
}

/** Values that may be kept of one training set: the folds of a year for several choices of features. */
const KEPT_VALUES = 10_000_000;

/** What recipes that learn the same set have in common. */
interface Kept {
  readonly prepared: Map<string, Prepared>;
  /** Values of all that is prepared. */
  values: number;
  /** By rows: recipes of other features share the columns that both look at. */
  readonly columns: Map<string, LearntColumns>;
}

const kept = new WeakMap<TrainingSet, Kept>();

/** The newest rows of a range that a recipe looks at. Recipes of the same features share them: it takes as long as a fit. */
export function prepare(set: TrainingSet, recipe: Recipe, range: RowRange): Prepared {
  const { start, end } = newest(range, recipe.windowRows);
  const rows = `${start} ${end}`;
  const key = JSON.stringify([recipe.featureGroups, rows]);
  const store = kept.get(set) ?? { prepared: new Map(), values: 0, columns: new Map() };
  kept.set(set, store);
  const known = store.prepared.get(key);
  if (known !== undefined) return known;

  const raw = rowsBetween(set.x, start, end);
  const columns = store.columns.get(rows) ?? new Map();
  store.columns.set(rows, columns);
  const preprocessing = fitPreprocessing(raw, set.featureNames, featuresOf(recipe), columns);
  const x = applyPreprocessing(preprocessing, raw, set.featureNames);
  const prepared = {
    preprocessing,
    x,
    y: set.y.slice(start, end),
    wetNow: set.wetNow.slice(start, end),
    linearMembers: new Map<number, LinearMember>(),
  };
  if (store.values + x.values.length <= KEPT_VALUES) {
    store.prepared.set(key, prepared);
    store.values += x.values.length;
  }
  return prepared;
}

/** Decision values of a range of rows, one column per member. */
function classify(classifier: Classifier, set: TrainingSet, range: RowRange): Matrix {
  const raw = rowsBetween(set.x, range.start, range.end);
  const x = applyPreprocessing(classifier.preprocessing, raw, set.featureNames);
  const decide = smoSupported() ? simdDecisionValues : decisionValues;
  return memberValues(classifier, x, set.wetNow.slice(range.start, range.end), decide);
}

/** Decision values of prepared rows: the support vector classifiers' by `decide`, then the linear member's. */
function memberValues(
  { models, linear }: Pick<Classifier, 'models' | 'linear'>,
  x: Matrix,
  wetNow: Float64Array,
  decide: (ensemble: SvcEnsemble, x: Matrix) => Matrix,
): Matrix {
  const machines = models.length === 0 ? undefined : decide(joinMembers(models), x);
  return withLinear(machines, linear, x, wetNow);
}

/** The linear member's values beside those of the classifiers. */
export function withLinear(
  machines: Matrix | undefined,
  linear: LinearMember | null,
  x: Matrix,
  wetNow: Float64Array,
): Matrix {
  const { columns, values } = machines ?? { columns: 0, values: new Float64Array(0) };
  if (linear === null) return { rows: x.rows, columns, values };
  const logits = logisticLogits(linear.logistic, x, persistenceLogits(linear.persistence, wetNow));
  const joined = new Float64Array(x.rows * (columns + 1));
  logits.forEach((logit, i) => {
    joined.set(values.subarray(i * columns, (i + 1) * columns), i * (columns + 1));
    joined[i * (columns + 1) + columns] = logit;
  });
  return { rows: x.rows, columns: columns + 1, values: joined };
}

/** Decision values over the expanding folds of a range: each row is judged by what was fitted on earlier rows only. */
export function outOfFoldValues(
  set: TrainingSet,
  recipe: Recipe,
  range: RowRange,
  remainingMs: RemainingMs,
): OutOfFold {
  const hours: number[] = [];
  const values: number[][] = Array.from({ length: memberCount(recipe) }, () => []);
  let before: { readonly first: number | undefined; readonly starts: Starts } | undefined;
  for (const { training, validation } of expandingFolds(set, range)) {
    const { start: first } = newest(training, recipe.windowRows);
    // A fold has all rows of the fold before, and some more, until they outgrow the window.
    const from = before?.first === first ? before?.starts : undefined;
    const { classifier, starts } = learn(set, recipe, training, remainingMs, from);
    before = { first, starts };
    appendTo({ hours, values }, set, validation, classify(classifier, set, validation));
  }
  return { hours, values };
}

function memberCount({ members, linear }: Recipe): number {
  return members.length + (linear === null ? 0 : 1);
}

/** How decision values become a probability and a yes or no, and the hours that say so. */
export interface Decision extends Spoken {
  /** The one for polled hours goes to work. */
  readonly calibration: KnownCalibration;
  readonly threshold: number;
  readonly series: Series;
}

/**
 * Calibration from out-of-fold values, on the true class balance and by rows that no member had seen; and the threshold,
 * from probabilities that were cross-fitted by week.
 */
export function fitDecision(set: TrainingSet, recipe: Recipe, outOfFold: OutOfFold, costs?: Costs): Decision {
  const series = seriesOf(set, outOfFold.hours);
  const calibration = fitKnown(recipe.calibration, fromColumns(outOfFold.values), series);
  const spoken = spokenSeries(series, recipe, outOfFold);
  return { ...spoken, calibration, threshold: decisionThreshold(spoken.probabilities, costs), series };
}

/** What one recipe, fitted on the development part, shows on the test part; every forecast is kept beside it. */
export interface TestResult {
  readonly evaluation: Evaluation;
  /** Without the provider's forecasts; the same evaluation where they change nothing. */
  readonly plain: { readonly evaluation: Evaluation; readonly probability: Float64Array };
  /** Of the development part. */
  readonly decision: Decision;
  /** As it would have been issued. */
  readonly probability: Float64Array;
  /** The development part's out-of-fold values with the test part's added: what a refit calibrates on. */
  readonly outOfFold: OutOfFold;
}

/**
 * The one look at the test part of the recipe that stands, and of each baseline: members and calibration are fitted on
 * the development part, and evaluated on the test hours.
 */
export function testRecipe(
  set: TrainingSet,
  recipe: Recipe,
  { development, test }: { readonly development: RowRange; readonly test: RowRange },
  outOfFold: OutOfFold,
  remainingMs: RemainingMs,
  costs?: Costs,
): TestResult {
  const classifier = fitClassifier(set, recipe, development, remainingMs);
  const values = classify(classifier, set, test);
  const wetNow = set.wetNow.slice(test.start, test.end);
  const decision = fitDecision(set, recipe, outOfFold, costs);
  const { calibration, threshold, joining } = decision;
  const outcomes = set.y.slice(test.start, test.end);
  const polled = set.polled.slice(test.start, test.end);
  const plain = calibrateKnown(calibration, values, { wetNow, polled });
  const extended = { hours: [...outOfFold.hours], values: outOfFold.values.map((member) => [...member]) };
  appendTo(extended, set, test, values);
  const tested = { decision, outOfFold: extended };
  if (joining?.joined.speaks !== true || set.forecasts === null) {
    const evaluation = evaluate(outcomes, plain, wetNow, threshold);
    return { ...tested, evaluation, plain: { evaluation, probability: plain }, probability: plain };
  }
  const joined = joinedProbability(joining.joined, plain, values, forecastsOf(set.forecasts, test), wetNow);
  const probability = plain.map((p, i) => (Number.isNaN(joined[i]) ? p : (joined[i] ?? Number.NaN)));
  return {
    ...tested,
    evaluation: evaluate(outcomes, probability, wetNow, threshold),
    plain: {
      evaluation: evaluate(outcomes, plain, wetNow, decisionThreshold(decision.plain, costs)),
      probability: plain,
    },
    probability,
  };
}

function forecastsOf(forecasts: ProviderForecasts, { start, end }: RowRange): ProviderForecasts {
  return forecastsAt(
    forecasts,
    Array.from({ length: end - start }, (_, i) => start + i),
  );
}

/** Plain probabilities of some rows by fitted members and their calibration. */
export function probabilitiesOf(
  classifier: Classifier,
  calibration: KnownCalibration,
  set: TrainingSet,
  range: RowRange,
): Float64Array {
  const hours = {
    wetNow: set.wetNow.slice(range.start, range.end),
    polled: set.polled.slice(range.start, range.end),
  };
  return calibrateKnown(calibration, classify(classifier, set, range), hours);
}

/** The newest `limit` rows of a range. */
function newest({ start, end }: RowRange, limit: number): RowRange {
  return { start: Math.max(start, end - limit), end };
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
