/**
 * The one definition of what lies where in the lake. The stacks declare tables from it, the SQL builders
 * and Parquet writers take their columns from it, the functions their object keys, the local cloud all of it.
 */

/** Hive types that Athena, Parquet and DuckDB agree on. */
export type ColumnType = 'string' | 'double' | 'int' | 'bigint' | 'boolean' | 'timestamp';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly comment: string;
}

export type Zone = 'raw' | 'processed' | 'models';

export interface TableLayout {
  readonly name: string;
  readonly zone: Zone;
  readonly prefix: string;
  readonly format: 'parquet' | 'json';
  readonly columns: readonly Column[];
  /** Partition keys in path order, projected, and declared as text: `dt` a UTC date, `hour` 00–23. */
  readonly partitions: readonly ('dt' | 'hour')[];
  readonly comment: string;
}

const column = (name: string, type: ColumnType, comment: string): Column => ({ name, type, comment });

export const OBSERVATIONS: TableLayout = {
  name: 'observations',
  zone: 'raw',
  prefix: 'observations/',
  format: 'json',
  comment:
    'What the provider said, one line per location and poll; the untouched reply is in the objects under "payload".',
  partitions: ['dt', 'hour'],
  columns: [
    column('location_id', 'string', 'id of the place in the configuration'),
    column('observed_at', 'string', 'when the reading was made, within the hour it speaks of, ISO 8601 UTC'),
    column('ingested_at', 'string', 'when the provider replied, ISO 8601 UTC'),
    column('source', 'string', 'weatherapi, open-meteo or recording'),
    column(
      'kind',
      'string',
      'current (polled), history (backfilled) or listed (an hour that was over, in the reply of a later poll)',
    ),
    column('temp_c', 'double', 'air temperature, °C'),
    column('dewpoint_c', 'double', 'dew point, °C'),
    column('humidity_pct', 'double', 'relative humidity, %'),
    column('pressure_mb', 'double', 'sea-level pressure, mb'),
    column('wind_kph', 'double', 'wind speed, km/h'),
    column('wind_degree', 'double', 'direction the wind comes from, degrees'),
    column('gust_kph', 'double', 'gust, km/h'),
    column('precip_mm', 'double', 'precipitation of the hour the reading lies in, mm'),
    column('cloud_pct', 'double', 'cloud cover, %'),
    column('visibility_km', 'double', 'visibility, km'),
    column('uv', 'double', 'UV index'),
    column('condition_code', 'double', "the provider's own code for the weather"),
    column('forecast_hour', 'string', "start of the hour the provider's forecast speaks of, ISO 8601 UTC"),
    column('forecast_probability', 'double', "the provider's probability of rain in forecast_hour, 0 to 1"),
    column('forecast_precip_mm', 'double', 'precipitation the provider forecast for forecast_hour, mm'),
  ],
};

