import { TrinoSQL } from 'dt-sql-parser';
import { StatementRefused } from './query-failure';
import { shapeOf } from './statement';

const parser = new TrinoSQL();
/** What the grammar says of each shape seen: a parse takes tens of milliseconds, an hour's SQL repeats. */
const verdicts = new Map<string, string | undefined>();
const MAXIMUM_SHAPES = 2_000;

/**
 * Checks a query against Trino's grammar. DuckDB alone would let its own dialect pass (`x::int`, `EXCLUDE`,
 * `QUALIFY`) that fails in Athena.
 * @throws StatementRefused with line, column and the word that does not fit.
 */
export function requireTrinoGrammar(sql: string): void {
  const shape = shapeOf(sql);
  if (!verdicts.has(shape)) {
    if (verdicts.size >= MAXIMUM_SHAPES) {
      verdicts.clear();
    }
    verdicts.set(shape, parser.validate(shape)[0]?.message);
  }
  if (verdicts.get(shape) !== undefined) {
    // Again on the text as sent, for the place.
    const error = parser.validate(sql)[0];
    const place = error === undefined ? '' : `line ${error.startLine}:${error.startColumn}: `;
    throw new StatementRefused(`${place}${error?.message ?? verdicts.get(shape)}`);
  }
}
