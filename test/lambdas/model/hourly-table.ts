import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import * as z from 'zod';
import { type FeaturesQuery, featuresSql, OWN_FEATURE_NAMES } from '../../../lambdas/model/features';
import { featureNames, SPOKEN, withNeighbours } from '../../../lambdas/model/neighbours';
import type { TrainingSet } from '../../../lambdas/model/training-set';
import { type Neighbours, spokenColumn, trainingSetSql } from '../../../lambdas/retrain/training-set-sql';
import { modelledRain, REAL_MANNERS } from '../../../lib/recorded-weather/weather-api/manners';

const RECORDING = join(__dirname, '../../../lib/recorded-weather/recordings/nyc-2013.csv.gz');
const DATABASE = 'garoa';
const RAIN_THRESHOLD_MM = 0.1;

/** One row of `hourly_observations`, with the columns that features look at, as known. Null is unknown. */
export interface HourlyRow {
  readonly locationId: string;
  /** ms since the epoch. */
  readonly hour: number;
  readonly values: Readonly<Record<Measured, number | null>>;
  /** True precipitation, where it is another than the known one. */
  readonly truePrecipMm?: number | null;
  /** The provider's forecast of the hour after; none when absent. */
  readonly forecast?: { readonly probability: number | null; readonly precipMm: number | null };
  /** The threshold that the row was made for, where it is another than that of the tests. */
  readonly rainThresholdMm?: number;
}

export const MEASURED = [
  'temp_c',
  'dewpoint_c',
  'humidity_pct',
  'pressure_mb',
  'wind_u_kph',
  'wind_v_kph',
  'gust_kph',
  'precip_mm',
  'cloud_pct',
  'visibility_km',
  'uv',
] as const;
type Measured = (typeof MEASURED)[number];

const columnOf = (name: Measured) => (name === 'precip_mm' ? 'known_precip_mm' : name);

export interface FeatureRow {
  readonly locationId: string;
  readonly hour: number;
  readonly wetNow: number | null;
  /** Probability, amount in mm and last error in mm of the provider's forecast. */
  readonly provider: readonly (number | null)[];
  /** NaN is unknown. */
  readonly features: readonly number[];
  readonly label: number | null;
}