export const HOURLY_OBSERVATIONS: TableLayout = {
  name: 'hourly_observations',
  zone: 'processed',
  prefix: 'hourly_observations/',
  format: 'parquet',
  comment:
    'One row per location and hour, recomputed day by day from the raw zone: what was known when the hour closed (features read it), and what was true (labels and verification do).',
  partitions: ['dt'],
  columns: [
    column('location_id', 'string', 'id of the place in the configuration'),
    column('hour', 'timestamp', 'start of the hour, UTC'),
    column(
      'kind',
      'string',
      'polled: polls tell it all; settled: history does; both: known from polls, true from history; listed: known from polls, true as a later poll listed the hour, for want of history',
    ),
    column('observation_count', 'bigint', 'distinct readings behind the row'),
    column(
      'covered_minutes',
      'bigint',
      'how much of the hour its readings cover: 15 for each quarter that was polled, 60 where there is history',
    ),
    column(
      'settled_at',
      'timestamp',
      'when the history that settled the true rain was fetched, UTC; null while it is provisional',
    ),
    column('source', 'string', 'where the readings came from'),
    column('rain_threshold_mm', 'double', 'precipitation from which on the hour counts as rain, mm'),
    column('temp_c', 'double', 'known: air temperature, °C'),
    column('dewpoint_c', 'double', 'known: dew point, °C'),
    column('humidity_pct', 'double', 'known: relative humidity, %'),
    column('pressure_mb', 'double', 'known: sea-level pressure, mb'),
    column('wind_u_kph', 'double', 'known: eastward wind, km/h'),
    column('wind_v_kph', 'double', 'known: northward wind, km/h'),
    column('gust_kph', 'double', 'known: gust, km/h'),
    column('cloud_pct', 'double', 'known: cloud cover, %'),
    column('visibility_km', 'double', 'known: visibility, km'),
    column('uv', 'double', 'known: UV index'),
    column('known_precip_mm', 'double', 'known: precipitation of the hour, mm'),
    column('known_rained', 'boolean', 'known: precipitation reached the rain threshold; null when unknown'),
    column(
      'provider_probability',
      'double',
      "known: the provider's probability of rain in the next hour, 0 to 1",
    ),
    column('provider_precip_mm', 'double', "known: the provider's precipitation of the next hour, mm"),
    column('provider_issued_at', 'timestamp', 'known: when the provider said so, UTC'),
    column('precip_mm', 'double', 'true: precipitation of the hour, mm'),
    column('rained', 'boolean', 'true: precipitation reached the rain threshold; null when unknown'),
  ],
};

export const FORECASTS: TableLayout = {
  name: 'forecasts',
  zone: 'processed',
  prefix: 'forecasts/',
  format: 'parquet',
  comment: 'One row per location and target hour, as it was issued.',
  partitions: ['dt'],
  columns: [
    column('location_id', 'string', 'id of the place in the configuration'),
    column('issued_at', 'timestamp', 'scheduled time of the run that made it, UTC'),
    column('base_hour', 'timestamp', 'last closed hour the forecast looks at, UTC'),
    column('target_hour', 'timestamp', 'the hour it speaks of, UTC'),
    column('probability', 'double', 'calibrated probability of rain in the target hour'),
    column('will_rain', 'boolean', 'probability reached the threshold'),
    column('threshold', 'double', "the model's decision threshold"),
    column('model_version', 'string', 'version of the champion that made it'),
    column(
      'persistence_probability',
      'double',
      'what persistence said of the same hour, from the same model file; null when rain at the base hour is unknown',
    ),
    column('plain_probability', 'double', "calibrated probability without the provider's forecast"),
    column(
      'joined_probability',
      'double',
      "calibrated probability with it; null without a forecast of the provider's or a calibration that knows it",
    ),
    column('voice', 'string', 'which of the two is the probability: plain or joined'),
    column('provider_probability', 'double', "the provider's own probability of rain in the target hour"),
    column(
      'provider_precip_mm',
      'double',
      "the provider's own forecast of precipitation in the target hour, mm",
    ),
    column(
      'provider_recalibrated',
      'double',
      "what the provider's forecast alone was worth at the place, from the same model file; null where unknown",
    ),
  ],
};

