import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import * as z from 'zod';
import { type Forecast, readForecasts } from '../lake/forecasts';
import { FORECAST_VERIFICATION, FORECASTS, keys, PARQUET_TYPE } from '../lake/layout';
import { encodeParquet, ParquetRefused } from '../lake/parquet';
import { decodeRows } from '../lake/rows';
import {
  type Bucket,
  getObject,
  type ListedObject,
  listObjects,
  putObject,
  updateObject,
  writeIf,
} from '../lake/s3';
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
  /** The hours that the recalibrated provider spoke of too, and both squared errors over them. */
  readonly providerHours: number;
  readonly providerComparedSquaredError: number;
  readonly providerSquaredError: number;
  /** Of those hours, the ones whose forecast has a probability, and its squared error as issued. */
  readonly rawHours: number;
  readonly rawSquaredError: number;
  /** The hours that have both, the joined and the plain probability, and their squared errors. */
  readonly joinedHours: number;
  readonly joinedRainHours: number;
  readonly joinedSquaredError: number;
  readonly plainSquaredError: number;
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

/** Of no hours. */
export const NOTHING_VERIFIED: Score = {
  hours: 0,
  rainHours: 0,
  squaredError: 0,
  comparedHours: 0,
  comparedSquaredError: 0,
  persistenceSquaredError: 0,
  providerHours: 0,
  providerComparedSquaredError: 0,
  providerSquaredError: 0,
  rawHours: 0,
  rawSquaredError: 0,
  joinedHours: 0,
  joinedRainHours: 0,
  joinedSquaredError: 0,
  plainSquaredError: 0,
  hits: 0,
  misses: 0,
  falseAlarms: 0,
  correctNegatives: 0,
};

const PARTS: readonly (keyof Score)[] = [
  'hours',
  'rainHours',
  'squaredError',
  'comparedHours',
  'comparedSquaredError',
  'persistenceSquaredError',
  'providerHours',
  'providerComparedSquaredError',
  'providerSquaredError',
  'rawHours',
  'rawSquaredError',
  'joinedHours',
  'joinedRainHours',
  'joinedSquaredError',
  'plainSquaredError',
  'hits',
  'misses',
  'falseAlarms',
  'correctNegatives',
];

export function addScores(a: Score, b: Score): Score {
  const sum: Record<keyof Score, number> = { ...a };
  for (const part of PARTS) sum[part] = a[part] + b[part];
  return sum;
}

/** Mean squared error of the probabilities; null over no hours. */
export function brierOf({ hours, squaredError }: Score): number | null {
  return hours === 0 ? null : squaredError / hours;
}

/** 1 is perfect, 0 as good as persistence, negative worse; null when persistence made no error, or nothing compares. */
export function skillOf({ comparedSquaredError, persistenceSquaredError }: Score): number | null {
  return persistenceSquaredError === 0 ? null : 1 - comparedSquaredError / persistenceSquaredError;
}

/** How much lower the Brier score is than that of the recalibrated provider, as a share of it; null as for skill. */
function providerGainOf({ providerComparedSquaredError, providerSquaredError }: Score): number | null {
  return providerSquaredError === 0 ? null : 1 - providerComparedSquaredError / providerSquaredError;
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
      const known = scores.get(forecast.location_id) ?? NOTHING_VERIFIED;
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
    ...NOTHING_VERIFIED,
    hours: 1,
    rainHours: outcome,
    squaredError,
    comparedHours: compared ? 1 : 0,
    comparedSquaredError: compared ? squaredError : 0,
    persistenceSquaredError: compared ? (persistence - outcome) ** 2 : 0,
    ...providerScore(forecast, outcome),
    ...joinedScore(forecast, outcome),
    hits: rained && forecast.will_rain ? 1 : 0,
    misses: rained && !forecast.will_rain ? 1 : 0,
    falseAlarms: !rained && forecast.will_rain ? 1 : 0,
    correctNegatives: !rained && !forecast.will_rain ? 1 : 0,
  };
}

/** Scores by location and window. */
type Totals = Map<string, Map<WindowDays, Score>>;

