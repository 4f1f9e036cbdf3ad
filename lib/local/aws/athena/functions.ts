/**
 * Trino's functions on DuckDB. Athena knows only Trino's names, so a name that is not here is refused, also
 * where DuckDB has it; and where both have a name with different meanings, Trino's counts.
 */

/** Both engines mean the same by these (aggregates, window functions, scalars, operators). */
const SAME = `
  count count_star sum avg min max bool_and bool_or count_if array_agg any_value corr covar_pop covar_samp
  regr_slope regr_intercept stddev_pop stddev_samp var_pop var_samp
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  + - * || ~~ !~~ like_escape not_like_escape
  abs asin atan atan2 cbrt cos cosh degrees exp pi pow power radians round sin sinh tan tanh random
  nullif lower upper length trim ltrim rtrim reverse lpad rpad strpos position starts_with split
  split_part chr translate
  year month day hour minute second millisecond quarter week
  row map json_extract json_array_length
`;

/** Trino's name, and what DuckDB calls the same thing. Aggregates are renamed: a macro takes no FILTER or OVER. */
const RENAMED: Readonly<Record<string, string>> = {
  every: 'bool_and',
  arbitrary: 'any_value',
  // DuckDB's max_by leaves out rows whose first argument is null; Trino's does not.
  max_by: 'arg_max_null',
  min_by: 'arg_min_null',
  stddev: 'stddev_samp',
  variance: 'var_samp',
  approx_distinct: 'approx_count_distinct',
  // Exact, hence the same in every run.
  approx_percentile: 'quantile_disc',
  cardinality: 'len',
  contains: 'list_contains',
  element_at: 'list_extract',
  array_distinct: 'list_distinct',
  array_max: 'list_max',
  array_min: 'list_min',
  array_sort: 'list_sort',
  array_position: 'list_position',
  array_join: 'array_to_string',
  codepoint: 'unicode',
  day_of_month: 'day',
  day_of_week: 'isodow',
  dow: 'isodow',
  day_of_year: 'dayofyear',
  doy: 'dayofyear',
  week_of_year: 'week',
  year_of_week: 'isoyear',
  yow: 'isoyear',
  last_day_of_month: 'last_day',
  to_unixtime: 'epoch',
  regexp_like: 'regexp_matches',
  is_nan: 'isnan',
  is_finite: 'isfinite',
  is_infinite: 'isinf',
  to_utf8: 'encode',
  from_utf8: 'decode',
  from_unixtime: 'to_timestamp',
};

