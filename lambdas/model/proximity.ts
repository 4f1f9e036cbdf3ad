import type { Location } from '../weather/location';

/** Places this near to one another share their weather within the hour. */
const NEAR_KM = 100;

/** More than a model can name, since some of them will not have enough hours. */
const NEAREST = 12;

/** Places without coordinates may be neighbours or not; so few of them are taken together, and the search finds out. */
const UNKNOWN_TOGETHER = 8;

const EARTH_RADIUS_KM = 6371;

/**
 * Locations whose weather may tell something of each given one: at most a dozen, the nearest first. Which of them a model
 * names is settled by the hours that they have, when its training set is made.
 * @param locations all that are watched.
 * @param ids whose neighbours are asked for.
 * @returns ids of the neighbours; locations without any are not there.
 */
export function nearestOf(
  locations: readonly Location[],
  ids: readonly string[],
): Map<string, readonly string[]> {
  const placed = locations.flatMap(({ id, latitude, longitude }) =>
    latitude === undefined || longitude === undefined ? [] : [{ id, latitude, longitude }],
  );
  const unknown = locations.flatMap(({ id, latitude }) => (latitude === undefined ? [id] : []));
  const nearest = (id: string): string[] => {
    const place = placed.find((other) => other.id === id);
    if (place === undefined) {
      return unknown.length <= UNKNOWN_TOGETHER ? unknown.filter((other) => other !== id) : [];
    }
    return placed
      .flatMap((other) => {
        const km = other.id === id ? Number.POSITIVE_INFINITY : distanceKm(place, other);
        return km <= NEAR_KM ? [{ id: other.id, km }] : [];
      })
      .sort((a, b) => a.km - b.km || (a.id < b.id ? -1 : 1))
      .slice(0, NEAREST)
      .map((other) => other.id);
  };
  return new Map(
    ids.flatMap((id) => {
      const found = nearest(id);
      return found.length === 0 ? [] : [[id, found] as const];
    }),
  );
}

interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** Great-circle distance (haversine). */
function distanceKm(a: Place, b: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2;
  const h =
    half(b.latitude - a.latitude) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(b.longitude - a.longitude);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
