import type { GlueTable } from '../assembly/resources';
import { QueryFailure } from './query-failure';

const MILLISECONDS: Readonly<Record<string, number>> = {
  SECONDS: 1_000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: 86_400_000,
  WEEKS: 604_800_000,
};

/**
 * Values that partition projection gives a key, as the text that stands in locations.
 * @throws QueryFailure when the table's parameters do not define the projection.
 */
export function projectedValues(table: GlueTable, key: string, now: Date): readonly string[] {
  const parameter = (name: string) => table.parameters[`projection.${key}.${name}`];
  switch (parameter('type')) {
    case 'enum':
      return (parameter('values') ?? '').split(',').map((value) => value.trim());
    case 'integer':
      return integers(parameter('range') ?? '', parameter('interval'), parameter('digits'));
    case 'date':
      return dates(
        {
          range: parameter('range') ?? '',
          format: parameter('format') ?? '',
          interval: parameter('interval'),
          unit: parameter('interval.unit'),
        },
        now,
      );
    default:
      throw new QueryFailure(
        'INVALID_TABLE_PROPERTY',
        `Table ${table.name} is configured for partition projection, but column ${key} has no projection type served here.`,
      );
  }
}

/** Partition locations follow the template; without one, Hive's `key=value/` under the table's location. */
export function partitionLocation(table: GlueTable, values: readonly string[]): string {
  const keys = table.partitionKeys.map((key) => key.name);
  const base = (table.location ?? '').replace(/\/?$/, '/');
  const template =
    table.parameters['storage.location.template'] ??
    `${base}${keys.map((key) => `${key}=\${${key}}/`).join('')}`;
  const location = keys.reduce(
    (text, key, index) => text.replaceAll(`\${${key}}`, values[index] ?? ''),
    template,
  );
  if (!keys.every((key, index) => location.includes(`/${key}=${values[index]}`))) {
    throw new QueryFailure('NOT_SUPPORTED', `Locations of table ${table.name} are not in key=value form.`);
  }
  return location.replace(/\/?$/, '/');
}

function integers(range: string, interval = '1', digits = '1'): string[] {
  const [first = Number.NaN, last = Number.NaN] = range.split(',').map(Number);
  const step = Number(interval);
  const values: string[] = [];
  for (let value = first; value <= last; value += step) {
    values.push(String(value).padStart(Number(digits), '0'));
  }
  return values;
}

function dates(
  options: { range: string; format: string; interval: string | undefined; unit: string | undefined },
  now: Date,
): string[] {
  const [from = '', to = ''] = options.range.split(',').map((bound) => bound.trim());
  const unit = options.unit ?? (/[Hhms]/.test(options.format) ? undefined : 'DAYS');
  const step = (MILLISECONDS[unit ?? ''] ?? Number.NaN) * Number(options.interval ?? 1);
  if (Number.isNaN(step)) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', `Date projection by ${unit} is not served here.`);
  }
  const last = dateBound(to, options.format, now);
  const values: string[] = [];
  for (let time = dateBound(from, options.format, now); time <= last; time += step) {
    values.push(formatDate(new Date(time), options.format));
  }
  return values;
}

/** `NOW`, `NOW-3YEARS`, `NOW+1DAY`, or a date in the format. */
function dateBound(bound: string, format: string, now: Date): number {
  const relative = /^NOW(?:\s*([+-])\s*(\d+)\s*(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|YEAR)S?)?$/.exec(bound);
  if (relative === null) {
    return parseDate(bound, format);
  }
  const [, sign, count, unit] = relative;
  const atUnit = (time: number) => parseDate(formatDate(new Date(time), format), format);
  if (sign === undefined || unit === undefined) {
    return atUnit(now.getTime());
  }
  const amount = Number(`${sign}${count}`);
  const fixed = MILLISECONDS[`${unit}S`];
  if (fixed !== undefined) {
    return atUnit(now.getTime() + amount * fixed);
  }
  const moved = new Date(now);
  moved.setUTCMonth(moved.getUTCMonth() + amount * (unit === 'YEAR' ? 12 : 1));
  return atUnit(moved.getTime());
}

const FIELDS = /yyyy|MM|dd|HH|mm|ss/g;

function parseDate(text: string, format: string): number {
  const field = (name: string, otherwise: number) => {
    const at = format.indexOf(name);
    return at < 0 ? otherwise : Number(text.slice(at, at + name.length));
  };
  const time = Date.UTC(
    field('yyyy', 1970),
    field('MM', 1) - 1,
    field('dd', 1),
    field('HH', 0),
    field('mm', 0),
    field('ss', 0),
  );
  if (Number.isNaN(time)) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', `${text} is not a date of the form ${format}.`);
  }
  return time;
}

function formatDate(date: Date, format: string): string {
  const iso = date.toISOString();
  const parts: Readonly<Record<string, string>> = {
    yyyy: iso.slice(0, 4),
    MM: iso.slice(5, 7),
    dd: iso.slice(8, 10),
    HH: iso.slice(11, 13),
    mm: iso.slice(14, 16),
    ss: iso.slice(17, 19),
  };
  return format.replace(FIELDS, (name) => parts[name] ?? name);
}
