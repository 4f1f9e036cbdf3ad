import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { buildSync } from 'esbuild';
import type { Bucket } from '../../../lambdas/lake/s3';
import { Env } from '../../../lambdas/runtime/env';
import { SETTINGS_FILE } from '../../../lambdas/settings';
import type { Location } from '../../../lambdas/weather/location';
import type { ProviderName } from '../../../lambdas/weather/providers';
import { UNREACHABLE_MODULES } from '../../../lib/constructs/unreachable-modules';
import { type InvocationResult, LambdaRuntime } from '../../../lib/local/lambda/runtime';
import { s3Service } from '../../../lib/local/s3/endpoint';
import { ObjectStore } from '../../../lib/local/s3/object-store';
import { type SecretsManager, secretsManager } from '../../../lib/local/secrets-manager/endpoint';
import type { FaultPlan } from '../../../lib/local/wire/calls';
import { serve } from '../../../lib/local/wire/service-server';
import { ADMINISTRATOR } from '../../lib/local/support';
import { PATIENCE } from '../../patience';

const SECRET = 'garoa/weather-api-key';

export interface DeployedIngest {
  invoke(event: unknown): Promise<InvocationResult>;
  readonly bucket: Bucket;
  readonly secrets: SecretsManager;
  /** Directory with the bundle and its settings. */
  readonly assetDirectory: string;
  /** The function's own variables: for benchmarks that run the bundle in a process of its own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Size of the bundle in bytes. */
  readonly bundleBytes: number;
  /** Everything the function has written to its log; ends the function, so that nothing is under way. */
  close(): Promise<{ readonly log: string }>;
}

export interface DeployedIngestOptions {
  readonly provider?: ProviderName;
  readonly locations: readonly Location[];
  readonly weatherUrl: string;
  /** Absent: the secret exists and has no value. */
  readonly apiKey?: string;
  readonly timeoutSeconds?: number;
  /** Real time, as a multiple of what the function believes that passes. */
  readonly patience?: number;
  readonly faults?: FaultPlan;
}

let bundle: Uint8Array | undefined;

/** With the options of the stack that deploys it. */
function bundled(): Uint8Array {
  const { outputFiles } = buildSync({
    entryPoints: ['lambdas/ingest/handler.ts'],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    external: UNREACHABLE_MODULES,
    logLevel: 'error',
    write: false,
  });
  const [output] = outputFiles;
  if (!output) throw new Error('esbuild has one output for one entry.');
  return output.contents;
}

/** The ingest function as it is deployed: bundled and minified, in a worker, with S3 and Secrets Manager on the wire. */
export async function deployIngest(options: DeployedIngestOptions): Promise<DeployedIngest> {
  const { provider = 'weatherapi', locations, weatherUrl, apiKey, timeoutSeconds = 30, faults } = options;
  const { patience = PATIENCE } = options;
  const directory = mkdtempSync(join(tmpdir(), 'garoa-ingest-'));
  const assetDirectory = join(directory, 'asset');
  mkdirSync(assetDirectory);
  bundle ??= bundled();
  writeFileSync(join(assetDirectory, 'index.js'), bundle);
  const settings = { stage: 'prod', provider, locations, rainThresholdMm: 0.1, training: {} };
  writeFileSync(join(assetDirectory, SETTINGS_FILE), JSON.stringify(settings));

  const now = () => new Date();
  const arn = `arn:aws:secretsmanager:us-east-1:111111111111:secret:${SECRET}`;
  const values = apiKey === undefined ? {} : { [SECRET]: apiKey };
  const secrets = secretsManager({ secrets: [{ name: SECRET, arn }], values, now });
  const store = new ObjectStore(join(directory, 'lake'), new Set(['raw']), now);
  const serving = { callerOf: () => ADMINISTRATOR, faults, onCrash: () => undefined };
  const s3Server = await serve(s3Service(store), serving);
  const secretsServer = await serve(secrets, serving);
  const client = new S3Client({
    endpoint: s3Server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const environment = {
    [Env.rawBucket]: 'raw',
    ...(provider === 'open-meteo'
      ? { [Env.archiveApiUrl]: `${weatherUrl}/archive` }
      : { [Env.apiKeySecret]: SECRET }),
    [Env.weatherApiUrl]: weatherUrl,
    AWS_ENDPOINT_URL_S3: s3Server.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsServer.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    POWERTOOLS_SERVICE_NAME: 'garoa',
  };
  const runtime = new LambdaRuntime({
    functions: [
      {
        name: 'garoa-prod-ingest',
        arn: 'arn:aws:lambda:us-east-1:111111111111:function:garoa-prod-ingest',
        roleArn: 'none',
        logGroup: '/aws/lambda/garoa-prod-ingest',
        handler: 'index.handler',
        assetDirectory,
        environment,
        memoryMegabytes: 256,
        timeoutSeconds,
        asynchronous: { maximumRetryAttempts: 0, maximumEventAgeSeconds: 60 },
      },
    ],
    environmentOf: () => ({}),
    region: 'us-east-1',
    logsDirectory: join(directory, 'logs'),
    now,
    concurrency: 2,
    patience,
  });
  return {
    invoke: (event) => runtime.invoke('garoa-prod-ingest', event),
    bucket: { client, name: 'raw' },
    secrets,
    assetDirectory,
    environment,
    bundleBytes: bundle.length,
    close: once(async () => {
      await runtime.close();
      client.destroy();
      await Promise.all([s3Server.close(), secretsServer.close()]);
      const log = readFileSync(join(directory, 'logs/garoa-prod-ingest.ndjson'), {
        encoding: 'utf8',
        flag: 'a+',
      });
      rmSync(directory, { recursive: true });
      return { log };
    }),
  };
}

/** A test closes when it wants the log; its clean-up closes whatever happened before. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
