import type { Forecast } from '../lake/forecasts';
import type { Bucket } from '../lake/s3';
import { readVoices, type Silenced, updateVoices, type Voices } from '../lake/voices';
import { hear, isRefuted, isWorseByDays, VOICE_DAYS } from '../model/voice';
import { addDays } from '../runtime/time';
import type { VerifiedForecasts } from './verification';

export interface VoicesAccess {
  readonly processed: Bucket;
  readonly warn: (message: string, error: unknown) => void;
}

const named =
  ({ warn }: VoicesAccess) =>
  (key: string, error: unknown) =>
    warn(`${key} can't be read and is made anew.`, error);

/** Who may speak now; a file that can't be read is named, and made anew. */
export function presentVoices(access: VoicesAccess): Promise<Voices> {
  return readVoices(access.processed, named(access));
}

/**
 * Says anew whose joined probability was worse over the last days up to `date`. Called once a day by upkeep.
 * @returns whose joined probability has lost its voice, and since when.
 */
export async function judgeVoices(
  access: VoicesAccess,
  { days }: Pick<VerifiedForecasts, 'days'>,
  date: string,
  now: string,
): Promise<Silenced> {
  const first = addDays(date, 1 - VOICE_DAYS);
  const worseByDays = [...days].flatMap(([locationId, scores]) => {
    const worse = isWorseByDays(
      scores
        .filter((day) => day.date >= first)
        .map(({ joinedHours, joinedRainHours, joinedSquaredError, plainSquaredError }) => ({
          hours: joinedHours,
          rainHours: joinedRainHours,
          squaredError: joinedSquaredError,
          rivalSquaredError: plainSquaredError,
        })),
    );
    return worse ? [locationId] : [];
  });
  const { silenced } = await updateVoices(access.processed, named(access), (stored) =>
    silencedBy({ ...stored, worseByDays }, now),
  );
  return new Map(Object.entries(silenced));
}

/** What an hour brought that forecasts had spoken of: whether it rained, by place; a place that nobody knows is not there. */
export interface HourHeard {
  readonly hour: string;
  readonly forecasts: readonly Pick<
    Forecast,
    'location_id' | 'plain_probability' | 'joined_probability' | 'provider_probability' | 'provider_precip_mm'
  >[];
  readonly rained: ReadonlyMap<string, boolean>;
}

/** Lets what came of the last hour count; an hour that was heard already changes nothing. */
export function hearHour(access: VoicesAccess, heardHour: HourHeard, now: string): Promise<Voices> {
  return updateVoices(access.processed, named(access), (stored) => {
    const { hour, forecasts, rained } = heardHour;
    if (stored.heardHour !== null && stored.heardHour >= hour) return stored;
    const heard = new Map(Object.entries(stored.heard));
    for (const forecast of forecasts) {
      const { location_id: id, plain_probability: plain, joined_probability: joined } = forecast;
      const came = rained.get(id);
      if (plain === null || joined === null || came === undefined) continue;
      const provider = { probability: forecast.provider_probability, precipMm: forecast.provider_precip_mm };
      heard.set(id, hear(heard.get(id), { plain, joined, provider, rained: came }));
    }
    return silencedBy({ ...stored, heardHour: hour, heard: Object.fromEntries(heard) }, now);
  });
}

/** With the places that are silent by days or by hours, and since when. */
function silencedBy(voices: Voices, now: string): Voices {
  const refuted = Object.entries(voices.heard).flatMap(([id, heard]) => (isRefuted(heard) ? [id] : []));
  const since = new Map(Object.entries(voices.silenced));
  const ids = [...new Set([...voices.worseByDays, ...refuted])].sort();
  return { ...voices, silenced: Object.fromEntries(ids.map((id) => [id, since.get(id) ?? now])) };
}
