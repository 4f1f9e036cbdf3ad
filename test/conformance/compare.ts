import type { AthenaResult } from './athena';
import type { TrinoResult } from './trino/client';

/** `timestamp(3)` and `varchar(5)` are `timestamp` and `varchar` to Athena's clients. */
const typeName = (type: string) => type.replace(/\(.*?\)/, '');

/** A cell with its type: null, a number, a boolean or a text, equal in both engines exactly when the values are. */
export type ComparedCell = string | number | boolean | null;

export interface ComparedResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ComparedCell[])[];
}

export function fromTrino({ columns, rows }: TrinoResult): ComparedResult {
  return compared(columns, rows);
}

export function fromAthena({ columns, rows }: AthenaResult): ComparedResult {
  return compared(columns, rows);
}

function compared(
  columns: readonly { readonly name: string; readonly type: string }[],
  rows: readonly (readonly unknown[])[],
): ComparedResult {
  return {
    columns: columns.map(({ name, type }) => `${name} ${typeName(type)}`),
    rows: rows.map((row) =>
      row.map((cell, index) => comparedCell(cell, typeName(columns[index]?.type ?? ''))),
    ),
  };
}

function comparedCell(cell: unknown, type: string): ComparedCell {
  if (cell === null || cell === undefined) return null;
  switch (type) {
    case 'boolean':
      return String(cell) === 'true';
    case 'double':
    case 'real':
    case 'float':
    case 'tinyint':
    case 'smallint':
    case 'integer':
      return Number(cell);
    case 'timestamp':
      // Trino prints as many decimals as the type has.
      return String(cell)
        .replace(/\.(\d{3})\d*$/, '.$1')
        .replace(/(:\d\d)$/, '$1.000');
    default:
      return String(cell);
  }
}

/** What differs, in a line or two; undefined when nothing does. Doubles are compared bit by bit. */
export function difference(
  trino: ComparedResult,
  athena: ComparedResult,
  ordered: boolean,
): string | undefined {
  const [names, others] = [trino.columns.join(', '), athena.columns.join(', ')];
  if (names !== others) return `columns: Trino ${names}; local ${others}`;
  if (trino.rows.length !== athena.rows.length) {
    return `rows: Trino ${trino.rows.length}, local ${athena.rows.length}`;
  }
  const [ours, theirs] = ordered ? [athena.rows, trino.rows] : [sorted(athena.rows), sorted(trino.rows)];
  for (const [index, row] of theirs.entries()) {
    const other = ours[index] ?? [];
    const column = row.findIndex((cell, position) => !Object.is(cell, other[position]));
    if (column >= 0) {
      return `row ${index + 1}, ${trino.columns[column]}: Trino ${printed(row[column])}, local ${printed(other[column])}`;
    }
  }
  return undefined;
}

function sorted(rows: ComparedResult['rows']): ComparedResult['rows'] {
  return rows
    .map((row) => [JSON.stringify(row), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, row]) => row);
}

export function printed(cell: ComparedCell | undefined): string {
  return Object.is(cell, -0) ? '-0' : typeof cell === 'number' ? String(cell) : JSON.stringify(cell);
}
