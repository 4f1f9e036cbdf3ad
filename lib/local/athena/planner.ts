import { type DuckDBConnection, DuckDBInstance, type DuckDBType } from '@duckdb/node-api';
import * as z from 'zod';
import type { CatalogueTable, TableUse } from './catalogue';
import { MACRO_STATEMENTS } from './functions';
import { partitionLocation, projectedValues } from './projection';
import { withNamedTimestamps } from './statement';
import { child, children, nodesOf, parseTree, printTree, type SyntaxNode, text, texts } from './syntax-tree';
import { duckDbType } from './types';

/** Settings under which DuckDB computes as Trino does. `nulls_last` is both engines' default, said aloud. */
export const TRINO_SETTINGS = [
  `SET TimeZone = 'UTC'`,
  // x / 0e0 is infinite or NaN, not null. Divisions of integers go through a macro.
  'SET ieee_floating_point_ops = true',
  `SET default_null_order = 'nulls_last'`,
];

/** Rewrites of a plan that hold whatever the tables contain: only these may decide what need not be read. */
const DATA_INDEPENDENT = [
  'expression_rewriter',
  'filter_pullup',
  'filter_pushdown',
  'cte_filter_pusher',
  'cte_inlining',
  'in_clause',
  'regex_range',
  'deliminator',
  'unnest_rewriter',
];

interface PlanNode {
  readonly name: string;
  readonly extra_info: Readonly<Record<string, unknown>>;
  readonly children: readonly PlanNode[];
}

const planNode: z.ZodType<PlanNode> = z.lazy(() =>
  z.object({
    name: z.string(),
    extra_info: z.record(z.string(), z.unknown()),
    children: z.array(planNode),
  }),
);

/** Locations of the partitions that a query may read rows from. */
export type ReadPartitions = ReadonlyMap<string, readonly string[]>;

/**
 * Parses queries and finds the partitions they need, before anything is read.
 *
 * Which rows a query can do without is asked of DuckDB's own optimiser: the query is planned over empty tables,
 * and the filters that reached each scan (through views, WITH, joins, unions and windows) are tried on the
 * partition keys' values. Filters that also need other columns count as true, so a partition is left out only
 * when no row of it could matter. The cost is that of the plan and of the projected values, never of what is stored.
 */
