import pLimit from 'p-limit';
import * as z from 'zod';
import { type Forecast, readForecasts } from '../lake/forecasts';
import { FORECAST_VERIFICATION, FORECASTS, keys } from '../lake/layout';
import { encodeParquet, ParquetRefused } from '../lake/parquet';
import { decodeRows } from '../lake/rows';
import { type Bucket, getObject, listObjects, updateObject } from '../lake/s3';
import { SKILL_DAYS } from '../model/drift';
import { settleAll } from '../runtime/settle';
import { addDays, datesBetween, utcSecondSchema } from '../runtime/time';

/** Days that verification looks back over, counting the day itself. */
export const WINDOWS = [1, 7, 30] as const;
type WindowDays = (typeof WINDOWS)[number];
const LONGEST_WINDOW = 30;
/** Skill is judged over this window, when at least so many of its hours compare. */
export const JUDGED_WINDOW_DAYS = 7;
export const JUDGED_HOURS = 120;

/** How forecasts of some hours fared. */
export interface Score {
  readonly hours: number;
  readonly rainHours: number;
  readonly squaredError: number;
  /** The hours for which persistence had a probability too, and both squared errors over them. */
  readonly comparedHours: number;
  readonly comparedSquaredError: number;
  readonly persistenceSquaredError: number;
  readonly hits: number;
  readonly misses: number;
  readonly falseAlarms: number;
  readonly correctNegatives: number;
}

/** A row of `forecast_verification` but for its partition. */
export interface VerificationRow {
  readonly locationId: string;
  readonly windowDays: WindowDays;
  readonly score: Score;
}

const NOTHING: Score = {
  hours: 0,
  rainHours: 0,
  squaredError: 0,
  comparedHours: 0,
  comparedSquaredError: 0,
  persistenceSquaredError: 0,
  hits: 0,
  misses: 0,
  falseAlarms: 0,
  correctNegatives: 0,
};

export function addScores(a: Score, b: Score): Score {
  return {
    hours: a.hours + b.hours,
    rainHours: a.rainHours + b.rainHours,
    squaredError: a.squaredError + b.squaredError,
    comparedHours: a.comparedHours + b.comparedHours,
    comparedSquaredError: a.comparedSquaredError + b.comparedSquaredError,
    persistenceSquaredError: a.persistenceSquaredError + b.persistenceSquaredError,
    hits: a.hits + b.hits,
    misses: a.misses + b.misses,
    falseAlarms: a.falseAlarms + b.falseAlarms,
    correctNegatives: a.correctNegatives + b.correctNegatives,
  };
}

/** Mean squared error of the probabilities; null over no hours. */
export function brierOf({ hours, squaredError }: Score): number | null {
  return hours === 0 ? null : squaredError / hours;
}

/** 1 is perfect, 0 as good as persistence, negative worse; null when persistence made no error, or nothing compares. */
export function skillOf({ comparedSquaredError, persistenceSquaredError }: Score): number | null {
  return persistenceSquaredError === 0 ? null : 1 - comparedSquaredError / persistenceSquaredError;
}

/** Whether it rained, by location and hour; an hour that is unknown is not there. */
export type Truth = ReadonlyMap<string, boolean>;

export function truthKey(locationId: string, hour: string): string {
  return `${locationId} ${hour}`;
}

/** Scores of one day's forecasts by location; those whose hour is unknown don't count yet. */
export function scoreForecasts(forecasts: readonly Forecast[], truth: Truth): Map<string, Score> {
  const inOrder = [...forecasts].sort((a, b) => (a.target_hour < b.target_hour ? -1 : 1));
  const scores = new Map<string, Score>();
  for (const forecast of inOrder) {
    const rained = truth.get(truthKey(forecast.location_id, forecast.target_hour));
    if (rained !== undefined) {
      const known = scores.get(forecast.location_id) ?? NOTHING;
      scores.set(forecast.location_id, addScores(known, scoreOf(forecast, rained)));
    }
  }
  return scores;
}

