import type * as z from 'zod';
import { type Column, PARQUET_TYPE } from '../lake/layout';
import { encodeParquet } from '../lake/parquet';
import { putObject } from '../lake/s3';
import { blocksOf, compareBlocks, intervalOf, verdictOf } from '../model/comparison';
import {
  brier,
  countEpisodes,
  decisionThreshold,
  type Evaluation,
  evaluate,
  squaredErrors,
} from '../model/evaluation';
import { decide, type GateDecision } from '../model/gate';
import { loadLibsvm } from '../model/libsvm';
import { selectLabels, selectValues } from '../model/matrix';
import type { Assessment, CandidateResult, Compared } from '../model/metrics-file';
import { fitPersistence, persistenceProbability } from '../model/persistence';
import {
  EMBARGO_HOURS,
  endOf,
  type RowRange,
  type Split,
  splitDevelopmentTest,
  WEEK_MS,
} from '../model/protocol';
import { fitRecalibration, forecastsAt, recalibrate } from '../model/provider-forecast';
import {
  climatologySeries,
  compareWeeks,
  persistenceSeries,
  providerSeries,
  type Series,
  seriesOf,
  type WeeklyLoss,
  weeklyLosses,
} from '../model/series';
import { type Decision, fitDecision, type RemainingMs, type TestResult, testRecipe } from '../model/train';
import type { TrainingSet } from '../model/training-set';
import { utcSecond } from '../runtime/time';
import { findPassedOver, type LocationDependencies, polledHours, readTrainingSet } from './inspect';
import { type Candidates, runFiles, type ScoreFile } from './run-files';
import { bestBaseline, evidenceOf, readScores, type Scored, scoredCandidate } from './scores';
import { runKeys, type StepInput, type testOutput } from './steps';
import { fingerprintOf } from './training-set-file';

/** The first rung leads the list of candidates. */
const FIRST_RUNG_CANDIDATE = 0;

/**
 * Lets the gate decide by the series which recipe stands, holds that recipe against the baselines on the same series,
 * and looks once at the test part with it and with each baseline, all fitted on the development part.
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
  const firstRung = scoredCandidate(scores, FIRST_RUNG_CANDIDATE);
  if (firstRung === undefined) {
    const refusals = scores.flatMap((score) => (score.status === 'refused' ? [score.reason] : []));
    const reasons = ['No recipe could be fitted.', ...new Set(refusals)];
    return { run, location, decision: 'keep', reasons, expectedChampion };
  }

  const valuesOf = ({ candidate }: Scored) => runFiles.values.read(queryResults, run.id, location, candidate);
  const series = seriesOf(set, (await valuesOf(firstRung)).hours);
  const { gate, present, persistence, standing, challenger } = judge(series, candidates, scores);
  const split = splitDevelopmentTest(set);
  await loadLibsvm();
  const test = async (scored: Scored): Promise<TestResult> =>
    testRecipe(set, scored.recipe, split, await valuesOf(scored), remainingMs, settings.training.costs);
  const baselines = {
    logisticRegression: bestBaseline(scores, candidates.baselines.logisticRegression),
    plainSvc: bestBaseline(scores, candidates.baselines.plainSvc),
  };
  /** A baseline does not know the provider's forecasts. */
  const evaluationOf = async (scored: Scored | undefined): Promise<Evaluation | null> =>
    scored === undefined ? null : (await test(scored)).plain.evaluation;

  const { evaluation, decision, probability, plain, outOfFold } = await test(standing);
  const reference = frequencies(set, split);
  const against = (weeks: readonly WeeklyLoss[]) => comparedWith(standing.score.weeks, weeks);
  await runFiles.assessment.write(
    queryResults,
    {
      schemaVersion: 2,
      location,
      run: run.id,
      asOf: run.asOf,
      decision: gate.decision,
      winner: gate.winner,
      reasons: gate.reasons,
      recipe: standing.recipe,
      trainingSet: {
        ...spanOf(set, { start: 0, end: set.hours.length }),
        fingerprint: fingerprintOf(set),
        polledHours: polledHours(set),
        passedOver: await findPassedOver(queryResults, run.id, location),
      },
      development: spanOf(set, split.development),
      series: seriesSpan(series, standing),
      test: { ...spanOf(set, split.test), ...evaluation },
      embargoHours: EMBARGO_HOURS,
      overPersistence: intervalOf(
        compareBlocks(
          blocksOf(
            set.hours.slice(split.test.start, split.test.end),
            squaredErrors(set.y.slice(split.test.start, split.test.end), probability),
            squaredErrors(set.y.slice(split.test.start, split.test.end), reference.persisted),
            { length: WEEK_MS, origin: endOf(set.hours) },
          ),
        ),
      ),
      persistence: reference.persistence,
      climatology: reference.climatology,
      logisticRegression: await evaluationOf(baselines.logisticRegression),
      plainSvc: await evaluationOf(baselines.plainSvc),
      provider: providerInTest(set, split),
      plain: evaluation === plain.evaluation ? null : plain.evaluation,
      joining: set.forecasts === null ? null : joiningOf(fitDecision(set, standing.recipe, outOfFold)),
      comparisons: {
        persistence: against(persistence),
        climatology: against(weeklyLosses(series, climatologySeries(series))),
        logisticRegression:
          baselines.logisticRegression === undefined
            ? null
            : against(baselines.logisticRegression.score.plainWeeks),
        plainSvc: baselines.plainSvc === undefined ? null : against(baselines.plainSvc.score.plainWeeks),
        provider: besideProvider(decision),
      },
      challenger: { recipe: challenger.recipe, brier: challenger.score.brier },
      champion: 'reason' in present ? null : championOf(present, challenger, gate),
      championReason: 'reason' in present ? present.reason : null,
      candidates: scores.map((score, candidate) =>
        candidateOf(score, Object.values(candidates.baselines).flat().includes(candidate)),
      ),
    },
    run.id,
    location,
  );
  await runFiles.testedValues.write(queryResults, outOfFold, run.id, location);
  await putObject(
    queryResults,
    runKeys.testForecasts(run.id, location),
    encodeForecasts(set, split.test, { probability, plain: plain.probability, ...reference }),
    PARQUET_TYPE,
  );
  return { run, location, decision: gate.decision, reasons: [...gate.reasons], expectedChampion };
}

