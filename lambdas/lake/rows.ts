import type * as z from 'zod';
import { decodeParquet } from './parquet';
import { type Bucket, getObject } from './s3';

/** The one way to read Parquet files of the lake: the columns that are read are those that the schema names. */

/**
 * The rows of one file; undefined when there is none.
 * @throws ParquetRefused naming row and column.
 */
export async function readRows<T>(
  bucket: Bucket,
  key: string,
  schema: RowSchema<T>,
): Promise<T[] | undefined> {
  const stored = await getObject(bucket, key);
  return stored && decodeRows(stored.bytes, schema);
}

/** @throws ParquetRefused naming row and column. */
export function decodeRows<T>(bytes: Uint8Array, schema: RowSchema<T>): Promise<T[]> {
  return decodeParquet(bytes, Object.keys(schema.shape), schema);
}

type RowSchema<T> = z.ZodType<T> & { readonly shape: Readonly<Record<string, unknown>> };
