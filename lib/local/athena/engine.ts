import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { DatabaseResource, WorkgroupResource } from '../assembly/resources';
import type { ObjectStore } from '../s3/object-store';
import { requireNoAliasUse } from './aliases';
import { Catalogue, type TableUse } from './catalogue';
import { createTableAs } from './ctas';
import { translate, withoutTypeChecks, withTypeChecks } from './dialect';
import { MACRO_STATEMENTS } from './functions';
import { Planner, TRINO_SETTINGS } from './planner';
import { QueryFailure } from './query-failure';
import { type ResultColumn, writeResult } from './results';
import { filesAt, TableScans } from './scan';
import { positionOf, type QueryText, type Statement } from './statement';
import { children, locationOf, type SyntaxNode, text } from './syntax-tree';

const MEMORY_LIMIT = '1GB';

export interface ExecutionRequest {
  readonly id: string;
  readonly sql: string;
  readonly statement: Statement;
  /** Database of unqualified names. */
  readonly database: string;
  readonly workgroup: WorkgroupResource;
  /** Aborted when the query is stopped. */
  readonly signal: AbortSignal;
}

export interface ExecutionOutcome {
  readonly columns: readonly ResultColumn[];
  readonly manifestLocation?: string;
}

/** What is known of a query before it ends; the caller keeps it for statistics. */
export interface ExecutionProgress {
  bytesScanned: number;
}

/** Everything that a statement works on. */
export interface EngineContext {
  readonly store: ObjectStore;
  readonly catalogue: Catalogue;
  readonly planner: Planner;
  readonly now: () => Date;
  readonly connect: () => Promise<DuckDBConnection>;
  readonly scans: TableScans;
}

/** Over the workgroup's cut-off: Athena cancels such a query. */
export class BytesScannedCutoff extends Error {}

/** A query made ready: translated, its relations defined on the connection. */
export interface PreparedQuery {
  readonly sql: string;
  readonly connection: DuckDBConnection;
  /** Output columns without a name of their own, by position from 0. */
  readonly unnamed: readonly number[];
}

/**
 * Runs Athena's statements on DuckDB over the objects' own files.
 *
 * Each query has a connection of its own, so several run at once; each runs on one thread, since sums of doubles
 * depend on the order in which threads add them and a run must give the same digits every time.
 */
export class AthenaEngine {
  private constructor(
    private readonly instance: DuckDBInstance,
    readonly context: EngineContext,
  ) {}

  static async create(options: {
    readonly store: ObjectStore;
    readonly databases: readonly DatabaseResource[];
    readonly directory: string;
    readonly now: () => Date;
  }): Promise<AthenaEngine> {
    const planner = await Planner.create();
    const catalogue = await Catalogue.of(options.databases, (sql) => planner.parse(sql)).catch(
      (error: unknown) => {
        planner.close();
        throw error;
      },
    );
    const spill = join(options.directory, 'athena-spill');
    mkdirSync(spill, { recursive: true });
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: MEMORY_LIMIT,
      temp_directory: spill,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    for (const statement of [...TRINO_SETTINGS, ...MACRO_STATEMENTS]) {
      await connection.run(statement);
    }
    connection.closeSync();
    return new AthenaEngine(instance, {
      store: options.store,
      catalogue,
      planner,
      now: options.now,
      scans: new TableScans(),
      connect: async () => {
        const made = await instance.connect();
        for (const statement of TRINO_SETTINGS) {
          await made.run(statement);
        }
        return made;
      },
    });
  }

  close(): void {
    this.context.planner.close();
    this.instance.closeSync();
  }

  /** @throws QueryFailure, BytesScannedCutoff, or DuckDB's error, which `athenaError` words. */
  async execute(request: ExecutionRequest, progress: ExecutionProgress): Promise<ExecutionOutcome> {
    const { statement, database } = request;
    const { catalogue, store } = this.context;
    switch (statement.kind) {
      case 'select':
        return withQuery(this.context, request, statement.query, progress, async (prepared) => ({
          columns: await writeResult(store, prepared, resultLocation(request)),
        }));
      case 'createTableAs':
        return createTableAs(this.context, request, statement, progress);
      case 'createView':
        return this.createView(request, statement, progress);
      case 'drop': {
        const found = catalogue.find(statement.name, database);
        if (found === undefined && !statement.ifExists) {
          const name = `${statement.name.database ?? database}.${statement.name.table}`;
          throw new QueryFailure(
            'TABLE_NOT_FOUND',
            `line 1:1: Table 'awsdatacatalog.${name}' does not exist`,
          );
        }
        catalogue.remove(statement.name, database);
        return this.writeLines(request, []);
      }
      case 'showDatabases':
        return this.writeLines(request, catalogue.databaseNames(), 'database_name');
      case 'showTables':
        return this.writeLines(request, catalogue.tableNames(statement.database ?? database), 'tab_name');
      case 'describe': {
        const found = catalogue.find(statement.name, database);
        if (found === undefined || !('glue' in found)) {
          throw new QueryFailure('TABLE_NOT_FOUND', `Table not found ${statement.name.table}`);
        }
        const { columns, partitionKeys } = found.glue;
        return this.writeLines(
          request,
          [...columns, ...partitionKeys].map(({ name, type }) => `${name}\t${type}`),
          'col_name',
        );
      }
    }
  }

