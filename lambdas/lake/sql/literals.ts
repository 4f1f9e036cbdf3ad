import { utcSecondSchema } from '../../runtime/time';

/** Names that Athena takes everywhere, in DDL (Hive's grammar) and in queries (Trino's). */
const NAME = /^[a-z][a-z0-9_]{0,127}$/;
const HALF_SURROGATE_PAIR = /\p{Surrogate}/u;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Raised for a text that can't stand in a statement safely: a defect of the caller, never retried. */
export class SqlTextRefused extends Error {
  override readonly name = 'SqlTextRefused';
}

/**
 * A database, table or column name as it stands in DDL: unquoted, since Hive's grammar quotes with backticks
 * and Trino's with double quotes. Nothing but lower-case letters, digits and underscores gets through.
 * @throws SqlTextRefused for any other text.
 */
export function sqlName(name: string): string {
  if (!NAME.test(name)) {
    throw new SqlTextRefused(
      `${JSON.stringify(name)} is no identifier: lower-case letters, digits and underscores, a letter first.`,
    );
  }
  return name;
}

/**
 * The same name for queries and CTAS, quoted so that a reserved word can be a column.
 * @throws SqlTextRefused for any text that `sqlName` refuses.
 */
export function sqlIdentifier(name: string): string {
  return `"${sqlName(name)}"`;
}

/**
 * A varchar literal that means exactly `text` to Trino and to DuckDB: quotes are doubled, and neither engine
 * reads escapes inside.
 * @throws SqlTextRefused for a NUL or half a surrogate pair, which UTF-8 on the wire would change.
 */
export function sqlString(text: string): string {
  if (text.includes('\0') || HALF_SURROGATE_PAIR.test(text)) {
    throw new SqlTextRefused(`${JSON.stringify(text)} can't be written as a string literal.`);
  }
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * A timestamp literal (UTC, no zone) from `2026-11-23T10:00:00Z`.
 * @throws SqlTextRefused for another form or a date that no calendar has.
 */
export function sqlTimestamp(instant: string): string {
  const parsed = utcSecondSchema.safeParse(instant);
  if (!parsed.success || !isReal(instant)) {
    throw new SqlTextRefused(`${JSON.stringify(instant)} is no instant like 2026-11-23T10:00:00Z.`);
  }
  return `TIMESTAMP '${instant.slice(0, 10)} ${instant.slice(11, 19)}'`;
}

/**
 * A `dt` partition value such as `'2026-11-23'`.
 * @throws SqlTextRefused for another form or a date that no calendar has.
 */
export function sqlDate(date: string): string {
  if (!DATE.test(date) || !isReal(`${date}T00:00:00Z`)) {
    throw new SqlTextRefused(`${JSON.stringify(date)} is no date like 2026-11-23.`);
  }
  return `'${date}'`;
}

/** A number as both engines read a double: a plain `0.1` would be a decimal to them. */
export function sqlDouble(value: number): string {
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
}

/** Date.parse rolls 30 February over into March; the round trip shows it. */
function isReal(instant: string): boolean {
  const time = Date.parse(instant);
  return !Number.isNaN(time) && new Date(time).toISOString() === instant.replace('Z', '.000Z');
}