const EXACT_INTEGERS = "('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT')";
const UNITS = ['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
const DECIMAL_DIVISION = `'NOT_SUPPORTED: Athena divides decimals to the scale of its arguments, so that 7 / 1000.0 is 0.0. Write 1000e0, or cast to double.'`;

/**
 * `(parameters) AS body` for each, made as the macro `trino_<name>`. Overloads by type give Trino's result types;
 * `typeof` is constant when a query is bound, so branches on it cost nothing where rows are read.
 */
const MACROS: Readonly<Record<string, readonly string[]>> = {
  '/': [
    `(a, b) AS CASE
       WHEN typeof(a) IN ${EXACT_INTEGERS} AND typeof(b) IN ${EXACT_INTEGERS} AND b = 0 THEN error('DIVISION_BY_ZERO: Division by zero')
       WHEN (typeof(a) LIKE 'DECIMAL%' AND typeof(b) NOT IN ('DOUBLE', 'FLOAT')) OR (typeof(b) LIKE 'DECIMAL%' AND typeof(a) NOT IN ('DOUBLE', 'FLOAT')) THEN error(${DECIMAL_DIVISION})
       ELSE a / b END`,
  ],
  '%': [
    `(a, b) AS CASE
       WHEN typeof(a) IN ${EXACT_INTEGERS} AND typeof(b) IN ${EXACT_INTEGERS} AND b = 0 THEN error('DIVISION_BY_ZERO: Division by zero')
       ELSE a % b END`,
  ],
  // What stands beside a literal in a comparison: it must be of the literal's kind.
  text: [
    `(x) AS CASE WHEN typeof(x) NOT IN ('VARCHAR', 'JSON', '"NULL"') THEN error('TYPE_MISMATCH: Cannot apply operator: ' || lower(typeof(x)) || ' = varchar') ELSE x END`,
  ],
  number: [
    `(x) AS CASE WHEN typeof(x) IN ('VARCHAR', 'BOOLEAN', 'DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE') THEN error('TYPE_MISMATCH: Cannot apply operator: ' || lower(typeof(x)) || ' = number') ELSE x END`,
  ],
  // Trino adds whole days to a date and keeps it one.
  plus_interval: [
    '(a DATE, b INTERVAL) AS CAST(a + b AS DATE)',
    '(a TIMESTAMP, b INTERVAL) AS a + b',
    '(a TIMESTAMPTZ, b INTERVAL) AS a + b',
    '(a INTERVAL, b INTERVAL) AS a + b',
  ],
  minus_interval: [
    '(a DATE, b INTERVAL) AS CAST(a - b AS DATE)',
    '(a TIMESTAMP, b INTERVAL) AS a - b',
    '(a TIMESTAMPTZ, b INTERVAL) AS a - b',
    '(a INTERVAL, b INTERVAL) AS a - b',
  ],
  ceil: ['(x BIGINT) AS x', '(x DOUBLE) AS ceil(x)'],
  ceiling: ['(x BIGINT) AS x', '(x DOUBLE) AS ceil(x)'],
  floor: ['(x BIGINT) AS x', '(x DOUBLE) AS floor(x)'],
  sign: ['(x BIGINT) AS CAST(sign(x) AS BIGINT)', '(x DOUBLE) AS CAST(sign(x) AS DOUBLE)'],
  truncate: ['(x DOUBLE) AS trunc(x)', '(x DECIMAL(38, 10), n) AS trunc(x, n)'],
  // Where DuckDB ends a query over an argument out of range, Trino has NaN and infinities.
  ln: [`(x) AS ${logarithm('ln(%)')}`],
  log2: [`(x) AS ${logarithm('log2(%)')}`],
  log10: [`(x) AS ${logarithm('log10(%)')}`],
  log: [`(base, x) AS ${logarithm('(ln(%) / ln(CAST(base AS DOUBLE)))')}`],
  sqrt: [
    `(x) AS CASE WHEN x < 0 THEN CAST('nan' AS DOUBLE) ELSE sqrt(CASE WHEN x >= 0 THEN CAST(x AS DOUBLE) END) END`,
  ],
  acos: [
    `(x) AS CASE WHEN abs(x) > 1 THEN CAST('nan' AS DOUBLE) ELSE acos(CASE WHEN abs(x) <= 1 THEN CAST(x AS DOUBLE) END) END`,
  ],
  e: ['() AS CAST(2.718281828459045 AS DOUBLE)'],
  nan: [`() AS CAST('nan' AS DOUBLE)`],
  infinity: [`() AS CAST('infinity' AS DOUBLE)`],
  greatest: anyNullIsNull('greatest'),
  least: anyNullIsNull('least'),
  substr: substring(),
  substring: substring(),
  replace: ["(s, search) AS replace(s, search, '')", '(s, search, other) AS replace(s, search, other)'],
  regexp_extract: [
    '(s, pattern) AS CASE WHEN regexp_matches(s, pattern) THEN regexp_extract(s, pattern) END',
    '(s, pattern, n) AS CASE WHEN regexp_matches(s, pattern) THEN regexp_extract(s, pattern, n) END',
  ],
  regexp_replace: [
    `(s, pattern) AS regexp_replace(s, pattern, '', 'g')`,
    `(s, pattern, other) AS regexp_replace(s, pattern, regexp_replace(other, '\\$(\\d)', '\\\\\\1', 'g'), 'g')`,
  ],
  // Whole units that have passed, where DuckDB's date_diff counts the boundaries crossed.
  date_diff: ['(unit, a, b) AS date_sub(unit, a, b)'],
  date_trunc: [
    '(unit, x DATE) AS CAST(date_trunc(unit, x) AS DATE)',
    '(unit, x TIMESTAMP) AS date_trunc(unit, x)',
    '(unit, x TIMESTAMPTZ) AS date_trunc(unit, x)',
  ],
  date_add: [
    `(unit, n, x DATE) AS CAST(x + ${intervalOf('n')} AS DATE)`,
    `(unit, n, x TIMESTAMP) AS x + ${intervalOf('n')}`,
    `(unit, n, x TIMESTAMPTZ) AS x + ${intervalOf('n')}`,
  ],
  date: ['(x) AS CAST(x AS DATE)'],
  from_iso8601_timestamp: ['(s) AS CAST(s AS TIMESTAMPTZ)'],
  from_iso8601_date: ['(s) AS CAST(s AS DATE)'],
  to_iso8601: [
    `(x DATE) AS strftime(x, '%Y-%m-%d')`,
    `(x TIMESTAMP) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g')`,
    `(x TIMESTAMPTZ) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ')`,
  ],
  // The local time of an instant; a timestamp without zone is UTC. DuckDB has no value that carries its zone.
  at_timezone: [
    '(x TIMESTAMP, zone) AS timezone(zone, CAST(x AS TIMESTAMPTZ))',
    '(x TIMESTAMPTZ, zone) AS timezone(zone, x)',
  ],
  sequence: [
    '(a DATE, b DATE) AS list_transform(generate_series(a, b, INTERVAL 1 DAY), lambda x: CAST(x AS DATE))',
    '(a BIGINT, b BIGINT) AS CASE WHEN a <= b THEN generate_series(a, b, 1) ELSE generate_series(a, b, -1) END',
    '(a DATE, b DATE, step INTERVAL) AS list_transform(generate_series(a, b, step), lambda x: CAST(x AS DATE))',
    '(a TIMESTAMP, b TIMESTAMP, step INTERVAL) AS generate_series(a, b, step)',
    '(a TIMESTAMPTZ, b TIMESTAMPTZ, step INTERVAL) AS generate_series(a, b, step)',
    '(a BIGINT, b BIGINT, step BIGINT) AS generate_series(a, b, step)',
  ],
  slice: ['(a, start, n) AS list_slice(a, start, start + n - 1)'],
  json_extract_scalar: [
    `(j, path) AS CASE WHEN json_type(j, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(j, path) END`,
  ],
  json_parse: ['(s) AS CAST(s AS JSON)'],
  json_format: ['(j) AS CAST(j AS VARCHAR)'],
  md5: ['(x) AS unhex(md5(x))'],
  sha256: ['(x) AS unhex(sha256(x))'],
  to_hex: ['(x) AS hex(x)'],
  // CAST(… AS VARCHAR): Athena's timestamps have three decimals. Doubles beyond plain notation print differently.
  to_varchar: [
    `(x) AS CASE
       WHEN typeof(x) = 'TIMESTAMP' THEN rpad(CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN CAST(x AS VARCHAR) ELSE CAST(x AS VARCHAR) || '.' END, 23, '0')
       WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN rpad(replace(CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN CAST(x AS VARCHAR) ELSE replace(CAST(x AS VARCHAR), '+00', '.+00') END, '+00', ''), 23, '0') || ' UTC'
       WHEN typeof(x) = 'DOUBLE' AND contains(CAST(x AS VARCHAR), 'e') THEN error('NOT_SUPPORTED: a double of this size as text is not the same on this machine and in Athena')
       ELSE CAST(x AS VARCHAR) END`,
  ],
  // CAST(… AS BIGINT): Trino rounds halves away from zero, DuckDB to even.
  to_integral: [
    '(x DOUBLE) AS round(x)',
    '(x BIGINT) AS x',
    '(x HUGEINT) AS x',
    '(x DECIMAL(38, 10)) AS round(x)',
    '(x VARCHAR) AS x',
    '(x BOOLEAN) AS x',
  ],
};

/** Macros that the translation puts in itself; Athena has no functions of these names. */
const INTERNAL = new Set(['text', 'number', 'plus_interval', 'minus_interval', 'to_varchar', 'to_integral']);

const KNOWN: ReadonlyMap<string, string> = new Map([
  ...SAME.split(/\s+/)
    .filter((name) => name !== '')
    .map((name) => [name, name] as const),
  ...Object.entries(RENAMED),
  ...Object.keys(MACROS)
    .filter((name) => !INTERNAL.has(name))
    .map((name) => [name, macroName(name)] as const),
]);

/** What to call in DuckDB for a function of Trino; undefined when Athena has no such function here. */
export function duckDbFunction(name: string): string | undefined {
  return KNOWN.get(name);
}

/** Statements that define the macros, for each DuckDB instance that runs Athena's SQL. */
export const MACRO_STATEMENTS: readonly string[] = Object.entries(MACROS).map(
  ([name, overloads]) => `CREATE MACRO ${macroName(name)}${overloads.join(', ')}`,
);

function macroName(name: string): string {
  const words: Readonly<Record<string, string>> = { '/': 'divide', '%': 'modulus' };
  return `trino_${words[name] ?? name}`;
}

/** @param template what to take of `%`, a positive double */
function logarithm(template: string): string {
  const positive = template.replace('%', 'CASE WHEN x > 0 THEN CAST(x AS DOUBLE) END');
  return `CASE WHEN x > 0 THEN ${positive} WHEN x = 0 THEN CAST('-infinity' AS DOUBLE) WHEN x < 0 THEN CAST('nan' AS DOUBLE) END`;
}

/** DuckDB leaves nulls out of greatest and least; in Trino one null makes the result null. */
function anyNullIsNull(name: string): string[] {
  return [2, 3, 4, 5, 6].map((arity) => {
    const names = Array.from({ length: arity }, (_, index) => `x${index}`);
    const nulls = names.map((one) => `${one} IS NULL`).join(' OR ');
    return `(${names.join(', ')}) AS CASE WHEN ${nulls} THEN NULL ELSE ${name}(${names.join(', ')}) END`;
  });
}

/** Position 0 and positions before the text give nothing. */
function substring(): string[] {
  return [
    `(s, start) AS CASE WHEN start = 0 OR start < -length(s) THEN '' ELSE substr(s, start) END`,
    `(s, start, n) AS CASE WHEN start = 0 OR start < -length(s) OR n <= 0 THEN '' ELSE substr(s, start, n) END`,
  ];
}

function intervalOf(count: string): string {
  const cases = UNITS.map((unit) => {
    const [name, factor] = unit === 'quarter' ? ['month', 3] : [unit, 1];
    const type = ['day', 'week', 'month', 'year'].includes(name) ? 'INTEGER' : 'BIGINT';
    return `WHEN '${unit}' THEN to_${name}s(CAST(${count} * ${factor} AS ${type}))`;
  });
  return `CASE lower(unit) ${cases.join(' ')} ELSE error('INVALID_FUNCTION_ARGUMENT: ''' || unit || ''' is not a valid Timestamp field') END`;
}
