import * as z from 'zod';
import { utcSecondSchema } from '../runtime/time';
import { ParquetRefused } from './parquet';
import { decodeRows } from './rows';
import { type Bucket, getObject } from './s3';

/** Forecasts as they are stored: the hourly function writes them, verification and the pages read them. */

const probability = z.number().min(0).max(1);

/** The probability that is spoken: of the members alone, or joined with the provider's forecast. */
const VOICES = ['plain', 'joined'] as const;

/** A row of `forecasts`. */
export const forecastSchema = z.object({
  location_id: z.string(),
  issued_at: utcSecondSchema,
  base_hour: utcSecondSchema,
  target_hour: utcSecondSchema,
  probability,
  will_rain: z.boolean(),
  threshold: probability,
  model_version: z.string(),
  persistence_probability: probability.nullable(),
  /** These are null in forecasts that were issued before there were such columns, all but `voice` also where unknown. */
  plain_probability: probability.nullable(),
  joined_probability: probability.nullable(),
  voice: z.enum(VOICES).nullable(),
  provider_probability: probability.nullable(),
  provider_precip_mm: z.number().nullable(),
  provider_recalibrated: probability.nullable(),
});
export type Forecast = z.infer<typeof forecastSchema>;

/**
 * The stored forecasts of one target hour; undefined when none were made.
 * @param onDamage is told of an object that can't be read, which then counts as not there; without it that throws.
 */
export async function readForecasts(
  processed: Bucket,
  key: string,
  onDamage?: (key: string, error: Error) => void,
): Promise<readonly Forecast[] | undefined> {
  const stored = await getObject(processed, key);
  try {
    return stored && (await decodeForecasts(stored.bytes));
  } catch (error) {
    if (!(error instanceof ParquetRefused) || onDamage === undefined) throw error;
    onDamage(key, error);
    return undefined;
  }
}

export function decodeForecasts(bytes: Uint8Array): Promise<Forecast[]> {
  return decodeRows(bytes, forecastSchema);
}

/** `latest.json`: the forecasts in force, for programs that want one object and no query. */
export const latestSchema = z.object({
  version: z.literal(1),
  issuedAt: utcSecondSchema,
  targetHour: utcSecondSchema,
  forecasts: z.array(
    z.object({
      locationId: z.string(),
      name: z.string(),
      probability: z.number(),
      willRain: z.boolean(),
      threshold: z.number(),
      modelVersion: z.string(),
      persistenceProbability: z.number().nullable(),
      /** The provider's own, as issued; null where it made none. */
      providerProbability: z.number().nullable().default(null),
    }),
  ),
  withoutForecast: z.array(z.object({ locationId: z.string(), reason: z.string() })),
});
