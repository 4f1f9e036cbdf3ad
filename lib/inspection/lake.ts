import pLimit from 'p-limit';
import * as z from 'zod';
import { keys, QUARANTINE_PREFIX } from '../../lambdas/lake/layout';
import { ParquetRefused } from '../../lambdas/lake/parquet';
import { decodeRows } from '../../lambdas/lake/rows';
import { type Bucket, getObject, listObjects } from '../../lambdas/lake/s3';
import { readLedger, readPointer } from '../../lambdas/model/registry';
import { HOUR_MS, utcSecondSchema } from '../../lambdas/runtime/time';

/*
 * What a lake holds, counted afresh from its objects: the soak's audit holds it against what was sent and done, `status
 * --deep` against itself. Nothing is changed, and nothing that a function has summed up is believed.
 */

/** What is looked at of a row of `hourly_observations`. */
export const hourSchema = z.object({
  location_id: z.string(),
  hour: utcSecondSchema,
  kind: z.enum(['polled', 'settled', 'both', 'listed']),
  settled_at: utcSecondSchema.nullable(),
  known_rained: z.boolean().nullable(),
  rained: z.boolean().nullable(),
});
const forecastSchema = z.object({
  location_id: z.string(),
  base_hour: utcSecondSchema,
  target_hour: utcSecondSchema,
});
const verificationSchema = z.object({ location_id: z.string(), window_days: z.int(), hours: z.int() });

export type HourRow = z.infer<typeof hourSchema>;
export type ForecastRow = z.infer<typeof forecastSchema>;

/** Days of a lake as they were found. */
export interface LakeDays {
  /** By place and hour, as `placeHour` spells it; a row that repeats another is only in `repeatedHours`. */
  readonly hours: ReadonlyMap<string, HourRow>;
  readonly repeatedHours: number;
  /** By place and base hour. */
  readonly forecasts: ReadonlyMap<string, ForecastRow>;
  readonly repeatedForecasts: number;
  /** Forecasts that `forecast_verification` counts, by the day of their target hour. */
  readonly verified: ReadonlyMap<string, number>;
  /** Objects that nobody can read. */
  readonly unreadable: readonly string[];
}

const READERS = 16;

export function placeHour(locationId: string, hour: string): string {
  return `${locationId} ${hour}`;
}

/** @param dates UTC days, of hours and of the target hours of forecasts. */
export async function readLakeDays(processed: Bucket, dates: readonly string[]): Promise<LakeDays> {
  const limit = pLimit(READERS);
  const unreadable: string[] = [];
  const read = <T extends z.ZodRawShape>(key: string, schema: z.ZodObject<T>) =>
    limit(async () => {
      const stored = await getObject(processed, key);
      try {
        return stored === undefined ? [] : await decodeRows(stored.bytes, schema);
      } catch (error) {
        if (!(error instanceof ParquetRefused)) throw error;
        unreadable.push(key);
        return [];
      }
    });
  const days = await Promise.all(
    dates.map(async (date) => {
      const listed = await limit(() => listObjects(processed, keys.forecastDay(date)));
      const [hours, verification, ...forecasts] = await Promise.all([
        read(keys.hourlyDay(date), hourSchema),
        read(keys.verificationDay(date), verificationSchema),
        ...listed.map(({ key }) => read(key, forecastSchema)),
      ]);
      const ofDay = verification.filter(({ window_days }) => window_days === 1);
      return {
        date,
        hours,
        forecasts: forecasts.flat(),
        verified: ofDay.reduce((sum, row) => sum + row.hours, 0),
      };
    }),
  );
  const hours = days.flatMap((day) => day.hours);
  const forecasts = days.flatMap((day) => day.forecasts);
  const byHour = new Map(hours.map((row) => [placeHour(row.location_id, row.hour), row]));
  const byBaseHour = new Map(forecasts.map((row) => [placeHour(row.location_id, row.base_hour), row]));
  return {
    hours: byHour,
    repeatedHours: hours.length - byHour.size,
    forecasts: byBaseHour,
    repeatedForecasts: forecasts.length - byBaseHour.size,
    verified: new Map(days.map(({ date, verified }) => [date, verified])),
    unreadable: unreadable.sort(),
  };
}

/** Whether rain was known when the hour closed. History that stands in for polls came days later. */
export function wasKnownAtClose(row: Pick<HourRow, 'kind' | 'known_rained'> | undefined): boolean {
  return row !== undefined && row.kind !== 'settled' && row.known_rained !== null;
}

/** How forecasts stand to what came. */
export interface VerificationFound {
  /** Forecasts whose hour is known by now. */
  readonly known: number;
  readonly verified: number;
  /** Forecasts of days before `before` that are not counted although their hour is known, or counted too often. */
  readonly astray: number;
}

export function verificationOf(days: LakeDays, before: string): VerificationFound {
  const known = new Map<string, number>();
  for (const { location_id, target_hour } of days.forecasts.values()) {
    if ((days.hours.get(placeHour(location_id, target_hour))?.rained ?? null) === null) continue;
    const date = target_hour.slice(0, 10);
    known.set(date, (known.get(date) ?? 0) + 1);
  }
  const sum = (counts: Iterable<number>): number => [...counts].reduce((a, b) => a + b, 0);
  return {
    known: sum(known.values()),
    verified: sum(days.verified.values()),
    astray: sum(
      [...days.verified]
        .filter(([date]) => date < before)
        .map(([date, verified]) => Math.abs((known.get(date) ?? 0) - verified)),
    ),
  };
}

/** `none` for a place without a champion; undefined when pointer and ledger agree. */
export async function championProblem(models: Bucket, location: string): Promise<string | undefined> {
  const [pointer, ledger] = await Promise.all([readPointer(models, location), readLedger(models, location)]);
  if (pointer.status === 'absent') return ledger.length === 0 ? 'none' : 'a ledger without a pointer';
  if (pointer.status === 'damaged') return `its pointer is damaged: ${pointer.reason}`;
  const newest = ledger.at(-1);
  if (newest?.version !== pointer.entry.version) return 'the pointer is not the newest entry of the ledger';
  return ledger.every(({ sequence }, index) => sequence === index + 1) ? undefined : 'the ledger has gaps';
}

/** A day may pass until upkeep removes what a dead run left, and one more until it comes. */
const LEFTOVER_AFTER_MS = 49 * HOUR_MS;

/** Staged objects that upkeep should have removed by then. */
export async function leftoversAt(queryResults: Bucket, instant: string): Promise<number> {
  const stale = Date.parse(instant) - LEFTOVER_AFTER_MS;
  const staged = await listObjects(queryResults, 'tables/');
  return staged.filter(({ lastModified }) => lastModified !== undefined && lastModified.getTime() < stale)
    .length;
}

/** Raw objects that were set aside. */
export async function quarantined(raw: Bucket): Promise<number> {
  const listed = await listObjects(raw, QUARANTINE_PREFIX);
  return listed.filter(({ key }) => !key.endsWith('.reason.txt')).length;
}
