import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Service, ServiceReply, ServiceRequest } from '../wire/service-server';
import { element, elements, elementText, escapeXml } from '../wire/xml';
import { decodeAwsChunked, IncompleteBody } from './aws-chunked';
import {
  etagOf,
  type ListPosition,
  type ObjectAttributes,
  type ObjectStore,
  type StoredObject,
  UnstorableKey,
} from './object-store';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
/** Each part of a multipart upload but the last one is at least this large. */
const MINIMUM_PART_BYTES = 5 * 1024 * 1024;
const MAXIMUM_KEY_BYTES = 1024;
const MAXIMUM_PAGE = 1000;

/** Request headers that S3 keeps with the object and sends back. */
const KEPT_HEADERS = [
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
  'expires',
];

class S3Error extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly attributes: ObjectAttributes;
  readonly parts: Map<number, Buffer>;
}

interface Target {
  readonly bucket: string;
  readonly key: string;
}

type Operation = (request: ServiceRequest, target: Target) => ServiceReply;

/**
 * S3's REST interface, path-style, over plain files. Answers what the SDK sends for objects: put, get, head,
 * copy, delete, list, multipart; with conditions on ETags, checksums and S3's own error codes. It knows no
 * versions, access control or encryption settings: those headers are accepted and say nothing.
 *
 * A conditional write is decided and done in one step, so the loser of a race sees 412 and never 409.
 */
export function s3Service(store: ObjectStore): Service {
  const uploads = new Map<string, Upload>();

  const operations: Readonly<Record<string, Operation>> = {
    HeadBucket: (_request, target) => {
      requireBucket(store, target.bucket);
      return { status: 200 };
    },
    ListObjectsV2: (request, target) => listObjects(store, request, target),
    DeleteObjects: (request, target) => deleteObjects(store, request, target),
    PutObject: (request, target) => {
      requireBucket(store, target.bucket);
      const body = readBody(request);
      requireWriteConditions(request, store.head(target.bucket, target.key));
      const object = store.put(target.bucket, target.key, body.content, {
        headers: { ...keptHeaders(request), ...body.checksum },
      });
      return { status: 200, headers: { etag: object.etag, ...body.checksum } };
    },
    CopyObject: (request, target) => copyObject(store, request, target),
    GetObject: (request, target) => getObject(store, request, target),
    HeadObject: (request, target) => {
      const { body: _, ...reply } = getObject(store, request, target);
      return reply;
    },
    DeleteObject: (request, target) => {
      requireBucket(store, target.bucket);
      requireWriteConditions(request, store.head(target.bucket, target.key));
      store.delete(target.bucket, target.key);
      return { status: 204 };
    },
    CreateMultipartUpload: (request, target) => {
      requireBucket(store, target.bucket);
      const id = randomBytes(16).toString('hex');
      uploads.set(id, { ...target, attributes: { headers: keptHeaders(request) }, parts: new Map() });
      return xmlReply(
        'InitiateMultipartUploadResult',
        element('Bucket', target.bucket) + element('Key', target.key) + element('UploadId', id),
      );
    },
    UploadPart: (request, target) => {
      const upload = requireUpload(uploads, request, target);
      const body = readBody(request);
      upload.parts.set(partNumber(request), body.content);
      return { status: 200, headers: { etag: `"${etagOf(body.content)}"`, ...body.checksum } };
    },
    UploadPartCopy: (request, target) => {
      const upload = requireUpload(uploads, request, target);
      const source = copySource(store, request);
      const range = request.headers['x-amz-copy-source-range'];
      const content = sliceRange(store.read(source), typeof range === 'string' ? range : undefined).content;
      upload.parts.set(partNumber(request), content);
      return xmlReply(
        'CopyPartResult',
        element('LastModified', source.lastModified.toISOString()) + element('ETag', `"${etagOf(content)}"`),
      );
    },
    CompleteMultipartUpload: (request, target) => completeUpload(store, uploads, request, target),
    AbortMultipartUpload: (request, target) => {
      requireUpload(uploads, request, target);
      uploads.delete(request.query.get('uploadId') ?? '');
      return { status: 204 };
    },
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
          throw new S3Error(501, 'NotImplemented', 'A header or query you provided is not implemented here.');
        }
        return operation(request, parseTarget(request));
      } catch (error) {
        return errorReply(request, toS3Error(error));
      }
    },
    refuse(kind, message) {
      return kind === 'throttle'
        ? errorBody(new S3Error(503, 'SlowDown', `Please reduce your request rate. ${message}`))
        : errorBody(new S3Error(500, 'InternalError', `We encountered an internal error. ${message}`));
    },
  };
}

