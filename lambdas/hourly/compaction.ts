import pLimit from 'p-limit';
import { keys } from '../lake/layout';
import { isPassedOver, readRawObject } from '../lake/raw-lines';
import { type Bucket, deleteObjects, getObject, listObjects, type StoredObject, writeIf } from '../lake/s3';
import { settleAll } from '../runtime/settle';
import { type SetAside, setAside } from './quarantine';

/** What compaction did with one hour partition. */
interface CompactedHour {
  /** Objects that are in the compacted one now, and are gone. */
  readonly joined: number;
  readonly bytes: number;
  readonly setAside: readonly SetAside[];
}

const NOTHING_DONE: CompactedHour = { joined: 0, bytes: 0, setAside: [] };

export interface Compaction {
  readonly hours: number;
  readonly joined: number;
  readonly bytes: number;
  /** Objects that could not be read as a whole; what is readable of them is joined with the others. */
  readonly setAside: readonly SetAside[];
}

/** A compacted object differs from what was written: the originals stay. */
class CompactionRefused extends Error {
  override readonly name = 'CompactionRefused';
}

const HOUR_CONCURRENCY = 4;
const READ_CONCURRENCY = 8;
/** History of a day lies under hour 00, one object a run, and is left alone: ingest looks for it by name. */
const HISTORY = /\/history-[^/]*$/;

/**
 * Joins the minute objects of each hour of the days into one object. Gzip members stay as they are, one after
 * the other, so payloads keep every byte. Safe to die anywhere: the joined object is written before the first
 * original goes, and a reading that is there twice counts once. A later object of a compacted hour is added to it; one
 * that can't be read as a whole is set aside.
 * @throws CompactionRefused, or what S3 throws.
 */
export async function compactDays(raw: Bucket, dates: readonly string[]): Promise<Compaction> {
  const first = await passOver(raw, dates);
  if (first.setAside.length === 0) return first;
  const second = await passOver(raw, dates);
  return {
    hours: first.hours + second.hours,
    joined: first.joined + second.joined,
    bytes: first.bytes + second.bytes,
    setAside: [...first.setAside, ...second.setAside],
  };
}

/** An hour in which an object was set aside is left for the next pass. */
async function passOver(raw: Bucket, dates: readonly string[]): Promise<Compaction> {
  const limit = pLimit(HOUR_CONCURRENCY);
  const listings = await settleAll(dates.map((date) => listObjects(raw, keys.rawDay(date))));
  const partitions = new Map<string, string[]>();
  for (const { key } of listings.flat()) {
    if (!HISTORY.test(key) && !isPassedOver(key)) {
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
    setAside: hours.flatMap(({ setAside: aside }) => aside),
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
    return NOTHING_DONE;
  }
  const limit = pLimit(READ_CONCURRENCY);
  const read = await settleAll(
    objects.map((key) => limit(async () => ({ key, stored: await getObject(raw, key) }))),
  );
  const bad = await setAsideDamaged(raw, read);
  if (bad.length > 0) {
    // What is readable of them lies beside the others now.
    return { ...NOTHING_DONE, setAside: bad };
  }
  const compacted = read.find(({ key }) => key === target)?.stored;
  const parts: Uint8Array[] = [];
  for (const { key, stored: object } of read) {
    if (key === target) continue;
    if (object === undefined) {
      // Another run compacts this hour; what it leaves is for the next one.
      return NOTHING_DONE;
    }
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
        return NOTHING_DONE;
      }
      throw new CompactionRefused(`${target} is not what was written; its originals stay.`);
    }
    bytes = whole.length;
  }
  await deleteObjects(raw, originals);
  return { joined: originals.length, bytes, setAside: [] };
}

/** Every member is inflated and parsed before an original goes: a bad one would make those behind it unreadable. */
async function setAsideDamaged(
  raw: Bucket,
  read: readonly { readonly key: string; readonly stored: StoredObject | undefined }[],
): Promise<SetAside[]> {
  const bad: SetAside[] = [];
  for (const { key, stored } of read) {
    const content = stored && (await readRawObject(stored.bytes));
    if (stored !== undefined && content?.damage !== undefined) {
      bad.push(await setAside(raw, key, stored.bytes, content));
    }
  }
  return bad;
}
