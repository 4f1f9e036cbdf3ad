import type { TableUse } from './catalogue';
import { QueryFailure } from './query-failure';
import { child, children, isNode, type SyntaxNode, text, texts } from './syntax-tree';

/** One relation of a FROM clause; columns are undefined when the tree does not tell them. */
interface Relation {
  readonly name: string;
  readonly columns: readonly string[] | undefined;
}

type Names = readonly string[] | undefined;

/** Columns of the tables and WITH queries in reach, by lower-case name. */
type Scope = ReadonlyMap<string, Names>;

/**
 * Refuses output names where Trino does not know them yet: `SELECT a + 1 AS b, b * 2`, `WHERE b > 1`,
 * `GROUP BY b`. DuckDB takes these for the expressions that they name. ORDER BY may use them in both.
 * @param tree translated query over the relations of `uses`
 * @throws QueryFailure
 */
export function requireNoAliasUse(
  tree: SyntaxNode,
  uses: readonly TableUse[],
  place: (node: SyntaxNode) => string,
): void {
  const tables = uses.map(({ relation, table: { glue } }) => {
    const columns = [...glue.columns, ...glue.partitionKeys].map(({ name }) => name.toLowerCase());
    return [relation, columns] as const;
  });
  queryColumns(tree, new Map(tables), place);
}

/** Checks a query and everything in it; gives the names of its columns. */
function queryColumns(node: SyntaxNode, outer: Scope, place: (node: SyntaxNode) => string): Names {
  const scope = new Map(outer);
  for (const entry of children(child(node, 'cte_map'), 'map')) {
    const value = child(entry, 'value');
    const columns = queryColumns(child(child(value, 'query'), 'node'), scope, place);
    scope.set(text(entry, 'key').toLowerCase(), renamed(columns, texts(value, 'aliases')));
  }
  switch (text(node, 'type')) {
    case 'SET_OPERATION_NODE':
      queryColumns(child(node, 'right'), scope, place);
      return queryColumns(child(node, 'left'), scope, place);
    case 'SELECT_NODE':
      return selectColumns(node, scope, place);
    default:
      return undefined;
  }
}

function selectColumns(node: SyntaxNode, scope: Scope, place: (node: SyntaxNode) => string): Names {
  const relations = relationsOf(child(node, 'from_table'), scope, place);
  const items = children(node, 'select_list');
  const known = joined(relations);
  if (known !== undefined) {
    const aliases = new Set(
      items.map((item) => text(item, 'alias').toLowerCase()).filter((name) => name !== ''),
    );
    const hidden = new Set([...aliases].filter((name) => !known.includes(name)));
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
  const names: string[] = [];
  for (const item of items) {
    if (text(item, 'class') === 'STAR') {
      const relation = text(item, 'relation_name').toLowerCase();
      const columns = joined(relations.filter(({ name }) => relation === '' || name === relation));
      if (columns === undefined) {
        return undefined;
      }
      names.push(...columns);
    } else {
      names.push((text(item, 'alias') || texts(item, 'column_names').at(-1) || '').toLowerCase());
    }
  }
  return names;
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
    default:
      return [{ name: alias, columns: aliases.length === 0 ? undefined : renamed(aliases, aliases) }];
  }
}

function renamed(columns: Names, aliases: readonly string[]): Names {
  return aliases.length === 0 ? columns : aliases.map((alias) => alias.toLowerCase());
}

function joined(relations: readonly Relation[]): Names {
  const all: string[] = [];
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
      if (property !== 'subquery') {
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
      if (!except.includes(property)) {
        yield* subqueriesIn(inner);
      }
    }
  }
}
