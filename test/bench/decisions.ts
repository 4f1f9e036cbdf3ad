import * as z from 'zod';
import { blocksOf, compareBlocks, intervalOf } from '../../lambdas/model/comparison';
import { brier, evaluate, squaredErrors } from '../../lambdas/model/evaluation';
import { loadLibsvm } from '../../lambdas/model/libsvm';
import { fitPersistence, persistenceProbability } from '../../lambdas/model/persistence';
import { EMBARGO_HOURS, splitDevelopmentTest, WEEK_MS } from '../../lambdas/model/protocol';
import { candidateRecipes, FIRST_RUNG, knownGroups, type Recipe } from '../../lambdas/model/recipe';
import { calibratedSeries, seriesOf } from '../../lambdas/model/series';
import { fitDecision, outOfFoldValues, testRecipe } from '../../lambdas/model/train';
import type { TrainingSet } from '../../lambdas/model/training-set';
import { bestBaseline } from '../../lambdas/retrain/scores';
import { DAY_MS, HOUR_MS } from '../../lambdas/runtime/time';
import { promotions } from '../lambdas/model/equal-recipes';
import { between, recordedYear } from '../lambdas/model/recorded-year';
import { searchAndJudge, unhurried } from '../lambdas/model/search-in-process';
import { searchedThreshold, spreadOf } from '../lambdas/model/threshold-search';
import { shown, writeResults } from './report';
import { voiceTables } from './voices';

/** End of the history that `npm start` trains on. */
const UNTIL = Date.parse('2013-12-29T00:00:00Z');
const CANDIDATES = 24;

export const options = {
  runs: { type: 'string' },
  seeds: { type: 'string' },
  only: { type: 'string' },
} as const;

const commandLine = z.object({
  runs: z.string().default('400').transform(Number).pipe(z.int().min(1)),
  seeds: z.string().default('8').transform(Number).pipe(z.int().min(1)),
  only: z.enum(['gate', 'recorded', 'polled', 'threshold', 'voice']).optional(),
});

/**
 * How good the decisions are: `decisions-gate`, the gate's size and power with equal recipes (`--runs 400`);
 * `decisions-recorded`, what the recorded year's recipes and baselines show on the newest hours; `decisions-polled`, what
 * it is worth that the calibration knows polled hours; `decisions-threshold`, how much the threshold of one recipe varies
 * over weekly refits; `decisions-voice` and `decisions-faults`, how often the joined probability falls silent, and what a
 * faulty provider costs before it does (`--seeds 8`). `--only` makes one of them.
 */
export async function bench(given: unknown): Promise<void> {
  const { runs, seeds, only } = commandLine.parse(given);
  const wanted = (table: string) => only === undefined || only === table;
  if (wanted('gate')) writeResults('decisions-gate', gateTable(runs));
  if (!['recorded', 'polled', 'threshold', 'voice'].some(wanted)) return;
  await loadLibsvm();
  if (wanted('recorded')) writeResults('decisions-recorded', (await recordedYear()).flatMap(recordedRows));
  if (wanted('polled')) writeResults('decisions-polled', (await polledYears()).flatMap(polledRows));
  if (wanted('threshold')) writeResults('decisions-threshold', (await recordedYear()).map(thresholdRow));
  if (wanted('voice')) {
    const years = (await recordedYear()).map((year) => between(year, year.hours[0] ?? 0, UNTIL));
    const { silences, faults } = voiceTables(years, FULL_RECIPE, seeds);
    writeResults('decisions-voice', silences);
    writeResults('decisions-faults', faults);
  }
}

/** The newest sixty days of the recording are as polls would have told them. */
const POLLED_DAYS = 60;
const POLLED_FROM = UNTIL - POLLED_DAYS * DAY_MS;

/** A full recipe, as a search's first round has it. */
const FULL_RECIPE: Recipe = {
  featureGroups: ['state', 'rain', 'change', 'clock', 'neighbours'],
  windowRows: 12_000,
  kernel: 'laplacian',
  members: [
    { c: 0.3, gammaScale: 0.5, positiveWeight: 1 },
    { c: 0.3, gammaScale: 0.5, positiveWeight: 8 },
  ],
  linear: { ridge: 100 },
  calibration: 'logistic-by-present',
  solver: 'smo',
};

interface PolledYear {
  readonly lastReadings: TrainingSet;
  readonly means: TrainingSet;
}

async function polledYears(): Promise<PolledYear[]> {
  const means = await recordedYear(POLLED_FROM, 'mean of readings');
  const known = await recordedYear(POLLED_FROM);
  return known.map((lastReadings, i) => ({ lastReadings, means: means[i] ?? lastReadings }));
}

/**
 * Sixty polled days, forecast by members that were fitted on the history before them: calibrated by that history, and by
 * the polled hours of other weeks as well; and by the former with the means that once stood for a polled hour. The same
 * hours for all, judged by what came to be true.
 */