function providerScore(forecast: Forecast, outcome: number) {
  const { probability, provider_recalibrated, provider_probability } = forecast;
  const compared = provider_recalibrated !== null;
  const raw = provider_probability !== null;
  return {
    providerHours: compared ? 1 : 0,
    providerComparedSquaredError: compared ? (probability - outcome) ** 2 : 0,
    providerSquaredError: compared ? (provider_recalibrated - outcome) ** 2 : 0,
    rawHours: raw ? 1 : 0,
    rawSquaredError: raw ? (provider_probability - outcome) ** 2 : 0,
  };
}

function joinedScore({ plain_probability, joined_probability }: Forecast, outcome: number) {
  if (plain_probability === null || joined_probability === null) return {};
  return {
    joinedHours: 1,
    joinedRainHours: outcome,
    joinedSquaredError: (joined_probability - outcome) ** 2,
    plainSquaredError: (plain_probability - outcome) ** 2,
  };
}

/** Rows of the day `date`: each location's windows that end on it, added up in order of days. */
export function windowRows(
  date: string,
  dayScores: ReadonlyMap<string, ReadonlyMap<string, Score>>,
): VerificationRow[] {
  const totals = totalsBefore(date, dayScores);
  addDay(totals, dayScores.get(date), 0);
  return rowsOf(totals);
}

/** What the windows that end on `date` hold without that day itself. */
function totalsBefore(date: string, dayScores: ReadonlyMap<string, ReadonlyMap<string, Score>>): Totals {
  const totals: Totals = new Map();
  for (let back = LONGEST_WINDOW - 1; back > 0; back -= 1) {
    addDay(totals, dayScores.get(addDays(date, -back)), back);
  }
  return totals;
}

/** Adds a day to the windows that reach so many days back. */
function addDay(totals: Totals, day: ReadonlyMap<string, Score> | undefined, back: number): void {
  for (const [locationId, score] of day ?? []) {
    const windows = totals.get(locationId) ?? new Map<WindowDays, Score>();
    totals.set(locationId, windows);
    for (const windowDays of WINDOWS) {
      if (back < windowDays)
        windows.set(windowDays, addScores(windows.get(windowDays) ?? NOTHING_VERIFIED, score));
    }
  }
}

function rowsOf(totals: Totals): VerificationRow[] {
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([locationId, windows]) =>
      WINDOWS.flatMap((windowDays) => {
        const score = windows.get(windowDays);
        return score === undefined ? [] : [{ locationId, windowDays, score }];
      }),
    );
}

export interface DayScore extends Score {
  readonly date: string;
}

export interface VerifiedForecasts {
  /** Forecasts whose hour became known since the last look, late truth included. */
  readonly verified: number;
  /** Rows of the last of the days; empty when nothing of its longest window is verified. */
  readonly rows: readonly VerificationRow[];
  /** Scores of each location's last SKILL_DAYS days, oldest first: what its champion and its voice are judged by. */
  readonly days: ReadonlyMap<string, readonly DayScore[]>;
}

const S3_CONCURRENCY = 16;
/** Beyond so many days, one listing of all forecasts is cheaper than one a day. */
const LISTED_BY_DAY = 7;

/** What verification reads and writes; `queryResults` keeps for days what can be made again; `warn` names objects that can't be read, which count as not there. */
export interface VerificationAccess {
  readonly processed: Bucket;
  readonly queryResults: Bucket;
  readonly rainThresholdMm: number;
  readonly warn: (message: string, error: unknown) => void;
  /** Told of each object of forecasts that nobody can read. */
  readonly onUnreadable?: (key: string) => void;
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
  return untilAlone(dates, () => verifyOnce(access, dates));
}

/** What an hourly run wants to know of its own day. */
export type VerifiedDay = Pick<VerifiedForecasts, 'verified' | 'rows'>;

/**
 * As `verifyForecasts` of one day, but in a few requests where no later day has been verified yet: what the windows hold
 * of the days before is stored under a name that changes with any of them, and read again by the next hours.
 */
export async function verifyNewestDay(access: VerificationAccess, date: string): Promise<VerifiedDay> {
  return untilAlone([date], async () => (await verifyOnTop(access, date)) ?? verifyOnce(access, [date]));
}

async function untilAlone<T>(dates: readonly string[], verify: () => Promise<T | 'overtaken'>): Promise<T> {
  for (let attempt = 1; attempt <= MAXIMUM_ATTEMPTS; attempt += 1) {
    const outcome = await verify();
    if (outcome !== 'overtaken') return outcome;
  }
  throw new Error(`Other runs kept verifying ${dates[0]} to ${dates.at(-1)} while this one was to.`);
}

