import pLimit from 'p-limit';
import * as z from 'zod';
import { readForecasts } from '../lake/forecasts';
import { FORECAST_VERIFICATION, FORECASTS, keys } from '../lake/layout';
import { ParquetRefused } from '../lake/parquet';
import { readRows } from '../lake/rows';
import { type Bucket, listObjects } from '../lake/s3';
import { settleAll } from '../runtime/settle';
import { addDays, addHours, datesBetween, HOUR_MS, hourStart, utcSecond } from '../runtime/time';
import type { DailySkill, TimelineHour } from './charts';

/** One closed hour of one place as the lake has it. Null is "not known". */
export interface RecentHour extends TimelineHour {
  readonly tempC: number | null;
}

const READERS = 16;

/** Bits of an hour: what is known of rain and of the yes/no forecast, and what it is. */
const RAIN_KNOWN = 1;
const RAINED = 2;
const FORECAST_KNOWN = 4;
const RAIN_FORECAST = 8;

/**
 * The last closed hours of many places, 13 bytes an hour: each stored day is read once for all places, and a page
 * takes out its own place's hours.
 */
export class RecentHours {
  private readonly places: ReadonlyMap<string, number>;
  private readonly temperature: Float32Array;
  private readonly precipitation: Float32Array;
  private readonly probability: Float32Array;
  private readonly bits: Uint8Array;

  /**
   * @param from start of the first hour, ms since the epoch.
   * @param length how many hours.
   */
  constructor(
    locationIds: readonly string[],
    private readonly from: number,
    private readonly length: number,
  ) {
    this.places = new Map(locationIds.map((id, place) => [id, place]));
    const cells = locationIds.length * length;
    this.temperature = new Float32Array(cells).fill(Number.NaN);
    this.precipitation = new Float32Array(cells).fill(Number.NaN);
    this.probability = new Float32Array(cells).fill(Number.NaN);
    this.bits = new Uint8Array(cells);
  }

  /** The place's hours, oldest first; one that the lake does not have is there with nulls. */
  of(locationId: string): RecentHour[] {
    const start = (this.places.get(locationId) ?? 0) * this.length;
    return Array.from({ length: this.places.has(locationId) ? this.length : 0 }, (_, i) => {
      const bits = this.bits[start + i] ?? 0;
      return {
        hour: this.from + i * HOUR_MS,
        tempC: known(this.temperature[start + i]),
        precipMm: known(this.precipitation[start + i]),
        rained: (bits & RAIN_KNOWN) === 0 ? null : (bits & RAINED) !== 0,
        probability: known(this.probability[start + i]),
        willRain: (bits & FORECAST_KNOWN) === 0 ? null : (bits & RAIN_FORECAST) !== 0,
      };
    });
  }

  observed(row: ObservedHour): void {
    const cell = this.cell(row.location_id, row.hour);
    if (cell === undefined) return;
    this.temperature[cell] = row.temp_c ?? Number.NaN;
    this.precipitation[cell] = row.precip_mm ?? Number.NaN;
    if (row.rained !== null) this.set(cell, RAIN_KNOWN | (row.rained ? RAINED : 0));
  }

  forecast(row: { location_id: string; target_hour: string; probability: number; will_rain: boolean }): void {
    const cell = this.cell(row.location_id, row.target_hour);
    if (cell === undefined) return;
    this.probability[cell] = row.probability;
    this.set(cell, FORECAST_KNOWN | (row.will_rain ? RAIN_FORECAST : 0));
  }

  private set(cell: number, bits: number): void {
    this.bits[cell] = (this.bits[cell] ?? 0) | bits;
  }

