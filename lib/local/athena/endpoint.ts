import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { WorkgroupResource } from '../assembly/resources';
import type { Caller } from '../iam/access';
import type { ObjectStore } from '../s3/object-store';
import { jsonService, ServiceError } from '../wire/json-protocol';
import type { Service } from '../wire/service-server';
import { athenaError } from './athena-errors';
import type { AthenaEngine } from './engine';
import { requireTrinoGrammar } from './grammar';
import { OnBehalf } from './on-behalf';
import {
  BytesScannedCutoff,
  type ExecutionProgress,
  type ExecutionRequest,
  type ResultColumn,
  resultLocation,
  s3Address,
} from './query';
import { StatementRefused } from './query-failure';
import { readResult } from './results';
import { parseStatement, type Statement } from './statement';

const MAXIMUM_QUERY_BYTES = 262_144;
const MAXIMUM_PAGE = 1_000;
/** Queries that run at the same time; others wait as QUEUED. */
const MAXIMUM_RUNNING = 4;
/** Executions that are remembered; Athena keeps them for 45 days. */
const MAXIMUM_REMEMBERED = 5_000;
/** GetQueryExecution waits this long for a running query to end: a poll then costs no more than the query does. */
const LONGEST_WAIT_MS = 200;

const startInput = z.object({
  QueryString: z.string(),
  ClientRequestToken: z.string().optional(),
  QueryExecutionContext: z.object({ Database: z.string().optional() }).optional(),
  ResultConfiguration: z.object({ OutputLocation: z.string().optional() }).optional(),
  WorkGroup: z.string().default('primary'),
  ExecutionParameters: z.array(z.string()).optional(),
});
const idInput = z.object({ QueryExecutionId: z.string() });
const resultsInput = idInput.extend({
  MaxResults: z.int().min(1).max(MAXIMUM_PAGE).default(MAXIMUM_PAGE),
  NextToken: z.string().optional(),
});

type State = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/** One execution and what became of it. */
export interface QueryExecutionRecord {
  readonly id: string;
  readonly sql: string;
  readonly workgroup: string;
  readonly state: State;
  readonly bytesScanned: number;
  readonly milliseconds: number;
  readonly reason?: string;
}

interface Execution extends ExecutionRequest {
  readonly token: string | undefined;
  readonly submitted: Date;
  readonly started: number;
  readonly stop: AbortController;
  readonly progress: ExecutionProgress;
  readonly ended: Promise<void>;
  state: State;
  columns: readonly ResultColumn[];
  manifestLocation: string | undefined;
  completed: Date | undefined;
  milliseconds: number;
  failure: { readonly reason: string; readonly category: number; readonly retryable: boolean } | undefined;
}

export interface Athena extends Service {
  /** The executions that are remembered, oldest first. */
  executions(): readonly QueryExecutionRecord[];
  /** Stops what runs and waits for it. */
  stop(): Promise<void>;
}

