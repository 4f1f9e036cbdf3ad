import { strftimePattern } from './date-patterns';
import { duckDbFunction, isAggregate, untyped } from './functions';
import { QueryFailure } from './query-failure';
import { timestampPrecision } from './statement';
import {
  call,
  cast,
  child,
  children,
  constant,
  isNode,
  locationOf,
  mapTree,
  nodesOf,
  type SyntaxNode,
  text,
  texts,
} from './syntax-tree';

/** What a query's table names stand for; the catalogue's part of the translation. */
export interface TableResolver {
  /** @throws QueryFailure when there is no such table. */
  resolve(
    database: string | undefined,
    table: string,
    place: string,
  ):
    | { readonly kind: 'table'; readonly relation: string }
    | {
        readonly kind: 'view';
        readonly tree: SyntaxNode;
        readonly columns: readonly string[];
        readonly resolver: TableResolver;
      };
}

interface Context {
  readonly resolver: TableResolver;
  readonly now: Date;
  /** `line:column` of a node, for messages. */
  readonly place: (node: SyntaxNode) => string;
  /** Names of WITH queries in reach. */
  readonly named: ReadonlySet<string>;
  readonly viewDepth: number;
  /** Inside TRY, where DuckDB takes no function that ends the query: there failing must mean null. */
  readonly inTry: boolean;
}

const MAXIMUM_VIEW_DEPTH = 16;
const TABLE_TYPES = new Set([
  'SUBQUERY',
  'JOIN',
  'EXPRESSION_LIST',
  'EMPTY',
  'COLUMN_DATA',
  'BASE_TABLE',
  'TABLE_FUNCTION',
]);
const QUERY_TYPES = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'CTE_NODE']);
const INTEGER_TYPES = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']);

/**
 * The parse tree of a Trino query as the tree that means the same to DuckDB: table names resolved (views
 * expanded), functions by Trino's meaning, the clock virtual. Columns beside literals are marked: take the marks
 * with `withTypeChecks` or `withoutTypeChecks`.
 * @throws QueryFailure in Athena's words for what Athena does not know.
 */
export function translate(
  tree: SyntaxNode,
  options: {
    readonly resolver: TableResolver;
    readonly now: Date;
    readonly place: (node: SyntaxNode) => string;
  },
): SyntaxNode {
  return rewriteQuery(tree, { ...options, named: new Set(), viewDepth: 0, inTry: false });
}

function rewriteQuery(node: SyntaxNode, outer: Context): SyntaxNode {
  const named = new Set(outer.named);
  const map = children(child(node, 'cte_map'), 'map').map((entry) => {
    // A WITH query sees those before it; its own name is still the table's inside it.
    const value = child(entry, 'value');
    const rewritten = rewriteProperties(value, { ...outer, named: new Set(named) });
    named.add(text(entry, 'key').toLowerCase());
    return { ...entry, value: rewritten };
  });
  const { cte_map: _, ...others } = node;
  return { ...rewriteProperties(others, { ...outer, named }), cte_map: { ...child(node, 'cte_map'), map } };
}

function rewriteProperties(node: SyntaxNode, context: Context): SyntaxNode {
  const copy: SyntaxNode = {};
  for (const [property, value] of Object.entries(node)) {
    copy[property] = rewrite(value, context);
  }
  return copy;
}

function rewrite(value: unknown, context: Context): unknown {
  if (Array.isArray(value)) {
    return value.map((one) => rewrite(one, context));
  }
  if (!isNode(value) || '#number' in value) {
    return value;
  }
  const type = text(value, 'type');
  if (QUERY_TYPES.has(type)) {
    return rewriteQuery(value, context);
  }
  if ('class' in value) {
    return rewriteExpression(value, context);
  }
  if ('alias' in value && 'sample' in value) {
    return rewriteTable(value, type, context);
  }
  return rewriteProperties(value, context);
}

