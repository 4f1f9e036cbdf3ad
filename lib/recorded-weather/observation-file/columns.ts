import { MEASUREMENTS, type Measurement } from '../../../lambdas/weather/observation';
import { closest } from '../../terminal/closest';
import { RECORDED_COLUMNS, type RecordedColumn } from '../recording';

/** What each column of a file holds: its unit, and the instant or time that it speaks of. */
const MEANINGS: Readonly<Record<Measurement, string>> = {
  temp_c: 'temperature in °C, at the end of the hour',
  dewpoint_c: 'dew point in °C, at the end of the hour',
  humidity_pct: 'relative humidity in %, at the end of the hour',
  pressure_mb: 'pressure at sea level in mb (hPa), at the end of the hour',
  wind_kph: 'mean wind in km/h, at the end of the hour',
  wind_degree: 'direction that the wind comes from in °, at the end of the hour',
  gust_kph: 'strongest gust of the hour in km/h',
  precip_mm: 'rain that fell in the hour, in mm; T for a trace',
  cloud_pct: 'sky covered by cloud in %, at the end of the hour',
  visibility_km: 'visibility in km, at the end of the hour',
  uv: 'UV index, at the end of the hour',
  condition_code: "the source's own code of the weather, at the end of the hour",
};

export const COLUMN_MEANINGS: readonly (readonly [name: string, meaning: string])[] = [
  ['location_id', "the place; without this column the file's name is its one place"],
  ['observed_at', 'start of the hour that the row speaks of: ISO 8601 with a zone'],
  ...MEASUREMENTS.map((name) => [name, MEANINGS[name]] as const),
  ['forecast_probability_pct', 'chance of rain in %, for the hour that begins at the end of this one'],
  ['forecast_precip_mm', 'rain expected in that hour, in mm; both as issued before it began'],
];

/** Columns of Garoa's own files that say nothing to a replay. */
const IGNORED = ['ingested_at', 'source', 'kind'];
const KNOWN: readonly string[] = ['location_id', 'observed_at', ...RECORDED_COLUMNS, ...IGNORED];

