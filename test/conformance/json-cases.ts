import { gzipSync } from 'node:zlib';
import { addDays } from '../../lambdas/runtime/time';
import type { GlueTable } from '../../lib/local/assembly/resources';

/** Objects of one partition that a reader of JSON lines may stumble over. */
export interface JsonCase {
  readonly name: string;
  /** Value of the partition key: each case has a day of its own. */
  readonly dt: string;
  readonly objects: Readonly<Record<string, Buffer>>;
}

const FIRST_DAY = '2013-01-01';

/** A table with a column of each kind that Garoa's JSON tables have, and of some that others have. */
export const JSON_TABLE: GlueTable = {
  name: 'json_lines',
  type: 'EXTERNAL_TABLE',
  columns: [
    { name: 'n', type: 'int' },
    { name: 's', type: 'string' },
    { name: 'd', type: 'double' },
    { name: 'b', type: 'bigint' },
    { name: 'f', type: 'boolean' },
    { name: 't', type: 'timestamp' },
  ],
  partitionKeys: [{ name: 'dt', type: 'string' }],
  location: 's3://raw/json_lines/',
  serde: 'org.apache.hive.hcatalog.data.JsonSerDe',
  parameters: {
    EXTERNAL: 'TRUE',
    'projection.enabled': 'true',
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    'projection.dt.range': `${FIRST_DAY},2013-12-31`,
    'storage.location.template': `s3://raw/json_lines/dt=\${dt}/`,
  },
};

/** The query that both engines are asked about a case. */
export function jsonCaseSql({ dt }: Pick<JsonCase, 'dt'>): string {
  return `SELECT n, s, d, CAST(b AS varchar) AS b, f, t, dt FROM conformance.json_lines WHERE dt = '${dt}' ORDER BY n, s`;
}

const gz = (...lines: readonly string[]) => gzipSync(lines.map((line) => `${line}\n`).join(''));
const row = (n: number, more = '') => `{"n":${n},"s":"row ${n}","d":${n}.5${more}}`;

/** A column with this JSON text as its value. */
const valued = (column: string, texts: readonly string[]): readonly [string, string][] =>
  texts.map((text) => [`${column} ${text}`, `{"n":2,"${column}":${text}}`]);