function rewriteTable(node: SyntaxNode, type: string, context: Context): SyntaxNode {
  if (!TABLE_TYPES.has(type)) {
    throw new QueryFailure('NOT_SUPPORTED', `line ${context.place(node)}: ${type} is not supported`);
  }
  if (type === 'TABLE_FUNCTION') {
    const fn = child(node, 'function');
    if (text(fn, 'function_name').toLowerCase() !== 'unnest') {
      throw new QueryFailure(
        'FUNCTION_NOT_FOUND',
        `line ${context.place(fn)}: Table function '${text(fn, 'function_name')}' not registered`,
      );
    }
    return { ...node, function: { ...fn, children: rewrite(fn.children, context) } };
  }
  return type === 'BASE_TABLE' ? rewriteBaseTable(node, context) : rewriteProperties(node, context);
}

function rewriteBaseTable(node: SyntaxNode, context: Context): SyntaxNode {
  const name = text(node, 'table_name').toLowerCase();
  const schema = text(node, 'schema_name').toLowerCase();
  if (schema === '' && context.named.has(name)) {
    return node;
  }
  // `awsdatacatalog.database.table`: the catalogue's name is the only one there is.
  const resolved = context.resolver.resolve(schema === '' ? undefined : schema, name, context.place(node));
  const alias = text(node, 'alias') === '' ? name : text(node, 'alias');
  if (resolved.kind === 'table') {
    return { ...node, catalog_name: '', schema_name: '', table_name: resolved.relation, alias };
  }
  if (context.viewDepth >= MAXIMUM_VIEW_DEPTH) {
    throw new QueryFailure('VIEW_IS_RECURSIVE', `line ${context.place(node)}: Statement is recursive`);
  }
  const tree = rewriteQuery(resolved.tree, {
    ...context,
    resolver: resolved.resolver,
    named: new Set(),
    viewDepth: context.viewDepth + 1,
  });
  const columns = texts(node, 'column_name_alias');
  return {
    type: 'SUBQUERY',
    alias,
    sample: null,
    query_location: locationOf(node),
    subquery: { node: tree, named_param_map: [] },
    column_name_alias: columns.length > 0 ? columns : resolved.columns,
  };
}

function rewriteExpression(node: SyntaxNode, context: Context): SyntaxNode {
  if (isIntervalLiteral(node)) {
    return node;
  }
  switch (text(node, 'class')) {
    case 'COLUMN_REF':
      return rewriteColumn(node, context);
    case 'CONSTANT':
      return rewriteConstant(node);
    case 'CAST':
      return rewriteCast(node, context);
    case 'COMPARISON': {
      const [left, right] = comparable([node.left, node.right], context);
      return { ...node, left, right };
    }
    case 'BETWEEN': {
      const [input, lower, upper] = comparable([node.input, node.lower, node.upper], context);
      return { ...node, input, lower, upper };
    }
    case 'OPERATOR':
      if (text(node, 'type') === 'OPERATOR_TRY') {
        return rewriteProperties(node, { ...context, inTry: true });
      }
      return /^COMPARE_(NOT_)?IN$/.test(text(node, 'type'))
        ? { ...node, children: comparable(children(node, 'children'), context) }
        : rewriteProperties(node, context);
    case 'WINDOW': {
      const name = knownFunction(node, context);
      return { ...rewriteProperties(node, context), function_name: name };
    }
    case 'FUNCTION':
      return rewriteFunction(node, context);
    default:
      return rewriteProperties(node, context);
  }
}

/** DuckDB prints the double of `1e3` as `1000.0`, which it would read back as a decimal. */
function rewriteConstant(node: SyntaxNode): SyntaxNode {
  const value = child(node, 'value');
  const number = text(child(value, 'value'), '#number');
  return text(child(value, 'type'), 'id') === 'DOUBLE' && number !== ''
    ? cast(constant(number, node), 'DOUBLE', node)
    : node;
}

