import { setTimeout as delay } from 'node:timers/promises';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';

/** A bucket and the client that reaches it: what every function of this file works on. */
export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
}

/** Where a copy comes from. */
interface Address {
  readonly bucket: string;
  readonly key: string;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Opaque version of the content, for `writeIf`. */
  readonly etag: string;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly lastModified: Date | undefined;
  /** As `getObject` gives it. */
  readonly etag: string | undefined;
}

/** S3 answers 409 while another conditional write of the same key is under way; it settles within a moment. */
const CONFLICT_ATTEMPTS = 6;
const CONFLICT_PAUSE_MS = 100;

/** Each lost race means that another writer won it, so this many in a row is a fault and not bad luck. */
const UPDATE_ATTEMPTS = 20;
const FIRST_UPDATE_PAUSE_MS = 5;
const LONGEST_UPDATE_PAUSE_MS = 200;

/** The object, or undefined when there is none. Other failures throw. */
export async function getObject(bucket: Bucket, key: string): Promise<StoredObject | undefined> {
  try {
    const reply = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key: key }));
    if (reply.Body === undefined || reply.ETag === undefined) {
      throw new Error(`S3 answered without a body or an ETag for s3://${bucket.name}/${key}`);
    }
    return { bytes: await reply.Body.transformToByteArray(), etag: reply.ETag };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** The object's text (UTF-8), or undefined when there is none. */
export async function getText(bucket: Bucket, key: string): Promise<string | undefined> {
  const stored = await getObject(bucket, key);
  return stored && new TextDecoder().decode(stored.bytes);
}

/** Writes the object, replacing what is there. */
export async function putObject(
  bucket: Bucket,
  key: string,
  body: string | Uint8Array,
  contentType: string,
): Promise<void> {
  await bucket.client.send(
    new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: body, ContentType: contentType }),
  );
}

/**
 * Writes the object as long as its content is still the one that was seen. Of any number of concurrent writers that
 * saw the same, one writes.
 * @param seen the ETag as it was read; undefined stands for no object.
 */
export async function writeIf(
  bucket: Bucket,
  key: string,
  body: string | Uint8Array,
  contentType: string,
  seen: string | undefined,
): Promise<'written' | 'changed'> {
  const input = { Bucket: bucket.name, Key: key, Body: body, ContentType: contentType, ...unchanged(seen) };
  return (await conditionalWrite(seen, () => bucket.client.send(new PutObjectCommand(input))))
    ? 'written'
    : 'changed';
}

/** What becomes of an object as it was found: it gets the body, or stays when there is none. */
export interface Change<T> {
  readonly body?: string | Uint8Array;
  /** What the caller of `updateObject` is given once the change holds. */
  readonly result: T;
}

/**
 * Reads an object, lets `change` decide what it is to become, and writes that unless somebody else wrote meanwhile:
 * then it begins again with what is there now. A write whose reply was lost counts as written.
 * @param change is called once for each attempt, so it must compute everything anew from `stored`.
 * @throws Error when others were faster in every attempt; what S3 and `change` throw.
 */
export async function updateObject<T>(
  bucket: Bucket,
  key: string,
  contentType: string,
  change: (stored: StoredObject | undefined) => Change<T> | Promise<Change<T>>,
): Promise<T> {
  let tried: { readonly bytes: Uint8Array; readonly result: T } | undefined;
  for (let attempt = 1; attempt <= UPDATE_ATTEMPTS; attempt += 1) {
    const stored = await getObject(bucket, key);
    if (tried !== undefined && stored !== undefined && Buffer.compare(tried.bytes, stored.bytes) === 0) {
      return tried.result;
    }
    const { body, result } = await change(stored);
    if (body === undefined || (await writeIf(bucket, key, body, contentType, stored?.etag)) === 'written') {
      return result;
    }
    tried = { bytes: Buffer.from(body), result };
    const pause = Math.min(FIRST_UPDATE_PAUSE_MS * 2 ** attempt, LONGEST_UPDATE_PAUSE_MS);
    await delay(pause * Math.random());
  }
  throw new Error(`${key} changed ${UPDATE_ATTEMPTS} times while it was to be replaced.`);
}

/** Copies within S3 (at most 5 GB), replacing the target; the copy appears whole or not at all. */
export async function copyObject(from: Address, to: Bucket, key: string): Promise<void> {
  await to.client.send(new CopyObjectCommand({ Bucket: to.name, Key: key, CopySource: copySource(from) }));
}

/**
 * Copies as `copyObject` does, as long as the target's content is still the one that `etag` names; undefined stands
 * for no object. Of any number of concurrent writers that saw the same content, one copies.
 */
export async function copyIfUnchanged(
  from: Address,
  to: Bucket,
  key: string,
  etag: string | undefined,
): Promise<'copied' | 'changed'> {
  const input = { Bucket: to.name, Key: key, CopySource: copySource(from), ...unchanged(etag) };
  return (await conditionalWrite(etag, () => to.client.send(new CopyObjectCommand(input))))
    ? 'copied'
    : 'changed';
}

/**
 * Every object under the prefix, in key order, however many pages that takes.
 * @param after a key; it and all before it are left out.
 */
export async function listObjects(bucket: Bucket, prefix: string, after?: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  let token: string | undefined;
  do {
    const page = await bucket.client.send(
      new ListObjectsV2Command({
        Bucket: bucket.name,
        Prefix: prefix,
        StartAfter: after,
        ContinuationToken: token,
      }),
    );
    for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
      if (Key === undefined) continue;
      found.push({ key: Key, size: Size ?? 0, lastModified: LastModified, etag: ETag });
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return found;
}

/** Deletes the keys; those that are not there count as deleted. Throws when S3 could not delete one. */
export async function deleteObjects(bucket: Bucket, keys: readonly string[]): Promise<void> {
  const limit = 1_000;
  for (let start = 0; start < keys.length; start += limit) {
    const Objects = keys.slice(start, start + limit).map((Key) => ({ Key }));
    const reply = await bucket.client.send(
      new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects, Quiet: true } }),
    );
    const [first] = reply.Errors ?? [];
    if (first) {
      throw new Error(`S3 could not delete s3://${bucket.name}/${first.Key}: ${first.Code} ${first.Message}`);
    }
  }
}

function copySource({ bucket, key }: Address): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

function unchanged(etag: string | undefined): { IfMatch: string } | { IfNoneMatch: '*' } {
  return etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag };
}

/** @returns false when the condition does not hold (412, or 404 for If-Match on a key that is gone). */
async function conditionalWrite(etag: string | undefined, write: () => Promise<unknown>): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      await write();
      return true;
    } catch (error) {
      if (!(error instanceof S3ServiceException)) throw error;
      const status = error.$metadata.httpStatusCode;
      if (status === 412 || (status === 404 && etag !== undefined)) return false;
      if (status !== 409 || attempt === CONFLICT_ATTEMPTS) throw error;
      await delay(CONFLICT_PAUSE_MS * attempt);
    }
  }
}
