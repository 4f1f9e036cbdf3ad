import type { ServiceRequest, SignedRequest } from '../wire/service-server';
import { preconditionFailed, S3Error } from './errors';
import type { StoredObject } from './object-store';
import { requireOnObject, type Target } from './request';

/**
 * Whether the caller may write; comparing the ETag of what is there takes reading it too:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * @throws AccessDenied
 */
export function requireWrite(request: SignedRequest, target: Target): void {
  requireOnObject(request, 's3:PutObject', target);
  if (request.headers['if-match'] !== undefined) requireOnObject(request, 's3:GetObject', target);
}

/** `If-Match` and `If-None-Match` of a write or delete, against the object that is there. */
export function requireWriteConditions(request: ServiceRequest, present: StoredObject | undefined): void {
  const ifMatch = request.headers['if-match'];
  const ifNoneMatch = request.headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') {
      throw new S3Error(
        501,
        'NotImplemented',
        'A header you provided implies functionality that is not implemented',
        {
          Header: 'If-None-Match',
        },
      );
    }
    if (present !== undefined) {
      throw preconditionFailed('If-None-Match');
    }
  }
  if (ifMatch !== undefined) {
    if (present === undefined) {
      throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
    }
    if (!matches(ifMatch, present.etag)) {
      throw preconditionFailed('If-Match');
    }
  }
}

/** Is the ETag one of those that a condition lists? */
export function matches(condition: string, etag: string): boolean {
  return (
    condition === '*' ||
    condition
      .split(',')
      .some((one) => one.trim().replace(/^W\//, '').replaceAll('"', '') === etag.slice(1, -1))
  );
}
