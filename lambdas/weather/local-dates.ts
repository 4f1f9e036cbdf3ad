const DAY_MS = 86_400_000;

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
  // Canadian English writes dates as YYYY-MM-DD.
  const calendar = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  const first = calendar.format(from * 1_000);
  const last = calendar.format((until - 1) * 1_000);
  return first === last ? [first] : [first, last];
}
