import * as z from 'zod';

/**
 * A node of DuckDB's parse tree as `json_serialize_sql` writes it. The tree is DuckDB's own and its shape is
 * not documented: code here looks at the few properties it knows and carries all others along.
 */
export interface SyntaxNode {
  [property: string]: unknown;
}

const serialized = z.object({
  error: z.boolean(),
  error_message: z.string().optional(),
  position: z.coerce.number().optional(),
  statements: z.array(z.object({ node: z.custom<SyntaxNode>(isNode) }).loose()).optional(),
});

/** DuckDB could not parse the text; `offset` points into it. */
export class ParseFailure extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/**
 * Reads the reply of `json_serialize_sql` for a single query.
 * Numbers of literals are kept as text: `1.0` must not come back as `1`, nor a bigint rounded.
 * @throws ParseFailure
 */
export function parseTree(json: string): SyntaxNode {
  // Inside JSON strings quotes are escaped, so these patterns meet properties only.
  const guarded = json
    .replace(/"query_location":18446744073709551615/g, '"query_location":0')
    .replace(/"value":(-?\d[\d.eE+-]*)/g, '"value":{"#number":"$1"}');
  const { statements, error_message, position } = serialized.parse(JSON.parse(guarded));
  const [statement, another] = statements ?? [];
  if (statement === undefined || another !== undefined) {
    throw new ParseFailure(error_message ?? 'Only one sql statement is allowed.', position ?? 0);
  }
  return statement.node;
}

/** What `json_deserialize_sql` takes for the query. */
export function printTree(node: SyntaxNode): string {
  const statement = { error: false, statements: [{ node, named_param_map: [] }] };
  return JSON.stringify(statement).replace(/\{"#number":"([^"]+)"\}/g, '$1');
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The property as a node; an empty one when it is something else. */
export function child(node: SyntaxNode, property: string): SyntaxNode {
  const value = node[property];
  return isNode(value) ? value : {};
}

export function children(node: SyntaxNode, property: string): readonly SyntaxNode[] {
  const value = node[property];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function text(node: SyntaxNode, property: string): string {
  const value = node[property];
  return typeof value === 'string' ? value : '';
}

export function texts(node: SyntaxNode, property: string): readonly string[] {
  const value = node[property];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** Where the node begins in the text that was parsed. */
export function locationOf(node: SyntaxNode): number {
  const value = node.query_location;
  return typeof value === 'number' ? value : 0;
}

/** A copy in which `change` has had its way with every node, innermost first. */
export function mapTree(node: SyntaxNode, change: (node: SyntaxNode) => SyntaxNode): SyntaxNode {
  const copy: SyntaxNode = {};
  for (const [property, value] of Object.entries(node)) {
    copy[property] = mapValue(value, change);
  }
  return change(copy);
}

function mapValue(value: unknown, change: (node: SyntaxNode) => SyntaxNode): unknown {
  if (Array.isArray(value)) {
    return value.map((one) => mapValue(one, change));
  }
  return isNode(value) ? mapTree(value, change) : value;
}

/** Every node of the tree, outermost first. */
export function* nodesOf(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) {
    for (const one of value) {
      yield* nodesOf(one);
    }
  } else if (isNode(value)) {
    yield value;
    for (const inner of Object.values(value)) {
      if (typeof inner === 'object') {
        yield* nodesOf(inner);
      }
    }
  }
}

/** `function_name(children…)` in place of a node. */
export function call(name: string, args: readonly unknown[], from: SyntaxNode): SyntaxNode {
  return {
    class: 'FUNCTION',
    type: 'FUNCTION',
    alias: text(from, 'alias'),
    query_location: locationOf(from),
    function_name: name,
    schema: '',
    children: args,
    filter: null,
    order_bys: { type: 'ORDER_MODIFIER', orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: '',
  };
}

export function constant(value: string, from: SyntaxNode): SyntaxNode {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    query_location: locationOf(from),
    value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value },
  };
}

export function cast(operand: unknown, type: string, from: SyntaxNode): SyntaxNode {
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: text(from, 'alias'),
    query_location: locationOf(from),
    child: operand,
    cast_type: { id: type, type_info: null },
    try_cast: false,
  };
}