function scoreOf(forecast: Forecast, rained: boolean): Score {
  const outcome = rained ? 1 : 0;
  const squaredError = (forecast.probability - outcome) ** 2;
  const persistence = forecast.persistence_probability;
  const compared = persistence !== null;
  return {
    hours: 1,
    rainHours: outcome,
    squaredError,
    comparedHours: compared ? 1 : 0,
    comparedSquaredError: compared ? squaredError : 0,
    persistenceSquaredError: compared ? (persistence - outcome) ** 2 : 0,
    hits: rained && forecast.will_rain ? 1 : 0,
    misses: rained && !forecast.will_rain ? 1 : 0,
    falseAlarms: !rained && forecast.will_rain ? 1 : 0,
    correctNegatives: !rained && !forecast.will_rain ? 1 : 0,
  };
}

/** Rows of the day `date`: each location's windows that end on it, added up in order of days. */
export function windowRows(
  date: string,
  dayScores: ReadonlyMap<string, ReadonlyMap<string, Score>>,
): VerificationRow[] {
  const totals = new Map<string, Map<WindowDays, Score>>();
  for (let back = LONGEST_WINDOW - 1; back >= 0; back -= 1) {
    for (const [locationId, score] of dayScores.get(addDays(date, -back)) ?? []) {
      const windows = totals.get(locationId) ?? new Map<WindowDays, Score>();
      totals.set(locationId, windows);
      for (const windowDays of WINDOWS) {
        if (back < windowDays) {
          windows.set(windowDays, addScores(windows.get(windowDays) ?? NOTHING, score));
        }
      }
    }
  }
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([locationId, windows]) =>
      WINDOWS.flatMap((windowDays) => {
        const score = windows.get(windowDays);
        return score === undefined ? [] : [{ locationId, windowDays, score }];
      }),
    );
}

export interface VerifiedForecasts {
  /** Forecasts whose hour became known since the last look, late truth included. */
  readonly verified: number;
  /** Rows of the last of the days; empty when nothing of its longest window is verified. */
  readonly rows: readonly VerificationRow[];
  /** Scores of each location's last SKILL_DAYS days, oldest first: what its champion is judged by. */
  readonly days: ReadonlyMap<string, readonly Score[]>;
}

const S3_CONCURRENCY = 16;
/** Beyond so many days, one listing of all forecasts is cheaper than one a day. */
const LISTED_BY_DAY = 7;

/** What verification reads and writes; `warn` names objects that can't be read, which count as not there. */
export interface VerificationAccess {
  readonly processed: Bucket;
  readonly rainThresholdMm: number;
  readonly warn: (message: string, error: unknown) => void;
}

/** Each lost race means that another run has verified, with truth that may be newer. */
const MAXIMUM_ATTEMPTS = 6;

/**
 * Holds the forecasts of `dates` (in order) against what the lake says of their hours now, and brings
 * `forecast_verification` up to date: the days themselves, and the windows of later days that reach back to them.
 * Repeating it writes the same objects. Where another run verified meanwhile, it begins again: what is written was
 * computed from truth read after what it replaces.
 */
export async function verifyForecasts(
  access: VerificationAccess,
  dates: readonly [string, ...string[]],
): Promise<VerifiedForecasts> {
  for (let attempt = 1; attempt <= MAXIMUM_ATTEMPTS; attempt += 1) {
    const outcome = await verifyOnce(access, dates);
    if (outcome !== 'overtaken') return outcome;
  }
  throw new Error(`Other runs kept verifying ${dates[0]} to ${dates.at(-1)} while this one was to.`);
}