/** Lines between two good ones. */
const LINES: readonly (readonly [string, string])[] = [
  ['a nested value that no column declares', row(2, ',"payload":{"d":99,"a":[1,{"b":null}],"s":"}\\"{"}')],
  ...valued('d', [
    ...[
      '"12.5"',
      '"abc"',
      '""',
      '"NaN"',
      '"Infinity"',
      '" 7 "',
      'NaN',
      'Infinity',
      '-Infinity',
      '1e400',
      '1e-400',
    ],
    ...[
      '1e+21',
      '1E5',
      '-0',
      '-0.0',
      '5',
      '1234567890123456789',
      '1234567890123456789012345',
      'true',
      'null',
    ],
    ...[
      '{"a":1}',
      '[1]',
      '0123',
      '.5',
      '5.',
      '+5',
      '0x10',
      '1e',
      '0.1234567890123456789',
      '4.9e-324',
      '2.5f',
    ],
    ...['"1e3"', '"0x1p3"', '"1d"', '123abc'],
  ]),
  ...valued('s', [
    ...[
      '5',
      '1.50',
      '1e400',
      '-0',
      'true',
      'null',
      '{"a":1}',
      '[1]',
      '"S\\u00e3o \\ud83c\\udf27"',
      '"a\\u0000b"',
    ],
    ...[
      '"a\\ud83c"',
      '"\\udf27a"',
      '"a\\t\\nb"',
      '"a\tb"',
      '"a\\xb"',
      '"a\\/b"',
      '"a\\u00"',
      "'single'",
      '"open',
    ],
    ...['""', '"\u00e3\u2028"', '12345678901234567890123', 'nul', 'TRUE', 'NaN'],
  ]),
  ...valued('b', [
    ...['7', '-7', '7.9', '-7.9', '1e3', '1e30', '"7"', '"7.5"', '"x"', '""', 'true', '9223372036854775807'],
    ...['9223372036854775808', '-9223372036854775808', '9007199254740993', 'NaN', 'null', '[7]'],
  ]),
  ...valued('n', ['2147483648', '2147483647', '2.7', '"2"', '1e10']),
  ...valued('f', ['true', 'false', '"true"', '"TRUE"', '"yes"', '1', '0', 'null', '{}', '1.5']),
  ...valued('t', [
    ...[
      '"2013-01-02 03:04:05"',
      '"2013-01-02 03:04:05.123456"',
      '"2013-01-02T03:04:05"',
      '"2013-01-02"',
      '"x"',
    ],
    ...['"2013-01-02T03:04:05Z"', '1357095845', '"2013-1-2 3:4:5"', '" 2013-01-02 03:04:05 "', '""'],
  ]),
  ['extra keys', row(2, ',"foo":1,"bar":{"x":[1]},"nn":"x"')],
  ['keys named like the partition', row(2, ',"dt":"1999-01-01"')],
  ['keys that name columns by position', '{"_col0":2,"_col1":"by position","_col2":3.5,"_col9":1,"_colx":2}'],
  ['a position and a name for one column', '{"n":2,"s":"named","_col1":"by position"}'],
  ['upper-case keys', '{"N":2,"S":"upper","D":1.5}'],
  ['keys in both cases', '{"n":2,"d":1.5,"D":9.5}'],
  ['keys in both cases, lower last', '{"n":2,"D":1.5,"d":9.5}'],
  ['a key in escapes', '{"n":2,"\\u0064":4.5}'],
  ['a key twice', '{"n":2,"d":1.5,"d":9.5}'],
  ['a key twice, then null', '{"n":2,"d":1.5,"d":null}'],
  ['a key twice, first of another type', '{"n":2,"d":"abc","d":9.5}'],
  ['missing keys', '{"n":2}'],
  ['an empty object', '{}'],
  ['white space inside', ' { "n" : 2 , "s" : "spaced" } '],
  ['a line cut short', row(2).slice(0, 15)],
  ['a line cut in a value that is not asked for', '{"n":2,"payload":{"a":[1'],
  ['a line that is text', 'hello'],
  ['two objects in a line', row(2) + row(4)],
  ['text after the object', `${row(2)} xx`],
  ['a closing brace too many', `${row(2)}}`],
  ['a comma after the last value', '{"n":2,"s":"x",}'],
  ['a comma too many', '{"n":2,,"s":"x"}'],
  ['a comma first', '{,"n":2}'],
  ['no comma', '{"n":2 "s":"x"}'],
  ['a key without a value', '{"n":2,"x"}'],
  ['a key without quotes', '{n:2}'],
  ['single quotes', "{'n':2}"],
  ['a comment', '{"n":2 /* two */}'],
  ['null', 'null'],
  ['a number', '42'],
  ['a string', '"text"'],
  ['an object in an array', `[${row(2)}]`],
  ['an empty line', ''],
  ['a line of spaces', '   '],
  ['an object over several lines', JSON.stringify(JSON.parse(row(2)), undefined, 1)],
  ['a nested value that does not end', `${row(2).slice(0, -1)},"payload":{"a":[1}`],
  ['a bad escape in a value that is not asked for', row(2, ',"payload":"a\\xb"')],
  ['a raw tab in a value that is not asked for', row(2, ',"payload":"a\tb"')],
  ['a bad number in a value that is not asked for', row(2, ',"payload":012')],
  ['500 levels', row(2, `,"payload":${'['.repeat(500)}${']'.repeat(500)}`)],
  ['3000 levels', row(2, `,"payload":${'['.repeat(3000)}${']'.repeat(3000)}`)],
  ['2 MB', row(2, `,"payload":"${'x'.repeat(2_000_000)}"`)],
  ['a number of 1100 digits', `{"n":2,"d":${'1'.repeat(1100)}}`],
];