function polledRows({ lastReadings, means }: PolledYear): Record<string, unknown>[] {
  const set = between(lastReadings, lastReadings.hours[0] ?? 0, UNTIL);
  const averaged = between(means, means.hours[0] ?? 0, UNTIL);
  const start = set.hours.findIndex((hour) => hour >= POLLED_FROM);
  const before = set.hours.findIndex((hour) => hour >= POLLED_FROM - EMBARGO_HOURS * HOUR_MS);
  const split = { development: { start: 0, end: before }, test: { start, end: set.hours.length } };
  return [FIRST_RUNG, FULL_RECIPE].map((recipe) => {
    const history = outOfFoldValues(set, recipe, split.development, unhurried);
    const tested = testRecipe(set, recipe, split, history, unhurried);
    const backfilled = tested.plain.probability;
    const former = testRecipe(averaged, recipe, split, history, unhurried).plain.probability;
    const series = seriesOf(set, tested.outOfFold.hours);
    const knowing = calibratedSeries(series, recipe, tested.outOfFold).slice(-backfilled.length);
    const outcomes = set.y.slice(start);
    const gainOver = (other: Float64Array) => {
      const weeks = { length: WEEK_MS, origin: UNTIL };
      const [ours, theirs] = [squaredErrors(outcomes, knowing), squaredErrors(outcomes, other)];
      const comparison = compareBlocks(blocksOf(set.hours.slice(start), ours, theirs, weeks));
      const { improvement, lower, upper } = intervalOf(comparison);
      return `${improvement.toFixed(5)} (${lower?.toFixed(5)} to ${upper?.toFixed(5)})`;
    };
    return {
      place: set.locationId,
      recipe: recipe === FIRST_RUNG ? 'first rung' : 'full',
      'polled hours': backfilled.length,
      'rain hours': outcomes.reduce((sum, y) => sum + y, 0),
      'Brier, backfill': brier(outcomes, backfilled).toFixed(4),
      'Brier, knows polls': brier(outcomes, knowing).toFixed(4),
      'gain, 90% interval': gainOver(backfilled),
      'Brier, means as once': brier(outcomes, former).toFixed(4),
      'gain over means': gainOver(former),
    };
  });
}

const REFITS = 20;

/** One recipe fitted anew each week: its thresholds by our rule, and by the search for the best F1 that was before it. */
function thresholdRow(year: TrainingSet): Record<string, unknown> {
  const thresholds = Array.from({ length: REFITS }, (_, refit) => {
    const set = between(year, year.hours[0] ?? 0, UNTIL - (REFITS - 1 - refit) * WEEK_MS);
    const { development } = splitDevelopmentTest(set);
    const [, recipe] = candidateRecipes(1, knownGroups(set, development), development.end);
    if (recipe === undefined) throw new Error('There is no recipe to fit.');
    const outOfFold = outOfFoldValues(set, recipe, development, unhurried);
    const { threshold, probabilities, series } = fitDecision(set, recipe, outOfFold);
    return [threshold, searchedThreshold(series.outcomes, probabilities)] as const;
  });
  const [ours, before] = [0, 1].map((rule) => thresholds.map((both) => both[rule] ?? Number.NaN));
  const [spread, spreadBefore] = [spreadOf(ours ?? []), spreadOf(before ?? [])];
  return {
    place: year.locationId,
    refits: REFITS,
    'spread of the threshold': shown(spread),
    'of a search for the best F1': shown(spreadBefore),
    ratio: shown(spread / spreadBefore),
  };
}

function gateTable(runs: number): Record<string, unknown>[] {
  const share = (weeks: number, correlation: number, gain: number) =>
    promotions({ weeks, correlation, gain }, runs).toFixed(3);
  return [5, 11, 40].flatMap((weeks) =>
    [0, 0.6, 0.9].map((correlation) => ({
      weeks,
      correlation,
      'equal recipes promoted': share(weeks, correlation, 0),
      'recipes 7% better promoted': share(weeks, correlation, 0.07),
    })),
  );
}

/** One station: the recipe that stands and the baselines, fitted on the development part, on the test part. */
function recordedRows(year: TrainingSet): Record<string, unknown>[] {
  const set = between(year, year.hours[0] ?? 0, UNTIL);
  const split = splitDevelopmentTest(set);
  const found = searchAndJudge(set, CANDIDATES);
  const [outcome, wetNow] = [set.y.slice(split.test.start), set.wetNow.slice(split.test.start)];
  const persisted = persistenceProbability(fitPersistence(set, split.development), wetNow);
  const threshold = fitPersistence(set, split.development).probabilityAfterWet;
  const { logisticRegression, plainSvc } = found.candidates.baselines;
  const tested = (who: string, candidate: number | undefined) => {
    const score = candidate === undefined ? undefined : found.scores[candidate];
    const values = candidate === undefined ? undefined : found.values[candidate];
    if (score?.status !== 'scored' || values === undefined) return [];
    const { evaluation } = testRecipe(set, score.score.recipe, split, values, unhurried);
    return [{ who, seriesBrier: score.score.brier, evaluation }];
  };
  const rows = [
    ...tested('recipe that stands', found.gate.standing),
    { who: 'persistence', seriesBrier: null, evaluation: evaluate(outcome, persisted, wetNow, threshold) },
    ...tested('logistic regression', bestBaseline(found.scores, logisticRegression)?.candidate),
    ...tested('plain SVC', bestBaseline(found.scores, plainSvc)?.candidate),
  ];
  return rows.map(({ who, seriesBrier, evaluation }) => ({
    place: set.locationId,
    who,
    hours: evaluation.hours,
    Brier: evaluation.brier.toFixed(4),
    '% of persistence': Math.round((100 * evaluation.brier) / brier(outcome, persisted)),
    AP: evaluation.averagePrecision?.toFixed(3),
    'onset AP': evaluation.onsetAveragePrecision?.toFixed(3),
    F1: evaluation.f1.toFixed(3),
    'Brier on the series': seriesBrier?.toFixed(4),
  }));
}
