import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import * as z from 'zod';
import { type Location, locationSchema } from '../../lambdas/weather/location';
import { MEASUREMENTS, type Measurement, NOTHING_MEASURED } from '../../lambdas/weather/observation';
import { closest } from '../terminal/closest';
import { errorCode } from '../terminal/error-code';
import { Refusal } from '../terminal/refusal';

const HOUR = 3600;

/** One recorded reading: UTC seconds, and every measurement with null where the station reported none. */
export interface Reading {
  readonly time: number;
  readonly values: Readonly<Record<Measurement, number | null>>;
  /** Of the hour that begins at the end of the reading's hour; absent where none was recorded. */
  readonly forecast?: RecordedForecast;
}

/** A provider's forecast of an hour as it had been issued before that hour began. */
export interface RecordedForecast {
  readonly probabilityPct: number | null;
  readonly precipMm: number | null;
}

const FORECAST_COLUMNS = ['forecast_probability_pct', 'forecast_precip_mm'] as const;
type RecordedColumn = Measurement | (typeof FORECAST_COLUMNS)[number];
const RECORDED_COLUMNS: readonly RecordedColumn[] = [...MEASUREMENTS, ...FORECAST_COLUMNS];
/** What belongs to a row's whole hour, whatever instant its state of the air belongs to. */
const OF_THE_HOUR: ReadonlySet<RecordedColumn> = new Set(['precip_mm', ...FORECAST_COLUMNS]);

/** A recording can't be replayed; the message is one line that says where and why. */
class BadRecording extends Refusal {
  override readonly name = 'BadRecording';
}

/** Readings of one place in time order, kept as columns so that decades of several stations fit in memory. */
export class Series {
  /** True when the place has at most one reading an hour, on the hour: such a reading speaks for its hour. */
  readonly hourly: boolean;

  constructor(
    readonly times: Float64Array,
    private readonly columns: ReadonlyMap<RecordedColumn, Float64Array>,
  ) {
    this.hourly = times.every((time) => time % HOUR === 0);
  }

  /** Whether any reading has a forecast. */
  get hasForecasts(): boolean {
    return FORECAST_COLUMNS.some((name) => this.columns.get(name)?.some((value) => !Number.isNaN(value)));
  }

  get first(): number {
    return this.times[0] ?? Number.NaN;
  }

  get last(): number {
    return this.times[this.times.length - 1] ?? Number.NaN;
  }

  /** The latest reading made at `time` (UTC seconds) or before; undefined before the first. */
  latest(time: number): Reading | undefined {
    const index = this.countBefore(time + 1) - 1;
    return index < 0 ? undefined : this.at(index);
  }

  /** Readings with `from <= time < to`, in UTC seconds. */
  between(from: number, to: number): Reading[] {
    const readings: Reading[] = [];
    for (let index = this.countBefore(from); index < this.countBefore(to); index += 1) {
      readings.push(this.at(index));
    }
    return readings;
  }

  /** Distinct UTC hours that have a reading, with `from <= hour start < to` in UTC seconds. */
  hoursBetween(from: number, to: number): number {
    let hours = 0;
    let previous = Number.NaN;
    for (let index = this.countBefore(from); index < this.countBefore(to); index += 1) {
      const hour = Math.floor((this.times[index] ?? 0) / HOUR);
      if (hour !== previous) {
        hours += 1;
        previous = hour;
      }
    }
    return hours;
  }

  private at(index: number): Reading {
    const values = { ...NOTHING_MEASURED };
    for (const name of MEASUREMENTS) values[name] = this.value(name, index);
    const time = this.times[index] ?? Number.NaN;
    const probabilityPct = this.value('forecast_probability_pct', index);
    const precipMm = this.value('forecast_precip_mm', index);
    const forecast = probabilityPct === null && precipMm === null ? undefined : { probabilityPct, precipMm };
    return { time, values, ...(forecast !== undefined && { forecast }) };
  }

