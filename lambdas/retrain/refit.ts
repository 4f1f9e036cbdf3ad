import { createHash } from 'node:crypto';
import type * as z from 'zod';
import { keys } from '../lake/layout';
import { copyObject, putObject } from '../lake/s3';
import { isWorse } from '../model/comparison';
import type { Costs } from '../model/evaluation';
import type { Assessment, ModelMetrics } from '../model/metrics-file';
import { modelOf, type RainModel } from '../model/model-file';
import { fitPersistence } from '../model/persistence';
import { fitRecalibration } from '../model/provider-forecast';
import { versionOf } from '../model/registry';
import { compareWeeks, type OutOfFold, rowOfHour, weeklyLosses } from '../model/series';
import {
  type Classifier,
  type Decision,
  fitClassifier,
  fitDecision,
  probabilitiesOf,
  type RemainingMs,
} from '../model/train';
import type { TrainingSet } from '../model/training-set';
import { utcSecond } from '../runtime/time';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { runFiles } from './run-files';
import { type refitOutput, runKeys, type StepInput, type unsoundOutput } from './steps';

export interface RefitDependencies extends LocationDependencies {
  /** Identifies the code that makes the model. */
  readonly codeVersion: string;
}

/**
 * Fits the recipe that stands on all rows, test part included, and stores the version that comes of it, unless it is
 * broken. The same rows, recipe and code give the same bytes under the same version, so that repeating the step changes
 * nothing.
 */
export async function refit(
  { settings, queryResults, models, codeVersion }: RefitDependencies,
  { run, location, decision, expectedChampion }: StepInput<'refit'>,
  remainingMs: RemainingMs,
): Promise<z.infer<typeof refitOutput> | z.infer<typeof unsoundOutput>> {
  const set = await readTrainingSet(queryResults, run.id, location);
  const assessment = await runFiles.assessment.read(queryResults, run.id, location);
  const outOfFold = await runFiles.testedValues.read(queryResults, run.id, location);
  const fitted = fitModel(set, assessment, outOfFold, codeVersion, remainingMs, settings.training.costs);
  if ('unsound' in fitted) return { run, location, outcome: 'kept', reasons: [fitted.unsound] };
  const { model } = fitted;
  const { version } = model;
  const metrics: ModelMetrics = { ...assessment, version };

  // The model goes last: a version that has one is complete.
  await putObject(
    models,
    keys.metrics(location, version),
    JSON.stringify(metrics, null, 2),
    'application/json',
  );
  await copyObject(
    { bucket: queryResults.name, key: runKeys.testForecasts(run.id, location) },
    models,
    keys.testForecasts(location, version),
  );
  await putObject(models, keys.model(location, version), JSON.stringify(model), 'application/json');
  return {
    run,
    location,
    version,
    outcome: decision === 'promote' ? 'promoted' : 'refreshed',
    expectedChampion,
  };
}

/** The model that goes to work. Calibration and threshold come from values of rows that no classifier had seen. */
function fitModel(
  set: TrainingSet,
  { asOf, recipe, test, persistence, trainingSet }: Assessment,
  outOfFold: OutOfFold,
  codeVersion: string,
  remainingMs: RemainingMs,
  costs: Costs | undefined,
): { readonly model: RainModel } | { readonly unsound: string } {
  const all = { start: 0, end: set.hours.length };
  const classifier = fitClassifier(set, recipe, all, remainingMs);
  const decision = fitDecision(set, recipe, outOfFold, costs);
  const { calibration, threshold, joining } = decision;
  const unsound = whyUnsound(decision, probabilitiesAt(set, classifier, decision));
  if (unsound !== undefined) return { unsound };
  const unnamed = modelOf(
    {
      classifier,
      calibration: calibration.polled,
      joined: joining?.joined ?? null,
      recalibration: (set.forecasts && fitRecalibration(set.forecasts, set.y, set.wetNow)) ?? null,
      threshold,
      persistence: fitPersistence(set, all),
    },
    {
      location: set.locationId,
      version: '',
      codeVersion,
      neighbours: [...set.neighbours],
      recipe,
      training: {
        from: utcSecond(set.hours[0] ?? Number.NaN),
        to: utcSecond(set.hours[all.end - 1] ?? Number.NaN),
        rows: all.end,
        rainRows: trainingSet.rainHours,
        dataFingerprint: trainingSet.fingerprint,
      },
      metrics: {
        hours: test.hours,
        rainHours: test.rainHours,
        averagePrecision: test.averagePrecision,
        onsetAveragePrecision: test.onsetAveragePrecision,
        brier: test.brier,
        persistenceBrier: persistence.brier,
      },
    },
  );
  const content = createHash('sha256').update(JSON.stringify(unnamed)).digest('hex');
  return { model: { ...unnamed, version: versionOf(asOf, content) } };
}

/** How the refit scores the hours that decided; it has learnt all of them by now. They are the newest of the set. */
function probabilitiesAt(
  set: TrainingSet,
  classifier: Classifier,
  { calibration, series }: Decision,
): Float64Array {
  const start = rowOfHour(set, series.hours[0] ?? Number.NaN) ?? 0;
  const newest = probabilitiesOf(classifier, calibration, set, { start, end: set.hours.length });
  return series.hours.map((hour) => newest[(rowOfHour(set, hour) ?? -1) - start] ?? Number.NaN);
}

/** One-sided level at which a refit counts as worse than what was tested; it should be better by far. */
const UNSOUND_LEVEL = 0.01;

/** Mean probability over learnt hours beside how often it rained in them: within this factor it is sound. */
const CALIBRATION_FACTOR = 2;

/**
 * Why a refit is broken, if it is. It has learnt the very hours on which the tested models were strangers, so it can't do
 * worse on them.
 * @param learnt the refit's plain probabilities of the series' hours.
 */
export function whyUnsound({ series, plain }: Decision, learnt: Float64Array): string | undefined {
  if (series.hours.length === 0) return undefined;
  if (!learnt.every((p) => p >= 0 && p <= 1))
    return 'The refit is broken: it gives no probability for some hours.';
  const comparison = compareWeeks(weeklyLosses(series, learnt), weeklyLosses(series, plain));
  if (isWorse(comparison, UNSOUND_LEVEL)) {
    const [ours, tested] = [comparison.reference - comparison.improvement, comparison.reference];
    return `The refit is broken: Brier ${ours.toFixed(5)} on hours that it has learnt, where the tested models, which had not, have ${tested.toFixed(5)}.`;
  }
  const mean = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  const [said, came] = [mean(learnt), mean(series.outcomes)];
  return said > CALIBRATION_FACTOR * came || said < came / CALIBRATION_FACTOR
    ? `The refit is broken: it says rain in ${(100 * said).toFixed(1)}% of the hours that it has learnt, and it rained in ${(100 * came).toFixed(1)}%.`
    : undefined;
}
