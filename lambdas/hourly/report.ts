import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { FinishedQuery } from '../lake/athena';
import { Metric, metrics } from '../runtime/metrics';
import { addHours, hourStart } from '../runtime/time';
import type { HourTask, RangeTask } from './event';
import type { HourlyRun } from './run';
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
  /** Hours of the last week without a row; once a day. */
  readonly gapHours?: number;
  readonly compactedObjects?: number;
  readonly queries: number;
  readonly bytesScanned: number;
}

/** The window whose figures are the metrics without a dimension. */
const HEADLINE_DAYS = 7;

/** Emits the run's metrics and gives its summary. */
export function report(
  task: HourTask | RangeTask,
  run: HourlyRun,
  queries: readonly FinishedQuery[],
): HourlyResult {
  const bytesScanned = queries.reduce((sum, query) => sum + query.bytesScanned, 0);
  const milliseconds = queries.reduce((sum, query) => sum + query.milliseconds, 0);
  const withoutForecast: Record<string, number> = {};
  for (const { reason } of run.issued?.without ?? []) {
    withoutForecast[reason] = (withoutForecast[reason] ?? 0) + 1;
  }
  metrics.addMetric(Metric.hoursAggregated, MetricUnit.Count, run.rows);
  metrics.addMetric(Metric.missingHours, MetricUnit.Count, run.missingHours);
  metrics.addMetric(Metric.bytesScanned, MetricUnit.Bytes, bytesScanned);
  metrics.addMetric(Metric.queryMilliseconds, MetricUnit.Milliseconds, milliseconds);
  if (run.issued !== undefined) {
    metrics.addMetric(Metric.forecastsIssued, MetricUnit.Count, run.issued.made);
    metrics.addMetric(Metric.locationsWithoutForecast, MetricUnit.Count, run.issued.without.length);
    metrics.addMetric(Metric.modelsRefused, MetricUnit.Count, run.issued.refused.length);
  }
  // Closing an old hour once more says nothing of how old the forecasts in force are.
  if (run.stalestBaseHour !== undefined && isNewestHour(task)) {
    const minutes = (Date.parse(task.now) - Date.parse(run.stalestBaseHour)) / 60_000 - 60;
    metrics.addMetric(Metric.forecastAgeMinutes, MetricUnit.Count, minutes);
  }
  if (run.verified !== undefined) {
    metrics.addMetric(Metric.forecastsVerified, MetricUnit.Count, run.verified.verified);
    reportSkill(run);
  }
  if (run.daily !== undefined) {
    metrics.addMetric(Metric.gapHours, MetricUnit.Count, run.daily.gaps.missingHours);
  }
  return {
    ...(task.kind === 'hour' ? { hour: task.hour } : { from: task.from, to: task.to }),
    days: run.days.filter(({ status }) => status === 'committed').length,
    rows: run.rows,
    missingHours: run.missingHours,
    forecasts: run.issued?.made ?? 0,
    withoutForecast,
    verified: run.verified?.verified ?? 0,
    ...(run.daily !== undefined && {
      gapHours: run.daily.gaps.missingHours,
      compactedObjects: run.daily.compaction.joined,
    }),
    queries: queries.length,
    bytesScanned,
  };
}

function isNewestHour(task: HourTask | RangeTask): boolean {
  return task.kind === 'hour' && addHours(task.hour, 1) === hourStart(task.now);
}

/** All locations together: one by one they are in `forecast_verification`, where they cost nothing. */
function reportSkill({ verified }: HourlyRun): void {
  for (const windowDays of WINDOWS) {
    const scores = (verified?.rows ?? []).filter((row) => row.windowDays === windowDays);
    const [first, ...others] = scores.map(({ score }) => score);
    if (first !== undefined) {
      reportWindow(windowDays, others.reduce(addScores, first));
    }
  }
}

function reportWindow(windowDays: number, score: Score): void {
  const headline = windowDays === HEADLINE_DAYS;
  const add = (name: string, value: number | null): void => {
    if (value === null) {
      return;
    }
    if (headline) {
      metrics.addMetric(name, MetricUnit.NoUnit, value);
    } else {
      metrics
        .singleMetric()
        .addDimension('window', `${windowDays}d`)
        .addMetric(name, MetricUnit.NoUnit, value);
    }
  };
  add(Metric.rollingBrier, brierOf(score));
  add(Metric.skillAgainstPersistence, skillOf(score));
  add(Metric.hits, score.hits);
  add(Metric.misses, score.misses);
  add(Metric.falseAlarms, score.falseAlarms);
}
