import * as z from 'zod';
import { datesBetween } from '../runtime/time';
import { keys, PROVIDER_AGREEMENT } from './layout';
import { decodeParquet, encodeParquet, ParquetRefused } from './parquet';
import { type Bucket, getObject } from './s3';

/**
 * What was known against what was true, of hours that have both: upkeep measures it for each day that has been settled;
 * pages and people read it. Sums, so that days add up.
 */
export const agreementSchema = z.object({
  location_id: z.string(),
  source: z.string(),
  /** A column of `hourly_observations`; `precip_mm` is the known rain against the true one. */
  measurement: z.string(),
  hours: z.int(),
  difference_sum: z.number(),
  squared_difference_sum: z.number(),
  both_wet: z.int(),
  only_known_wet: z.int(),
  only_true_wet: z.int(),
  both_dry: z.int(),
});
export type Agreement = z.infer<typeof agreementSchema>;

/** Mean of known less true; null over no hours. */
export function biasOf({ hours, difference_sum }: Agreement): number | null {
  return hours === 0 ? null : difference_sum / hours;
}

/** Standard deviation of known less true; null over no hours. */
export function spreadOf({ hours, difference_sum, squared_difference_sum }: Agreement): number | null {
  if (hours === 0) return null;
  return Math.sqrt(Math.max(squared_difference_sum / hours - (difference_sum / hours) ** 2, 0));
}

export function encodeAgreement(rows: readonly Agreement[]): Uint8Array {
  return encodeParquet(
    PROVIDER_AGREEMENT.columns,
    rows.map((row) => ({ ...row, bias: biasOf(row), spread: spreadOf(row) })),
  );
}

/**
 * The agreement over the days from `from` to `to`, both included: a row for each place, provider and measurement. Days
 * without an object, or with one that can't be read, add nothing.
 */
export async function readAgreement(processed: Bucket, from: string, to: string): Promise<Agreement[]> {
  const total = new Map<string, Agreement>();
  for (const date of datesBetween(from, to)) {
    for (const row of await readDay(processed, date)) {
      const key = `${row.location_id} ${row.source} ${row.measurement}`;
      const known = total.get(key);
      total.set(key, known === undefined ? row : added(known, row));
    }
  }
  return [...total.values()];
}

async function readDay(processed: Bucket, date: string): Promise<Agreement[]> {
  const stored = await getObject(processed, keys.agreementDay(date));
  if (stored === undefined) return [];
  try {
    return await decodeParquet(stored.bytes, Object.keys(agreementSchema.shape), agreementSchema);
  } catch (error) {
    if (error instanceof ParquetRefused) return [];
    throw error;
  }
}

function added(a: Agreement, b: Agreement): Agreement {
  return {
    ...a,
    hours: a.hours + b.hours,
    difference_sum: a.difference_sum + b.difference_sum,
    squared_difference_sum: a.squared_difference_sum + b.squared_difference_sum,
    both_wet: a.both_wet + b.both_wet,
    only_known_wet: a.only_known_wet + b.only_known_wet,
    only_true_wet: a.only_true_wet + b.only_true_wet,
    both_dry: a.both_dry + b.both_dry,
  };
}
