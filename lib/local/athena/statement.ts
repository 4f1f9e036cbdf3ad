import { StatementRefused } from './query-failure';

export interface TableName {
  readonly database: string | undefined;
  readonly table: string;
}

/** A query inside a statement, with where it begins, so that errors point into the whole text. */
export interface QueryText {
  readonly text: string;
  readonly offset: number;
}

export type PropertyValue = string | number | boolean | readonly string[];

export type Statement =
  | { readonly kind: 'select'; readonly query: QueryText }
  | {
      readonly kind: 'createTableAs';
      readonly name: TableName;
      readonly ifNotExists: boolean;
      readonly properties: ReadonlyMap<string, PropertyValue>;
      readonly query: QueryText;
      readonly withData: boolean;
    }
  | {
      readonly kind: 'createView';
      readonly name: TableName;
      readonly replace: boolean;
      readonly query: QueryText;
    }
  | {
      readonly kind: 'drop';
      readonly what: 'table' | 'view';
      readonly name: TableName;
      readonly ifExists: boolean;
    }
  | { readonly kind: 'showTables'; readonly database: string | undefined }
  | { readonly kind: 'showDatabases' }
  | { readonly kind: 'describe'; readonly name: TableName };

interface Token {
  readonly type: 'word' | 'quoted' | 'backtick' | 'string' | 'number' | 'symbol';
  /** Without quotes; words as written. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /\s+|--[^\n]*|\/\*[\s\S]*?\*\/|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|([A-Za-z_][\w]*)|(\d[\w.]*)|([\s\S])/gy;

/**
 * Tells what kind of statement a text is and takes the heads of CREATE and DROP apart; queries stay text.
 * @throws StatementRefused for statements that Athena has and this emulation has not, and for malformed heads.
 */
export function parseStatement(sql: string): Statement {
  const reader = new TokenReader(tokens(sql), sql);
  const first = reader.peekWord();
  switch (first) {
    case 'SELECT':
    case 'WITH':
    case 'VALUES':
    case '(':
      return { kind: 'select', query: reader.rest() };
    case 'CREATE':
      reader.next();
      return parseCreate(reader);
    case 'DROP':
      reader.next();
      return parseDrop(reader);
    case 'SHOW':
      reader.next();
      return parseShow(reader);
    case 'DESCRIBE':
    case 'DESC': {
      reader.next();
      const name = parseName(reader, 'ddl');
      reader.expectEnd();
      return { kind: 'describe', name };
    }
    default:
      throw new StatementRefused('Queries of this type are not supported');
  }
}

function parseCreate(reader: TokenReader): Statement {
  const replace = reader.skipWords('OR', 'REPLACE');
  if (reader.skipWords('VIEW')) {
    const name = parseName(reader, 'query');
    reader.expectWord('AS');
    return { kind: 'createView', name, replace, query: reader.rest() };
  }
  if (replace || !reader.skipWords('TABLE')) {
    throw new StatementRefused('Queries of this type are not supported');
  }
  const ifNotExists = reader.skipWords('IF', 'NOT', 'EXISTS');
  const name = parseName(reader, 'query');
  if (reader.skipWords('COMMENT')) {
    reader.next();
  }
  const properties = reader.skipWords('WITH') ? parseProperties(reader) : new Map<string, PropertyValue>();
  reader.expectWord('AS');
  const query = reader.rest();
  const withoutData = /\sWITH\s+NO\s+DATA$/i.exec(query.text);
  const withData = /\sWITH\s+DATA$/i.exec(query.text);
  const suffix = withoutData ?? withData;
  return {
    kind: 'createTableAs',
    name,
    ifNotExists,
    properties,
    query: suffix === null ? query : { ...query, text: query.text.slice(0, suffix.index) },
    withData: withoutData === null,
  };
}

function parseProperties(reader: TokenReader): Map<string, PropertyValue> {
  const properties = new Map<string, PropertyValue>();
  reader.expectSymbol('(');
  do {
    const name = reader.next();
    if (name.type !== 'word' && name.type !== 'quoted') {
      throw reader.mismatch(name);
    }
    reader.expectSymbol('=');
    properties.set(name.text.toLowerCase(), parsePropertyValue(reader));
  } while (reader.skipSymbol(','));
  reader.expectSymbol(')');
  return properties;
}

function parsePropertyValue(reader: TokenReader): PropertyValue {
  const token = reader.next();
  if (token.type === 'string') {
    return token.text;
  }
  if (token.type === 'number') {
    return Number(token.text);
  }
  const word = token.type === 'word' ? token.text.toUpperCase() : '';
  if (word === 'TRUE' || word === 'FALSE') {
    return word === 'TRUE';
  }
  if (word !== 'ARRAY') {
    throw reader.mismatch(token);
  }
  reader.expectSymbol('[');
  const values: string[] = [];
  while (!reader.skipSymbol(']')) {
    const value = reader.next();
    if (value.type !== 'string') {
      throw reader.mismatch(value);
    }
    values.push(value.text);
    reader.skipSymbol(',');
  }
  return values;
}

function parseDrop(reader: TokenReader): Statement {
  const what = reader.skipWords('TABLE') ? 'table' : 'view';
  if (what === 'view') {
    reader.expectWord('VIEW');
  }
  const ifExists = reader.skipWords('IF', 'EXISTS');
  const name = parseName(reader, what === 'table' ? 'ddl' : 'query');
  reader.expectEnd();
  return { kind: 'drop', what, name, ifExists };
}

function parseShow(reader: TokenReader): Statement {
  if (reader.skipWords('DATABASES') || reader.skipWords('SCHEMAS')) {
    reader.expectEnd();
    return { kind: 'showDatabases' };
  }
  if (!reader.skipWords('TABLES')) {
    throw new StatementRefused('Queries of this type are not supported');
  }
  const database = reader.skipWords('IN') ? reader.next().text.toLowerCase() : undefined;
  reader.expectEnd();
  return { kind: 'showTables', database };
}

/** DDL of Hive's grammar quotes names with backticks and takes no double quotes; the rest is the other way. */
function parseName(reader: TokenReader, grammar: 'ddl' | 'query'): TableName {
  const quote = grammar === 'ddl' ? 'backtick' : 'quoted';
  const parts: string[] = [];
  do {
    const token = reader.next();
    if (token.type !== 'word' && token.type !== quote) {
      throw reader.mismatch(token);
    }
    parts.push(token.text.toLowerCase());
  } while (reader.skipSymbol('.'));
  const [table = '', database] = parts.reverse();
  return { database, table };
}

class TokenReader {
  private at = 0;

