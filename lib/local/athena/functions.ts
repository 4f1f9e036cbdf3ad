/**
 * Trino's functions on DuckDB. Athena knows only Trino's names, so a name that is not here is refused, also
 * where DuckDB has it; and where both have a name with different meanings, Trino's counts.
 */

/** Both engines mean the same by these aggregates. */
const SAME_AGGREGATES = words(`
  count count_star sum avg min max bool_and bool_or count_if array_agg any_value corr covar_pop covar_samp
  regr_slope regr_intercept stddev_pop stddev_samp var_pop var_samp
`);

/** And by these window functions, scalars and operators. */
const SAME = words(`
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  + - * || ~~ !~~ like_escape not_like_escape
  abs asin atan atan2 cbrt cos cosh degrees exp pi pow power radians round sin sinh tan tanh random
  nullif lower upper length trim ltrim rtrim reverse lpad rpad strpos position starts_with split
  split_part chr translate
  year month day hour minute second millisecond quarter week
  row map json_extract json_array_length
`);

/** Aggregates under another name: a macro takes no FILTER or OVER. */
const RENAMED_AGGREGATES: Readonly<Record<string, string>> = {
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
};

/** Trino's name, and what DuckDB calls the same thing. */
const RENAMED: Readonly<Record<string, string>> = {
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
  truncate: 'trunc',
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

const IS_INTEGER = `(typeof(a) IN ${EXACT_INTEGERS} AND typeof(b) IN ${EXACT_INTEGERS})`;
const IS_FLOATING = `(typeof(a) IN ('DOUBLE', 'FLOAT') OR typeof(b) IN ('DOUBLE', 'FLOAT'))`;
const IS_DECIMAL = `(NOT ${IS_FLOATING} AND (typeof(a) LIKE 'DECIMAL%' OR typeof(b) LIKE 'DECIMAL%'))`;

/**
 * `(parameters) AS body` for each, made as the macro `trino_<name>`. `typeof` is constant when a query is bound, so
 * branches on it cost nothing where rows are read. Created with `/` as integer division of integers.
 */
const MACROS: Readonly<Record<string, readonly string[]>> = {
  // DuckDB's division by zero is null where `/` is integer division; texts take the type of the division.
  '/': [
    `(a, b) AS CASE
       WHEN ${IS_INTEGER} AND b = 0 THEN error('DIVISION_BY_ZERO: Division by zero')
       WHEN ${IS_DECIMAL} THEN error(${DECIMAL_DIVISION})
       WHEN ${IS_FLOATING} AND b = 0 AND a > 0 AND a <= CAST('infinity' AS DOUBLE) THEN 'Infinity'
       WHEN ${IS_FLOATING} AND b = 0 AND a < 0 THEN '-Infinity'
       WHEN ${IS_FLOATING} AND b = 0 AND a IS NOT NULL THEN 'NaN'
       ELSE a / b END`,
  ],
  try_divide: ['(a, b) AS a / b'],
  '%': [
    `(a, b) AS CASE WHEN ${IS_INTEGER} AND b = 0 THEN error('DIVISION_BY_ZERO: Division by zero') ELSE a % b END`,
  ],
  // Beside a number stands a number: text does not become a double by itself.
  number: ['(x DOUBLE) AS x'],
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
  date: ['(x) AS CAST(x AS DATE)'],
  // Trino keeps the zone beside the instant; DuckDB has no value that does.
  from_iso8601_timestamp: [
    `(s) AS CASE
       WHEN regexp_matches(s, 'T.*[+-]\\d\\d(:?\\d\\d)?$') AND NOT regexp_matches(s, '[+-]00(:?00)?$') THEN error('NOT_SUPPORTED: an instant that carries another zone than UTC is not known here')
       ELSE CAST(s AS TIMESTAMPTZ) END`,
  ],
  from_iso8601_date: ['(s) AS CAST(s AS DATE)'],
  slice: ['(a, start, n) AS list_slice(a, start, start + n - 1)'],
  json_extract_scalar: [
    `(j, path) AS CASE WHEN json_type(j, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(j, path) END`,
  ],
  json_parse: ['(s) AS CAST(s AS JSON)'],
  json_format: ['(j) AS CAST(j AS VARCHAR)'],
  md5: ['(x) AS unhex(md5(x))'],
  sha256: ['(x) AS unhex(sha256(x))'],
  to_hex: ['(x) AS hex(x)'],
  // CAST(… AS VARCHAR): Athena's timestamps have three decimals. Trino writes each double with an exponent (5.0E-1).
  to_varchar: [
    `(x) AS CASE
       WHEN typeof(x) = 'TIMESTAMP' THEN rpad(CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN CAST(x AS VARCHAR) ELSE CAST(x AS VARCHAR) || '.' END, 23, '0')
       WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN rpad(replace(CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN CAST(x AS VARCHAR) ELSE replace(CAST(x AS VARCHAR), '+00', '.+00') END, '+00', ''), 23, '0') || ' UTC'
       WHEN typeof(x) = 'DOUBLE' THEN error('NOT_SUPPORTED: a double as text is not the same on this machine and in Athena')
       ELSE CAST(x AS VARCHAR) END`,
  ],
  // Trino rounds halves away from zero, DuckDB to even.
  to_tinyint: [roundedTo('TINYINT')],
  to_smallint: [roundedTo('SMALLINT')],
  to_integer: [roundedTo('INTEGER')],
  to_bigint: [roundedTo('BIGINT')],
};

/**
 * Functions whose result type follows their argument's. `byType` are overloads; DuckDB cannot choose among them for
 * an argument that holds an aggregate or a window, so `otherwise` serves there, with times where Trino has dates.
 */
const TYPED_MACROS: Readonly<Record<string, { byType: readonly string[]; otherwise: readonly string[] }>> = {
  // Trino adds whole days to a date and keeps it one.
  plus_interval: {
    byType: [
      '(a DATE, b INTERVAL) AS CAST(a + b AS DATE)',
      '(a TIMESTAMP, b INTERVAL) AS a + b',
      '(a TIMESTAMPTZ, b INTERVAL) AS a + b',
      '(a INTERVAL, b INTERVAL) AS a + b',
    ],
    otherwise: ['(a, b) AS a + b'],
  },
  minus_interval: {
    byType: [
      '(a DATE, b INTERVAL) AS CAST(a - b AS DATE)',
      '(a TIMESTAMP, b INTERVAL) AS a - b',
      '(a TIMESTAMPTZ, b INTERVAL) AS a - b',
      '(a INTERVAL, b INTERVAL) AS a - b',
    ],
    otherwise: ['(a, b) AS a - b'],
  },
  ceil: { byType: [...ofEachInteger(() => 'x'), '(x DOUBLE) AS ceil(x)'], otherwise: ['(x) AS ceil(x)'] },
  ceiling: { byType: [...ofEachInteger(() => 'x'), '(x DOUBLE) AS ceil(x)'], otherwise: ['(x) AS ceil(x)'] },
  floor: { byType: [...ofEachInteger(() => 'x'), '(x DOUBLE) AS floor(x)'], otherwise: ['(x) AS floor(x)'] },
  sign: {
    byType: [...ofEachInteger((type) => `CAST(sign(x) AS ${type})`), '(x DOUBLE) AS CAST(sign(x) AS DOUBLE)'],
    otherwise: ['(x) AS CAST(sign(x) AS DOUBLE)'],
  },
  date_trunc: {
    byType: [
      '(unit, x DATE) AS CAST(date_trunc(unit, x) AS DATE)',
      '(unit, x TIMESTAMP) AS date_trunc(unit, x)',
      '(unit, x TIMESTAMPTZ) AS date_trunc(unit, x)',
    ],
    otherwise: ['(unit, x) AS date_trunc(unit, x)'],
  },
  date_add: {
    byType: [
      `(unit, n, x DATE) AS CAST(x + ${intervalOf('n')} AS DATE)`,
      `(unit, n, x TIMESTAMP) AS x + ${intervalOf('n')}`,
      `(unit, n, x TIMESTAMPTZ) AS x + ${intervalOf('n')}`,
    ],
    otherwise: [`(unit, n, x) AS x + ${intervalOf('n')}`],
  },
  to_iso8601: {
    byType: [
      `(x DATE) AS strftime(x, '%Y-%m-%d')`,
      `(x TIMESTAMP) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g')`,
      `(x TIMESTAMPTZ) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ')`,
    ],
    otherwise: [`(x) AS strftime(CAST(x AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%g')`],
  },
  // The local time of an instant; a timestamp without zone is UTC. DuckDB has no value that carries its zone.
  at_timezone: {
    byType: [
      '(x TIMESTAMP, zone) AS timezone(zone, CAST(x AS TIMESTAMPTZ))',
      '(x TIMESTAMPTZ, zone) AS timezone(zone, x)',
    ],
    otherwise: ['(x, zone) AS timezone(zone, CAST(x AS TIMESTAMPTZ))'],
  },
  sequence: {
    byType: [
      '(a DATE, b DATE) AS list_transform(generate_series(a, b, INTERVAL 1 DAY), lambda x: CAST(x AS DATE))',
      '(a BIGINT, b BIGINT) AS CASE WHEN a <= b THEN generate_series(a, b, 1) ELSE generate_series(a, b, -1) END',
      '(a DATE, b DATE, step INTERVAL) AS list_transform(generate_series(a, b, step), lambda x: CAST(x AS DATE))',
      '(a TIMESTAMP, b TIMESTAMP, step INTERVAL) AS generate_series(a, b, step)',
      '(a TIMESTAMPTZ, b TIMESTAMPTZ, step INTERVAL) AS generate_series(a, b, step)',
      '(a BIGINT, b BIGINT, step BIGINT) AS generate_series(a, b, step)',
    ],
    otherwise: ['(a, b) AS generate_series(a, b, 1)', '(a, b, step) AS generate_series(a, b, step)'],
  },
};

/** Macros that the translation puts in itself; Athena has no functions of these names. */
const INTERNAL = new Set([
  ...['number', 'try_divide', 'plus_interval', 'minus_interval', 'to_varchar'],
  ...['to_tinyint', 'to_smallint', 'to_integer', 'to_bigint'],
]);

const KNOWN: ReadonlyMap<string, string> = new Map([
  ...[...SAME_AGGREGATES, ...SAME].map((name) => [name, name] as const),
  ...Object.entries({ ...RENAMED_AGGREGATES, ...RENAMED }),
  ...[...Object.keys(MACROS), ...Object.keys(TYPED_MACROS)]
    .filter((name) => !INTERNAL.has(name))
    .map((name) => [name, macroName(name)] as const),
]);

const AGGREGATES = new Set([...SAME_AGGREGATES, ...Object.keys(RENAMED_AGGREGATES)]);

/** What to call in DuckDB for a function of Trino; undefined when Athena has no such function here. */
export function duckDbFunction(name: string): string | undefined {
  return KNOWN.get(name);
}

export function isAggregate(name: string): boolean {
  return AGGREGATES.has(name);
}

/** The macro to call instead when DuckDB cannot tell the types of the arguments; most macros do not ask. */
export function untyped(macro: string): string {
  return macro.replace(/^trino_/, '') in TYPED_MACROS ? `${macro}_untyped` : macro;
}

/** Statements that define the macros, for each DuckDB instance that runs Athena's SQL. */
export const MACRO_STATEMENTS: readonly string[] = [
  'SET integer_division = true',
  ...Object.entries(MACROS).map(([name, bodies]) => createMacro(macroName(name), bodies)),
  ...Object.entries(TYPED_MACROS).flatMap(([name, { byType, otherwise }]) => [
    createMacro(macroName(name), byType),
    createMacro(`${macroName(name)}_untyped`, otherwise),
  ]),
  'RESET integer_division',
];

function createMacro(name: string, bodies: readonly string[]): string {
  return `CREATE MACRO ${name}${bodies.join(', ')}`;
}

function macroName(name: string): string {
  const symbols: Readonly<Record<string, string>> = { '/': 'divide', '%': 'modulus' };
  return `trino_${symbols[name] ?? name}`;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function roundedTo(type: string): string {
  return `(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(round(CAST(x AS DOUBLE)) AS ${type}) ELSE CAST(x AS ${type}) END`;
}

/** A macro's overloads for whole numbers, which stay of their type. */
function ofEachInteger(result: (type: string) => string): string[] {
  return ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'].map((type) => `(x ${type}) AS ${result(type)}`);
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
