import { element } from '../wire/xml';
import { S3Error } from './errors';
import type { ListPosition } from './object-store';
import { bucketArn, type Operation, requireBucket, xmlReply } from './request';

const MAXIMUM_PAGE = 1000;

export const listObjects: Operation = (store, request, target) => {
  requireBucket(store, target.bucket);
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  request.caller.require('s3:ListBucket', bucketArn(target.bucket), { 's3:prefix': prefix });
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after');
  const token = query.get('continuation-token');
  const maxKeys = Number(query.get('max-keys') ?? MAXIMUM_PAGE);
  if (!Number.isInteger(maxKeys) || maxKeys < 0) {
    throw new S3Error(400, 'InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647');
  }
  const limit = Math.min(maxKeys, MAXIMUM_PAGE);
  const after: ListPosition | undefined = startAfter === null ? undefined : { key: startAfter };
  const from = token === null ? after : decodeToken(token);
  const page =
    limit === 0
      ? { objects: [], commonPrefixes: [] }
      : store.list(target.bucket, { prefix, delimiter, limit, ...(from === undefined ? {} : { from }) });
  const encoding = query.get('encoding-type');
  const name = (text: string) => (encoding === 'url' ? encodeKey(text) : text);
  return xmlReply(
    'ListBucketResult',
    [
      element('Name', target.bucket),
      element('Prefix', name(prefix)),
      element('Delimiter', delimiter === '' ? undefined : name(delimiter)),
      element('MaxKeys', maxKeys),
      element('EncodingType', encoding ?? undefined),
      element('KeyCount', page.objects.length + page.commonPrefixes.length),
      element('IsTruncated', page.next !== undefined),
      element('ContinuationToken', token ?? undefined),
      element('NextContinuationToken', page.next === undefined ? undefined : encodeToken(page.next)),
      element('StartAfter', startAfter === null ? undefined : name(startAfter)),
      ...page.objects.map(
        (object) =>
          `<Contents>${element('Key', name(object.key))}${element('LastModified', object.lastModified.toISOString())}${element('ETag', object.etag)}${element('Size', object.size)}<StorageClass>STANDARD</StorageClass></Contents>`,
      ),
      ...page.commonPrefixes.map((one) => `<CommonPrefixes>${element('Prefix', name(one))}</CommonPrefixes>`),
    ].join(''),
  );
};

/** As S3 encodes keys in listings: like a form, with slashes left as they are. */
function encodeKey(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%20', '+');
}

function encodeToken(position: ListPosition): string {
  const text = 'prefix' in position ? `p${position.prefix}` : `k${position.key}`;
  return Buffer.from(text).toString('base64');
}

function decodeToken(token: string): ListPosition {
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (!/^[pk]/.test(text)) {
    throw new S3Error(400, 'InvalidArgument', 'The continuation token provided is incorrect');
  }
  return text.startsWith('p') ? { prefix: text.slice(1) } : { key: text.slice(1) };
}
