import type { DuckDBConnection } from '@duckdb/node-api';
import type { WorkgroupResource } from '../assembly/resources';
import type { ObjectStore } from '../s3/object-store';
import type { Catalogue, TableUse, ViewUse } from './catalogue';
import { columnsRead, type OutputColumns, outputColumns } from './columns';
import { translate, withoutTypeChecks, withTypeChecks } from './dialect';
import type { OnBehalf } from './on-behalf';
import type { Planner } from './planner';
import { QueryFailure } from './query-failure';
import { filesAt, type TableScans } from './scan';
import { positionOf, type QueryText, type Statement } from './statement';
import { children, locationOf, type SyntaxNode, text } from './syntax-tree';
import { requireUsable, type ViewOutput } from './views';

export interface ExecutionRequest {
  readonly id: string;
  readonly sql: string;
  readonly statement: Statement;
  /** Database of unqualified names. */
  readonly database: string;
  readonly workgroup: WorkgroupResource;
  /** Asked before anything is read or written that belongs to another service. */
  readonly behalf: OnBehalf;
  /** Aborted when the query is stopped. */
  readonly signal: AbortSignal;
}

export interface ResultColumn {
  readonly name: string;
  /** Athena's name of the type. */
  readonly type: string;
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
  readonly columns: OutputColumns;
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
  const views: ViewUse[] = [];
  const place = (node: SyntaxNode) => positionOf(request.sql, query.offset + locationOf(node));
  const translated = translate(tree, {
    resolver: catalogue.resolver(request.database, uses, views),
    now,
    place,
  });
  for (const { table } of uses) {
    request.behalf.readsTable({ database: table.database, table: table.glue.name });
  }
  for (const { name } of views) {
    const [database = '', table = ''] = name.split('.');
    request.behalf.readsTable({ database, table });
  }
  for (const view of views) {
    requireUsable(view, await viewOutput(context, view, place));
  }
  const columns = outputColumns(translated, uses, place);
  const partitions = await planner.partitions(withTypeChecks(translated), uses, now);
  const sql = await planner.print(withoutTypeChecks(translated));
  const read = uses.map((one) => ({
    ...one,
    files: (partitions.get(one.relation) ?? []).flatMap((location) => {
      const files = filesAt(store, location);
      request.behalf.readsFiles(location, files);
      return files;
    }),
  }));
  progress.bytesScanned = read.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0);
  if (progress.bytesScanned > (request.workgroup.bytesScannedCutoff ?? Number.POSITIVE_INFINITY)) {
    throw new BytesScannedCutoff('Query cancelled! : Bytes scanned limit was exceeded');
  }
  const namesRead = columnsRead(translated);
  const connection = await context.connect();
  try {
    return await interruptible(connection, request.signal, async () => {
      for (const { relation, table, files } of read) {
        await connection.run(
          `CREATE TEMP VIEW ${relation} AS ${await scans.select(connection, table, files, namesRead)}`,
        );
      }
      request.signal.throwIfAborted();
      return use({ sql, connection, unnamed, columns });
    });
  } finally {
    connection.closeSync();
  }
}

/** Of a stopped query. An interruption that comes before a statement has begun is lost, so it is repeated. */
const INTERRUPTED_EVERY_MS = 20;

/** Work on a connection that rejects once the signal is aborted, in whichever of its statements it is. */
export async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  let repeated: NodeJS.Timeout | undefined;
  const stop = () => {
    connection.interrupt();
    repeated = setInterval(() => connection.interrupt(), INTERRUPTED_EVERY_MS);
  };
  signal.addEventListener('abort', stop);
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stop);
    clearInterval(repeated);
  }
}

/** The columns and types that a view's own query gives. */
async function viewOutput(
  { planner, catalogue, now }: EngineContext,
  { view }: ViewUse,
  place: (node: SyntaxNode) => string,
): Promise<ViewOutput> {
  const uses: TableUse[] = [];
  const resolver = catalogue.resolver(view.database, uses, []);
  const tree = translate(nameColumns(view.tree).tree, { resolver, now: now(), place });
  const columns = outputColumns(tree, uses, place);
  return { columns, types: await planner.types(withoutTypeChecks(tree), uses) };
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
