import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import * as z from 'zod';
import {
  type AthenaAccess,
  AthenaQueryFailed,
  AthenaResultRefused,
  AthenaTimedOut,
  type BucketColumn,
  createTableAs,
  createTableText,
  type FinishedQuery,
  runQuery,
  runStatement,
} from '../../../lambdas/lake/athena';

const mock = mockClient(AthenaClient);
const SQL = 'SELECT 1\nFROM a\nWHERE b\nAND c\nAND d';

let waited: number[];
let finished: FinishedQuery[];
let remainingMs: number;
let access: AthenaAccess;

beforeEach(() => {
  mock.reset();
  waited = [];
  finished = [];
  remainingMs = 100_000;
  access = {
    client: new AthenaClient({}),
    s3: new S3Client({}),
    workgroup: 'garoa-prod',
    database: 'garoa',
    remainingMs: () => remainingMs,
    onFinished: (query) => finished.push(query),
    sleep: async (milliseconds) => {
      waited.push(milliseconds);
      remainingMs -= milliseconds;
    },
  };
  let id = 0;
  mock.on(StartQueryExecutionCommand).callsFake(() => {
    id += 1;
    return { QueryExecutionId: `query-${id}` };
  });
  mock.on(StopQueryExecutionCommand).resolves({});
});

const succeeded = {
  QueryExecution: {
    Status: { State: 'SUCCEEDED' },
    Statistics: { DataScannedInBytes: 1234, TotalExecutionTimeInMillis: 567 },
  },
} as const;
const failed = (ErrorMessage: string, Retryable = false) =>
  ({
    QueryExecution: { Status: { State: 'FAILED', AthenaError: { ErrorMessage, Retryable } } },
  }) as const;
const running = { QueryExecution: { Status: { State: 'RUNNING' } } } as const;
const queued = { QueryExecution: { Status: { State: 'QUEUED' } } } as const;
const throttled = () => Object.assign(new Error('Rate exceeded'), { name: 'TooManyRequestsException' });

const starts = () => mock.commandCalls(StartQueryExecutionCommand).map(({ args }) => args[0].input);
const stops = () =>
  mock.commandCalls(StopQueryExecutionCommand).map(({ args }) => args[0].input.QueryExecutionId);

