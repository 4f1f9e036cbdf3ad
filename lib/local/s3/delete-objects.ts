import { element, elements, elementText } from '../wire/xml';
import { readBody } from './body';
import { matches, requireWriteConditions } from './conditions';
import { preconditionFailed, S3Error } from './errors';
import { bucketArn, type Operation, requireBucket, requireOnObject, xmlReply } from './request';

const MAXIMUM_KEYS = 1000;

export const deleteObject: Operation = (store, request, target) => {
  requireBucket(store, target.bucket);
  requireOnObject(request, 's3:DeleteObject', target);
  requireWriteConditions(request, store.head(target.bucket, target.key));
  store.delete(target.bucket, target.key);
  return { status: 204 };
};

export const deleteObjects: Operation = (store, request, target) => {
  requireBucket(store, target.bucket);
  const xml = readBody(request).content.toString('utf8');
  const wanted = elements(xml, 'Object').map((object) => ({
    key: elementText(object, 'Key') ?? '',
    etag: elementText(object, 'ETag'),
  }));
  if (wanted.length === 0 || wanted.length > MAXIMUM_KEYS) {
    throw new S3Error(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate.');
  }
  const quiet = elementText(xml, 'Quiet') === 'true';
  const results = wanted.map(({ key, etag }) => {
    if (!request.caller.allows('s3:DeleteObject', `${bucketArn(target.bucket)}/${key}`)) {
      return failure(key, new S3Error(403, 'AccessDenied', 'Access Denied'));
    }
    const present = etag === undefined ? undefined : store.head(target.bucket, key);
    if (etag !== undefined && (present === undefined || !matches(etag, present.etag))) {
      return failure(key, preconditionFailed('If-Match'));
    }
    store.delete(target.bucket, key);
    return quiet ? '' : `<Deleted>${element('Key', key)}</Deleted>`;
  });
  return xmlReply('DeleteResult', results.join(''));
};

function failure(key: string, { code, message }: S3Error): string {
  return `<Error>${element('Key', key)}${element('Code', code)}${element('Message', message)}</Error>`;
}
