import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import pLimit from 'p-limit';
import { keys, NDJSON_TYPE } from '../lake/layout';
import { isPassedOver, type RawContent, readRawObject } from '../lake/raw-lines';
import { type Bucket, deleteObjects, getObject, listObjects, putObject } from '../lake/s3';
import { settleAll } from '../runtime/settle';
import { addDays } from '../runtime/time';

/** A raw object that was set aside, and why. */
export interface SetAside {
  readonly key: string;
  readonly reason: string;
  /** Lines of it that could be read, and stay in the lake. */
  readonly keptLines: number;
}

/** Inflated, an object of thousands of places weighs many megabytes. */
const READ_CONCURRENCY = 4;

const zip = promisify(gzip);

/**
 * Reads every raw object that the engine reads for a day, and sets the bad ones aside. Called when the engine has failed
 * on the day's data, since its error names the object only sometimes.
 */
export async function quarantineDay(raw: Bucket, date: string): Promise<SetAside[]> {
  const limit = pLimit(READ_CONCURRENCY);
  const prefixes = [keys.rawDay(date), keys.rawHour(addDays(date, 1), '00')];
  const listed = (await settleAll(prefixes.map((prefix) => listObjects(raw, prefix)))).flat();
  const found = await settleAll(
    listed
      .filter(({ key }) => !isPassedOver(key))
      .map(({ key }) =>
        limit(async () => {
          const stored = await getObject(raw, key);
          if (stored === undefined) return [];
          const content = await readRawObject(stored.bytes);
          return content.damage === undefined ? [] : [await setAside(raw, key, stored.bytes, content)];
        }),
      ),
  );
  return found.flat();
}

/**
 * Moves one bad object to `quarantine/`, with its reason beside it; what is readable of it takes its place. Safe to die
 * anywhere: the original goes last, and a line that is there twice counts once.
 */
export async function setAside(
  raw: Bucket,
  key: string,
  bytes: Uint8Array,
  { lines, damage = 'unknown' }: RawContent,
): Promise<SetAside> {
  const place = keys.quarantined(key);
  await putObject(raw, place, bytes, 'application/octet-stream');
  await putObject(raw, `${place}.reason.txt`, `${damage}\n`, 'text/plain');
  if (lines.length > 0) {
    const kept = key.replace(/(\.kept)?(\.ndjson)?(\.gz)?$/, '.kept.ndjson.gz');
    await putObject(raw, kept, await zip(lines.map((line) => `${line}\n`).join('')), NDJSON_TYPE);
    if (kept === key) return { key, reason: damage, keptLines: lines.length };
  }
  await deleteObjects(raw, [key]);
  return { key, reason: damage, keptLines: lines.length };
}