/** The columns can't be told from the first line and from `--columns`; the message says what to do. */
export class BadColumns extends Error {
  constructor(
    readonly column: string | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** How a row's cells become an observation, by position. */
export interface Columns {
  /** Absent when the file has one place. */
  readonly location: number | undefined;
  /** Positions whose texts, joined by blanks, are the time; `zone` follows them. */
  readonly time: readonly number[];
  readonly zone: string;
  readonly recorded: readonly { readonly name: RecordedColumn; readonly position: number }[];
  /** Cells of each row. */
  readonly width: number;
  /** Whether the first line holds names and no values. */
  readonly hasHeader: boolean;
}

type Mapping = ReadonlyMap<string, readonly string[]>;

const ZONE = /^(Z|UTC|[+-]\d{2}:?\d{2})$/;
const NAMED_ZONE = /^[A-Z][A-Za-z]+(\/[A-Za-z_]+)+$/;

/**
 * Reads `--columns`: `temp_c=TEMP,observed_at=DATE+HOUR+Z`. A name on the right is a column of the file, a number its
 * position from 1 on; `+` joins columns of one time, and Z or an offset such as +05:30 gives the zone that it lacks.
 * @throws BadColumns
 */
export function parseMapping(text: string): Mapping {
  const mapping = new Map<string, readonly string[]>();
  for (const part of text.split(',')) {
    const [name = '', ...rest] = part.split('=');
    const target = name.trim();
    const sources = rest
      .join('=')
      // An offset begins with a plus sign too.
      .split(/\+(?!\d{2}:?\d{2}$)|(?=\+\d{2}:?\d{2}$)/)
      .map((source) => source.trim());
    if (rest.length === 0 || sources.some((source) => source === '')) {
      throw new BadColumns(
        undefined,
        `--columns wants NAME=COLUMN, parted by commas, not "${part}"; a column with a comma in its name goes by its position`,
      );
    }
    if (!KNOWN.includes(target)) throw new BadColumns(target, unknown(target));
    if (mapping.has(target)) throw new BadColumns(target, '--columns names the column twice');
    mapping.set(target, sources);
  }
  return mapping;
}

/**
 * Tells the columns of a file from its first line.
 * @param mapping what `--columns` says; columns that it leaves unnamed and that are known count as well, others not
 * @throws BadColumns
 */
export function columnsOf(cells: readonly string[], mapping: Mapping | undefined): Columns {
  const firstLine = cells.map((cell) => (KNOWN.includes(cell.toLowerCase()) ? cell.toLowerCase() : cell));
  const [only = '', ...others] = firstLine;
  if (others.length === 0 && only !== 'observed_at') {
    const reason = `"${shortened(only)}" is its only column: neither commas nor semicolons, tabs or vertical bars part it`;
    throw new BadColumns(undefined, `${reason}; save the table as CSV`);
  }
  const hasHeader = !isValues(firstLine);
  if (!hasHeader && mapping === undefined) {
    const advice = `say what they are by position, such as --columns 'observed_at=1+2+Z,temp_c=3'`;
    throw new BadColumns(undefined, `there is no header, the first line holds values: ${advice}`);
  }
  if (hasHeader) refuseRepeated(firstLine);
  if (hasHeader && mapping === undefined) refuseUnknown(firstLine);
  const taken = new Map<string, { readonly positions: number[]; readonly zone: string }>();
  if (hasHeader) {
    firstLine.forEach((name, position) => {
      if (KNOWN.includes(name)) taken.set(name, { positions: [position], zone: '' });
    });
  }
  for (const [name, sources] of mapping ?? []) {
    const zone = sources.find((source) => ZONE.test(source)) ?? '';
    const positions = sources
      .filter((source) => !ZONE.test(source))
      .map((source) => positionOf(source, name, hasHeader ? firstLine : undefined, firstLine.length));
    if (positions.length !== 1 && name !== 'observed_at') {
      throw new BadColumns(name, 'only observed_at is made of several columns');
    }
    taken.set(name, { positions, zone: zone === 'UTC' ? 'Z' : zone });
  }
  const time = taken.get('observed_at');
  if (time === undefined || time.positions.length === 0) {
    throw new BadColumns(
      'observed_at',
      `the column is missing; if another holds the time: --columns 'observed_at=NAME'`,
    );
  }
  return {
    location: taken.get('location_id')?.positions[0],
    time: time.positions,
    zone: time.zone,
    recorded: RECORDED_COLUMNS.flatMap((name) => {
      const position = taken.get(name)?.positions[0];
      return position === undefined ? [] : [{ name, position }];
    }),
    width: firstLine.length,
    hasHeader,
  };
}

const VALUE = /^[+-]?\d+([.,]\d+)?$|^\d{4}[-/]\d{2}[-/]\d{2}/;

/** Names are words; a line with a number or a date in it, and with no known name, is no header. */
function isValues(cells: readonly string[]): boolean {
  return !cells.some((cell) => KNOWN.includes(cell)) && cells.some((cell) => VALUE.test(cell));
}

function refuseRepeated(header: readonly string[]): void {
  const repeated = header.find((name, index) => name !== '' && header.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new BadColumns(repeated, 'the column is there twice; remove one of them');
  }
}

function refuseUnknown(header: readonly string[]): void {
  // A column without a name is the row number that some programs write.
  const foreign = header.find((name) => name !== '' && !KNOWN.includes(name));
  if (foreign !== undefined) throw new BadColumns(shortened(foreign), unknown(foreign));
}

const LONGEST_NAME = 60;

/** A file that is no table may have a name without an end. */
function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

function unknown(name: string): string {
  const hint = closest(name, KNOWN);
  const question = hint === undefined ? '' : `; did you mean "${hint}"?`;
  const advice = `Say what it is, such as --columns '${hint ?? 'temp_c'}=${shortened(name)}'; npm start -- --help lists all`;
  return `not a column of an observation${question} ${advice}`;
}

function positionOf(
  source: string,
  name: string,
  header: readonly string[] | undefined,
  width: number,
): number {
  const named = header?.indexOf(source) ?? -1;
  if (named >= 0) return named;
  const position = /^\d+$/.test(source) ? Number(source) : 0;
  if (position >= 1 && position <= width) return position - 1;
  if (NAMED_ZONE.test(source)) {
    const reason = 'takes no zone by its name, since an hour that comes twice could not be told';
    throw new BadColumns(
      name,
      `--columns ${reason}: give an offset such as -03:00, or convert the times to UTC`,
    );
  }
  const there = header === undefined ? `the positions 1 to ${width}` : header.join(', ');
  throw new BadColumns(name, `--columns takes it from "${source}", but the file has ${there}`);
}
