import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { athenaError } from '../../../../lib/local/athena/athena-errors';
import { QueryFailure } from '../../../../lib/local/athena/query-failure';

const directory = mkdtempSync(join(tmpdir(), 'garoa-errors-'));
let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { memory_limit: '20MB', threads: '1' });
  connection = await instance.connect();
  await connection.run("SET temp_directory = ''");
  await connection.run('CREATE TABLE t (a INTEGER, b VARCHAR)');
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
  rmSync(directory, { recursive: true });
});

async function failureOf(sql: string): Promise<QueryFailure> {
  return connection.run(sql).then(
    () => new QueryFailure('NONE', 'no failure'),
    (error: unknown) => athenaError(error),
  );
}

it.each([
  ['SELECT c FROM t', 'COLUMN_NOT_FOUND'],
  ['SELECT t.c FROM t', 'COLUMN_NOT_FOUND'],
  ['SELECT u.a FROM t', 'COLUMN_NOT_FOUND'],
  ['SELECT a FROM t x, t y', 'AMBIGUOUS_NAME'],
  ['SELECT a, count(*) FROM t', 'EXPRESSION_NOT_AGGREGATE'],
  ["SELECT 1 FROM t WHERE b > TIMESTAMP '2013-01-01 00:00:00'", 'TYPE_MISMATCH'],
  ['SELECT sin(b) FROM t', 'FUNCTION_NOT_FOUND'],
  ["SELECT CAST('x' AS INTEGER)", 'INVALID_CAST_ARGUMENT'],
  ['SELECT 9223372036854775807 + CAST(1 AS BIGINT)', 'NUMERIC_VALUE_OUT_OF_RANGE'],
  ["SELECT error('DIVISION_BY_ZERO: Division by zero')", 'DIVISION_BY_ZERO'],
  ['SELECT array_agg(x) FROM range(20000000) AS r (x)', 'EXCEEDED_LOCAL_MEMORY_LIMIT'],
])("words DuckDB's failure of %s as %s", async (sql, code) => {
  expect((await failureOf(sql)).code).toBe(code);
});

it('calls an object that is gone since it was listed a failure to be tried again', async () => {
  const failure = await failureOf(
    `SELECT * FROM read_json('${directory}/gone.ndjson', columns = {a: 'INTEGER'})`,
  );
  expect(failure).toMatchObject({ code: 'HIVE_CANNOT_OPEN_SPLIT', retryable: true, category: 'system' });
});

it('keeps the words of what it does not know', () => {
  expect(athenaError(new Error('something new')).message).toBe('GENERIC_INTERNAL_ERROR: something new');
});
