import { addDays, addHours } from '../../runtime/time';
import { MEASUREMENTS } from '../../weather/observation';
import { OBSERVATIONS } from '../layout';
import { sqlDate, sqlDouble, sqlIdentifier, sqlString } from './literals';

/** Which days are computed, and the times that decide what was known of an hour and what is settled. */
export interface HoursQuery {
  readonly database: string;
  /** First and last day (UTC) to make rows for. */
  readonly from: string;
  readonly to: string;
  /** `2026-11-23T11:00:00Z`: hours that start here or later are not closed and get no row. */
  readonly closedBefore: string;
  /** Minute of the next hour at which an hour is closed; readings that came less than a minute before are too late. */
  readonly hourlyMinute: number;
  /** Hours after an hour's start from which on the provider's history of it is final. */
  readonly settledAfterHours: number;
}

export interface HourlyObservationsQuery extends HoursQuery {
  readonly rainThresholdMm: number;
}

/** What features may look at besides rain: the state of the air, in the order of the table. */
export const STATE = [
  'temp_c',
  'dewpoint_c',
  'humidity_pct',
  'pressure_mb',
  'wind_u_kph',
  'wind_v_kph',
  'gust_kph',
  'cloud_pct',
  'visibility_km',
  'uv',
] as const;

/** Rows are the same bit by bit wherever sines are computed: components of the wind are whole thousandths. */
const UNITS = '1000e0';

/** Beyond any measurement: a wild value is no value, and can't stop a day. */
const WILD = '1e12';

/**
 * The SELECT behind the commit: one row per location and hour with the columns of `hourly_observations`, then
 * `dt`. Runs on Athena (Trino) and DuckDB.
 *
 * *Known* is what the hour's polls told that came in time for its forecast, each column from the last of them that has
 * it; history stands in where no such poll knows rain and temperature. However late the row is made again, and
 * however often somebody looked, it stays the same. *True* is the rain of the settled history, else of the last poll
 * of the hour's last quarter, whenever it came, else of history that may still be revised: an early poll and silence
 * is not a dry hour. Once history would have settled an hour and none has come, what the day's last poll listed of it is
 * true before its own polls: `kind` says so.
 */
export function hourlyObservationsSql(query: HourlyObservationsQuery): string {
  const known = (column: string) =>
    `CASE WHEN is_known_from_history THEN history_${column} ELSE polled_${column} END`;
  const rained = (column: string) => `${column} >= ${sqlDouble(query.rainThresholdMm)}`;
  const truth = 'coalesce(settled_precip_mm, listed_precip_mm, closing_precip_mm, history_precip_mm)';
  return `${hoursSql(query)},
told AS (
  SELECT *,
    has_history AND (polled_temp_c IS NULL OR polled_precip_mm IS NULL) AS is_known_from_history
  FROM hours
)
SELECT location_id, hour,
  CAST(CASE WHEN is_known_from_history THEN 'settled' WHEN settled_at IS NOT NULL THEN 'both' WHEN listed_precip_mm IS NOT NULL THEN 'listed' ELSE 'polled' END AS varchar) AS kind,
  observation_count, covered_minutes, settled_at, source,
  ${sqlDouble(query.rainThresholdMm)} AS rain_threshold_mm,
  ${STATE.map((column) => `${known(column)} AS ${column}`).join(',\n  ')},
  ${known('precip_mm')} AS known_precip_mm,
  ${rained(known('precip_mm'))} AS known_rained,
  provider_probability, provider_precip_mm, provider_issued_at,
  ${truth} AS precip_mm,
  ${rained(truth)} AS rained,
  substr(CAST(hour AS varchar), 1, 10) AS dt
FROM told
ORDER BY dt, location_id, hour`;
}

/**
 * The relation `hours`, as a WITH clause to go on from: of each location and hour what its polls told in time
 * (`polled_…`), what history says (`history_…`, `settled_precip_mm`), and the provider's forecast of the hour after.
 *
 * An hour's readings are those with `observed_at` in it, whenever they came: the raw partitions of the days, and the
 * first hour of the day after, in which the last polls of the last day lie. The raw zone is read once; a line counts
 * for the hour that it observed, and for the hour before the one that it forecasts. Of readings that differ in nothing
 * that matters the order of all their values decides, so that rows don't depend on the order of lines.
 */
