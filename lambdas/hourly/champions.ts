import type { Bucket } from '../lake/s3';
import type { RainModel } from '../model/model-file';
import { championAt, type RefusedModel, readChampion, readModel, readPointer } from '../model/registry';

/** The model that forecasts for a location at an instant, or why there is none. */
export interface Appointed {
  readonly model: RainModel | undefined;
  /** Versions that should have been used and could not be: worth an alarm. */
  readonly refused: readonly RefusedModel[];
}

/** Models that a warm function keeps; a pointer that changed is noticed by its ETag. */
export interface ChampionCache {
  appointed(models: Bucket, locationId: string, at: string): Promise<Appointed>;
}

/** Cached support vectors, in bytes: with thousands of locations the rest is read again each hour. */
const CACHE_BYTES = 200_000_000;

/**
 * Loads each location's champion once per warm function. A run that speaks of an earlier time (a redelivered
 * schedule, an hour asked for by hand) gets the champion of that time, so that no forecast is made by a model
 * that may have seen its outcome.
 */
export function createChampionCache(capacity: number = CACHE_BYTES): ChampionCache {
  const cached = new Map<
    string,
    { readonly etag: string; readonly model: RainModel; readonly bytes: number }
  >();
  let used = 0;

  const keep = (locationId: string, etag: string, model: RainModel): void => {
    used -= cached.get(locationId)?.bytes ?? 0;
    cached.delete(locationId);
    const texts = [model.supportVectors.values, ...model.members.map(({ coefficients }) => coefficients)];
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    if (used + bytes <= capacity) {
      cached.set(locationId, { etag, model, bytes });
      used += bytes;
    }
  };

  return {
    async appointed(models, locationId, at) {
      const pointer = await readPointer(models, locationId);
      if (pointer.status === 'absent') {
        return { model: undefined, refused: [] };
      }
      if (pointer.status === 'valid' && Date.parse(pointer.entry.since) > Date.parse(at)) {
        return predecessor(models, locationId, at);
      }
      const known = cached.get(locationId);
      if (known?.etag === pointer.etag) {
        return { model: known.model, refused: [] };
      }
      const { current, refused } = await readChampion(models, locationId, pointer);
      if (current !== undefined && refused.length === 0) {
        keep(locationId, pointer.etag, current.model);
      }
      return { model: current?.model, refused };
    },
  };
}

async function predecessor(models: Bucket, locationId: string, at: string): Promise<Appointed> {
  const entry = await championAt(models, locationId, at);
  if (entry === undefined) {
    return { model: undefined, refused: [] };
  }
  const read = await readModel(models, locationId, entry.version);
  return 'model' in read
    ? { model: read.model, refused: [] }
    : { model: undefined, refused: [{ version: entry.version, reason: read.refused }] };
}
