import type { Refusal, Service, ServiceRequest } from '../wire/service-server';
import { copyObject } from './copy-object';
import { deleteObject, deleteObjects } from './delete-objects';
import { errorBody, errorReply, S3Error, toS3Error } from './errors';
import { getObject, headObject } from './get-object';
import { listObjects } from './list-objects';
import type { ObjectStore } from './object-store';
import { putObject } from './put-object';
import { type Operation, parseTarget, rawTarget } from './request';

const REFUSALS: Readonly<Record<Refusal, readonly [number, string]>> = {
  throttle: [503, 'SlowDown'],
  serverError: [500, 'InternalError'],
  unknownCaller: [403, 'InvalidAccessKeyId'],
  tooLarge: [400, 'EntityTooLarge'],
};

/** Query parameters that turn a request into another operation. */
const SUBRESOURCES = ['uploads', 'uploadId', 'versionId', 'tagging', 'acl', 'attributes', 'retention'];

/**
 * S3's REST interface, path-style, over plain files. Answers what the SDK sends for objects: put, get, head,
 * copy, delete, list; with conditions on ETags, checksums and S3's own error codes. It knows no
 * versions, access control lists or encryption settings: those headers are accepted and say nothing.
 *
 * A conditional write is decided and done in one step, so the loser of a race sees 412 and never 409.
 */
export function s3Service(store: ObjectStore): Service {
  const operations: Readonly<Record<string, Operation>> = {
    ListObjectsV2: listObjects,
    GetObject: getObject,
    HeadObject: headObject,
    PutObject: putObject,
    CopyObject: copyObject,
    DeleteObject: deleteObject,
    DeleteObjects: deleteObjects,
  };

  return {
    name: 's3',
    describe(request) {
      const { bucket, key } = rawTarget(request);
      return { operation: operationName(request), subject: key === '' ? bucket : `${bucket}/${key}` };
    },
    handle(request) {
      try {
        const operation = operations[operationName(request)];
        if (operation === undefined) {
          const asked = `${request.method} with the query "${request.query}"`;
          throw new S3Error(501, 'NotImplemented', `${asked} is not emulated.`);
        }
        return operation(store, request, parseTarget(request));
      } catch (error) {
        return errorReply(request, toS3Error(error));
      }
    },
    refuse(kind, message) {
      const [status, code] = REFUSALS[kind];
      return errorBody(new S3Error(status, code, message));
    },
  };
}

/** `Unknown` is refused with what was asked: multipart uploads, versions, tags, settings of the bucket. */
function operationName({ method, path, query, headers }: ServiceRequest): string {
  const onObject = /^\/[^/]+\/./.test(path);
  if (!onObject) {
    if (method === 'GET' && query.get('list-type') === '2') return 'ListObjectsV2';
    return method === 'POST' && query.has('delete') ? 'DeleteObjects' : 'Unknown';
  }
  if (SUBRESOURCES.some((name) => query.has(name))) return 'Unknown';
  switch (method) {
    case 'GET':
      return 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
    case 'DELETE':
      return 'DeleteObject';
    default:
      return 'Unknown';
  }
}
