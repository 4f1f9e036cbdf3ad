import { gunzipSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod';

/** A declared column, by its type in Hive. */
export interface LineColumn {
  readonly name: string;
  readonly type: string;
}

/** The lines of an object, each as a JSON object that holds the declared columns under their own types. */
export interface ReadLines {
  readonly text: string;
  /** Columns with a value that their type can't hold: a query that reads one of them fails. */
  readonly unreadable: ReadonlySet<string>;
}

/** The object can't be read; `reason` is Java's message when it could not be unpacked. */
export class LinesUnreadable extends Error {
  constructor(readonly reason?: string) {
    super(reason ?? 'A line is no JSON object.');
  }
}

/**
 * Reads JSON lines as Trino's reader for Hive's JSON SerDe does: the last value of a key counts, whatever its case;
 * `_col2` names the third column; text behind an object is passed over; a number is text to a text column and
 * loses its fraction in an integer one; and nothing else becomes another type.
 * @param name of the object; its end tells whether it is compressed
 * @throws LinesUnreadable when no column can be read.
 */
export function readJsonLines(name: string, content: Buffer, columns: readonly LineColumn[]): ReadLines {
  const lines = decoded(name.endsWith('.gz') ? unpacked(content) : content).split(/\r\n|\n|\r/);
  if (lines.at(-1) === '') {
    lines.pop();
  }
  const readers: ColumnReaders = new Map(
    columns.map((column) => [
      column.name.toLowerCase(),
      { name: column.name, reader: readerOf(column.type) },
    ]),
  );
  const unreadable = new Set<string>();
  const text = lines.map((line) => `{${ordinaryRow(line, readers) ?? anyRow(line, readers, unreadable)}}\n`);
  return { text: text.join(''), unreadable };
}

type ColumnReaders = ReadonlyMap<string, { readonly name: string; readonly reader: Reader }>;

/** How values of a type are written, as JSON that DuckDB reads the same value from. */
interface Reader {
  /** Of a plain value of the type; undefined sends the whole line to the slower reader. */
  readonly ordinary: (value: unknown) => string | undefined;
  /** Of any scalar; undefined for one that the type can't take. */
  readonly any: (scalar: Scalar) => string | undefined;
}

/** A string, or a number or truth value as it is written. */
interface Scalar {
  readonly text: string;
  readonly isString: boolean;
}

/** The row of a line that a JSON parser alone reads right; undefined for any other. */
function ordinaryRow(line: string, readers: ColumnReaders): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return undefined;
  }
  let row = '';
  for (const [key, value] of Object.entries(parsed)) {
    const column = readers.get(key);
    if (column === undefined) {
      if (key.startsWith('_col') || key !== key.toLowerCase()) {
        return undefined;
      }
    } else if (value !== null) {
      const written = column.reader.ordinary(value);
      if (written === undefined) {
        return undefined;
      }
      row += `${row === '' ? '' : ','}"${column.name}":${written}`;
    }
  }
  return row;
}

/** @param unreadable takes the columns whose value is of no use */
function anyRow(line: string, readers: ColumnReaders, unreadable: Set<string>): string {
  const byPosition = [...readers.values()];
  const values = new Map<string, { readonly reader: Reader; readonly json: string }>();
  for (const [key, json] of members(objectIn(line))) {
    const position = /^_col(\d+)$/.exec(key)?.[1];
    const column =
      readers.get(key.toLowerCase()) ?? (position === undefined ? undefined : byPosition[Number(position)]);
    if (column !== undefined) {
      values.set(column.name, { reader: column.reader, json });
    } else if (position !== undefined) {
      throw new LinesUnreadable();
    }
  }
  const written: string[] = [];
  for (const [name, { reader, json }] of values) {
    if (json === 'null') {
      continue;
    }
    const scalar = scalarOf(json);
    const value = scalar === undefined ? undefined : reader.any(scalar);
    if (value === undefined) {
      unreadable.add(name);
    } else {
      written.push(`"${name}":${value}`);
    }
  }
  return written.join(',');
}

function scalarOf(json: string): Scalar | undefined {
  if (json.startsWith('{') || json.startsWith('[')) {
    return undefined;
  }
  const isString = json.startsWith('"');
  return { text: isString ? String(JSON.parse(json)) : json, isString };
}

/** The object that a line begins with. @throws LinesUnreadable when it is none. */
function objectIn(line: string): string {
  const start = line.search(/[^ \t]/);
  const text = line[start] === '{' ? line.slice(start, nestedEnd(line, start)) : '';
  try {
    JSON.parse(text);
  } catch {
    throw new LinesUnreadable();
  }
  return text;
}

/** Keys and values of an object in the order of its text, values as they are written. The text is valid JSON. */
function* members(object: string): Generator<readonly [key: string, json: string]> {
  const skip = /[\s,:]*/y;
  const literal = /[^\s,}]+/y;
  const after = (pattern: RegExp, at: number): number => {
    pattern.lastIndex = at;
    pattern.test(object);
    return pattern.lastIndex;
  };
  for (let at = after(skip, 1); object[at] === '"'; at = after(skip, at)) {
    const keyEnd = stringEnd(object, at);
    const start = after(skip, keyEnd);
    const first = object[start];
    const end =
      first === '"'
        ? stringEnd(object, start)
        : first === '{' || first === '['
          ? nestedEnd(object, start)
          : after(literal, start);
    yield [String(JSON.parse(object.slice(at, keyEnd))), object.slice(start, end)];
    at = end;
  }
}

