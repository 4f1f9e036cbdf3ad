import { keys } from '../lake/layout';
import { putObject } from '../lake/s3';
import type { EvaluationFile } from '../model/metrics-file';
import { writeRollbackRow } from '../model/metrics-rows';
import { compactTime, type LedgerEntry, promote, readModel, readPromotions } from '../model/registry';
import { refreshPlacePages } from '../pages/refresh';
import { messageOf } from '../runtime/errors';
import { utcSecond } from '../runtime/time';
import type { LocationDependencies } from './inspect';
import type { PublishDependencies } from './publish';
import { runFiles } from './run-files';
import { Refused, type Run, type StepInput } from './steps';

/** The verdict on one location: what the last state of its branch returns. */
export type Outcome = EvaluationFile['outcome'];

/**
 * Makes a version champion: as the end of a run, or because a person says so (a rollback, mostly). A run's
 * promotion is dropped when another one came first, since its decision was made against a champion that is gone.
 * @throws Refused when there is no such version, this code can't use it, or the order's time is ahead of the clock or
 * behind the ledger.
 */
export async function promoteVersion(
  dependencies: PublishDependencies,
  { location, version, reason, order, at, decision }: StepInput<'promote'>,
  now: () => Date,
): Promise<Outcome | LedgerEntry> {
  const { settings, models } = dependencies;
  const place = settings.locations.find(({ id }) => id === location);
  if (place === undefined) throw new Refused(`Unknown location ${location}.`);
  const read = await readModel(models, location, version);
  if ('refused' in read)
    throw new Refused(`Version ${version} of ${location} can't forecast: ${read.refused}`);

  const since = at ?? now().toISOString();
  refuseOtherTimes(since, now());
  if (decision === undefined) {
    const newest = (await readPromotions(models, location)).at(-1);
    // A promotion at the instant of the one before takes effect a second later: the ledger may be seconds ahead.
    const lag = newest === undefined ? 0 : Date.parse(newest.since) - Date.parse(since);
    if (newest !== undefined && newest.order !== order && lag > CLOCK_TOLERANCE_MS) {
      throw new Refused(`at: ${since} is before the newest promotion of ${location}, ${newest.since}.`);
    }
    const restored = await promote(models, {
      location,
      version,
      at: since,
      outcome: 'restored',
      reason: reason ?? 'ordered',
      run: null,
      ...(order !== undefined && { order }),
    });
    if (restored.status === 'superseded') throw new Error(`${location} has another champion meanwhile.`);
    const { processed } = dependencies;
    await writeRollbackRow(processed, restored.entry);
    // The order stands whatever becomes of the page, which the next upkeep makes again.
    const access = { locations: settings.locations, processed, models };
    try {
      await refreshPlacePages(access, utcSecond(now()), [place]);
    } catch (error) {
      dependencies.note('The page was not made anew, which the next upkeep does', {
        key: keys.page(location),
        reason: messageOf(error),
      });
    }
    return restored.entry;
  }
  const { run, outcome, expectedChampion } = decision;
  const { reasons } = await runFiles.assessment.read(dependencies.queryResults, run.id, location);
  const result = await promote(models, {
    location,
    version,
    at: since,
    outcome,
    reason: reasons.join(' '),
    run: run.id,
    expected: expectedChampion,
  });
  return result.status === 'promoted'
    ? record(dependencies, run, location, {
        outcome,
        reasons,
        version,
        since: result.entry.since,
      })
    : record(dependencies, run, location, {
        outcome: 'kept',
        reasons: [...reasons, `Another promotion came first: the champion is ${result.champion}.`],
        version: null,
        since: null,
      });
}

/** Clocks of services differ by seconds; what lies further ahead is a mistake that would put off every later order. */
const CLOCK_TOLERANCE_MS = 60_000;

function refuseOtherTimes(at: string, now: Date): void {
  if (Date.parse(at) > now.getTime() + CLOCK_TOLERANCE_MS) {
    throw new Refused(`at: ${at} has not come yet; it is ${utcSecond(now.getTime())}.`);
  }
}

/** Ends a location whose champion stays. */
export function keep(
  dependencies: LocationDependencies,
  { run, location, reasons }: StepInput<'keep'>,
): Promise<Outcome> {
  return record(dependencies, run, location, { outcome: 'kept', reasons, version: null, since: null });
}

/** Ends a location with the error that Step Functions caught; its champion stays as well. */
export function fail(
  dependencies: LocationDependencies,
  { run, location, error }: StepInput<'fail'>,
): Promise<Outcome> {
  const reasons = [`${error.Error}: ${causeInWords(error.Cause)}`];
  return record(dependencies, run, location, { outcome: 'failed', reasons, version: null, since: null });
}

async function record(
  { queryResults, models }: LocationDependencies,
  run: Run,
  location: string,
  verdict: Pick<EvaluationFile, 'outcome' | 'reasons' | 'version' | 'since'>,
): Promise<Outcome> {
  const evaluation: EvaluationFile = {
    schemaVersion: 2,
    location,
    run: run.id,
    asOf: utcSecond(run.asOf),
    cause: run.reason,
    ...verdict,
    assessment: (await runFiles.assessment.find(queryResults, run.id, location)) ?? null,
  };
  await putObject(
    models,
    keys.evaluation(location, compactTime(run.asOf), run.id),
    JSON.stringify(evaluation, null, 2),
    'application/json',
  );
  await runFiles.outcome.write(queryResults, evaluation, run.id, location);
  return verdict.outcome;
}

/** A function's error comes as JSON with its message and stack; anything else as it is. */
function causeInWords(cause: string | undefined): string {
  if (cause === undefined) return 'no cause given';
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) {
      return String(parsed.errorMessage);
    }
  } catch {
    // Not JSON: the text itself says what happened.
  }
  return cause.slice(0, 500);
}
