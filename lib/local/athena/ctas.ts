import { randomUUID } from 'node:crypto';
import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import * as z from 'zod';
import type { RegisteredPartition } from './catalogue';
import { quote } from './planner';
import {
  type EngineContext,
  type ExecutionOutcome,
  type ExecutionProgress,
  type ExecutionRequest,
  type PreparedQuery,
  requireNames,
  resultLocation,
  s3Address,
  withQuery,
} from './query';
import { QueryFailure } from './query-failure';
import type { PropertyValue, Statement } from './statement';
import { hiveType, isBucketed } from './types';

type CreateTableAs = Extract<Statement, { kind: 'createTableAs' }>;

/** Athena writes at most this many partitions (times buckets) at once. */
const MAXIMUM_WRITERS = 100;

const PARQUET_SERDE = 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe';
const COMPRESSIONS = ['NONE', 'SNAPPY', 'GZIP', 'ZSTD', 'LZ4'];

const propertiesSchema = z.strictObject({
  format: z.string().default('PARQUET'),
  write_compression: z.string().optional(),
  parquet_compression: z.string().optional(),
  partitioned_by: z.array(z.string()).default([]),
  bucketed_by: z.array(z.string()).default([]),
  bucket_count: z.int().min(1).optional(),
});
type Properties = z.infer<typeof propertiesSchema>;

interface TableColumn {
  readonly name: string;
  readonly type: DuckDBType;
  /** Of a timestamp: decimals of its seconds, when the query's text tells. */
  readonly precision: number | undefined;
}

/** Rows that go to one file. */
interface Group {
  readonly values: readonly string[];
  readonly bucket: number | undefined;
}

/**
 * `CREATE TABLE … WITH (…) AS SELECT`: Parquet files under `tables/<query id>/` of the workgroup's location, one a
 * partition and bucket, rows in the query's order; a manifest of them beside; the table in the catalogue. Without
 * rows there is no file.
 * @throws QueryFailure for what Athena refuses; files written by then stay, as they do in Athena.
 */
export async function createTableAs(
  context: EngineContext,
  request: ExecutionRequest,
  statement: CreateTableAs,
  progress: ExecutionProgress,
): Promise<ExecutionOutcome> {
  const { catalogue, store } = context;
  const database = statement.name.database ?? request.database;
  const { table } = statement.name;
  if (catalogue.find(statement.name, request.database) !== undefined) {
    if (statement.ifNotExists) {
      return { columns: [] };
    }
    throw new QueryFailure(
      'TABLE_ALREADY_EXISTS',
      `line 1:1: Destination table 'awsdatacatalog.${database}.${table}' already exists`,
    );
  }
  const properties = parseProperties(statement.properties);
  request.behalf.createsTable({ database, table }, properties.partitioned_by.length > 0);
  const location = `${resultLocation(request)}/`;
  const manifestLocation = `${resultLocation(request)}-manifest.csv`;
  return withQuery(context, request, statement.query, progress, async (prepared) => {
    requireNames(prepared);
    const columns = await materialize(prepared, statement.withData);
    requireColumns(columns, properties);
    const data = columns.slice(0, columns.length - properties.partitioned_by.length);
    const groups = await groupsOf(prepared.connection, columns, properties);
    const prefix = `${queryStamp(context.now())}_`;
    const files = groups.map((group) => ({
      group,
      location: `${location}${partitionPath(properties.partitioned_by, group.values)}${prefix}${
        group.bucket === undefined ? randomUUID() : `bucket-${String(group.bucket).padStart(5, '0')}`
      }`,
    }));
    const manifest = s3Address(manifestLocation);
    request.behalf.writesObject(manifest.bucket, manifest.key);
    store.put(manifest.bucket, manifest.key, files.map((file) => `${file.location}\n`).join(''));
    if (groups.length > MAXIMUM_WRITERS) {
      throw new QueryFailure(
        'HIVE_TOO_MANY_OPEN_PARTITIONS',
        `Exceeded limit of ${MAXIMUM_WRITERS} open writers for partitions/buckets`,
      );
    }
    for (const file of files) {
      const staged = store.stagingPath();
      await prepared.connection.run(copyStatement(data, properties, file.group, staged));
      const { bucket, key } = s3Address(file.location);
      request.behalf.writesObject(bucket, key);
      store.adopt(bucket, key, staged);
    }
    catalogue.addTable(table, {
      database,
      partitions: partitionsOf(groups, location, properties.partitioned_by),
      glue: {
        name: table,
        type: 'EXTERNAL_TABLE',
        columns: data.map(glueColumn),
        partitionKeys: columns.slice(data.length).map(glueColumn),
        location,
        serde: PARQUET_SERDE,
        parameters: {},
      },
    });
    return { columns: [], manifestLocation };
  });
}

