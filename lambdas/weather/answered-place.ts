import { DAY_MS } from '../runtime/time';
import type { Location } from './location';
import { ProviderError } from './provider-error';

/** Where a reply says that its weather is; what it does not say is absent. */
export interface AnsweredPlace {
  readonly name?: string | undefined;
  readonly country?: string | undefined;
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
  /** IANA name. */
  readonly timezone?: string | undefined;
}

/** Grids of weather models are coarse, and a town's centre is not its station: within this it is the same weather. */
const FARTHEST_KM = 50;

/**
 * Sees to it that a reply is about the place that was asked for: a provider may find another one under the same name.
 * Coordinates, country and time zone count as far as the configuration and the reply both have them. A country can be
 * spelt in many ways and counts only where no coordinates tell.
 * @param now milliseconds since the epoch, for the zones' clocks.
 * @throws ProviderError `wrong-place` that names both.
 */
export function requirePlace(location: Location, answered: AnsweredPlace, now: number, what: string): void {
  const distance = distanceKm(location, answered);
  if (distance !== undefined && distance > FARTHEST_KM) {
    const asked = `${location.latitude}, ${location.longitude}`;
    const got = `${answered.latitude}, ${answered.longitude}`;
    refuse(`${named(answered)} at ${got}, ${Math.round(distance)} km from ${asked}, where ${location.id} is`);
  }
  const { country = '', timezone } = answered;
  const isElsewhere =
    location.country !== undefined && country !== '' && !sameWord(location.country, country);
  if (distance === undefined && isElsewhere) {
    refuse(`${named(answered)}, while ${location.id} is in ${location.country}`);
  }
  if (timezone !== undefined && !sameZone(location.timezone, timezone, distance !== undefined, now)) {
    refuse(`${named(answered)} in the zone ${timezone}, while ${location.id} is in ${location.timezone}`);
  }

  function refuse(difference: string): never {
    throw new ProviderError('wrong-place', `${what}: the answer is for ${difference}`);
  }
}

function named({ name, country }: AnsweredPlace): string {
  const words = [name, country].filter((word) => word !== undefined && word !== '');
  return words.length === 0 ? 'a place' : words.join(', ');
}

function sameWord(one: string, other: string): boolean {
  return one.localeCompare(other, 'en', { sensitivity: 'base' }) === 0;
}

/** Along the great circle; undefined unless both sides have coordinates. */
function distanceKm(one: Location, other: AnsweredPlace): number | undefined {
  if (one.latitude === undefined || one.longitude === undefined) return undefined;
  if (other.latitude === undefined || other.longitude === undefined) return undefined;
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const north = Math.sin(radians(other.latitude - one.latitude) / 2) ** 2;
  const east = Math.sin(radians(other.longitude - one.longitude) / 2) ** 2;
  const haversine = north + Math.cos(radians(one.latitude)) * Math.cos(radians(other.latitude)) * east;
  return 2 * 6_371 * Math.asin(Math.min(1, Math.sqrt(haversine)));
}

/**
 * Whether two names stand for one zone. Where coordinates have shown that the place is the right one, zones whose
 * clocks agree will do: near a border a provider may name the neighbour's.
 */
function sameZone(one: string, other: string, confirmed: boolean, now: number): boolean {
  if (one === other) return true;
  const first = clockOf(one);
  const second = clockOf(other);
  // A name that is not known here is no sign of a wrong place.
  if (first === undefined || second === undefined) return true;
  if (first.name === second.name) return true;
  const halfAYear = 182 * DAY_MS;
  return confirmed && [now, now + halfAYear].every((at) => first.offsetAt(at) === second.offsetAt(at));
}

interface ZoneClock {
  /** Canonical name: aliases have the same. */
  readonly name: string;
  /** Such as `GMT-05:00`. */
  offsetAt(instant: number): string;
}

const clocks = new Map<string, ZoneClock | undefined>();

function clockOf(timeZone: string): ZoneClock | undefined {
  if (!clocks.has(timeZone)) clocks.set(timeZone, makeClock(timeZone));
  return clocks.get(timeZone);
}

function makeClock(timeZone: string): ZoneClock | undefined {
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    return {
      name: format.resolvedOptions().timeZone,
      offsetAt: (instant) =>
        format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '',
    };
  } catch {
    return undefined;
  }
}