describe('a statement', () => {
  it('is polled soon, then ever less often, also when it falls back into the queue', async () => {
    mock
      .on(GetQueryExecutionCommand)
      .resolvesOnce(running)
      .resolvesOnce(queued)
      .resolvesOnce(running)
      .resolves(succeeded);
    await expect(runStatement(access, SQL)).resolves.toMatchObject({
      queryId: 'query-1',
      bytesScanned: 1234,
    });
    expect(waited).toHaveLength(4);
    expect(waited[0]).toBeLessThan(50);
    expect([...waited].sort((a, b) => a - b)).toEqual(waited);
    expect(finished).toEqual([
      { queryId: 'query-1', bytesScanned: 1234, milliseconds: 567, manifest: undefined },
    ]);
    expect(starts()).toMatchObject([
      { WorkGroup: 'garoa-prod', QueryExecutionContext: { Database: 'garoa' } },
    ]);
  });

  it('that fails for good is told with its query, reason and first lines', async () => {
    mock.on(GetQueryExecutionCommand).resolves(failed('TYPE_MISMATCH: line 3'));
    const failure = runStatement(access, SQL);
    await expect(failure).rejects.toThrow(AthenaQueryFailed);
    await expect(failure).rejects.toThrow(
      'Athena query query-1 FAILED: TYPE_MISMATCH: line 3\nSELECT 1\nFROM a\nWHERE b\nAND c\n…',
    );
    expect(starts()).toHaveLength(1);
  });

  it('that may be tried again is, each time under a token of its own', async () => {
    mock
      .on(GetQueryExecutionCommand)
      .resolvesOnce(failed('internal', true))
      .resolvesOnce(failed('internal', true))
      .resolves(succeeded);
    await expect(runStatement(access, SQL)).resolves.toMatchObject({ queryId: 'query-3' });
    const tokens = starts().map(({ ClientRequestToken = '' }) => ClientRequestToken);
    expect(new Set(tokens).size).toBe(3);
    for (const token of tokens) {
      expect(token.length).toBeGreaterThanOrEqual(32);
      expect(token.length).toBeLessThanOrEqual(128);
    }
  });

  it('that keeps failing is given up', async () => {
    mock.on(GetQueryExecutionCommand).resolves(failed('internal', true));
    await expect(runStatement(access, SQL)).rejects.toThrow('query-4 FAILED');
    expect(starts()).toHaveLength(4);
  });

  it.each([
    'HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://b/k (offset=0, length=1): The specified key does not exist. (Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey)',
    'HIVE_FILESYSTEM_ERROR: Error reading from s3://XX/YY/ZZZ at position 12345.',
    'HIVE_CURSOR_ERROR: At least one of the pre-conditions you specified did not hold (Service: Amazon S3; Status Code: 412; Error Code: PreconditionFailed)',
    'GENERIC_INTERNAL_ERROR: The specified key does not exist. (Error Code: NoSuchKey)',
    'com.amazonaws.services.s3.model.AmazonS3Exception: Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)',
    'HIVE_CURSOR_ERROR: Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: 503 Slow Down)',
    'Query exhausted resources at this scale factor',
    'INTERNAL_ERROR_QUERY_ENGINE',
    'Internal error occurred while processing query',
    'Query timeout',
  ])('is tried again when it failed for something that passes: %s', async (reason) => {
    mock.on(GetQueryExecutionCommand).resolvesOnce(failed(reason)).resolves(succeeded);
    await expect(runStatement(access, SQL)).resolves.toMatchObject({ queryId: 'query-2' });
  });

  it.each([
    ['data', 'HIVE_CURSOR_ERROR: Failed to read Parquet file: s3://XX/YY/ZZZ.'],
    ['data', 'HIVE_CURSOR_ERROR: Row is not a valid JSON Object'],
    ['data', 'HIVE_BAD_DATA: Error parsing column'],
    ['data', 'HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://b/k.gz: Not in GZIP format'],
    [
      'data',
      'HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://b/k.gz: Unexpected end of ZLIB input stream',
    ],
    ['statement', "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved"],
    ['statement', 'PERMISSION_DENIED: not allowed'],
  ])('is not tried again when the fault is one of the %s: %s', async (kind, reason) => {
    mock.on(GetQueryExecutionCommand).resolves(failed(reason));
    await expect(runStatement(access, SQL)).rejects.toMatchObject({ kind });
    expect(starts()).toHaveLength(1);
  });

  it('is tried again when an object went while it was read: compaction had replaced it', async () => {
    mock
      .on(GetQueryExecutionCommand)
      .resolvesOnce(failed('HIVE_CANNOT_OPEN_SPLIT: NoSuchKey'))
      .resolves(succeeded);
    await expect(runStatement(access, SQL)).resolves.toMatchObject({ queryId: 'query-2' });
  });

  it('waits out throttling, of its start as of its polls', async () => {
    mock
      .on(StartQueryExecutionCommand)
      .rejectsOnce(throttled())
      .rejectsOnce(throttled())
      .resolves({ QueryExecutionId: 'query-9' });
    mock.on(GetQueryExecutionCommand).rejectsOnce(throttled()).resolves(succeeded);
    await expect(runStatement(access, SQL)).resolves.toMatchObject({ queryId: 'query-9' });
    expect(new Set(starts().map(({ ClientRequestToken }) => ClientRequestToken)).size).toBe(1);
  });

  it('is cancelled when the time is nearly over, and says so', async () => {
    mock.on(GetQueryExecutionCommand).resolves(running);
    const failure = runStatement(access, SQL);
    await expect(failure).rejects.toThrow(AthenaTimedOut);
    await expect(failure).rejects.toThrow(/query-1.* was cancelled/);
    expect(stops()).toEqual(['query-1']);
    expect(remainingMs).toBeGreaterThanOrEqual(5_000);
  });

  it('that never gets in says that Athena did not take it', async () => {
    mock.on(StartQueryExecutionCommand).rejects(throttled());
    await expect(runStatement(access, SQL)).rejects.toThrow(/was not taken by Athena/);
    expect(stops()).toEqual([]);
  });

  it('that can no longer be watched is cancelled, and the first error is the one told', async () => {
    mock.on(GetQueryExecutionCommand).rejects(new Error('connection lost'));
    mock.on(StopQueryExecutionCommand).rejects(new Error('connection lost again'));
    await expect(runStatement(access, SQL)).rejects.toThrow(/^connection lost$/);
    expect(stops()).toEqual(['query-1']);
  });

  it("that is longer than Athena takes isn't sent", async () => {
    await expect(runStatement(access, `SELECT '${'x'.repeat(262_144)}'`)).rejects.toThrow(RangeError);
    expect(starts()).toEqual([]);
  });
});

