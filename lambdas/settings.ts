import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { locationSchema } from './weather/location';
import { isProviderName, PROVIDERS, type ProviderName } from './weather/providers';

const providerName = z.custom<ProviderName>(isProviderName, {
  error: `expected one of ${Object.keys(PROVIDERS).join(', ')}`,
});

/** What retraining may choose from and must show; see `lambdas/model` for the meaning of each. */
export const trainingSchema = z.strictObject({
  /** Days of history the training sets span at most. */
  windowDays: z.int().min(14).max(7_000).default(7_000),
  /** Rain episodes (wet spells parted by six dry hours) without which no first model is made. */
  minimumRainEvents: z.int().min(1).default(4),
  /** How many recipes the search may try for each location. */
  candidates: z.int().min(1).max(500).default(24),
  /** What a missed rain hour and a false alarm cost; without them the threshold balances misses and false alarms (F1). */
  costs: z.strictObject({ miss: z.number().positive(), falseAlarm: z.number().positive() }).optional(),
});

/** Settings that travel inside each function's bundle as `garoa.json`. */
export const settingsSchema = z.strictObject({
  stage: z.string(),
  provider: providerName,
  locations: z.array(locationSchema).min(1),
  rainThresholdMm: z.number().positive(),
  /** Minute of each hour at which the hour before is closed. What came less than a minute before was not known. */
  hourlyMinute: z.int().min(2).max(30).default(5),
  /** First UTC day that the lake's tables cover; earlier partitions are invisible to queries. */
  firstDay: z.iso.date().default('2010-01-01'),
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
