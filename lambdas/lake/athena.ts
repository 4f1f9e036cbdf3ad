import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type QueryExecution,
  type Row,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import type { S3Client } from '@aws-sdk/client-s3';
import type * as z from 'zod';
import type { ColumnType } from './layout';
import { getText } from './s3';
import { sqlIdentifier, sqlName, sqlString } from './sql/literals';

/** What a statement needs. One per invocation; `onFinished` is where the caller collects bytes and times. */
export interface AthenaAccess {
  readonly client: AthenaClient;
  /** Reads data manifests from the query-results bucket. */
  readonly s3: S3Client;
  readonly workgroup: string;
  readonly database: string;
  /** Milliseconds until the invocation is stopped, as the Lambda context tells them. */
  readonly remainingMs: () => number;
  readonly onFinished?: (query: FinishedQuery) => void;
  /** Waits; tests pass their own. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** A statement that succeeded. */
export interface FinishedQuery {
  readonly queryId: string;
  readonly bytesScanned: number;
  /** From submission to end, queueing included. */
  readonly milliseconds: number;
  /** `s3://` address of the list of files that a CTAS wrote; absent when it wrote none. */
  readonly manifest: string | undefined;
}

export interface S3Address {
  readonly bucket: string;
  readonly key: string;
}

/** A table that one CTAS made, in a place that no other query writes to. */
export interface StagedTable {
  readonly queryId: string;
  readonly table: string;
  readonly bytesScanned: number;
  /** What the query's data manifest lists, in order of key; empty when no row came out. */
  readonly files: readonly S3Address[];
  readonly manifest: S3Address | undefined;
}

/** The part of a CTAS that differs; format, compression and place are the same for all. */
export interface TableDefinition {
  /** Start of the table's name, such as `staging_hourly_20261123t1005`: a suffix unique to the attempt is added. */
  readonly namePrefix: string;
  /** The query, its partition columns last. */
  readonly select: string;
  readonly partitionedBy?: readonly string[];
  /** Rows of equal value in this column go to one file; with `buckets` 1, all rows of a partition do. */
  readonly bucketedBy?: { readonly column: BucketColumn; readonly buckets: number };
}

/** A column of the query that Hive can bucket by. It has no hash for timestamps and refuses the whole statement. */
export interface BucketColumn {
  readonly name: string;
  readonly type: Exclude<ColumnType, 'timestamp'>;
}

/**
 * Why a statement failed: what may be gone at the next attempt, what stands in the data until somebody sets it aside,
 * or the statement itself.
 */
export type FailureClass = 'passing' | 'data' | 'statement';

/** Athena ended a statement without success. Carries what a person needs to find the query. */
export class AthenaQueryFailed extends Error {
  override readonly name = 'AthenaQueryFailed';
  constructor(
    readonly queryId: string,
    readonly state: string,
    readonly reason: string,
    /** Told by the reason: Athena calls hardly anything retryable. */
    readonly kind: FailureClass,
    sql: string,
  ) {
    super(`Athena query ${queryId} ${state}: ${reason}\n${firstLines(sql)}`);
  }
}

/** The function's time ran out while a statement was waiting or running; a running one was cancelled. */
export class AthenaTimedOut extends Error {
  override readonly name = 'AthenaTimedOut';
  constructor(
    readonly queryId: string | undefined,
    sql: string,
  ) {
    const what = queryId === undefined ? 'was not taken by Athena' : `(query ${queryId}) was cancelled`;
    super(`The statement ${what}: the function's time is nearly over.\n${firstLines(sql)}`);
  }
}

/** A result that is not what its reader declared: the SQL and the schema disagree, or a NaN came out. */
export class AthenaResultRefused extends Error {
  override readonly name = 'AthenaResultRefused';
  constructor(queryId: string, reason: string) {
    super(`Result of Athena query ${queryId} refused: ${reason}`);
  }
}

const MAXIMUM_ATTEMPTS = 4;
/** Left for cancelling, cleaning up and saying what happened. */
const RESERVED_MS = 5_000;
/** A local query takes milliseconds, one in the cloud a second or two: ask soon, then ever less often. */
const FIRST_POLL_MS = 15;
const LONGEST_POLL_MS = 1_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 8_000;
const MAXIMUM_STATEMENT_BYTES = 262_144;

/**
 * Runs one statement to its end: DDL, or a CTAS made elsewhere.
 * A failure that may pass is tried again, each time under a new token, since the same token would
 * return the same failed execution; a lost reply meets the old one and starts nothing twice.
 * @throws AthenaQueryFailed, AthenaTimedOut; SDK errors that are not throttling.
 */
export async function runStatement(access: AthenaAccess, sql: string): Promise<FinishedQuery> {
  return withAttempts(access, sql, (attempt) => execute(access, sql, attempt));
}

/**
 * Runs a SELECT, or a SHOW, and parses each row. Cells come to the schema as their column's type says: numbers, booleans,
 * null, and timestamps as `2026-11-23T10:00:00Z`.
 * @throws AthenaResultRefused when a row does not fit; else as `runStatement`.
 */
export async function runQuery<T>(
  access: AthenaAccess,
  query: { readonly sql: string; readonly row: z.ZodType<T> },
): Promise<T[]> {
  const { queryId } = await runStatement(access, query.sql);
  const rows: T[] = [];
  let nextToken: string | undefined;
  let firstPage = true;
  do {
    const page = await patiently(access, query.sql, () =>
      access.client.send(new GetQueryResultsCommand({ QueryExecutionId: queryId, NextToken: nextToken })),
    );
    const columns = page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
    const [first, ...others] = page.ResultSet?.Rows ?? [];
    if (first !== undefined && (!firstPage || !isHeader(columns, first))) {
      rows.push(parseRow(queryId, columns, first, query.row, rows.length));
    }
    for (const row of others) {
      rows.push(parseRow(queryId, columns, row, query.row, rows.length));
    }
    firstPage = false;
    nextToken = page.NextToken;
  } while (nextToken !== undefined);
  return rows;
}

/**
 * Runs a CTAS whose place the workgroup chooses (`tables/<query id>/` of the query-results bucket).
 * The caller drops the table and deletes the files; what a failed attempt left is dropped here.
 * @throws as `runStatement`.
 */
export async function createTableAs(access: AthenaAccess, definition: TableDefinition): Promise<StagedTable> {
  const suffix = randomUUID().replaceAll('-', '').slice(0, 12);
  const tableOf = (attempt: number) => sqlName(`${definition.namePrefix}_${suffix}_${attempt}`);
  const sqlOf = (attempt: number) => createTableText(access.database, tableOf(attempt), definition);
  return withAttempts(access, sqlOf(1), async (attempt) => {
    const table = tableOf(attempt);
    try {
      const finished = await execute(access, sqlOf(attempt), attempt);
      const manifest = finished.manifest === undefined ? undefined : parseAddress(finished.manifest);
      return {
        queryId: finished.queryId,
        table,
        bytesScanned: finished.bytesScanned,
        files: manifest === undefined ? [] : await readManifest(access.s3, manifest),
        manifest,
      };
    } catch (error) {
      // Athena may leave the table of a failed CTAS in the catalogue. Its files have a place of their own,
      // which nothing reads and the sweeper empties; the first error is the one to tell.
      await dropTable(access, table).catch(() => undefined);
      throw error;
    }
  });
}

/** Removes a table from the catalogue, if it is there; objects stay. @throws as `runStatement`. */
export async function dropTable(access: AthenaAccess, table: string): Promise<void> {
  await runStatement(access, `DROP TABLE IF EXISTS ${sqlName(access.database)}.${sqlName(table)}`);
}

/** The CTAS as sent: Parquet, no location (the workgroup enforces one). Exported for golden texts. */
export function createTableText(
  database: string,
  table: string,
  { select, partitionedBy = [], bucketedBy }: Omit<TableDefinition, 'namePrefix'>,
): string {
  const properties = ["format = 'PARQUET'", "write_compression = 'SNAPPY'"];
  if (partitionedBy.length > 0) {
    properties.push(`partitioned_by = ARRAY[${partitionedBy.map((name) => sqlString(sqlName(name)))}]`);
  }
  if (bucketedBy !== undefined) {
    properties.push(`bucketed_by = ARRAY[${sqlString(sqlName(bucketedBy.column.name))}]`);
    properties.push(`bucket_count = ${bucketedBy.buckets}`);
  }
  return `CREATE TABLE ${sqlIdentifier(database)}.${sqlIdentifier(table)}\nWITH (\n  ${properties.join(',\n  ')}\n)\nAS\n${select}`;
}

async function withAttempts<T>(
  access: AthenaAccess,
  sql: string,
  run: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(attempt);
    } catch (error) {
      const again =
        error instanceof AthenaQueryFailed && error.kind === 'passing' && attempt < MAXIMUM_ATTEMPTS;
      if (!again) {
        throw error;
      }
      await pause(access, sql, retryDelay(attempt));
    }
  }
}

