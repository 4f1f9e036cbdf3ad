import type { Bucket } from '../lake/s3';
import { HORIZON_HOURS } from '../model/features';
import { refreshIndex, refreshPlacePages } from '../pages/refresh';
import { chunks } from '../runtime/chunks';
import { addDays, addHours, datesBetween, hourStart } from '../runtime/time';
import type { Location } from '../weather/location';
import { type CommitAccess, type CommittedDay, commitDays, MAXIMUM_DAYS } from './commit';
import { type Compaction, compactDays } from './compaction';
import { countRows, type DayHours } from './day';
import type { HourTask, RangeTask } from './event';
import { type EventBus, type GaroaEvent, LOCATIONS_PER_EVENT, putEvents } from './events';
import { type ForecastAccess, type IssuedForecasts, issueForecasts, stalestBaseHour } from './forecast';
import { findGaps, type Gaps, missingOfDay } from './gaps';
import { updateLatest } from './latest';
import { type Swept, sweepStaging } from './sweep';
import {
  JUDGED_HOURS,
  JUDGED_WINDOW_DAYS,
  skillOf,
  type VerifiedForecasts,
  verifyForecasts,
} from './verification';

/** All that the hourly function reaches. */
export interface HourlyAccess extends CommitAccess, ForecastAccess {
  readonly stage: string;
  readonly raw: Bucket;
  readonly bus: EventBus;
}

/** What a run did, for the handler's metrics and reply. Parts that failed are in `failures`; the others stand. */
export interface HourlyRun {
  readonly days: readonly CommittedDay[];
  /** Location-hours that the run closed: those of the hour, or of all days of a range. */
  readonly rows: number;
  /** Location-hours among them whose true rain is not known. */
  readonly missingHours: number;
  readonly issued: IssuedForecasts | undefined;
  /** See `stalestBaseHour` in `forecast.ts`; undefined when nothing was forecast. */
  readonly stalestBaseHour: string | undefined;
  readonly verified: VerifiedForecasts | undefined;
  readonly daily: DailyRun | undefined;
  readonly failures: readonly Error[];
}

interface DailyRun {
  readonly gaps: Gaps;
  readonly compaction: Compaction;
  readonly swept: Swept;
}

/** Days behind today that are searched for gaps: as long as a provider's free history may reach. */
const GAP_DAYS = 7;
/** Raw days are compacted once they are so old, and looked at again as long in case a run was missed. */
const COMPACTED_AFTER_DAYS = 2;
const COMPACTION_LOOKBACK_DAYS = 7;

/**
 * Closes an hour: recomputes its day (in the first hour of a day the day before as well, since its last readings
 * may have come late), forecasts the next hour, verifies what fell due, and once a day looks after the lake.
 * The parts after the commit do not stop each other.
 * @throws what `commitDays` throws.
 */
export async function closeHour(access: HourlyAccess, task: HourTask): Promise<HourlyRun> {
  const date = task.hour.slice(0, 10);
  const firstOfDay = task.hour.slice(11, 13) === '00';
  const closedBefore = later(addHours(task.hour, 1), hourStart(task.now));
  const dates: [string, ...string[]] = firstOfDay ? [addDays(date, -1), date] : [date];
  const days = await commitDays(access, { dates, closedBefore, now: task.now, acceptLostHours: false });

  const failures: Error[] = [];
  const attempt = async <T>(part: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      failures.push(new Error(`${part} failed: ${messageOf(error)}`, { cause: error }));
      return undefined;
    }
  };
  const issued = await attempt('Forecasting', async () => {
    const made = await issueForecasts(access, task.hour, task.now);
    await attempt('Announcing forecasts', () => announce(access, task, made));
    return made;
  });
  const stalest =
    issued &&
    (await attempt('Looking for the oldest forecast', () =>
      stalestBaseHour(access.processed, issued, task.hour),
    ));
  const verified = await attempt('Verification', () =>
    verifyForecasts(access.processed, dates, access.rainThresholdMm),
  );
  const daily = firstOfDay
    ? await attempt('Daily upkeep', () => lookAfterLake(access, date, closedBefore, task.now, verified))
    : undefined;
  await attempt('The index', () => refreshIndex(access, task.now));
  if (firstOfDay) {
    await attempt('The pages', () => refreshPlacePages(access, task.now, access.locations));
  }
  return {
    days,
    rows: countRows(hourOf(days, task.hour, 'hours')),
    missingHours: countRows(missingIn(access.locations, hourOf(days, task.hour, 'observed'))),
    issued,
    stalestBaseHour: stalest,
    verified,
    daily,
    failures,
  };
}

/**
 * Recomputes the days of a range, a hundred in a statement, and verifies their forecasts anew: late truth
 * counts like any other. Forecasts nothing.
 * @throws what `commitDays` throws, for the first chunk that fails; later ones are not begun.
 */
