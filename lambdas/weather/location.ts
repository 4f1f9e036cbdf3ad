import * as z from 'zod';

/** Lower-case letters, digits and hyphens: safe in object keys, SQL literals, event details and addresses. */
const locationId = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'use lower-case letters, digits and single hyphens, as in "sao-paulo"')
  .max(64);

const timezone = z.string().refine(isTimezone, 'not an IANA time zone, such as "America/Sao_Paulo"');

/** A place to forecast for. The provider is asked by `query`, or else by coordinates. */
export const locationSchema = z
  .strictObject({
    id: locationId,
    name: z.string().trim().min(1).max(120),
    query: z.string().trim().min(1).max(200).optional(),
    latitude: z.number().min(-90).max(90).optional(),
    longitude: z.number().min(-180).max(180).optional(),
    timezone,
    /** As the provider spells it; of a place without coordinates, an answer from another country is refused. */
    country: z.string().trim().min(1).max(80).optional(),
    /** Minutes between two polls of this place; a divisor of an hour. */
    pollEveryMinutes: z.literal([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]).default(1),
    /** Whether models of this place are trained and forecast; else it is polled to serve as a neighbour of others. */
    forecast: z.boolean().default(true),
  })
  .refine((place) => (place.latitude === undefined) === (place.longitude === undefined), {
    message: 'latitude and longitude go together',
    path: ['latitude'],
  })
  .refine((place) => place.query !== undefined || place.latitude !== undefined, {
    message: 'give a query, or latitude and longitude',
    path: ['query'],
  });

export type Location = z.infer<typeof locationSchema>;

/** Those that have models, forecasts and a page. The others are watched for the sake of their neighbours. */
export function forecastLocations(locations: readonly Location[]): readonly Location[] {
  return locations.filter(({ forecast }) => forecast);
}

/** Asking costs a quarter of a millisecond; thousands of locations share a few zones. */
const knownTimezones = new Map<string, boolean>();

export function isTimezone(name: string): boolean {
  const known = knownTimezones.get(name) ?? canFormatIn(name);
  knownTimezones.set(name, known);
  return known;
}

function canFormatIn(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