async function execute(access: AthenaAccess, sql: string, attempt: number): Promise<FinishedQuery> {
  const bytes = Buffer.byteLength(sql);
  if (bytes > MAXIMUM_STATEMENT_BYTES) {
    throw new RangeError(
      `A statement of ${bytes} bytes is over Athena's ${MAXIMUM_STATEMENT_BYTES}.\n${firstLines(sql)}`,
    );
  }
  const token = `garoa-${randomUUID()}-attempt-${attempt}`;
  const started = await patiently(access, sql, () =>
    access.client.send(
      new StartQueryExecutionCommand({
        QueryString: sql,
        ClientRequestToken: token,
        QueryExecutionContext: { Database: access.database },
        WorkGroup: access.workgroup,
      }),
    ),
  );
  const queryId = started.QueryExecutionId;
  if (queryId === undefined) {
    throw new Error(`Athena took a statement without naming its execution.\n${firstLines(sql)}`);
  }
  const execution = await finish(access, sql, queryId);
  const status = execution.Status;
  if (status?.State !== 'SUCCEEDED') {
    const reason = status?.AthenaError?.ErrorMessage ?? status?.StateChangeReason ?? 'no reason given';
    const kind = classOf(reason, status?.AthenaError?.Retryable ?? false);
    throw new AthenaQueryFailed(queryId, status?.State ?? 'without a state', reason, kind, sql);
  }
  const statistics = execution.Statistics;
  const finished: FinishedQuery = {
    queryId,
    bytesScanned: statistics?.DataScannedInBytes ?? 0,
    milliseconds: statistics?.TotalExecutionTimeInMillis ?? 0,
    manifest: statistics?.DataManifestLocation,
  };
  access.onFinished?.(finished);
  return finished;
}