function operationName(request: ServiceRequest): string {
  const { method, query, headers } = request;
  const onObject = /^\/[^/]+\/./.test(request.path);
  const copies = headers['x-amz-copy-source'] !== undefined;
  if (!onObject) {
    switch (method) {
      case 'GET':
        return query.get('list-type') === '2' ? 'ListObjectsV2' : 'Unknown';
      case 'POST':
        return query.has('delete') ? 'DeleteObjects' : 'Unknown';
      case 'HEAD':
        return 'HeadBucket';
      default:
        return 'Unknown';
    }
  }
  const upload = query.has('uploadId');
  switch (method) {
    case 'GET':
      return upload ? 'Unknown' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (upload) {
        return copies ? 'UploadPartCopy' : 'UploadPart';
      }
      return copies ? 'CopyObject' : 'PutObject';
    case 'DELETE':
      return upload ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      if (query.has('uploads')) {
        return 'CreateMultipartUpload';
      }
      return upload ? 'CompleteMultipartUpload' : 'Unknown';
    default:
      return 'Unknown';
  }
}

function rawTarget(request: ServiceRequest): Target {
  const slash = request.path.indexOf('/', 1);
  const bucket = slash < 0 ? request.path.slice(1) : request.path.slice(1, slash);
  const key = slash < 0 ? '' : request.path.slice(slash + 1);
  try {
    return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key) };
  } catch {
    return { bucket, key };
  }
}

function parseTarget(request: ServiceRequest): Target {
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

function requireBucket(store: ObjectStore, bucket: string): void {
  if (!store.hasBucket(bucket)) {
    throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: bucket });
  }
}

function requireObject(store: ObjectStore, target: Target): StoredObject {
  requireBucket(store, target.bucket);
  const object = store.head(target.bucket, target.key);
  if (object === undefined) {
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { Key: target.key });
  }
  return object;
}

function requireUpload(
  uploads: ReadonlyMap<string, Upload>,
  request: ServiceRequest,
  target: Target,
): Upload {
  const upload = uploads.get(request.query.get('uploadId') ?? '');
  if (upload === undefined || upload.bucket !== target.bucket || upload.key !== target.key) {
    throw new S3Error(
      404,
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    );
  }
  return upload;
}

function partNumber(request: ServiceRequest): number {
  const number = Number(request.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw new S3Error(
      400,
      'InvalidArgument',
      'Part number must be an integer between 1 and 10000, inclusive',
    );
  }
  return number;
}

