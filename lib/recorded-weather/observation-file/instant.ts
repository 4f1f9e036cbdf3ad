/**
 * ISO 8601, and what files have instead: slashes or nothing in the date, an hour alone, a clock of twelve hours, blanks
 * before the zone (as columns joined by `--columns` give it), and days before months where dots part them.
 */
const DATE = String.raw`(?:(?<year>\d{4})(?<mark>[-/]?)(?<month>\d{2})\k<mark>(?<day>\d{2})|(?<dayFirst>\d{1,2})\.(?<monthNext>\d{1,2})\.(?<yearLast>\d{4}))`;
const CLOCK = String.raw`(?<hour>\d{1,2})(?::?(?<minute>\d{2})(?::?(?<second>\d{2})(?:\.\d+)?)?)?(?: ?(?<half>[AP])\.?M\.?)?`;
const ZONE = String.raw`(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)`;
const INSTANT = new RegExp(`^${DATE}[T ]?${CLOCK} ?${ZONE}$`, 'i');
/** Latest instant a file may hold: beyond it the date has more than four digits of year. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;
const MAXIMUM_OFFSET_MINUTES = 14 * 60;

/** UTC seconds of an instant; undefined when the text is none, or names a day or an offset that does not exist. */
export function parseInstant(text: string): number | undefined {
  const parts = INSTANT.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { year = parts.yearLast, month = parts.monthNext, day = parts.dayFirst } = parts;
  const { minute = '00', second = '00', half, zone = 'Z' } = parts;
  const hour = half === undefined ? Number(parts.hour) : hourOfHalf(Number(parts.hour), half);
  const offset = offsetMinutes(zone);
  if (hour === undefined || offset === undefined) return undefined;
  const local = Date.parse(`${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}Z`);
  // Date.parse carries the 31st of a shorter month over into the next one, and 24:00 into the next day.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return undefined;
  const seconds = local / 1000 - offset * 60;
  return seconds <= LAST_SECOND ? seconds : undefined;
}

/** What helps with a text that is no instant. */
export function adviceOn(text: string): string {
  if (parseInstant(`${text}Z`) !== undefined) {
    return `if only the zone lacks: --columns 'observed_at=observed_at+Z'`;
  }
  if (/^\d{1,2}\/\d{1,2}\/\d{4}/.test(text)) {
    return 'whether its day or its month comes first can not be told: write the year first';
  }
  if (/^\d{9,10}(\.\d+)?Z?$|^\d{13}Z?$/.test(text)) return 'seconds since 1970 are not read: write dates';
  if (/[T ]24:?00/.test(text)) return 'midnight is 00:00 of the day that begins';
  return 'a zone is Z or an offset such as -03:00: with a name alone, a repeated hour could not be told';
}

function hourOfHalf(hour: number, half: string): number | undefined {
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half.toUpperCase() === 'P' ? 12 : 0);
}

function offsetMinutes(zone: string): number | undefined {
  if (/^[a-z]/i.test(zone)) return 0;
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0;
  const size = Number(zone.slice(1, 3)) * 60 + minutes;
  return minutes > 59 || size > MAXIMUM_OFFSET_MINUTES ? undefined : Number(`${zone[0]}1`) * size;
}

function two(value: number | string | undefined): string {
  return String(value).padStart(2, '0');
}
