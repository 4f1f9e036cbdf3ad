import { QueryFailure } from './query-failure';
import { ParseFailure } from './syntax-tree';

/** DuckDB's words for what Athena says in others; the first pattern that fits counts. */
const TRANSLATIONS: readonly (readonly [RegExp, (match: RegExpExecArray) => QueryFailure])[] = [
  [
    /Invalid Input Error: ([A-Z_]+): ([^\n]*)/,
    ([, code = '', message = '']) => new QueryFailure(code, message),
  ],
  [
    /Referenced column "([^"]+)" (?:not found|was not found)|Table "[^"]+" does not have a column named "([^"]+)"|Values list "[^"]+" does not have a column named "([^"]+)"/,
    ([, a, b, c]) => new QueryFailure('COLUMN_NOT_FOUND', `Column '${a ?? b ?? c}' cannot be resolved`),
  ],
  [
    /Referenced table "([^"]+)" not found/,
    ([, name]) => new QueryFailure('COLUMN_NOT_FOUND', `Column '${name}' cannot be resolved`),
  ],
  [
    /Ambiguous reference to column name "([^"]+)"/,
    ([, name]) => new QueryFailure('AMBIGUOUS_NAME', `Column '${name}' is ambiguous`),
  ],
  [
    /Cannot compare values of type (\S+(?: WITH TIME ZONE)?) and type (\S+(?: WITH TIME ZONE)?)/,
    ([, a, b]) =>
      new QueryFailure('TYPE_MISMATCH', `Cannot apply operator: ${a?.toLowerCase()} = ${b?.toLowerCase()}`),
  ],
  [
    /collations are only supported for type varchar|Macro trino_number\(\) does not support/,
    () => new QueryFailure('TYPE_MISMATCH', 'Cannot apply operator: a column and a literal of another type'),
  ],
  [
    /No function matches the given name and argument types '([^(']+)\(([^']*)\)'|Macro (\w+)\(\) (?:does not support the supplied|has multiple overloads)/,
    ([, name, types, macro]) =>
      new QueryFailure(
        'FUNCTION_NOT_FOUND',
        `Unexpected parameters (${(types ?? '').toLowerCase()}) for function ${(name ?? macro ?? '').replace('trino_', '')}`,
      ),
  ],
  [
    /column "([^"]+)" must appear in the GROUP BY clause/i,
    ([, name]) =>
      new QueryFailure(
        'EXPRESSION_NOT_AGGREGATE',
        `'${name}' must be an aggregate expression or appear in GROUP BY clause`,
      ),
  ],
  [/Conversion Error: ([^\n]*)/, ([, message = '']) => new QueryFailure('INVALID_CAST_ARGUMENT', message)],
  [
    /Out of Range Error: ([^\n]*)/,
    ([, message = '']) => new QueryFailure('NUMERIC_VALUE_OUT_OF_RANGE', message),
  ],
  [
    /Out of Memory Error/,
    () =>
      new QueryFailure('EXCEEDED_LOCAL_MEMORY_LIMIT', 'Query exhausted resources at this scale factor', {
        category: 'system',
      }),
  ],
  [
    /IO Error: (?:Cannot open file|No files found)[^"]*"([^"]*)"/,
    ([, path]) =>
      new QueryFailure('HIVE_CANNOT_OPEN_SPLIT', `Error opening Hive split ${path}: NoSuchKey`, {
        category: 'system',
        retryable: true,
      }),
  ],
  [
    /(?:Binder|Catalog|Parser) Error: ([^\n]*)/,
    ([, message = '']) => new QueryFailure('SYNTAX_ERROR', message),
  ],
];

/** Why a query failed, in Athena's words where DuckDB said it in its own. */
export function athenaError(error: unknown): QueryFailure {
  if (error instanceof QueryFailure) {
    return error;
  }
  if (error instanceof ParseFailure) {
    return new QueryFailure('SYNTAX_ERROR', error.message);
  }
  const message = error instanceof Error ? error.message : String(error);
  for (const [pattern, word] of TRANSLATIONS) {
    const match = pattern.exec(message);
    if (match !== null) {
      return word(match);
    }
  }
  return new QueryFailure('GENERIC_INTERNAL_ERROR', message, { category: 'system' });
}
