import { utcSecond } from './time';

const HOUR_MS = 3_600_000;

/** The UTC date that lies `days` after `date`; negative goes back. */
export function addDays(date: string, days: number): string {
  return addHours(`${date}T00:00:00Z`, 24 * days).slice(0, 10);
}

/** Start of the hour that the instant lies in. */
export function hourStart(instant: string): string {
  return `${instant.slice(0, 13)}:00:00Z`;
}

export function addHours(instant: string, hours: number): string {
  return utcSecond(Date.parse(instant) + hours * HOUR_MS);
}

/** Every date from `from` to `to`, both included; empty when `to` lies before `from`. */
export function datesBetween(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) {
    dates.push(date);
  }
  return dates;
}