export class Planner {
  private last: Promise<unknown> = Promise.resolve();
  private readonly valueTables = new Map<
    string,
    { readonly at: number; readonly range: string; readonly relation: string }
  >();
  private made = 0;

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
  ) {}

  static async create(): Promise<Planner> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    for (const statement of [...TRINO_SETTINGS, ...MACRO_STATEMENTS]) {
      await connection.run(statement);
    }
    const optimizers = await connection.runAndReadAll('SELECT name FROM duckdb_optimizers()');
    const others = optimizers
      .getRowsJson()
      .map(([name]) => String(name))
      .filter((name) => !DATA_INDEPENDENT.includes(name));
    await connection.run(`SET disabled_optimizers = '${others.join(',')}'`);
    return new Planner(instance, connection);
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  /** @throws ParseFailure */
  parse(sql: string): Promise<SyntaxNode> {
    return this.alone(() => this.parseNow(sql));
  }

  /** The tree as DuckDB's SQL. */
  print(tree: SyntaxNode): Promise<string> {
    return this.alone(() => this.printNow(tree));
  }

  /**
   * @param tree translated query over the relations of `uses`
   * @throws DuckDB's error when the query does not bind: unknown columns, types that do not fit.
   */
  partitions(tree: SyntaxNode, uses: readonly TableUse[], now: Date): Promise<ReadPartitions> {
    return this.overEmptyTables(uses, async () => {
      const plan = await this.explain(await this.printNow(tree));
      const read = new Map<string, readonly string[]>();
      for (const use of uses) {
        read.set(use.relation, await this.locations(use, plan, now));
      }
      return read;
    });
  }

  /** Types of the query's columns. @throws DuckDB's error when the query does not bind. */
  types(tree: SyntaxNode, uses: readonly TableUse[]): Promise<readonly DuckDBType[]> {
    return this.overEmptyTables(uses, async () => {
      const query = await this.connection.prepare(await this.printNow(tree));
      return Array.from({ length: query.columnCount }, (_, index) => query.columnType(index));
    });
  }

  private overEmptyTables<T>(uses: readonly TableUse[], work: () => Promise<T>): Promise<T> {
    return this.alone(async () => {
      try {
        for (const { relation, table } of uses) {
          await this.connection.run(`CREATE TEMP TABLE ${relation} (${columnDefinitions(table)})`);
        }
        return await work();
      } finally {
        for (const { relation } of uses) {
          await this.connection.run(`DROP TABLE IF EXISTS temp.${relation}`);
        }
      }
    });
  }

  private async locations(use: TableUse, plan: readonly PlanNode[], now: Date): Promise<readonly string[]> {
    const { glue, partitions } = use.table;
    if (glue.partitionKeys.length === 0) {
      return [(glue.location ?? '').replace(/\/?$/, '/')];
    }
    const scans = plan.flatMap((node) => scanFilters(node, use.relation, []));
    const predicate = await this.predicate(use.table, scans);
    if (predicate === undefined) {
      return [];
    }
    if (glue.parameters['projection.enabled'] === 'true') {
      const keys = glue.partitionKeys.map((key) => key.name);
      const sources = [];
      for (const key of keys) {
        sources.push(await this.projected(use.table, key, now));
      }
      const values = await this.choose(sources.join(' CROSS JOIN '), keys, predicate);
      return values.map((one) => partitionLocation(glue, one));
    }
    const names = glue.partitionKeys.map(({ name }) => name);
    const rows = partitions.map(
      ({ values }) =>
        `(${values.map((value, i) => typedValue(value, glue.partitionKeys[i]?.type ?? 'string')).join(', ')})`,
    );
    if (rows.length === 0) {
      return [];
    }
    const columns = names.flatMap((name, index) => [quote(name), `"#${index}"`]);
    const source = `(VALUES ${rows.join(', ')}) AS partitions (${columns.join(', ')})`;
    const chosen = new Set((await this.choose(source, names, predicate)).map((one) => one.join('/')));
    return partitions.filter(({ values }) => chosen.has(values.join('/'))).map(({ location }) => location);
  }

  /** Combinations of key values that pass; all of them when the predicate cannot be tried on keys alone. */
  private async choose(
    source: string,
    keys: readonly string[],
    predicate: string,
  ): Promise<readonly (readonly string[])[]> {
    const select = `SELECT ${keys.map((_, index) => `"#${index}"`).join(', ')} FROM ${source}`;
    const order = `ORDER BY ALL`;
    const reader = await this.connection
      .runAndReadAll(`${select} WHERE ${predicate} ${order}`)
      .catch(() => this.connection.runAndReadAll(`${select} ${order}`));
    return reader.getRowsJson().map((row) => row.map(String));
  }

  /** A relation with the key's values, as the column's type and as text `#<index>`; kept while NOW is the same. */
  private async projected(table: CatalogueTable, key: string, now: Date): Promise<string> {
    const { glue } = table;
    const at = now.getTime();
    const id = `${table.database}.${glue.name}.${key}`;
    const present = this.valueTables.get(id);
    if (present?.at === at) {
      return present.relation;
    }
    const index = glue.partitionKeys.findIndex(({ name }) => name === key);
    const type = glue.partitionKeys[index]?.type ?? 'string';
    const values = projectedValues(glue, key, now);
    const range = `${values.length} ${values[0]} ${values.at(-1)} ${type}`;
    if (present?.range === range) {
      this.valueTables.set(id, { ...present, at });
      return present.relation;
    }
    this.made += 1;
    const relation = `projected_${this.made}`;
    const rows = values.map((value) => `(${typedValue(value, type)})`);
    await this.connection.run(
      `CREATE TABLE ${relation} (${quote(key)} ${duckDbType(type)}, "#${index}" VARCHAR)`,
    );
    if (rows.length > 0) {
      await this.connection.run(`INSERT INTO ${relation} VALUES ${rows.join(', ')}`);
    }
    if (present !== undefined) {
      await this.connection.run(`DROP TABLE ${present.relation}`);
    }
    this.valueTables.set(id, { at, range, relation });
    return relation;
  }

  /** What a partition must fulfil for one of the scans to want it; undefined when there is no scan. */
  private async predicate(
    table: CatalogueTable,
    scans: readonly (readonly string[])[],
  ): Promise<string | undefined> {
    if (scans.length === 0) {
      return undefined;
    }
    const keys = new Set(table.glue.partitionKeys.map(({ name }) => name.toLowerCase()));
    const alternatives = [];
    for (const filters of scans) {
      alternatives.push(`(${await this.conditionOf(filters, keys)})`);
    }
    return alternatives.join(' OR ');
  }

  /** What the filters say of keys. They are parsed together; one by one where one of them is no SQL. */
  private async conditionOf(filters: readonly string[], keys: ReadonlySet<string>): Promise<string> {
    const concerned = filters.filter((filter) => [...keys].some((key) => filter.toLowerCase().includes(key)));
    if (concerned.length === 0) {
      return 'true';
    }
    const together = await this.onKeys(concerned.map((filter) => `(${filter})`).join(' AND '), keys);
    if (together !== undefined) {
      return together;
    }
    const conditions = [];
    for (const filter of concerned) {
      // A notation of the plan that is not SQL: no partition is left out on its account.
      conditions.push((await this.onKeys(filter, keys)) ?? 'true');
    }
    return conditions.join(' AND ');
  }

  /** The filter with every part that needs other columns than the keys taken as true; undefined when it is no SQL. */
  private async onKeys(filter: string, keys: ReadonlySet<string>): Promise<string | undefined> {
    try {
      const tree = await this.parseNow(`SELECT 1 WHERE ${filter}`);
      const relaxed = { ...tree, where_clause: relax(child(tree, 'where_clause'), keys) };
      const printed = await this.printNow(relaxed);
      return `(${printed.slice(printed.indexOf(' WHERE ') + ' WHERE '.length)})`;
    } catch {
      return undefined;
    }
  }

  private async parseNow(sql: string): Promise<SyntaxNode> {
    return parseTree(await this.value('SELECT json_serialize_sql($1::VARCHAR)', withNamedTimestamps(sql)));
  }

  private async printNow(tree: SyntaxNode): Promise<string> {
    const sql = await this.value('SELECT json_deserialize_sql($1::VARCHAR::JSON)', printTree(tree));
    return sql.replace(/;\s*$/, '');
  }

  private async value(sql: string, argument: string): Promise<string> {
    const reader = await this.connection.runAndReadAll(sql, [argument]);
    return String(reader.getRowsJson()[0]?.[0]);
  }

  private async explain(sql: string): Promise<readonly PlanNode[]> {
    const reader = await this.connection.runAndReadAll(`EXPLAIN (FORMAT JSON) ${sql}`);
    return z.array(planNode).parse(JSON.parse(String(reader.getRowsJson()[0]?.[1])));
  }

  /** One thing at a time: the connection's temporary tables belong to one query. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** For each scan of the relation, the filters on it and directly above it, as the plan prints them. */
