import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { isProviderName, PROVIDERS, type ProviderName } from '../weather/providers';

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
    /** Minutes between two polls of this place; a divisor of an hour. */
    pollEveryMinutes: z.literal([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]).default(1),
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

const providerName = z.custom<ProviderName>(isProviderName, {
  error: `expected one of ${Object.keys(PROVIDERS).join(', ')}`,
});

/** What retraining may choose from and must show; see `lambdas/model` for the meaning of each. */
export const trainingSchema = z.strictObject({
  /** Days of history the training sets span at most. */
  windowDays: z.int().min(14).max(7_000).default(7_000),
  /** Rain hours that the test part must hold before a model may become champion. */
  minimumRainEvents: z.int().min(1).default(10),
  /** How many recipes the search may try for each location. */
  candidates: z.int().min(1).max(500).default(24),
});

/** Settings that travel inside each function's bundle as `garoa.json`. */
export const settingsSchema = z.strictObject({
  stage: z.string(),
  provider: providerName,
  locations: z.array(locationSchema).min(1),
  rainThresholdMm: z.number().positive(),
  training: trainingSchema,
});
export type Settings = z.infer<typeof settingsSchema>;

/** The file's name beside the bundle: the stack writes it, `loadSettings` reads it. */
export const SETTINGS_FILE = 'garoa.json';

/**
 * Reads the settings that were bundled with the running function.
 * @throws ZodError when the file is of another code version; Error when it is missing.
 */
export function loadSettings(directory: string = process.env.LAMBDA_TASK_ROOT ?? '.'): Settings {
  return settingsSchema.parse(JSON.parse(readFileSync(join(directory, SETTINGS_FILE), 'utf8')));
}

/** Asking costs a quarter of a millisecond; thousands of locations share a few zones. */
const knownTimezones = new Map<string, boolean>();

function isTimezone(name: string): boolean {
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
