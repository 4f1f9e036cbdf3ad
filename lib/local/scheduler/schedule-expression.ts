const MINUTE_MS = 60_000;
const UNIT_MINUTES: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1440 };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** A cron expression that has no instant within five years, such as 31 February, has none at all. */
const SEARCH_DAYS = 5 * 366;

/** Gives the first instant after `after` (exclusive) at which a schedule fires; undefined when there is none. */
export type ScheduleTimes = (after: Date) => Date | undefined;

/**
 * Reads an expression of EventBridge Scheduler, in UTC: `rate(5 minutes)` (counted from the epoch here, so that
 * runs are repeatable) or `cron(minute hour day-of-month month day-of-week year)`.
 *
 * Not taken: `at(…)`, and the day-of-month and weekday signs `L`, `W` and `#`.
 * @throws Error naming expression and part.
 */
export function scheduleTimes(expression: string): ScheduleTimes {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) {
    const step = Number(rate[1]) * (UNIT_MINUTES[rate[2] ?? ''] ?? 1) * MINUTE_MS;
    if (step === 0) throw new Error(`${expression}: the rate must be positive`);
    return (after) => new Date((Math.floor(after.getTime() / step) + 1) * step);
  }
  const cron = /^cron\(([^)]*)\)$/.exec(expression);
  const fields = cron?.[1]?.trim().split(/\s+/) ?? [];
  if (fields.length !== 6) throw new Error(`${expression}: neither rate(…) nor cron(…) with six fields`);
  return cronTimes(expression, fields);
}

function cronTimes(expression: string, fields: readonly string[]): ScheduleTimes {
  const [minute = '', hour = '', dayOfMonth = '', month = '', weekday = '', year = ''] = fields;
  if ((dayOfMonth === '?') === (weekday === '?')) {
    throw new Error(`${expression}: exactly one of day-of-month and day-of-week must be ?`);
  }
  const read = (field: string, first: number, last: number, names: readonly string[] = []): Set<number> =>
    fieldValues(expression, field === '?' ? '*' : field, first, last, names);
  const minutes = [...read(minute, 0, 59)].sort((a, b) => a - b);
  const hours = [...read(hour, 0, 23)].sort((a, b) => a - b);
  const daysOfMonth = read(dayOfMonth, 1, 31);
  const months = read(month, 1, 12, MONTHS);
  // Weekdays are numbered 1 (Sunday) to 7.
  const weekdays = read(weekday, 1, 7, WEEKDAYS);
  const years = read(year, 1970, 2199);

  return (after) => {
    const day = new Date(after);
    day.setUTCHours(0, 0, 0, 0);
    for (let count = 0; count < SEARCH_DAYS; count += 1) {
      if (
        years.has(day.getUTCFullYear()) &&
        months.has(day.getUTCMonth() + 1) &&
        daysOfMonth.has(day.getUTCDate()) &&
        weekdays.has(day.getUTCDay() + 1)
      ) {
        for (const atHour of hours) {
          for (const atMinute of minutes) {
            const instant = day.getTime() + (atHour * 60 + atMinute) * MINUTE_MS;
            if (instant > after.getTime()) return new Date(instant);
          }
        }
      }
      day.setUTCDate(day.getUTCDate() + 1);
    }
    return undefined;
  };
}

/** The values that a field admits: `*`, `5`, `1,2`, `8-17`, `MON-FRI`, `0/15`, `2-50/4`. */
function fieldValues(
  expression: string,
  field: string,
  first: number,
  last: number,
  names: readonly string[],
): Set<number> {
  const values = new Set<number>();
  const bad = (): Error => new Error(`${expression}: "${field}" is not understood`);
  const number = (text: string): number => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? first + named : /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= first && value <= last)) throw bad();
    return value;
  };
  for (const part of field.split(',')) {
    const [range = '', step, ...rest] = part.split('/');
    if (rest.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) throw bad();
    const [from = '', to, ...more] = range === '*' ? [String(first), String(last)] : range.split('-');
    if (more.length > 0) throw bad();
    const begin = number(from);
    const end = to !== undefined ? number(to) : step === undefined ? begin : last;
    for (let value = begin; value <= end; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}
