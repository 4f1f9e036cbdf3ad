import type { TableUse } from './catalogue';
import { QueryFailure } from './query-failure';
import { child, children, isNode, nodesOf, type SyntaxNode, text, texts } from './syntax-tree';

/** What a query's text says of one of its columns; DuckDB tells the types, and knows one kind of timestamp. */
export interface OutputColumn {
  /** Lower case; empty when the column has no name. */
  readonly name: string;
  /** Decimals of the seconds if it is a timestamp: `timestamp(3)` has 3. Undefined when the text does not tell. */
  readonly precision: number | undefined;
}

/** Undefined when the tree does not tell the columns. */
export type OutputColumns = readonly OutputColumn[] | undefined;

/** One relation of a FROM clause. */
interface Relation {
  readonly name: string;
  readonly columns: OutputColumns;
}

/** Columns of the tables and WITH queries in reach, by lower-case name. */
type Scope = ReadonlyMap<string, OutputColumns>;

/** `CAST(x AS timestamp)`, Hive's timestamps, and what has an interval added to it. */
const MILLISECONDS = 3;

/**
 * The columns of a query. Refuses output names where Trino does not know them yet: `SELECT a + 1 AS b, b * 2`,
 * `WHERE b > 1`, `GROUP BY b`. DuckDB takes these for the expressions that they name. ORDER BY may use them in both.
 * @param tree translated query over the relations of `uses`
 * @throws QueryFailure
 */
export function outputColumns(
  tree: SyntaxNode,
  uses: readonly TableUse[],
  place: (node: SyntaxNode) => string,
): OutputColumns {
  const tables = uses.map(({ relation, table: { glue } }) => {
    const columns = [...glue.columns, ...glue.partitionKeys].map(({ name }) => ({
      name: name.toLowerCase(),
      precision: MILLISECONDS,
    }));
    return [relation, columns] as const;
  });
  return queryColumns(tree, new Map(tables), place);
}

/** Names of all columns that a query mentions; undefined when it takes all there are. */
export function columnsRead(tree: SyntaxNode): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const node of nodesOf(tree)) {
    if (text(node, 'class') === 'STAR') {
      return undefined;
    }
    if (text(node, 'class') === 'COLUMN_REF') {
      names.add(texts(node, 'column_names').at(-1)?.toLowerCase() ?? '');
    }
  }
  return names;
}

/** Checks a query and everything in it; gives its columns. */
function queryColumns(node: SyntaxNode, outer: Scope, place: (node: SyntaxNode) => string): OutputColumns {
  const scope = new Map(outer);
  for (const entry of children(child(node, 'cte_map'), 'map')) {
    const value = child(entry, 'value');
    const columns = queryColumns(child(child(value, 'query'), 'node'), scope, place);
    scope.set(text(entry, 'key').toLowerCase(), renamed(columns, texts(value, 'aliases')));
  }
  switch (text(node, 'type')) {
    case 'SET_OPERATION_NODE':
      return united(
        queryColumns(child(node, 'left'), scope, place),
        queryColumns(child(node, 'right'), scope, place),
      );
    case 'SELECT_NODE':
      return selectColumns(node, scope, place);
    default:
      return undefined;
  }
}

function selectColumns(node: SyntaxNode, scope: Scope, place: (node: SyntaxNode) => string): OutputColumns {
  const relations = relationsOf(child(node, 'from_table'), scope, place);
  const items = children(node, 'select_list');
  const known = joined(relations);
  if (known !== undefined) {
    const aliases = new Set(
      items.map((item) => text(item, 'alias').toLowerCase()).filter((name) => name !== ''),
    );
    const names = new Set(known.map(({ name }) => name));
    const hidden = new Set([...aliases].filter((name) => !names.has(name)));
    for (const clause of [items, node.where_clause, node.group_expressions, node.having]) {
      for (const column of columnsIn(clause)) {
        const [name = '', ...more] = texts(column, 'column_names');
        if (more.length === 0 && hidden.has(name.toLowerCase())) {
          throw new QueryFailure(
            'COLUMN_NOT_FOUND',
            `line ${place(column)}: Column '${name.toLowerCase()}' cannot be resolved`,
          );
        }
      }
    }
  }
  for (const query of subqueriesIn(node, ['from_table', 'cte_map'])) {
    queryColumns(query, scope, place);
  }
  const columns: OutputColumn[] = [];
  for (const item of items) {
    if (text(item, 'class') === 'STAR') {
      const relation = text(item, 'relation_name').toLowerCase();
      const all = joined(relations.filter(({ name }) => relation === '' || name === relation));
      if (all === undefined) {
        return undefined;
      }
      columns.push(...all);
    } else {
      columns.push({
        name: (text(item, 'alias') || texts(item, 'column_names').at(-1) || '').toLowerCase(),
        precision: precisionOf(item, relations),
      });
    }
  }
  return columns;
}