  private async createView(
    request: ExecutionRequest,
    statement: Extract<Statement, { kind: 'createView' }>,
    progress: ExecutionProgress,
  ): Promise<ExecutionOutcome> {
    const { catalogue, planner } = this.context;
    const { name, replace, query } = statement;
    const present = catalogue.find(name, request.database);
    if (present !== undefined && (!replace || 'glue' in present)) {
      const full = `awsdatacatalog.${name.database ?? request.database}.${name.table}`;
      throw new QueryFailure('TABLE_ALREADY_EXISTS', `line 1:1: 'Table' already exists: '${full}'`);
    }
    // Made ready like a query, so that a view that could not be read is not created.
    const columns = await withQuery(this.context, request, query, progress, async (prepared) => {
      requireNames(prepared);
      const ready = await prepared.connection.prepare(prepared.sql);
      return Array.from({ length: ready.columnCount }, (_, index) => ready.columnName(index));
    });
    progress.bytesScanned = 0;
    catalogue.addView(name, request.database, await planner.parse(query.text), columns);
    return this.writeLines(request, []);
  }

  private writeLines(request: ExecutionRequest, lines: readonly string[], column?: string): ExecutionOutcome {
    const { bucket, key } = s3Address(resultLocation(request));
    this.context.store.put(bucket, key, lines.map((line) => `${line}\n`).join(''));
    return { columns: column === undefined ? [] : [{ name: column, type: 'string' }] };
  }
}

/**
 * Translates a query, finds the files it needs and defines its relations on a connection of its own, which is
 * given back when `use` has ended. Stopping the query interrupts it.
 */
export async function withQuery<T>(
  context: EngineContext,
  request: ExecutionRequest,
  query: QueryText,
  progress: ExecutionProgress,
  use: (prepared: PreparedQuery) => Promise<T>,
): Promise<T> {
  const { planner, catalogue, store, scans } = context;
  const now = context.now();
  const parsed = await planner.parse(query.text);
  const { tree, unnamed } = nameColumns(parsed);
  const uses: TableUse[] = [];
  const place = (node: SyntaxNode) => positionOf(request.sql, query.offset + locationOf(node));
  const translated = translate(tree, { resolver: catalogue.resolver(request.database, uses), now, place });
  requireNoAliasUse(translated, uses, place);
  const partitions = await planner.partitions(withTypeChecks(translated), uses, now);
  const sql = await planner.print(withoutTypeChecks(translated));
  const read = uses.map((one) => ({
    ...one,
    files: filesAt(store, partitions.get(one.relation) ?? []),
  }));
  progress.bytesScanned = read.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0);
  if (progress.bytesScanned > (request.workgroup.bytesScannedCutoff ?? Number.POSITIVE_INFINITY)) {
    throw new BytesScannedCutoff('Query cancelled! : Bytes scanned limit was exceeded');
  }
  const connection = await context.connect();
  const stop = () => connection.interrupt();
  request.signal.addEventListener('abort', stop);
  try {
    for (const { relation, table, files } of read) {
      await connection.run(`CREATE TEMP VIEW ${relation} AS ${await scans.select(connection, table, files)}`);
    }
    request.signal.throwIfAborted();
    return await use({ sql, connection, unnamed });
  } finally {
    request.signal.removeEventListener('abort', stop);
    connection.closeSync();
  }
}

/** Trino calls an output column without a name `_col<position>`. */
function nameColumns(tree: SyntaxNode): { tree: SyntaxNode; unnamed: number[] } {
  if (text(tree, 'type') === 'SET_OPERATION_NODE') {
    const left = nameColumns(childNode(tree, 'left'));
    return { tree: { ...tree, left: left.tree }, unnamed: left.unnamed };
  }
  const unnamed: number[] = [];
  const list = children(tree, 'select_list').map((item, index) => {
    if (text(item, 'alias') !== '' || ['COLUMN_REF', 'STAR'].includes(text(item, 'class'))) {
      return item;
    }
    unnamed.push(index);
    return { ...item, alias: `_col${index}` };
  });
  return { tree: 'select_list' in tree ? { ...tree, select_list: list } : tree, unnamed };
}

function childNode(tree: SyntaxNode, property: string): SyntaxNode {
  const value = tree[property];
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** @throws QueryFailure when a column of a new table or view has no name. */
export function requireNames(prepared: PreparedQuery): void {
  const [first] = prepared.unnamed;
  if (first !== undefined) {
    throw new QueryFailure(
      'MISSING_COLUMN_NAME',
      `line 1:1: Column name not specified at position ${first + 1}`,
    );
  }
}

/** Where the result of a statement goes, as GetQueryExecution names it. */
export function resultLocation(request: Pick<ExecutionRequest, 'id' | 'statement' | 'workgroup'>): string {
  const base = request.workgroup.outputLocation.replace(/\/?$/, '/');
  switch (request.statement.kind) {
    case 'select':
      return `${base}${request.id}.csv`;
    case 'createTableAs':
      return `${base}tables/${request.id}`;
    default:
      return `${base}${request.id}.txt`;
  }
}

export function s3Address(uri: string): { readonly bucket: string; readonly key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  return { bucket, key };
}