/** What the gate makes of the scores. */
export function judge(series: Series, candidates: Candidates, scores: readonly ScoreFile[]) {
  const present = presentChampion(candidates, scores);
  const persistence = weeklyLosses(series, persistenceSeries(series));
  const gate = decide({
    ...evidenceOf(candidates, scores),
    champion: 'reason' in present ? null : present.scored.candidate,
    firstRung: FIRST_RUNG_CANDIDATE,
    persistence: persistence.map(({ loss }) => loss),
    episodes: countEpisodes(series.hours, series.outcomes),
  });
  const [standing, challenger] = [gate.standing, gate.chosen].map((place) => scoredCandidate(scores, place));
  if (standing === undefined || challenger === undefined)
    throw new Error('The gate chose what was not scored.');
  return { gate, present, persistence, standing, challenger };
}

interface PresentChampion {
  readonly version: string;
  readonly scored: Scored;
}

/** The champion whose recipe takes part in the gate, or why none does. */
function presentChampion(
  { championCandidate, championVersion, championReason }: Candidates,
  scores: readonly ScoreFile[],
): PresentChampion | { readonly reason: string } {
  if (championCandidate === null || championVersion === null) {
    return { reason: championReason ?? 'There is no champion yet.' };
  }
  const scored = scoredCandidate(scores, championCandidate);
  const file = scores[championCandidate];
  return scored === undefined
    ? {
        reason: `The recipe of champion ${championVersion} could not be fitted: ${file?.status === 'refused' ? file.reason : 'not scored'}`,
      }
    : { version: championVersion, scored };
}

function championOf(
  { version, scored }: PresentChampion,
  challenger: Scored,
  { forward }: GateDecision,
): Assessment['champion'] {
  return {
    recipe: scored.recipe,
    brier: scored.score.brier,
    version,
    sameRecipe: scored.candidate === challenger.candidate,
    challengerImprovement: forward === null ? null : intervalOf(forward),
  };
}

function comparedWith(standing: readonly WeeklyLoss[], baseline: readonly WeeklyLoss[]): Compared {
  const comparison = compareWeeks(standing, baseline);
  return { ...intervalOf(comparison), brier: comparison.reference, verdict: verdictOf(comparison) };
}

/** What the refit will make of the provider's forecasts: it calibrates on the test part too. */
function joiningOf({ joining }: Decision): Assessment['joining'] {
  if (joining === undefined) return null;
  const { joined, rows, comparison, episodes } = joining;
  const { terms, speaks } = joined;
  return {
    ...intervalOf(comparison),
    hours: rows.length,
    episodes,
    terms,
    speaks,
    plainBrier: comparison.reference,
  };
}

/** The recipe that stands beside the recalibrated provider, on the hours of the series that have its forecasts. */
function besideProvider({ series, probabilities }: Decision): Assessment['comparisons']['provider'] {
  const provider = providerSeries(series);
  if (provider === undefined) return null;
  const { rows, series: known, recalibrated, raw } = provider;
  const ours = selectValues(probabilities, rows);
  return {
    ...comparedWith(weeklyLosses(known, ours), weeklyLosses(known, recalibrated)),
    hours: rows.length,
    rainHours: known.outcomes.reduce((sum, y) => sum + y, 0),
    rawBrier: raw.some(Number.isNaN) ? null : brier(known.outcomes, raw),
  };
}