export const FORECAST_VERIFICATION: TableLayout = {
  name: 'forecast_verification',
  zone: 'processed',
  prefix: 'forecast_verification/',
  format: 'parquet',
  comment:
    'Forecasts against what came: one row per location, day and window (the last 1, 7 or 30 UTC days, dt the last of them).',
  partitions: ['dt'],
  columns: [
    column('location_id', 'string', 'id of the place in the configuration'),
    column('window_days', 'int', 'days the row speaks of: 1, 7 or 30, the last one being dt'),
    column('hours', 'bigint', 'forecasts whose hour is known'),
    column('rain_hours', 'bigint', 'those in which it rained'),
    column('squared_error', 'double', 'sum of (probability − outcome)²'),
    column('brier', 'double', 'squared_error / hours'),
    column('compared_hours', 'bigint', 'hours for which persistence had a probability too'),
    column('compared_squared_error', 'double', "the forecasts' squared error over compared_hours"),
    column('persistence_squared_error', 'double', "persistence's squared error over compared_hours"),
    column('persistence_brier', 'double', 'persistence_squared_error / compared_hours'),
    column('skill', 'double', '1 − forecast / persistence squared error over compared_hours'),
    column(
      'provider_hours',
      'bigint',
      "hours for which the provider's own forecast, recalibrated, is known too",
    ),
    column('provider_compared_squared_error', 'double', "the forecasts' squared error over provider_hours"),
    column(
      'provider_squared_error',
      'double',
      "the recalibrated provider's squared error over provider_hours",
    ),
    column('provider_raw_hours', 'bigint', "hours for which the provider's own probability is known"),
    column('provider_raw_squared_error', 'double', 'its squared error, as issued, over provider_raw_hours'),
    column(
      'provider_gain',
      'double',
      '1 − forecast / recalibrated provider squared error over provider_hours',
    ),
    column('joined_hours', 'bigint', 'hours with a joined and a plain probability'),
    column('joined_rain_hours', 'bigint', 'those in which it rained'),
    column('joined_squared_error', 'double', "the joined probability's squared error over joined_hours"),
    column('plain_squared_error', 'double', "the plain probability's squared error over joined_hours"),
    column('hits', 'bigint', 'rain was forecast and came'),
    column('misses', 'bigint', 'rain came and was not forecast'),
    column('false_alarms', 'bigint', 'rain was forecast and did not come'),
    column('correct_negatives', 'bigint', 'no rain was forecast and none came'),
  ],
};

export const PROVIDER_AGREEMENT: TableLayout = {
  name: 'provider_agreement',
  zone: 'processed',
  prefix: 'provider_agreement/',
  format: 'parquet',
  comment:
    "What polls told in time against the provider's settled history, of hours that have both: one row per location, provider, measurement and day. Sums, so that days add up.",
  partitions: ['dt'],
  columns: [
    column('location_id', 'string', 'id of the place in the configuration'),
    column('source', 'string', 'the provider that both came from'),
    column('measurement', 'string', 'column of hourly_observations; precip_mm is known_precip_mm against it'),
    column('hours', 'bigint', 'hours in which both kinds have it'),
    column('difference_sum', 'double', 'sum of known − true'),
    column('squared_difference_sum', 'double', 'sum of (known − true)²'),
    column('bias', 'double', 'difference_sum / hours'),
    column('spread', 'double', 'standard deviation of known − true'),
    column('both_wet', 'bigint', 'of precip_mm: known wet, truly wet'),
    column('only_known_wet', 'bigint', 'of precip_mm: known wet, truly dry'),
    column('only_true_wet', 'bigint', 'of precip_mm: known dry, truly wet'),
    column('both_dry', 'bigint', 'of precip_mm: known dry, truly dry'),
  ],
};

