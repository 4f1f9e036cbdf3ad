import { addDays, addHours, HOUR_MS, utcSecond } from '../../lambdas/runtime/time';
import type { Recording } from '../recorded-weather/recording';
import { Refusal } from '../terminal/refusal';

const DAY_HOURS = 24;
/** How much of a recording a run takes, and how. */
export interface SpanOptions {
  readonly recording: Recording;
  /** All that the live part leaves, when absent. */
  readonly backfillDays?: number | undefined;
  readonly liveHours: number;
}

/** The span of a run, in days and instants. */
export interface Span {
  readonly firstDay: string;
  readonly backfillDays: number;
  /** First hour that is lived; also the end of what is backfilled. */
  readonly liveFrom: string;
  /** End of the last hour that is lived. */
  readonly liveTo: string;
}

/** The recording is too short for what was asked. */
class SpanTooLong extends Refusal {
  override readonly name = 'SpanTooLong';
}

/**
 * Divides the recording into history and live part.
 * @throws SpanTooLong when it is too short, saying what would fit.
 */
export function spanOf(options: SpanOptions): Span {
  const { recording, liveHours } = options;
  const firstDay = utcSecond(recording.from * 1000).slice(0, 10);
  const start = Date.parse(`${firstDay}T00:00:00Z`);
  const hours = (recording.to * 1000 - start) / HOUR_MS;
  const most = Math.floor((hours - liveHours) / DAY_HOURS);
  const length = `${recording.title} holds ${Math.floor(hours / DAY_HOURS)} days from ${firstDay} on`;
  if (most < 1) {
    throw new SpanTooLong(`${length}: too few for a day of history and ${liveHours} live hours.`);
  }
  const backfillDays = options.backfillDays ?? most;
  if (backfillDays > most) {
    throw new SpanTooLong(
      `${length}: with ${liveHours} live hours, --backfill-days can be ${most} at most, not ${backfillDays}.`,
    );
  }
  const liveFrom = `${addDays(firstDay, backfillDays)}T00:00:00Z`;
  return {
    firstDay,
    backfillDays,
    liveFrom,
    liveTo: addHours(liveFrom, liveHours),
  };
}
