import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import * as z from 'zod';
import { type Location, locationSchema } from '../../../lambdas/weather/location';
import { errorCode } from '../../terminal/error-code';
import { Refusal } from '../../terminal/refusal';
import type { RecordedColumn, Recording, Series } from '../recording';
import { CellReader } from './cells';
import { BadColumns, type Columns, columnsOf, parseMapping } from './columns';
import { type Dialect, dialectOf, NoTable, nameOf } from './dialect';
import { adviceOn, parseInstant } from './instant';
import { PlaceBuilder } from './place-builder';

const HOUR = 3600;

/** A recording can't be replayed; the message is one line that says where and why, and what to do. */
class BadRecording extends Refusal {
  override readonly name = 'BadRecording';
}

/** What the file beside a recording may say of it and its places; the rest is checked as a location. */
const provenanceSchema = z.object({
  /** Whether a row of an hour tells the state of the air at the hour's end or at its start. */
  stateAt: z.enum(['start', 'end']).default('end'),
  locations: z.array(z.looseObject({ id: z.string() })).default([]),
});
type Provenance = z.infer<typeof provenanceSchema>;

/**
 * Reads `FILE.csv` or `FILE.csv.gz`, whose columns `COLUMN_MEANINGS` lists; cells are parted by commas, semicolons,
 * tabs or vertical bars, and lines that begin with # are passed over. Absent values are empty or spelled in a usual way, sentinels such as -9999 included. Rows may come in any
 * order; a second reading of a place at the same second is refused. Location ids become lower case with hyphens, as
 * the configuration wants them. `FILE.json` beside it may name the places, give coordinates and time zones, and say
 * at which end of its hour a row tells the state of the air.
 *
 * @param mapping what `--columns` says of columns with other names
 * @throws BadRecording naming line, column and reason.
 */
