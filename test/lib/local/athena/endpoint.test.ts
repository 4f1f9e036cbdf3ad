import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ColumnInfo,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  type QueryExecution,
  StartQueryExecutionCommand,
  type StartQueryExecutionInput,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import * as fc from 'fast-check';
import { NOW, ndjson, RESOURCES, startTestCloud, type TestCloud } from '../support';
import { MEANINGS, REFUSED } from './trino-meanings';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
  for (const dt of ['2013-03-07', '2013-03-08', '2013-03-09', '2013-03-10']) {
    for (const hour of ['00', '07', '23']) {
      const rows = ['ewr', 'jfk'].map((location_id) => ({
        location_id,
        observed_at: `${dt}T${hour}:15:00Z`,
        temp_c: Number(hour) + 0.5,
        precip_mm: location_id === 'jfk' ? 0.3 : null,
        payload: { anything: [1, { deep: true }] },
        unknown_column: 'x',
      }));
      cloud.endpoints.objects.put(
        'raw',
        `observations/dt=${dt}/hour=${hour}/${hour}15-weatherapi.ndjson.gz`,
        ndjson(rows),
      );
    }
  }
});
afterAll(() => cloud.close());

/** Starts a statement and waits for its end. */
async function execute(
  sql: string,
  options: Partial<StartQueryExecutionInput> = {},
): Promise<QueryExecution> {
  const { QueryExecutionId } = await cloud.athena.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: 'garoa-prod',
      QueryExecutionContext: { Database: 'garoa' },
      ...options,
    }),
  );
  return ended(QueryExecutionId);
}

async function ended(QueryExecutionId: string | undefined): Promise<QueryExecution> {
  for (;;) {
    const { QueryExecution } = await cloud.athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const state = QueryExecution?.Status?.State;
    if (QueryExecution !== undefined && state !== 'QUEUED' && state !== 'RUNNING') {
      return QueryExecution;
    }
  }
}

async function succeed(
  sql: string,
  options: Partial<StartQueryExecutionInput> = {},
): Promise<QueryExecution> {
  const execution = await execute(sql, options);
  expect(execution.Status?.StateChangeReason).toBeUndefined();
  expect(execution.Status?.State).toBe('SUCCEEDED');
  return execution;
}

interface Result {
  readonly columns: readonly ColumnInfo[];
  readonly header: readonly (string | undefined)[];
  readonly rows: readonly (readonly (string | undefined)[])[];
  readonly pages: number;
  readonly execution: QueryExecution;
}

async function query(sql: string, MaxResults?: number): Promise<Result> {
  const execution = await succeed(sql);
  const all: (string | undefined)[][] = [];
  let columns: readonly ColumnInfo[] = [];
  let NextToken: string | undefined;
  let pages = 0;
  do {
    const page = await cloud.athena.send(
      new GetQueryResultsCommand({ QueryExecutionId: execution.QueryExecutionId, NextToken, MaxResults }),
    );
    all.push(...(page.ResultSet?.Rows ?? []).map((row) => (row.Data ?? []).map((cell) => cell.VarCharValue)));
    columns = page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
    NextToken = page.NextToken;
    pages += 1;
  } while (NextToken !== undefined);
  const [header = [], ...rows] = all;
  return { columns, header, rows, pages, execution };
}

/** The single value of a single-row query. */
async function value(expression: string): Promise<string | undefined> {
  const { rows } = await query(`SELECT ${expression} AS x`);
  expect(rows).toHaveLength(1);
  return rows[0]?.[0];
}

/** Why a statement ended without success. */
async function failure(sql: string): Promise<string> {
  const execution = await execute(sql);
  return `${execution.Status?.State} ${execution.Status?.StateChangeReason}`;
}

/** Why a statement was not taken at all. */
async function refusal(sql: string, options: Partial<StartQueryExecutionInput> = {}): Promise<string> {
  try {
    await execute(sql, options);
  } catch (error) {
    if (error instanceof InvalidRequestException) {
      return error.message;
    }
    throw error;
  }
  return 'taken';
}

async function manifestOf(execution: QueryExecution): Promise<string[]> {
  const [, bucket = '', key = ''] =
    /^s3:\/\/([^/]+)\/(.+)$/.exec(execution.Statistics?.DataManifestLocation ?? '') ?? [];
  const object = cloud.endpoints.objects.head(bucket, key);
  return object === undefined ? [] : readFileSync(object.path, 'utf8').split('\n').slice(0, -1);
}

function pathOf(uri: string): string {
  return join(cloud.directory, 's3', uri.replace('s3://', ''));
}

