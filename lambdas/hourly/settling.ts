import * as z from 'zod';
import { keys } from '../lake/layout';
import { ParquetRefused } from '../lake/parquet';
import { readRows } from '../lake/rows';
import { type Bucket, getObject, updateObject } from '../lake/s3';
import { addDays, datesBetween, hourStart, utcSecondSchema } from '../runtime/time';
import { settledFrom } from '../weather/provider';
import { type CommitAccess, commitDays } from './commit';
import type { ForecastAccess } from './forecast';
import { parts } from './parts';
import { verifyForecasts } from './verification';

/** What became of one day's history that was asked for. What some places gave is stored, whatever the others did. */
export interface HistoryReply {
  /**
   * `not-in-plan`: the plan sells none, a state of the account. `not-available`: the provider has none of that day.
   * `failed`: asking again may mend it.
   */
  readonly status: 'fetched' | 'not-in-plan' | 'not-available' | 'failed';
  readonly reason: string;
}

export interface HistorySource {
  /** Has the provider's history of a UTC day put into the raw zone. */
  fetch(date: string, locationIds: readonly string[], at: string): Promise<HistoryReply>;
}

/** What settling did. */
export interface Settled {
  /** Days whose history was asked for. */
  readonly asked: readonly string[];
  /** Location-hours whose true rain is the settled history's now, and was not before. */
  readonly hours: number;
  /** The plan sells no history: truth stays what polls told, and what they listed. */
  readonly withoutHistory: boolean;
}

/** Days that are settled by now and looked at again: a run may have been missed, a day been served by halves. */
const LOOKBACK_DAYS = 7;
/** An hour that the provider did not have so often, it will not have. */
const MAXIMUM_TIMES_ASKED = 3;
const ASKED_OF_PLAN_EVERY_DAYS = 7;

const stateSchema = z.object({
  version: z.literal(1),
  /** How often the history of a day that is still unfinished has been asked for. */
  timesAsked: z.record(z.iso.date(), z.int()),
  withoutHistory: z
    .object({ since: utcSecondSchema, askedAt: utcSecondSchema, reason: z.string() })
    .nullable(),
});
type State = z.infer<typeof stateSchema>;

const NOTHING_KNOWN: State = { version: 1, timesAsked: {}, withoutHistory: null };

/**
 * Has the history fetched that the provider has settled by now and the lake has not, recomputes those days, and verifies
 * their forecasts anew. In the ordinary case that is one day, and each place is asked for once. A plan without history is
 * a state: it is said once, and asked about again weekly; what polls listed of a day serves once the day is due.
 * @param date the day on which the run takes place.
 * @throws Error when history could not be fetched although it may be there, or a day could not be recomputed; the
 * others are done.
 */
export async function settleDays(
  access: CommitAccess & Pick<ForecastAccess, 'locations'>,
  history: HistorySource,
  date: string,
  now: string,
): Promise<Settled> {
  const due = datesBetween(addDays(date, -2 * LOOKBACK_DAYS), date)
    .filter((day) => settledFrom(access, day) <= now)
    .slice(-LOOKBACK_DAYS);
  const ids = access.locations.map(({ id }) => id);
  const state = await readState(access);
  const { withoutHistory } = state;
  if (
    withoutHistory !== null &&
    addDays(withoutHistory.askedAt.slice(0, 10), ASKED_OF_PLAN_EVERY_DAYS) > date
  ) {
    await takeListed(access, due, now);
    return { asked: [], hours: 0, withoutHistory: true };
  }
  const known = await readSettledHours(access.processed, due);
  const before = unsettledOf(known, ids);
  const open = [...before].filter(([day]) => (state.timesAsked[day] ?? 0) < MAXIMUM_TIMES_ASKED);
  const asked: string[] = [];
  const failures: string[] = [];
  let without: HistoryReply | undefined;
  // The newest first: a plan that sells none of it sells none of the days before.
  for (const [day, hours] of open.reverse()) {
    const reply = await history.fetch(day, [...hours.keys()], now);
    asked.push(day);
    if (reply.status === 'failed') {
      failures.push(`History of ${day} could not be fetched: ${reply.reason}`);
    } else if (reply.status === 'not-in-plan') {
      without = reply;
      break;
    }
  }
  asked.sort();
  const [first] = asked;
  const last = asked.at(-1);
  let after = before;
  if (first !== undefined && last !== undefined && without === undefined) {
    const [from = first, ...others] = datesBetween(first, last);
    const dates: readonly [string, ...string[]] = [from, ...others];
    const { attempt, failures: refused } = parts();
    await attempt(`Committing ${first} to ${last}`, () =>
      commitDays(access, { dates, closedBefore: hourStart(now), now, acceptLostHours: false }),
    );
    await attempt(`Verifying ${first} to ${last}`, () => verifyForecasts(access, dates));
    failures.push(...refused.map(({ message }) => message));
    // The days that were committed; the others are as they were.
    after = unsettledOf(new Map([...known, ...(await readSettledHours(access.processed, dates))]), ids);
  }
  if (asked.length > 0) {
    await remember(access.processed, {
      due,
      asked,
      unsettled: after,
      without,
      failed: failures.length > 0,
      now,
    });
  }
  if (without !== undefined && withoutHistory === null) {
    access.warn('The plan sells no history: truth stays what polls told, and is asked about again weekly.', {
      reason: without.reason,
    });
  }
  if (without !== undefined) await takeListed(access, due, now);
  if (failures.length > 0) {
    throw new Error(failures.join('; '));
  }
  return { asked, hours: countOf(before) - countOf(after), withoutHistory: without !== undefined };
}