export async function readRecording(file: string, mapping?: string): Promise<Recording> {
  try {
    const dialect = await dialectOf(file);
    const { gzipped, encoding, delimiter, firstLine } = dialect;
    const builder = new RecordingBuilder(basename(file), dialect, mapping);
    const csv = parse({
      bom: true,
      comment: '#',
      comment_no_infix: true,
      delimiter,
      encoding,
      from_line: firstLine,
      info: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
    });
    const flow = gzipped
      ? pipeline(createReadStream(file), createGunzip(), csv)
      : pipeline(createReadStream(file), csv);
    // Whatever breaks the flow ends the rows below with the same error; an early end of theirs breaks the flow.
    flow.catch(() => {});
    for await (const row of csv) {
      // csv-parse leaves what its stream yields untyped; the options above fix its shape.
      if (!isRow(row)) throw new Error('csv-parse yielded a row without line information');
      builder.add(row.info.lines, row.record);
    }
    return builder.build(await readProvenance(file));
  } catch (error) {
    throw explain(file, error);
  }
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
  if (error instanceof NoTable) return new BadRecording(`${title}: ${error.message}`);
  if (error instanceof CsvError) {
    const { lines } = error;
    const line = typeof lines === 'number' ? lines : '?';
    return new BadRecording(
      `${title}, line ${line}: not readable as CSV (${error.message}); a quote opens a cell or is written twice`,
    );
  }
  const code = errorCode(error);
  if (code === 'ENOENT') return new BadRecording(`${file}: no such file`);
  if (code === 'EISDIR') return new BadRecording(`${file} is a folder, not a CSV file`);
  if (code === 'EACCES') return new BadRecording(`${file} may not be read`);
  return code?.startsWith('Z_')
    ? new BadRecording(`${title}: not a complete gzip file (${code}); fetch it again`)
    : error;
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

/** Collects parsed rows; knows the columns once the first row has come. */
class RecordingBuilder {
  private columns: Columns | undefined;
  private readonly places = new Map<string, PlaceBuilder>();
  private readonly originalIds = new Map<string, string>();
  private readonly cells: CellReader;
  private rows = 0;

  constructor(
    private readonly title: string,
    private readonly dialect: Dialect,
    private readonly mapping: string | undefined,
  ) {
    this.cells = new CellReader(dialect.delimiter !== ',');
  }

  add(line: number, row: readonly string[]): void {
    const cells = row.map((cell) => cell.trim());
    if (this.columns === undefined) {
      this.columns = this.readColumns(line, cells);
      if (this.columns.hasHeader) return;
    }
    const { location, time: timeAt, zone, recorded, width } = this.columns;
    // A delimiter too many at a line's end adds nothing.
    if (cells.length < width || cells.slice(width).some((cell) => cell !== '')) {
      const advice = `a value with ${nameOf(this.dialect.delimiter)} in it needs quotes around it`;
      throw this.bad(line, undefined, `${cells.length} cells where the header has ${width}; ${advice}`);
    }
    const text =
      location === undefined ? this.title.replace(/\.[a-z]+(\.gz)?$/i, '') : (cells[location] ?? '');
    const id = this.locationId(line, text);
    const observedAt = `${timeAt.map((position) => cells[position] ?? '').join(' ')}${zone}`;
    const time = parseInstant(observedAt);
    if (time === undefined) {
      const reason = `"${observedAt}" is not a time such as 2013-01-01T06:00:00Z (ISO 8601 with a zone)`;
      throw this.bad(line, 'observed_at', `${reason}; ${adviceOn(observedAt)}`);
    }
    let place = this.places.get(id);
    if (place === undefined) {
      place = new PlaceBuilder(recorded.map(({ name }) => name));
      this.places.set(id, place);
    }
    place.add(
      line,
      time,
      recorded.map(({ name, position }) => this.number(line, name, cells[position] ?? '')),
    );
    this.rows += 1;
  }

  build({ stateAt, locations: provenance }: Provenance): Recording {
    if (this.columns === undefined) throw new BadRecording(`${this.title}: the file is empty`);
    if (this.rows === 0) throw new BadRecording(`${this.title}: no rows after the header`);
    const { doubtful } = this.cells;
    if (doubtful !== undefined) {
      const { line, column, text } = doubtful;
      const reason = `"${text}" may have a decimal point or part thousands, since other values have decimal commas`;
      throw this.bad(line, column, `${reason}; write all numbers alike`);
    }
    const series = new Map<string, Series>();
    for (const [id, place] of [...this.places].sort(([a], [b]) => (a < b ? -1 : 1))) {
      series.set(
        id,
        place.build(stateAt, (line, first) => {
          const reason = `second reading of "${id}" at that time (the first is on line ${first}); keep one of them`;
          throw this.bad(line, 'observed_at', reason);
        }),
      );
    }
    const known = new Map(provenance.map((location) => [location.id, location]));
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
      rows: this.rows,
      notes: [
        ...(this.dialect.delimiter === ',' ? [] : [`${nameOf(this.dialect.delimiter)} part the cells`]),
        ...(this.dialect.encoding === 'latin1' ? ['its text is read as Latin-1, since it is no UTF-8'] : []),
        ...(this.columns.location === undefined
          ? [`there is no location_id, so that all rows are of one place, ${locations[0]?.id}`]
          : []),
        ...this.cells.notes(),
      ],
      from: Math.floor(Math.min(...all.map(({ first }) => first)) / HOUR) * HOUR,
      to: (Math.floor(Math.max(...all.map(({ last }) => last)) / HOUR) + 1) * HOUR,
    };
  }

  private readColumns(line: number, firstLine: readonly string[]): Columns {
    try {
      return columnsOf(firstLine, this.mapping === undefined ? undefined : parseMapping(this.mapping));
    } catch (error) {
      throw error instanceof BadColumns ? this.bad(line, error.column, error.message) : error;
    }
  }

  private locationId(line: number, text: string): string {
    const id = text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    if (id === '' || id.length > 64) {
      throw this.bad(line, 'location_id', `"${text}" can't be made an id of letters, digits and hyphens`);
    }
    const other = this.originalIds.get(id);
    if (other === undefined) this.originalIds.set(id, text);
    else if (other !== text) {
      const reason = `"${text}" and "${other}" both become the id "${id}"; rename one of them`;
      throw this.bad(line, 'location_id', reason);
    }
    return id;
  }

  private number(line: number, column: RecordedColumn, text: string): number {
    const value = this.cells.number(line, column, text);
    if (value !== undefined) return value;
    throw this.bad(line, column, `"${text}" is not a number; ${this.adviceOnNumber(text)}`);
  }

  private adviceOnNumber(text: string): string {
    if (this.dialect.delimiter === ',' && /^[+-]?\d*,\d+$/.test(text)) {
      return 'decimal commas are read where semicolons or tabs part the cells';
    }
    if (/^[+-]?\d{1,3}([.,' ]\d{3})+([.,]\d+)?$/.test(text))
      return 'write it without marks between thousands';
    if (/^[+-<>]?\s?[\d.,]+/.test(text)) return 'write the number alone, without unit or mark';
    return 'leave the cell empty where there is no value';
  }

  private bad(line: number, column: string | undefined, reason: string): BadRecording {
    const where = column === undefined ? '' : `, column ${column}`;
    return new BadRecording(`${this.title}, line ${line}${where}: ${reason}`);
  }
}
