import { keys } from '../lake/layout';
import { type Bucket, getObject } from '../lake/s3';
import {
  countRows,
  type DayHours,
  hourSpan,
  hoursBefore,
  isUnreadable,
  readDayHours,
  subtractHours,
} from './day';

/** Closed hours whose true rain is not known. */
export interface Gaps {
  readonly missingHours: number;
  /** Days with a gap, in order. */
  readonly dates: readonly string[];
  readonly locationIds: readonly string[];
}

/**
 * Closed hours of one day that configured locations have no true rain for.
 * @param present the hours whose rain is known.
 * @param closedBefore start of the first hour that is not closed.
 */
export function missingOfDay(
  date: string,
  present: DayHours,
  closedBefore: string,
  locationIds: readonly string[],
): DayHours {
  return subtractHours(hoursBefore(date, closedBefore, locationIds), present);
}

/**
 * Which hours of each day are observed, by place; a day without an object has none. One day is read after the other:
 * each is of all places.
 */
export async function readObservedHours(
  processed: Bucket,
  dates: readonly string[],
): Promise<{ readonly date: string; readonly present: DayHours }[]> {
  const days: { readonly date: string; readonly present: DayHours }[] = [];
  for (const date of dates) days.push({ date, present: await observedHours(processed, date) });
  return days;
}

/** None where the day is missing or can't be read: upkeep makes it anew. */
async function observedHours(processed: Bucket, date: string): Promise<DayHours> {
  const stored = await getObject(processed, keys.hourlyDay(date));
  try {
    return stored === undefined ? new Map() : (await readDayHours(date, stored.bytes)).observed;
  } catch (error) {
    if (isUnreadable(error)) return new Map();
    throw error;
  }
}

/**
 * Holes in days of `hourly_observations`, in order, as `readObservedHours` read them. A location is expected from the
 * first hour that it has in these days on; one that has none, from the first hour that any has: what lies before a
 * location or the whole lake began is no gap.
 * @param countedFrom only gaps of this day and later ones are counted; earlier days tell who has begun.
 */
export function gapsOf(
  days: readonly { readonly date: string; readonly present: DayHours }[],
  closedBefore: string,
  locationIds: readonly string[],
  countedFrom = '',
): Gaps {
  const started = new Set<string>();
  let missingHours = 0;
  const dates: string[] = [];
  const affected = new Set<string>();
  const never = locationIds.filter((id) => !days.some(({ present }) => present.has(id)));
  for (const { date, present } of days) {
    const opening = hourSpan(present)?.first;
    const expected = new Map<string, number>();
    for (const [id, bits] of hoursBefore(date, closedBefore, locationIds)) {
      const own = present.get(id);
      if (started.has(id)) {
        expected.set(id, bits);
      } else if (own !== undefined) {
        started.add(id);
        expected.set(id, bits & -(own & -own));
      } else if (opening !== undefined && never.includes(id)) {
        started.add(id);
        expected.set(id, bits & -(1 << opening));
      }
    }
    const missing = subtractHours(expected, present);
    if (missing.size > 0 && date >= countedFrom) {
      dates.push(date);
      missingHours += countRows(missing);
      for (const id of missing.keys()) {
        affected.add(id);
      }
    }
  }
  return { missingHours, dates, locationIds: locationIds.filter((id) => affected.has(id)) };
}
