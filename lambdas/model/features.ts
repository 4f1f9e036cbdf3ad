import { HOURLY_OBSERVATIONS } from '../lake/layout';
import { sqlDouble, sqlIdentifier, sqlString, sqlTimestamp } from '../lake/sql/literals';
import { addHours } from '../runtime/time';
import { providerSql } from './provider-forecast';

/** Features of base hour t look back at hours t − 24 … t and at nothing else. */
export const FEATURE_LOOKBACK_HOURS = 24;

/** Forecasts and labels speak of hour t + 1. */
export const HORIZON_HOURS = 1;

/**
 * Groups that a recipe can take or leave: the weather of hour t, its rain and that of the hours just before, how it
 * changed in them, what the day before was like, the hour of day, the day of year, what the neighbours say on average,
 * and what each of them says.
 */
export const FEATURE_GROUPS = [
  'state',
  'rain',
  'change',
  'past',
  'clock',
  'season',
  'neighbours',
  'each-neighbour',
] as const;
export type FeatureGroup = (typeof FEATURE_GROUPS)[number];

export interface Feature {
  readonly name: string;
  readonly group: FeatureGroup;
  readonly description: string;
}

/** A feature of the place itself. */
interface OwnFeature extends Feature {
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
  gust_kph: [1],
  cloud_pct: [1, 3],
  visibility_km: [1, 3],
  uv: [1],
} as const;

/** What looks back further than this belongs to the past: an hour's kernel neighbours are told by what is fresh. */
const FRESH_HOURS = 3;

/** Hours over which the air's approach to saturation is looked at. */
const DEPRESSION_LAGS = [1, 3] as const;

/** Hours over which precipitation is added up and wet hours are counted. */
const RAIN_WINDOWS = [3, 6, 12, 24] as const;

/** Hours before t whose own precipitation is a feature. */
const RAIN_LAGS = [1, 2, 3] as const;

/** Sums are of whole thousandths: they are the same in any order, so features are bit-identical wherever they are made. */
const UNITS = 1000;

/** Beyond any measurement, far below what a bigint of thousandths holds: a wild value can't stop a query. */
const WILD = '1e12';

const feature = (group: FeatureGroup, name: string, description: string, sql: string = name): OwnFeature => ({
  name,
  group,
  description,
  sql,
});

function wetShare(hours: number): string {
  return `CASE WHEN 4 * known_${hours}h >= 3 * ${hours} THEN wet_${hours}h / CAST(known_${hours}h AS double) END`;
}

/** A front shows in the speed of the wind before it shows in its parts. */
function windSpeed(ago = ''): string {
  const square = (part: string) => `wind_${part}_kph${ago} * wind_${part}_kph${ago}`;
  return `sqrt(${square('u')} + ${square('v')})`;
}

/**
 * What says how long rain goes on and little of whether it begins, by name and expression: a linear member can only tell
 * the two apart by what is 0 while it is dry.
 */
const WHILE_WET = {
  humidity_pct: 'humidity_pct',
  dewpoint_depression_c: 'temp_c - dewpoint_c',
  visibility_km: 'visibility_km',
  pressure_mb_change_3h: 'pressure_mb - pressure_mb_3h_ago',
  wet_share_3h: wetShare(3),
} as const;

/** The feature that says whether hour t itself is wet: calibration asks for it. */
export const WET_NOW_FEATURE = 'rained';

