import type * as z from 'zod';
import { type Forecast, latestSchema } from '../lake/forecasts';
import { keys } from '../lake/layout';
import { type Bucket, updateObject } from '../lake/s3';
import type { Location } from '../weather/location';
import type { WithoutForecast } from './forecast';

type Latest = z.infer<typeof latestSchema>;

const JSON_TYPE = 'application/json';

/**
 * Replaces `latest.json`, unless it already speaks of a later hour.
 * @throws what S3 throws.
 */
export async function updateLatest(
  models: Bucket,
  locations: readonly Location[],
  hour: { readonly issuedAt: string; readonly targetHour: string },
  forecasts: readonly Forecast[],
  without: readonly WithoutForecast[],
): Promise<void> {
  const names = new Map(locations.map(({ id, name }) => [id, name]));
  const latest: Latest = {
    version: 1,
    ...hour,
    forecasts: forecasts.map((forecast) => ({
      locationId: forecast.location_id,
      name: names.get(forecast.location_id) ?? forecast.location_id,
      probability: forecast.probability,
      willRain: forecast.will_rain,
      threshold: forecast.threshold,
      modelVersion: forecast.model_version,
      persistenceProbability: forecast.persistence_probability,
      providerProbability: forecast.provider_probability,
    })),
    withoutForecast: [...without],
  };
  const text = `${JSON.stringify(latest, undefined, 2)}\n`;
  await updateObject(models, keys.latest, JSON_TYPE, (stored) => {
    const later = stored !== undefined && (targetHourOf(stored.bytes) ?? '') > hour.targetHour;
    return later ? { result: undefined } : { body: text, result: undefined };
  });
}

/** Undefined for a file that is none of ours: it is replaced. */
function targetHourOf(bytes: Uint8Array): string | undefined {
  try {
    return latestSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).targetHour;
  } catch {
    return undefined;
  }
}
