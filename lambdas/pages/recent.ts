import pLimit from 'p-limit';
import * as z from 'zod';
import { type Forecast, readForecasts } from '../lake/forecasts';
import { keys } from '../lake/layout';
import { decodeParquet } from '../lake/parquet';
import { type Bucket, getObject, listObjects } from '../lake/s3';
import { addDays, addHours, datesBetween, hourStart, utcSecond } from '../runtime/time';
import type { TimelineHour } from './charts';

/** One closed hour of one place as the lake has it. Null is "not known". */
export interface RecentHour extends TimelineHour {
  readonly tempC: number | null;
}

/** A row of `forecast_verification`, its partition included. */
export interface VerificationWindow {
  readonly date: string;
  readonly windowDays: number;
  readonly hours: number;
  readonly rainHours: number;
  readonly brier: number | null;
  /** Errors over the hours for which persistence had a probability too: skill of several places is made of them. */
  readonly comparedSquaredError: number;
  readonly persistenceSquaredError: number;
  readonly persistenceBrier: number | null;
  readonly skill: number | null;
  readonly hits: number;
  readonly misses: number;
  readonly falseAlarms: number;
}

const READERS = 16;

/**
 * The closed hours of the last `days` days before `at`, for each of the places: observations beside the forecasts
 * that were issued for them. An hour that the lake does not have is there with nulls.
 */
export async function readRecentHours(
  processed: Bucket,
  locationIds: readonly string[],
  at: string,
  days: number,
): Promise<Map<string, RecentHour[]>> {
  const closedBefore = hourStart(at);
  const first = addHours(closedBefore, -24 * days);
  const wanted = new Set(locationIds);
  const limit = pLimit(READERS);
  const dates = datesBetween(first.slice(0, 10), addHours(closedBefore, -1).slice(0, 10));
  const observed = new Map<string, ObservedHour>();
  const forecast = new Map<string, Forecast>();
  await Promise.all(
    dates.map(async (date) => {
      const rows = await limit(() => readDay(processed, date));
      for (const row of rows) {
        if (wanted.has(row.location_id)) observed.set(`${row.location_id} ${row.hour}`, row);
      }
      const listed = await limit(() => listObjects(processed, keys.forecastDay(date)));
      await Promise.all(
        listed.map(async ({ key }) => {
          const stored = await limit(() => readForecasts(processed, key));
          for (const row of stored ?? []) {
            if (wanted.has(row.location_id)) forecast.set(`${row.location_id} ${row.target_hour}`, row);
          }
        }),
      );
    }),
  );
  const hours: string[] = [];
  for (let hour = first; hour < closedBefore; hour = addHours(hour, 1)) hours.push(hour);
  return new Map(
    locationIds.map((id) => [
      id,
      hours.map((hour) => {
        const came = observed.get(`${id} ${hour}`);
        const said = forecast.get(`${id} ${hour}`);
        return {
          hour: Date.parse(hour),
          tempC: came?.temp_c ?? null,
          precipMm: came?.precip_mm ?? null,
          rained: came?.rained ?? null,
          probability: said?.probability ?? null,
          willRain: said?.will_rain ?? null,
        };
      }),
    ]),
  );
}

const observedSchema = z.object({
  location_id: z.string(),
  hour: z.string(),
  temp_c: z.number().nullable(),
  precip_mm: z.number().nullable(),
  rained: z.boolean().nullable(),
});
type ObservedHour = z.infer<typeof observedSchema>;

async function readDay(processed: Bucket, date: string): Promise<ObservedHour[]> {
  const stored = await getObject(processed, keys.hourlyDay(date));
  return stored === undefined
    ? []
    : decodeParquet(stored.bytes, Object.keys(observedSchema.shape), observedSchema);
}

const windowSchema = z.object({
  location_id: z.string(),
  window_days: z.int(),
  hours: z.int(),
  rain_hours: z.int(),
  brier: z.number().nullable(),
  compared_squared_error: z.number(),
  persistence_squared_error: z.number(),
  persistence_brier: z.number().nullable(),
  skill: z.number().nullable(),
  hits: z.int(),
  misses: z.int(),
  false_alarms: z.int(),
});

/** What `forecast_verification` says of the last `days` days before `at`, by place, oldest day first. */
export async function readVerification(
  processed: Bucket,
  at: string,
  days: number,
): Promise<Map<string, VerificationWindow[]>> {
  const today = utcSecond(at).slice(0, 10);
  const limit = pLimit(READERS);
  const perDay = await Promise.all(
    datesBetween(addDays(today, 1 - days), today).map((date) =>
      limit(async () => {
        const stored = await getObject(processed, keys.verificationDay(date));
        const rows =
          stored === undefined
            ? []
            : await decodeParquet(stored.bytes, Object.keys(windowSchema.shape), windowSchema);
        return rows.map((row) => ({ date, row }));
      }),
    ),
  );
  const byPlace = new Map<string, VerificationWindow[]>();
  for (const { date, row } of perDay.flat()) {
    const windows = byPlace.get(row.location_id) ?? [];
    byPlace.set(row.location_id, windows);
    windows.push({
      date,
      windowDays: row.window_days,
      hours: row.hours,
      rainHours: row.rain_hours,
      brier: row.brier,
      comparedSquaredError: row.compared_squared_error,
      persistenceSquaredError: row.persistence_squared_error,
      persistenceBrier: row.persistence_brier,
      skill: row.skill,
      hits: row.hits,
      misses: row.misses,
      falseAlarms: row.false_alarms,
    });
  }
  return byPlace;
}