const good = [row(1), row(2), row(3)] as const;
const [one, two] = [gz(row(1)), gz(row(2), row(3))];
const text = Buffer.from(good.map((line) => `${line}\n`).join(''));
const whole = gz(...good);

/** Objects that are not what their names say, or hold more or less than lines. */
const OBJECTS: readonly (readonly [string, Readonly<Record<string, Buffer>>])[] = [
  ['a byte order mark', { 'a.ndjson.gz': gzipSync(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text])) }],
  ['carriage returns', { 'a.ndjson.gz': gzipSync(good.join('\r\n')) }],
  ['carriage returns alone', { 'a.ndjson.gz': gzipSync(good.join('\r')) }],
  [
    'bytes that are no UTF-8',
    {
      'a.ndjson.gz': gzipSync(
        Buffer.concat([Buffer.from('{"n":2,"s":"a'), Buffer.from([0xff]), Buffer.from('b"}\n')]),
      ),
    },
  ],
  [
    'bytes that are no UTF-8, in a value that is not asked for',
    {
      'a.ndjson.gz': gzipSync(
        Buffer.concat([Buffer.from('{"n":2,"x":"a'), Buffer.from([0xff]), Buffer.from('b"}\n')]),
      ),
    },
  ],
  ['no newline at the end', { 'a.ndjson.gz': gzipSync(good.join('\n')) }],
  ['empty lines at the end', { 'a.ndjson.gz': gz(...good, '', '') }],
  ['two gzip members', { 'a.ndjson.gz': Buffer.concat([one, two]) }],
  [
    '300 gzip members',
    { 'a.ndjson.gz': Buffer.concat(Array.from({ length: 300 }, (_, index) => gz(row(index)))) },
  ],
  ['two members, the first without a newline', { 'a.ndjson.gz': Buffer.concat([gzipSync(row(1)), two]) }],
  ['an empty member between two', { 'a.ndjson.gz': Buffer.concat([one, gzipSync(''), two]) }],
  ['text after gzip', { 'a.ndjson.gz': Buffer.concat([one, two, Buffer.from('garbage')]) }],
  ['zeros after gzip', { 'a.ndjson.gz': Buffer.concat([one, two, Buffer.alloc(64)]) }],
  ['gzip cut short', { 'a.ndjson.gz': whole.subarray(0, -20), 'b.ndjson.gz': one }],
  ['the second member cut short', { 'a.ndjson.gz': Buffer.concat([one, two.subarray(0, -12)]) }],
  [
    'a wrong checksum',
    { 'a.ndjson.gz': Buffer.concat([whole.subarray(0, -8), Buffer.from([1, 2, 3, 4]), whole.subarray(-4)]) },
  ],
  ['an object without a byte', { 'a.ndjson.gz': Buffer.alloc(0), 'b.ndjson.gz': one }],
  ['gzip of nothing', { 'a.ndjson.gz': gzipSync(''), 'b.ndjson.gz': one }],
  ['text named .gz', { 'a.ndjson.gz': text, 'b.ndjson.gz': one }],
  ['gzip not named .gz', { 'a.ndjson': one, 'b.ndjson.gz': two }],
  ['text not named .gz', { 'a.ndjson': text }],
  ['text without an extension', { a: text }],
  ['hidden names', { '_a.ndjson.gz': one, '.b.ndjson.gz': one, 'c.ndjson.gz': two }],
  ['a folder', { 'folder/a.ndjson.gz': one, 'b.ndjson.gz': two }],
  ['a hidden folder', { '_folder/a.ndjson.gz': one, 'b.ndjson.gz': two }],
];

export const JSON_CASES: readonly JsonCase[] = [
  ...LINES.map(([name, line]) => [name, { 'a.ndjson.gz': gz(row(1), line, row(3)) }] as const),
  ...OBJECTS,
].map(([name, objects], index) => ({ name, objects, dt: addDays(FIRST_DAY, index) }));
