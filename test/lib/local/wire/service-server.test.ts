import { request } from 'node:http';
import { GetQueryExecutionCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { AwsCall, Fault } from '../../../../lib/local/wire/calls';
import { startTestCloud, type TestCloud } from '../support';

const calls: AwsCall[] = [];
const crashed: string[] = [];
let fault: Fault | undefined;
let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud({
    faults: (call) => {
      calls.push(call);
      return fault;
    },
    onCrash: (caller) => crashed.push(caller),
    secretValues: { 'api-key': 'value' },
  });
});
beforeEach(() => {
  calls.length = 0;
  crashed.length = 0;
});
afterAll(() => cloud.close());

const put = (Key: string) => cloud.s3.send(new PutObjectCommand({ Bucket: 'raw', Key, Body: 'x' }));
const exists = (key: string) => cloud.endpoints.objects.head('raw', key) !== undefined;

/** Name of the error that the call ends with. */
async function errorOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
  );
}

async function under<T>(injected: Fault, work: () => Promise<T>): Promise<T> {
  fault = injected;
  try {
    return await work();
  } finally {
    fault = undefined;
  }
}

it('tells who called what on which subject, and counts', async () => {
  await put('a/b c');
  await cloud.athena.send(
    new StartQueryExecutionCommand({ QueryString: 'SELECT 1', WorkGroup: 'garoa-prod' }),
  );
  await cloud.secrets.send(new GetSecretValueCommand({ SecretId: 'api-key' }));
  const same = { caller: 'garoa-prod-hourly', attempt: 1, attempts: 1 };
  expect(calls).toEqual([
    { service: 's3', operation: 'PutObject', subject: 'raw/a/b c', ...same },
    { service: 'athena', operation: 'StartQueryExecution', subject: 'SELECT 1', ...same },
    { service: 'secretsmanager', operation: 'GetSecretValue', subject: 'api-key', ...same },
  ]);
  expect(cloud.endpoints.callCounts()).toMatchObject({ 's3:PutObject': 1, 'athena:StartQueryExecution': 1 });
});

it('tells which try of a request it is, and how many its client makes', async () => {
  const client = new S3Client({
    endpoint: cloud.endpoints.environment.AWS_ENDPOINT_URL_S3 ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const read = () => client.send(new GetObjectCommand({ Bucket: 'raw', Key: 'tried' }));
  await under({ kind: 'reset' }, () => errorOf(read()));
  client.destroy();
  expect(calls.map(({ attempt, attempts }) => [attempt, attempts])).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
});

it.each([
  ['throttle', 'SlowDown', 'TooManyRequestsException', 'ThrottlingException'],
  ['serverError', 'InternalError', 'InternalServerException', 'InternalServiceError'],
] as const)(
  'answers %s in each service its own way, with nothing done',
  async (kind, s3, athena, secrets) => {
    await under({ kind }, async () => {
      expect(await errorOf(put(kind))).toBe(s3);
      expect(await errorOf(cloud.athena.send(new GetQueryExecutionCommand({ QueryExecutionId: 'x' })))).toBe(
        athena,
      );
      expect(await errorOf(cloud.secrets.send(new GetSecretValueCommand({ SecretId: 'api-key' })))).toBe(
        secrets,
      );
    });
    expect(exists(kind)).toBe(false);
  },
);

it('does the work and loses the reply', async () => {
  expect(await under({ kind: 'lostReply' }, () => errorOf(put('lost')))).not.toBe('none');
  expect(exists('lost')).toBe(true);
});

it('breaks the connection before the work', async () => {
  expect(await under({ kind: 'reset' }, () => errorOf(put('reset')))).not.toBe('none');
  expect(exists('reset')).toBe(false);
});

it('sends what it has in two parts', async () => {
  await put('slow');
  const read = () => cloud.s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'slow' }));
  const { Body } = await under({ kind: 'slowBody', milliseconds: 5 }, read);
  expect(await Body?.transformToString()).toBe('x');
});

it('does the work and says otherwise', async () => {
  const otherReply = (body: string) => body.replace('"value"', '"another value"');
  const read = () => cloud.secrets.send(new GetSecretValueCommand({ SecretId: 'api-key' }));
  const { SecretString } = await under({ kind: 'otherReply', body: otherReply }, read);
  expect(SecretString).toBe('another value');
});

it('does the work late', async () => {
  await under({ kind: 'latency', milliseconds: 5 }, () => put('late'));
  expect(exists('late')).toBe(true);
});

it.each([
  ['before', false],
  ['after', true],
] as const)('ends the caller %s the work', async (when, done) => {
  const key = `crash-${when}`;
  expect(await under({ kind: 'crash', when }, () => errorOf(put(key)))).not.toBe('none');
  expect(crashed).toEqual(['garoa-prod-hourly']);
  expect(exists(key)).toBe(done);
});

it('goes on serving after a request that is no request', async () => {
  const url = cloud.endpoints.environment.AWS_ENDPOINT_URL_ATHENA ?? '';
  const authorization = 'AWS4-HMAC-SHA256 Credential=test/20130310/us-east-1/athena/aws4_request';
  const headers = { 'x-amz-target': 'AmazonAthena.StartQueryExecution', authorization };
  const broken = await fetch(url, { method: 'POST', body: '{', headers });
  expect(broken.status).toBe(400);
  const unknown = await fetch(url, {
    method: 'POST',
    body: '{}',
    headers: { 'x-amz-target': 'AmazonAthena.Nothing', authorization },
  });
  expect(unknown.status).toBe(400);
  expect(await unknown.text()).toContain('athena Nothing is not emulated.');
  expect(await broken.text()).toContain('SerializationException');
  expect(calls).toMatchObject([
    { attempt: 1, attempts: 1 },
    { attempt: 1, attempts: 1 },
  ]);
  await put('still here');
  const reply = await cloud.s3.send(new GetObjectCommand({ Bucket: 'raw', Key: 'still here' }));
  expect(await reply.Body?.transformToString()).toBe('x');
});

it('reads what is too large to its end and refuses it, and serves the next one', async () => {
  const url = new URL(cloud.endpoints.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? '');
  const megabyte = Buffer.alloc(2 ** 20);
  const status = await new Promise((resolve, reject) => {
    const sent = request({ host: url.hostname, port: url.port, method: 'POST' }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    sent.once('error', reject);
    for (let sum = 0; sum <= 128; sum += 1) sent.write(megabyte);
    sent.end();
  });
  expect(status).toBe(413);
  expect(calls).toEqual([]);
  await cloud.secrets.send(new GetSecretValueCommand({ SecretId: 'api-key' }));
  expect(calls).toHaveLength(1);
});
