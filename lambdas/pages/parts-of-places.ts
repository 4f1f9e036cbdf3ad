import { chunks } from '../runtime/chunks';
import { forecastLocations, type Location } from '../weather/location';

/**
 * Most places whose pages one invocation makes: a page takes up to a tenth of a second of a whole processor, so that
 * these take under two of the fifteen minutes. `npm run bench -- places` shows it. Those of more places are made in parts.
 */
export const PLACES_PER_PART = 1_000;

/** The places of each part; those of one part where there are few. */
export function partsOfPlaces(locations: readonly Location[]): readonly (readonly Location[])[] {
  return chunks(forecastLocations(locations), PLACES_PER_PART);
}
