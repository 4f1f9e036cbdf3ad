import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { FinishedQuery } from '../lake/athena';
import { Metric, metrics } from '../runtime/metrics';
import { addHours, hourStart } from '../runtime/time';
import type { RainAgreement } from './agreement';
import type { HourTask, RangeTask, UpkeepTask } from './event';
import type { SetAside } from './quarantine';
import type { HourlyRun } from './run';
import type { UpkeepRun } from './upkeep';
import { addScores, brierOf, type Score, skillOf, WINDOWS } from './verification';

/** The function's reply: small however many locations there are. */
export interface HourlyResult {
  /** The closed hour, or the range. */
  readonly hour?: string;
  readonly from?: string;
  readonly to?: string;
  /** Days that were committed; not those that are empty or that a later run had committed. */
  readonly days: number;
  /** Location-hours that the run closed, and those among the closed ones whose true rain is not known. */
  readonly rows: number;
  readonly missingHours: number;
  /** Forecasts made by this run. */
  readonly forecasts: number;
  /** Why locations have no forecast, with how many. */
  readonly withoutForecast: Readonly<Record<string, number>>;
  /** Forecasts whose hour became known. */
  readonly verified: number;
  /** Of the place whose newest forecast is the oldest; of the newest hour only. */
  readonly forecastAgeMinutes?: number;
  readonly refusedModels: number;
  readonly queries: number;
  readonly queryMilliseconds: number;
  readonly bytesScanned: number;
}

interface Skill {
  readonly brier: number | null;
  readonly againstPersistence: number | null;
  readonly hits: number;
  readonly misses: number;
  readonly falseAlarms: number;
}

/** The window whose skill an alarm watches. */
const WATCHED_DAYS = 7;

/** A forecast is this old when the next one is due: an hour in which every place got one tells no older one. */
const DUE_MINUTES = 60;

/**
 * Emits the metrics that alarms watch, which in an hour without a fault is none, and gives the run's summary, which
 * the log keeps for people.
 */
export function concludeRun(
  task: HourTask | RangeTask,
  run: HourlyRun,
  queries: readonly FinishedQuery[],
): HourlyResult {
  const bytesScanned = queries.reduce((sum, query) => sum + query.bytesScanned, 0);
  const queryMilliseconds = queries.reduce((sum, query) => sum + query.milliseconds, 0);
  const withoutForecast: Record<string, number> = {};
  for (const { reason } of run.issued?.without ?? []) {
    withoutForecast[reason] = (withoutForecast[reason] ?? 0) + 1;
  }
  const newest = isNewestHour(task);
  const refusedModels = run.issued?.refused.length ?? 0;
  // Closing an old hour once more says nothing of how old the forecasts in force are.
  const forecastAgeMinutes =
    newest && run.stalestBaseHour !== undefined
      ? (Date.parse(task.now) - Date.parse(run.stalestBaseHour)) / 60_000 - 60
      : undefined;
  if (newest && run.rows === 0) metrics.addMetric(Metric.emptyHours, MetricUnit.Count, 1);
  if (refusedModels > 0) metrics.addMetric(Metric.modelsRefused, MetricUnit.Count, refusedModels);
  if (forecastAgeMinutes !== undefined && forecastAgeMinutes > DUE_MINUTES) {
    metrics.addMetric(Metric.forecastAgeMinutes, MetricUnit.Count, forecastAgeMinutes);
  }
  tellSetAside(run.days.flatMap(({ setAside = [] }) => setAside));
  return {
    ...(task.kind === 'hour' ? { hour: task.hour } : { from: task.from, to: task.to }),
    days: run.days.filter(({ status }) => status === 'committed').length,
    rows: run.rows,
    missingHours: run.missingHours,
    forecasts: run.issued?.made ?? 0,
    withoutForecast,
    verified: run.verified?.verified ?? 0,
    ...(forecastAgeMinutes !== undefined && { forecastAgeMinutes }),
    refusedModels,
    queries: queries.length,
    queryMilliseconds,
    bytesScanned,
  };
}

/** What an upkeep replies; of a part that failed nothing is said. */
export interface UpkeepResult {
  readonly upkeep: string;
  /** Days whose settled history was asked for, and location-hours that are settled by it. */
  readonly settledDays?: number;
  readonly settledHours?: number;
  /** The plan sells no history: truth stays what polls told. */
  readonly withoutHistory?: boolean;
  /** Rain as known against rain as settled, of the days settled now; more is in `provider_agreement`. */
  readonly agreement?: RainAgreement;
  /** Location-hours of the last week whose true rain is not known. */
  readonly gapHours?: number;
  /** Places whose joined probability has lost its voice: the plain one speaks. */
  readonly silencedPlaces?: number;
  readonly compactedObjects?: number;
  /** Of all places together, by window, such as `days7`. One by one they are in `forecast_verification`. */
  readonly skill: Readonly<Record<string, Skill>>;
  readonly queries: number;
  readonly bytesScanned: number;
}

/** Emits the metric that is told once a day, and gives the upkeep's summary. */
export function concludeUpkeep(
  task: UpkeepTask,
  run: UpkeepRun,
  queries: readonly FinishedQuery[],
): UpkeepResult {
  tellSetAside(run.compaction?.setAside ?? []);
  const skill = skillByWindow(run);
  const watched = skill[`days${WATCHED_DAYS}`]?.againstPersistence ?? null;
  if (watched !== null) metrics.addMetric(Metric.skillAgainstPersistence, MetricUnit.NoUnit, watched);
  return {
    upkeep: task.date,
    ...(run.settled !== undefined && {
      settledDays: run.settled.asked.length,
      settledHours: run.settled.hours,
      withoutHistory: run.settled.withoutHistory,
    }),
    ...(run.agreement !== undefined && { agreement: run.agreement }),
    ...(run.gaps !== undefined && { gapHours: run.gaps.missingHours }),
    ...(run.silenced !== undefined && { silencedPlaces: run.silenced.size }),
    ...(run.compaction !== undefined && { compactedObjects: run.compaction.joined }),
    skill,
    queries: queries.length,
    bytesScanned: queries.reduce((sum, query) => sum + query.bytesScanned, 0),
  };
}

function tellSetAside(objects: readonly SetAside[]): void {
  if (objects.length > 0) metrics.addMetric(Metric.objectsSetAside, MetricUnit.Count, objects.length);
}

function isNewestHour(task: HourTask | RangeTask): boolean {
  return task.kind === 'hour' && addHours(task.hour, 1) === hourStart(task.now);
}

function skillByWindow({ verified }: UpkeepRun): Record<string, Skill> {
  return Object.fromEntries(
    WINDOWS.flatMap((days) => {
      const rows = (verified?.rows ?? []).filter(({ windowDays }) => windowDays === days);
      const [first, ...others] = rows.map(({ score }) => score);
      return first === undefined ? [] : [[`days${days}`, skillOfAll(others.reduce(addScores, first))]];
    }),
  );
}

function skillOfAll(score: Score): Skill {
  const { hits, misses, falseAlarms } = score;
  return { brier: brierOf(score), againstPersistence: skillOf(score), hits, misses, falseAlarms };
}
