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
 * The provider has no history of that day for these locations, or the plan does not reach so far back. Asking again
 * changes nothing: the Backfill machine notes the day and goes on. Everything else the day had is stored.
 */
export class DayNotAvailable extends Error {
  override readonly name = 'DayNotAvailable';

  constructor(date: string, failures: readonly Failure[], asked: number) {
    super(`No history of ${date} for ${failures.length} of ${asked} locations: ${summary(failures)}`);
  }
}

function summary(failures: readonly Failure[]): string {
  const ids = failures.slice(0, NAMED).map(({ location }) => location);
  const unnamed = failures.length - ids.length;
  const reasons = [...new Map(failures.map(({ reason, message }) => [reason, message])).values()];
  const names = ids.join(', ') + (unnamed > 0 ? ` and ${unnamed} more` : '');
  return `${names}. ${reasons.slice(0, REASONS_SHOWN).join('; ')}`;
}
