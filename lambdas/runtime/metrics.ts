import { Metrics } from '@aws-lambda-powertools/metrics';

export const METRIC_NAMESPACE = 'Garoa';

/**
 * Names of the metrics that functions emit and alarms watch. None carries a location as a dimension:
 * each would cost $0.30 a month; per-location figures live in the lake.
 */
export const Metric = {
  observationsStored: 'ObservationsStored',
  locationsFailed: 'LocationsFailed',
  providerErrors: 'ProviderErrors',
  implausibleValues: 'ImplausibleValues',
  missingHours: 'MissingHours',
  hoursAggregated: 'HoursAggregated',
  /** Closed hours of the last week without a row; told once a day. */
  gapHours: 'GapHours',
  forecastsIssued: 'ForecastsIssued',
  locationsWithoutForecast: 'LocationsWithoutForecast',
  forecastsVerified: 'ForecastsVerified',
  forecastAgeMinutes: 'ForecastAgeMinutes',
  rollingBrier: 'RollingBrier',
  skillAgainstPersistence: 'SkillAgainstPersistence',
  hits: 'Hits',
  misses: 'Misses',
  falseAlarms: 'FalseAlarms',
  bytesScanned: 'BytesScanned',
  queryMilliseconds: 'QueryMilliseconds',
  modelsRefused: 'ModelsRefused',
  championsPromoted: 'ChampionsPromoted',
  championsKept: 'ChampionsKept',
  /** Locations whose retraining ended in an error; their champions stay. */
  retrainingsFailed: 'RetrainingsFailed',
} as const;

/** The dimension `service` tells stages apart: POWERTOOLS_SERVICE_NAME, which the stack sets to `garoa-<stage>`. */
export const metrics = new Metrics({ namespace: METRIC_NAMESPACE });
