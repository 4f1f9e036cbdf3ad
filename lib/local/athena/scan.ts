import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import * as z from 'zod';
import type { ObjectFile, ObjectStore } from '../s3/object-store';
import type { CatalogueTable } from './catalogue';
import { LinesUnreadable, readJsonLines } from './json-lines';
import { quote } from './planner';
import { QueryFailure } from './query-failure';
import { duckDbType, readsParquet } from './types';

const parquetColumn = z.tuple([z.string(), z.string(), z.string()]);

/** Footers that are remembered; staging files come and go under new names. */
const MAXIMUM_SCHEMAS = 20_000;

/** Name and physical type of each column of one Parquet file. */
type ParquetSchema = ReadonlyMap<string, string>;

/** Files of the objects under a location. Athena passes over names and folders that begin with `_` or `.`. */
export function filesAt(store: ObjectStore, location: string): TableFile[] {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(location) ?? [];
  return store.hasBucket(bucket)
    ? store
        .files(bucket, prefix)
        .filter(({ key, size }) => size > 0 && !/(^|\/)[_.]/.test(key.slice(prefix.length)))
        .map((file) => ({ ...file, bucket }))
    : [];
}

export interface TableFile extends ObjectFile {
  readonly bucket: string;
}

/** Names of the columns that a query may read; undefined stands for all. */
export type ColumnsRead = ReadonlySet<string> | undefined;

/** Turns a table and its files into the SELECT that reads them, columns as declared. */
export class TableScans {
  private readonly lines = new Map<
    string,
    { readonly version: string; readonly unreadable: ReadonlySet<string> }
  >();
  private readonly schemas = new Map<string, { readonly version: string; readonly columns: ParquetSchema }>();

  /** @param directory takes the lines of JSON objects as DuckDB reads them */
  constructor(private readonly directory: string) {}

  /** @throws QueryFailure for formats that are not served, and for values and columns that Athena can't read. */
  async select(
    connection: DuckDBConnection,
    table: CatalogueTable,
    files: readonly TableFile[],
    read: ColumnsRead,
  ): Promise<string> {
    const { glue } = table;
    if (files.length === 0) {
      const columns = [...glue.columns, ...glue.partitionKeys].map(nullColumn);
      return `SELECT ${columns.join(', ')} WHERE false`;
    }
    const isJson = /json/i.test(glue.serde ?? '');
    const paths = `[${files
      .map((file) => sqlText(isJson ? this.readableLines(table, file, read) : file.path))
      .join(', ')}]`;
    const keys = glue.partitionKeys.map(({ name, type }) => `${quote(name)}: ${duckDbType(type)}`);
    const hive =
      keys.length === 0
        ? 'hive_partitioning = false'
        : `hive_partitioning = true, hive_types = {${keys.join(', ')}}`;
    const keyColumns = glue.partitionKeys.map(({ name }) => quote(name));
    if (isJson) {
      const columns = glue.columns.map(({ name, type }) => `${quote(name)}: '${duckDbType(type)}'`);
      const names = [...glue.columns.map(({ name }) => quote(name)), ...keyColumns];
      return `SELECT ${names.join(', ')} FROM read_json(${paths}, format = 'newline_delimited', records = 'true', columns = {${columns.join(', ')}}, ${hive})`;
    }
    if (!/parquet/i.test(glue.serde ?? '')) {
      throw new QueryFailure('NOT_SUPPORTED', `Table ${glue.name} is in a format that is not served here.`);
    }
    const schemas = await this.parquetSchemas(connection, files);
    const present = new Set(schemas.flatMap((schema) => [...schema.keys()]));
    const alike = schemas.every((schema) => sameSchema(schema, schemas[0]));
    schemas.forEach((schema, index) => {
      requireReadable(glue.columns, schema, files[index]?.path ?? '');
    });
    const columns = glue.columns.map((column) =>
      present.has(column.name)
        ? `CAST(${quote(column.name)} AS ${duckDbType(column.type)}) AS ${quote(column.name)}`
        : nullColumn(column),
    );
    return `SELECT ${[...columns, ...keyColumns].join(', ')} FROM read_parquet(${paths}, union_by_name = ${!alike}, ${hive})`;
  }

