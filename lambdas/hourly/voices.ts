import * as z from 'zod';
import { keys } from '../lake/layout';
import { type Bucket, getText, putObject } from '../lake/s3';
import { hasLostVoice, VOICE_DAYS } from '../model/drift';
import { addDays, utcSecondSchema } from '../runtime/time';
import type { VerifiedForecasts } from './verification';

/**
 * Places whose joined probability has lost its voice, in one object: upkeep judges, every hour's forecasts obey. It is
 * about the provider's forecast and not about a model, so that a retraining does not reset it.
 */
const voicesSchema = z.object({
  judgedAt: utcSecondSchema,
  /** From when on the plain probability speaks, by place. */
  silenced: z.record(z.string(), utcSecondSchema),
});

export interface VoicesAccess {
  readonly processed: Bucket;
  readonly warn: (message: string, error: unknown) => void;
}

/** Since when the plain probability speaks, by place; a file that can't be read silences nobody, and is made anew. */
export async function silencedPlaces({
  processed,
  warn,
}: VoicesAccess): Promise<ReadonlyMap<string, string>> {
  const text = await getText(processed, keys.voices);
  if (text === undefined) return new Map();
  try {
    return new Map(Object.entries(voicesSchema.parse(JSON.parse(text)).silenced));
  } catch (error) {
    warn(`${keys.voices} can't be read and is made anew.`, error);
    return new Map();
  }
}

/**
 * Says anew whose joined probability has lost its voice, by the verified hours of the last days up to `date`. Called
 * once a day by upkeep.
 */
export async function judgeVoices(
  access: VoicesAccess,
  { days }: Pick<VerifiedForecasts, 'days'>,
  date: string,
  now: string,
): Promise<ReadonlyMap<string, string>> {
  const before = await silencedPlaces(access);
  const first = addDays(date, 1 - VOICE_DAYS);
  const silenced = new Map<string, string>();
  for (const [locationId, scores] of days) {
    const lost = hasLostVoice(
      scores
        .filter((day) => day.date >= first)
        .map(({ joinedHours, joinedRainHours, joinedSquaredError, plainSquaredError }) => ({
          hours: joinedHours,
          rainHours: joinedRainHours,
          squaredError: joinedSquaredError,
          rivalSquaredError: plainSquaredError,
        })),
    );
    if (lost) silenced.set(locationId, before.get(locationId) ?? now);
  }
  const voices = { judgedAt: now, silenced: Object.fromEntries(silenced) };
  await putObject(access.processed, keys.voices, JSON.stringify(voices), 'application/json');
  return silenced;
}