/** Polls until the query has ended. RUNNING may fall back to QUEUED, so only the end states count. */
async function finish(access: AthenaAccess, sql: string, queryId: string): Promise<QueryExecution> {
  try {
    for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 1.6, LONGEST_POLL_MS)) {
      await pause(access, sql, wait, queryId);
      const { QueryExecution: execution } = await patiently(access, sql, () =>
        access.client.send(new GetQueryExecutionCommand({ QueryExecutionId: queryId })),
      );
      const state = execution?.Status?.State;
      if (execution !== undefined && state !== undefined && state !== 'QUEUED' && state !== 'RUNNING') {
        return execution;
      }
    }
  } catch (error) {
    // Nobody would read what it is about to write, and it costs money. That the first error is told matters
    // more than whether the cancelling worked.
    await access.client
      .send(new StopQueryExecutionCommand({ QueryExecutionId: queryId }))
      .catch(() => undefined);
    throw error instanceof AthenaTimedOut ? new AthenaTimedOut(queryId, sql) : error;
  }
}

/** Waits out throttling as long as the function has time; other errors are the SDK's to retry, then ours. */
async function patiently<T>(access: AthenaAccess, sql: string, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isThrottling(error)) {
        throw error;
      }
      await pause(access, sql, retryDelay(attempt));
    }
  }
}

async function pause(
  access: AthenaAccess,
  sql: string,
  milliseconds: number,
  queryId?: string,
): Promise<void> {
  if (access.remainingMs() - milliseconds < RESERVED_MS) {
    throw new AthenaTimedOut(queryId, sql);
  }
  await (access.sleep ?? delay)(milliseconds);
}