export function hoursSql(query: HoursQuery): string {
  const table = `${sqlIdentifier(query.database)}.${sqlIdentifier(OBSERVATIONS.name)}`;
  const columns = OBSERVATIONS.columns.map(({ name }) => name).join(', ');
  const dayAfter = addDays(query.to, 1);
  const end = `${dayAfter}T00:00:00Z`;
  const start = `${query.from}T00:00:00Z`;
  const before = query.closedBefore < end ? query.closedBefore : end;
  const listedUntil = addHours(query.closedBefore, -query.settledAfterHours);
  const last = (column: string, condition: string) =>
    `max_by(${column}, place) FILTER (WHERE ${condition} AND ${column} IS NOT NULL)`;
  return `WITH lines AS (
  SELECT ${columns}
  FROM ${table}
  WHERE dt BETWEEN ${sqlDate(query.from)} AND ${sqlDate(query.to)}
  UNION ALL
  SELECT ${columns}
  FROM ${table}
  WHERE dt = ${sqlDate(dayAfter)} AND hour = '00'
),
statements AS (
  SELECT *,
    ${secondOf('ingested_at')} AS ingested,
    CASE WHEN says = 'next' THEN ${hourOf('forecast_hour')} - INTERVAL '1' HOUR ELSE ${hourOf('observed_at')} END AS hour
  FROM lines
  CROSS JOIN UNNEST(ARRAY['now', 'next']) AS parts (says)
  WHERE says = 'now' AND observed_at LIKE '____-__-__T__:__:__Z' AND observed_at >= ${sqlString(start)} AND observed_at < ${sqlString(before)}
      AND (kind <> 'listed' OR observed_at <= ${sqlString(listedUntil)})
    OR says = 'next' AND kind = 'current' AND forecast_hour > ${sqlString(start)}
      AND (forecast_probability IS NOT NULL OR forecast_precip_mm IS NOT NULL)
),
judged AS (
  SELECT location_id, hour, observed_at, ingested, source, forecast_probability, forecast_precip_mm,
    ${PLAIN.map((name) => `${tame(name)} AS ${name}`).join(',\n    ')},
    ${windOf('sin')} AS wind_u_kph,
    ${windOf('cos')} AS wind_v_kph,
    kind, says,
    says = 'now' AND kind = 'current' AS is_poll,
    says = 'now' AND kind = 'history' AS is_history,
    kind = 'current' AND ingested < hour + INTERVAL '${59 + query.hourlyMinute}' MINUTE AS is_timely,
    kind = 'history' AND ingested >= hour + INTERVAL '${query.settledAfterHours}' HOUR AS is_settled,
    substr(observed_at, 15, 2) AS minute,
    row_number() OVER (
      PARTITION BY location_id, hour
      ORDER BY CASE WHEN says = 'now' AND kind = 'current' THEN observed_at ELSE ingested_at END, ingested_at,
        observed_at, source, ${MEASUREMENTS.join(', ')}, forecast_probability, forecast_precip_mm
    ) AS place
  FROM statements
),
hours AS (
  SELECT location_id, hour,
    count(DISTINCT CASE WHEN says = 'now' THEN kind || observed_at END) AS observation_count,
    CASE WHEN bool_or(is_history) THEN 60
      ELSE 15 * count(DISTINCT CASE WHEN is_poll THEN CASE WHEN minute < '15' THEN 1 WHEN minute < '30' THEN 2 WHEN minute < '45' THEN 3 ELSE 4 END END)
    END AS covered_minutes,
    ${sourceOf("says = 'now'")} AS source,
    bool_or(is_history) AS has_history,
    ${[...STATE, 'precip_mm'].map((name) => `${last(name, 'is_poll AND is_timely')} AS polled_${name}`).join(',\n    ')},
    ${[...STATE, 'precip_mm'].map((name) => `${last(name, 'is_history')} AS history_${name}`).join(',\n    ')},
    ${last('precip_mm', "is_poll AND minute >= '45'")} AS closing_precip_mm,
    ${last('precip_mm', "kind = 'listed'")} AS listed_precip_mm,
    ${last('precip_mm', 'is_settled')} AS settled_precip_mm,
    max_by(ingested, place) FILTER (WHERE is_settled AND precip_mm IS NOT NULL) AS settled_at,
    ${provided('forecast_probability')} AS provider_probability,
    ${provided('forecast_precip_mm')} AS provider_precip_mm,
    ${provided('ingested')} AS provider_issued_at
  FROM judged
  WHERE hour < ${timestampOf(before)}
  GROUP BY location_id, hour
  HAVING bool_or(says = 'now')
)`;
}

/** Measurements that are taken as they are. */
const PLAIN = [
  'temp_c',
  'dewpoint_c',
  'humidity_pct',
  'pressure_mb',
  'gust_kph',
  'precip_mm',
  'cloud_pct',
  'visibility_km',
  'uv',
];

function tame(column: string): string {
  return `CASE WHEN abs(${column}) < ${WILD} THEN ${column} END`;
}

/** Where the wind blows to. Calm needs no direction. */
function windOf(component: 'sin' | 'cos'): string {
  // Adding nothing makes a zero of a negative zero.
  const blown = `round(-wind_kph * ${component}(radians(wind_degree)) * ${UNITS}) / ${UNITS} + 0e0`;
  return `CASE WHEN wind_kph = 0 THEN 0e0 WHEN abs(wind_kph) < ${WILD} THEN ${blown} END`;
}

/** Of the last forecast that came in time; all its parts are one statement's, whatever it leaves open. */
function provided(column: string): string {
  return `max_by(${column}, place) FILTER (WHERE says = 'next' AND is_timely)`;
}

function sourceOf(condition: string): string {
  const first = `min(source) FILTER (WHERE ${condition})`;
  const second = `max(source) FILTER (WHERE ${condition})`;
  return `CASE WHEN ${first} = ${second} THEN ${first} ELSE ${first} || '+' || ${second} END`;
}

/** The hour that an instant lies in. A text that is no instant is no hour, and can't stop a day. */
function hourOf(column: string): string {
  return `TRY_CAST(replace(substr(${column}, 1, 13), 'T', ' ') || ':00:00' AS timestamp(3))`;
}

function secondOf(column: string): string {
  return `TRY_CAST(replace(substr(${column}, 1, 19), 'T', ' ') AS timestamp(3))`;
}

function timestampOf(instant: string): string {
  return `CAST(${sqlString(instant.slice(0, 19).replace('T', ' '))} AS timestamp(3))`;
}
