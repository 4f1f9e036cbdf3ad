import type { Bucket } from '../lake/s3';
import { readSilenced, type Silenced, writeSilenced } from '../lake/voices';
import { hasLostVoice, VOICE_DAYS } from '../model/drift';
import { addDays } from '../runtime/time';
import type { VerifiedForecasts } from './verification';

export interface VoicesAccess {
  readonly processed: Bucket;
  readonly warn: (message: string, error: unknown) => void;
}

/** Whose joined probability is silent now; a file that can't be read is named, and made anew by the next upkeep. */
export function silencedPlaces({ processed, warn }: VoicesAccess): Promise<Silenced> {
  return readSilenced(processed, (key, error) => warn(`${key} can't be read and is made anew.`, error));
}

/**
 * Says anew whose joined probability has lost its voice, by the verified hours of the last days up to `date`. Called
 * once a day by upkeep.
 */
export async function judgeVoices(
  { processed, warn }: VoicesAccess,
  { days }: Pick<VerifiedForecasts, 'days'>,
  date: string,
  now: string,
): Promise<Silenced> {
  const before = await silencedPlaces({ processed, warn });
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
  await writeSilenced(processed, silenced, now);
  return silenced;
}
