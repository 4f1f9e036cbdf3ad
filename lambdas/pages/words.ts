/** How the pages say numbers and times. Whatever is missing is said to be missing, never shown as 0. */

export const MISSING = 'not known';

export function percent(value: number | null, digits = 0): string {
  return value === null ? MISSING : `${(value * 100).toFixed(digits)}%`;
}

/** Skill against persistence. Below −100% the number says nothing but that little rain came. */
export function skillPercent(value: number | null): string {
  return value !== null && value < -1 ? 'below -100%' : percent(value);
}

/** What a gain takes off a reference Brier score, as a share of it with its sign: `−9.9%` where the score is lower. */
export function relativeBrier(gain: number, reference: number): string {
  return reference === 0 ? MISSING : `${signed((-100 * gain) / reference)}%`;
}

export function decimal(value: number | null, digits = 3): string {
  return value === null ? MISSING : value.toFixed(digits);
}

/** A difference with its sign: `+0.3`, `−0.3`, and `0.0` without. */
export function signed(value: number, digits = 1): string {
  const size = Math.abs(value).toFixed(digits);
  if (Number(size) === 0) return size;
  return `${value < 0 ? '−' : '+'}${size}`;
}

/** A probability, rounded but never to certainty. */
export function chance(probability: number): string {
  if (probability > 0 && probability < 0.005) return '<1%';
  if (probability < 1 && probability >= 0.995) return '>99%';
  return percent(probability);
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString('en')} ${value === 1 ? one : many}`;
}

/** Making a formatter costs a hundred times what using it does; a page uses the same few hundreds of times. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function format(instant: number | string, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${timeZone} ${Object.keys(options).join()}`;
  const formatter = formatters.get(key) ?? new Intl.DateTimeFormat('en-GB', { timeZone, ...options });
  formatters.set(key, formatter);
  return formatter.format(new Date(instant));
}

const DAY = { day: 'numeric', month: 'short' } as const;
const HOUR = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

/** `1 Dec 2013, 14:00` in the place's own time. */
export function localTime(instant: number | string, timezone: string): string {
  return format(instant, timezone, { ...DAY, year: 'numeric', ...HOUR });
}

/** `14:00` in the place's own time. */
export function localHour(instant: number | string, timezone: string): string {
  return format(instant, timezone, HOUR);
}

/** `1 Dec` in the place's own time. */
export function localDay(instant: number | string, timezone: string): string {
  return format(instant, timezone, DAY);
}

/** `2013-12-01 14:00 UTC` */
export function utcTime(instant: number | string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** How long since then, in the largest unit that says something. */
export function age(instant: number | string, now: number | string): string {
  const minutes = Math.max(0, Math.round((new Date(now).getTime() - new Date(instant).getTime()) / 60_000));
  if (minutes < 120) return count(minutes, 'minute');
  const hours = Math.round(minutes / 60);
  return hours < 48 ? count(hours, 'hour') : count(Math.round(hours / 24), 'day');
}