  constructor(
    private readonly all: readonly Token[],
    private readonly sql: string,
  ) {}

  peekWord(): string {
    const token = this.all[this.at];
    return token === undefined || token.type === 'string' ? '' : token.text.toUpperCase();
  }

  next(): Token {
    const token = this.all[this.at];
    if (token === undefined) {
      throw new StatementRefused(`line ${positionOf(this.sql, this.sql.length)}: mismatched input '<EOF>'`);
    }
    this.at += 1;
    return token;
  }

  skipWords(...words: readonly string[]): boolean {
    const found = words.every((word, index) => {
      const token = this.all[this.at + index];
      return token?.type === 'word' && token.text.toUpperCase() === word;
    });
    this.at += found ? words.length : 0;
    return found;
  }

  skipSymbol(symbol: string): boolean {
    const token = this.all[this.at];
    const found = token?.type === 'symbol' && token.text === symbol;
    this.at += found ? 1 : 0;
    return found;
  }

  expectWord(word: string): void {
    if (!this.skipWords(word)) {
      throw this.mismatch(this.next());
    }
  }

  expectSymbol(symbol: string): void {
    if (!this.skipSymbol(symbol)) {
      throw this.mismatch(this.next());
    }
  }

  expectEnd(): void {
    const token = this.all[this.at];
    if (token !== undefined) {
      throw this.mismatch(token);
    }
  }

