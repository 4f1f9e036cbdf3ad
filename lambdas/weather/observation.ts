import * as z from 'zod';
import { utcSecondSchema } from '../runtime/time';

const measurement = z.number().nullable();

/** The measurements of an observation, in the order of the lake's columns. Units are in the names. */
export const MEASUREMENTS = [
  'temp_c',
  'dewpoint_c',
  'humidity_pct',
  'pressure_mb',
  'wind_kph',
  'wind_degree',
  'gust_kph',
  'precip_mm',
  'cloud_pct',
  'visibility_km',
  'uv',
  'condition_code',
] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** What the provider said each measurement was; null when it was absent or no number. */
export type Measured = Readonly<Record<Measurement, number | null>>;

/** A reading in which every measurement is absent: what known ones are laid over. */
export const NOTHING_MEASURED: Measured = {
  temp_c: null,
  dewpoint_c: null,
  humidity_pct: null,
  pressure_mb: null,
  wind_kph: null,
  wind_degree: null,
  gust_kph: null,
  precip_mm: null,
  cloud_pct: null,
  visibility_km: null,
  uv: null,
  condition_code: null,
};

/** A reply that says nothing of the next hour. */
export const NO_FORECAST = {
  forecast_hour: null,
  forecast_probability: null,
  forecast_precip_mm: null,
} as const;

/** One reading of one place. An absent measurement is null, never 0. */
export const observationSchema = z.object({
  location_id: z.string(),
  /** Lies in the hour that the reading speaks of. */
  observed_at: utcSecondSchema,
  /** When the provider replied. */
  ingested_at: utcSecondSchema,
  /** The provider's name, or `recording`. */
  source: z.string().min(1),
  /** `listed`: an hour that is over, as a later poll's reply lists it. */
  kind: z.enum(['current', 'history', 'listed']),
  temp_c: measurement,
  dewpoint_c: measurement,
  humidity_pct: measurement,
  pressure_mb: measurement,
  wind_kph: measurement,
  wind_degree: measurement,
  gust_kph: measurement,
  precip_mm: measurement,
  cloud_pct: measurement,
  visibility_km: measurement,
  uv: measurement,
  condition_code: measurement,
  /** Start of the hour that the provider's own forecast in the same reply speaks of. */
  forecast_hour: utcSecondSchema.nullable(),
  /** Its probability of rain, 0 to 1. */
  forecast_probability: z.number().min(0).max(1).nullable(),
  forecast_precip_mm: z.number().nonnegative().nullable(),
});
export type Observation = z.infer<typeof observationSchema>;