describe('results', () => {
  it('name and type columns as Athena does, with a header row', async () => {
    const { columns, header, rows } = await query(
      "SELECT 1 AS i, CAST(2 AS bigint) AS b, 0.1e0 AS d, 'text' AS s, true AS t, DATE '2013-03-09' AS day, TIMESTAMP '2013-03-09 07:00:00' AS ts, CAST(1.5 AS decimal(4,2)) AS dec, sum(x) AS total, 1 + 1 FROM (VALUES (1), (2)) AS v (x)",
    );
    expect(columns.map(({ Name, Type }) => `${Name} ${Type}`)).toEqual([
      'i integer',
      'b bigint',
      'd double',
      's varchar',
      't boolean',
      'day date',
      'ts timestamp',
      'dec decimal',
      'total bigint',
      '_col9 integer',
    ]);
    expect(header).toEqual(['i', 'b', 'd', 's', 't', 'day', 'ts', 'dec', 'total', '_col9']);
    expect(rows).toEqual([
      ['1', '2', '0.1', 'text', 'true', '2013-03-09', '2013-03-09 07:00:00.000', '1.50', '3', '2'],
    ]);
  });

  it('tell null from an empty text, and carry quotes, commas and line breaks', async () => {
    const { rows } = await query(`SELECT NULL AS a, '' AS b, 'it''s "so", \nü' AS c, NULL AS d`);
    expect(rows).toEqual([[undefined, '', 'it\'s "so", \nü', undefined]]);
  });

  it('print doubles so that they read back as the same number', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ noDefaultInfinity: true, noNaN: true }), { minLength: 1, maxLength: 200 }),
        async (numbers) => {
          const literals = numbers
            .map((one) => (Object.is(one, -0) ? '(-0e0)' : `(${one.toExponential()})`))
            .join(', ');
          const { rows } = await query(`SELECT x FROM (VALUES ${literals}) AS v (x)`);
          expect(rows.map(([text]) => Number(text))).toEqual(
            numbers.map((one) => (one === 0 ? expect.closeTo(0) : one)),
          );
        },
      ),
      { numRuns: 3 },
    );
    expect(await value('1e-5')).toBe('1.0E-5');
    expect(await value('12345678e0')).toBe('1.2345678E7');
    expect(await value('100e0')).toBe('100.0');
    expect(await value('1e0 / 0e0')).toBe('Infinity');
    expect(await value('0e0 / 0e0')).toBe('NaN');
    expect(
      (await query('SELECT 1 / x, -1 / x, 0 / x, 7 / y FROM (VALUES (0e0, 2)) AS t (x, y)')).rows,
    ).toEqual([['Infinity', '-Infinity', 'NaN', '3']]);
    expect(await value('0.30000000000000004e0')).toBe('0.30000000000000004');
  });

  it('come in pages of at most 1,000 rows, the header counting as one', async () => {
    const { rows, pages } = await query('SELECT n FROM UNNEST(sequence(1, 2500)) AS t (n) ORDER BY n');
    expect(pages).toBe(3);
    expect(rows.map(([n]) => Number(n))).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
  });

  it('lie as CSV in the query-results bucket', async () => {
    const { execution } = await query("SELECT 'a' AS x, NULL AS y");
    const location = execution.ResultConfiguration?.OutputLocation ?? '';
    expect(location).toBe(`s3://results/${execution.QueryExecutionId}.csv`);
    expect(readFileSync(pathOf(location), 'utf8')).toBe('"x","y"\n"a",\n');
  });

  it('are not to be had before the end, nor of a failed query', async () => {
    const failed = await execute('SELECT nope');
    const results = cloud.athena.send(
      new GetQueryResultsCommand({ QueryExecutionId: failed.QueryExecutionId }),
    );
    await expect(results).rejects.toThrow('Final query state: FAILED');
  });
});