export const MODEL_METRICS: TableLayout = {
  name: 'model_metrics',
  zone: 'processed',
  prefix: 'model_metrics/',
  format: 'json',
  comment:
    'Every evaluation and every promotion: one row per location and retraining run, whatever came of it, and one per rollback.',
  partitions: ['dt'],
  columns: [
    column('location_id', 'string', 'id of the place in the configuration'),
    column('run', 'string', 'execution of the retraining machine; null for a rollback'),
    column('as_of', 'string', 'the run knew the weather up to this instant, ISO 8601 UTC'),
    column('outcome', 'string', 'promoted, refreshed, kept, failed or restored'),
    column('reason', 'string', 'why, in sentences'),
    column('version', 'string', 'model version that became champion; null when none did'),
    column('champion_since', 'string', 'from when on it is champion, ISO 8601 UTC'),
    column('winner', 'string', 'whose recipe the test_ columns speak of: challenger, champion or first rung'),
    column('test_from', 'string', 'first base hour of the test part, ISO 8601 UTC'),
    column('test_to', 'string', 'last base hour of the test part, ISO 8601 UTC'),
    column('test_hours', 'bigint', 'hours of the test part'),
    column('test_rain_hours', 'bigint', 'those that rain followed'),
    column('test_average_precision', 'double', 'area under the precision-recall steps'),
    column('test_onset_average_precision', 'double', 'the same over hours that were dry'),
    column('test_roc_auc', 'double', 'probability that a wet hour scores above a dry one'),
    column('test_brier', 'double', 'mean squared error of the probability'),
    column('test_log_loss', 'double', 'mean negative log-likelihood, nats'),
    column('test_f1', 'double', 'F1 at the decision threshold'),
    column('test_precision', 'double', 'share of rain forecasts that came true'),
    column('test_recall', 'double', 'share of rain hours that were forecast'),
    column('test_accuracy', 'double', 'share of right yes/no forecasts'),
    column('persistence_average_precision', 'double', 'of persistence on the same hours'),
    column('persistence_brier', 'double', 'of persistence on the same hours'),
    column('climatology_brier', 'double', 'of climatology on the same hours'),
    column('logistic_regression_brier', 'double', 'of logistic regression on the same hours'),
    column('plain_svc_brier', 'double', 'of the plain SVC of tutorials on the same hours'),
    column(
      'improvement_lower',
      'double',
      'Brier improvement over persistence, lower end of the 90% interval',
    ),
    column(
      'improvement_upper',
      'double',
      'Brier improvement over persistence, upper end of the 90% interval',
    ),
    column('series_weeks', 'bigint', 'weeks that recipes were chosen and judged by'),
    column('series_rain_episodes', 'bigint', 'rain episodes of those weeks'),
    column('series_brier', 'double', 'of the recipe that stands, over those weeks'),
    column('series_persistence_brier', 'double', 'of persistence, over those weeks'),
    column(
      'versus_persistence',
      'string',
      'over those weeks the recipe is: better, not worse by more than 3%, not decided, worse',
    ),
    column('versus_climatology', 'string', 'the same beside climatology'),
    column('versus_logistic_regression', 'string', 'the same beside logistic regression'),
    column('versus_plain_svc', 'string', 'the same beside the plain SVC of tutorials'),
    column('provider_hours', 'bigint', "test hours that have a forecast of the provider's own"),
    column('provider_brier', 'double', "of the provider's forecast, recalibrated, on those hours"),
    column(
      'test_plain_brier',
      'double',
      "test_brier without the provider's forecasts; null where they had no part",
    ),
    column('joined_hours', 'bigint', 'hours that the joined calibration was fitted on'),
    column('joined_gain', 'double', 'Brier score that it gains on the plain one there, cross-fitted'),
    column('joined_speaks', 'boolean', 'the gain is beyond doubt: the joined probability speaks'),
    column(
      'series_provider_hours',
      'bigint',
      "hours of the series that have a forecast of the provider's own",
    ),
    column('series_provider_brier', 'double', "of the provider's forecast, recalibrated, on those hours"),
    column('series_provider_raw_brier', 'double', "of the provider's probability as issued, on those hours"),
    column(
      'series_provider_gain',
      'double',
      'Brier score that the recipe gains on the recalibrated one there',
    ),
    column('series_provider_gain_lower', 'double', 'lower end of its 90% interval, over weekly blocks'),
    column('series_provider_gain_upper', 'double', 'upper end of its 90% interval, over weekly blocks'),
    column('versus_provider', 'string', 'the verdict beside the recalibrated provider, on those hours'),
  ],
};

/** Tables that the stacks declare and the local cloud serves. */
export const TABLES: readonly TableLayout[] = [
  OBSERVATIONS,
  HOURLY_OBSERVATIONS,
  FORECASTS,
  FORECAST_VERIFICATION,
  PROVIDER_AGREEMENT,
  MODEL_METRICS,
];

/** `dt` partition value (UTC date) of an ISO instant such as `2026-11-23T10:15:00Z`. */
export function partitionDate(instant: string): string {
  return instant.slice(0, 10);
}