/** The words for now are columns to DuckDB's parser. */
function rewriteColumn(node: SyntaxNode, context: Context): SyntaxNode {
  const names = texts(node, 'column_names');
  const instant = context.now.toISOString();
  if (names.length === 1) {
    switch (names[0]?.toLowerCase()) {
      case 'current_timestamp':
        return cast(constant(instant, node), 'TIMESTAMP WITH TIME ZONE', node);
      case 'localtimestamp':
        return cast(constant(instant.slice(0, 23), node), 'TIMESTAMP', node);
      case 'current_date':
        return cast(constant(instant.slice(0, 10), node), 'DATE', node);
    }
  }
  // `database.table.column`: relations go by their own name here.
  return names.length === 3 ? { ...node, column_names: names.slice(1) } : node;
}

function rewriteCast(node: SyntaxNode, context: Context): SyntaxNode {
  const type = child(node, 'cast_type');
  const operand = child(node, 'child');
  const literal = literalText(operand);
  const inner = literal === undefined ? rewrite(operand, context) : operand;
  const id = text(type, 'id');
  const typeName = text(child(type, 'type_info'), 'name');
  if (id === 'UNBOUND' && /^TIMESTAMP WITH TIME ZONE$/i.test(typeName)) {
    return { ...node, child: inner, cast_type: { id: 'TIMESTAMP WITH TIME ZONE', type_info: null } };
  }
  const precision = timestampPrecision(typeName);
  if (id === 'TIMESTAMP' || precision !== undefined) {
    const zoned = literal !== undefined && /[A-Za-z]$|[+-]\d{2}:\d{2}$/.test(literal.trim());
    return {
      ...node,
      child: inner,
      cast_type: { id: zoned ? 'TIMESTAMP WITH TIME ZONE' : 'TIMESTAMP', type_info: null },
      // DuckDB passes over this. `TIMESTAMP '…'`, which has no place in the tree, is as precise as it is written.
      precision:
        precision ??
        (literal !== undefined && locationOf(node) === 0
          ? (/\.(\d+)$/.exec(literal.trim())?.[1]?.length ?? 0)
          : undefined),
    };
  }
  if (id === 'VARCHAR' && literal === undefined && node.try_cast !== true && !context.inTry) {
    return call('trino_to_varchar', [withoutAlias(inner)], node);
  }
  if (INTEGER_TYPES.has(id) && literal === undefined && node.try_cast !== true && !isWhole(operand)) {
    return call(`trino_to_${id.toLowerCase()}`, [withoutAlias(inner)], node);
  }
  return { ...node, child: inner };
}

