import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import * as fc from 'fast-check';
import { ObjectStore } from '../../../../lib/local/s3/object-store';
import { itLocally, itUnlikeMiniStack, REMOTE } from '../remote';
import { NOW, startTestCloud, type TestCloud } from '../support';

const Bucket = REMOTE !== undefined ? `garoa-test-${Date.now()}` : 'raw';
let cloud: TestCloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await startTestCloud();
  s3 = REMOTE !== undefined ? new S3Client({ maxAttempts: 1 }) : cloud.s3;
  if (REMOTE !== undefined) await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  if (REMOTE !== undefined) {
    for (const Key of (await listKeys({})).keys) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
  }
  await cloud.close();
});

async function put(Key: string, Body: string | Buffer = Key): Promise<string> {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  return ETag ?? '';
}

async function get(Key: string, options: { Range?: string; IfNoneMatch?: string } = {}): Promise<string> {
  const reply = await s3.send(new GetObjectCommand({ Bucket, Key, ...options }));
  return (await reply.Body?.transformToString()) ?? '';
}

/** `status code` of the refusal. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof S3ServiceException) {
      return `${error.$metadata.httpStatusCode} ${error.name}`;
    }
    throw error;
  }
  return 'done';
}

async function listKeys(options: {
  Prefix?: string;
  Delimiter?: string;
  StartAfter?: string;
  MaxKeys?: number;
}): Promise<{ keys: string[]; prefixes: string[]; pages: number }> {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let pages = 0;
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, ...options, ContinuationToken }));
    keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
    prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''));
    pages += 1;
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return { keys, prefixes, pages };
}

describe('objects', () => {
  itLocally('keeps an object as a plain file that a person can look at', async () => {
    await put('observations/dt=2013-03-09/hour=00/0000-weatherapi.ndjson.gz', 'content');
    const path = join(cloud.directory, 's3/raw/observations/dt=2013-03-09/hour=00/0000-weatherapi.ndjson.gz');
    expect(readFileSync(path, 'utf8')).toBe('content');
  });

  it('gives back bytes, type, metadata, ETag and the time of writing', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'described',
        Body: bytes,
        ContentType: 'application/x-ndjson',
        ContentEncoding: 'gzip',
        Metadata: { origin: 'test' },
      }),
    );
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'described' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? [])).toEqual(bytes);
    expect(got).toMatchObject({
      ContentType: 'application/x-ndjson',
      ContentEncoding: 'gzip',
      ContentLength: 5,
      Metadata: { origin: 'test' },
      ETag: put.ETag,
      LastModified: REMOTE !== undefined ? expect.any(Date) : NOW,
    });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'described' }));
    expect(head).toMatchObject({ ContentLength: 5, ETag: put.ETag, Metadata: { origin: 'test' } });
  });

  it('takes the framing and trailing checksum off a streamed body', async () => {
    const Body = Readable.from([Buffer.alloc(70_000, 'a'), Buffer.from('end')]);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'streamed', Body, ContentLength: 70_003 }));
    expect(await get('streamed')).toBe(`${'a'.repeat(70_000)}end`);
  });

  it('refuses a body that is not what its checksum says', async () => {
    const broken = new PutObjectCommand({ Bucket, Key: 'broken', Body: 'x', ChecksumCRC32: 'AAAAAA==' });
    expect(await refusal(s3.send(broken))).toBe('400 BadDigest');
    expect(await refusal(get('broken'))).toBe('404 NoSuchKey');
  });

  it('serves ranges, and refuses one that lies behind the end', async () => {
    await put('digits', '0123456789');
    expect(await get('digits', { Range: 'bytes=2-4' })).toBe('234');
    expect(await get('digits', { Range: 'bytes=7-' })).toBe('789');
    expect(await get('digits', { Range: 'bytes=-3' })).toBe('789');
    expect(await get('digits', { Range: 'bytes=8-100' })).toBe('89');
    expect(await refusal(get('digits', { Range: 'bytes=10-' }))).toBe('416 InvalidRange');
  });

  it('answers 304 to a reader who has the content already', async () => {
    const etag = await put('cached', 'same');
    const condition = new GetObjectCommand({ Bucket, Key: 'cached', IfNoneMatch: etag });
    expect(await refusal(s3.send(condition))).toMatch(/^304/);
    await put('cached', 'other');
    expect(await get('cached', { IfNoneMatch: etag })).toBe('other');
  });

  it('names what is missing: the key, the bucket', async () => {
    expect(await refusal(get('nowhere'))).toBe('404 NoSuchKey');
    const elsewhere = new GetObjectCommand({ Bucket: 'nobody', Key: 'x' });
    expect(await refusal(s3.send(elsewhere))).toBe('404 NoSuchBucket');
    expect(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key: 'nowhere' })))).toBe('404 NotFound');
  });

  it('deletes what is there, and says nothing about what is not', async () => {
    await put('gone/a/b');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone/a/b' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone/a/b' }));
    expect(await refusal(get('gone/a/b'))).toBe('404 NoSuchKey');
  });

  itLocally('leaves no empty directories', async () => {
    await put('gone/a/b');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone/a/b' }));
    expect(existsSync(join(cloud.directory, 's3/raw/gone'))).toBe(false);
  });

  // A line break in a key is escaped: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
  itUnlikeMiniStack('deletes many at once, whatever characters their keys have', async () => {
    const keys = ['many/a&b<c>', 'many/ü "quoted"', 'many/line\rbreak', 'many/plain'];
    for (const key of keys) {
      await put(key);
    }
    const reply = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    expect(reply.Deleted?.map(({ Key }) => Key)).toEqual(keys);
    expect((await listKeys({ Prefix: 'many/' })).keys).toEqual([]);
  });

  itLocally('remembers types and ETags when it is opened again over the same directory', async () => {
    const first = await startTestCloud();
    await first.s3.send(new PutObjectCommand({ Bucket, Key: 'page', Body: '<p>', ContentType: 'text/html' }));
    const again = await startTestCloud({ directory: first.directory });
    const head = await again.s3.send(new HeadObjectCommand({ Bucket, Key: 'page' }));
    expect(head.ContentType).toBe('text/html');
    await first.close();
    await again.close();
  });

  itLocally('opens again what a process left in the middle of a line, and goes on from there', () => {
    const directory = mkdtempSync(join(tmpdir(), 'garoa-objects-'));
    const open = () => new ObjectStore(directory, new Set([Bucket]), () => NOW);
    const typed = { headers: { 'content-type': 'text/html' } };
    open().put(Bucket, 'before', 'x', typed);
    appendFileSync(join(directory, 's3-attributes.ndjson'), '{"path":"raw/before","size":1,"mod');
    open().put(Bucket, 'after', 'x', typed);
    const again = open();
    expect([again.head(Bucket, 'before'), again.head(Bucket, 'after')]).toMatchObject([typed, typed]);
    rmSync(directory, { recursive: true });
  });

  itLocally('computes the ETag of a file that somebody put there by hand', async () => {
    const etag = await put('by-hand', 'before');
    writeFileSync(join(cloud.directory, 's3/raw/by-hand'), 'after!');
    expect(await get('by-hand')).toBe('after!');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'by-hand' }));
    expect(head.ETag).not.toBe(etag);
  });
});

describe('conditions of writes', () => {
  it('writes once under If-None-Match, however many try at the same time', async () => {
    const attempts = Array.from({ length: 10 }, (_, index) =>
      refusal(s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: `${index}`, IfNoneMatch: '*' }))),
    );
    const outcomes = await Promise.all(attempts);
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
    expect(outcomes.filter((one) => one === '412 PreconditionFailed')).toHaveLength(9);
    expect(await get('once')).toBe(String(outcomes.indexOf('done')));
  });

  it('replaces under If-Match only what the writer has seen', async () => {
    const seen = await put('pointer', 'one');
    const replace = (IfMatch: string, Body: string, Key = 'pointer') =>
      refusal(s3.send(new PutObjectCommand({ Bucket, Key, Body, IfMatch })));
    expect(await replace(seen, 'two')).toBe('done');
    expect(await replace(seen, 'three')).toBe('412 PreconditionFailed');
    expect(await get('pointer')).toBe('two');
    expect(await replace(seen, 'x', 'no-pointer')).toBe('404 NoSuchKey');
  });

  // If-Match and If-None-Match: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
  itUnlikeMiniStack('copies under conditions on both ends', async () => {
    const source = await put('source', 'payload');
    const target = await put('target', 'old');
    const copy = (conditions: object) =>
      refusal(
        s3.send(
          new CopyObjectCommand({ Bucket, Key: 'target', CopySource: `${Bucket}/source`, ...conditions }),
        ),
      );
    expect(await copy({ IfNoneMatch: '*' })).toBe('412 PreconditionFailed');
    expect(await copy({ IfMatch: source })).toBe('412 PreconditionFailed');
    expect(await copy({ CopySourceIfMatch: target })).toBe('412 PreconditionFailed');
    expect(await get('target')).toBe('old');
    expect(await copy({ IfMatch: target, CopySourceIfMatch: source })).toBe('done');
    expect(await get('target')).toBe('payload');
  });

  it('copies keys with blanks and plus signs, and refuses a source that is not there', async () => {
    await put('with blank+plus/ü', 'text');
    const copy = (CopySource: string) =>
      refusal(s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource })));
    expect(await copy(`${Bucket}/with%20blank%2Bplus/%C3%BC`)).toBe('done');
    expect(await get('copied')).toBe('text');
    expect(await copy(`${Bucket}/nowhere`)).toBe('404 NoSuchKey');
  });

  // No page of AWS says so; S3 does, as others report: https://github.com/iterate-ch/cyberduck/issues/11849
  itUnlikeMiniStack('refuses to copy an object to itself as it is', async () => {
    await put('copied');
    const CopySource = `${Bucket}/copied`;
    expect(await refusal(s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource })))).toBe(
      '400 InvalidRequest',
    );
  });
});

describe('what is not emulated', () => {
  itLocally('is refused by name', async () => {
    const asked = s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }));
    await expect(asked).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('POST with the query "uploads=" is not emulated'),
    });
  });
});

describe('listings', () => {
  it('pages through keys in the order of their UTF-8 bytes', async () => {
    const keys = ['a', 'a!b', 'a/b', 'a/b/c', 'a-b', 'aé', 'a\u{ff5e}', 'a\u{1f327}', 'b'].map(
      (key) => `order/${key}x`,
    );
    for (const key of keys) {
      await put(key);
    }
    const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const all = await listKeys({ Prefix: 'order/' });
    const paged = await listKeys({ Prefix: 'order/', MaxKeys: 2 });
    expect(all.keys).toEqual(expected);
    expect(paged).toEqual({ keys: expected, prefixes: [], pages: Math.ceil(expected.length / 2) });
  });

  it('groups by a delimiter, also across pages', async () => {
    for (const key of ['d/1/a', 'd/1/b', 'd/2', 'd/3/a/b', 'd/4', 'd/5/x']) {
      await put(key);
    }
    for (const MaxKeys of [1, 2, 100]) {
      const { keys, prefixes } = await listKeys({ Prefix: 'd/', Delimiter: '/', MaxKeys });
      expect({ keys, prefixes }).toEqual({ keys: ['d/2', 'd/4'], prefixes: ['d/1/', 'd/3/', 'd/5/'] });
    }
    expect((await listKeys({ Prefix: 'd/1', Delimiter: '/' })).prefixes).toEqual(['d/1/']);
  });

  it('begins after a given key', async () => {
    for (const key of ['s/1', 's/2/a', 's/3']) {
      await put(key);
    }
    expect((await listKeys({ Prefix: 's/', StartAfter: 's/1' })).keys).toEqual(['s/2/a', 's/3']);
    expect((await listKeys({ Prefix: 's/', StartAfter: 's/2/z' })).keys).toEqual(['s/3']);
  });

  itLocally('agrees with a plain list of keys, whatever they are and however it is asked', async () => {
    const part = fc.stringMatching(/^[ab!é.-]{1,3}$/);
    const key = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom('', 'a', 'a/', '!'),
        async (drawn, MaxKeys, below) => {
          round += 1;
          const root = `property-${round}/`;
          const keys = drawn.filter((one) => !drawn.some((other) => other.startsWith(`${one}/`)));
          for (const one of keys) {
            cloud.endpoints.objects.put(Bucket, root + one, one);
          }
          const expected = keys
            .filter((one) => one.startsWith(below))
            .map((one) => root + one)
            .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          expect((await listKeys({ Prefix: root + below, MaxKeys })).keys).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('hostile keys', () => {
  itLocally('stay inside their bucket and come back as they are', async () => {
    const keys = [
      '../../escape',
      'x/../../escape',
      './here',
      'a//b',
      'trailing/',
      '%2e%2e/encoded',
      '/absolute',
      'nul\0byte',
    ];
    for (const key of keys) {
      const hostile = `hostile/${key}`;
      await put(hostile, `content of ${key}`);
      expect(await get(hostile)).toBe(`content of ${key}`);
    }
    await put('../outside', 'outside');
    expect(await get('../outside')).toBe('outside');
    expect((await listKeys({ Prefix: 'hostile/' })).keys).toHaveLength(keys.length);
    expect(readdirSync(join(cloud.directory, 's3')).sort()).toEqual([
      'models',
      'processed',
      'raw',
      'results',
    ]);
  });

  // KeyTooLongError: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  itUnlikeMiniStack('are refused when they are longer than 1,024 bytes', async () => {
    expect(await refusal(put('k'.repeat(1025)))).toBe('400 KeyTooLongError');
  });

  itLocally('are refused when a file cannot have that name', async () => {
    expect(await refusal(put('k'.repeat(300)))).toBe('400 KeyTooLongError');
    await put('file', 'x');
    expect(await refusal(put('file/below'))).toBe('400 KeyTooLongError');
    expect(await get('file')).toBe('x');
  });
});