/** Content types of what lies in the buckets. */
export const PARQUET_TYPE = 'application/vnd.apache.parquet';
export const NDJSON_TYPE = 'application/x-ndjson';

/** Pages lie under a prefix of their own, so that superseded ones expire in days while models keep their year. */
export const PAGES_PREFIX = 'pages/';

/** In the raw and the processed zone, beside what the tables see. */
export const QUARANTINE_PREFIX = 'quarantine/';

export const keys = {
  rawDay: (dt: string) => `${OBSERVATIONS.prefix}dt=${dt}/`,
  /** The joined minute objects of one raw hour partition, given its prefix. */
  compacted: (hourPrefix: string) => `${hourPrefix}compacted.ndjson.gz`,
  /** Prefix of one raw hour partition. */
  rawHour: (dt: string, hour: string) => `${OBSERVATIONS.prefix}dt=${dt}/hour=${hour}/`,
  /** Where an object goes that can't be read; the reason of a raw one lies beside it. */
  quarantined: (key: string) => `${QUARANTINE_PREFIX}${key}`,
  /** The committed Parquet object of one day: a copy over this key is the commit. */
  hourlyDay: (dt: string) => `${HOURLY_OBSERVATIONS.prefix}dt=${dt}/part-0.parquet`,
  /** The forecasts issued for one target hour. */
  forecastHour: (dt: string, hour: string) => `${FORECASTS.prefix}dt=${dt}/${hour}.parquet`,
  forecastDay: (dt: string) => `${FORECASTS.prefix}dt=${dt}/`,
  /** How the forecasts of one day fared, with the windows that end on it. */
  verificationDay: (dt: string) => `${FORECAST_VERIFICATION.prefix}dt=${dt}/part-0.parquet`,
  /** In the query-results bucket: sums of the days before, under the hash of what they are made of. */
  verificationBefore: (dt: string, content: string) => `verification-before/dt=${dt}/${content}.parquet`,
  agreementDay: (dt: string) => `${PROVIDER_AGREEMENT.prefix}dt=${dt}/part-0.parquet`,
  /** Evaluations of one run, or one rollback. */
  modelMetrics: (dt: string, name: string) => `${MODEL_METRICS.prefix}dt=${dt}/${name}.ndjson`,
  champion: (locationId: string) => `${locationId}/champion.json`,
  model: (locationId: string, version: string) => `${locationId}/${version}/model.json`,
  metrics: (locationId: string, version: string) => `${locationId}/${version}/metrics.json`,
  ledgerEntry: (locationId: string, time: string, version: string) =>
    `${locationId}/ledger/${time}-${version}.json`,
  /** Prefix of a location's ledger. */
  ledger: (locationId: string) => `${locationId}/ledger/`,
  /** What one retraining run found out about a location, whatever came of it. */
  evaluation: (locationId: string, time: string, run: string) =>
    `${locationId}/evaluations/${time}-${run}.json`,
  /** Prefix of a location's evaluations. */
  evaluations: (locationId: string) => `${locationId}/evaluations/`,
  /** Forecasts of the tested recipe for the test hours: each test metric can be recomputed from it. */
  testForecasts: (locationId: string, version: string) => `${locationId}/${version}/test-forecasts.parquet`,
  /** What the daily settling has learnt of the provider's history, in the processed zone. */
  settling: 'settling.json',
  /** Whose joined probability has lost its voice, in the processed zone. */
  voices: 'voices.json',
  /** What people open first: it only leads to `pagesIndex`, in the bucket as in a downloaded folder. */
  index: 'index.html',
  /** All places at a glance. */
  pagesIndex: `${PAGES_PREFIX}index.html`,
  /** The page of one place. */
  page: (locationId: string) => `${PAGES_PREFIX}places/${locationId}.html`,
  /** The forecasts in force. */
  latest: 'latest.json',
  /** Who forecasts for each location, and what the last retraining found. */
  champions: 'champions.json',
} as const;