function scanFilters(node: PlanNode, relation: string, above: readonly string[]): (readonly string[])[] {
  if (node.name.trim() === 'SEQ_SCAN') {
    return String(node.extra_info.Table).endsWith(`.${relation}`)
      ? [[...above, ...textsOf(node.extra_info.Filters).map((one) => one.replace(/^optional: /, ''))]]
      : [];
  }
  const passed = node.name.trim() === 'FILTER' ? [...above, ...textsOf(node.extra_info.Expression)] : [];
  return node.children.flatMap((one) => scanFilters(one, relation, passed));
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string' && one !== '');
}

function relax(node: SyntaxNode, keys: ReadonlySet<string>): SyntaxNode {
  if (text(node, 'class') === 'CONJUNCTION') {
    return { ...node, children: children(node, 'children').map((one) => relax(one, keys)) };
  }
  const columns = [...nodesOf(node)].filter((inner) => text(inner, 'class') === 'COLUMN_REF');
  const onKeys = columns.every((column) => {
    const names = texts(column, 'column_names');
    return names.length === 1 && keys.has(names[0]?.toLowerCase() ?? '');
  });
  return onKeys ? node : TRUE;
}

const TRUE: SyntaxNode = {
  class: 'CONSTANT',
  type: 'VALUE_CONSTANT',
  alias: '',
  query_location: 0,
  value: { type: { id: 'BOOLEAN', type_info: null }, is_null: false, value: true },
};

function columnDefinitions({ glue }: CatalogueTable): string {
  return [...glue.columns, ...glue.partitionKeys]
    .map(({ name, type }) => `${quote(name)} ${duckDbType(type)}`)
    .join(', ');
}

/** The value under the key's type, and as text. */
function typedValue(value: string, type: string): string {
  const literal = `'${value.replaceAll("'", "''")}'`;
  return `CAST(${literal} AS ${duckDbType(type)}), ${literal}`;
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
