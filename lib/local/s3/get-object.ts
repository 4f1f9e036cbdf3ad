import { matches } from './conditions';
import { preconditionFailed, S3Error } from './errors';
import { type Operation, requireObject } from './request';

export const getObject: Operation = (store, request, target) => {
  const object = requireObject(store, request, target);
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
};

export const headObject: Operation = (store, request, target) => {
  const { body: _, ...reply } = getObject(store, request, target);
  return reply;
};

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