/** The feature SQL on DuckDB over a table of hourly rows; Athena's side of it is the end-to-end tests' business. */
export class HourlyTable {
  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
  ) {}

  static async open(): Promise<HourlyTable> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    for (const statement of [
      "SET TimeZone='UTC'",
      'SET integer_division=true',
      'SET ieee_floating_point_ops=false',
      'CREATE MACRO sequence(a, b) AS generate_series(a, b), (a, b, step) AS generate_series(a, b, step)',
      `CREATE SCHEMA ${DATABASE}`,
      `CREATE TABLE ${DATABASE}.hourly_observations (location_id VARCHAR, hour TIMESTAMP, dt VARCHAR, ${MEASURED.map((name) => `${columnOf(name)} DOUBLE`).join(', ')}, known_rained BOOLEAN, rained BOOLEAN, rain_threshold_mm DOUBLE, kind VARCHAR, provider_probability DOUBLE, provider_precip_mm DOUBLE)`,
    ]) {
      await connection.run(statement);
    }
    return new HourlyTable(instance, connection);
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  /** Replaces all rows. */
  async fill(rows: readonly HourlyRow[]): Promise<void> {
    const tuples = rows.map(
      ({ locationId, hour, values, truePrecipMm = values.precip_mm, rainThresholdMm, forecast }) => {
        const threshold = rainThresholdMm ?? RAIN_THRESHOLD_MM;
        const rained = (precip: number | null) => (precip === null ? 'NULL' : precip >= threshold);
        const instant = new Date(hour).toISOString();
        const numbers = MEASURED.map((name) => values[name] ?? 'NULL');
        return `('${locationId}', TIMESTAMP '${instant.slice(0, 19).replace('T', ' ')}', '${instant.slice(0, 10)}', ${numbers.join(', ')}, ${rained(values.precip_mm)}, ${rained(truePrecipMm)}, ${threshold}, 'polled', ${forecast?.probability ?? 'NULL'}, ${forecast?.precipMm ?? 'NULL'})`;
      },
    );
    await this.connection.run(`DELETE FROM ${DATABASE}.hourly_observations`);
    if (tuples.length > 0) {
      await this.connection.run(`INSERT INTO ${DATABASE}.hourly_observations VALUES ${tuples.join(', ')}`);
    }
  }

  /** Replaces all rows by the recording's. */
  async fillFromRecording(): Promise<void> {
    const blown = (component: 'sin' | 'cos') => `-wind_kph * ${component}(radians(wind_degree))`;
    await this.connection.run(`DELETE FROM ${DATABASE}.hourly_observations`);
    await this.connection.run(`INSERT INTO ${DATABASE}.hourly_observations
      SELECT location_id, date_trunc('hour', CAST(observed_at AS TIMESTAMP)), substr(CAST(observed_at AS VARCHAR), 1, 10),
        temp_c, dewpoint_c, humidity_pct, pressure_mb, ${blown('sin')}, ${blown('cos')}, gust_kph, precip_mm, NULL, visibility_km, NULL,
        precip_mm >= ${RAIN_THRESHOLD_MM}, precip_mm >= ${RAIN_THRESHOLD_MM}, ${RAIN_THRESHOLD_MM}, 'settled', NULL, NULL
      FROM read_csv('${RECORDING}', types = {'observed_at': 'VARCHAR', 'gust_kph': 'DOUBLE', 'wind_degree': 'DOUBLE'})`);
  }

  /** From `from` on (ms since the epoch), rain is known as the local weather API's polls tell it; what is true stays. */
  async pollFrom(from: number): Promise<void> {
    const table = `${DATABASE}.hourly_observations`;
    const reader = await this.connection.runAndReadAll(
      `SELECT location_id, CAST(epoch_ms(hour) AS DOUBLE), known_precip_mm,
        lag(known_precip_mm) OVER (PARTITION BY location_id ORDER BY hour) FROM ${table} ORDER BY location_id, hour`,
    );
    const row = z.tuple([z.string(), z.number(), numberOrNull, numberOrNull]);
    const tuples = reader.getRowsJS().flatMap((cells) => {
      const [id, hour, truth, before] = row.parse(cells);
      if (hour < from || truth === null) return [];
      const time = new Date(hour).toISOString().slice(0, 19);
      return [
        `('${id}', TIMESTAMP '${time}', ${modelledRain(truth, before, `${id} ${time}`, REAL_MANNERS)})`,
      ];
    });
    await this.connection.run(
      `UPDATE ${table} AS t SET known_precip_mm = p.mm, known_rained = p.mm >= ${RAIN_THRESHOLD_MM}, kind = 'both'
       FROM (VALUES ${tuples.join(', ')}) AS p (id, hour, mm) WHERE t.location_id = p.id AND t.hour = p.hour`,
    );
  }

  /**
   * From `from` on, state is what hours were once known by: the mean of the readings at minutes 0, 15, 30 and 45, of gusts
   * the largest, of visibility the smallest. A reading is on the way from the end of the hour before to the hour's own.
   */
  async averageFrom(from: number): Promise<void> {
    const table = `${DATABASE}.hourly_observations`;
    const ago = (name: string) => `lag(${name}) OVER (PARTITION BY location_id ORDER BY hour)`;
    const at = (name: string, share: number) => `(${1 - share} * ${ago(name)} + ${share} * ${name})`;
    const estimates = new Map(
      ['temp_c', 'dewpoint_c', 'humidity_pct', 'wind_u_kph', 'wind_v_kph'].map((name) => [
        name,
        at(name, 0.375),
      ]),
    )
      .set('pressure_mb', at('pressure_mb', 0.75))
      .set('gust_kph', `greatest(${ago('gust_kph')}, ${at('gust_kph', 0.75)})`)
      .set('visibility_km', `least(${ago('visibility_km')}, ${at('visibility_km', 0.75)})`);
    const columns = [...estimates].map(([name, sql]) => `coalesce(${sql}, ${name}) AS ${name}`).join(', ');
    await this.connection.run(
      `UPDATE ${table} AS t SET ${[...estimates.keys()].map((name) => `${name} = p.${name}`).join(', ')}
       FROM (SELECT location_id, hour, ${columns} FROM ${table}) AS p
       WHERE t.location_id = p.location_id AND t.hour = p.hour AND epoch_ms(t.hour) >= ${from}`,
    );
  }

  /** What each place says of itself, in the order of place and hour. */
  async features(query: Omit<FeaturesQuery, 'database' | 'rainThresholdMm'>): Promise<FeatureRow[]> {
    const sql = featuresSql({ ...query, database: DATABASE, rainThresholdMm: RAIN_THRESHOLD_MM });
    return this.rows(sql, query.withLabel ? 'label' : 'NULL', OWN_FEATURE_NAMES);
  }

  /** Labelled rows as a training set has them, in the order of place and hour. */
  async labelled(
    query: Omit<FeaturesQuery, 'database' | 'rainThresholdMm' | 'withLabel'>,
    neighbours: Neighbours,
  ): Promise<FeatureRow[]> {
    const sql = trainingSetSql(
      { ...query, database: DATABASE, rainThresholdMm: RAIN_THRESHOLD_MM },
      neighbours,
    );
    const slots = Math.max(0, ...Array.from(neighbours.values(), ({ length }) => length));
    const said = Array.from({ length: slots }, (_, slot) => SPOKEN.map((name) => spokenColumn(slot, name)));
    const rows = await this.rows(sql, 'label', [...OWN_FEATURE_NAMES, ...said.flat()]);
    return rows.map((row) => {
      const own = OWN_FEATURE_NAMES.length;
      const heard = Array.from(neighbours.get(row.locationId) ?? [], (_, slot) =>
        row.features.slice(own + slot * SPOKEN.length, own + (slot + 1) * SPOKEN.length),
      );
      return { ...row, features: Array.from(withNeighbours(row.features.slice(0, own), heard)) };
    });
  }

  private async rows(sql: string, label: string, columns: readonly string[]): Promise<FeatureRow[]> {
    const reader = await this.connection.runAndReadAll(
      `SELECT location_id, CAST(epoch_ms(hour) AS DOUBLE), CAST(wet_now AS DOUBLE), CAST(${label} AS DOUBLE), provider_probability, provider_precip_mm, provider_error_mm, ${columns.join(', ')}
       FROM (${sql}) ORDER BY location_id, hour`,
    );
    return reader.getRowsJS().map((row) => {
      const [locationId, hour, wetNow, known, probability, precipMm, errorMm, ...features] = row;
      return {
        locationId: z.string().parse(locationId),
        hour: z.number().parse(hour),
        wetNow: numberOrNull.parse(wetNow),
        label: numberOrNull.parse(known),
        provider: z.array(numberOrNull).parse([probability, precipMm, errorMm]),
        features: z
          .array(numberOrNull)
          .parse(features)
          .map((value) => value ?? Number.NaN),
      };
    });
  }
}

const numberOrNull = z.number().nullable();

/** Labelled rows of one location as the training code wants them. */
export function trainingSetOf(
  locationId: string,
  rows: readonly FeatureRow[],
  neighbours: readonly string[],
): TrainingSet {
  const own = rows.filter((row) => row.locationId === locationId);
  const names = featureNames(neighbours.length);
  return {
    locationId,
    hours: Float64Array.from(own, ({ hour }) => hour),
    neighbours,
    featureNames: names,
    x: {
      rows: own.length,
      columns: names.length,
      values: Float64Array.from(own.flatMap(({ features }) => features)),
    },
    y: Uint8Array.from(own, ({ label }) => label ?? 0),
    wetNow: Float64Array.from(own, ({ wetNow }) => wetNow ?? Number.NaN),
    polled: new Uint8Array(own.length),
    forecasts: null,
  };
}
