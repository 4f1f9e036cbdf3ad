import { S3Client } from '@aws-sdk/client-s3';
import {
  copyObject,
  deleteObjects,
  getObject,
  getText,
  listObjects,
  putObject,
  updateObject,
  writeIf,
} from '../../../lambdas/lake/s3';
import { type Answer, startWeatherServer } from '../weather/weather-server';
import { type LocalBucket, openLocalBucket } from './local-bucket';

describe('objects of a bucket', () => {
  let local: LocalBucket;

  beforeEach(async () => {
    local = await openLocalBucket();
  });
  afterEach(() => local.close());

  it('come back as they were written', async () => {
    await putObject(local.bucket, 'a/b.txt', 'garoa é chuva', 'text/plain');
    expect(await getText(local.bucket, 'a/b.txt')).toBe('garoa é chuva');
  });

  it('are undefined when there are none', async () => {
    expect(await getObject(local.bucket, 'nowhere')).toBeUndefined();
    expect(await getText(local.bucket, 'nowhere')).toBeUndefined();
  });

  it('are created by one of many concurrent writers', async () => {
    const bodies = ['a', 'b', 'c', 'd', 'e'];
    const results = await Promise.all(
      bodies.map((body) => writeIf(local.bucket, 'k', body, 'text/plain', undefined)),
    );
    expect(results.filter((result) => result === 'written')).toHaveLength(1);
    expect(await getText(local.bucket, 'k')).toBe(bodies[results.indexOf('written')]);
  });

  it('are replaced only while they are what the writer has seen', async () => {
    await putObject(local.bucket, 'k', 'one', 'text/plain');
    const seen = await getObject(local.bucket, 'k');
    const etag = seen?.etag ?? '';
    expect(await writeIf(local.bucket, 'k', 'two', 'text/plain', etag)).toBe('written');
    expect(await writeIf(local.bucket, 'k', 'three', 'text/plain', etag)).toBe('changed');
    expect(await getText(local.bucket, 'k')).toBe('two');
  });

  it('count as changed when they are gone', async () => {
    expect(await writeIf(local.bucket, 'gone', 'x', 'text/plain', '"abc"')).toBe('changed');
  });

  it('are listed over several pages, in key order, and deleted in several requests', async () => {
    const keys = Array.from({ length: 1_203 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
    for (const key of keys) local.store.put('raw', key, Buffer.from(key), { headers: {} });
    await putObject(local.bucket, 'other', 'x', 'text/plain');
    const listed = await listObjects(local.bucket, 'many/');
    expect(listed.map(({ key }) => key)).toEqual(keys);
    expect(listed[0]?.size).toBe(9);
    await deleteObjects(local.bucket, [...keys, 'many/never-there']);
    expect(await listObjects(local.bucket, '')).toHaveLength(1);
  });

  it('are copied under keys that need escaping', async () => {
    await putObject(local.bucket, 'from/é +&.txt', 'x', 'text/plain');
    await copyObject({ bucket: 'raw', key: 'from/é +&.txt' }, local.bucket, 'to');
    expect(await getText(local.bucket, 'to')).toBe('x');
  });
});

describe('a conditional write', () => {
  const attempt = async (answers: readonly Answer[]) => {
    const server = await startWeatherServer((_, count) => answers[count - 1] ?? { text: '' });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new S3Client({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 1 });
    try {
      return { result: await writeIf({ client, name: 'raw' }, 'k', 'x', 'text/plain', undefined), server };
    } finally {
      client.destroy();
      await server.close();
    }
  };
  const refusal = (status: number, code: string): Answer => ({
    status,
    text: `<Error><Code>${code}</Code><Message>no</Message></Error>`,
  });

  it('is tried again while another one of the same key is under way', async () => {
    const conflict = refusal(409, 'ConditionalRequestConflict');
    const { result, server } = await attempt([conflict, conflict]);
    expect(result).toBe('written');
    expect(server.requests).toHaveLength(3);
  });

  it('fails with the service’s own error when something else is wrong', async () => {
    await expect(attempt([refusal(403, 'AccessDenied')])).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('an update', () => {
  let local: LocalBucket;
  const add = (word: string) =>
    updateObject(local.bucket, 'words', 'text/plain', (stored) => {
      const words = [...(stored === undefined ? [] : Buffer.from(stored.bytes).toString().split(' ')), word];
      return { body: words.join(' '), result: words.length };
    });

  afterEach(() => local.close());

  it('loses nothing of what concurrent writers add, and gives each its own result', async () => {
    local = await openLocalBucket();
    const words = ['a', 'b', 'c', 'd', 'e', 'f'];
    const results = await Promise.all(words.map(add));
    expect(results.sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await getText(local.bucket, 'words'))?.split(' ').sort()).toEqual(words);
  });

  it('leaves the object alone when there is nothing to change', async () => {
    local = await openLocalBucket();
    await putObject(local.bucket, 'k', 'one', 'text/plain');
    const before = await getObject(local.bucket, 'k');
    expect(await updateObject(local.bucket, 'k', 'text/plain', () => ({ result: 'kept' }))).toBe('kept');
    expect(await getObject(local.bucket, 'k')).toEqual(before);
  });

  it('counts a write whose reply was lost as written', async () => {
    let writes = 0;
    local = await openLocalBucket(({ operation }) =>
      operation === 'PutObject' && ++writes === 1 ? { kind: 'lostReply' } : undefined,
    );
    expect(await add('once')).toBe(1);
    expect(await getText(local.bucket, 'words')).toBe('once');
  });

  it('gives up with the key and the count when others are faster every time', async () => {
    local = await openLocalBucket();
    const rewritten = updateObject(local.bucket, 'k', 'text/plain', async (stored) => {
      await putObject(local.bucket, 'k', `${stored?.etag} and more`, 'text/plain');
      return { body: 'mine', result: undefined };
    });
    await expect(rewritten).rejects.toThrow('k changed 20 times while it was to be replaced.');
  });
});
