import { createHash } from 'node:crypto';
import type * as z from 'zod';
import { keys } from '../lake/layout';
import { copyObject, putObject } from '../lake/s3';
import type { Costs } from '../model/evaluation';
import type { Assessment, ModelMetrics } from '../model/metrics-file';
import { modelOf, type RainModel } from '../model/model-file';
import { fitPersistence } from '../model/persistence';
import { versionOf } from '../model/registry';
import { fitClassifier, fitDecision, type OutOfFold, type RemainingMs } from '../model/train';
import type { TrainingSet } from '../model/training-set';
import { utcSecond } from '../runtime/time';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { runFiles } from './run-files';
import { type refitOutput, runKeys, type StepInput } from './steps';

export interface RefitDependencies extends LocationDependencies {
  /** Identifies the code that makes the model. */
  readonly codeVersion: string;
}

/**
 * Fits the winner's recipe on all rows, test part included, and stores the version that comes of it. The same
 * rows, recipe and code give the same bytes under the same version, so that repeating the step changes nothing.
 */
export async function refit(
  { settings, queryResults, models, codeVersion }: RefitDependencies,
  { run, location, decision, expectedChampion }: StepInput<'refit'>,
  remainingMs: RemainingMs,
): Promise<z.infer<typeof refitOutput>> {
  const set = await readTrainingSet(queryResults, run.id, location);
  const assessment = await runFiles.assessment.read(queryResults, run.id, location);
  const outOfFold = await runFiles.testedValues.read(queryResults, run.id, location);
  const model = fitModel(set, assessment, outOfFold, codeVersion, remainingMs, settings.training.costs);
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
): RainModel {
  const all = { start: 0, end: set.hours.length };
  const classifier = fitClassifier(set, recipe, all, remainingMs);
  const { calibration, threshold } = fitDecision(set, recipe, outOfFold, costs);
  const unnamed = modelOf(
    { classifier, calibration, threshold, persistence: fitPersistence(set, all) },
    {
      location: set.locationId,
      version: '',
      codeVersion,
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
  return { ...unnamed, version: versionOf(asOf, content) };
}
