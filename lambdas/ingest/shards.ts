import type { Location } from '../weather/location';

/** Seconds of its minute that a run may spend on asking; what is left is for starting and writing. */
export const ASKING_SECONDS = 45;

/**
 * Seconds that a run takes for each location: half a second for the provider's answer, shared by the 32 calls under
 * way at a time, with a third of the run's time left for retries. Our own work runs beside that: `npm run bench --
 * ingest` shows 0.9 ms a location on a whole core, which is 6 ms on the seventh of a core that 256 MB buy. A provider that
 * takes one request at a time, of fifty locations each, is as fast with a second for each answer.
 */
const SECONDS_PER_LOCATION = 0.5 / 32 / (2 / 3);

/** The locations that one schedule polls: those of one cadence, or an equal part of them. */
export interface Shard {
  readonly everyMinutes: number;
  /** 0-based number of this part among `shards`. */
  readonly shard: number;
  readonly shards: number;
}

/** Parts that `count` locations of one cadence must be cut into so that a run can hold each. */
export function shardsNeeded(count: number): number {
  return Math.ceil((count * SECONDS_PER_LOCATION) / ASKING_SECONDS);
}

/**
 * Deals the locations of a cadence out to the parts in the order of their ids, so that an event can name thousands of
 * them by three small numbers. Each location is in exactly one part.
 */
export function locationsOfShard<Place extends Pick<Location, 'id' | 'pollEveryMinutes'>>(
  locations: readonly Place[],
  { everyMinutes, shard, shards }: Shard,
): Place[] {
  return locations
    .filter(({ pollEveryMinutes }) => pollEveryMinutes === everyMinutes)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .filter((_, index) => index % shards === shard);
}
