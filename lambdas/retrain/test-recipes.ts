import type * as z from 'zod';
import type { Column } from '../lake/layout';
import { encodeParquet } from '../lake/parquet';
import { putObject } from '../lake/s3';
import { type BootstrapDifference, squaredErrors, weeklyBootstrap } from '../model/evaluation';
import { decide } from '../model/gate';
import type { Assessment, CandidateResult } from '../model/metrics-file';
import { EMBARGO_HOURS, type RowRange, splitDevelopmentTest } from '../model/protocol';
import type { Recipe } from '../model/recipe';
import {
  fitPersistence,
  type RemainingMs,
  type TestForecasts,
  type TestResult,
  testRecipe,
} from '../model/train';
import type { TrainingSet } from '../model/training-set';
import { utcSecond } from '../runtime/time';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { type Candidates, runFiles, type ScoreFile } from './run-files';
import { bestCandidate, readScores } from './scores';
import { runKeys, type StepInput, type testOutput } from './steps';
import { fingerprintOf } from './training-set-file';

interface Tested {
  readonly recipe: Recipe;
  readonly result: TestResult;
}

interface TestedChampion extends Tested {
  readonly version: string;
  readonly sameRecipe: boolean;
  readonly challengerImprovement: BootstrapDifference;
}

/**
 * Chooses the best recipe by its out-of-fold scores, looks once at the test part with it and with the
 * champion's recipe, both fitted on the same development rows, and lets the gate decide.
 */
export async function testRecipes(
  { settings, queryResults }: LocationDependencies,
  { run, location }: StepInput<'test'>,
  remainingMs: RemainingMs,
): Promise<z.infer<typeof testOutput>> {
  const set = await readTrainingSet(queryResults, run.id, location);
  const candidates = await runFiles.candidates.read(queryResults, run.id, location);
  const scores = await readScores(queryResults, run.id, location, candidates.rounds.flat().length);
  const expectedChampion = candidates.championEtag;
  const chosen = bestCandidate(scores);
  if (chosen === undefined) {
    const refusals = scores.flatMap((score) => (score.status === 'refused' ? [score.reason] : []));
    const reasons = ['No recipe could be fitted.', ...new Set(refusals)];
    return { run, location, decision: 'keep', reasons, expectedChampion };
  }

  const split = splitDevelopmentTest(set);
  const testCandidate = async (candidate: number, recipe: Recipe): Promise<Tested> => {
    const outOfFold = await runFiles.values.read(queryResults, run.id, location, candidate);
    return { recipe, result: testRecipe(set, recipe, split, outOfFold, remainingMs) };
  };
  const challenger = await testCandidate(chosen.candidate, chosen.recipe);
  const present = presentChampion(candidates, scores);
  const champion =
    'reason' in present
      ? undefined
      : against(
          challenger,
          present.candidate === chosen.candidate
            ? challenger
            : await testCandidate(present.candidate, present.recipe),
          present.version,
        );

  const gate = decide({
    rainHours: challenger.result.evaluation.rainHours,
    minimumRainEvents: settings.training.minimumRainEvents,
    challenger: challenger.result.evaluation,
    persistence: challenger.result.baselines.persistence,
    ...(champion !== undefined && {
      champion: {
        brier: champion.result.evaluation.brier,
        sameRecipe: champion.sameRecipe,
        challengerImprovement: champion.challengerImprovement,
      },
    }),
  });
  const winner = gate.winner === 'champion' && champion !== undefined ? champion : challenger;
  const { evaluation, baselines, overPersistence, forecasts, outOfFold } = winner.result;
  await runFiles.assessment.write(
    queryResults,
    {
      schemaVersion: 1,
      location,
      run: run.id,
      asOf: run.asOf,
      ...gate,
      recipe: winner.recipe,
      trainingSet: { ...spanOf(set, { start: 0, end: set.hours.length }), fingerprint: fingerprintOf(set) },
      development: spanOf(set, split.development),
      test: { ...spanOf(set, split.test), ...evaluation },
      embargoHours: EMBARGO_HOURS,
      overPersistence,
      ...baselines,
      challenger: figuresOf(challenger),
      champion:
        champion === undefined
          ? null
          : {
              ...figuresOf(champion),
              version: champion.version,
              sameRecipe: champion.sameRecipe,
              challengerImprovement: champion.challengerImprovement,
            },
      championReason: 'reason' in present ? present.reason : null,
      candidates: scores.map(candidateOf),
    },
    run.id,
    location,
  );
  await runFiles.testedValues.write(queryResults, outOfFold, run.id, location);
  await putObject(
    queryResults,
    runKeys.testForecasts(run.id, location),
    encodeForecasts(forecasts, fitPersistence(set, split.development).probability),
    PARQUET_TYPE,
  );
  return { run, location, decision: gate.decision, reasons: [...gate.reasons], expectedChampion };
}