function rewriteFunction(node: SyntaxNode, context: Context): SyntaxNode {
  const name = text(node, 'function_name').toLowerCase();
  const args = children(node, 'children');
  const rewritten = () => args.map((arg) => rewrite(arg, context));
  const bySyntax = text(node, 'schema') === 'main';
  if (bySyntax && name === 'timezone') {
    const [zone, instant] = rewritten();
    return call(typedFor(args, 'trino_at_timezone'), [instant, zone], node);
  }
  if (bySyntax && name === 'date_part') {
    const [field, instant] = args;
    const part = DATE_PARTS[literalText(field ?? {})?.toLowerCase() ?? ''];
    return part === undefined
      ? { ...node, children: rewritten() }
      : { ...node, children: [constant(part, node), rewrite(instant, context)] };
  }
  switch (name) {
    case 'now':
      return rewriteColumn({ ...node, column_names: ['current_timestamp'] }, context);
    case 'concat':
      // DuckDB's concat leaves nulls out.
      return (
        rewritten().reduceRight<SyntaxNode | undefined>(
          (joined, one) => (joined === undefined ? asNode(one) : operator('||', [one, joined], node)),
          undefined,
        ) ?? constant('', node)
      );
    case 'date_format':
    case 'date_parse': {
      const [instant, pattern] = args;
      const literal = literalText(pattern ?? {});
      if (literal === undefined) {
        throw new QueryFailure(
          'NOT_SUPPORTED',
          `line ${context.place(node)}: ${name} needs a literal pattern here`,
        );
      }
      return call(
        name === 'date_format' ? 'strftime' : 'strptime',
        [rewrite(instant, context), constant(strftimePattern(literal), node)],
        node,
      );
    }
    case '/':
      // The macro's questions cost time wherever the answer is known: doubles divide alike in both engines.
      return args.some(isDouble)
        ? { ...node, children: rewritten() }
        : call(context.inTry ? 'trino_try_divide' : 'trino_divide', rewritten(), node);
    case '%':
    case 'mod':
      return context.inTry ? operator('%', rewritten(), node) : call('trino_modulus', rewritten(), node);
    case '+':
    case '-': {
      const [left, right] = args;
      if (right !== undefined && isInterval(right)) {
        return call(
          typedFor(args, name === '+' ? 'trino_plus_interval' : 'trino_minus_interval'),
          rewritten(),
          node,
        );
      }
      if (left !== undefined && right !== undefined && isInterval(left) && name === '+') {
        return call(typedFor(args, 'trino_plus_interval'), rewritten().reverse(), node);
      }
      return { ...node, children: rewritten() };
    }
  }
  const known = knownFunction(node, context);
  // DuckDB's arg_max_null has no form with a count.
  const target =
    /^arg_(max|min)_null$/.test(known) && args.length === 3
      ? known.replace('_null', '')
      : typedFor(args, known);
  return {
    ...rewriteProperties(node, context),
    function_name: target,
    is_operator: target === name && node.is_operator === true,
  };
}

/** The macro, or its form without types when DuckDB will not know those of the arguments in time. */
function typedFor(args: readonly SyntaxNode[], macro: string): string {
  const hidden = [...nodesOf(args)].some(
    (node) =>
      text(node, 'class') === 'WINDOW' ||
      text(node, 'class') === 'SUBQUERY' ||
      (text(node, 'class') === 'FUNCTION' && isAggregate(text(node, 'function_name').toLowerCase())),
  );
  return hidden ? untyped(macro) : macro;
}

const DATE_PARTS: Readonly<Record<string, string>> = {
  dow: 'isodow',
  day_of_week: 'isodow',
  day_of_year: 'doy',
  day_of_month: 'day',
  year_of_week: 'isoyear',
  yow: 'isoyear',
};

function knownFunction(node: SyntaxNode, context: Context): string {
  const name = text(node, 'function_name').toLowerCase();
  const known = duckDbFunction(name);
  if (known === undefined) {
    throw new QueryFailure(
      'FUNCTION_NOT_FOUND',
      `line ${context.place(node)}: Function '${name}' not registered`,
    );
  }
  return known;
}

/**
 * The sides of a comparison. Columns and literals compare under their own type only: DuckDB would read the
 * text of `hour = '00'` as a number, Athena refuses it.
 */
function comparable(operands: readonly unknown[], context: Context): unknown[] {
  const literal = operands.map(literalKind).find((kind) => kind !== undefined);
  return operands.map((operand) => {
    const kind = literalKind(operand);
    if (kind !== undefined && isNode(operand)) {
      return kind === 'text' ? cast(operand, 'VARCHAR', {}) : rewriteConstant(operand);
    }
    const rewritten = rewrite(operand, context);
    const isColumn = isNode(operand) && text(operand, 'class') === 'COLUMN_REF';
    return literal === undefined || !isColumn ? rewritten : call(TYPE_CHECKS[literal], [rewritten], {});
  });
}

/** Marks around columns that stand beside a literal, for the two functions below. */
const TYPE_CHECKS = { text: 'athena_text', number: 'athena_number' } as const;

/** The tree for planning, in which a column beside a literal of another type does not bind. */
export function withTypeChecks(tree: SyntaxNode): SyntaxNode {
  return mapTree(tree, (node) => {
    const [operand] = children(node, 'children');
    switch (text(node, 'function_name')) {
      case TYPE_CHECKS.text:
        // Only text can be collated; by its bytes is how it compares anyhow.
        return {
          class: 'COLLATE',
          type: 'COLLATE',
          alias: '',
          query_location: 0,
          child: operand,
          collation: 'C',
        };
      case TYPE_CHECKS.number:
        return { ...node, function_name: 'trino_number' };
      default:
        return node;
    }
  });
}

