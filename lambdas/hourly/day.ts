import * as z from 'zod';
import { ParquetRefused } from '../lake/parquet';
import { decodeRows } from '../lake/rows';
import { addHours, utcSecondSchema } from '../runtime/time';

/** Which hours of one day each location has a row for: bit h stands for the hour that starts at h o'clock UTC. */
export type DayHours = ReadonlyMap<string, number>;

/** Which hours a day has rows for, and in which of them the true rain is known; the others are gaps. */
export interface DayOfHours {
  readonly hours: DayHours;
  readonly observed: DayHours;
}

const rowSchema = z.object({
  location_id: z.string(),
  hour: utcSecondSchema,
  precip_mm: z.number().nullable(),
});

/** A file that can't be a day of `hourly_observations`. */
export class DayRefused extends Error {
  override readonly name = 'DayRefused';
}

/** Whether `readDayHours` met what nobody can read: no Parquet with today's columns, or hours that are no day's. */
export function isUnreadable(error: unknown): error is DayRefused | ParquetRefused {
  return error instanceof DayRefused || error instanceof ParquetRefused;
}

/**
 * Reads which hours a day's Parquet object holds.
 * @throws DayRefused for an hour of another day, one that is not whole, or a location's hour that is there twice.
 */
export async function readDayHours(date: string, bytes: Uint8Array): Promise<DayOfHours> {
  const hours = new Map<string, number>();
  const observed = new Map<string, number>();
  for (const row of await decodeRows(bytes, rowSchema)) {
    if (row.hour.slice(0, 10) !== date || !row.hour.endsWith(':00:00Z')) {
      throw new DayRefused(`${row.location_id} has a row for ${row.hour}.`);
    }
    const bit = 1 << Number(row.hour.slice(11, 13));
    const known = hours.get(row.location_id) ?? 0;
    if ((known & bit) !== 0) {
      throw new DayRefused(`${row.location_id} has more than one row for ${row.hour}.`);
    }
    hours.set(row.location_id, known | bit);
    if (row.precip_mm !== null) {
      observed.set(row.location_id, (observed.get(row.location_id) ?? 0) | bit);
    }
  }
  return { hours, observed };
}

const formSchema = z.object({ rain_threshold_mm: z.number() });

/**
 * Why a day's rows can't be used with those of today's making, or undefined when they can. Rows of several forms or
 * thresholds under one name would train and judge models on different things.
 */
export async function unlikeToday(bytes: Uint8Array, rainThresholdMm: number): Promise<string | undefined> {
  let rows: z.infer<typeof formSchema>[];
  try {
    rows = await decodeRows(bytes, formSchema);
  } catch (error) {
    if (error instanceof ParquetRefused) {
      return 'its rows are of an older form';
    }
    throw error;
  }
  const other = rows.find(({ rain_threshold_mm }) => rain_threshold_mm !== rainThresholdMm);
  return other && `its rows call ${other.rain_threshold_mm} mm rain, and ${rainThresholdMm} mm is configured`;
}

/** Rows behind `hours`. */
export function countRows(hours: DayHours): number {
  let rows = 0;
  for (const bits of hours.values()) {
    rows += countBits(bits);
  }
  return rows;
}

/** What `all` has and `some` has not. */
export function subtractHours(all: DayHours, some: DayHours): DayHours {
  const rest = new Map<string, number>();
  for (const [location, bits] of all) {
    const missing = bits & ~(some.get(location) ?? 0);
    if (missing !== 0) {
      rest.set(location, missing);
    }
  }
  return rest;
}

/** The hours of a day that start before `instant`, the same for each location. */
export function hoursBefore(date: string, instant: string, locationIds: Iterable<string>): DayHours {
  let bits = 0;
  for (let hour = 0; hour < 24; hour += 1) {
    if (addHours(`${date}T00:00:00Z`, hour) < instant) {
      bits |= 1 << hour;
    }
  }
  return bits === 0 ? new Map() : new Map([...locationIds].map((id) => [id, bits]));
}

/** The earliest and the latest hour, 0–23; undefined when there is none. */
export function hourSpan(hours: DayHours): { readonly first: number; readonly last: number } | undefined {
  let all = 0;
  for (const bits of hours.values()) {
    all |= bits;
  }
  return all === 0 ? undefined : { first: 31 - Math.clz32(all & -all), last: 31 - Math.clz32(all) };
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) {
    count += 1;
  }
  return count;
}
