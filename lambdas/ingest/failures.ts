import type { FailureReason } from '../weather/provider-error';

/** One location that gave nothing, and why. */
export interface Failure {
  readonly location: string;
  readonly reason: FailureReason;
  readonly message: string;
}

/** An error's message goes into logs, dead letters and state machines: long enough to act on, no longer. */
const NAMED = 40;
const REASONS_SHOWN = 5;

/** Some locations could not be fetched. What the others gave is stored; the same event tried again fetches the rest. */
export class LocationsFailed extends Error {
  override readonly name = 'LocationsFailed';

  constructor(failures: readonly Failure[], asked: number) {
    super(`${failures.length} of ${asked} locations failed: ${summary(failures)}`);
  }
}

/**
 * The provider has no history of that day for these locations. Asking again changes nothing: the Backfill machine
 * notes the day and goes on. Everything else the day had is stored.
 */
class DayNotAvailable extends Error {
  override readonly name = 'DayNotAvailable';

  constructor(date: string, failures: readonly Failure[], asked: number) {
    super(`No history of ${date} for ${failures.length} of ${asked} locations: ${summary(failures)}`);
  }
}

/** The plan holds no history of that day: a state of the account, which asking again does not change either. */
class HistoryNotInPlan extends Error {
  override readonly name = 'HistoryNotInPlan';

  constructor(date: string, failures: readonly Failure[], asked: number) {
    super(
      `The plan holds no history of ${date} for ${failures.length} of ${asked} locations: ${summary(failures)}`,
    );
  }
}

/**
 * What a backfill that failed for some locations ends in; undefined without failures. A failure that asking again may
 * mend comes first, then the day that is nowhere, then the plan.
 */
export function backfillError(
  date: string,
  failures: readonly Failure[],
  asked: number,
): LocationsFailed | DayNotAvailable | HistoryNotInPlan | undefined {
  const reasons = new Set(failures.map(({ reason }) => reason));
  if (reasons.size === 0) return undefined;
  if (reasons.size === 1 && reasons.has('not-in-plan')) return new HistoryNotInPlan(date, failures, asked);
  const lasting = [...reasons].every((reason) => reason === 'not-in-plan' || reason === 'day-not-available');
  return lasting ? new DayNotAvailable(date, failures, asked) : new LocationsFailed(failures, asked);
}

function summary(failures: readonly Failure[]): string {
  const ids = failures.slice(0, NAMED).map(({ location }) => location);
  const unnamed = failures.length - ids.length;
  const reasons = [...new Map(failures.map(({ reason, message }) => [reason, message])).values()];
  const names = ids.join(', ') + (unnamed > 0 ? ` and ${unnamed} more` : '');
  return `${names}. ${reasons.slice(0, REASONS_SHOWN).join('; ')}`;
}
