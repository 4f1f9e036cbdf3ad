import { parseArgs } from 'node:util';
import { brier, evaluate } from '../../lambdas/model/evaluation';
import { loadLibsvm } from '../../lambdas/model/libsvm';
import { fitPersistence, persistenceProbability } from '../../lambdas/model/persistence';
import { splitDevelopmentTest } from '../../lambdas/model/protocol';
import { testRecipe } from '../../lambdas/model/train';
import type { TrainingSet } from '../../lambdas/model/training-set';
import { bestBaseline } from '../../lambdas/retrain/scores';
import { promotions } from '../lambdas/model/equal-recipes';
import { between, recordedYear } from '../lambdas/model/recorded-year';
import { searchAndJudge, unhurried } from '../lambdas/model/search-in-process';
import { writeResults } from './report';

/** End of the history that `npm start` trains on. */
const UNTIL = Date.parse('2013-12-29T00:00:00Z');
const CANDIDATES = 24;

/**
 * How good the decisions are: `decisions-gate`, the gate's size and power with equal recipes (`--runs 400`), and
 * `decisions-recorded`, what the recorded year's recipes and baselines show on the newest hours.
 */
export async function bench(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { runs: { type: 'string', default: '400' }, only: { type: 'string' } },
  });
  if (values.only !== 'recorded') writeResults('decisions-gate', gateTable(Number(values.runs)));
  if (values.only === 'gate') return;
  await loadLibsvm();
  const stations = await recordedYear();
  writeResults('decisions-recorded', stations.flatMap(recordedRows));
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