async function verifyOnce(
  access: VerificationAccess,
  asked: readonly [string, ...string[]],
): Promise<VerifiedForecasts | 'overtaken'> {
  const { processed } = access;
  const last = asked.at(-1) ?? asked[0];
  const limit = pLimit(S3_CONCURRENCY);
  const ofAsked = await forecastKeysByDay(processed, asked);
  const { scores: stored, etags, damaged } = await storedScores(access, asked[0], last, ofAsked.size > 0);
  // A day whose scores can't be read is scored anew.
  const ofDamaged = await forecastKeysByDay(
    processed,
    damaged.filter((date) => !asked.includes(date)),
  );
  const forecastKeys = new Map([...ofAsked, ...ofDamaged]);
  const scores = new Map(stored);
  let verified = 0;
  await settleAll(
    [...forecastKeys].map(([date, dayKeys]) =>
      limit(async () => {
        const truth = await readTruth(access, date);
        const forecasts: Forecast[] = [];
        for (const key of dayKeys) {
          const read = await readForecasts(processed, key, (name, error) =>
            access.warn(`${name} can't be read, and its forecasts count for nothing.`, error),
          );
          forecasts.push(...(read ?? []));
        }
        const day = scoreForecasts(forecasts, truth);
        scores.set(date, day);
        verified += totalHours(day) - totalHours(stored.get(date));
      }),
    ),
  );
  const first = [asked[0], ...damaged].sort()[0] ?? asked[0];
  const affected = [
    ...new Set([...forecastKeys.keys(), ...[...stored.keys()].filter((date) => date > first)]),
  ];
  const written = await settleAll(
    affected.map((date) =>
      limit(async () => {
        const rows = windowRows(date, scores);
        if (rows.length === 0) return true;
        const body = encodeVerification(rows);
        return updateObject(processed, keys.verificationDay(date), PARQUET_TYPE, (found) =>
          found?.etag === etags.get(date) ? { body, result: true } : { result: false },
        );
      }),
    ),
  );
  return written.every(Boolean)
    ? { verified, rows: windowRows(last, scores), days: daysOf(last, scores) }
    : 'overtaken';
}

/** The last days of each location that have scores, up to `date`. */
function daysOf(date: string, scores: ReadonlyMap<string, ReadonlyMap<string, Score>>): Map<string, Score[]> {
  const days = new Map<string, Score[]>();
  for (const day of datesBetween(addDays(date, 1 - SKILL_DAYS), date)) {
    for (const [locationId, score] of scores.get(day) ?? []) {
      days.set(locationId, [...(days.get(locationId) ?? []), score]);
    }
  }
  return days;
}

const PARQUET_TYPE = 'application/vnd.apache.parquet';

async function forecastKeysByDay(
  processed: Bucket,
  dates: readonly string[],
): Promise<Map<string, string[]>> {
  const wanted = new Set(dates);
  const prefixes =
    dates.length > LISTED_BY_DAY ? [FORECASTS.prefix] : dates.map((date) => keys.forecastDay(date));
  const listed = await settleAll(prefixes.map((prefix) => listObjects(processed, prefix)));
  const byDay = new Map<string, string[]>();
  for (const { key } of listed.flat()) {
    const date = /dt=(\d{4}-\d{2}-\d{2})\//.exec(key)?.[1];
    if (date !== undefined && wanted.has(date)) {
      byDay.set(date, [...(byDay.get(date) ?? []), key]);
    }
  }
  return byDay;
}

interface StoredScores {
  readonly scores: Map<string, Map<string, Score>>;
  /** Versions of what was read, by day. */
  readonly etags: ReadonlyMap<string, string>;
  /** Days whose object can't be read. */
  readonly damaged: readonly string[];
}