function parseProperties(given: ReadonlyMap<string, PropertyValue>): Properties {
  const parsed = propertiesSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0];
    throw new QueryFailure(
      'INVALID_TABLE_PROPERTY',
      issue?.code === 'unrecognized_keys'
        ? `line 1:1: Catalog 'awsdatacatalog' table property '${String(name)}' does not exist`
        : `line 1:1: Invalid value for catalog 'awsdatacatalog' table property '${String(name)}': ${issue?.message}`,
    );
  }
  const properties = parsed.data;
  if (properties.format.toUpperCase() !== 'PARQUET') {
    throw new QueryFailure('NOT_SUPPORTED', `Tables are written as PARQUET here, not ${properties.format}.`);
  }
  if (!COMPRESSIONS.includes(compressionOf(properties))) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', `Unknown compression ${compressionOf(properties)}`);
  }
  if (properties.bucketed_by.length > 0 !== (properties.bucket_count !== undefined)) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', 'bucketed_by and bucket_count must appear together');
  }
  return properties;
}

function compressionOf({ write_compression, parquet_compression }: Properties): string {
  return (write_compression ?? parquet_compression ?? 'GZIP').toUpperCase();
}

/** The query's rows, kept in its order. */
async function materialize(prepared: PreparedQuery, withData: boolean): Promise<readonly TableColumn[]> {
  const { connection, sql } = prepared;
  // Asked before the table is made, which would give columns of one name different ones.
  const query = await connection.prepare(sql);
  const names = Array.from({ length: query.columnCount }, (_, index) =>
    query.columnName(index).toLowerCase(),
  );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new QueryFailure(
      'DUPLICATE_COLUMN_NAME',
      `line 1:1: Column name '${twice}' specified more than once`,
    );
  }
  await connection.run(`CREATE TEMP TABLE ctas AS ${sql}${withData ? '' : ' LIMIT 0'}`);
  return names.map((name, index) => ({
    name,
    type: query.columnType(index),
    precision: prepared.columns?.[index]?.precision,
  }));
}

function requireColumns(columns: readonly TableColumn[], properties: Properties): void {
  const names = columns.map(({ name }) => name);
  for (const { name, type, precision } of columns) {
    if (hiveType(type) === undefined) {
      throw new QueryFailure('NOT_SUPPORTED', `Unsupported Hive type: ${type} (column ${name})`);
    }
    if (hiveType(type) === 'timestamp') {
      requireMilliseconds(name, precision);
    }
  }
  const keys = properties.partitioned_by.map((key) => key.toLowerCase());
  const missing = keys.find((key) => !names.includes(key));
  if (missing !== undefined) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', `Partition columns [${missing}] not present in schema`);
  }
  if (keys.length === names.length) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', 'Table contains only partition columns');
  }
  if (keys.some((key, index) => names[names.length - keys.length + index] !== key)) {
    throw new QueryFailure(
      'HIVE_COLUMN_ORDER_MISMATCH',
      `Partition keys must be the last columns in the table and in the same order as the table properties: [${keys.join(', ')}]`,
    );
  }
  const data = names.slice(0, names.length - keys.length);
  const unknown = properties.bucketed_by.find((name) => !data.includes(name.toLowerCase()));
  if (unknown !== undefined) {
    throw new QueryFailure('INVALID_TABLE_PROPERTY', `Bucketing columns [${unknown}] not present in schema`);
  }
  const buckets = properties.bucketed_by.map((name) => name.toLowerCase());
  if (columns.some(({ name, type }) => buckets.includes(name) && !isBucketed(type))) {
    throw new QueryFailure('NOT_SUPPORTED', 'Cannot create a table bucketed on an unsupported type');
  }
}

