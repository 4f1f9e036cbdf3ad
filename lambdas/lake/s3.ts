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

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Opaque version of the content, for `putIfUnchanged`. */
  readonly etag: string;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly lastModified: Date | undefined;
}

/** S3 answers 409 while another conditional write of the same key is under way; it settles within a moment. */
const CONFLICT_ATTEMPTS = 6;
const CONFLICT_PAUSE_MS = 100;

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

/** Writes the object unless the key is taken; of any number of concurrent writers one gets `created`. */
export async function putIfAbsent(
  bucket: Bucket,
  key: string,
  body: string | Uint8Array,
  contentType: string,
): Promise<'created' | 'exists'> {
  const input = { Bucket: bucket.name, Key: key, Body: body, ContentType: contentType, IfNoneMatch: '*' };
  const written = await conditionalWrite(undefined, () => bucket.client.send(new PutObjectCommand(input)));
  return written ? 'created' : 'exists';
}

/** Replaces the object only while its content is still the one that `etag` names. */
export async function putIfUnchanged(
  bucket: Bucket,
  key: string,
  body: string | Uint8Array,
  contentType: string,
  etag: string,
): Promise<'replaced' | 'changed'> {
  const input = { Bucket: bucket.name, Key: key, Body: body, ContentType: contentType, IfMatch: etag };
  const written = await conditionalWrite(etag, () => bucket.client.send(new PutObjectCommand(input)));
  return written ? 'replaced' : 'changed';
}

/** Copies within S3 (at most 5 GB), replacing the target; the copy appears whole or not at all. */
export async function copyObject(
  from: { readonly bucket: string; readonly key: string },
  to: Bucket,
  key: string,
): Promise<void> {
  const source = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`;
  await to.client.send(new CopyObjectCommand({ Bucket: to.name, Key: key, CopySource: source }));
}

/**
 * Copies within S3 as long as the target's content is still the one that `etag` names; undefined stands for no
 * object. Of any number of concurrent writers that saw the same content, one copies.
 */
export async function copyIfUnchanged(
  from: { readonly bucket: string; readonly key: string },
  to: Bucket,
  key: string,
  etag: string | undefined,
): Promise<'copied' | 'changed'> {
  const source = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`;
  const condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag };
  const input = { Bucket: to.name, Key: key, CopySource: source, ...condition };
  return (await conditionalWrite(etag, () => to.client.send(new CopyObjectCommand(input))))
    ? 'copied'
    : 'changed';
}

/** Every object under the prefix, in key order, however many pages that takes. */
export async function listObjects(bucket: Bucket, prefix: string): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  let token: string | undefined;
  do {
    const page = await bucket.client.send(
      new ListObjectsV2Command({ Bucket: bucket.name, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      if (Key !== undefined) found.push({ key: Key, size: Size ?? 0, lastModified: LastModified });
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
      await new Promise((resolve) => setTimeout(resolve, CONFLICT_PAUSE_MS * attempt));
    }
  }
}
