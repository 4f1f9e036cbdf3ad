import { request } from 'node:http';
import { AthenaClient, GetQueryExecutionCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { FunctionResource } from '../../../../lib/local/assembly/resources';
import { parsePolicy } from '../../../../lib/local/iam/policy';
import { ACCOUNT, RESOURCES, ROLE, SECRET, startTestCloud, type TestCloud } from '../support';

/** Reads `raw/open/`, writes `raw/own/`, lists `processed`, queries, puts events of its own source. */
const LIMITED = {
  ...ROLE,
  name: 'limited',
  arn: `arn:aws:iam::${ACCOUNT}:role/limited`,
  policies: [
    parsePolicy('limited', {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 's3:GetObject',
          Resource: ['arn:aws:s3:::raw/open/*', 'arn:aws:s3:::processed/*'],
        },
        {
          Effect: 'Allow',
          Action: 's3:PutObject',
          Resource: ['arn:aws:s3:::raw/own/*', 'arn:aws:s3:::results/*'],
        },
        { Effect: 'Allow', Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::raw/own/*' },
        { Effect: 'Allow', Action: 's3:ListBucket', Resource: 'arn:aws:s3:::processed' },
        { Effect: 'Allow', Action: 's3:GetBucketLocation', Resource: '*' },
        {
          Effect: 'Allow',
          Action: 'athena:*',
          Resource: `arn:aws:athena:us-east-1:${ACCOUNT}:workgroup/garoa-prod`,
        },
        { Effect: 'Allow', Action: 'glue:GetDatabase', Resource: '*' },
        {
          Effect: 'Allow',
          Action: 'glue:GetTable',
          Resource: ['catalog', 'database/garoa', 'table/garoa/observations'].map(
            (name) => `arn:aws:glue:us-east-1:${ACCOUNT}:${name}`,
          ),
        },
        {
          Effect: 'Allow',
          Action: 'events:PutEvents',
          Resource: '*',
          Condition: {
            'ForAllValues:StringEquals': { 'events:source': 'own' },
            Null: { 'events:source': 'false' },
          },
        },
      ],
    }),
  ],
};
const FUNCTION: FunctionResource = {
  name: 'limited',
  arn: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:limited`,
  roleArn: LIMITED.arn,
  logGroup: '/aws/lambda/limited',
  handler: 'index.handler',
  assetDirectory: '/nowhere',
  environment: {},
  memoryMegabytes: 128,
  timeoutSeconds: 3,
  asynchronous: { maximumRetryAttempts: 0, maximumEventAgeSeconds: 60 },
};

let cloud: TestCloud;
let s3: S3Client;
let athena: AthenaClient;
let secrets: SecretsManagerClient;
let events: EventBridgeClient;

const clientFor = (variable: string, accessKeyId: string) => ({
  endpoint: cloud.endpoints.environment[variable] ?? '',
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey: 'local' },
  maxAttempts: 1,
});

beforeAll(async () => {
  cloud = await startTestCloud({
    resources: { ...RESOURCES, roles: [ROLE, LIMITED], functions: [FUNCTION] },
    secretValues: { 'api-key': 'value' },
  });
  const key = cloud.endpoints.identities.accessKeyOf(FUNCTION.arn);
  s3 = new S3Client(clientFor('AWS_ENDPOINT_URL_S3', key));
  athena = new AthenaClient(clientFor('AWS_ENDPOINT_URL_ATHENA', key));
  secrets = new SecretsManagerClient(clientFor('AWS_ENDPOINT_URL_SECRETS_MANAGER', key));
  events = new EventBridgeClient(clientFor('AWS_ENDPOINT_URL_EVENTBRIDGE', key));
  for (const name of ['open/a', 'closed/a', 'own/old']) cloud.endpoints.objects.put('raw', name, 'x');
});
afterAll(async () => {
  for (const client of [s3, athena, secrets, events]) client.destroy();
  await cloud.close();
});

/** Status and name of the refusal, or `done`. */
async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: { $metadata?: { httpStatusCode?: number }; name: string }) =>
      `${error.$metadata?.httpStatusCode} ${error.name}`,
  );
}

const get = (Bucket: string, Key: string) => outcome(s3.send(new GetObjectCommand({ Bucket, Key })));
const copy = (from: string, Key: string) =>
  outcome(s3.send(new CopyObjectCommand({ Bucket: 'raw', CopySource: `raw/${from}`, Key })));

describe('S3', () => {
  it('gives objects to those who may read them', async () => {
    expect(await get('raw', 'open/a')).toBe('done');
    expect(await get('raw', 'closed/a')).toBe('403 AccessDenied');
  });

  it('tells that a key is missing only to those who may list the bucket', async () => {
    expect(await get('raw', 'open/missing')).toBe('403 AccessDenied');
    expect(await get('processed', 'missing')).toBe('404 NoSuchKey');
  });

  it('copies for those who may read the source and write the target', async () => {
    expect(await copy('open/a', 'own/a')).toBe('done');
    expect(await copy('closed/a', 'own/b')).toBe('403 AccessDenied');
    expect(await copy('open/a', 'closed/b')).toBe('403 AccessDenied');
  });

  it('compares the ETag of a write for those who may read what is there', async () => {
    const put = (more: object) =>
      outcome(s3.send(new PutObjectCommand({ Bucket: 'raw', Key: 'own/c', Body: 'x', ...more })));
    expect(await put({ IfNoneMatch: '*' })).toBe('done');
    expect(await put({ IfMatch: '"x"' })).toBe('403 AccessDenied');
  });

  it('lists by permission, and deletes of many what may be deleted', async () => {
    expect(await outcome(s3.send(new ListObjectsV2Command({ Bucket: 'raw' })))).toBe('403 AccessDenied');
    const Objects = [{ Key: 'own/old' }, { Key: 'closed/a' }];
    const reply = await s3.send(new DeleteObjectsCommand({ Bucket: 'raw', Delete: { Objects } }));
    expect(reply.Deleted).toEqual([{ Key: 'own/old' }]);
    expect(reply.Errors).toMatchObject([{ Key: 'closed/a', Code: 'AccessDenied' }]);
    expect(cloud.endpoints.objects.head('raw', 'closed/a')).toBeDefined();
  });
});

it('Secrets Manager and EventBridge deny in their own words', async () => {
  const value = secrets.send(new GetSecretValueCommand({ SecretId: 'api-key' }));
  await expect(value).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/limited/limited is not authorized to perform: secretsmanager:GetSecretValue on resource: ${SECRET} because no identity-based policy allows the secretsmanager:GetSecretValue action`,
  });
  const put = (...sources: readonly string[]) =>
    outcome(
      events.send(
        new PutEventsCommand({
          Entries: sources.map((Source) => ({ Source, DetailType: 'd', Detail: '{}' })),
        }),
      ),
    );
  expect(await put('own', 'own')).toBe('done');
  expect(await put('own', 'other')).toBe('400 AccessDeniedException');
});

describe('Athena', () => {
  async function query(QueryString: string): Promise<string | undefined> {
    const input = { QueryString, WorkGroup: 'garoa-prod', QueryExecutionContext: { Database: 'garoa' } };
    const { QueryExecutionId } = await athena.send(new StartQueryExecutionCommand(input));
    for (;;) {
      const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
      const { State, StateChangeReason } = QueryExecution?.Status ?? {};
      if (State === 'SUCCEEDED') return 'done';
      if (State === 'FAILED') return StateChangeReason;
    }
  }

  it('starts queries in workgroups that the caller may use', async () => {
    const start = new StartQueryExecutionCommand({ QueryString: 'SELECT 1', WorkGroup: 'free' });
    expect(await outcome(athena.send(start))).toBe('400 AccessDeniedException');
  });

  it('reads the catalogue and the objects as its caller, and fails the query where that is denied', async () => {
    expect(await query('SELECT 1')).toBe('done');
    expect(await query('SELECT * FROM forecasts')).toMatch(
      /^Insufficient permissions.* glue:GetTable on resource/,
    );
    expect(await query("SELECT * FROM observations WHERE dt = '2013-03-10'")).toMatch(
      /^PERMISSION_DENIED: Permission denied on S3 path: s3:\/\/raw\//,
    );
    expect(await query('CREATE TABLE t AS SELECT 1 a')).toMatch(/glue:CreateTable/);
  });
});

it('turns away who is nobody here', async () => {
  const stranger = new S3Client(clientFor('AWS_ENDPOINT_URL_S3', 'AKIASTRANGER'));
  const reply = outcome(stranger.send(new GetObjectCommand({ Bucket: 'raw', Key: 'open/a' })));
  expect(await reply).toBe('403 InvalidAccessKeyId');
  stranger.destroy();
});

it('answers under its own address only', async () => {
  const { hostname, port } = new URL(cloud.endpoints.environment.AWS_ENDPOINT_URL_S3 ?? '');
  const status = await new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path: '/raw/open/a', headers: { host: 'evil.example' } });
    asked.once('response', (reply) => resolve(reply.resume().statusCode));
    asked.once('error', reject);
    asked.end();
  });
  expect(status).toBe(403);
});