function relationsOf(node: SyntaxNode, scope: Scope, place: (node: SyntaxNode) => string): Relation[] {
  const aliases = texts(node, 'column_name_alias');
  const alias = text(node, 'alias').toLowerCase();
  switch (text(node, 'type')) {
    case 'EMPTY':
      return [];
    case 'JOIN':
      for (const query of subqueriesIn(node, ['left', 'right'])) {
        queryColumns(query, scope, place);
      }
      return [
        ...relationsOf(child(node, 'left'), scope, place),
        ...relationsOf(child(node, 'right'), scope, place),
      ];
    case 'BASE_TABLE': {
      const table = text(node, 'table_name').toLowerCase();
      return [{ name: alias === '' ? table : alias, columns: renamed(scope.get(table), aliases) }];
    }
    case 'SUBQUERY': {
      const columns = queryColumns(child(child(node, 'subquery'), 'node'), scope, place);
      return [{ name: alias, columns: renamed(columns, aliases) }];
    }
    case 'TABLE_FUNCTION': {
      // UNNEST, the only one there is: a column for each list.
      const lists = children(child(node, 'function'), 'children');
      const columns = lists.map((list) => ({ name: '', precision: precisionOf(list, []) }));
      return [{ name: alias, columns: aliases.length === 0 ? undefined : renamed(columns, aliases) }];
    }
    default:
      return [{ name: alias, columns: aliases.length === 0 ? undefined : renamed([], aliases) }];
  }
}

function renamed(columns: OutputColumns, aliases: readonly string[]): OutputColumns {
  return aliases.length === 0
    ? columns
    : aliases.map((alias, index) => ({
        name: alias.toLowerCase(),
        precision: columns?.[index]?.precision,
      }));
}

function united(left: OutputColumns, right: OutputColumns): OutputColumns {
  return left?.map(({ name, precision }, index) => ({
    name,
    precision: largest([precision, right?.[index]?.precision]),
  }));
}

/** The precision of an expression if it is a timestamp; undefined too for forms that are not looked into. */
function precisionOf(node: SyntaxNode, relations: readonly Relation[]): number | undefined {
  const args = children(node, 'children');
  const of = (arg: SyntaxNode | undefined) => (arg === undefined ? undefined : precisionOf(arg, relations));
  switch (text(node, 'class')) {
    case 'CAST':
      return typeof node.precision === 'number' ? node.precision : MILLISECONDS;
    case 'COLUMN_REF': {
      const [column, relation] = texts(node, 'column_names')
        .map((name) => name.toLowerCase())
        .reverse();
      return relations
        .filter(({ name }) => relation === undefined || name === relation)
        .flatMap(({ columns }) => columns ?? [])
        .find(({ name }) => name === column)?.precision;
    }
    case 'CASE': {
      const results = children(node, 'case_checks').map((check) => child(check, 'then_expr'));
      const all = [...results, child(node, 'else_expr')];
      return largest(all.filter((one) => text(one, 'class') !== 'CONSTANT').map(of));
    }
    case 'OPERATOR':
      return text(node, 'type') === 'OPERATOR_COALESCE' ? largest(args.map(of)) : undefined;
    case 'FUNCTION':
    case 'WINDOW':
      break;
    default:
      return undefined;
  }
  const name = text(node, 'function_name').replace(/^trino_|_untyped$/g, '');
  switch (name) {
    case 'plus_interval':
    case 'minus_interval': {
      const precision = of(args[0]);
      return precision === undefined ? undefined : Math.max(MILLISECONDS, precision);
    }
    case 'date_trunc':
      return of(args[1]);
    case 'date_add':
      return of(args[2]);
    case 'strptime':
      return MILLISECONDS;
    case 'greatest':
    case 'least':
      return largest(args.map(of));
    default:
      return KEEPING.has(name) ? of(args[0]) : undefined;
  }
}

/** DuckDB's names of functions that give one of the values of their first argument. */
const KEEPING = new Set([
  ...['min', 'max', 'any_value', 'arg_max', 'arg_min', 'arg_max_null', 'arg_min_null', 'nullif'],
  ...['lag', 'lead', 'first_value', 'last_value', 'nth_value', 'sequence', 'list_extract'],
]);

function largest(precisions: readonly (number | undefined)[]): number | undefined {
  return precisions.reduce(
    (most, one) => (most === undefined || one === undefined ? undefined : Math.max(most, one)),
    0,
  );
}

function joined(relations: readonly Relation[]): OutputColumns {
  const all: OutputColumn[] = [];
  for (const { columns } of relations) {
    if (columns === undefined) {
      return undefined;
    }
    all.push(...columns);
  }
  return all;
}

/** Column references of a clause itself: a subquery in it has names of its own. */
function* columnsIn(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const one of value) {
      yield* columnsIn(one);
    }
  } else if (isNode(value) && text(value, 'class') !== 'LAMBDA') {
    if (text(value, 'class') === 'COLUMN_REF') {
      yield value;
    }
    for (const [property, inner] of Object.entries(value)) {
      if (property !== 'subquery' && typeof inner === 'object') {
        yield* columnsIn(inner);
      }
    }
  }
}

/** Queries inside the expressions of a node, outermost ones only. */
function* subqueriesIn(value: unknown, except: readonly string[] = []): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const one of value) {
      yield* subqueriesIn(one);
    }
  } else if (isNode(value)) {
    if (text(value, 'class') === 'SUBQUERY') {
      yield child(child(value, 'subquery'), 'node');
      yield* subqueriesIn(value.child);
      return;
    }
    for (const [property, inner] of Object.entries(value)) {
      if (!except.includes(property) && typeof inner === 'object') {
        yield* subqueriesIn(inner);
      }
    }
  }
}
