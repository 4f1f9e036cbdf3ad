import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';

/** A value as Athena prints it into results; undefined for null. Doubles read back as the same number. */
export function printValue(value: DuckDBValue, type: DuckDBType): string | undefined {
  if (value === null) {
    return undefined;
  }
  if (typeof value === 'number') {
    switch (type.typeId) {
      case DuckDBTypeId.DOUBLE:
        return printDouble(value);
      case DuckDBTypeId.FLOAT:
        return printDouble(shortestFloat(value));
      default:
        return String(value);
    }
  }
  if (value instanceof DuckDBTimestampValue) {
    return printTimestamp(Number(value.micros / 1000n));
  }
  if (value instanceof DuckDBTimestampTZValue) {
    return `${printTimestamp(Number(value.micros / 1000n))} UTC`;
  }
  if (value instanceof DuckDBTimestampMillisecondsValue) {
    return printTimestamp(Number(value.millis));
  }
  if (value instanceof DuckDBTimestampSecondsValue) {
    return printTimestamp(Number(value.seconds) * 1000);
  }
  if (value instanceof DuckDBTimestampNanosecondsValue) {
    return printTimestamp(Number(value.nanos / 1_000_000n));
  }
  if (value instanceof DuckDBDateValue) {
    return new Date(value.days * 86_400_000).toISOString().slice(0, 10);
  }
  if (value instanceof DuckDBDecimalValue) {
    return value.toString();
  }
  if (value instanceof DuckDBBlobValue) {
    return [...value.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
  if (value instanceof DuckDBListValue) {
    const inner = 'valueType' in type ? type.valueType : type;
    return `[${value.items.map((item) => printValue(item, inner) ?? 'null').join(', ')}]`;
  }
  if (value instanceof DuckDBStructValue) {
    const fields = Object.entries(value.entries).map(
      ([name, one], index) =>
        `${name}=${printValue(one, 'entryTypes' in type ? (type.entryTypes[index] ?? type) : type) ?? 'null'}`,
    );
    return `{${fields.join(', ')}}`;
  }
  if (value instanceof DuckDBMapValue) {
    const [keyType, valueType] =
      'keyType' in type && 'valueType' in type ? [type.keyType, type.valueType] : [type, type];
    const entries = value.entries.map(
      (entry) =>
        `${printValue(entry.key, keyType) ?? 'null'}=${printValue(entry.value, valueType) ?? 'null'}`,
    );
    return `{${entries.join(', ')}}`;
  }
  return String(value);
}

/** Java's Double.toString: plain from 0.001 to below 10 million, else `1.2345E-5`; shortest digits that read back. */
function printDouble(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  }
  if (value === 0) {
    return Object.is(value, -0) ? '-0.0' : '0.0';
  }
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e7) {
    const plain = String(value);
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent.replace('+', '')}`;
}

/** A 32-bit float as the shortest double that rounds to it. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) {
      return short;
    }
  }
  return value;
}

function printTimestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '');
}