/** The provider's forecast, recalibrated in the development part, on the test hours that have it; null where it can't be. */
function providerInTest(set: TrainingSet, { development, test }: Split): Evaluation | null {
  const { forecasts } = set;
  if (forecasts === null) return null;
  const part = ({ start, end }: RowRange) => {
    const rows = Array.from({ length: end - start }, (_, i) => start + i);
    return {
      forecasts: forecastsAt(forecasts, rows),
      outcomes: set.y.slice(start, end),
      wetNow: set.wetNow.slice(start, end),
    };
  };
  const [learnt, judged] = [part(development), part(test)];
  const fitted = fitRecalibration(learnt.forecasts, learnt.outcomes, learnt.wetNow);
  if (fitted === undefined) return null;
  const said = recalibrate(fitted, judged.forecasts, judged.wetNow);
  const known = Uint32Array.from(said.keys()).filter((i) => !Number.isNaN(said[i]));
  if (known.length === 0) return null;
  const probability = selectValues(said, known);
  return evaluate(
    selectLabels(judged.outcomes, known),
    probability,
    selectValues(judged.wetNow, known),
    decisionThreshold(recalibrate(fitted, learnt.forecasts, learnt.wetNow).filter((p) => !Number.isNaN(p))),
  );
}

/** Persistence and climatology on the test hours, by how often it rained in the development part. */
function frequencies(set: TrainingSet, { development, test }: Split) {
  const fitted = fitPersistence(set, development);
  const outcome = set.y.slice(test.start, test.end);
  const wetNow = set.wetNow.slice(test.start, test.end);
  const persisted = persistenceProbability(fitted, wetNow);
  const climate = wetNow.map(() => fitted.probability);
  return {
    persisted,
    climate: fitted.probability,
    persistence: evaluate(outcome, persisted, wetNow, fitted.probabilityAfterWet),
    climatology: evaluate(outcome, climate, wetNow, 0.5),
  };
}

function candidateOf(score: ScoreFile, baseline: boolean): CandidateResult {
  return score.status === 'refused' ? score : { status: 'scored', baseline, ...score.score };
}

function seriesSpan(series: Series, standing: Scored): Assessment['series'] {
  const { hours, outcomes } = series;
  const [from, to] = [hours[0], hours[hours.length - 1]];
  if (from === undefined || to === undefined) return null;
  return {
    from: utcSecond(from),
    to: utcSecond(to),
    hours: hours.length,
    rainHours: outcomes.reduce((sum, y) => sum + y, 0),
    weeks: standing.score.weeks.length,
    episodes: countEpisodes(hours, outcomes),
    brier: standing.score.brier,
  };
}

function spanOf(set: TrainingSet, { start, end }: RowRange) {
  return {
    from: utcSecond(set.hours[start] ?? Number.NaN),
    to: utcSecond(set.hours[end - 1] ?? Number.NaN),
    hours: end - start,
    rainHours: set.y.subarray(start, end).reduce((sum, y) => sum + y, 0),
  };
}

const column = (name: string, type: Column['type'], comment: string): Column => ({ name, type, comment });

const TEST_FORECAST_COLUMNS: readonly Column[] = [
  column('hour', 'timestamp', 'base hour; the forecast speaks of the hour after it, UTC'),
  column('probability', 'double', 'what the recipe that stands said, fitted on the development part'),
  column('plain_probability', 'double', "the same without the provider's forecasts"),
  column('outcome', 'int', '1 when it rained in the hour after, else 0'),
  column('wet_now', 'int', '1 or 0: rain in the base hour; null when unknown'),
  column('persistence_probability', 'double', 'what persistence said of the same hour'),
  column('climatology_probability', 'double', 'how often it rained in the development part'),
];

function encodeForecasts(
  set: TrainingSet,
  { start, end }: RowRange,
  said: {
    readonly probability: Float64Array;
    readonly plain: Float64Array;
    readonly persisted: Float64Array;
    readonly climate: number;
  },
): Uint8Array {
  const value = (column: Float64Array, row: number): number | null => {
    const cell = column[row];
    return cell === undefined || Number.isNaN(cell) ? null : cell;
  };
  return encodeParquet(
    TEST_FORECAST_COLUMNS,
    Array.from(set.hours.subarray(start, end), (hour, row) => ({
      hour: utcSecond(hour),
      probability: value(said.probability, row),
      plain_probability: value(said.plain, row),
      outcome: set.y[start + row] ?? null,
      wet_now: value(set.wetNow, start + row),
      persistence_probability: value(said.persisted, row),
      climatology_probability: said.climate,
    })),
  );
}