  /** The text from the next token to the last one. */
  rest(): QueryText {
    const offset = this.next().start;
    return { text: this.sql.slice(offset, this.all.at(-1)?.end), offset };
  }

  mismatch(token: Token): StatementRefused {
    return new StatementRefused(
      `line ${positionOf(this.sql, token.start)}: mismatched input '${this.sql.slice(token.start, token.end)}'`,
    );
  }
}

/** Tokens without white space, comments and a final semicolon. */
function tokens(sql: string): Token[] {
  const found: Token[] = [];
  for (const match of sql.matchAll(TOKEN)) {
    const [whole, string, quoted, backtick, word, number, symbol] = match;
    const at = { start: match.index, end: match.index + whole.length };
    if (string !== undefined) {
      found.push({ type: 'string', text: string.replaceAll("''", "'"), ...at });
    } else if (quoted !== undefined) {
      found.push({ type: 'quoted', text: quoted.replaceAll('""', '"'), ...at });
    } else if (backtick !== undefined) {
      found.push({ type: 'backtick', text: backtick.replaceAll('``', '`'), ...at });
    } else if (word !== undefined) {
      found.push({ type: 'word', text: word, ...at });
    } else if (number !== undefined) {
      found.push({ type: 'number', text: number, ...at });
    } else if (symbol !== undefined) {
      found.push({ type: 'symbol', text: symbol, ...at });
    }
  }
  const last = found.at(-1);
  return last?.type === 'symbol' && last.text === ';' ? found.slice(0, -1) : found;
}

/** Start of the names that stand for `timestamp(3)` and its like: DuckDB would forget the number. */
const PRECISE_TIMESTAMP = 'timestamp_';

/** The text with `timestamp_3` for `timestamp(3)`, everything in its place. */
export function withNamedTimestamps(sql: string): string {
  if (!/timestamp\s*\(/i.test(sql)) {
    return sql;
  }
  let named = sql;
  const all = tokens(sql);
  all.forEach(({ type, text, start }, index) => {
    const [open, digits, close, next] = all.slice(index + 1, index + 5);
    if (type === 'word' && /^timestamp$/i.test(text) && open?.text === '(' && digits?.type === 'number') {
      const zoned = next?.type === 'word' && /^with$/i.test(next.text);
      if (close?.text === ')' && !zoned) {
        const name = `${PRECISE_TIMESTAMP}${digits.text}`.padEnd(close.end - start);
        named = named.slice(0, start) + name + named.slice(close.end);
      }
    }
  });
  return named;
}

/** 3 for `timestamp_3`; undefined for all other names. */
export function timestampPrecision(name: string): number | undefined {
  const digits = new RegExp(`^${PRECISE_TIMESTAMP}(\\d+)$`).exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * The text with its literals blanked and lists of them cut short: statements of one shape have one grammar, so
 * that a check of the shape holds for all of them.
 */
export function shapeOf(sql: string): string {
  let end = 0;
  return tokens(sql)
    .map((token) => {
      const gap = token.start > end ? ' ' : '';
      end = token.end;
      return gap + blanked(token);
    })
    .join('')
    .replace(/''(?:,\s*'')+/g, "'', ''")
    .replace(/\('', ''\)(?:,\s*\('', ''\))+/g, "('', ''), ('', '')");
}

function blanked({ type, text }: Token): string {
  switch (type) {
    case 'string':
      return "''";
    case 'number':
      return /e/i.test(text) ? '0e0' : '0';
    case 'quoted':
      return `"${text.replaceAll('"', '""')}"`;
    case 'backtick':
      return `\`${text}\``;
    default:
      return text;
  }
}

/** `line:column`, both from 1, as Athena counts. */
export function positionOf(sql: string, offset: number): string {
  const before = sql.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