  /**
   * Where the lines of an object stand as DuckDB reads them; written once for each version of an object.
   * @throws QueryFailure when Athena can't read them, or a value of a column that is read.
   */
  private readableLines({ database, glue }: CatalogueTable, file: TableFile, read: ColumnsRead): string {
    const path = `${join(this.directory, `${database}.${glue.name}`, file.key)}.lines`;
    let known = this.lines.get(path);
    const address = `s3://${file.bucket}/${file.key}`;
    if (known?.version !== file.version) {
      try {
        const { text, unreadable } = readJsonLines(file.key, readFileSync(file.path), glue.columns);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
        known = { version: file.version, unreadable };
        this.lines.set(path, known);
      } catch (error) {
        throw readFailure(error, address, file.size);
      }
    }
    if ([...known.unreadable].some((column) => read?.has(column.toLowerCase()) ?? true)) {
      throw notReadable(address);
    }
    return path;
  }

  /** Schemas of the files in order; a footer is read once for each version of a file. */
  private async parquetSchemas(
    connection: DuckDBConnection,
    files: readonly ObjectFile[],
  ): Promise<ParquetSchema[]> {
    if (this.schemas.size > MAXIMUM_SCHEMAS) {
      this.schemas.clear();
    }
    const unknown = files.filter(({ path, version }) => this.schemas.get(path)?.version !== version);
    if (unknown.length > 0) {
      const reader = await connection.runAndReadAll(
        `SELECT file_name, name, type FROM parquet_schema([${unknown.map(({ path }) => sqlText(path)).join(', ')}]) WHERE type IS NOT NULL`,
      );
      const found = new Map<string, Map<string, string>>();
      for (const row of reader.getRowsJson()) {
        const [path, name, type] = parquetColumn.parse(row);
        const columns = found.get(path) ?? new Map<string, string>();
        columns.set(name.toLowerCase(), type);
        found.set(path, columns);
      }
      for (const { path, version } of unknown) {
        this.schemas.set(path, { version, columns: found.get(path) ?? new Map() });
      }
    }
    return files.map(({ path }) => this.schemas.get(path)?.columns ?? new Map());
  }
}

function readFailure(error: unknown, address: string, size: number): unknown {
  const split = (reason: string, options = {}) =>
    new QueryFailure(
      'HIVE_CANNOT_OPEN_SPLIT',
      `Error opening Hive split ${address} (offset=0, length=${size}): ${reason}`,
      options,
    );
  if (error instanceof LinesUnreadable) {
    return error.reason === undefined ? notReadable(address) : split(error.reason);
  }
  // Deleted since the objects were listed: another try finds what took its place.
  return z.object({ code: z.literal('ENOENT') }).safeParse(error).success
    ? split('NoSuchKey', { category: 'system', retryable: true })
    : error;
}

function notReadable(address: string): QueryFailure {
  return new QueryFailure('HIVE_CURSOR_ERROR', `Failed to read file at ${address}`);
}

function requireReadable(
  columns: readonly { readonly name: string; readonly type: string }[],
  schema: ParquetSchema,
  path: string,
): void {
  for (const { name, type } of columns) {
    const physical = schema.get(name.toLowerCase());
    if (physical !== undefined && !readsParquet(type, physical)) {
      throw new QueryFailure(
        'HIVE_BAD_DATA',
        `Field ${name}'s type ${physical} in parquet file ${path} is incompatible with type ${type} defined in table schema`,
      );
    }
  }
}

function sameSchema(a: ParquetSchema, b: ParquetSchema | undefined): boolean {
  return b !== undefined && a.size === b.size && [...a].every(([name, type]) => b.get(name) === type);
}

function nullColumn({ name, type }: { readonly name: string; readonly type: string }): string {
  return `CAST(NULL AS ${duckDbType(type)}) AS ${quote(name)}`;
}

function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