/** Hive's timestamps are written with three decimals; the connector converts none by itself. */
function requireMilliseconds(name: string, precision: number | undefined): void {
  if (precision === undefined) {
    throw new QueryFailure(
      'NOT_SUPPORTED',
      `The precision of the timestamps in column ${name} can't be told here: cast it to timestamp(3).`,
    );
  }
  if (precision !== 3) {
    throw new QueryFailure(
      'NOT_SUPPORTED',
      `Incorrect timestamp precision for timestamp(${precision}); the configured precision is MILLISECONDS; column name: ${name}`,
    );
  }
}

const groupRow = z.array(z.union([z.string(), z.number(), z.null()]));

/** Partitions and buckets that have rows, in order; a table without rows has none. */
async function groupsOf(
  connection: DuckDBConnection,
  columns: readonly TableColumn[],
  properties: Properties,
): Promise<readonly Group[]> {
  const keys = columns.slice(columns.length - properties.partitioned_by.length);
  const values = keys.map(({ name }) => `CAST(${quote(name)} AS VARCHAR)`);
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT ${[...values, bucketExpression(properties)].join(', ')} FROM ctas ORDER BY ALL`,
  );
  return reader.getRowsJson().map((row) => {
    const cells = groupRow.parse(row);
    return {
      values: cells.slice(0, -1).map(partitionValue),
      bucket: properties.bucket_count === undefined ? undefined : Number(cells.at(-1)),
    };
  });
}

/** Rows that are alike in the bucketing columns share a bucket; which one it is differs from Hive's hash. */
function bucketExpression({ bucketed_by, bucket_count }: Properties): string {
  return bucket_count === undefined || bucket_count === 1
    ? 'CAST(0 AS INTEGER)'
    : `CAST(hash(${bucketed_by.map(quote).join(', ')}) % ${bucket_count} AS INTEGER)`;
}

function partitionValue(value: string | number | null): string {
  if (value === null) {
    return '__HIVE_DEFAULT_PARTITION__';
  }
  if (!/^[\w.+ -]+$/.test(String(value))) {
    throw new QueryFailure(
      'NOT_SUPPORTED',
      `The partition value ${JSON.stringify(value)} is not served here.`,
    );
  }
  return String(value);
}

function partitionPath(keys: readonly string[], values: readonly string[]): string {
  return keys.map((key, index) => `${key.toLowerCase()}=${values[index]}/`).join('');
}

function copyStatement(
  data: readonly TableColumn[],
  properties: Properties,
  group: Group,
  path: string,
): string {
  const columns = data.map(({ name, type }) =>
    // Sums of integers are 128 bits wide in DuckDB, which Parquet would take as doubles.
    hiveType(type) === 'bigint' ? `CAST(${quote(name)} AS BIGINT) AS ${quote(name)}` : quote(name),
  );
  const conditions = properties.partitioned_by.map((key, index) => {
    const value = group.values[index] ?? '';
    return value === '__HIVE_DEFAULT_PARTITION__'
      ? `${quote(key)} IS NULL`
      : `CAST(${quote(key)} AS VARCHAR) = '${value}'`;
  });
  if (group.bucket !== undefined) {
    conditions.push(`${bucketExpression(properties)} = ${group.bucket}`);
  }
  const compression = compressionOf(properties) === 'NONE' ? 'UNCOMPRESSED' : compressionOf(properties);
  return `COPY (SELECT ${columns.join(', ')} FROM ctas WHERE ${['true', ...conditions].join(' AND ')}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION ${compression})`;
}

function partitionsOf(
  groups: readonly Group[],
  location: string,
  keys: readonly string[],
): readonly RegisteredPartition[] {
  const byPath = new Map(groups.map(({ values }) => [partitionPath(keys, values), values]));
  return keys.length === 0
    ? []
    : [...byPath].map(([path, values]) => ({ values, location: `${location}${path}` }));
}

function glueColumn({ name, type }: TableColumn): { readonly name: string; readonly type: string } {
  return { name, type: hiveType(type) ?? 'string' };
}

/** `20261123_100500_00000_local`: begins like the names that Athena gives to files. */
function queryStamp(now: Date): string {
  return `${now
    .toISOString()
    .replace(/\D/g, '')
    .replace(/^(\d{8})(\d{6}).*$/, '$1_$2')}_00000_local`;
}
