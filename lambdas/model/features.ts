import { HOURLY_OBSERVATIONS } from '../lake/layout';
import { sqlIdentifier, sqlString, sqlTimestamp } from '../lake/sql/literals';

/** Features of base hour t look back at hours t − 24 … t and at nothing else. */
export const FEATURE_LOOKBACK_HOURS = 24;

/** Forecasts and labels speak of hour t + 1. */
export const HORIZON_HOURS = 1;

/** Groups that a recipe can take or leave. `state` and `rain` are what every recipe has. */
export const FEATURE_GROUPS = ['state', 'rain', 'change', 'clock'] as const;
export type FeatureGroup = (typeof FEATURE_GROUPS)[number];

export interface Feature {
  readonly name: string;
  readonly group: FeatureGroup;
  readonly description: string;
  /** Expression over one row of the `history` relation of `featuresSql`. */
  readonly sql: string;
}

/** Measurements whose earlier values are looked at, and how many hours ago. */
const LAGS = {
  temp_c: [1, 3, 6, 24],
  dewpoint_c: [1, 3, 6, 24],
  humidity_pct: [1, 3, 6],
  pressure_mb: [1, 3, 6, 12, 24],
  wind_u_kph: [1, 3, 6],
  wind_v_kph: [1, 3, 6],
  cloud_pct: [1, 3],
  visibility_km: [1, 3],
} as const;

/** Hours over which precipitation is added up and wet hours are counted. */
const RAIN_WINDOWS = [3, 6, 12, 24] as const;

/** Hours before t whose own precipitation is a feature. */
const RAIN_LAGS = [1, 2, 3] as const;

/** Thousandths of a millimetre: whole numbers add up to the same sum in any order, so features are bit-identical. */
const PRECIP_UNITS_PER_MM = 1000;

const feature = (group: FeatureGroup, name: string, description: string, sql: string = name): Feature => ({
  name,
  group,
  description,
  sql,
});

/** What a model may look at, in the order of the model file's columns. Changing it refuses every older model. */
export const FEATURES: readonly Feature[] = [
  feature('state', 'temp_c', 'mean air temperature, °C'),
  feature('state', 'dewpoint_c', 'mean dew point, °C'),
  feature('state', 'dewpoint_depression_c', 'temperature above dew point, °C', 'temp_c - dewpoint_c'),
  feature('state', 'humidity_pct', 'mean relative humidity, %'),
  feature('state', 'pressure_mb', 'last sea-level pressure, mb'),
  feature('state', 'wind_u_kph', 'eastward wind, km/h'),
  feature('state', 'wind_v_kph', 'northward wind, km/h'),
  feature('state', 'gust_kph', 'largest gust, km/h'),
  feature('state', 'cloud_pct', 'mean cloud cover, %'),
  feature('state', 'visibility_km', 'smallest visibility, km'),
  feature('rain', 'rained', 'rain reached the threshold in hour t: 1 or 0', 'wet_now'),
  feature('rain', 'log_precip_now', 'ln(1 + precipitation of hour t in mm)', 'ln(1 + precip_mm)'),
  ...RAIN_LAGS.map((hours) =>
    feature(
      'rain',
      `log_precip_${hours}h_ago`,
      `ln(1 + precipitation of hour t − ${hours} in mm)`,
      `ln(1 + precip_mm_${hours}h_ago)`,
    ),
  ),
  ...RAIN_WINDOWS.map((hours) =>
    feature(
      'rain',
      `log_precip_sum_${hours}h`,
      `ln(1 + precipitation of the last ${hours} hours in mm); null when more than a quarter of them is unknown`,
      `CASE WHEN 4 * known_${hours}h >= 3 * ${hours} THEN ln(1 + precip_units_${hours}h / ${PRECIP_UNITS_PER_MM}e0) END`,
    ),
  ),
  ...RAIN_WINDOWS.map((hours) =>
    feature(
      'rain',
      `wet_share_${hours}h`,
      `share of wet hours among the known ones of the last ${hours}; null when more than a quarter is unknown`,
      `CASE WHEN 4 * known_${hours}h >= 3 * ${hours} THEN wet_${hours}h / CAST(known_${hours}h AS double) END`,
    ),
  ),
  feature(
    'rain',
    'hours_since_rain',
    `ln(1 + hours since the last wet hour), looking back ${FEATURE_LOOKBACK_HOURS} hours`,
    `ln(1 + coalesce(date_diff('hour', last_wet_hour, hour), ${FEATURE_LOOKBACK_HOURS + 1}))`,
  ),
  ...Object.entries(LAGS).flatMap(([measurement, lags]) =>
    lags.map((hours) =>
      feature(
        'change',
        `${measurement}_change_${hours}h`,
        `change of ${measurement} over the last ${hours} h`,
        `${measurement} - ${measurement}_${hours}h_ago`,
      ),
    ),
  ),
  feature(
    'clock',
    'hour_sin',
    'sine of the hour of day, UTC',
    'sin(2e0 * pi() * extract(HOUR FROM hour) / 24e0)',
  ),
  feature(
    'clock',
    'hour_cos',
    'cosine of the hour of day, UTC',
    'cos(2e0 * pi() * extract(HOUR FROM hour) / 24e0)',
  ),
  feature(
    'clock',
    'year_sin',
    'sine of the day of year',
    'sin(2e0 * pi() * extract(DOY FROM hour) / 365.25e0)',
  ),
  feature(
    'clock',
    'year_cos',
    'cosine of the day of year',
    'cos(2e0 * pi() * extract(DOY FROM hour) / 365.25e0)',
  ),
];