/** Undefined where other days have to be written too, or made anew. */
async function verifyOnTop(
  access: VerificationAccess,
  date: string,
): Promise<VerifiedDay | 'overtaken' | undefined> {
  const { processed } = access;
  const forecastKeys = (await forecastKeysByDay(processed, [date])).get(date);
  if (forecastKeys === undefined) return { verified: 0, rows: [] };
  const key = keys.verificationDay(date);
  const listed = await listObjects(processed, FORECAST_VERIFICATION.prefix);
  if (listed.some((object) => object.key > key)) return undefined;
  const first = keys.verificationDay(addDays(date, 1 - LONGEST_WINDOW));
  const totals = await storedTotals(
    access,
    date,
    listed.filter((object) => object.key >= first && object.key < key),
  );
  const stored = await getObject(processed, key);
  const before = stored && (await decodeStored(access, key, stored.bytes));
  if (totals === undefined || (stored !== undefined && before === undefined)) return undefined;
  const day = await scoreDay(access, date, forecastKeys);
  addDay(totals, day, 0);
  const rows = rowsOf(totals);
  const verified = totalHours(day) - totalHours(before && scoresOfDay(before));
  if (rows.length === 0) return { verified, rows };
  const body = encodeVerification(rows);
  if (stored !== undefined && Buffer.compare(stored.bytes, body) === 0) return { verified, rows };
  const outcome = await writeIf(processed, key, body, PARQUET_TYPE, stored?.etag);
  return outcome === 'written' ? { verified, rows } : 'overtaken';
}

/** `totalsBefore` as an earlier hour left it, of the very objects that are listed; undefined when one can't be read. */
async function storedTotals(
  access: VerificationAccess,
  date: string,
  listed: readonly ListedObject[],
): Promise<Totals | undefined> {
  const { processed, queryResults } = access;
  const content = createHash('sha256').update(listed.map(({ key, etag }) => `${key} ${etag}\n`).join(''));
  const key = keys.verificationBefore(date, content.digest('hex').slice(0, 16));
  const stored = await getObject(queryResults, key);
  const known = stored && (await decodeStored(access, key, stored.bytes));
  if (known !== undefined) return totalsOf(known);
  const limit = pLimit(S3_CONCURRENCY);
  const days = await settleAll(
    listed.map((object) =>
      limit(async () => {
        const found = await getObject(processed, object.key);
        // It was replaced since it was listed, so its rows would be stored under the wrong version.
        if (found === undefined || found.etag !== object.etag) return undefined;
        const rows = await decodeStored(access, object.key, found.bytes);
        return rows && ([dateOf(object.key), scoresOfDay(rows)] as const);
      }),
    ),
  );
  const all = days.filter((day) => day !== undefined);
  if (all.length < days.length) return undefined;
  const totals = totalsBefore(date, new Map(all));
  await putObject(queryResults, key, encodeVerification(rowsOf(totals)), PARQUET_TYPE);
  return totals;
}

function totalsOf(rows: readonly VerificationRow[]): Totals {
  const totals: Totals = new Map();
  for (const { locationId, windowDays, score } of rows) {
    const windows = totals.get(locationId) ?? new Map<WindowDays, Score>();
    totals.set(locationId, windows.set(windowDays, score));
  }
  return totals;
}

/** Undefined for an object that can't be read; it is named. */
async function decodeStored(
  { warn }: VerificationAccess,
  key: string,
  bytes: Uint8Array,
): Promise<VerificationRow[] | undefined> {
  try {
    return await decodeVerification(bytes);
  } catch (error) {
    if (!(error instanceof ParquetRefused)) throw error;
    warn(`${key} can't be read and is made anew.`, error);
    return undefined;
  }
}

function dateOf(key: string): string {
  return key.slice(FORECAST_VERIFICATION.prefix.length + 3, -'/part-0.parquet'.length);
}

