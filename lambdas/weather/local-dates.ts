import { DAY_MS, utcSecond } from '../runtime/time';

/** First and last instant (exclusive) of a UTC day, in seconds since the epoch. */
export function utcDaySeconds(day: string): { from: number; until: number } {
  const from = Date.parse(`${day}T00:00:00Z`) / 1_000;
  return { from, until: from + DAY_MS / 1_000 };
}

/**
 * The dates on a place's own calendar that a UTC day falls on: one in UTC, two anywhere else.
 * Providers that sell history by the local day are asked for these.
 */
export function localDatesOf(day: string, timezone: string): string[] {
  const { from, until } = utcDaySeconds(day);
  const first = localDateOf(utcSecond(from * 1_000), timezone);
  const last = localDateOf(utcSecond((until - 1) * 1_000), timezone);
  return first === last ? [first] : [first, last];
}

/** `YYYY-MM-DD` on the place's calendar. */
export function localDateOf(instant: string, timezone: string): string {
  return localText(instant, timezone).slice(0, 10);
}

/** Hour of the place's clock, 0 to 23. */
export function localHourOf(instant: string, timezone: string): string {
  return String(Number(localText(instant, timezone).slice(12, 14)));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Such as `2026-11-23, 07`: Canadian English writes dates as YYYY-MM-DD. */
function localText(instant: string, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  return format.format(Date.parse(instant));
}