/** Athena's query API over the engine: executions with their states, idempotent starts, paged results. */
export function athenaService(options: {
  readonly engine: AthenaEngine;
  readonly store: ObjectStore;
  readonly workgroups: readonly WorkgroupResource[];
  readonly region: string;
  readonly account: string;
  readonly now: () => Date;
}): Athena {
  const { engine, store, now } = options;
  const executions = new Map<string, Execution>();
  const byToken = new Map<string, Execution>();
  const waiting: (() => void)[] = [];
  let running = 0;

  function workgroup(name: string): WorkgroupResource {
    const found = options.workgroups.find((one) => one.name === name);
    if (found === undefined) {
      throw invalid(`WorkGroup ${name} is not found.`);
    }
    return found;
  }

  function require(caller: Caller, action: string, name: string): void {
    caller.require(
      `athena:${action}`,
      `arn:aws:athena:${options.region}:${options.account}:workgroup/${name}`,
    );
  }

  /** The execution, for a caller who may do this with those of its workgroup. */
  function find(caller: Caller, action: string, id: string): Execution {
    const found = executions.get(id);
    if (found === undefined) {
      throw invalid(`QueryExecution ${id} was not found`, 'INVALID_INPUT');
    }
    require(caller, action, found.workgroup.name);
    return found;
  }

  function start(input: z.infer<typeof startInput>, caller: Caller): Execution {
    const token = input.ClientRequestToken;
    if (token !== undefined && (token.length < 32 || token.length > 128)) {
      throw invalid(
        `1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member must have length between 32 and 128`,
      );
    }
    const group = workgroup(input.WorkGroup);
    require(caller, 'StartQueryExecution', group.name);
    const sql = input.QueryString;
    const database = input.QueryExecutionContext?.Database?.toLowerCase() ?? 'default';
    const present = token === undefined ? undefined : byToken.get(token);
    if (present !== undefined) {
      if (present.sql !== sql || present.database !== database || present.workgroup !== group) {
        throw invalid('Idempotent parameters do not match');
      }
      return present;
    }
    const statement = parse(sql, input.ExecutionParameters, group);
    const stop = new AbortController();
    const outputLocation = input.ResultConfiguration?.OutputLocation;
    let end: () => void = () => undefined;
    const execution: Execution = {
      id: randomUUID(),
      sql,
      statement,
      database,
      // A workgroup that does not enforce its settings leaves the place to the client.
      workgroup:
        group.enforceConfiguration || outputLocation === undefined ? group : { ...group, outputLocation },
      behalf: new OnBehalf(caller.via('athena.amazonaws.com'), options),
      token,
      stop,
      signal: stop.signal,
      submitted: now(),
      started: performance.now(),
      progress: { bytesScanned: 0 },
      ended: new Promise((resolve) => {
        end = resolve;
      }),
      state: 'QUEUED',
      columns: [],
      manifestLocation: undefined,
      completed: undefined,
      milliseconds: 0,
      failure: undefined,
    };
    executions.set(execution.id, execution);
    forgetOldest();
    if (token !== undefined) {
      byToken.set(token, execution);
    }
    run(execution).finally(end);
    return execution;
  }

  function forgetOldest(): void {
    const [oldest] = executions.values();
    if (executions.size > MAXIMUM_REMEMBERED && oldest?.completed !== undefined) {
      executions.delete(oldest.id);
      byToken.delete(oldest.token ?? '');
    }
  }

  async function run(execution: Execution): Promise<void> {
    if (running >= MAXIMUM_RUNNING) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running += 1;
    try {
      execution.signal.throwIfAborted();
      execution.state = 'RUNNING';
      const outcome = await engine.execute(execution, execution.progress);
      execution.columns = outcome.columns;
      execution.manifestLocation = outcome.manifestLocation;
      finish(execution, 'SUCCEEDED');
    } catch (error) {
      if (execution.signal.aborted) {
        finish(execution, 'CANCELLED', { reason: 'Query cancelled by user', category: 2, retryable: false });
      } else if (error instanceof BytesScannedCutoff) {
        finish(execution, 'CANCELLED', { reason: error.message, category: 2, retryable: false });
      } else {
        const failure = athenaError(error);
        const category = failure.category === 'system' ? 1 : 2;
        finish(execution, 'FAILED', { reason: failure.message, category, retryable: failure.retryable });
      }
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  }

  function finish(execution: Execution, state: State, failure?: Execution['failure']): void {
    execution.failure = failure;
    execution.completed = now();
    execution.milliseconds = Math.round(performance.now() - execution.started);
    execution.state = state;
  }

  const service = jsonService({
    name: 'athena',
    subject: (input) => {
      const parsed = z
        .object({ QueryString: z.string().optional(), QueryExecutionId: z.string().optional() })
        .catch({})
        .parse(input);
      return parsed.QueryString ?? executions.get(parsed.QueryExecutionId ?? '')?.sql ?? '';
    },
    throttleError: 'TooManyRequestsException',
    serverError: 'InternalServerException',
    operations: {
      StartQueryExecution: (input, caller) => ({
        QueryExecutionId: start(startInput.parse(input), caller).id,
      }),
      async GetQueryExecution(input, caller) {
        const execution = find(caller, 'GetQueryExecution', idInput.parse(input).QueryExecutionId);
        await within(execution.ended, LONGEST_WAIT_MS);
        return { QueryExecution: describe(execution) };
      },
      StopQueryExecution(input, caller) {
        find(caller, 'StopQueryExecution', idInput.parse(input).QueryExecutionId).stop.abort();
        return {};
      },
      GetQueryResults(input, caller) {
        const { QueryExecutionId, MaxResults, NextToken } = resultsInput.parse(input);
        const execution = find(caller, 'GetQueryResults', QueryExecutionId);
        const { bucket, key } = s3Address(resultLocation(execution));
        // The caller's own permission: https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
        caller.require('s3:GetObject', `arn:aws:s3:::${bucket}/${key}`);
        return results(store, execution, MaxResults, NextToken);
      },
    },
  });

  return {
    ...service,
    executions: () =>
      [...executions.values()].map((one) => ({
        id: one.id,
        sql: one.sql,
        workgroup: one.workgroup.name,
        state: one.state,
        bytesScanned: one.progress.bytesScanned,
        milliseconds: one.milliseconds,
        ...(one.failure === undefined ? {} : { reason: one.failure.reason }),
      })),
    async stop() {
      for (const execution of executions.values()) {
        execution.stop.abort();
      }
      await Promise.all([...executions.values()].map(({ ended }) => ended));
    },
  };
}

function parse(sql: string, parameters: readonly string[] | undefined, group: WorkgroupResource): Statement {
  if (sql.trim() === '') {
    throw invalid('Query cannot be empty');
  }
  if (Buffer.byteLength(sql) > MAXIMUM_QUERY_BYTES) {
    throw invalid(
      `1 validation error detected: Value at 'queryString' failed to satisfy constraint: Member must have length less than or equal to ${MAXIMUM_QUERY_BYTES}`,
    );
  }
  if (parameters !== undefined) {
    throw invalid('Execution parameters are not emulated: put literals into the query.');
  }
  try {
    const statement = parseStatement(sql);
    if ('query' in statement) {
      requireTrinoGrammar(statement.kind === 'select' ? sql.replace(/;\s*$/, '') : sql);
    }
    if (
      statement.kind === 'createTableAs' &&
      statement.properties.has('external_location') &&
      group.enforceConfiguration
    ) {
      throw new StatementRefused(
        "The Create Table As Select query failed because it was submitted with an 'external_location' property to an Athena Workgroup that enforces a centralized output location for all queries. Please remove the 'external_location' property and resubmit the query.",
      );
    }
    return statement;
  } catch (error) {
    if (error instanceof StatementRefused) {
      throw invalid(error.message, 'MALFORMED_QUERY');
    }
    throw error;
  }
}

function invalid(message: string, code?: string): ServiceError {
  return new ServiceError(
    'InvalidRequestException',
    message,
    400,
    code === undefined ? {} : { AthenaErrorCode: code },
  );
}

function describe(execution: Execution): Record<string, unknown> {
  const { failure, statement } = execution;
  const [statementType, substatementType] = statementTypes(statement);
  return {
    QueryExecutionId: execution.id,
    Query: execution.sql,
    StatementType: statementType,
    SubstatementType: substatementType,
    WorkGroup: execution.workgroup.name,
    QueryExecutionContext: { Database: execution.database, Catalog: 'awsdatacatalog' },
    ResultConfiguration: { OutputLocation: resultLocation(execution) },
    EngineVersion: { SelectedEngineVersion: 'AUTO', EffectiveEngineVersion: 'Athena engine version 3' },
    Status: {
      State: execution.state,
      SubmissionDateTime: execution.submitted.getTime() / 1000,
      CompletionDateTime:
        execution.completed === undefined ? undefined : execution.completed.getTime() / 1000,
      StateChangeReason: failure?.reason,
      AthenaError:
        failure === undefined
          ? undefined
          : {
              ErrorCategory: failure.category,
              ErrorType: failure.category === 1 ? 2 : 1006,
              Retryable: failure.retryable,
              ErrorMessage: failure.reason,
            },
    },
    Statistics: {
      DataScannedInBytes: execution.progress.bytesScanned,
      EngineExecutionTimeInMillis: execution.milliseconds,
      TotalExecutionTimeInMillis: execution.milliseconds,
      QueryQueueTimeInMillis: 0,
      DataManifestLocation: execution.manifestLocation,
    },
  };
}

function statementTypes(statement: Statement): readonly [string, string] {
  switch (statement.kind) {
    case 'select':
      return ['DML', 'SELECT'];
    case 'createTableAs':
      return ['DDL', 'CREATE_TABLE_AS_SELECT'];
    case 'createView':
      return ['DDL', 'CREATE_VIEW'];
    case 'drop':
      return ['DDL', statement.what === 'table' ? 'DROP_TABLE' : 'DROP_VIEW'];
    case 'describe':
      return ['UTILITY', 'DESCRIBE_TABLE'];
    case 'showTables':
      return ['UTILITY', 'SHOW_TABLES'];
    case 'showDatabases':
      return ['UTILITY', 'SHOW_DATABASES'];
  }
}

/** A page of the result object; the token is the byte at which the next one begins. */
function results(
  store: ObjectStore,
  execution: Execution,
  limit: number,
  token: string | undefined,
): Record<string, unknown> {
  if (execution.state !== 'SUCCEEDED') {
    throw invalid(
      execution.state === 'QUEUED' || execution.state === 'RUNNING'
        ? `Query has not yet finished. Current state: ${execution.state}`
        : `Query did not finish successfully. Final query state: ${execution.state}`,
      'INVALID_QUERY_EXECUTION_STATE',
    );
  }
  const metadata = { ColumnInfo: execution.columns.map(columnInfo) };
  if (execution.columns.length === 0) {
    return { UpdateCount: 0, ResultSet: { Rows: [], ResultSetMetadata: metadata } };
  }
  const { bucket, key } = s3Address(resultLocation(execution));
  const object = store.head(bucket, key);
  if (object === undefined) {
    throw invalid(`Could not find results at ${resultLocation(execution)}`, 'INVALID_INPUT');
  }
  if (execution.statement.kind !== 'select') {
    const lines = store.read(object).toString('utf8').split('\n').slice(0, -1);
    return {
      ResultSet: {
        Rows: lines.map((line) => ({ Data: [{ VarCharValue: line }] })),
        ResultSetMetadata: metadata,
      },
    };
  }
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(from) || from < 0 || from > object.size) {
    throw invalid('Invalid NextToken', 'INVALID_INPUT');
  }
  const page = readResult(object.path, from, limit);
  return {
    UpdateCount: 0,
    NextToken: page.next === undefined ? undefined : String(page.next),
    ResultSet: {
      Rows: page.rows.map((row) => ({
        Data: row.map((cell) => (cell === undefined ? {} : { VarCharValue: cell })),
      })),
      ResultSetMetadata: metadata,
    },
  };
}

const PRECISIONS: Readonly<Record<string, number>> = {
  boolean: 0,
  tinyint: 3,
  smallint: 5,
  integer: 10,
  bigint: 19,
  float: 17,
  double: 17,
  date: 0,
  timestamp: 3,
  varchar: 2_147_483_647,
};

function columnInfo({ name, type }: ResultColumn): Record<string, unknown> {
  return {
    CatalogName: 'hive',
    SchemaName: '',
    TableName: '',
    Name: name,
    Label: name,
    Type: type,
    Precision: PRECISIONS[type] ?? 0,
    Scale: 0,
    Nullable: 'UNKNOWN',
    CaseSensitive: type === 'varchar',
  };
}

async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
