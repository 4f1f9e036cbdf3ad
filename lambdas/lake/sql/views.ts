import { type Column, FORECASTS, HOURLY_OBSERVATIONS } from '../layout';
import { sqlIdentifier } from './literals';

/** A view as the stack declares it in the catalogue. */
export interface View {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly Column[];
  /** The SELECT behind it, in Trino's dialect. */
  readonly sql: (database: string) => string;
}

const DATE: Column = { name: 'dt', type: 'string', comment: 'UTC date of the target hour' };

const forecastColumns = FORECASTS.columns.map(({ name }) => name);

/** Each forecast beside the hour that came: how people and pages ask how good the forecasts are. */
const VERIFIED_FORECASTS: View = {
  name: 'verified_forecasts',
  comment: 'Forecasts whose hour is known, beside what came and with both squared errors.',
  columns: [
    ...FORECASTS.columns,
    { name: 'precip_mm', type: 'double', comment: 'precipitation that came, mm' },
    { name: 'rained', type: 'boolean', comment: 'precipitation reached the rain threshold' },
    {
      name: 'settled_at',
      type: 'timestamp',
      comment: 'when history settled what came; null while it is provisional',
    },
    {
      name: 'rain_threshold_mm',
      type: 'double',
      comment: 'precipitation from which on it counts as rain, mm',
    },
    { name: 'outcome', type: 'string', comment: 'hit, miss, false alarm or correct negative' },
    {
      name: 'squared_error',
      type: 'double',
      comment: '(probability − outcome)²; its mean is the Brier score',
    },
    {
      name: 'persistence_squared_error',
      type: 'double',
      comment: 'the same for persistence; null when it had no probability',
    },
    DATE,
  ],
  sql: (database) => `SELECT ${forecastColumns.map((name) => `f.${name}`).join(', ')},
  h.precip_mm, h.rained, h.settled_at, h.rain_threshold_mm,
  CASE
    WHEN h.rained AND f.will_rain THEN 'hit'
    WHEN h.rained THEN 'miss'
    WHEN f.will_rain THEN 'false alarm'
    ELSE 'correct negative'
  END AS outcome,
  power(f.probability - CASE WHEN h.rained THEN 1e0 ELSE 0e0 END, 2) AS squared_error,
  power(f.persistence_probability - CASE WHEN h.rained THEN 1e0 ELSE 0e0 END, 2) AS persistence_squared_error,
  f.dt
FROM ${tableOf(database, FORECASTS.name)} f
JOIN ${tableOf(database, HOURLY_OBSERVATIONS.name)} h
  ON h.dt = f.dt AND h.location_id = f.location_id AND h.hour = f.target_hour
WHERE h.rained IS NOT NULL AND h.rain_threshold_mm IS NOT NULL`,
};

/** The newest forecast of each location, for people: it reads every forecast ever made. Programs read `latest.json`. */
const LATEST_FORECASTS: View = {
  name: 'latest_forecasts',
  comment: 'The newest forecast of each location.',
  columns: [...FORECASTS.columns, DATE],
  sql: (database) => `SELECT ${[...forecastColumns, 'dt'].join(', ')}
FROM (
  SELECT *, row_number() OVER (PARTITION BY location_id ORDER BY target_hour DESC) AS recency
  FROM ${tableOf(database, FORECASTS.name)}
)
WHERE recency = 1`,
};

/** Views that the stacks declare and the local cloud serves. */
export const VIEWS: readonly View[] = [VERIFIED_FORECASTS, LATEST_FORECASTS];

function tableOf(database: string, name: string): string {
  return `${sqlIdentifier(database)}.${sqlIdentifier(name)}`;
}
