import type { ServiceReply, ServiceRequest, SignedRequest } from '../wire/service-server';
import { S3Error } from './errors';
import type { ObjectStore, StoredObject } from './object-store';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const MAXIMUM_KEY_BYTES = 1024;

/** Request headers that S3 keeps with the object and sends back. */
const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
  'expires',
];

/** What a request is about; the key is empty when that is the bucket. */
export interface Target {
  readonly bucket: string;
  readonly key: string;
}

/** Does what one request asks; refuses with an `S3Error`. */
export type Operation = (store: ObjectStore, request: SignedRequest, target: Target) => ServiceReply;

export const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;

/** @throws AccessDenied */
export function requireOnObject({ caller }: SignedRequest, action: string, { bucket, key }: Target): void {
  caller.require(action, `${bucketArn(bucket)}/${key}`);
}

/** The target as far as it can be read, for logs and fault plans. */
export function rawTarget(request: ServiceRequest): Target {
  const slash = request.path.indexOf('/', 1);
  const bucket = slash < 0 ? request.path.slice(1) : request.path.slice(1, slash);
  const key = slash < 0 ? '' : request.path.slice(slash + 1);
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
  } catch {
    return { bucket, key };
  }
}

export function parseTarget(request: ServiceRequest): Target {
  try {
    decodeURIComponent(request.path);
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
  const target = rawTarget(request);
  if (Buffer.byteLength(target.key) > MAXIMUM_KEY_BYTES) {
    throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  }
  return target;
}

export function requireBucket(store: ObjectStore, bucket: string): void {
  if (!store.hasBucket(bucket)) {
    throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: bucket });
  }
}

/**
 * The object, for a caller who may read it. Who may not list the bucket is not told that an object is missing:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function requireObject(store: ObjectStore, request: SignedRequest, target: Target): StoredObject {
  requireBucket(store, target.bucket);
  requireOnObject(request, 's3:GetObject', target);
  const object = store.head(target.bucket, target.key);
  if (object === undefined) {
    request.caller.require('s3:ListBucket', bucketArn(target.bucket));
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: target.key });
  }
  return object;
}

export function keptHeaders(request: ServiceRequest): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string' && (KEPT_HEADERS.includes(name) || name.startsWith('x-amz-meta-'))) {
      kept[name] = value;
    }
  }
  const encoding = kept['content-encoding']
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked' && part !== '');
  delete kept['content-encoding'];
  return encoding === undefined || encoding.length === 0
    ? kept
    : { ...kept, 'content-encoding': encoding.join(',') };
}

export function xmlReply(root: string, inner: string): ServiceReply {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner}</${root}>`,
  };
}
