import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AthenaClient } from '@aws-sdk/client-athena';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { TABLES, type TableLayout } from '../../../lambdas/lake/layout';
import { tableInput } from '../../../lib/data-lake/tables';
import type { DeployedResources, GlueTable } from '../../../lib/local/assembly/resources';
import { type AwsEndpoints, type AwsEndpointsOptions, startAwsEndpoints } from '../../../lib/local/endpoints';
import { AccessControl, type Role } from '../../../lib/local/iam/access';
import { parsePolicy } from '../../../lib/local/iam/policy';
import { PATTERN } from './remote-parts';

export const ACCOUNT = '123456789012';
const TOPIC = `arn:aws:sns:us-east-1:${ACCOUNT}:alarms`;
export const SECRET = `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:api-key-AbCdEf`;
/** The clock of the endpoints under test. */
export const NOW = new Date('2013-03-10T12:05:00.000Z');

/** A role that Lambda and Step Functions may take on, and that may do everything. */
export const ROLE: Role = {
  name: 'all',
  arn: `arn:aws:iam::${ACCOUNT}:role/all`,
  trust: parsePolicy('trust', {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: ['lambda.amazonaws.com', 'states.amazonaws.com'] },
      Action: 'sts:AssumeRole',
    },
  }),
  policies: [
    parsePolicy('all', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
    }),
  ],
};

/** Credentials of the operator, for servers that are tested alone. */
export const ADMINISTRATOR = new AccessControl({
  account: ACCOUNT,
  roles: [],
  resourcePolicies: [],
}).administrator();

/** A deployment with the lake's real tables and a workgroup that enforces its output. */
export const RESOURCES: DeployedResources = {
  region: 'us-east-1',
  account: ACCOUNT,
  buckets: ['raw', 'processed', 'models', 'results'].map((name) => ({ name })),
  databases: [{ name: 'garoa', tables: TABLES.map(glueTable) }],
  workgroups: [
    {
      name: 'garoa-prod',
      enforceConfiguration: true,
      outputLocation: 's3://results/',
      bytesScannedCutoff: 10_000_000,
    },
    { name: 'free', enforceConfiguration: false, outputLocation: 's3://results/free/' },
  ],
  secrets: [{ name: 'api-key', arn: SECRET }],
  roles: [ROLE],
  resourcePolicies: [],
  functions: [],
  stateMachines: [],
  schedules: [],
  rules: [
    {
      name: 'skill',
      arn: `arn:aws:events:us-east-1:${ACCOUNT}:rule/skill`,
      busName: 'default',
      pattern: PATTERN,
      targets: [{ arn: 'arn:aws:states:us-east-1:123456789012:stateMachine:retrain' }],
    },
  ],
  topics: [{ name: 'alarms', arn: TOPIC }],
  queues: [],
  alarms: [],
};

export interface TestCloud {
  readonly endpoints: AwsEndpoints;
  readonly directory: string;
  readonly s3: S3Client;
  readonly athena: AthenaClient;
  readonly secrets: SecretsManagerClient;
  readonly events: EventBridgeClient;
  readonly close: () => Promise<void>;
}

/** Endpoints in a directory of their own, and the SDK's clients for them. */
export async function startTestCloud(options: Partial<AwsEndpointsOptions> = {}): Promise<TestCloud> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'garoa-aws-'));
  const endpoints = await startAwsEndpoints({
    resources: RESOURCES,
    now: () => NOW,
    onCrash: () => undefined,
    ...options,
    directory,
  });
  const client = (variable: string) => ({
    endpoint: endpoints.environment[variable] ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    userAgentAppId: 'garoa-prod-hourly',
  });
  const clients = {
    s3: new S3Client(client('AWS_ENDPOINT_URL_S3')),
    athena: new AthenaClient(client('AWS_ENDPOINT_URL_ATHENA')),
    secrets: new SecretsManagerClient(client('AWS_ENDPOINT_URL_SECRETS_MANAGER')),
    events: new EventBridgeClient(client('AWS_ENDPOINT_URL_EVENTBRIDGE')),
  };
  return {
    ...clients,
    endpoints,
    directory,
    async close() {
      for (const one of Object.values(clients)) {
        one.destroy();
      }
      await endpoints.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** NDJSON as the ingest function writes it. */
export function ndjson(rows: readonly object[]): Buffer {
  return gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** As the stack declares it. */
function glueTable(layout: TableLayout): GlueTable {
  const location = `s3://${layout.zone}/${layout.prefix}`;
  const { partitionKeys, parameters, storageDescriptor } = z
    .object({
      partitionKeys: z.array(z.object({ name: z.string(), type: z.string() })),
      parameters: z.record(z.string(), z.string()),
      storageDescriptor: z.object({ serdeInfo: z.object({ serializationLibrary: z.string() }) }),
    })
    .parse(tableInput(layout, location, '2013-01-01'));
  return {
    name: layout.name,
    type: 'EXTERNAL_TABLE',
    columns: layout.columns,
    partitionKeys,
    location,
    serde: storageDescriptor.serdeInfo.serializationLibrary,
    parameters,
  };
}