describe('rows', () => {
  const ColumnInfo = [
    { Name: 'id', Type: 'varchar' },
    { Name: 'n', Type: 'bigint' },
    { Name: 'x', Type: 'double' },
    { Name: 'wet', Type: 'boolean' },
    { Name: 'hour', Type: 'timestamp' },
  ];
  const page = (rows: readonly (readonly (string | undefined)[])[], NextToken?: string) => ({
    ResultSet: {
      ResultSetMetadata: { ColumnInfo },
      Rows: rows.map((cells) => ({ Data: cells.map((VarCharValue) => ({ VarCharValue })) })),
    },
    NextToken,
  });
  const header = ColumnInfo.map(({ Name }) => Name);
  const row = z.object({
    id: z.string(),
    n: z.int().nullable(),
    x: z.number().nullable(),
    wet: z.boolean().nullable(),
    hour: z.string().nullable(),
  });

  beforeEach(() => {
    mock.on(GetQueryExecutionCommand).resolves(succeeded);
  });

  it('come from all pages, without the header, typed by their columns', async () => {
    mock
      .on(GetQueryResultsCommand)
      .resolvesOnce(page([header, ['a', '7', '0.1', 'true', '2026-11-23 10:00:00.000']], 'more'))
      .resolvesOnce(page([['id', undefined, '-1.5E-7', 'false', '2026-11-23 10:00:00.250']], 'last'))
      .resolves(page([['c', undefined, undefined, undefined, undefined]]));
    expect(await runQuery(access, { sql: SQL, row })).toEqual([
      { id: 'a', n: 7, x: 0.1, wet: true, hour: '2026-11-23T10:00:00Z' },
      { id: 'id', n: null, x: -1.5e-7, wet: false, hour: '2026-11-23T10:00:00.250Z' },
      { id: 'c', n: null, x: null, wet: null, hour: null },
    ]);
  });

  it('of statements that give no header are all read', async () => {
    mock.on(GetQueryResultsCommand).resolves({
      ResultSet: {
        ResultSetMetadata: { ColumnInfo: [{ Name: 'tab_name', Type: 'string' }] },
        Rows: [{ Data: [{ VarCharValue: 'observations' }] }],
      },
    });
    const tables = { sql: 'SHOW TABLES IN garoa', row: z.object({ tab_name: z.string() }) };
    expect(await runQuery(access, tables)).toEqual([{ tab_name: 'observations' }]);
  });

  it.each([
    ['NaN', ['a', '1', 'NaN', 'true', undefined], /row 1, x/],
    ['infinity', ['a', '1', 'Infinity', 'true', undefined], /row 1, x/],
    ['a null where none may be', [undefined, '1', '1', 'true', undefined], /row 1, id/],
  ])('with %s are refused with the place', async (_, cells, reason) => {
    mock.on(GetQueryResultsCommand).resolves(page([header, cells]));
    const failure = runQuery(access, { sql: SQL, row });
    await expect(failure).rejects.toThrow(AthenaResultRefused);
    await expect(failure).rejects.toThrow(reason);
  });
});

describe('a CTAS', () => {
  const definition = { namePrefix: 'staging_hourly_20261123t1105', select: 'SELECT 1 AS x' };

  it('that fails has its table dropped, and is tried again under another name', async () => {
    mock.on(GetQueryExecutionCommand).resolvesOnce(failed('internal', true)).resolves(succeeded);
    const staged = await createTableAs(access, definition);
    const texts = starts().map(({ QueryString = '' }) => QueryString);
    expect(texts).toHaveLength(3);
    const [first = '', drop, second = ''] = texts;
    const nameIn = (text: string) => /staging_\w+/.exec(text)?.[0];
    expect(drop).toBe(`DROP TABLE IF EXISTS garoa.${nameIn(first)}`);
    expect(nameIn(second)).not.toBe(nameIn(first));
    expect(staged).toMatchObject({ table: nameIn(second), queryId: 'query-3' });
  });

  it('that wrote nothing has no files', async () => {
    mock.on(GetQueryExecutionCommand).resolves(succeeded);
    await expect(createTableAs(access, definition)).resolves.toMatchObject({
      files: [],
      manifest: undefined,
    });
  });

  it('buckets by a column of a type that Hive has a hash for; others do not compile', () => {
    const column: BucketColumn = { name: 'location_id', type: 'string' };
    const sql = createTableText('garoa', 'staging', {
      select: 'SELECT 1',
      bucketedBy: { column, buckets: 1 },
    });
    expect(sql).toContain("bucketed_by = ARRAY['location_id'],\n  bucket_count = 1");
    // @ts-expect-error The statement would be refused: no bucket can be told from a timestamp.
    const refused: BucketColumn = { name: 'hour', type: 'timestamp' };
    expect(refused.type).toBe('timestamp');
  });

  it('tells its own failure, not that of cleaning up behind it', async () => {
    mock.on(GetQueryExecutionCommand).resolvesOnce(failed('out of space')).resolves(failed('no such table'));
    await expect(createTableAs(access, definition)).rejects.toThrow(/out of space/);
  });
});