describe('tables', () => {
  it('read declared columns of gzipped JSON and leave the others alone', async () => {
    const { rows } = await query(
      "SELECT location_id, observed_at, temp_c, precip_mm, uv, dt, hour FROM observations WHERE dt = '2013-03-09' AND hour = '07' ORDER BY 1",
    );
    expect(rows).toEqual([
      ['ewr', '2013-03-09T07:15:00Z', '7.5', undefined, undefined, '2013-03-09', '07'],
      ['jfk', '2013-03-09T07:15:00Z', '7.5', '0.3', undefined, '2013-03-09', '07'],
    ]);
  });

  it('read gzip members that were joined byte by byte', async () => {
    const key = 'observations/dt=2013-02-01/hour=00/compacted.ndjson.gz';
    const members = ['a', 'b', 'c'].map((location_id) => ndjson([{ location_id }]));
    cloud.endpoints.objects.put('raw', key, Buffer.concat(members));
    const { rows } = await query(
      "SELECT location_id FROM garoa.observations WHERE dt = '2013-02-01' ORDER BY location_id",
    );
    expect(rows).toEqual([['a'], ['b'], ['c']]);
  });

  it('know partitions only inside the projected range', async () => {
    cloud.endpoints.objects.put(
      'raw',
      'observations/dt=2012-12-31/hour=00/x.ndjson.gz',
      ndjson([{ location_id: 'early' }]),
    );
    cloud.endpoints.objects.put(
      'raw',
      'observations/dt=2013-03-12/hour=00/x.ndjson.gz',
      ndjson([{ location_id: 'late' }]),
    );
    const { rows } = await query(
      "SELECT location_id FROM observations WHERE location_id IN ('early', 'late')",
    );
    expect(rows).toEqual([]);
  });

  it('have no rows where there are no objects', async () => {
    expect(await value("(SELECT count(*) FROM forecasts WHERE dt = '2013-03-09')")).toBe('0');
  });

  it('give null for columns that older Parquet files lack, and refuse a type that Athena refuses', async () => {
    const old = await succeed(
      "CREATE TABLE old_day WITH (format = 'PARQUET') AS SELECT 'ewr' AS location_id, CAST('2013-01-05 00:00:00' AS timestamp) AS hour",
    );
    const wrong = await succeed(
      "CREATE TABLE wrong_day WITH (format = 'PARQUET') AS SELECT 'ewr' AS location_id, 'warm' AS temp_c",
    );
    const place = async (execution: QueryExecution, dt: string) => {
      const [uri = ''] = await manifestOf(execution);
      cloud.endpoints.objects.put(
        'processed',
        `hourly_observations/dt=${dt}/part-0.parquet`,
        readFileSync(pathOf(uri)),
      );
    };
    await place(old, '2013-01-05');
    await place(wrong, '2013-01-06');
    const { rows } = await query(
      "SELECT location_id, hour, temp_c FROM hourly_observations WHERE dt = '2013-01-05'",
    );
    expect(rows).toEqual([['ewr', '2013-01-05 00:00:00.000', undefined]]);
    expect(await failure("SELECT temp_c FROM hourly_observations WHERE dt = '2013-01-06'")).toMatch(
      /^FAILED HIVE_BAD_DATA: Field temp_c's type BYTE_ARRAY .* incompatible with type double/,
    );
  });

  it("say in Athena's words what a query got wrong", async () => {
    expect(await failure('SELECT *\nFROM nowhere')).toBe(
      "FAILED TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.garoa.nowhere' does not exist",
    );
    expect(await failure('SELECT * FROM elsewhere.observations')).toBe(
      "FAILED SCHEMA_NOT_FOUND: line 1:15: Schema 'elsewhere' does not exist",
    );
    expect(await failure('SELECT nope FROM observations')).toBe(
      "FAILED COLUMN_NOT_FOUND: Column 'nope' cannot be resolved",
    );
    expect(await failure('SELECT strftime(observed_at) FROM observations')).toBe(
      "FAILED FUNCTION_NOT_FOUND: line 1:8: Function 'strftime' not registered",
    );
    expect(await failure('SELECT location_id, count(*) FROM observations')).toMatch(
      /^FAILED EXPRESSION_NOT_AGGREGATE: 'location_id'/,
    );
    expect(await failure("SELECT CAST('x' AS bigint)")).toMatch(/^FAILED INVALID_CAST_ARGUMENT/);
    expect(await failure('SELECT 1 / (x - 1) FROM (VALUES (1)) AS t (x)')).toBe(
      'FAILED DIVISION_BY_ZERO: Division by zero',
    );
  });

  it('fail over an object that is damaged', async () => {
    const key = 'observations/dt=2013-02-02/hour=00/damaged.ndjson.gz';
    cloud.endpoints.objects.put('raw', key, ndjson([{ location_id: 'a' }]).subarray(0, 20));
    expect(await failure("SELECT * FROM observations WHERE dt = '2013-02-02'")).toMatch(/^FAILED HIVE_/);
    cloud.endpoints.objects.delete('raw', key);
  });
});