/** The champion whose recipe takes part in the test, or why none does. */
function presentChampion(
  { championCandidate, championVersion, championReason }: Candidates,
  scores: readonly ScoreFile[],
):
  | { readonly candidate: number; readonly version: string; readonly recipe: Recipe }
  | { readonly reason: string } {
  const score = championCandidate === null ? undefined : scores[championCandidate];
  if (championCandidate === null || championVersion === null || score === undefined) {
    return { reason: championReason ?? 'There is no champion yet.' };
  }
  return score.status === 'scored'
    ? { candidate: championCandidate, version: championVersion, recipe: score.score.recipe }
    : { reason: `The recipe of champion ${championVersion} could not be fitted: ${score.reason}` };
}

function against(challenger: Tested, champion: Tested, version: string): TestedChampion {
  const { hours, outcome, probability } = champion.result.forecasts;
  return {
    ...champion,
    version,
    sameRecipe: champion === challenger,
    challengerImprovement: weeklyBootstrap(
      hours,
      squaredErrors(outcome, challenger.result.forecasts.probability),
      squaredErrors(outcome, probability),
    ),
  };
}

function figuresOf({ recipe, result }: Tested): Assessment['challenger'] {
  return { recipe, evaluation: result.evaluation, overPersistence: result.overPersistence };
}

function candidateOf(score: ScoreFile): CandidateResult {
  return score.status === 'refused' ? score : { status: 'scored', ...score.score };
}

function spanOf(set: TrainingSet, { start, end }: RowRange) {
  return {
    from: utcSecond(set.hours[start] ?? Number.NaN),
    to: utcSecond(set.hours[end - 1] ?? Number.NaN),
    hours: end - start,
    rainHours: set.y.subarray(start, end).reduce((sum, y) => sum + y, 0),
  };
}

const PARQUET_TYPE = 'application/vnd.apache.parquet';

const column = (name: string, type: Column['type'], comment: string): Column => ({ name, type, comment });

const TEST_FORECAST_COLUMNS: readonly Column[] = [
  column('hour', 'timestamp', 'base hour; the forecast speaks of the hour after it, UTC'),
  column('probability', 'double', "what the winner's recipe said, fitted on the development part"),
  column('outcome', 'int', '1 when it rained in the hour after, else 0'),
  column('wet_now', 'int', '1 or 0: rain in the base hour; null when unknown'),
  column('persistence_probability', 'double', 'what persistence said of the same hour'),
  column('climatology_probability', 'double', 'how often it rained in the development part'),
];

function encodeForecasts(forecasts: TestForecasts, climatology: number): Uint8Array {
  const { hours, probability, outcome, wetNow, persistenceProbability } = forecasts;
  const value = (column: Float64Array, row: number): number | null => {
    const cell = column[row];
    return cell === undefined || Number.isNaN(cell) ? null : cell;
  };
  return encodeParquet(
    TEST_FORECAST_COLUMNS,
    Array.from(hours, (hour, row) => ({
      hour: utcSecond(hour),
      probability: value(probability, row),
      outcome: outcome[row] ?? null,
      wet_now: value(wetNow, row),
      persistence_probability: value(persistenceProbability, row),
      climatology_probability: climatology,
    })),
  );
}
