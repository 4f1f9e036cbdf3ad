import { HORIZON_HOURS } from '../model/features';
import { refreshIndex } from '../pages/refresh';
import { chunks } from '../runtime/chunks';
import { addDays, addHours, datesBetween, hourStart } from '../runtime/time';
import type { Location } from '../weather/location';
import { type CommitAccess, type CommittedDay, commitDays, DaysRefused, MAXIMUM_DAYS } from './commit';
import { countRows, type DayHours } from './day';
import type { HourTask, RangeTask } from './event';
import { type EventBus, putEvents } from './events';
import { type ForecastAccess, type IssuedForecasts, issueForecasts, stalestBaseHour } from './forecast';
import { missingOfDay } from './gaps';
import { updateLatest } from './latest';
import { mendDays, verifyMended } from './mending';
import { parts } from './parts';
import { type VerifiedDay, verifyForecasts, verifyNewestDay } from './verification';

/** All that the hourly function reaches. */
export interface HourlyAccess extends CommitAccess, ForecastAccess {
  readonly stage: string;
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
  readonly verified: VerifiedDay | undefined;
  readonly failures: readonly Error[];
}

/**
 * Closes an hour: recomputes its day, forecasts the next hour, and verifies what fell due. The parts do not stop each
 * other: whatever became of the commit, forecasts are made from what the lake has.
 */
export async function closeHour(access: HourlyAccess, task: HourTask): Promise<HourlyRun> {
  const date = task.hour.slice(0, 10);
  const closedBefore = later(addHours(task.hour, 1), hourStart(task.now));
  const { attempt, failures } = parts();
  const order = { dates: [date], closedBefore, now: task.now, acceptLostHours: false } as const;
  const days = (await attempt('The commit', () => commitDays(access, order))) ?? [];
  // Features look back into the day before: it is made anew when nobody can read it.
  await attempt('Mending the day before', () => mendDays(access, [addDays(date, -1)], task.now));
  const issued = await attempt('Forecasting', async () => {
    const made = await issueForecasts(access, task.hour, task.now);
    await attempt('Announcing forecasts', () => announce(access, task, made));
    return made;
  });
  const stalest =
    issued &&
    (await attempt('Looking for the oldest forecast', () => stalestBaseHour(access, issued, task.hour)));
  const verified = await attempt('Verification', () =>
    verifyMended(access, task.now, (mending) => verifyNewestDay(mending, date)),
  );
  await attempt('The index', () => refreshIndex(access, task.now));
  return {
    days,
    rows: countRows(hourOf(days, task.hour, 'hours')),
    missingHours: countRows(missingIn(access.locations, hourOf(days, task.hour, 'observed'))),
    issued,
    stalestBaseHour: stalest,
    verified,
    failures,
  };
}

/**
 * Recomputes the days of a range, a hundred in a statement, and verifies their forecasts anew: late truth counts like
 * any other. Forecasts nothing. A day that is refused, or a hundred that fail, cost no other day anything.
 */
export async function recomputeRange(access: HourlyAccess, task: RangeTask): Promise<HourlyRun> {
  const closedBefore = hourStart(task.now);
  const { attempt, failures } = parts();
  const days: CommittedDay[] = [];
  let verified = 0;
  for (const [first = task.from, ...others] of chunks(datesBetween(task.from, task.to), MAXIMUM_DAYS)) {
    const dates: [string, ...string[]] = [first, ...others];
    const order = { dates, closedBefore, now: task.now, acceptLostHours: task.acceptLostHours };
    const name = `${first} to ${dates.at(-1)}`;
    await attempt(`The commit of ${name}`, async () => {
      try {
        days.push(...(await commitDays(access, order)));
      } catch (error) {
        if (error instanceof DaysRefused) days.push(...error.committed);
        throw error;
      }
    });
    await attempt(`Verification of ${name}`, async () => {
      verified += (await verifyForecasts(access, dates)).verified;
    });
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
    failures,
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
        providerProbability: forecast.provider_probability,
      },
    })),
  );
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