export const FEATURE_NAMES: readonly string[] = FEATURES.map(({ name }) => name);

export interface FeaturesQuery {
  readonly database: string;
  /** All locations of the table when absent. */
  readonly locationIds?: readonly string[];
  /** First and last base hour, ISO 8601 UTC on the hour: `2026-11-23T10:00:00Z`. */
  readonly fromHour: string;
  readonly toHour: string;
  /** Adds `label` (1 or 0: did it rain in hour t + 1) and leaves out rows where that is unknown. */
  readonly withLabel: boolean;
  readonly rainThresholdMm: number;
}

/**
 * One SELECT that gives `location_id, hour, wet_now, <FEATURES in order>[, label]`, one row for each location
 * and base hour t in [fromHour, toHour] that has an observation, unordered.
 *
 * The hourly function asks for one hour, retraining for a range: the text is the same, so what a model is
 * trained on is what it forecasts from. Columns of row t depend on hours t − FEATURE_LOOKBACK_HOURS … t, the
 * label alone on t + 1. A lag that falls on a missing hour is null. The hour of day is UTC: each location has its
 * own model, and a kernel sees only distances on the circle, which a shift by longitude leaves as they are.
 * Written in what Trino and DuckDB both run.
 */
export function featuresSql(query: FeaturesQuery): string {
  const from = hoursAfter(query.fromHour, -FEATURE_LOOKBACK_HOURS);
  const to = hoursAfter(query.toHour, query.withLabel ? HORIZON_HOURS : 0);
  const table = `${sqlIdentifier(query.database)}.${sqlIdentifier(HOURLY_OBSERVATIONS.name)}`;
  const measurements = ['precip_mm', 'gust_kph', ...Object.keys(LAGS)];
  const locations =
    query.locationIds === undefined
      ? ''
      : `\n    AND location_id IN (${query.locationIds.map(sqlString).join(', ')})`;
  const columns = FEATURES.map(({ name, sql }) => `CAST(${sql} AS double) AS ${name}`);
  return `WITH observed AS (
  SELECT location_id, hour, ${measurements.join(', ')}
  FROM ${table}
  WHERE dt BETWEEN ${sqlString(from.slice(0, 10))} AND ${sqlString(to.slice(0, 10))}
    AND hour BETWEEN ${sqlTimestamp(from)} AND ${sqlTimestamp(to)}${locations}
),
grid AS (
  SELECT place.location_id, day_start + hour_of_day * INTERVAL '1' HOUR AS hour
  FROM (SELECT DISTINCT location_id FROM observed) place
  CROSS JOIN UNNEST(sequence(${sqlTimestamp(midnight(from))}, ${sqlTimestamp(midnight(to))}, INTERVAL '1' DAY)) AS days (day_start)
  CROSS JOIN UNNEST(sequence(0, 23)) AS hours (hour_of_day)
),
dense AS (
  SELECT grid.location_id, grid.hour, observed.hour IS NOT NULL AS is_observed,
    ${measurements.map((name) => `observed.${name}`).join(', ')},
    CAST(round(observed.precip_mm * ${PRECIP_UNITS_PER_MM}) AS bigint) AS precip_units,
    CASE WHEN observed.precip_mm >= ${query.rainThresholdMm} THEN 1 WHEN observed.precip_mm IS NOT NULL THEN 0 END AS wet_now
  FROM grid
  LEFT JOIN observed ON observed.location_id = grid.location_id AND observed.hour = grid.hour
),
history AS (
  SELECT *,
    ${lagColumns().join(',\n    ')},
    max(CASE WHEN wet_now = 1 THEN hour END) OVER (${timeline} ROWS BETWEEN ${FEATURE_LOOKBACK_HOURS} PRECEDING AND CURRENT ROW) AS last_wet_hour,
    lead(wet_now, ${HORIZON_HOURS}) OVER (${timeline}) AS label
  FROM dense
)
SELECT location_id, hour, wet_now,
  ${columns.join(',\n  ')}${query.withLabel ? ',\n  label' : ''}
FROM history
WHERE is_observed AND hour BETWEEN ${sqlTimestamp(query.fromHour)} AND ${sqlTimestamp(query.toHour)}${
    query.withLabel ? '\n  AND label IS NOT NULL' : ''
  }`;
}

const timeline = 'PARTITION BY location_id ORDER BY hour';

/** Earlier values and windows that the feature expressions name; on the dense grid one row is one hour. */
function lagColumns(): string[] {
  const lag = (name: string, hours: number) =>
    `lag(${name}, ${hours}) OVER (${timeline}) AS ${name}_${hours}h_ago`;
  const over = (aggregate: string, hours: number, name: string) =>
    `${aggregate} OVER (${timeline} ROWS BETWEEN ${hours - 1} PRECEDING AND CURRENT ROW) AS ${name}_${hours}h`;
  return [
    ...RAIN_LAGS.map((hours) => lag('precip_mm', hours)),
    ...Object.entries(LAGS).flatMap(([name, lags]) => lags.map((hours) => lag(name, hours))),
    ...RAIN_WINDOWS.flatMap((hours) => [
      over('sum(precip_units)', hours, 'precip_units'),
      over('count(precip_units)', hours, 'known'),
      over('sum(wet_now)', hours, 'wet'),
    ]),
  ];
}

function hoursAfter(instant: string, hours: number): string {
  return `${new Date(Date.parse(instant) + hours * 3_600_000).toISOString().slice(0, 19)}Z`;
}

function midnight(instant: string): string {
  return `${instant.slice(0, 10)}T00:00:00Z`;
}