/** `If-Match` and `If-None-Match` of a write or delete, against the object that is there. */
function requireWriteConditions(request: ServiceRequest, present: StoredObject | undefined): void {
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

function preconditionFailed(condition: string): S3Error {
  return new S3Error(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    { Condition: condition },
  );
}

function matches(condition: string, etag: string): boolean {
  return (
    condition === '*' ||
    condition
      .split(',')
      .some((one) => one.trim().replace(/^W\//, '').replaceAll('"', '') === etag.slice(1, -1))
  );
}

function keptHeaders(request: ServiceRequest): Record<string, string> {
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

interface Body {
  readonly content: Buffer;
  /** The checksum header that came with it, verified where Node can compute it. */
  readonly checksum: Readonly<Record<string, string>>;
}

function readBody(request: ServiceRequest): Body {
  const { headers } = request;
  const framed = String(headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
  const decoded = framed ? decodeAwsChunked(request.body) : { content: request.body, trailers: {} };
  const announced = headers['x-amz-decoded-content-length'];
  if (framed && announced !== undefined && Number(announced) !== decoded.content.length) {
    throw new IncompleteBody('The decoded length is not what was announced.');
  }
  const md5 = headers['content-md5'];
  if (typeof md5 === 'string' && createHash('md5').update(decoded.content).digest('base64') !== md5) {
    throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const checksum: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...headers, ...decoded.trailers })) {
    const algorithm = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.exec(name)?.[1];
    if (algorithm !== undefined && typeof value === 'string') {
      const computed = checksumOf(algorithm, decoded.content);
      if (computed !== undefined && !sameText(computed, value)) {
        throw new S3Error(
          400,
          'BadDigest',
          `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
        );
      }
      checksum[name] = value;
    }
  }
  return { content: decoded.content, checksum };
}

function checksumOf(algorithm: string, content: Buffer): string | undefined {
  switch (algorithm) {
    case 'crc32': {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc32(content));
      return bytes.toString('base64');
    }
    case 'sha1':
    case 'sha256':
      return createHash(algorithm).update(content).digest('base64');
    default:
      return undefined;
  }
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function getObject(store: ObjectStore, request: ServiceRequest, target: Target): ServiceReply {
  const object = requireObject(store, target);
  const { headers } = request;
  if (headers['if-match'] !== undefined && !matches(headers['if-match'], object.etag)) {
    throw preconditionFailed('If-Match');
  }
  const modified = Math.floor(object.lastModified.getTime() / 1000) * 1000;
  const described = {
    etag: object.etag,
    'last-modified': object.lastModified.toUTCString(),
    'accept-ranges': 'bytes',
  };
  const notNew =
    headers['if-none-match'] !== undefined
      ? matches(headers['if-none-match'], object.etag)
      : headers['if-modified-since'] !== undefined && modified <= Date.parse(headers['if-modified-since']);
  if (notNew) {
    return { status: 304, headers: described };
  }
  const kept = Object.entries(object.headers).filter(
    ([name]) =>
      !name.startsWith('x-amz-checksum-') ||
      (headers['x-amz-checksum-mode'] === 'ENABLED' && headers.range === undefined),
  );
  const part =
    request.method === 'HEAD' && headers.range === undefined
      ? { content: Buffer.alloc(0), range: undefined, length: object.size }
      : sliceRange(store.read(object), headers.range);
  return {
    status: part.range === undefined ? 200 : 206,
    headers: {
      'content-type': 'binary/octet-stream',
      ...Object.fromEntries(kept),
      ...described,
      ...(part.range === undefined ? {} : { 'content-range': part.range }),
      'content-length': String(part.length),
    },
    body: part.content,
  };
}

/** The bytes a `Range` asks for; a malformed one is ignored, one outside the object refused, as S3 does. */
function sliceRange(
  content: Buffer,
  range: string | undefined,
): { readonly content: Buffer; readonly length: number; readonly range: string | undefined } {
  const wanted = /^bytes=(\d*)-(\d*)$/.exec(range ?? '');
  const [first, last] = [wanted?.[1] ?? '', wanted?.[2] ?? ''];
  if (first === '' && last === '') {
    return { content, length: content.length, range: undefined };
  }
  const size = content.length;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
      ActualObjectSize: String(size),
    });
  }
  const slice = content.subarray(start, end + 1);
  return { content: slice, length: slice.length, range: `bytes ${start}-${end}/${size}` };
}

function copySource(store: ObjectStore, request: ServiceRequest): StoredObject {
  const header = String(request.headers['x-amz-copy-source'] ?? '');
  const [path = ''] = decodeURIComponent(header).replace(/^\//, '').split('?versionId=');
  const slash = path.indexOf('/');
  if (slash < 1) {
    throw new S3Error(400, 'InvalidArgument', 'Copy Source must mention the source bucket and key');
  }
  const source = requireObject(store, { bucket: path.slice(0, slash), key: path.slice(slash + 1) });
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

function copyObject(store: ObjectStore, request: ServiceRequest, target: Target): ServiceReply {
  requireBucket(store, target.bucket);
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
}

function completeUpload(
  store: ObjectStore,
  uploads: Map<string, Upload>,
  request: ServiceRequest,
  target: Target,
): ServiceReply {
  const upload = requireUpload(uploads, request, target);
  const wanted = elements(request.body.toString('utf8'), 'Part').map((part) => ({
    number: Number(elementText(part, 'PartNumber')),
    etag: (elementText(part, 'ETag') ?? '').replaceAll('"', ''),
  }));
  if (wanted.length === 0) {
    throw new S3Error(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate.');
  }
  const contents = wanted.map(({ number, etag }, index) => {
    const content = upload.parts.get(number);
    if (content === undefined || etagOf(content) !== etag) {
      throw new S3Error(
        400,
        'InvalidPart',
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { PartNumber: String(number) },
      );
    }
    if (number <= (wanted[index - 1]?.number ?? 0)) {
      throw new S3Error(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    if (index < wanted.length - 1 && content.length < MINIMUM_PART_BYTES) {
      throw new S3Error(
        400,
        'EntityTooSmall',
        'Your proposed upload is smaller than the minimum allowed size',
        {
          ProposedSize: String(content.length),
          MinSizeAllowed: String(MINIMUM_PART_BYTES),
          PartNumber: String(number),
        },
      );
    }
    return content;
  });
  requireWriteConditions(request, store.head(target.bucket, target.key));
  const digest = createHash('md5').update(
    Buffer.concat(contents.map((part) => createHash('md5').update(part).digest())),
  );
  const object = store.put(target.bucket, target.key, Buffer.concat(contents), {
    ...upload.attributes,
    etag: `${digest.digest('hex')}-${contents.length}`,
  });
  uploads.delete(request.query.get('uploadId') ?? '');
  return xmlReply(
    'CompleteMultipartUploadResult',
    element('Location', `${request.path}`) +
      element('Bucket', target.bucket) +
      element('Key', target.key) +
      element('ETag', object.etag),
  );
}

function deleteObjects(store: ObjectStore, request: ServiceRequest, target: Target): ServiceReply {
  requireBucket(store, target.bucket);
  const xml = readBody(request).content.toString('utf8');
  const wanted = elements(xml, 'Object').map((object) => ({
    key: elementText(object, 'Key') ?? '',
    etag: elementText(object, 'ETag'),
  }));
  if (wanted.length === 0 || wanted.length > MAXIMUM_PAGE) {
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
}

function listObjects(store: ObjectStore, request: ServiceRequest, target: Target): ServiceReply {
  requireBucket(store, target.bucket);
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
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
}

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

function xmlReply(root: string, inner: string): ServiceReply {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner}</${root}>`,
  };
}

function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) {
    return error;
  }
  if (error instanceof IncompleteBody) {
    return new S3Error(400, 'IncompleteBody', error.message);
  }
  if (error instanceof UnstorableKey) {
    return new S3Error(400, 'KeyTooLongError', error.message);
  }
  throw error;
}

function errorReply(request: ServiceRequest, error: S3Error): ServiceReply {
  // A reply to HEAD has no body to name the error in: clients go by the status.
  return request.method === 'HEAD' ? { status: error.status } : errorBody(error);
}

function errorBody(error: S3Error): ServiceReply {
  const details = Object.entries(error.details).map(([name, value]) => element(name, value));
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element('Code', error.code)}<Message>${escapeXml(error.message)}</Message>${details.join('')}<RequestId>${randomBytes(8).toString('hex').toUpperCase()}</RequestId></Error>`,
  };
}
