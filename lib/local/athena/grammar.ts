import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
// Not by the package's name, which loads the grammars of eight dialects.
import { TrinoSQL } from 'dt-sql-parser/dist/parser/trino';
import { StatementRefused } from './query-failure';
import { shapeOf } from './statement';

const parser = new TrinoSQL();

/**
 * Shapes that passed, also in earlier runs: the first parse of a long query takes seconds, and the functions send
 * the same few shapes all the time. Kept where tools keep what they can make again.
 */
const CACHE_FILE = join(process.cwd(), 'node_modules', '.cache', 'local-athena', 'trino-grammar.txt');
let accepted: Set<string> | undefined;

/**
 * Checks a statement against Trino's grammar. DuckDB alone would let its own dialect pass (`x::int`, `EXCLUDE`,
 * `QUALIFY`) that fails in Athena.
 * @throws StatementRefused with line, column and the word that does not fit.
 */
export function requireTrinoGrammar(sql: string): void {
  accepted ??= readAccepted();
  // A name in quotes may be any; that of a staging table is another one each time.
  const shape = shapeOf(sql).replace(/"(?:[^"]|"")+"/g, '"name"');
  const id = createHash('sha256').update(shape).digest('base64url');
  if (accepted.has(id)) {
    return;
  }
  const [error] = parser.validate(shape);
  if (error === undefined) {
    accepted.add(id);
    remember(id);
    return;
  }
  // Again on the text as sent, for the place.
  const [placed] = parser.validate(sql);
  const place = placed === undefined ? '' : `line ${placed.startLine}:${placed.startColumn}: `;
  throw new StatementRefused(`${place}${(placed ?? error).message}`);
}

function readAccepted(): Set<string> {
  try {
    return new Set(readFileSync(CACHE_FILE, 'utf8').split('\n'));
  } catch {
    return new Set(); // None yet.
  }
}

function remember(id: string): void {
  try {
    mkdirSync(dirname(CACHE_FILE), { recursive: true });
    appendFileSync(CACHE_FILE, `${id}\n`);
  } catch {
    // A folder that cannot be written costs the next run some seconds, nothing else.
  }
}