export async function recomputeRange(access: HourlyAccess, task: RangeTask): Promise<HourlyRun> {
  const closedBefore = hourStart(task.now);
  const days: CommittedDay[] = [];
  let verified = 0;
  const all = datesBetween(task.from, task.to);
  for (let start = 0; start < all.length; start += MAXIMUM_DAYS) {
    const [first, ...others] = all.slice(start, start + MAXIMUM_DAYS);
    if (first !== undefined) {
      const dates: [string, ...string[]] = [first, ...others];
      const order = { dates, closedBefore, now: task.now, acceptLostHours: task.acceptLostHours };
      days.push(...(await commitDays(access, order)));
      verified += (await verifyForecasts(access.processed, dates, access.rainThresholdMm)).verified;
    }
  }
  const ids = access.locations.map(({ id }) => id);
  return {
    days,
    rows: days.reduce((rows, { hours }) => rows + countRows(hours), 0),
    missingHours: days.reduce(
      (missing, { date, observed }) => missing + countRows(missingOfDay(date, observed, closedBefore, ids)),
      0,
    ),
    issued: undefined,
    stalestBaseHour: undefined,
    verified: { verified, rows: [] },
    daily: undefined,
    failures: [],
  };
}

/** Events and `latest.json`, as long as the hour that the forecasts speak of is not over. */
async function announce(access: HourlyAccess, task: HourTask, issued: IssuedForecasts): Promise<void> {
  const targetHour = addHours(task.hour, HORIZON_HOURS);
  if (task.now >= addHours(targetHour, 1)) {
    return;
  }
  const { forecasts, without } = issued;
  await updateLatest(access.models, access.locations, { issuedAt: task.now, targetHour }, forecasts, without);
  const names = new Map(access.locations.map(({ id, name }) => [id, name]));
  await putEvents(
    access.bus,
    task.now,
    forecasts.map((forecast) => ({
      type: 'RainForecast',
      detail: {
        version: 1,
        stage: access.stage,
        locationId: forecast.location_id,
        name: names.get(forecast.location_id) ?? forecast.location_id,
        issuedAt: forecast.issued_at,
        baseHour: forecast.base_hour,
        targetHour: forecast.target_hour,
        probability: forecast.probability,
        willRain: forecast.will_rain,
        threshold: forecast.threshold,
        modelVersion: forecast.model_version,
        persistenceProbability: forecast.persistence_probability,
      },
    })),
  );
}

/** Once a day: gaps of the last week, compaction of older raw hours, leftovers of dead runs, judgement of skill. */
async function lookAfterLake(
  access: HourlyAccess,
  date: string,
  closedBefore: string,
  now: string,
  verified: VerifiedForecasts | undefined,
): Promise<DailyRun> {
  const ids = access.locations.map(({ id }) => id);
  const gaps = await findGaps(
    access.processed,
    datesBetween(addDays(date, -GAP_DAYS), addDays(date, -1)),
    closedBefore,
    ids,
  );
  await putEvents(access.bus, now, [
    ...gapEvents(access.stage, gaps),
    ...skillEvents(access.stage, date, verified),
  ]);
  const youngest = addDays(date, -COMPACTED_AFTER_DAYS);
  const compaction = await compactDays(
    access.raw,
    datesBetween(addDays(youngest, 1 - COMPACTION_LOOKBACK_DAYS), youngest),
  );
  const swept = await sweepStaging(access.athena, access.queryResults, now);
  return { gaps, compaction, swept };
}

function gapEvents(stage: string, { dates, missingHours, locationIds }: Gaps): GaroaEvent[] {
  const [from] = dates;
  const to = dates.at(-1);
  if (from === undefined || to === undefined) {
    return [];
  }
  return chunks(locationIds, LOCATIONS_PER_EVENT).map((ids) => ({
    type: 'GapsFound',
    detail: { version: 1, stage, from, to, missingHours, locationIds: ids },
  }));
}

/** Locations whose week was worse than persistence would have been. */
export function skillEvents(
  stage: string,
  date: string,
  verified: VerifiedForecasts | undefined,
): GaroaEvent[] {
  const worse = (verified?.rows ?? []).flatMap(({ locationId, windowDays, score }) => {
    const skill = skillOf(score);
    const judged = windowDays === JUDGED_WINDOW_DAYS && score.comparedHours >= JUDGED_HOURS;
    return judged && skill !== null && skill < 0 ? [locationId] : [];
  });
  return chunks(worse, LOCATIONS_PER_EVENT).map((locationIds) => ({
    type: 'SkillBelowPersistence',
    detail: { version: 1, stage, date, windowDays: JUDGED_WINDOW_DAYS, locationIds },
  }));
}

/** The one hour, of what the lake has of its day. */
function hourOf(days: readonly CommittedDay[], hour: string, which: 'hours' | 'observed'): DayHours {
  const bit = 1 << Number(hour.slice(11, 13));
  const day = days.find(({ date }) => date === hour.slice(0, 10));
  return new Map([...(day?.[which] ?? [])].filter(([, bits]) => (bits & bit) !== 0).map(([id]) => [id, bit]));
}

function missingIn(locations: readonly Location[], hour: DayHours): DayHours {
  return new Map(locations.filter(({ id }) => !hour.has(id)).map(({ id }) => [id, 1]));
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