  private value(name: RecordedColumn, index: number): number | null {
    const value = this.columns.get(name)?.[index];
    return value === undefined || Number.isNaN(value) ? null : value;
  }

  private countBefore(time: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Recorded weather of one or more places, ready to be replayed. */
export interface Recording {
  /** The file's name, for messages. */
  readonly title: string;
  readonly locations: readonly Location[];
  readonly series: ReadonlyMap<string, Series>;
  /** Country by location, where the file beside the recording names it. */
  readonly countries: ReadonlyMap<string, string>;
  readonly rows: number;
  /** Start of the UTC hour of the first reading, and end of the hour of the last, in UTC seconds. */
  readonly from: number;
  readonly to: number;
}

/** What the file beside a recording may say of it and its places; the rest is checked as a location. */
const provenanceSchema = z.object({
  /** Whether a row of an hour tells the state of the air at the hour's end or at its start. */
  stateAt: z.enum(['start', 'end']).default('end'),
  locations: z.array(z.looseObject({ id: z.string(), country: z.string().optional() })).default([]),
});
type Provenance = z.infer<typeof provenanceSchema>;

/**
 * Reads `FILE.csv` or `FILE.csv.gz` with the columns of an observation: `location_id` and `observed_at` are
 * required, measurements optional, an empty cell or `NA` is an absent value. Rows may come in any order; a
 * second reading of a place at the same second is refused. Location ids become lower case with hyphens, as
 * the configuration wants them. `FILE.json` beside it may name the places and give coordinates and time zones.
 *
 * @throws BadRecording naming line, column and reason.
 */
export async function readRecording(file: string): Promise<Recording> {
  const builder = new RecordingBuilder(basename(file));
  const source = createReadStream(file);
  const csv = parse({ bom: true, info: true, relax_column_count: true, skip_empty_lines: true });
  const flow = file.endsWith('.gz') ? pipeline(source, createGunzip(), csv) : pipeline(source, csv);
  // Whatever breaks the flow ends the rows below with the same error; an early end of theirs breaks the flow.
  flow.catch(() => {});
  try {
    for await (const row of csv) {
      // csv-parse leaves what its stream yields untyped; the options above fix its shape.
      if (!isRow(row)) throw new Error('csv-parse yielded a row without line information');
      builder.add(row.info.lines, row.record);
    }
  } catch (error) {
    throw explain(file, error);
  }
  return builder.build(await readProvenance(file));
}

interface Row {
  readonly info: { readonly lines: number };
  readonly record: readonly string[];
}

function isRow(row: unknown): row is Row {
  return typeof row === 'object' && row !== null && 'info' in row && 'record' in row;
}

function explain(file: string, error: unknown): unknown {
  if (error instanceof BadRecording) return error;
  const title = basename(file);
  if (error instanceof CsvError) {
    const { lines } = error;
    return new BadRecording(
      `${title}, line ${typeof lines === 'number' ? lines : '?'}: not readable as CSV (${error.message})`,
    );
  }
  const code = errorCode(error);
  if (code === 'ENOENT') return new BadRecording(`${file}: no such file`);
  if (code === 'EISDIR') return new BadRecording(`${file} is a folder, not a CSV file`);
  if (code === 'EACCES') return new BadRecording(`${file} may not be read`);
  return code?.startsWith('Z_') ? new BadRecording(`${title}: not a complete gzip file (${code})`) : error;
}

async function readProvenance(file: string): Promise<Provenance> {
  const sidecar = file.replace(/\.csv(\.gz)?$/, '.json');
  if (sidecar === file || !(await exists(sidecar))) return provenanceSchema.parse({});
  try {
    return provenanceSchema.parse(JSON.parse(await readFile(sidecar, 'utf8')));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : String(error);
    throw new BadRecording(`${basename(sidecar)}: ${reason}`);
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

const IGNORED_COLUMNS = ['ingested_at', 'source', 'kind'];
const COLUMNS: readonly string[] = ['location_id', 'observed_at', ...RECORDED_COLUMNS, ...IGNORED_COLUMNS];
/** Latest instant a file may hold: beyond it the date has more than four digits of year. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

/** Collects parsed rows; knows the header once the first row has come. */
class RecordingBuilder {
  private header: readonly string[] | undefined;
  private columns: readonly { readonly name: RecordedColumn; readonly position: number }[] = [];
  private readonly places = new Map<string, PlaceBuilder>();
  private readonly originalIds = new Map<string, string>();
  private rows = 0;

  constructor(private readonly title: string) {}

  add(line: number, cells: readonly string[]): void {
    if (this.header === undefined) {
      this.readHeader(cells.map((cell) => cell.trim()));
      return;
    }
    if (cells.length !== this.header.length) {
      throw this.bad(line, undefined, `${cells.length} cells where the header has ${this.header.length}`);
    }
    const id = this.locationId(line, cells[this.header.indexOf('location_id')] ?? '');
    const observedAt = cells[this.header.indexOf('observed_at')] ?? '';
    const time = parseInstant(observedAt);
    if (time === undefined) {
      const reason = `"${observedAt}" is not a time such as 2013-01-01T06:00:00Z (ISO 8601 with a zone)`;
      throw this.bad(line, 'observed_at', reason);
    }
    let place = this.places.get(id);
    if (place === undefined) {
      place = new PlaceBuilder(this.columns.map(({ name }) => name));
      this.places.set(id, place);
    }
    place.add(
      line,
      time,
      this.columns.map(({ name, position }) => this.number(line, name, cells[position] ?? '')),
    );
    this.rows += 1;
  }

  build({ stateAt, locations: provenance }: Provenance): Recording {
    if (this.header === undefined) throw new BadRecording(`${this.title}: the file is empty`);
    if (this.rows === 0) throw new BadRecording(`${this.title}: no rows after the header`);
    const series = new Map<string, Series>();
    for (const [id, place] of [...this.places].sort(([a], [b]) => (a < b ? -1 : 1))) {
      series.set(
        id,
        place.build(stateAt, (line, first) => {
          throw this.bad(
            line,
            'observed_at',
            `second reading of "${id}" at that time (the first is on line ${first})`,
          );
        }),
      );
    }
    const known = new Map(provenance.map(({ country: _, ...location }) => [location.id, location]));
    const locations = [...series.keys()].map((id): Location => {
      const parsed = locationSchema.safeParse({ id, name: id, timezone: 'UTC', ...known.get(id), query: id });
      if (!parsed.success) {
        throw new BadRecording(
          `${this.title}: location "${id}": ${parsed.error.issues[0]?.message ?? 'invalid'}`,
        );
      }
      return parsed.data;
    });
    const all = [...series.values()];
    return {
      title: this.title,
      locations,
      series,
      countries: new Map(
        provenance.flatMap(({ id, country }) => (country === undefined ? [] : [[id, country]])),
      ),
      rows: this.rows,
      from: Math.floor(Math.min(...all.map(({ first }) => first)) / HOUR) * HOUR,
      to: (Math.floor(Math.max(...all.map(({ last }) => last)) / HOUR) + 1) * HOUR,
    };
  }

  private readHeader(header: readonly string[]): void {
    const repeated = header.find((name, index) => header.indexOf(name) !== index);
    if (repeated !== undefined) throw this.bad(1, repeated, 'the column is there twice');
    for (const name of header) {
      if (!COLUMNS.includes(name)) {
        const hint = closest(name, COLUMNS);
        const advice = hint === undefined ? '' : `; did you mean "${hint}"?`;
        throw this.bad(1, name, `not a column of an observation${advice}`);
      }
    }
    for (const required of ['location_id', 'observed_at']) {
      if (!header.includes(required)) throw this.bad(1, required, 'the column is missing');
    }
    this.header = header;
    this.columns = RECORDED_COLUMNS.flatMap((name) =>
      header.includes(name) ? [{ name, position: header.indexOf(name) }] : [],
    );
  }

  private locationId(line: number, text: string): string {
    const id = text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    if (id === '' || id.length > 64) {
      throw this.bad(line, 'location_id', `"${text}" can't be made an id of letters, digits and hyphens`);
    }
    const other = this.originalIds.get(id);
    if (other === undefined) this.originalIds.set(id, text);
    else if (other !== text) {
      throw this.bad(line, 'location_id', `"${text}" and "${other}" both become the id "${id}"`);
    }
    return id;
  }

  private number(line: number, column: RecordedColumn, text: string): number {
    if (text === '' || text === 'NA') return Number.NaN;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw this.bad(line, column, `"${text}" is not a number`);
    }
    return value;
  }

  private bad(line: number, column: string | undefined, reason: string): BadRecording {
    const where = column === undefined ? '' : `, column ${column}`;
    return new BadRecording(`${this.title}, line ${line}${where}: ${reason}`);
  }
}

/** Growing columns of one place. */
class PlaceBuilder {
  private times = new Float64Array(1024);
  private lines = new Float64Array(1024);
  private readonly columns: Float64Array<ArrayBuffer>[];
  private length = 0;

  constructor(private readonly names: readonly RecordedColumn[]) {
    this.columns = names.map(() => new Float64Array(1024));
  }

  add(line: number, time: number, values: readonly number[]): void {
    if (this.length === this.times.length) this.grow();
    this.times[this.length] = time;
    this.lines[this.length] = line;
    this.columns.forEach((column, index) => {
      column[this.length] = values[index] ?? Number.NaN;
    });
    this.length += 1;
  }

  build(stateAt: 'start' | 'end', onDuplicate: (line: number, first: number) => never): Series {
    const { times, lines } = this;
    const time = (index: number): number => times[index] ?? 0;
    const order = Uint32Array.from({ length: this.length }, (_, index) => index).sort(
      (a, b) => time(a) - time(b) || a - b,
    );
    order.forEach((index, rank) => {
      const previous = order[rank - 1];
      if (previous !== undefined && time(previous) === time(index)) {
        onDuplicate(lines[index] ?? 0, lines[previous] ?? 0);
      }
    });
    const sorted = (column: Float64Array): Float64Array =>
      Float64Array.from(order, (index) => column[index] ?? Number.NaN);
    const sortedTimes = sorted(times);
    const columns = new Map(
      this.names.map((name, index) => [name, sorted(this.columns[index] ?? new Float64Array(this.length))]),
    );
    const series = new Series(sortedTimes, columns);
    return series.hourly && stateAt === 'start'
      ? new Series(sortedTimes, stateAtTheEnd(sortedTimes, columns))
      : series;
  }

  private grow(): void {
    const larger = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(column.length * 2);
      grown.set(column);
      return grown;
    };
    this.times = larger(this.times);
    this.lines = larger(this.lines);
    this.columns.forEach((column, index) => {
      this.columns[index] = larger(column);
    });
  }
}

/** The state of the air at an hour's end is what the next hour's row says of its start. */
function stateAtTheEnd(
  times: Float64Array,
  columns: ReadonlyMap<RecordedColumn, Float64Array>,
): Map<RecordedColumn, Float64Array> {
  const followed = (index: number): boolean => times[index + 1] === (times[index] ?? Number.NaN) + HOUR;
  return new Map(
    [...columns].map(([name, column]) => [
      name,
      OF_THE_HOUR.has(name)
        ? column
        : column.map((_, index) => (followed(index) ? (column[index + 1] ?? Number.NaN) : Number.NaN)),
    ]),
  );
}

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** UTC seconds of an ISO 8601 instant; undefined when the text is none, or names a day that does not exist. */
function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = '00', zone = 'Z'] = match;
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse carries the 31st of a shorter month over into the next one.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return undefined;
  const offset =
    zone === 'Z' ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  const seconds = local / 1000 - offset * 60;
  return seconds <= LAST_SECOND ? seconds : undefined;
}