/** What a place's own hours say, in the order of the columns of the query. */
export const OWN_FEATURES: readonly OwnFeature[] = [
  feature('state', 'temp_c', 'air temperature, °C'),
  feature('state', 'dewpoint_c', 'dew point, °C'),
  feature('state', 'dewpoint_depression_c', 'temperature above dew point, °C', 'temp_c - dewpoint_c'),
  feature('state', 'humidity_pct', 'relative humidity, %'),
  feature('state', 'pressure_mb', 'sea-level pressure, mb'),
  feature('state', 'wind_u_kph', 'eastward wind, km/h'),
  feature('state', 'wind_v_kph', 'northward wind, km/h'),
  feature('state', 'wind_speed_kph', 'speed of the wind, km/h', windSpeed()),
  feature('state', 'gust_kph', 'gust, km/h'),
  feature('state', 'cloud_pct', 'cloud cover, %'),
  feature('state', 'visibility_km', 'visibility, km'),
  feature('state', 'uv', 'ultraviolet index'),
  feature('rain', WET_NOW_FEATURE, 'rain reached the threshold in hour t: 1 or 0', 'wet_now'),
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
      hours > FRESH_HOURS ? 'past' : 'rain',
      `log_precip_sum_${hours}h`,
      `ln(1 + precipitation of the last ${hours} hours in mm); null when more than a quarter of them is unknown`,
      `CASE WHEN 4 * known_${hours}h >= 3 * ${hours} THEN ln(1 + precip_mm_units_${hours}h / ${UNITS}e0) END`,
    ),
  ),
  ...RAIN_WINDOWS.map((hours) =>
    feature(
      hours > FRESH_HOURS ? 'past' : 'rain',
      `wet_share_${hours}h`,
      `share of wet hours among the known ones of the last ${hours}; null when more than a quarter is unknown`,
      wetShare(hours),
    ),
  ),
  feature(
    'rain',
    'hours_since_rain',
    `ln(1 + hours since the last wet hour), looking back ${FEATURE_LOOKBACK_HOURS} hours; null when none is known and more than a quarter of them is unknown`,
    `CASE WHEN last_wet_hour IS NOT NULL THEN ln(1 + date_diff('hour', last_wet_hour, hour)) WHEN 4 * known_24h >= 72 THEN ln(1e0 + ${FEATURE_LOOKBACK_HOURS + 1}) END`,
  ),
  ...Object.entries(WHILE_WET).map(([name, sql]) =>
    feature(
      'rain',
      `${name}_while_wet`,
      `${name} where hour t is wet, 0 where it is dry`,
      `CASE WHEN wet_now = 1 THEN ${sql} WHEN wet_now = 0 THEN 0e0 END`,
    ),
  ),
  ...Object.entries(LAGS).flatMap(([measurement, lags]) =>
    lags.map((hours) =>
      feature(
        hours > FRESH_HOURS ? 'past' : 'change',
        `${measurement}_change_${hours}h`,
        `change of ${measurement} over the last ${hours} h`,
        `${measurement} - ${measurement}_${hours}h_ago`,
      ),
    ),
  ),
  ...DEPRESSION_LAGS.map((hours) =>
    feature(
      'change',
      `dewpoint_depression_c_change_${hours}h`,
      `change of the dew point depression over the last ${hours} h, °C`,
      `(temp_c - dewpoint_c) - (temp_c_${hours}h_ago - dewpoint_c_${hours}h_ago)`,
    ),
  ),
  feature(
    'change',
    'wind_speed_kph_change_3h',
    'change of the speed of the wind over the last 3 h, km/h',
    `${windSpeed()} - ${windSpeed('_3h_ago')}`,
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
    'season',
    'year_sin',
    'sine of the day of year',
    'sin(2e0 * pi() * extract(DOY FROM hour) / 365.25e0)',
  ),
  feature(
    'season',
    'year_cos',
    'cosine of the day of year',
    'cos(2e0 * pi() * extract(DOY FROM hour) / 365.25e0)',
  ),
];

export const OWN_FEATURE_NAMES: readonly string[] = OWN_FEATURES.map(({ name }) => name);

export interface FeaturesQuery {
  readonly database: string;
  /** Whose features; two thousand with long names make half of a statement that Athena takes. */
  readonly locationIds: readonly string[];
  /** First and last base hour, ISO 8601 UTC on the hour: `2026-11-23T10:00:00Z`. */
  readonly fromHour: string;
  readonly toHour: string;
  /** Adds `label`: 1 or 0 (did it truly rain in hour t + 1), null where that is unknown. */
  readonly withLabel: boolean;
  readonly rainThresholdMm: number;
}

/**
 * One SELECT that gives `location_id, hour, wet_now, <OWN_FEATURES in order>, <PROVIDER_COLUMNS>[, label]`, one row for each location
 * and base hour t in [fromHour, toHour] whose rain and temperature are known, unordered. Features look at what was
 * known when their hour closed, the label at what was true. Rows that were made for another rain threshold, or before
 * there were thresholds in them, are not seen.
 *
 * The hourly function asks for one hour, retraining for a range: the text is the same, so what a model is
 * trained on is what it forecasts from. Columns of row t depend on hours t − FEATURE_LOOKBACK_HOURS … t, the
 * label alone on t + 1. A lag that falls on a missing hour is null. The hour of day is UTC: each location has its
 * own model, and a kernel sees only distances on the circle, which a shift by longitude leaves as they are.
 * Written in what Trino and DuckDB both run.
 */
