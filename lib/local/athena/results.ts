import { closeSync, openSync, readSync } from 'node:fs';
import type { ObjectStore } from '../s3/object-store';
import { type PreparedQuery, type ResultColumn, s3Address } from './query';
import { athenaType } from './types';
import { printValue } from './values';

/** Cells of a row; undefined is null. */
export type ResultRow = readonly (string | undefined)[];

export interface ResultPage {
  readonly rows: readonly ResultRow[];
  /** Byte at which the next page begins; absent after the last row. */
  readonly next?: number;
}

/**
 * Runs the query and writes its rows as the CSV that Athena leaves in the query-results bucket: a header, every
 * value in quotes, nothing at all for null.
 */
export async function writeResult(
  store: ObjectStore,
  { connection, sql }: PreparedQuery,
  location: string,
): Promise<readonly ResultColumn[]> {
  const result = await connection.stream(sql);
  const types = result.columnTypes();
  const columns = result.columnNames().map((name, index) => {
    const type = types[index];
    return { name, type: type === undefined ? 'varchar' : athenaType(type) };
  });
  const lines = [csvLine(columns.map(({ name }) => name))];
  for await (const rows of result.yieldRows()) {
    for (const row of rows) {
      lines.push(
        csvLine(
          row.map((value, index) => {
            const type = types[index];
            return type === undefined ? undefined : printValue(value, type);
          }),
        ),
      );
    }
  }
  const { bucket, key } = s3Address(location);
  store.put(bucket, key, lines.join(''), { headers: { 'content-type': 'application/octet-stream' } });
  return columns;
}

/** Reads rows from a byte of the CSV on: what GetQueryResults pages through. */
export function readResult(path: string, from: number, limit: number): ResultPage {
  const file = openSync(path, 'r');
  try {
    let size = 256 * 1024;
    for (;;) {
      const buffer = Buffer.alloc(size);
      const length = readSync(file, buffer, 0, size, from);
      const page = parseCsv(buffer.subarray(0, length), limit);
      const atEnd = length < size;
      if (page.rows.length === limit || atEnd) {
        const next = from + page.end;
        return atEnd && page.end === length ? { rows: page.rows } : { rows: page.rows, next };
      }
      size *= 4;
    }
  } finally {
    closeSync(file);
  }
}

function csvLine(cells: ResultRow): string {
  return `${cells.map((cell) => (cell === undefined ? '' : `"${cell.replaceAll('"', '""')}"`)).join(',')}\n`;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const NEWLINE = 0x0a;

/** Complete lines only; `end` is the byte after the last one taken. */
function parseCsv(bytes: Buffer, limit: number): { rows: ResultRow[]; end: number } {
  const rows: ResultRow[] = [];
  let end = 0;
  let row: (string | undefined)[] = [];
  let at = 0;
  while (at < bytes.length && rows.length < limit) {
    let cell: string | undefined;
    if (bytes[at] === QUOTE) {
      const close = closingQuote(bytes, at + 1);
      if (close < 0) {
        break;
      }
      cell = bytes.toString('utf8', at + 1, close).replaceAll('""', '"');
      at = close + 1;
    }
    row.push(cell);
    if (bytes[at] === COMMA) {
      at += 1;
    } else if (bytes[at] === NEWLINE) {
      at += 1;
      rows.push(row);
      row = [];
      end = at;
    } else {
      break;
    }
  }
  return { rows, end };
}

function closingQuote(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(QUOTE, start); at >= 0; at = bytes.indexOf(QUOTE, at + 2)) {
    if (bytes[at + 1] !== QUOTE) {
      return at;
    }
  }
  return -1;
}