/** Where the string that begins at `start` ends. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    at += text[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}

/** Where the object or array that begins at `start` ends; the text's end when it does not. */
function nestedEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    at += 1;
    if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) {
        return at;
      }
    }
  }
  return text.length;
}

const TEXT: Reader = {
  ordinary: (value) => (typeof value === 'string' ? written(value) : undefined),
  any: ({ text }) => written(text),
};

const DOUBLE: Reader = {
  ordinary: (value) =>
    typeof value === 'number' && value !== 0 && Number.isFinite(value)
      ? String(value)
      : Object.is(value, 0)
        ? '0'
        : undefined,
  any: ({ text, isString }) => {
    if (isString || !isNumber(text)) {
      return undefined;
    }
    // `-0` is an integer, which has no sign when it is zero.
    const value = Number(text) === 0 && !/[.eE]/.test(text) ? 0 : Number(text);
    return Number.isFinite(value) ? (Object.is(value, -0) ? '-0.0' : String(value)) : `"${value}"`;
  },
};

const BOOLEAN: Reader = {
  ordinary: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  any: ({ text }) => String(text.toLowerCase() === 'true'),
};

const TIMESTAMP: Reader = {
  ordinary: () => undefined,
  any: ({ text }) => {
    const fields = /^(\d+)-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,9})?$/.exec(
      text.trim(),
    );
    if (fields === null) {
      return undefined;
    }
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.slice(1, 7).map(Number);
    const millisecond = Math.round(Number(fields[7] ?? 0) * 1_000);
    // Fields that are too large run over into the next one, as in Java's lenient parser.
    const instant = new Date(Date.UTC(year, month - 1, day, hour, minute, second, millisecond));
    return JSON.stringify(instant.toISOString().replace('T', ' ').replace('Z', ''));
  },
};

function integer(bits: bigint): Reader {
  const limit = 2n ** (bits - 1n);
  const inRange = (value: bigint) => (value >= -limit && value < limit ? String(value) : undefined);
  return {
    ordinary: (value) => (Number.isSafeInteger(value) ? inRange(BigInt(Number(value))) : undefined),
    any: ({ text, isString }) => {
      if (isString || !isNumber(text)) {
        return undefined;
      }
      return inRange(/^-?\d+$/.test(text) ? BigInt(text) : BigInt(Math.trunc(Number(text))));
    },
  };
}

const READERS: Readonly<Record<string, Reader>> = {
  string: TEXT,
  varchar: TEXT,
  double: DOUBLE,
  boolean: BOOLEAN,
  timestamp: TIMESTAMP,
  tinyint: integer(8n),
  smallint: integer(16n),
  int: integer(32n),
  integer: integer(32n),
  bigint: integer(64n),
};

function readerOf(type: string): Reader {
  const reader = READERS[type.toLowerCase()];
  if (reader === undefined) {
    throw new LinesUnreadable(`Columns of type ${type} are not read from JSON here`);
  }
  return reader;
}

function isNumber(text: string): boolean {
  return text !== 'true' && text !== 'false';
}

/** Half a surrogate pair is a question mark to Java when it becomes bytes. */
function written(text: string): string {
  return JSON.stringify(text.replace(/\p{Surrogate}/gu, '?'));
}

function unpacked(content: Buffer): Buffer {
  try {
    return gunzipSync(content);
  } catch (error) {
    const end = membersEnd(content);
    if (end > 0 && end < content.length) {
      return unpacked(content.subarray(0, end));
    }
    const { message } = thrown.parse(error);
    throw new LinesUnreadable(GZIP_REASONS[message] ?? message);
  }
}

/** Where the leading gzip members of an object end. Java ignores bytes behind them that are no member. */
function membersEnd(content: Buffer): number {
  let end = 0;
  // The header as most programs write it: ten bytes, no name.
  while (content.subarray(end, end + 4).toString('hex') === '1f8b0800') {
    try {
      const { engine } = inflated.parse(inflateRawSync(content.subarray(end + 10), { info: true }));
      end += 10 + engine.bytesWritten + 8;
    } catch {
      return 0;
    }
  }
  return end;
}

const thrown = z.object({ message: z.string() });
const inflated = z.object({ engine: z.object({ bytesWritten: z.number() }) });

/** Java's message for each of zlib's. */
const GZIP_REASONS: Readonly<Record<string, string>> = {
  'unexpected end of file': 'Unexpected end of ZLIB input stream',
  'incorrect header check': 'Not in GZIP format',
  'incorrect data check': 'Corrupt GZIP trailer',
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A byte order mark at the beginning is left out. */
function decoded(content: Buffer): string {
  try {
    return utf8.decode(content);
  } catch {
    throw new LinesUnreadable();
  }
}
