import type { Location } from '../weather/location';

/** Places this near to one another share their weather within the hour. */
const REGION_KM = 100;

/** Places without coordinates may be neighbours or not; so few of them are taken together, and the search finds out. */
const UNKNOWN_TOGETHER = 8;

const EARTH_RADIUS_KM = 6371;

/**
 * Which configured locations look at each other: id → name of the region, for those that have a neighbour.
 * A place joins the first region whose first member is near, in the order of the configuration. Forecast and training
 * both take it from here, from the whole configuration, so that features mean the same on both sides.
 */
export function regionsOf(locations: readonly Location[]): Map<string, string> {
  const regions: { readonly centre: Place; readonly members: string[] }[] = [];
  for (const { id, latitude, longitude } of locations) {
    if (latitude !== undefined && longitude !== undefined) {
      const place = { latitude, longitude };
      const near = regions.find(({ centre }) => distanceKm(centre, place) <= REGION_KM);
      near === undefined ? regions.push({ centre: place, members: [id] }) : near.members.push(id);
    }
  }
  const unknown = locations.flatMap(({ id, latitude }) => (latitude === undefined ? [id] : []));
  const groups = [
    ...regions.map(({ members }) => members),
    ...(unknown.length <= UNKNOWN_TOGETHER ? [unknown] : []),
  ];
  return new Map(
    groups.flatMap((members) =>
      members.length > 1 ? members.map((id) => [id, members[0] ?? id] as const) : [],
    ),
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
