import * as z from 'zod';
import { addDays, datesBetween } from '../runtime/time';
import { keys, PROVIDER_AGREEMENT } from './layout';
import { encodeParquet, ParquetRefused } from './parquet';
import { readRows } from './rows';
import { type Bucket, listObjects } from './s3';

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

export interface AgreementRead {
  /** A row for each provider and measurement of the place. */
  of(locationId: string): Agreement[];
  /** Days that can't be read; they add nothing. */
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[];
}

/** The agreement over the days from `from` to `to`, both included. Days are read one after another: each is of all places. */
export async function readAgreement(processed: Bucket, from: string, to: string): Promise<AgreementRead> {
  const places = new Map<string, Map<string, Agreement>>();
  const unreadable: { key: string; reason: string }[] = [];
  const before = keys.agreementDay(addDays(from, -1));
  const listed = await listObjects(processed, PROVIDER_AGREEMENT.prefix, before);
  const there = new Set(listed.map(({ key }) => key));
  for (const key of datesBetween(from, to).map(keys.agreementDay)) {
    if (!there.has(key)) continue;
    try {
      for (const row of (await readRows(processed, key, agreementSchema)) ?? []) {
        const place = places.get(row.location_id) ?? new Map<string, Agreement>();
        places.set(row.location_id, place);
        const column = `${row.source} ${row.measurement}`;
        const before = place.get(column);
        place.set(column, before === undefined ? row : added(before, row));
      }
    } catch (error) {
      if (!(error instanceof ParquetRefused)) throw error;
      unreadable.push({ key, reason: error.message });
    }
  }
  return { of: (locationId) => [...(places.get(locationId)?.values() ?? [])], unreadable };
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