/** The tree for running. */
export function withoutTypeChecks(tree: SyntaxNode): SyntaxNode {
  const marks: readonly string[] = Object.values(TYPE_CHECKS);
  return mapTree(tree, (node) => {
    const [operand] = children(node, 'children');
    return operand !== undefined && marks.includes(text(node, 'function_name')) ? operand : node;
  });
}

function literalKind(value: unknown): 'text' | 'number' | undefined {
  if (!isNode(value) || text(value, 'class') !== 'CONSTANT') {
    return undefined;
  }
  const id = text(child(child(value, 'value'), 'type'), 'id');
  if (id === 'VARCHAR') {
    return 'text';
  }
  return INTEGER_TYPES.has(id) || id === 'DECIMAL' || id === 'DOUBLE' ? 'number' : undefined;
}

function literalText(node: SyntaxNode): string | undefined {
  const value = child(node, 'value');
  return text(node, 'class') === 'CONSTANT' && typeof value.value === 'string' ? value.value : undefined;
}

/** `INTERVAL '5' HOUR` is parsed as `to_hours(CAST(trunc(CAST('5' AS DOUBLE)) AS BIGINT))`. */
function isIntervalLiteral(node: SyntaxNode): boolean {
  if (
    text(node, 'class') !== 'FUNCTION' ||
    !/^to_(second|minute|hour|day|week|month|quarter|year)s$/.test(text(node, 'function_name'))
  ) {
    return false;
  }
  const [count] = children(node, 'children');
  const innermost = [...nodesOf(count)].find((inner) => text(inner, 'class') === 'CONSTANT');
  return (
    text(count ?? {}, 'class') === 'CAST' && innermost !== undefined && literalText(innermost) !== undefined
  );
}

/** An interval literal, or a multiple of one. */
function isInterval(node: SyntaxNode): boolean {
  return (
    isIntervalLiteral(node) ||
    (text(node, 'function_name') === '*' && children(node, 'children').some(isInterval))
  );
}

const DOUBLE_FUNCTIONS = new Set(['ln', 'exp', 'sqrt', 'sin', 'cos', 'pi', 'avg', 'power', 'radians']);

/** Certainly a double, as its form tells. */
function isDouble(node: SyntaxNode): boolean {
  switch (text(node, 'class')) {
    case 'CONSTANT':
      return text(child(child(node, 'value'), 'type'), 'id') === 'DOUBLE';
    case 'CAST':
      return text(child(node, 'cast_type'), 'id') === 'DOUBLE';
    case 'FUNCTION':
      return (
        DOUBLE_FUNCTIONS.has(text(node, 'function_name')) ||
        (/^[-+*/]$/.test(text(node, 'function_name')) && children(node, 'children').some(isDouble))
      );
    default:
      return false;
  }
}

/** Certainly without a fraction, so that casts to integers have nothing to round. */
function isWhole(node: SyntaxNode): boolean {
  return (
    (text(node, 'class') === 'CONSTANT' &&
      INTEGER_TYPES.has(text(child(child(node, 'value'), 'type'), 'id'))) ||
    ['round', 'floor', 'ceil', 'ceiling', 'truncate', 'count', 'count_star'].includes(
      text(node, 'function_name'),
    )
  );
}

function operator(name: string, args: readonly unknown[], from: SyntaxNode): SyntaxNode {
  return { ...call(name, args.map(withoutAlias), from), is_operator: true };
}

function withoutAlias(value: unknown): unknown {
  return isNode(value) ? { ...value, alias: '' } : value;
}

function asNode(value: unknown): SyntaxNode {
  return isNode(value) ? value : {};
}
