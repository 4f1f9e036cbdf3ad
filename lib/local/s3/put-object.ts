import { readBody } from './body';
import { requireWrite, requireWriteConditions } from './conditions';
import { keptHeaders, type Operation, requireBucket } from './request';

export const putObject: Operation = (store, request, target) => {
  requireBucket(store, target.bucket);
  requireWrite(request, target);
  const body = readBody(request);
  requireWriteConditions(request, store.head(target.bucket, target.key));
  const object = store.put(target.bucket, target.key, body.content, {
    headers: { ...keptHeaders(request), ...body.checksum },
  });
  return { status: 200, headers: { etag: object.etag, ...body.checksum } };
};
