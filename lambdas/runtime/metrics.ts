import { Metrics } from '@aws-lambda-powertools/metrics';

export const METRIC_NAMESPACE = 'Garoa';

/**
 * Metrics that functions emit, each because an alarm watches it: a metric costs $0.30 for a month in which it is sent
 * all the time. So none is sent in an hour without a fault but for `skillAgainstPersistence`, once a day, and none
 * carries a location. Figures for people are fields of the log.
 */
export const Metric = {
  /** Hours that were closed without a single observation. */
  emptyHours: 'EmptyHours',
  /** Of the place whose newest forecast is the oldest, once that is older than an hour. */
  forecastAgeMinutes: 'ForecastAgeMinutes',
  /** Over the last week, all places together; once a day. */
  skillAgainstPersistence: 'SkillAgainstPersistence',
  /** Model files that could not be used. */
  modelsRefused: 'ModelsRefused',
  /** Raw objects that could not be read and lie in `quarantine/`. */
  objectsSetAside: 'ObjectsSetAside',
} as const;

/** The dimension `service` tells stages apart: POWERTOOLS_SERVICE_NAME, which the stack sets to `garoa-<stage>`. */
export const metrics = new Metrics({ namespace: METRIC_NAMESPACE });

/** Writes the metrics that were added to the log, in CloudWatch's format. Usually there are none. */
export function publishMetrics(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
