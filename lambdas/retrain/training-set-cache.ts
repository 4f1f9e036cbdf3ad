import type { TrainingSet } from '../model/training-set';

/** Three locations of seventeen years, or hundreds of one year; far below the function's memory. */
const MAXIMUM_BYTES = 300 * 2 ** 20;

/**
 * Training sets that this environment has parsed, by the ETag of their file. A location's batches come to the same
 * environments again and again, and parsing takes about as long as fitting one recipe. Equal content, equal set: a
 * hit can't differ from parsing anew.
 */
const cache = new Map<string, TrainingSet>();

/** The set that `parse` makes of the content, parsed once; the least recently used ones are let go. */
export async function parsedOnce(
  locationId: string,
  etag: string,
  parse: () => Promise<TrainingSet>,
): Promise<TrainingSet> {
  const key = `${locationId} ${etag}`;
  const set = cache.get(key) ?? (await parse());
  cache.delete(key);
  cache.set(key, set);
  let bytes = 0;
  for (const [held, { x }] of [...cache].reverse()) {
    bytes += x.values.byteLength;
    if (bytes > MAXIMUM_BYTES && held !== key) cache.delete(held);
  }
  return set;
}