export function featuresSql(query: FeaturesQuery): string {
  const from = addHours(query.fromHour, -FEATURE_LOOKBACK_HOURS);
  const to = addHours(query.toHour, query.withLabel ? HORIZON_HOURS : 0);
  const table = `${sqlIdentifier(query.database)}.${sqlIdentifier(HOURLY_OBSERVATIONS.name)}`;
  const measurements = Object.keys(LAGS);
  const provider = providerSql(timeline);
  return `WITH observed AS (
  SELECT location_id, hour, ${measurements.join(', ')}, known_precip_mm AS precip_mm,
    ${flag('known_rained')} AS wet_now, ${flag('rained')} AS wet_truly,
    temp_c IS NOT NULL AND known_precip_mm IS NOT NULL AS is_known,
    ${provider.observed}
  FROM ${table}
  WHERE rain_threshold_mm = ${sqlDouble(query.rainThresholdMm)}
    AND dt BETWEEN ${sqlString(from.slice(0, 10))} AND ${sqlString(to.slice(0, 10))}
    AND hour BETWEEN ${sqlTimestamp(from)} AND ${sqlTimestamp(to)}
    AND location_id IN (${query.locationIds.map(sqlString).join(', ')})
),
places AS (
  SELECT location_id, min(hour) AS first_hour, max(hour) AS last_hour
  FROM observed
  GROUP BY location_id
),
grid AS (
  SELECT location_id, day_start + hour_of_day * INTERVAL '1' HOUR AS hour
  FROM places
  CROSS JOIN UNNEST(sequence(${sqlTimestamp(midnight(from))}, ${sqlTimestamp(midnight(to))}, INTERVAL '1' DAY)) AS days (day_start)
  CROSS JOIN UNNEST(sequence(0, 23)) AS hours (hour_of_day)
  WHERE day_start + INTERVAL '1' DAY > first_hour
    AND day_start <= last_hour
),
dense AS (
  SELECT grid.location_id, grid.hour, coalesce(observed.is_known, false) AS is_observed,
    ${['precip_mm', ...measurements].map((name) => `observed.${name}`).join(', ')},
    ${unitsOf('observed.precip_mm')} AS precip_mm_units,
    observed.wet_now, observed.wet_truly,
    ${provider.dense}
  FROM grid
  LEFT JOIN observed ON observed.location_id = grid.location_id AND observed.hour = grid.hour
),
history AS (
  SELECT *,
    ${[...historyColumns(), provider.history].join(',\n    ')}
  FROM dense
)
SELECT location_id, hour, wet_now,
  ${OWN_FEATURES.map(({ name, sql }) => `CAST(${sql} AS double) AS ${name}`).join(',\n  ')},
  ${provider.given}${query.withLabel ? ',\n  label' : ''}
FROM history
WHERE is_observed AND hour BETWEEN ${sqlTimestamp(query.fromHour)} AND ${sqlTimestamp(query.toHour)}`;
}

const timeline = 'PARTITION BY location_id ORDER BY hour';

function flag(column: string): string {
  return `CASE WHEN ${column} THEN 1 WHEN NOT ${column} THEN 0 END`;
}

/** Whole thousandths, so that sums are exact. */
function unitsOf(column: string): string {
  return `CASE WHEN abs(${column}) < ${WILD} THEN CAST(round(${column} * ${UNITS}) AS bigint) END`;
}

/** Earlier values and windows that the feature expressions name; on the dense grid one row is one hour. */
function historyColumns(): string[] {
  const lag = (name: string, hours: number) =>
    `lag(${name}, ${hours}) OVER (${timeline}) AS ${name}_${hours}h_ago`;
  const over = (aggregate: string, hours: number, name: string) =>
    `${aggregate} OVER (${timeline} ROWS BETWEEN ${hours - 1} PRECEDING AND CURRENT ROW) AS ${name}_${hours}h`;
  return [
    ...RAIN_LAGS.map((hours) => lag('precip_mm', hours)),
    ...Object.entries(LAGS).flatMap(([name, lags]) => lags.map((hours) => lag(name, hours))),
    ...RAIN_WINDOWS.flatMap((hours) => [
      over('sum(precip_mm_units)', hours, 'precip_mm_units'),
      over('count(precip_mm_units)', hours, 'known'),
      over('sum(wet_now)', hours, 'wet'),
    ]),
    `max(CASE WHEN wet_now = 1 THEN hour END) OVER (${timeline} ROWS BETWEEN ${FEATURE_LOOKBACK_HOURS} PRECEDING AND CURRENT ROW) AS last_wet_hour`,
    `lead(wet_truly, ${HORIZON_HOURS}) OVER (${timeline}) AS label`,
  ];
}

function midnight(instant: string): string {
  return `${instant.slice(0, 10)}T00:00:00Z`;
}
