import { QueryFailure } from './query-failure';

/** MySQL's date patterns, which Trino's date_format and date_parse take, in DuckDB's strftime. */
const SPECIFIERS: Readonly<Record<string, string>> = {
  Y: '%Y',
  y: '%y',
  m: '%m',
  c: '%-m',
  d: '%d',
  e: '%-d',
  H: '%H',
  k: '%-H',
  h: '%I',
  I: '%I',
  l: '%-I',
  i: '%M',
  s: '%S',
  S: '%S',
  f: '%f',
  p: '%p',
  j: '%j',
  M: '%B',
  b: '%b',
  W: '%A',
  a: '%a',
  T: '%H:%M:%S',
  v: '%V',
  x: '%G',
  '%': '%%',
};

/** @throws QueryFailure for a specifier that Trino lacks too, such as `%D`. */
export function strftimePattern(mysqlPattern: string): string {
  return mysqlPattern.replace(/%(.?)/g, (whole, letter: string) => {
    const specifier = SPECIFIERS[letter];
    if (specifier === undefined) {
      throw new QueryFailure('INVALID_FUNCTION_ARGUMENT', `${whole} not supported in date format string`);
    }
    return specifier;
  });
}
