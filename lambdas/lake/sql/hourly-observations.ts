import { addDays } from '../../runtime/time';
import { MEASUREMENTS } from '../../weather/observation';
import { OBSERVATIONS } from '../layout';
import { sqlDate, sqlIdentifier, sqlString } from './literals';

export interface HourlyObservationsQuery {
  readonly database: string;
  /** First and last day (UTC) to make rows for. */
  readonly from: string;
  readonly to: string;
  /** `2026-11-23T11:00:00Z`: hours that start here or later are not closed and get no row. */
  readonly closedBefore: string;
  readonly rainThresholdMm: number;
}

/** Sums are of whole thousandths: exact, so rows are the same bit by bit in whatever order readings come. */
const UNITS = 1000;

/** Larger than any measurement in thousandths, far below what a bigint holds: a wild value can't stop a day. */
const WILD = '1e12';

/**
 * The SELECT behind the commit: one row per location and hour with the columns of `hourly_observations`, then
 * `dt`. Runs on Athena (Trino) and DuckDB.
 *
 * An hour's readings are those with `observed_at` in it, whenever they were polled: the raw partitions of the
 * days, and the first hour of the day after, in which the last polls of the last day lie. Of several readings
 * with one (location, observed_at) the history reading counts, else the one polled last; in an hour that has a
 * history reading only history counts. Everything is UTC and text until the hour is made, so no daylight-saving
 * change can shift anything.
 */
export function hourlyObservationsSql(query: HourlyObservationsQuery): string {
  const table = `${sqlIdentifier(query.database)}.${sqlIdentifier(OBSERVATIONS.name)}`;
  const columns = ['location_id', 'observed_at', 'ingested_at', 'source', 'kind', ...MEASUREMENTS].join(', ');
  const dayAfter = addDays(query.to, 1);
  const end = `${dayAfter}T00:00:00Z`;
  const before = query.closedBefore < end ? query.closedBefore : end;
  return `WITH lines AS (
  SELECT ${columns}
  FROM ${table}
  WHERE dt BETWEEN ${sqlDate(query.from)} AND ${sqlDate(query.to)}
  UNION ALL
  SELECT ${columns}
  FROM ${table}
  WHERE dt = ${sqlDate(dayAfter)} AND hour = '00'
),
ranked AS (
  SELECT *,
    substr(observed_at, 1, 13) AS hour_text,
    row_number() OVER (
      PARTITION BY location_id, observed_at
      ORDER BY CASE WHEN kind = 'history' THEN 0 ELSE 1 END, ingested_at DESC, source,
        ${MEASUREMENTS.join(', ')}
    ) AS precedence
  FROM lines
  WHERE observed_at >= ${sqlString(`${query.from}T00:00:00Z`)} AND observed_at < ${sqlString(before)}
),
readings AS (
  SELECT *,
    CASE WHEN wind_kph = 0 THEN 0e0 ELSE -wind_kph * sin(radians(wind_degree)) END AS wind_u_kph,
    CASE WHEN wind_kph = 0 THEN 0e0 ELSE -wind_kph * cos(radians(wind_degree)) END AS wind_v_kph,
    max(CASE WHEN kind = 'history' THEN 1 ELSE 0 END) OVER (PARTITION BY location_id, hour_text) AS has_history
  FROM ranked
  WHERE precedence = 1
),
counted AS (
  SELECT *,
    ${MEANS.map((name) => `${unitsOf(name)} AS ${name}_units`).join(',\n    ')}
  FROM readings
  WHERE has_history = 0 OR kind = 'history'
)
SELECT location_id,
  CAST(replace(hour_text, 'T', ' ') || ':00:00' AS timestamp) AS hour,
  count(*) AS observation_count,
  ${meanOf('temp_c')},
  ${meanOf('dewpoint_c')},
  ${meanOf('humidity_pct')},
  max_by(pressure_mb, observed_at) FILTER (WHERE pressure_mb IS NOT NULL) AS pressure_mb,
  ${meanOf('wind_u_kph')},
  ${meanOf('wind_v_kph')},
  max(gust_kph) AS gust_kph,
  max(precip_mm) AS precip_mm,
  max(precip_mm) >= ${doubleLiteral(query.rainThresholdMm)} AS rained,
  ${meanOf('cloud_pct')},
  min(visibility_km) AS visibility_km,
  max(uv) AS uv,
  CASE WHEN min(source) = max(source) THEN min(source) ELSE min(source) || '+' || max(source) END AS source,
  substr(hour_text, 1, 10) AS dt
FROM counted
GROUP BY location_id, hour_text
ORDER BY dt, location_id, hour`;
}

/** Columns that are averaged. */
const MEANS = ['temp_c', 'dewpoint_c', 'humidity_pct', 'wind_u_kph', 'wind_v_kph', 'cloud_pct'] as const;
type Mean = (typeof MEANS)[number];

function unitsOf(name: Mean): string {
  return `CASE WHEN abs(${name}) < ${WILD} THEN CAST(round(${name} * ${UNITS}) AS bigint) END`;
}

function meanOf(name: Mean): string {
  return `CAST(sum(${name}_units) AS double) / CAST(count(${name}_units) * ${UNITS} AS double) AS ${name}`;
}

/** A plain `0.1` would be a decimal to both engines. */
function doubleLiteral(value: number): string {
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
}
