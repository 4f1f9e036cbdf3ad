import type { SignedRequest } from '../wire/service-server';
import { element } from '../wire/xml';
import { matches, requireWrite, requireWriteConditions } from './conditions';
import { preconditionFailed, S3Error } from './errors';
import type { ObjectStore, StoredObject } from './object-store';
import { keptHeaders, type Operation, requireBucket, requireObject, xmlReply } from './request';

function copySource(store: ObjectStore, request: SignedRequest): StoredObject {
  const header = String(request.headers['x-amz-copy-source'] ?? '');
  const [path = ''] = decodeURIComponent(header).replace(/^\//, '').split('?versionId=');
  const slash = path.indexOf('/');
  if (slash < 1) {
    throw new S3Error(400, 'InvalidArgument', 'Copy Source must mention the source bucket and key');
  }
  const source = requireObject(store, request, { bucket: path.slice(0, slash), key: path.slice(slash + 1) });
  const ifMatch = request.headers['x-amz-copy-source-if-match'];
  const ifNoneMatch = request.headers['x-amz-copy-source-if-none-match'];
  if (typeof ifMatch === 'string' && !matches(ifMatch, source.etag)) {
    throw preconditionFailed('x-amz-copy-source-If-Match');
  }
  if (typeof ifNoneMatch === 'string' && matches(ifNoneMatch, source.etag)) {
    throw preconditionFailed('x-amz-copy-source-If-None-Match');
  }
  return source;
}

export const copyObject: Operation = (store, request, target) => {
  requireBucket(store, target.bucket);
  requireWrite(request, target);
  const source = copySource(store, request);
  requireWriteConditions(request, store.head(target.bucket, target.key));
  const replaces = request.headers['x-amz-metadata-directive'] === 'REPLACE';
  if (!replaces && source.path === store.pathOf(target.bucket, target.key)) {
    throw new S3Error(
      400,
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const object = store.copy(source, target.bucket, target.key, {
    headers: replaces ? keptHeaders(request) : { ...source.headers },
  });
  return xmlReply(
    'CopyObjectResult',
    element('LastModified', object.lastModified.toISOString()) + element('ETag', object.etag),
  );
};
