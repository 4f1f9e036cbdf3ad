const formats = new Map<string, Intl.DateTimeFormat>();

/** `YYYY-MM-DD HH:MM` on the clocks of the zone; `time` in UTC seconds. */
export function localTime(timezone: string, time: number): string {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timezone, format);
  }
  return format.format(new Date(time * 1000)).replace(',', '');
}

const DAY = 86_400;
/** No zone is further from UTC. */
const FARTHEST = 14 * 3600;

/** First instant of a date on the clocks of the zone, and of the date that follows, in UTC seconds. */
export function localDay(timezone: string, date: string): { readonly from: number; readonly to: number } {
  const midnight = Date.parse(`${date}T00:00:00Z`) / 1000;
  const next = new Date((midnight + DAY) * 1000).toISOString().slice(0, 10);
  return {
    from: firstWith(timezone, date, midnight),
    to: firstWith(timezone, next, midnight + DAY),
  };
}

/** Dates of a zone only ever grow, so that halving finds where one begins. */
function firstWith(timezone: string, date: string, midnight: number): number {
  let before = midnight - FARTHEST - 1;
  let from = midnight + FARTHEST;
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (localTime(timezone, middle).slice(0, 10) < date) before = middle;
    else from = middle;
  }
  return from;
}
