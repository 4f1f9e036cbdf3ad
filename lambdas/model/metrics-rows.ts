import pLimit from 'p-limit';
import * as z from 'zod';
import { keys, NDJSON_TYPE, partitionDate } from '../lake/layout';
import { type Bucket, getText, listObjects, putObject } from '../lake/s3';
import { settleAll } from '../runtime/settle';
import { type EvaluationFile, evaluationFileSchema } from './metrics-file';
import { compactTime, type LedgerEntry, readPromotions } from './registry';

/** Places that are read side by side. */
const READERS = 16;

/** One run's rows of `model_metrics`, in one object: writing them again replaces them. */
export async function writeEvaluationRows(
  processed: Bucket,
  run: { readonly id: string; readonly asOf: string },
  evaluations: readonly EvaluationFile[],
): Promise<void> {
  const lines = evaluations.map((evaluation) => `${JSON.stringify(evaluationRow(evaluation))}\n`);
  await putObject(processed, keys.modelMetrics(partitionDate(run.asOf), run.id), lines.join(''), NDJSON_TYPE);
}

/** The row of a promotion that no run made. */
export async function writeRollbackRow(processed: Bucket, entry: LedgerEntry): Promise<void> {
  const { location, version, since, outcome, reason } = entry;
  const row = {
    location_id: location,
    run: null,
    as_of: since,
    outcome,
    reason,
    version,
    champion_since: since,
  };
  await putObject(processed, rollbackKey(entry), `${JSON.stringify(row)}\n`, NDJSON_TYPE);
}

function rollbackKey({ location, since }: LedgerEntry): string {
  return keys.modelMetrics(partitionDate(since), `${location}-${compactTime(since)}`);
}

const line = z.looseObject({ location_id: z.string(), outcome: z.string() });

/** Whether every line of an object of `model_metrics` is a row, so that queries can read it. */
export function isReadable(bytes: Uint8Array): boolean {
  try {
    return new TextDecoder('utf-8', { fatal: true })
      .decode(bytes)
      .split('\n')
      .filter((one) => one !== '')
      .every((one) => line.safeParse(JSON.parse(one)).success);
  } catch {
    return false;
  }
}

/**
 * Makes an object of `model_metrics` anew from what it was made of: the run's evaluations, or the ledger. A place that
 * left no evaluation has no row any more.
 * @returns false when neither knows of it; the object stays as it is.
 */
export async function remakeRows(
  { processed, models }: { readonly processed: Bucket; readonly models: Bucket },
  key: string,
  locationIds: readonly string[],
): Promise<boolean> {
  const run = /\/([^/]+)\.ndjson$/.exec(key)?.[1] ?? '';
  for (const id of locationIds.filter((one) => run.startsWith(`${one}-`))) {
    const rollback = (await readPromotions(models, id)).find((entry) => rollbackKey(entry) === key);
    if (rollback === undefined) continue;
    await writeRollbackRow(processed, rollback);
    return true;
  }
  const limit = pLimit(READERS);
  const found = await settleAll(locationIds.map((id) => limit(() => evaluationsOf(models, id, run))));
  const evaluations = found.flat();
  const [first] = evaluations;
  if (first === undefined) return false;
  await writeEvaluationRows(processed, { id: run, asOf: first.asOf }, evaluations);
  return true;
}

async function evaluationsOf(models: Bucket, location: string, run: string): Promise<EvaluationFile[]> {
  const found: EvaluationFile[] = [];
  for (const { key } of await listObjects(models, keys.evaluations(location))) {
    if (!key.endsWith(`-${run}.json`)) continue;
    const stored = evaluationFileSchema.safeParse(jsonOf(await getText(models, key)));
    if (stored.success && stored.data.run === run) found.push(stored.data);
  }
  return found;
}

function jsonOf(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Absent columns are null to the table. */
function evaluationRow(evaluation: EvaluationFile) {
  const { location, run, asOf, outcome, reasons, version, since, assessment } = evaluation;
  const verdict = {
    location_id: location,
    run,
    as_of: asOf,
    outcome,
    reason: reasons.join(' '),
    version,
    champion_since: since,
  };
  if (assessment === null) return verdict;
  const { winner, test, series, persistence, climatology, logisticRegression, plainSvc, provider } =
    assessment;
  const { overPersistence, comparisons, plain, joining } = assessment;
  return {
    ...verdict,
    winner,
    test_from: test.from,
    test_to: test.to,
    test_hours: test.hours,
    test_rain_hours: test.rainHours,
    test_average_precision: test.averagePrecision,
    test_onset_average_precision: test.onsetAveragePrecision,
    test_roc_auc: test.rocAuc,
    test_brier: test.brier,
    test_log_loss: test.logLoss,
    test_f1: test.f1,
    test_precision: test.precision,
    test_recall: test.recall,
    test_accuracy: test.accuracy,
    persistence_average_precision: persistence.averagePrecision,
    persistence_brier: persistence.brier,
    climatology_brier: climatology.brier,
    logistic_regression_brier: logisticRegression?.brier ?? null,
    plain_svc_brier: plainSvc?.brier ?? null,
    provider_hours: provider?.hours ?? null,
    provider_brier: provider?.brier ?? null,
    improvement_lower: overPersistence.lower,
    improvement_upper: overPersistence.upper,
    series_weeks: series?.weeks ?? null,
    series_rain_episodes: series?.episodes ?? null,
    series_brier: series?.brier ?? null,
    series_persistence_brier: comparisons.persistence.brier,
    versus_persistence: comparisons.persistence.verdict,
    versus_climatology: comparisons.climatology.verdict,
    versus_logistic_regression: comparisons.logisticRegression?.verdict ?? null,
    versus_plain_svc: comparisons.plainSvc?.verdict ?? null,
    test_plain_brier: plain?.brier ?? null,
    joined_hours: joining?.hours ?? null,
    joined_gain: joining?.improvement ?? null,
    joined_speaks: joining?.speaks ?? null,
    series_provider_hours: comparisons.provider?.hours ?? null,
    series_provider_brier: comparisons.provider?.brier ?? null,
    series_provider_raw_brier: comparisons.provider?.rawBrier ?? null,
    series_provider_gain: comparisons.provider?.improvement ?? null,
    series_provider_gain_lower: comparisons.provider?.lower ?? null,
    series_provider_gain_upper: comparisons.provider?.upper ?? null,
    versus_provider: comparisons.provider?.verdict ?? null,
  };
}
