import * as z from 'zod';

/** Times are UTC everywhere. A text of the lake is an instant to the second, or a date. */

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** ISO 8601 in UTC to the second, such as `2026-11-23T10:15:00Z`: sorts as text, and is one form everywhere. */
export const utcSecondSchema = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);

/**
 * The instant as every file of the lake spells it: ISO 8601 in UTC to the second, fractions cut off.
 * @throws RangeError for what is no instant.
 */
export function utcSecond(instant: Date | number | string): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

/** Start of the hour that the instant lies in. */
export function hourStart(instant: string): string {
  return `${instant.slice(0, 13)}:00:00Z`;
}

export function addHours(instant: string, hours: number): string {
  return utcSecond(Date.parse(instant) + hours * HOUR_MS);
}

/** The UTC date that lies `days` after `date`; negative goes back. */
export function addDays(date: string, days: number): string {
  return addHours(`${date}T00:00:00Z`, 24 * days).slice(0, 10);
}

/** Every date from `from` to `to`, both included; empty when `to` lies before `from`. */
export function datesBetween(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) {
    dates.push(date);
  }
  return dates;
}
