import * as z from 'zod';
import { type Agreement, encodeAgreement } from '../lake/agreement';
import { runQuery } from '../lake/athena';
import { keys, PARQUET_TYPE } from '../lake/layout';
import { putObject } from '../lake/s3';
import { agreementSql, COMPARED, fromUnits } from '../lake/sql/agreement';
import { hourStart } from '../runtime/time';
import type { CommitAccess } from './commit';

/** Of all places together: rain as known against rain as settled. */
export interface RainAgreement {
  readonly hours: number;
  readonly bothWet: number;
  readonly onlyKnownWet: number;
  readonly onlyTrueWet: number;
  readonly bothDry: number;
}

const confusion = { both_wet: z.int(), only_known_wet: z.int(), only_true_wet: z.int(), both_dry: z.int() };
const rowSchema = z
  .object({ dt: z.iso.date(), location_id: z.string(), source: z.string(), ...confusion })
  .catchall(z.number().nullable());

/**
 * Measures known against true for the days from `from` to `to`, of hours that were polled and are settled, and writes
 * `provider_agreement`. The days are one statement; repeating it writes the same objects.
 * @throws what Athena and S3 throw.
 */
export async function measureAgreement(
  access: CommitAccess,
  from: string,
  to: string,
  now: string,
): Promise<RainAgreement> {
  const sql = agreementSql({
    database: access.athena.database,
    from,
    to,
    closedBefore: hourStart(now),
    rainThresholdMm: access.rainThresholdMm,
    hourlyMinute: access.hourlyMinute,
    settledAfterHours: access.settledAfterHours,
  });
  const rows = await runQuery(access.athena, { sql, row: rowSchema });
  const days = new Map<string, Agreement[]>();
  for (const row of rows) {
    days.set(row.dt, [...(days.get(row.dt) ?? []), ...agreementsOf(row)]);
  }
  for (const [date, agreements] of days) {
    const key = keys.agreementDay(date);
    await putObject(access.processed, key, encodeAgreement(agreements), PARQUET_TYPE);
  }
  const sum = (pick: (row: z.infer<typeof rowSchema>) => number) =>
    rows.reduce((total, row) => total + pick(row), 0);
  return {
    hours: sum(({ precip_mm_hours }) => precip_mm_hours ?? 0),
    bothWet: sum(({ both_wet }) => both_wet),
    onlyKnownWet: sum(({ only_known_wet }) => only_known_wet),
    onlyTrueWet: sum(({ only_true_wet }) => only_true_wet),
    bothDry: sum(({ both_dry }) => both_dry),
  };
}

/** A column that one of the two kinds lacks compares in no hour, and has no row. */
function agreementsOf(row: z.infer<typeof rowSchema>): Agreement[] {
  const { location_id, source, both_wet, only_known_wet, only_true_wet, both_dry } = row;
  const value = (name: string) => z.number().parse(row[name] ?? 0);
  return COMPARED.flatMap((measurement) => {
    const hours = value(`${measurement}_hours`);
    const rain = measurement === 'precip_mm';
    const agreement: Agreement = {
      location_id,
      source,
      measurement,
      hours,
      difference_sum: fromUnits(value(`${measurement}_units`), 1),
      squared_difference_sum: fromUnits(value(`${measurement}_squares`), 2),
      both_wet: rain ? both_wet : 0,
      only_known_wet: rain ? only_known_wet : 0,
      only_true_wet: rain ? only_true_wet : 0,
      both_dry: rain ? both_dry : 0,
    };
    return hours === 0 ? [] : [agreement];
  });
}