describe('pruning', () => {
  async function scanned(sql: string): Promise<number> {
    const { execution } = await query(sql);
    return execution.Statistics?.DataScannedInBytes ?? -1;
  }
  const sizeOf = (prefix: string) =>
    cloud.endpoints.objects.files('raw', `observations/${prefix}`).reduce((sum, { size }) => sum + size, 0);

  it.each([
    ["SELECT * FROM observations WHERE dt = '2013-03-09' AND hour = '07'", ['dt=2013-03-09/hour=07/']],
    [
      "SELECT * FROM observations WHERE dt = '2013-03-09' OR (dt = '2013-03-10' AND hour = '00')",
      ['dt=2013-03-09/', 'dt=2013-03-10/hour=00/'],
    ],
    [
      "SELECT * FROM observations WHERE (dt = '2013-03-09' AND location_id = 'ewr') OR (dt = '2013-03-08' AND temp_c > 5)",
      ['dt=2013-03-09/', 'dt=2013-03-08/'],
    ],
    [
      "SELECT * FROM observations WHERE dt BETWEEN '2013-03-08' AND '2013-03-09' AND hour IN ('00', '23')",
      [
        'dt=2013-03-08/hour=00/',
        'dt=2013-03-08/hour=23/',
        'dt=2013-03-09/hour=00/',
        'dt=2013-03-09/hour=23/',
      ],
    ],
    [
      "SELECT * FROM observations WHERE dt = date_format(current_date - INTERVAL '1' DAY, '%Y-%m-%d')",
      ['dt=2013-03-09/'],
    ],
    [
      "WITH o AS (SELECT *, lag(temp_c) OVER (PARTITION BY dt ORDER BY hour) AS before FROM observations) SELECT * FROM o WHERE dt = '2013-03-08'",
      ['dt=2013-03-08/'],
    ],
    [
      "SELECT a.temp_c FROM observations a JOIN observations b ON a.dt = b.dt AND b.hour = '00' WHERE a.dt = '2013-03-08' AND a.hour = '07'",
      ['dt=2013-03-08/hour=07/', 'dt=2013-03-08/hour=00/'],
    ],
    [
      "SELECT dt FROM observations WHERE dt = '2013-03-08' UNION ALL SELECT dt FROM observations WHERE dt = '2013-03-10' AND hour = '00'",
      ['dt=2013-03-08/', 'dt=2013-03-10/hour=00/'],
    ],
    ["SELECT * FROM observations WHERE dt = '2013-03-08' AND dt = '2013-03-09'", []],
    [
      "SELECT a.dt FROM observations a LEFT JOIN observations b ON a.dt = b.dt AND b.dt = '2013-03-08' WHERE a.dt = '2013-03-09'",
      ['dt=2013-03-09/'],
    ],
  ])('reads no more than it must: %s', async (sql, prefixes) => {
    expect(await scanned(sql)).toBe(prefixes.reduce((sum, prefix) => sum + sizeOf(prefix), 0));
  });

  it('reaches through views', async () => {
    await succeed('CREATE OR REPLACE VIEW readings AS SELECT dt AS day, hour, temp_c FROM observations');
    expect(await scanned("SELECT * FROM readings WHERE day = '2013-03-09'")).toBe(sizeOf('dt=2013-03-09/'));
  });

  it('never changes a result', async () => {
    const day = fc.constantFrom('2013-03-06', '2013-03-07', '2013-03-08', '2013-03-09', '2013-03-10');
    const leaf = fc.oneof(
      fc
        .tuple(fc.constantFrom('=', '<>', '<', '>=', 'LIKE'), day)
        .map(([operator, one]) => `dt ${operator} '${one}'`),
      fc
        .tuple(fc.constantFrom('=', '<', '>'), fc.constantFrom('00', '07', '12', '23'))
        .map(([operator, hour]) => `hour ${operator} '${hour}'`),
      fc.tuple(day, day).map(([a, b]) => `dt IN ('${a}', '${b}')`),
      fc.tuple(day, day).map(([a, b]) => `dt NOT BETWEEN '${a}' AND '${b}'`),
      fc.constantFrom(
        'temp_c > 10',
        "location_id = 'jfk'",
        'precip_mm IS NULL',
        "substr(dt, 9) = '08'",
        'precip_mm > 0.1',
      ),
    );
    const { condition } = fc.letrec<{ condition: string }>((tie) => ({
      condition: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc
          .tuple(tie('condition'), fc.constantFrom('AND', 'OR'), tie('condition'))
          .map(([a, joint, b]) => `(${a} ${joint} ${b})`),
        tie('condition').map((one) => `NOT ${one}`),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(condition, async (where) => {
        const columns = 'location_id, dt, hour, temp_c';
        const pruned = await query(
          `SELECT ${columns} FROM observations WHERE dt >= '2013-03-01' AND (${where}) ORDER BY 1, 2, 3`,
        );
        // A condition on the partition keys as computed values cannot prune.
        const hidden = where.replace(/\bdt\b/g, 'day').replace(/\bhour\b/g, 'h');
        const whole = await query(
          `SELECT location_id, day, h, temp_c FROM (SELECT *, row_number() OVER () AS n, dt AS day, hour AS h FROM observations) AS o WHERE day >= '2013-03-01' AND (${hidden}) AND n > 0 ORDER BY 1, 2, 3`,
        );
        expect(pruned.rows).toEqual(whole.rows);
      }),
      { numRuns: 12 },
    );
  });

  it('ends a query that would read more than the workgroup allows', async () => {
    cloud.endpoints.objects.put(
      'raw',
      'observations/dt=2013-01-15/hour=00/large.ndjson',
      Buffer.alloc(10_000_001, 'x'),
    );
    expect(await failure("SELECT * FROM observations WHERE dt = '2013-01-15'")).toBe(
      'CANCELLED Query cancelled! : Bytes scanned limit was exceeded',
    );
    cloud.endpoints.objects.delete('raw', 'observations/dt=2013-01-15/hour=00/large.ndjson');
  });
});

describe("Trino's meaning of what DuckDB means otherwise", () => {
  it.each([
    ...MEANINGS,
    ["date_diff('second', localtimestamp, TIMESTAMP '2013-03-10 12:05:00')", '0'],
    ['now()', '2013-03-10 12:05:00.000 UTC'],
  ] as const)('%s is %s', async (expression, expected) => {
    expect(await value(expression)).toBe(expected);
  });

  it('keeps the types of whole numbers', async () => {
    const { columns } = await query(
      'SELECT floor(7) AS a, ceil(CAST(7 AS tinyint)) AS b, sign(CAST(-2 AS smallint)) AS c, floor(CAST(7 AS bigint)) AS d',
    );
    expect(columns.map(({ Type }) => Type)).toEqual(['integer', 'tinyint', 'smallint', 'bigint']);
  });

  it('refuses what would be another text or another instant in Athena', async () => {
    expect(await failure('SELECT CAST(0.5e0 AS varchar)')).toMatch(/a double as text is not the same/);
    expect(await failure("SELECT from_iso8601_timestamp('2013-03-09T07:15:00+02:00')")).toMatch(
      /carries another zone than UTC/,
    );
  });

  it('holds for aggregates', async () => {
    const { rows } = await query(
      "SELECT max_by(a, b), min_by(a, b), count_if(b > 1), arbitrary(c), bool_or(b > 2), every(b > 0), approx_percentile(b, 0.5), max(b) FILTER (WHERE b < 3), sum(b) / 2 FROM (VALUES (1, 1, 'x'), (2, 2, 'x'), (NULL, 3, 'x')) AS t (a, b, c)",
    );
    expect(rows).toEqual([[undefined, '1', '2', 'x', 'true', 'true', '2', '2', '3']]);
  });

  it('holds for expressions over aggregates and windows', async () => {
    const { rows } = await query(
      "SELECT sum(x) / count(*), CAST(sum(x) / 2e0 AS bigint), floor(avg(x)), date_trunc('day', max(t)), max(t) + INTERVAL '1' HOUR, date_add('day', 1, min(t)), date_diff('hour', min(t), max(t)), cardinality(sequence(min(t), max(t), INTERVAL '1' HOUR)), greatest(max(x), min(x)), CAST(max(t) AS varchar) FROM (VALUES (1, TIMESTAMP '2013-03-09 01:00:00'), (4, TIMESTAMP '2013-03-09 03:00:00')) AS v (x, t)",
    );
    expect(rows).toEqual([
      [
        '2',
        '3',
        '2.0',
        '2013-03-09 00:00:00.000',
        '2013-03-09 04:00:00.000',
        '2013-03-10 01:00:00.000',
        '2',
        '3',
        '4',
        '2013-03-09 03:00:00.000',
      ],
    ]);
    const windows = await query(
      "SELECT date_diff('hour', lag(t) OVER (ORDER BY t), t), x / sum(x) OVER (), date_trunc('day', max(t) OVER ()) FROM (VALUES (1, TIMESTAMP '2013-03-09 01:00:00'), (4, TIMESTAMP '2013-03-09 03:00:00')) AS v (x, t) ORDER BY t",
    );
    expect(windows.rows).toEqual([
      [undefined, '0', '2013-03-09 00:00:00.000'],
      ['2', '0', '2013-03-09 00:00:00.000'],
    ]);
  });

  it('makes a grid of hours', async () => {
    const { rows } = await query(
      "SELECT h FROM UNNEST(sequence(TIMESTAMP '2013-03-09 22:00:00', TIMESTAMP '2013-03-10 01:00:00', INTERVAL '1' HOUR)) AS t (h) ORDER BY h DESC",
    );
    expect(rows.map(([h]) => h?.slice(0, 13))).toEqual([
      '2013-03-10 01',
      '2013-03-10 00',
      '2013-03-09 23',
      '2013-03-09 22',
    ]);
  });

  it.each(REFUSED)(
    'compares no text with numbers or times, nor knows output names before ORDER BY: %s',
    async (sql, error) => {
      expect(await failure(sql)).toMatch(error);
    },
  );

  it('tells output names from columns of the same name', async () => {
    const { rows } = await query(
      "WITH a AS (SELECT dt, hour, temp_c AS t FROM observations WHERE dt = '2013-03-09') SELECT upper(a.dt) AS dt, -t AS t, (SELECT max(t) FROM a) AS top FROM a WHERE t > 1 GROUP BY dt, t ORDER BY t, top",
    );
    expect(rows).toEqual([
      ['2013-03-09', '-23.5', '23.5'],
      ['2013-03-09', '-7.5', '23.5'],
    ]);
  });

  it('does not divide decimals, whose result would be another one in Athena', async () => {
    expect(await failure('SELECT 7 / 1000.0')).toMatch(/decimals to the scale of its arguments/);
    expect(await value('7 / 1000e0')).toBe('0.007');
  });
});

describe('statements that Athena does not take', () => {
  it.each([
    ['SELECT x::int FROM t', /line 1:9: /],
    ['SELECT * EXCLUDE (x) FROM t', /line 1:10: /],
    ['SELECT 1 FROM t QUALIFY row_number() OVER () = 1', /line 1:25: /],
    ['FROM t', /not supported/],
    ['INSERT INTO t VALUES (1)', /not supported/],
    ['SELECT', /line 1/],
    ['DROP TABLE "garoa"."t"', /line 1:12: mismatched input '"garoa"'/],
  ])('%s', async (sql, message) => {
    expect(await refusal(sql)).toMatch(message);
  });

  it('are empty ones and those over 262,144 bytes', async () => {
    expect(await refusal(' ')).toMatch(/empty/);
    expect(await refusal(`SELECT '${'x'.repeat(262_144)}'`)).toMatch(/less than or equal to 262144/);
  });

  it('are a CTAS with a location of its own under an enforcing workgroup, and an unknown workgroup', async () => {
    const sql = "CREATE TABLE own WITH (external_location = 's3://raw/own/') AS SELECT 1 AS x";
    expect(await refusal(sql)).toMatch(/Please remove the 'external_location' property/);
    expect(await refusal('SELECT 1', { WorkGroup: 'nobodys' })).toBe('WorkGroup nobodys is not found.');
  });
});

describe('executions', () => {
  it('start once for one token, whatever became of them', async () => {
    const ClientRequestToken = 'token-of-at-least-thirty-two-characters';
    const start = (sql: string) =>
      cloud.athena.send(
        new StartQueryExecutionCommand({ QueryString: sql, WorkGroup: 'garoa-prod', ClientRequestToken }),
      );
    const first = await start('SELECT nope');
    const again = await start('SELECT nope');
    expect(again.QueryExecutionId).toBe(first.QueryExecutionId);
    await expect(start('SELECT 1')).rejects.toThrow('Idempotent parameters do not match');
    expect(await refusal('SELECT 1', { ClientRequestToken: 'too short' })).toMatch(/between 32 and 128/);
  });

  it('can be stopped', async () => {
    const { QueryExecutionId } = await cloud.athena.send(
      new StartQueryExecutionCommand({
        QueryString:
          'SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a (x) CROSS JOIN UNNEST(sequence(1, 100000)) AS b (y) WHERE sin(x) > cos(y)',
        WorkGroup: 'garoa-prod',
      }),
    );
    const running = await cloud.athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    expect(running.QueryExecution?.Status?.State).toBe('RUNNING');
    await cloud.athena.send(new StopQueryExecutionCommand({ QueryExecutionId }));
    expect((await ended(QueryExecutionId)).Status?.State).toBe('CANCELLED');
  });

  it('run side by side without mixing their tables', async () => {
    const days = ['2013-03-07', '2013-03-08', '2013-03-09', '2013-03-10'];
    const results = await Promise.all(
      days.map((dt) =>
        query(`SELECT min(dt) AS a, max(dt) AS b, count(*) AS n FROM observations WHERE dt = '${dt}'`),
      ),
    );
    expect(results.map(({ rows }) => rows)).toEqual(days.map((dt) => [[dt, dt, '6']]));
  });

  it('tell times by the virtual clock, and what kind of statement they ran', async () => {
    const execution = await succeed('SELECT 1');
    expect(execution.Status?.SubmissionDateTime).toEqual(NOW);
    expect(execution).toMatchObject({
      StatementType: 'DML',
      SubstatementType: 'SELECT',
      WorkGroup: 'garoa-prod',
    });
    await expect(
      cloud.athena.send(new GetQueryExecutionCommand({ QueryExecutionId: 'nobody' })),
    ).rejects.toThrow(InvalidRequestException);
  });
});

describe('CREATE TABLE AS', () => {
  const byDay = `WITH (format = 'PARQUET', write_compression = 'SNAPPY', partitioned_by = ARRAY['dt'], bucketed_by = ARRAY['location_id'], bucket_count = 1)`;

  it('writes one file a partition and bucket to a place of its own, lists them, and enters the table', async () => {
    const execution = await succeed(
      `CREATE TABLE garoa.staged ${byDay} AS SELECT location_id, CAST(substr(observed_at, 1, 10) AS timestamp) AS hour, sum(CAST(temp_c AS bigint)) AS total, dt FROM observations WHERE dt BETWEEN '2013-03-08' AND '2013-03-09' GROUP BY 1, 2, dt ORDER BY dt, location_id DESC`,
    );
    const id = execution.QueryExecutionId;
    expect(execution.ResultConfiguration?.OutputLocation).toBe(`s3://results/tables/${id}`);
    const files = await manifestOf(execution);
    expect(files).toHaveLength(2);
    expect(files[0]).toMatch(new RegExp(`^s3://results/tables/${id}/dt=2013-03-08/\\w+_bucket-00000$`));
    expect(files.every((uri) => existsSync(pathOf(uri)))).toBe(true);
    const { rows, columns } = await query('SELECT * FROM garoa.staged');
    expect(rows).toEqual([
      ['jfk', '2013-03-08 00:00:00.000', '33', '2013-03-08'],
      ['ewr', '2013-03-08 00:00:00.000', '33', '2013-03-08'],
      ['jfk', '2013-03-09 00:00:00.000', '33', '2013-03-09'],
      ['ewr', '2013-03-09 00:00:00.000', '33', '2013-03-09'],
    ]);
    expect(columns.map(({ Type }) => Type)).toEqual(['varchar', 'timestamp', 'bigint', 'varchar']);
    const oneDay = await query("SELECT count(*) FROM garoa.staged WHERE dt = '2013-03-09'");
    expect(oneDay.execution.Statistics?.DataScannedInBytes).toBe(readFileSync(pathOf(files[1] ?? '')).length);
  });

  it('spreads rows over buckets so that equal values stay together', async () => {
    const execution = await succeed(
      `CREATE TABLE buckets WITH (format = 'PARQUET', bucketed_by = ARRAY['n'], bucket_count = 4) AS SELECT x % 10 AS n, x FROM UNNEST(sequence(1, 100)) AS t (x)`,
    );
    const files = await manifestOf(execution);
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThanOrEqual(4);
    expect(await value('(SELECT count(DISTINCT x) FROM buckets)')).toBe('100');
  });

  it('writes no file when there are no rows, and an empty manifest', async () => {
    const execution = await succeed(
      `CREATE TABLE nothing ${byDay} AS SELECT location_id, dt FROM observations WHERE dt = '2013-03-01'`,
    );
    expect(await manifestOf(execution)).toEqual([]);
    expect(await value('(SELECT count(*) FROM nothing)')).toBe('0');
  });

  it.each([
    "date_add('hour', 1, CAST(substr(observed_at, 1, 10) AS timestamp))",
    "TIMESTAMP '2013-01-01 00:00:00' + INTERVAL '1' HOUR",
    "CAST(TIMESTAMP '2013-01-01 00:00:00' AS timestamp(3))",
    'localtimestamp',
    "CASE WHEN temp_c > 0 THEN CAST('2013-01-01' AS timestamp) END",
  ])('takes timestamps of milliseconds: %s', async (value) => {
    await succeed(
      `CREATE TABLE in_milliseconds AS WITH a AS (SELECT ${value} AS t FROM observations WHERE dt = '2013-03-08') SELECT max(b.t) AS t FROM (SELECT * FROM a UNION ALL SELECT * FROM a) b`,
    );
    await succeed('DROP TABLE in_milliseconds');
  });

  it('forgets a dropped table, and takes its name again', async () => {
    await succeed('CREATE TABLE brief AS SELECT 1 AS x');
    expect(await failure('CREATE TABLE brief AS SELECT 1 AS x')).toMatch(/TABLE_ALREADY_EXISTS/);
    await succeed('DROP TABLE `garoa`.`brief`');
    await succeed('DROP TABLE IF EXISTS garoa.brief');
    expect(await failure('DROP TABLE garoa.brief')).toMatch(/TABLE_NOT_FOUND/);
    await succeed('CREATE TABLE brief AS SELECT 1 AS x');
  });

  it.each([
    ['CREATE TABLE no.x AS SELECT 1 AS a', /SCHEMA_NOT_FOUND/],
    [
      "CREATE TABLE x WITH (partitioned_by = ARRAY['dt']) AS SELECT '2013' AS dt, 1 AS a",
      /HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns/,
    ],
    [
      "CREATE TABLE x WITH (partitioned_by = ARRAY['day']) AS SELECT 1 AS a, 2 AS dt",
      /Partition columns \[day\] not present/,
    ],
    [
      "CREATE TABLE x WITH (partitioned_by = ARRAY['n']) AS SELECT 1 AS a, n FROM UNNEST(sequence(1, 101)) AS t (n)",
      /HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100/,
    ],
    ["CREATE TABLE x WITH (colour = 'red') AS SELECT 1 AS a", /table property 'colour' does not exist/],
    ["CREATE TABLE x WITH (format = 'ORC') AS SELECT 1 AS a", /NOT_SUPPORTED/],
    ["CREATE TABLE x WITH (bucketed_by = ARRAY['a']) AS SELECT 1 AS a", /bucket_count must appear together/],
    ...['CAST(NULL AS timestamp)', '1.5', 'CAST(NULL AS varbinary)'].map((key): [string, RegExp] => [
      `CREATE TABLE x WITH (bucketed_by = ARRAY['k'], bucket_count = 1) AS SELECT ${key} AS k, 1 AS a`,
      /NOT_SUPPORTED: Cannot create a table bucketed on an unsupported type/,
    ]),
    ...[
      ["TIMESTAMP '2013-01-01 00:00:00'", 0],
      ["date_trunc('day', TIMESTAMP '2013-01-01 00:00:00')", 0],
      ["max(TIMESTAMP '2013-01-01 00:00:00.25')", 2],
      ['CAST(localtimestamp AS timestamp(6))', 6],
    ].map(([value, precision]): [string, RegExp] => [
      `CREATE TABLE x AS SELECT t, 1 AS a FROM (SELECT ${value} AS t) one`,
      new RegExp(
        `NOT_SUPPORTED: Incorrect timestamp precision for timestamp\\(${precision}\\); the configured precision is MILLISECONDS; column name: t`,
      ),
    ]),
    ['CREATE TABLE x AS SELECT 1', /MISSING_COLUMN_NAME/],
    ['CREATE TABLE x AS SELECT 1 AS a, 2 AS A', /DUPLICATE_COLUMN_NAME/],
    ['CREATE TABLE x AS SELECT now() AS a', /Unsupported Hive type/],
  ])('fails: %s', async (sql, reason) => {
    expect(await failure(sql)).toMatch(reason);
    expect(await failure('SELECT * FROM x')).toMatch(/TABLE_NOT_FOUND/);
  });
});

describe('views', () => {
  /** The test deployment with views of these texts in a database of their own. */
  const declaring = (views: Readonly<Record<string, string>>) => ({
    ...RESOURCES,
    databases: [
      ...RESOURCES.databases,
      {
        name: 'views',
        tables: Object.entries(views).map(([name, viewOriginalText]) => ({
          name,
          type: 'VIRTUAL_VIEW' as const,
          columns: [{ name: 'place', type: 'string' }],
          partitionKeys: [],
          parameters: { presto_view: 'true' },
          viewOriginalText,
        })),
      },
    ],
  });
  const view = (definition: object = {}) => {
    const whole = {
      originalSql:
        "SELECT upper(location_id) AS place FROM observations WHERE dt = '2013-03-09' AND hour = '07'",
      catalog: 'awsdatacatalog',
      schema: 'garoa',
      columns: [{ name: 'place', type: 'varchar' }],
      runAsInvoker: true,
      ...definition,
    };
    return `/* Presto View: ${Buffer.from(JSON.stringify(whole)).toString('base64')} */`;
  };

  it('are created, replaced, used and refused like tables', async () => {
    await succeed(
      "CREATE VIEW garoa.rainy AS SELECT location_id AS place, count(*) AS n FROM observations WHERE precip_mm > 0.1e0 AND dt = '2013-03-09' GROUP BY location_id",
    );
    expect((await query('SELECT * FROM garoa.rainy')).rows).toEqual([['jfk', '3']]);
    expect(await failure('CREATE VIEW rainy AS SELECT 1 AS x')).toMatch(/TABLE_ALREADY_EXISTS/);
    await succeed('CREATE OR REPLACE VIEW rainy AS SELECT 1 AS x');
    expect((await query('SELECT * FROM rainy')).rows).toEqual([['1']]);
    expect(await failure('CREATE VIEW broken AS SELECT nope FROM observations')).toMatch(/COLUMN_NOT_FOUND/);
    await succeed('DROP VIEW rainy');
    expect(await failure('SELECT * FROM rainy')).toMatch(/TABLE_NOT_FOUND/);
  });

  it('come from the stack as Glue keeps them: base64 JSON in a comment', async () => {
    const shared = cloud;
    cloud = await startTestCloud({ resources: declaring({ places: view() }) });
    const key = 'observations/dt=2013-03-09/hour=07/0715-weatherapi.ndjson.gz';
    cloud.endpoints.objects.put('raw', key, ndjson([{ location_id: 'jfk' }]));
    try {
      expect((await query('SELECT place FROM views.places')).rows).toEqual([['JFK']]);
    } finally {
      await cloud.close();
      cloud = shared;
    }
    await expect(startTestCloud({ resources: declaring({ places: 'SELECT 1' }) })).rejects.toThrow(
      'View places',
    );
  });

  it('of the stack are refused when Trino could not run them, or they are not what their query gives', async () => {
    const two =
      "SELECT location_id AS place, count(*) AS n, max(CAST(observed_at AS timestamp)) AS last FROM observations WHERE dt = '2013-03-09' GROUP BY location_id";
    const columns = (place: string, n: string, last: string) => [
      { name: 'place', type: place },
      { name: 'n', type: n },
      { name: 'last', type: last },
    ];
    const stale = (reason: string) =>
      `VIEW_IS_STALE: line 1:15: View 'awsdatacatalog.views.v' is stale or in invalid state: ${reason}`;
    const cases: readonly (readonly [object, string | undefined])[] = [
      [{ columns: columns('varchar', 'bigint', 'timestamp(3)') }, undefined],
      [{ columns: columns('varchar', 'bigint', 'timestamp') }, undefined],
      [
        { columns: columns('varchar', 'bigint', 'timestamp(3)'), runAsInvoker: false, owner: 'me' },
        undefined,
      ],
      [
        { columns: columns('varchar', 'bigint', 'timestamp(3)'), runAsInvoker: false },
        'INVALID_VIEW: Run-as identity must be set for a run-as definer view: awsdatacatalog.views.v',
      ],
      [
        { columns: columns('string', 'bigint', 'timestamp(3)') },
        "INVALID_VIEW: line 1:15: Unknown type 'type:[string]' for column 'place' in view: awsdatacatalog.views.v",
      ],
      [
        { columns: columns('varchar', 'integer', 'timestamp(3)') },
        stale(
          'column [n] of type bigint projected from query view at position 1 cannot be coerced to column [n] of type integer stored in view definition',
        ),
      ],
      [
        { columns: columns('varchar', 'bigint', 'timestamp(0)') },
        stale(
          'column [last] of type timestamp(3) projected from query view at position 2 cannot be coerced to column [last] of type timestamp(0) stored in view definition',
        ),
      ],
      [
        { columns: columns('varchar', 'double', 'timestamp(3)') },
        'NOT_SUPPORTED: View views.v stores n as double, and its query gives bigint: the conversion is not made here. Cast in the query.',
      ],
      [
        { columns: columns('varchar', 'bigint', 'timestamp(3)').slice(1) },
        stale(
          'stored view column count (2) does not match column count derived from the view query analysis (3)',
        ),
      ],
      [
        {
          columns: columns('varchar', 'bigint', 'timestamp(3)').map((one) => ({
            ...one,
            name: `${one.name}s`,
          })),
        },
        stale(
          'column [place] of type varchar projected from query view at position 0 has a different name from column [places] of type varchar stored in view definition',
        ),
      ],
      [
        {
          originalSql: 'SELECT upper(location_id) FROM observations',
          columns: [{ name: 'place', type: 'varchar' }],
        },
        stale('a column of type varchar projected from query view at position 0 has no name'),
      ],
    ];
    const shared = cloud;
    for (const [definition, reason] of cases) {
      cloud = await startTestCloud({
        resources: declaring({ v: view({ originalSql: two, ...definition }) }),
      });
      try {
        const { Status } = await execute('SELECT * FROM views.v');
        expect(Status?.StateChangeReason).toBe(reason);
      } finally {
        await cloud.close();
        cloud = shared;
      }
    }
  });

  it('are listed with the tables', async () => {
    const { rows, header } = await query('SHOW TABLES IN garoa');
    expect([header, ...rows].flat()).toEqual(expect.arrayContaining(['hourly_observations', 'observations']));
  });
});
