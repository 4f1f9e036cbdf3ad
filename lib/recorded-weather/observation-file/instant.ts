/** Also with slashes in the date, an hour alone, and blanks before the zone: as columns joined by `--columns` give it. */
const INSTANT =
  /^(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{1,2})(?::?(\d{2}))?(?::(\d{2})(?:\.\d+)?)? ?(Z|UTC|[+-]\d{2}:?\d{2})$/;
/** Latest instant a file may hold: beyond it the date has more than four digits of year. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/** UTC seconds of an ISO 8601 instant; undefined when the text is none, or names a day that does not exist. */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '', minute = '00', second = '00', zone = 'Z'] = match;
  const local = Date.parse(`${year}-${month}-${day}T${hour.padStart(2, '0')}:${minute}:${second}Z`);
  // Date.parse carries the 31st of a shorter month over into the next one.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return undefined;
  const offset =
    zone === 'Z' || zone === 'UTC'
      ? 0
      : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  const seconds = local / 1000 - offset * 60;
  return seconds <= LAST_SECOND ? seconds : undefined;
}
