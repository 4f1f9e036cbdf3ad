import { type Location, locationSchema } from '../../../lambdas/weather/location';

/** A configured location with the given id; coordinates are those of JFK unless said otherwise. */
export function place(id: string, more: Partial<Location> = {}): Location {
  return locationSchema.parse({
    id,
    name: id.toUpperCase(),
    latitude: 40.64,
    longitude: -73.78,
    timezone: 'America/New_York',
    ...more,
  });
}