async function scoreDay(
  access: VerificationAccess,
  date: string,
  forecastKeys: readonly string[],
): Promise<Map<string, Score>> {
  const limit = pLimit(S3_CONCURRENCY);
  const truth = await readTruth(access, date);
  const read = await settleAll(
    forecastKeys.map((key) =>
      limit(() =>
        readForecasts(access.processed, key, (name, error) => {
          access.warn(`${name} can't be read, and its forecasts count for nothing.`, error);
          access.onUnreadable?.(name);
        }),
      ),
    ),
  );
  return scoreForecasts(
    read.flatMap((forecasts) => forecasts ?? []),
    truth,
  );
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
  // One day after the other: each is held whole, and is of all places.
  for (const [date, dayKeys] of forecastKeys) {
    const day = await scoreDay(access, date, dayKeys);
    scores.set(date, day);
    verified += totalHours(day) - totalHours(stored.get(date));
  }
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
function daysOf(
  date: string,
  scores: ReadonlyMap<string, ReadonlyMap<string, Score>>,
): Map<string, DayScore[]> {
  const days = new Map<string, DayScore[]>();
  for (const day of datesBetween(addDays(date, 1 - SKILL_DAYS), date)) {
    for (const [locationId, score] of scores.get(day) ?? []) {
      days.set(locationId, [...(days.get(locationId) ?? []), { ...score, date: day }]);
    }
  }
  return days;
}

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
  access: VerificationAccess,
  from: string,
  to: string,
  anyForecast: boolean,
): Promise<StoredScores> {
  const { processed } = access;
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
          if (stored === undefined) return;
          etags.set(dateOf(key), stored.etag);
          const rows = await decodeStored(access, key, stored.bytes);
          if (rows === undefined) damaged.push(dateOf(key));
          else scores.set(dateOf(key), scoresOfDay(rows));
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

const orNothing = (value: number | null) => value ?? 0;
const laterCount = z.int().nullable().transform(orNothing);
const laterSum = z.number().nullable().transform(orNothing);

const rowSchema = z.object({
  location_id: z.string(),
  window_days: z.literal(WINDOWS),
  hours: z.int(),
  rain_hours: z.int(),
  squared_error: z.number(),
  compared_hours: z.int(),
  compared_squared_error: z.number(),
  persistence_squared_error: z.number(),
  // Absent from days that were verified before there were such columns.
  provider_hours: laterCount,
  provider_compared_squared_error: laterSum,
  provider_squared_error: laterSum,
  provider_raw_hours: laterCount,
  provider_raw_squared_error: laterSum,
  joined_hours: laterCount,
  joined_rain_hours: laterCount,
  joined_squared_error: laterSum,
  plain_squared_error: laterSum,
  hits: z.int(),
  misses: z.int(),
  false_alarms: z.int(),
  correct_negatives: z.int(),
});

async function decodeVerification(bytes: Uint8Array): Promise<VerificationRow[]> {
  const rows = await decodeRows(bytes, rowSchema);
  return rows.map((row) => ({
    locationId: row.location_id,
    windowDays: row.window_days,
    score: {
      hours: row.hours,
      rainHours: row.rain_hours,
      squaredError: row.squared_error,
      comparedHours: row.compared_hours,
      comparedSquaredError: row.compared_squared_error,
      persistenceSquaredError: row.persistence_squared_error,
      providerHours: row.provider_hours,
      providerComparedSquaredError: row.provider_compared_squared_error,
      providerSquaredError: row.provider_squared_error,
      rawHours: row.provider_raw_hours,
      rawSquaredError: row.provider_raw_squared_error,
      joinedHours: row.joined_hours,
      joinedRainHours: row.joined_rain_hours,
      joinedSquaredError: row.joined_squared_error,
      plainSquaredError: row.plain_squared_error,
      hits: row.hits,
      misses: row.misses,
      falseAlarms: row.false_alarms,
      correctNegatives: row.correct_negatives,
    },
  }));
}

/** Of rows that end on a day, what that day alone has. */
function scoresOfDay(rows: readonly VerificationRow[]): Map<string, Score> {
  return new Map(
    rows.flatMap(({ locationId, windowDays, score }) =>
      windowDays === 1 ? [[locationId, score] as const] : [],
    ),
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
      provider_hours: score.providerHours,
      provider_compared_squared_error: score.providerComparedSquaredError,
      provider_squared_error: score.providerSquaredError,
      provider_raw_hours: score.rawHours,
      provider_raw_squared_error: score.rawSquaredError,
      provider_gain: providerGainOf(score),
      joined_hours: score.joinedHours,
      joined_rain_hours: score.joinedRainHours,
      joined_squared_error: score.joinedSquaredError,
      plain_squared_error: score.plainSquaredError,
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
