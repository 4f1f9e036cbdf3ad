import { type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import type { ViewUse } from './catalogue';
import type { OutputColumns } from './columns';
import { QueryFailure } from './query-failure';
import { athenaType } from './types';

/** What the query behind a view gives, by position. */
export interface ViewOutput {
  readonly columns: OutputColumns;
  readonly types: readonly DuckDBType[];
}

const KNOWN_TYPE =
  /^(boolean|tinyint|smallint|integer|bigint|real|double|decimal\(\d+,\d+\)|varchar(\(\d+\))?|char\(\d+\)|varbinary|date|timestamp\(\d+\)( with time zone)?)$/;

/** Trino widens a number to each of those after it. */
const WIDENING = ['tinyint', 'smallint', 'integer', 'bigint', 'real', 'double'];

/**
 * Holds a view that the stack declares to what Trino asks of one: somebody to run as, and columns that are still
 * those of its query.
 * @throws QueryFailure in Trino's words; in others for a conversion that Trino makes and this emulation does not.
 */
export function requireUsable({ view, name, place }: ViewUse, { columns, types }: ViewOutput): void {
  const { declared } = view;
  if (declared === undefined) {
    return;
  }
  if (!declared.runsAsSomebody) {
    throw new QueryFailure(
      'INVALID_VIEW',
      `Run-as identity must be set for a run-as definer view: awsdatacatalog.${name}`,
    );
  }
  const stale = (reason: string) =>
    new QueryFailure(
      'VIEW_IS_STALE',
      `line ${place}: View 'awsdatacatalog.${name}' is stale or in invalid state: ${reason}`,
    );
  if (declared.columns.length !== types.length) {
    throw stale(
      `stored view column count (${declared.columns.length}) does not match column count derived from the view query analysis (${types.length})`,
    );
  }
  declared.columns.forEach((column, position) => {
    const stored = storedType(column.type);
    if (!KNOWN_TYPE.test(stored)) {
      throw new QueryFailure(
        'INVALID_VIEW',
        `line ${place}: Unknown type 'type:[${column.type}]' for column '${column.name}' in view: awsdatacatalog.${name}`,
      );
    }
    const own = columns?.[position];
    const type = typeName(types[position], own?.precision);
    const projected = `of type ${type} projected from query view at position ${position}`;
    if (own?.name === '' || own?.name.startsWith('_col') === true) {
      throw stale(`a column ${projected} has no name`);
    }
    if (own !== undefined && own.name !== column.name.toLowerCase()) {
      throw stale(
        `column [${own.name}] ${projected} has a different name from column [${column.name}] of type ${stored} stored in view definition`,
      );
    }
    if (type === stored || type === 'unknown' || isFiner(stored, type)) {
      return;
    }
    if (isWider(stored, type)) {
      throw new QueryFailure(
        'NOT_SUPPORTED',
        `View ${name} stores ${column.name} as ${stored}, and its query gives ${type}: the conversion is not made here. Cast in the query.`,
      );
    }
    throw stale(
      `column [${column.name}] ${projected} cannot be coerced to column [${column.name}] of type ${stored} stored in view definition`,
    );
  });
}

function storedType(type: string): string {
  const lower = type.toLowerCase();
  return { int: 'integer', timestamp: 'timestamp(3)' }[lower] ?? lower;
}

function typeName(type: DuckDBType | undefined, precision: number | undefined): string {
  if (type === undefined) {
    return 'unknown';
  }
  const name = athenaType(type);
  switch (type.typeId) {
    case DuckDBTypeId.DECIMAL:
      return type.toString().toLowerCase();
    case DuckDBTypeId.FLOAT:
      return 'real';
    default:
      return name === 'timestamp' ? `timestamp(${precision ?? '?'})` : name;
  }
}

/** A timestamp with at least as many decimals loses nothing. */
function isFiner(stored: string, type: string): boolean {
  const [to, from] = [stored, type].map((one) => Number(/^timestamp\((\d+)\)$/.exec(one)?.[1]));
  return to !== undefined && from !== undefined && to >= from;
}

function isWider(stored: string, type: string): boolean {
  const from = WIDENING.indexOf(type);
  return (
    (from >= 0 && WIDENING.indexOf(stored) > from) ||
    (type === 'varchar' && /^varchar\(/.test(stored)) ||
    (type === 'integer' && /^decimal/.test(stored))
  );
}
