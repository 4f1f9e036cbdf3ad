import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DatabaseResource } from '../assembly/resources';
import type { ObjectStore } from '../s3/object-store';
import { Catalogue } from './catalogue';
import { createTableAs } from './ctas';
import { MACRO_STATEMENTS } from './functions';
import { Planner, TRINO_SETTINGS } from './planner';
import {
  type EngineContext,
  type ExecutionOutcome,
  type ExecutionProgress,
  type ExecutionRequest,
  requireNames,
  resultLocation,
  s3Address,
  withQuery,
} from './query';
import { QueryFailure } from './query-failure';
import { writeResult } from './results';
import { TableScans } from './scan';
import type { Statement } from './statement';

/** Of all queries together; what is more is spilled. It leaves a retraining of seventeen years below 3 GiB in all. */
const MEMORY_LIMIT = '640MB';

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
      scans: new TableScans(join(options.directory, 'athena-lines')),
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
    const { statement, database, behalf } = request;
    const { catalogue, store } = this.context;
    behalf.beginning(s3Address(resultLocation(request)).bucket, database);
    switch (statement.kind) {
      case 'select':
        return withQuery(this.context, request, statement.query, progress, async (prepared) => ({
          columns: await writeResult(store, prepared, this.resultPlace(request)),
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
        behalf.dropsTable({ database: statement.name.database ?? database, table: statement.name.table });
        catalogue.remove(statement.name, database);
        return this.writeLines(request, []);
      }
      case 'showDatabases':
        behalf.listsDatabases();
        return this.writeLines(request, catalogue.databaseNames(), 'database_name');
      case 'showTables':
        behalf.listsTables(statement.database ?? database);
        return this.writeLines(request, catalogue.tableNames(statement.database ?? database), 'tab_name');
      case 'describe': {
        const found = catalogue.find(statement.name, database);
        if (found === undefined || !('glue' in found)) {
          throw new QueryFailure('TABLE_NOT_FOUND', `Table not found ${statement.name.table}`);
        }
        const { columns, partitionKeys } = found.glue;
        behalf.readsTable({ database: found.database, table: found.glue.name });
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
    const named = { database: name.database ?? request.database, table: name.table };
    if (present === undefined) request.behalf.createsTable(named, false);
    else request.behalf.replacesView(named);
    catalogue.addView(name, request.database, await planner.parse(query.text), columns);
    return this.writeLines(request, []);
  }

  /** Where the result goes, for a caller who may write there. */
  private resultPlace(request: ExecutionRequest): string {
    const location = resultLocation(request);
    const { bucket, key } = s3Address(location);
    request.behalf.writesObject(bucket, key);
    return location;
  }

  private writeLines(request: ExecutionRequest, lines: readonly string[], column?: string): ExecutionOutcome {
    const { bucket, key } = s3Address(this.resultPlace(request));
    this.context.store.put(bucket, key, lines.map((line) => `${line}\n`).join(''));
    return { columns: column === undefined ? [] : [{ name: column, type: 'string' }] };
  }
}
