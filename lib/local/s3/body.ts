import { createHash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ServiceRequest } from '../wire/service-server';
import { decodeAwsChunked, IncompleteBody } from './aws-chunked';
import { S3Error } from './errors';

interface Body {
  readonly content: Buffer;
  /** The checksum header that came with it, verified where Node can compute it. */
  readonly checksum: Readonly<Record<string, string>>;
}

/** The bytes of an upload, out of their frames and held against the digests that came along. */
export function readBody(request: ServiceRequest): Body {
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
