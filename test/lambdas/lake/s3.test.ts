import { S3Client } from '@aws-sdk/client-s3';
import {
  copyObject,
  deleteObjects,
  getObject,
  getText,
  listObjects,
  putIfAbsent,
  putIfUnchanged,
  putObject,
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
      bodies.map((body) => putIfAbsent(local.bucket, 'k', body, 'text/plain')),
    );
    expect(results.filter((result) => result === 'created')).toHaveLength(1);
    expect(await getText(local.bucket, 'k')).toBe(bodies[results.indexOf('created')]);
  });

  it('are replaced only while they are what the writer has seen', async () => {
    await putObject(local.bucket, 'k', 'one', 'text/plain');
    const seen = await getObject(local.bucket, 'k');
    const etag = seen?.etag ?? '';
    expect(await putIfUnchanged(local.bucket, 'k', 'two', 'text/plain', etag)).toBe('replaced');
    expect(await putIfUnchanged(local.bucket, 'k', 'three', 'text/plain', etag)).toBe('changed');
    expect(await getText(local.bucket, 'k')).toBe('two');
  });

  it('count as changed when they are gone', async () => {
    expect(await putIfUnchanged(local.bucket, 'gone', 'x', 'text/plain', '"abc"')).toBe('changed');
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
      return { result: await putIfAbsent({ client, name: 'raw' }, 'k', 'x', 'text/plain'), server };
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
    expect(result).toBe('created');
    expect(server.requests).toHaveLength(3);
  });

  it('fails with the service’s own error when something else is wrong', async () => {
    await expect(attempt([refusal(403, 'AccessDenied')])).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