/** Scores of the days whose windows overlap with those of `from` … `to`, as they were written before. */
async function storedScores(
  { processed, warn }: VerificationAccess,
  from: string,
  to: string,
  anyForecast: boolean,
): Promise<StoredScores> {
  const scores = new Map<string, Map<string, Score>>();
  const etags = new Map<string, string>();
  const damaged: string[] = [];
  if (!anyForecast) {
    return { scores, etags, damaged };
  }
  const first = keys.verificationDay(addDays(from, 1 - LONGEST_WINDOW));
  const final = keys.verificationDay(addDays(to, LONGEST_WINDOW - 1));
  const limit = pLimit(S3_CONCURRENCY);
  const listed = await listObjects(processed, FORECAST_VERIFICATION.prefix);
  await settleAll(
    listed
      .filter(({ key }) => key >= first && key <= final)
      .map(({ key }) =>
        limit(async () => {
          const stored = await getObject(processed, key);
          const date = key.slice(FORECAST_VERIFICATION.prefix.length + 3, -'/part-0.parquet'.length);
          if (stored === undefined) return;
          etags.set(date, stored.etag);
          try {
            scores.set(date, await decodeDay(stored.bytes));
          } catch (error) {
            if (!(error instanceof ParquetRefused)) throw error;
            warn(`${key} can't be read and is made anew.`, error);
            damaged.push(date);
          }
        }),
      ),
  );
  return { scores, etags, damaged: damaged.sort() };
}

const truthSchema = z.object({
  location_id: z.string(),
  hour: utcSecondSchema,
  rained: z.boolean().nullable(),
  rain_threshold_mm: z.number().nullable(),
});

/** Rows of another form or threshold tell nothing of what the forecasts spoke of; a day that can't be read, nothing. */
async function readTruth({ processed, rainThresholdMm }: VerificationAccess, date: string): Promise<Truth> {
  const truth = new Map<string, boolean>();
  const stored = await getObject(processed, keys.hourlyDay(date));
  try {
    for (const row of stored === undefined ? [] : await decodeRows(stored.bytes, truthSchema)) {
      if (row.rained !== null && row.rain_threshold_mm === rainThresholdMm) {
        truth.set(truthKey(row.location_id, row.hour), row.rained);
      }
    }
  } catch (error) {
    if (!(error instanceof ParquetRefused)) throw error;
  }
  return truth;
}

const rowSchema = z.object({
  location_id: z.string(),
  window_days: z.int(),
  hours: z.int(),
  rain_hours: z.int(),
  squared_error: z.number(),
  compared_hours: z.int(),
  compared_squared_error: z.number(),
  persistence_squared_error: z.number(),
  hits: z.int(),
  misses: z.int(),
  false_alarms: z.int(),
  correct_negatives: z.int(),
});

async function decodeDay(bytes: Uint8Array): Promise<Map<string, Score>> {
  const rows = await decodeRows(bytes, rowSchema);
  return new Map(
    rows
      .filter(({ window_days }) => window_days === 1)
      .map((row) => [
        row.location_id,
        {
          hours: row.hours,
          rainHours: row.rain_hours,
          squaredError: row.squared_error,
          comparedHours: row.compared_hours,
          comparedSquaredError: row.compared_squared_error,
          persistenceSquaredError: row.persistence_squared_error,
          hits: row.hits,
          misses: row.misses,
          falseAlarms: row.false_alarms,
          correctNegatives: row.correct_negatives,
        },
      ]),
  );
}

/** The day's object of `forecast_verification`. */
export function encodeVerification(rows: readonly VerificationRow[]): Uint8Array {
  return encodeParquet(
    FORECAST_VERIFICATION.columns,
    rows.map(({ locationId, windowDays, score }) => ({
      location_id: locationId,
      window_days: windowDays,
      hours: score.hours,
      rain_hours: score.rainHours,
      squared_error: score.squaredError,
      brier: brierOf(score),
      compared_hours: score.comparedHours,
      compared_squared_error: score.comparedSquaredError,
      persistence_squared_error: score.persistenceSquaredError,
      persistence_brier:
        score.comparedHours === 0 ? null : score.persistenceSquaredError / score.comparedHours,
      skill: skillOf(score),
      hits: score.hits,
      misses: score.misses,
      false_alarms: score.falseAlarms,
      correct_negatives: score.correctNegatives,
    })),
  );
}

function totalHours(scores: ReadonlyMap<string, Score> | undefined): number {
  let hours = 0;
  for (const score of scores?.values() ?? []) {
    hours += score.hours;
  }
  return hours;
}
