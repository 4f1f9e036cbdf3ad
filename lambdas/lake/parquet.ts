import { type Compressors, parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import type * as z from 'zod';
import { utcSecond } from '../runtime/time';
import type { Column } from './layout';

/** Timestamps as `2026-11-23T10:00:00Z`, bigints as numbers: what a row looks like outside a file. */
export type Cell = string | number | boolean | null;

/** A Parquet file that can't be read, or holds what its reader did not declare. */
export class ParquetRefused extends Error {
  override readonly name = 'ParquetRefused';
}

/**
 * Writes rows as one Parquet file, columns in the table's order; equal rows give equal bytes.
 * @throws ParquetRefused for a column without a value (null is a value) or one of another type, NaN included.
 */
export function encodeParquet(
  columns: readonly Column[],
  rows: readonly Readonly<Record<string, Cell>>[],
): Uint8Array {
  const columnData = columns.map((column) => ({
    name: column.name,
    type: PARQUET_TYPES[column.type],
    data: rows.map((row, index) => stored(column, row[column.name], index)),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'garoa' }));
}

/**
 * Reads the named columns of a Parquet file (Snappy or uncompressed, as Athena and `encodeParquet` write them)
 * and parses each row. A column that the file does not have is null: it was written before there was one.
 * @param compressors for files in other codecs; the lake has none
 * @throws ParquetRefused naming row and column.
 */
export async function decodeParquet<T>(
  bytes: Uint8Array,
  columns: readonly string[],
  schema: z.ZodType<T>,
  compressors: Compressors = {},
): Promise<T[]> {
  const file = Uint8Array.from(bytes).buffer;
  const raw = await readObjects(file, columns, compressors).catch((error: unknown) => {
    throw new ParquetRefused(`No readable Parquet file: ${String(error)}`);
  });
  return raw.map((row, index) => {
    const cells = Object.fromEntries(columns.map((name) => [name, loaded(row[name])]));
    const parsed = schema.safeParse(cells);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new ParquetRefused(`Row ${index + 1}, ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    }
    return parsed.data;
  });
}

async function readObjects(file: ArrayBuffer, columns: readonly string[], compressors: Compressors) {
  const metadata = parquetMetadata(file);
  const there = new Set(parquetSchema(metadata).children.map(({ element }) => element.name));
  const named = columns.filter((name) => there.has(name));
  return parquetReadObjects({ file, metadata, columns: named, compressors });
}

const PARQUET_TYPES = {
  string: 'STRING',
  double: 'DOUBLE',
  int: 'INT32',
  bigint: 'INT64',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
} as const satisfies Record<Column['type'], ColumnSource['type']>;

function stored({ name, type }: Column, cell: Cell | undefined, index: number): unknown {
  if (cell === null) {
    return null;
  }
  switch (type) {
    case 'string':
      if (typeof cell === 'string') return cell;
      break;
    case 'boolean':
      if (typeof cell === 'boolean') return cell;
      break;
    case 'double':
      if (typeof cell === 'number' && Number.isFinite(cell)) return cell;
      break;
    case 'int':
      if (typeof cell === 'number' && Number.isSafeInteger(cell)) return cell;
      break;
    case 'bigint':
      if (typeof cell === 'number' && Number.isSafeInteger(cell)) return BigInt(cell);
      break;
    case 'timestamp':
      if (typeof cell === 'string' && !Number.isNaN(Date.parse(cell))) return new Date(cell);
      break;
  }
  throw new ParquetRefused(`Row ${index + 1}, ${name}: ${String(cell)} is no ${type}.`);
}

function loaded(value: unknown): unknown {
  if (value instanceof Date) return utcSecond(value);
  if (typeof value === 'bigint') return Number(value);
  return value ?? null;
}
