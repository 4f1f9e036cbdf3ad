import * as z from 'zod';
import { utcSecondSchema } from '../runtime/time';
import { keys } from './layout';
import { type Bucket, getText, putObject } from './s3';

/**
 * Places whose joined probability has lost its voice, in one object: upkeep judges, every hour's forecasts obey, pages
 * and status say so. It is about the provider's forecast and not about a model, so that a retraining does not reset it.
 */
const voicesSchema = z.object({
  judgedAt: utcSecondSchema,
  /** From when on the plain probability speaks, by place. */
  silenced: z.record(z.string(), utcSecondSchema),
});

/** Since when the plain probability speaks, by place. */
export type Silenced = ReadonlyMap<string, string>;

/** @param onDamage is told of an object that can't be read, which then silences nobody. */
export async function readSilenced(
  processed: Bucket,
  onDamage: (key: string, error: unknown) => void,
): Promise<Silenced> {
  const text = await getText(processed, keys.voices);
  if (text === undefined) return new Map();
  try {
    return new Map(Object.entries(voicesSchema.parse(JSON.parse(text)).silenced));
  } catch (error) {
    onDamage(keys.voices, error);
    return new Map();
  }
}

export async function writeSilenced(processed: Bucket, silenced: Silenced, judgedAt: string): Promise<void> {
  const voices: z.infer<typeof voicesSchema> = { judgedAt, silenced: Object.fromEntries(silenced) };
  await putObject(processed, keys.voices, JSON.stringify(voices), 'application/json');
}
