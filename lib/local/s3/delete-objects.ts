import { element, elements, elementText } from '../wire/xml';
import { readBody } from './body';
import { matches, requireWriteConditions } from './conditions';
import { preconditionFailed, S3Error } from './errors';
import { type Operation, requireBucket, xmlReply } from './request';

const MAXIMUM_KEYS = 1000;

export const deleteObject: Operation = (store, request, target) => {
  requireBucket(store, target.bucket);
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
    const present = etag === undefined ? undefined : store.head(target.bucket, key);
    if (etag !== undefined && (present === undefined || !matches(etag, present.etag))) {
      const failed = preconditionFailed('If-Match');
      return `<Error>${element('Key', key)}${element('Code', failed.code)}${element('Message', failed.message)}</Error>`;
    }
    store.delete(target.bucket, key);
    return quiet ? '' : `<Deleted>${element('Key', key)}</Deleted>`;
  });
  return xmlReply('DeleteResult', results.join(''));
};