function retryDelay(attempt: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS);
  return longest * (0.5 + Math.random() / 2);
}

function isThrottling(error: unknown): boolean {
  return (
    error instanceof Error &&
    ['TooManyRequestsException', 'ThrottlingException', 'Throttling'].includes(error.name)
  );
}

/** The statement itself is wrong, or not allowed: nothing about the data can mend that. */
const OF_THE_STATEMENT =
  /SYNTAX_ERROR|COLUMN_NOT_FOUND|TABLE_NOT_FOUND|SCHEMA_NOT_FOUND|FUNCTION_NOT_FOUND|TYPE_MISMATCH|NOT_SUPPORTED|AMBIGUOUS_NAME|EXPRESSION_NOT|PERMISSION_DENIED|Access ?Denied|ALREADY_EXISTS|TOO_MANY_OPEN_PARTITIONS|Bytes scanned limit/i;

/** What passes: S3 too busy or failing, an object replaced between listing and reading, an engine short of resources. */
const PASSING = [
  /Slow ?Down|reduce your request rate|Too ?Many ?Requests|RequestTimeout|ServiceUnavailable|InternalError/i,
  /Status Code: (408|409|412|429|5\d\d)|PreconditionFailed|pre-conditions you specified/i,
  /HIVE_FILESYSTEM_ERROR|NoSuchKey|specified key does not exist/i,
  // What can't be unpacked will be as broken the next time.
  /HIVE_CANNOT_OPEN_SPLIT(?!.*(zlib|gzip|incorrect (header|data|length) check))/i,
  /exhausted resources|INTERNAL_ERROR_QUERY_ENGINE|Internal error occurred|Query timeout|EXCEEDED_\w*(MEMORY|TIME)/i,
  /Connection reset|Read timed out|Socket|Unable to execute HTTP request/i,
];

function classOf(reason: string, retryable: boolean): FailureClass {
  if (OF_THE_STATEMENT.test(reason)) return retryable ? 'passing' : 'statement';
  return retryable || PASSING.some((pattern) => pattern.test(reason)) ? 'passing' : 'data';
}

/** The result of a SELECT begins with the columns' names; that of DDL does not. */
function isHeader(columns: readonly ColumnInfo[], row: Row): boolean {
  return columns.every(({ Name }, position) => row.Data?.[position]?.VarCharValue === Name);
}

function parseRow<T>(
  queryId: string,
  columns: readonly ColumnInfo[],
  row: Row,
  schema: z.ZodType<T>,
  index: number,
): T {
  const cells: Record<string, unknown> = {};
  columns.forEach((column, position) => {
    cells[column.Name ?? ''] = parseCell(row.Data?.[position]?.VarCharValue, column.Type ?? 'varchar');
  });
  const parsed = schema.safeParse(cells);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AthenaResultRefused(
      queryId,
      `row ${index + 1}, ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  return parsed.data;
}

function parseCell(text: string | undefined, type: string): string | number | boolean | null {
  if (text === undefined) {
    return null;
  }
  switch (type.toLowerCase()) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'integer':
    case 'bigint':
    case 'float':
    case 'real':
    case 'double':
    case 'decimal':
      return Number(text);
    case 'boolean':
      return text === 'true';
    case 'timestamp':
      return `${text.slice(0, 10)}T${text.slice(11, 23).replace(/\.0*$/, '')}Z`;
    default:
      return text;
  }
}

async function readManifest(s3: S3Client, manifest: S3Address): Promise<S3Address[]> {
  // A CTAS without a row may name a manifest and write none.
  const text = (await getText({ client: s3, name: manifest.bucket }, manifest.key)) ?? '';
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^"(.*)"$/, '$1'))
    .filter((line) => line !== '')
    .map(parseAddress)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function parseAddress(uri: string): S3Address {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new Error(`Athena named ${JSON.stringify(uri)} where an s3:// address was due.`);
  }
  return { bucket: match[1], key: match[2] };
}

function firstLines(sql: string): string {
  const lines = sql.trim().split('\n');
  return lines.length <= 4 ? lines.join('\n') : `${lines.slice(0, 4).join('\n')}\n…`;
}