  private cell(locationId: string, hour: string): number | undefined {
    const place = this.places.get(locationId);
    const offset = (Date.parse(hour) - this.from) / HOUR_MS;
    return place === undefined || offset < 0 || offset >= this.length
      ? undefined
      : place * this.length + offset;
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** What a page does without, and why: a stored object that can't be read costs its own part and nothing else. */
export interface Unreadable {
  readonly key: string;
  readonly reason: string;
}

export interface RecentHoursRead {
  readonly hours: RecentHours;
  readonly unreadable: readonly Unreadable[];
}

/**
 * The closed hours of the last `days` days before `at`: observations, and with `withForecasts` what was forecast
 * for them. Called once a run for all its places.
 */
export async function readRecentHours(
  processed: Bucket,
  locationIds: readonly string[],
  at: string,
  { days, withForecasts }: { readonly days: number; readonly withForecasts: boolean },
): Promise<RecentHoursRead> {
  const closedBefore = hourStart(at);
  const first = addHours(closedBefore, -24 * days);
  const hours = new RecentHours(locationIds, Date.parse(first), 24 * days);
  const unreadable: Unreadable[] = [];
  const limit = pLimit(READERS);
  const read = (key: string, work: () => Promise<void>): Promise<void> =>
    limit(async () => {
      try {
        await work();
      } catch (error) {
        unreadable.push(refusal(key, error));
      }
    });
  const dates = datesBetween(first.slice(0, 10), addHours(closedBefore, -1).slice(0, 10));
  const forecasts = withForecasts ? await forecastKeys(processed, dates) : [];
  await settleAll([
    ...dates.map(keys.hourlyDay).map((key) =>
      read(key, async () => {
        for (const row of (await readRows(processed, key, observedSchema)) ?? []) hours.observed(row);
      }),
    ),
    ...forecasts.map((key) =>
      read(key, async () => {
        for (const row of (await readForecasts(processed, key)) ?? []) hours.forecast(row);
      }),
    ),
  ]);
  return { hours, unreadable };
}

/** One listing for all of the days: few forecasts are newer. */
async function forecastKeys(processed: Bucket, dates: readonly string[]): Promise<string[]> {
  const days = dates.map(keys.forecastDay);
  const listed = await listObjects(processed, FORECASTS.prefix, days[0]);
  return listed.map(({ key }) => key).filter((key) => days.some((day) => key.startsWith(day)));
}

const observedSchema = z.object({
  location_id: z.string(),
  hour: z.string(),
  temp_c: z.number().nullable(),
  precip_mm: z.number().nullable(),
  rained: z.boolean().nullable(),
});
type ObservedHour = z.infer<typeof observedSchema>;

/** How the forecasts of a window of days fared: a row of `forecast_verification`, its partition included. */
export interface VerificationWindow {
  /** Last day of the window. */
  readonly date: string;
  readonly hours: number;
  readonly rainHours: number;
  readonly brier: number | null;
  /** Errors over the hours for which persistence had a probability too: skill of several places is made of them. */
  readonly comparedSquaredError: number;
  readonly persistenceSquaredError: number;
  readonly persistenceBrier: number | null;
  /** The hours that the provider's own forecast, recalibrated, spoke of too, and both squared errors over them. */
  readonly providerHours: number;
  readonly providerComparedSquaredError: number;
  readonly providerSquaredError: number;
  readonly skill: number | null;
  readonly hits: number;
  readonly misses: number;
  readonly falseAlarms: number;
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
  // Null where it was verified before there were such columns.
  provider_hours: z.int().nullable(),
  provider_compared_squared_error: z.number().nullable(),
  provider_squared_error: z.number().nullable(),
  skill: z.number().nullable(),
  hits: z.int(),
  misses: z.int(),
  false_alarms: z.int(),
});
type WindowRow = z.infer<typeof windowSchema>;

/** The window whose figures the pages show. */
export const SKILL_DAYS = 30;
/** Nothing verified for longer is nothing to judge by. */
const NEWEST_WITHIN_DAYS = 7;

export interface WindowsRead {
  /** The newest window of each place that has one. */
  readonly windows: ReadonlyMap<string, VerificationWindow>;
  readonly unreadable: readonly Unreadable[];
}

/** What `forecast_verification` says of the last `windowDays` days before `at`, by place: of the newest day that has any. */
export async function readWindows(processed: Bucket, at: string, windowDays: number): Promise<WindowsRead> {
  const today = utcSecond(Date.parse(at)).slice(0, 10);
  const unreadable: Unreadable[] = [];
  for (let back = 0; back < NEWEST_WITHIN_DAYS; back += 1) {
    const date = addDays(today, -back);
    const rows = (await readDay(processed, date, unreadable)).filter(
      ({ window_days }) => window_days === windowDays,
    );
    if (rows.length > 0) {
      return { windows: new Map(rows.map((row) => [row.location_id, windowOf(date, row)])), unreadable };
    }
  }
  return { windows: new Map(), unreadable };
}

/** Skill of each of the last 30 days (oldest first) by place; a day that can't be told is null. */
export async function readDailySkill(
  processed: Bucket,
  locationIds: readonly string[],
  at: string,
): Promise<(locationId: string) => DailySkill[]> {
  const today = utcSecond(Date.parse(at)).slice(0, 10);
  const dates = datesBetween(addDays(today, 1 - SKILL_DAYS), today);
  const places = new Map(locationIds.map((id, place) => [id, place]));
  const skills = new Float32Array(locationIds.length * dates.length).fill(Number.NaN);
  const before = keys.verificationDay(addDays(today, -SKILL_DAYS));
  const listed = await listObjects(processed, FORECAST_VERIFICATION.prefix, before);
  const there = new Set(listed.map(({ key }) => key));
  const limit = pLimit(READERS);
  await settleAll(
    dates.map((date, day) =>
      limit(async () => {
        if (!there.has(keys.verificationDay(date))) return;
        // What can't be read is named by verification, which makes it again.
        for (const { location_id, window_days, skill } of await readDay(processed, date, [])) {
          const place = places.get(location_id);
          if (window_days === 1 && place !== undefined && skill !== null) {
            skills[place * dates.length + day] = skill;
          }
        }
      }),
    ),
  );
  return (locationId) => {
    const start = (places.get(locationId) ?? Number.NaN) * dates.length;
    return dates.map((date, day) => ({ date, skill: known(skills[start + day]) }));
  };
}

async function readDay(
  processed: Bucket,
  date: string,
  unreadable: Unreadable[],
): Promise<readonly WindowRow[]> {
  const key = keys.verificationDay(date);
  try {
    return (await readRows(processed, key, windowSchema)) ?? [];
  } catch (error) {
    unreadable.push(refusal(key, error));
    return [];
  }
}

/** @throws the error itself unless it says that the stored object is damaged. */
function refusal(key: string, error: unknown): Unreadable {
  if (error instanceof ParquetRefused) return { key, reason: error.message };
  throw error;
}

function windowOf(date: string, row: WindowRow): VerificationWindow {
  return {
    date,
    hours: row.hours,
    rainHours: row.rain_hours,
    brier: row.brier,
    comparedSquaredError: row.compared_squared_error,
    persistenceSquaredError: row.persistence_squared_error,
    persistenceBrier: row.persistence_brier,
    providerHours: row.provider_hours ?? 0,
    providerComparedSquaredError: row.provider_compared_squared_error ?? 0,
    providerSquaredError: row.provider_squared_error ?? 0,
    skill: row.skill,
    hits: row.hits,
    misses: row.misses,
    falseAlarms: row.false_alarms,
  };
}
