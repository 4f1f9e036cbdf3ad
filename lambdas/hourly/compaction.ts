import pLimit from 'p-limit';
import { keys } from '../lake/layout';
import { type Bucket, deleteObjects, getObject, listObjects, writeIf } from '../lake/s3';
import { settleAll } from '../runtime/settle';

/** What compaction did with one hour partition. */
interface CompactedHour {
  /** Objects that are in the compacted one now, and are gone. */
  readonly joined: number;
  readonly bytes: number;
}

export interface Compaction {
  readonly hours: number;
  readonly joined: number;
  readonly bytes: number;
}

/** A compacted object that is not what was written: the originals stay. */
export class CompactionRefused extends Error {
  override readonly name = 'CompactionRefused';
}

const HOUR_CONCURRENCY = 4;
const READ_CONCURRENCY = 8;
/** History of a day lies under hour 00, one object a run, and is left alone: ingest looks for it by name. */
const HISTORY = /\/history-[^/]*$/;

/**
 * Joins the minute objects of each hour of the days into one object. Gzip members stay as they are, one after
 * the other, so payloads keep every byte. Safe to die anywhere: the joined object is written before the first
 * original goes, and a reading that is there twice counts once. A later object of a compacted hour is added to it.
 * @throws CompactionRefused, or what S3 throws.
 */
export async function compactDays(raw: Bucket, dates: readonly string[]): Promise<Compaction> {
  const limit = pLimit(HOUR_CONCURRENCY);
  const listings = await settleAll(dates.map((date) => listObjects(raw, keys.rawDay(date))));
  const partitions = new Map<string, string[]>();
  for (const { key } of listings.flat()) {
    if (!HISTORY.test(key)) {
      const prefix = key.slice(0, key.lastIndexOf('/') + 1);
      partitions.set(prefix, [...(partitions.get(prefix) ?? []), key]);
    }
  }
  const hours = await settleAll(
    [...partitions].map(([prefix, objects]) => limit(() => compactHour(raw, prefix, objects))),
  );
  return {
    hours: hours.filter(({ joined }) => joined > 0).length,
    joined: hours.reduce((sum, { joined }) => sum + joined, 0),
    bytes: hours.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/**
 * One hour partition. Nothing is joined twice: an original whose bytes the compacted object already holds (a run
 * died before it deleted it) is deleted only.
 */
async function compactHour(raw: Bucket, prefix: string, objects: readonly string[]): Promise<CompactedHour> {
  const target = keys.compacted(prefix);
  const originals = objects.filter((key) => key !== target);
  if (originals.length === 0) {
    return { joined: 0, bytes: 0 };
  }
  const compacted = await getObject(raw, target);
  const limit = pLimit(READ_CONCURRENCY);
  const read = await settleAll(originals.map((key) => limit(() => getObject(raw, key))));
  const parts: Uint8Array[] = [];
  for (const [position, object] of read.entries()) {
    if (object === undefined) {
      // Another run compacts this hour; what it leaves is for the next one.
      return { joined: 0, bytes: 0 };
    }
    requireGzip(originals[position] ?? '', object.bytes);
    if (compacted === undefined || !Buffer.from(compacted.bytes).includes(Buffer.from(object.bytes))) {
      parts.push(object.bytes);
    }
  }
  let bytes = compacted?.bytes.length ?? 0;
  if (parts.length > 0) {
    const whole = Buffer.concat(compacted === undefined ? parts : [compacted.bytes, ...parts]);
    const outcome = await writeIf(raw, target, whole, 'application/gzip', compacted?.etag);
    const stored = await getObject(raw, target);
    if (stored === undefined || !whole.equals(stored.bytes)) {
      if (outcome === 'changed') {
        return { joined: 0, bytes: 0 };
      }
      throw new CompactionRefused(`${target} is not what was written; its originals stay.`);
    }
    bytes = whole.length;
  }
  await deleteObjects(raw, originals);
  return { joined: originals.length, bytes };
}

/** A member that is no gzip would make the members behind it unreadable. */
function requireGzip(key: string, bytes: Uint8Array): void {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    throw new CompactionRefused(`${key} is no gzip object; its hour is left as it is.`);
  }
}
