import { encodeAgreement, readAgreement } from '../lake/agreement';
import { decodeForecasts } from '../lake/forecasts';
import { FORECASTS, keys, MODEL_METRICS, NDJSON_TYPE, PARQUET_TYPE } from '../lake/layout';
import { encodeParquet, ParquetRefused } from '../lake/parquet';
import { type Bucket, getObject, listObjects, putObject, updateObject } from '../lake/s3';
import { HORIZON_HOURS } from '../model/features';
import { isReadable as isReadableMetrics, remakeRows } from '../model/metrics-rows';
import { addDays, addHours, hourStart } from '../runtime/time';
import { measureAgreement } from './agreement';
import { type CommitAccess, commitDays } from './commit';
import { isUnreadable, readDayHours } from './day';
import { type ForecastAccess, issueForecasts } from './forecast';
import type { VerificationAccess, VerifiedDay } from './verification';

/**
 * Verifies. Forecasts that nobody can read are made anew from what was known of their base hour, by the model that was in
 * office then, and verified too; where none can be made, they are set aside and their hour goes without.
 * @throws as `verify` and `issueForecasts`.
 */
export async function verifyMended<T extends VerifiedDay>(
  access: VerificationAccess & ForecastAccess,
  now: string,
  verify: (access: VerificationAccess) => Promise<T>,
): Promise<T> {
  const unreadable = new Set<string>();
  const first = await verify({ ...access, onUnreadable: (key) => unreadable.add(key) });
  if (unreadable.size === 0) return first;
  for (const key of unreadable) {
    const [, date, hour] = /dt=(\d{4}-\d{2}-\d{2})\/(\d{2})\.parquet$/.exec(key) ?? [];
    if (date !== undefined) {
      const baseHour = addHours(`${date}T${hour}:00:00Z`, -HORIZON_HOURS);
      const { made } = await issueForecasts(access, baseHour, now);
      if (made === 0 && (await setForecastsAside(access.processed, key))) {
        access.warn(`${key} could not be made anew and lies in ${keys.quarantined(key)} now.`, undefined);
      }
    }
  }
  const second = await verify(access);
  return { ...second, verified: first.verified + second.verified };
}

/**
 * Moves forecasts that can't be read to `quarantine/` of their zone, and puts none in their place, so that no reader and no
 * query meets them again. The copy comes first: dying in between costs nothing.
 * @returns false when they can be read by now.
 */
async function setForecastsAside(processed: Bucket, key: string): Promise<boolean> {
  return updateObject(processed, key, PARQUET_TYPE, async (stored) => {
    if (stored === undefined || (await isReadable(stored.bytes))) return { result: false };
    await putObject(processed, keys.quarantined(key), stored.bytes, 'application/octet-stream');
    return { body: encodeParquet(FORECASTS.columns, []), result: true };
  });
}

async function isReadable(bytes: Uint8Array): Promise<boolean> {
  try {
    await decodeForecasts(bytes);
    return true;
  } catch (error) {
    if (error instanceof ParquetRefused) return false;
    throw error;
  }
}

/**
 * Makes days of `hourly_observations` anew from the raw zone that nobody can read any more; the commit names them.
 * @returns those days.
 * @throws as `commitDays`.
 */
export async function mendDays(
  access: CommitAccess,
  dates: readonly string[],
  now: string,
): Promise<readonly string[]> {
  const mended: string[] = [];
  for (const date of dates) {
    if (await isDamaged(access, date)) {
      await commitDays(access, { dates: [date], closedBefore: hourStart(now), now, acceptLostHours: false });
      mended.push(date);
    }
  }
  return mended;
}

/**
 * Makes days of `provider_agreement` anew that nobody can read; one that nothing is known of any more becomes empty. Each
 * is named.
 * @throws as `measureAgreement`.
 */
export async function mendAgreement(
  access: CommitAccess,
  from: string,
  to: string,
  now: string,
): Promise<void> {
  const { processed, warn } = access;
  const { unreadable } = await readAgreement(processed, from, to);
  for (const { key, reason } of unreadable) {
    warn(`${key} can't be read and is made anew.`, reason);
    const day = /dt=([^/]+)/.exec(key)?.[1] ?? from;
    await measureAgreement(access, day, day, now);
    const again = await readAgreement(processed, day, day);
    if (again.unreadable.length > 0) await putObject(processed, key, encodeAgreement([]), PARQUET_TYPE);
  }
}

/** A damaged one is found within the time; older ones cost a request a day each. */
const METRICS_DAYS = 30;

/**
 * Makes objects of `model_metrics` anew that no query can read; each is named. One that nothing is known of any more moves
 * to `quarantine/`, and none takes its place.
 */
export async function mendMetrics(
  { processed, models, locations, warn }: CommitAccess & ForecastAccess,
  date: string,
): Promise<void> {
  const eldest = keys.modelMetrics(addDays(date, -METRICS_DAYS), '');
  for (const { key } of await listObjects(processed, MODEL_METRICS.prefix, eldest)) {
    const stored = await getObject(processed, key);
    if (stored === undefined || isReadableMetrics(stored.bytes)) continue;
    const ids = locations.map(({ id }) => id);
    if (await remakeRows({ processed, models }, key, ids)) {
      warn(`${key} could not be read and was made anew.`, undefined);
      continue;
    }
    await putObject(processed, keys.quarantined(key), stored.bytes, 'application/octet-stream');
    await putObject(processed, key, new Uint8Array(), NDJSON_TYPE);
    warn(`${key} could not be made anew and lies in ${keys.quarantined(key)} now.`, undefined);
  }
}

async function isDamaged({ processed }: CommitAccess, date: string): Promise<boolean> {
  const stored = await getObject(processed, keys.hourlyDay(date));
  if (stored === undefined) return false;
  try {
    await readDayHours(date, stored.bytes);
    return false;
  } catch (error) {
    if (isUnreadable(error)) return true;
    throw error;
  }
}
