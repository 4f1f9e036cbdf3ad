/**
 * Names of types: Glue's (Hive) in the catalogue, DuckDB's in its SQL, Athena's in column metadata.
 */
import { type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import { QueryFailure } from './query-failure';

const HIVE_TO_DUCKDB: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  varchar: 'VARCHAR',
  char: 'VARCHAR',
  double: 'DOUBLE',
  float: 'FLOAT',
  boolean: 'BOOLEAN',
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  binary: 'BLOB',
};

/** @throws QueryFailure for nested types, which no declared table has. */
export function duckDbType(hiveType: string): string {
  const lower = hiveType.toLowerCase().trim();
  if (/^decimal\(\d+,\s*\d+\)$/.test(lower)) {
    return lower.toUpperCase();
  }
  const type = HIVE_TO_DUCKDB[lower.replace(/\(\d+\)$/, '')];
  if (type === undefined) {
    throw new QueryFailure('NOT_SUPPORTED', `Columns of type ${hiveType} are not served here.`);
  }
  return type;
}

/** Physical types of Parquet from which Athena reads a column of the Hive type; others are HIVE_BAD_DATA. */
export function readsParquet(hiveType: string, parquetType: string): boolean {
  switch (duckDbType(hiveType)) {
    case 'VARCHAR':
    case 'BLOB':
      return parquetType === 'BYTE_ARRAY';
    case 'DOUBLE':
      return parquetType === 'DOUBLE' || parquetType === 'FLOAT';
    case 'FLOAT':
      return parquetType === 'FLOAT';
    case 'BOOLEAN':
      return parquetType === 'BOOLEAN';
    case 'BIGINT':
      return parquetType === 'INT64' || parquetType === 'INT32';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
    case 'DATE':
      return parquetType === 'INT32';
    case 'TIMESTAMP':
      return parquetType === 'INT64' || parquetType === 'INT96';
    default:
      return true;
  }
}

/** What GetQueryResults calls the type of a column. */
export function athenaType(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return 'boolean';
    case DuckDBTypeId.TINYINT:
      return 'tinyint';
    case DuckDBTypeId.SMALLINT:
      return 'smallint';
    case DuckDBTypeId.INTEGER:
      return 'integer';
    // DuckDB adds integers up to 128 bits; Trino's sums are bigint.
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.HUGEINT:
      return 'bigint';
    case DuckDBTypeId.FLOAT:
      return 'float';
    case DuckDBTypeId.DOUBLE:
      return 'double';
    case DuckDBTypeId.DECIMAL:
      return 'decimal';
    case DuckDBTypeId.DATE:
      return 'date';
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return 'timestamp';
    case DuckDBTypeId.TIMESTAMP_TZ:
      return 'timestamp with time zone';
    case DuckDBTypeId.BLOB:
      return 'varbinary';
    case DuckDBTypeId.LIST:
      return 'array';
    case DuckDBTypeId.MAP:
      return 'map';
    case DuckDBTypeId.STRUCT:
      return 'row';
    case DuckDBTypeId.SQLNULL:
      return 'unknown';
    default:
      return 'varchar';
  }
}

/** How a CTAS enters a result's column into the catalogue; undefined when Hive has no such type. */
export function hiveType(type: DuckDBType): string | undefined {
  const name = athenaType(type);
  switch (name) {
    case 'varchar':
      return 'string';
    case 'integer':
      return 'int';
    case 'varbinary':
      return 'binary';
    case 'decimal':
      return type.toString().toLowerCase();
    case 'array':
    case 'map':
    case 'row':
    case 'unknown':
    case 'timestamp with time zone':
      return undefined;
    default:
      return name;
  }
}

/** Whether Hive has a hash to bucket by; the connector refuses a CTAS that is bucketed on another type. */
export function isBucketed(type: DuckDBType): boolean {
  return !['timestamp', 'decimal', 'varbinary'].includes(athenaType(type));
}
