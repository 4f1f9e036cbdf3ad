import { keys } from '../lake/layout';
import { ParquetRefused } from '../lake/parquet';
import { getObject } from '../lake/s3';
import { hourStart } from '../runtime/time';
import { type CommitAccess, commitDays } from './commit';
import { DayRefused, readDayHours } from './day';

/**
 * Makes days of `hourly_observations` anew from the raw zone that nobody can read any more; the commit names them.
 * @returns those days.
 * @throws as `commitDays`.
 */
export async function mendDays(
  access: CommitAccess,
  dates: readonly string[],
  now: string,
): Promise<readonly string[]> {
  const mended: string[] = [];
  for (const date of dates) {
    if (await isDamaged(access, date)) {
      await commitDays(access, { dates: [date], closedBefore: hourStart(now), now, acceptLostHours: false });
      mended.push(date);
    }
  }
  return mended;
}

async function isDamaged({ processed }: CommitAccess, date: string): Promise<boolean> {
  const stored = await getObject(processed, keys.hourlyDay(date));
  if (stored === undefined) return false;
  try {
    await readDayHours(date, stored.bytes);
    return false;
  } catch (error) {
    if (error instanceof ParquetRefused || error instanceof DayRefused) return true;
    throw error;
  }
}
