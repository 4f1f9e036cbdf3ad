import * as z from 'zod';
import { utcSecondSchema } from '../runtime/time';
import { keys } from './layout';
import { type Bucket, getText, updateObject } from './s3';

/** What the hours that have been heard so far say of a place's joined probability; `model/voice.ts` makes it. */
const heardSchema = z.object({
  /** Logarithm of how much better the plain probability foretold what came; never below 0. */
  evidence: z.number().nonnegative(),
  /** Whether the evidence has been enough, and has not gone since. */
  refuted: z.boolean(),
  /** The provider's forecasts as long as they stand still at 0 or 100%, and how many of the last hours contradicted them. */
  standing: z
    .object({
      probability: z.number(),
      precipMm: z.number().nullable(),
      hours: z.int(),
      contradicted: z.int(),
      refuted: z.boolean(),
    })
    .nullable(),
});
export type Heard = z.infer<typeof heardSchema>;

/**
 * Whose joined probability has lost its voice, in one object: upkeep judges by days, every hour's forecasts by what they
 * have heard; pages and status say so. It is about the provider's forecast and not about a model, so that a retraining
 * does not reset it.
 */
const voicesSchema = z.object({
  /** From when on the plain probability speaks, by place. */
  silenced: z.record(z.string(), utcSecondSchema),
  /** Places that upkeep found worse over the last days. */
  worseByDays: z.array(z.string()).default([]),
  /** The last hour that was heard; none is heard twice. */
  heardHour: utcSecondSchema.nullable().default(null),
  heard: z.record(z.string(), heardSchema).default({}),
});
export type Voices = Readonly<z.infer<typeof voicesSchema>>;

const NO_VOICES: Voices = { silenced: {}, worseByDays: [], heardHour: null, heard: {} };

/** @param onDamage is told of an object that can't be read, which then silences nobody. */
export async function readVoices(
  processed: Bucket,
  onDamage: (key: string, error: unknown) => void,
): Promise<Voices> {
  return parseVoices(await getText(processed, keys.voices), onDamage);
}

/** Since when the plain probability speaks, by place. */
export type Silenced = ReadonlyMap<string, string>;

/** As `readVoices`, for whoever only shows it. */
export async function readSilenced(
  processed: Bucket,
  onDamage: (key: string, error: unknown) => void,
): Promise<Silenced> {
  return new Map(Object.entries((await readVoices(processed, onDamage)).silenced));
}

/** Replaces what is stored by what `change` makes of it, if it changes; upkeep and an hourly run may both be at it. */
export function updateVoices(
  processed: Bucket,
  onDamage: (key: string, error: unknown) => void,
  change: (stored: Voices) => Voices,
): Promise<Voices> {
  return updateObject(processed, keys.voices, 'application/json', (stored) => {
    const before = parseVoices(stored && Buffer.from(stored.bytes).toString(), onDamage);
    const result = change(before);
    return result === before ? { result } : { body: JSON.stringify(result), result };
  });
}

function parseVoices(text: string | undefined, onDamage: (key: string, error: unknown) => void): Voices {
  if (text === undefined) return NO_VOICES;
  try {
    return voicesSchema.parse(JSON.parse(text));
  } catch (error) {
    onDamage(keys.voices, error);
    return NO_VOICES;
  }
}
