import { chunks } from '../runtime/chunks';
import { forecastLocations, type Location } from '../weather/location';

/**
 * Most places whose pages one invocation makes. A page took up to 0.14 s of a processor (`npm run bench -- places --only
 * 100`): a thousand take under three of the fifteen minutes, five thousand more than half of them.
 */
export const PLACES_PER_PART = 1_000;

/** The places of each part; those of one part where there are few. */
export function partsOfPlaces(locations: readonly Location[]): readonly (readonly Location[])[] {
  return chunks(forecastLocations(locations), PLACES_PER_PART);
}