/** The newest day that is due, and the one before in case a run was missed. */
async function takeListed(access: CommitAccess, due: readonly string[], now: string): Promise<void> {
  const [first, ...others] = due.slice(-2);
  if (first === undefined) return;
  await commitDays(access, {
    dates: [first, ...others],
    closedBefore: hourStart(now),
    now,
    acceptLostHours: false,
  });
}

/** By day, the hours of each place, as bits, that settled history is still wanted for. */
type Unsettled = ReadonlyMap<string, ReadonlyMap<string, number>>;

const WHOLE_DAY = 2 ** 24 - 1;

/** By day, in order, the hours that are settled, as bits, of each place that has a row. */
type SettledHours = ReadonlyMap<string, ReadonlyMap<string, number>>;

async function readSettledHours(processed: Bucket, dates: readonly string[]): Promise<SettledHours> {
  const days = new Map<string, ReadonlyMap<string, number>>();
  for (const date of dates) days.set(date, await settledHours(processed, date));
  return days;
}

/** A place is looked after from its first day in the lake on. */
function unsettledOf(known: SettledHours, locationIds: readonly string[]): Unsettled {
  const begun = new Set<string>();
  const days = new Map<string, ReadonlyMap<string, number>>();
  for (const [date, settled] of known) {
    for (const id of settled.keys()) begun.add(id);
    const open = locationIds
      .filter((id) => begun.has(id) && settled.get(id) !== WHOLE_DAY)
      .map((id) => [id, WHOLE_DAY & ~(settled.get(id) ?? 0)] as const);
    if (open.length > 0) days.set(date, new Map(open));
  }
  return days;
}

const rowSchema = z.object({
  location_id: z.string(),
  hour: utcSecondSchema,
  settled_at: utcSecondSchema.nullable(),
});

/** A day that can't be read is made anew by its commit. */
async function settledHours(processed: Bucket, date: string): Promise<Map<string, number>> {
  const hours = new Map<string, number>();
  try {
    const rows = await readRows(processed, keys.hourlyDay(date), rowSchema);
    for (const { location_id: id, hour, settled_at } of rows ?? []) {
      const bit = settled_at === null ? 0 : 1 << Number(hour.slice(11, 13));
      hours.set(id, (hours.get(id) ?? 0) | bit);
    }
  } catch (error) {
    if (!(error instanceof ParquetRefused)) throw error;
  }
  return hours;
}

function countOf(days: Unsettled): number {
  let count = 0;
  for (const places of days.values()) {
    for (const bits of places.values()) {
      for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
    }
  }
  return count;
}

async function readState(access: CommitAccess): Promise<State> {
  const stored = await getObject(access.processed, keys.settling);
  return stored === undefined ? NOTHING_KNOWN : parseState(stored.bytes);
}

/** What can't be read is forgotten: it only spares the provider some calls. */
function parseState(bytes: Uint8Array): State {
  try {
    return stateSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return NOTHING_KNOWN;
  }
}

interface Learnt {
  readonly due: readonly string[];
  readonly asked: readonly string[];
  readonly unsettled: Unsettled;
  readonly without: HistoryReply | undefined;
  readonly failed: boolean;
  readonly now: string;
}

async function remember(
  processed: Bucket,
  { due, asked, unsettled, without, failed, now }: Learnt,
): Promise<void> {
  await updateObject(processed, keys.settling, 'application/json', (stored) => {
    const known = stored === undefined ? NOTHING_KNOWN : parseState(stored.bytes);
    const counted = new Set(without === undefined && !failed ? asked : []);
    const timesAsked = Object.fromEntries(
      due
        .map((day) => [day, (known.timesAsked[day] ?? 0) + (counted.has(day) ? 1 : 0)] as const)
        .filter(([day, times]) => times > 0 && unsettled.has(day)),
    );
    const withoutHistory =
      without === undefined
        ? null
        : { since: known.withoutHistory?.since ?? now, askedAt: now, reason: without.reason };
    const state: State = { version: 1, timesAsked, withoutHistory };
    return { body: `${JSON.stringify(state)}\n`, result: undefined };
  });
}
