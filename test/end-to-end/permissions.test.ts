import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { parseConfig } from '../../lib/config';
import type { Execution } from '../../lib/local/step-functions/execution';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import { REAL_MANNERS } from '../../lib/recorded-weather/weather-api/manners';
import type { LocalGaroa } from '../../lib/scenario/local-garoa';
import { runScenario } from '../../lib/scenario/scenario';
import { spanOf } from '../../lib/scenario/span';
import { createProgress } from '../../lib/terminal/progress';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/**
 * Statements that allow nothing in the run below, by what they allow, with the reason why the templates keep them.
 * Whatever else allowed nothing, or was never the only one to allow a call, is superfluous.
 */
const KEPT: readonly (readonly [RegExp, string])[] = [
  [
    /states:DescribeExecution states:RedriveExecution states:StopExecution/,
    'Step Functions looks at the children of a Map, and stops and redrives them: docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html',
  ],
  [/CrawlerRole/, 'The crawler runs in AWS only: docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html'],
  [
    /logs:CreateLogDelivery/,
    'Deliveries of logs are made with the machine, traces are not emulated: docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html',
  ],
  [
    /(SchedulesRole|SchedulerRoleForTarget).*sqs:SendMessage/,
    'A delivery of a schedule fails in AWS when the target throttles for longer than the retries',
  ],
  [
    /AllowEventRule.*sqs:SendMessage/,
    'A delivery of a rule fails in AWS when the target throttles for longer than the retries',
  ],
  [/sns:Publish/, 'CloudWatch publishes; here alarms are evaluated after the fact'],
];

/** Single actions that no call took, in statements that allow others, with the reason why the templates keep them. */
const KEPT_ACTIONS: readonly (readonly [RegExp, string])[] = [
  [
    /athena:StopQueryExecution/,
    'A query is cancelled when its function has no time left (`lambdas/lake/athena.ts`)',
  ],
  [
    /RetrainRole.* s3:ListBucket/,
    'The outcome of a place that left none is looked for, and absent is not forbidden: docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html',
  ],
  [
    /s3:(AbortMultipartUpload|ListMultipartUploadParts|ListBucketMultipartUploads)/,
    'Athena writes large results in parts: docs.aws.amazon.com/athena/latest/ug/security-iam-awsmanpol.html',
  ],
  [
    /glue:(GetPartition|GetPartitions|DeletePartition)/,
    'DROP TABLE of a partitioned table: docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html',
  ],
  [
    /glue:BatchDeletePartition/,
    'Athena is granted it beside DeletePartition: docs.aws.amazon.com/athena/latest/ug/security-iam-awsmanpol.html',
  ],
];

const directory = mkdtempSync(join(tmpdir(), 'garoa-permissions-'));
let cloud: LocalGaroa;
let redriven: Execution;

beforeAll(async () => {
  const all = await readRecording('lib/recorded-weather/recordings/nyc-2013.csv.gz');
  // More places would make more calls, and no others.
  const recording = { ...all, locations: all.locations.filter(({ id }) => id === 'jfk') };
  const scenario = {
    recording,
    backfillDays: 40,
    liveHours: 3,
    retrainAtEnd: false,
    faults: 0.02,
    manners: { ...REAL_MANNERS, latestHoursLacking: 0 },
  };
  const assemblyDirectory = join(directory, 'cdk.out');
  const config = parseConfig({
    plan: 'business',
    locations: recording.locations,
    firstDay: spanOf(scenario).firstDay,
    training: { candidates: 2 },
    // Within the hours that are lived through: the live part begins on a Sunday.
    schedules: { retrain: { day: 'SUN', time: '01:30' } },
  });
  await synthesise(config, assemblyDirectory);
  const place = {
    assemblyDirectory,
    directory: join(directory, 'run'),
    hourlyMinute: config.schedules.hourlyMinute,
    accountConcurrency: config.accountConcurrency,
    synthSeconds: 0,
    patience: PATIENCE,
    onStarted: (running: LocalGaroa) => {
      cloud = running;
    },
  };
  await runScenario(scenario, place, createProgress({ write: () => true }));

  // Three days in which nobody polled: gaps to be found and filled, minute objects to be joined.
  const later = new Date(cloud.now().getTime() + 3 * 86_400_000);
  later.setUTCHours(0, 0, 0, 0);
  await cloud.settle(later);
  await cloud.advanceTo(new Date(later.getTime() + 2 * 3_600_000));
  await cloud.settle();
  await announce('SkillBelowPersistence', { date: '2013-02-12', locationIds: ['jfk'], windowDays: 7 });
  await announce('GapsFound', { from: '2013-02-11', to: '2013-02-11', locationIds: ['jfk'] });
  for (const name of ['-ingest', '-hourly', '-retrain']) await failUnseen(cloud.name('functions', name));
  redriven = await stopAndRedrive();
});

afterAll(async () => {
  await cloud.close();
  rmSync(directory, { recursive: true });
});

const clientOf = (variable: string) => ({
  endpoint: cloud.services.environment[variable] ?? '',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

/** An event as the hourly function puts it. */
async function announce(DetailType: string, detail: object): Promise<void> {
  const bus = new EventBridgeClient(clientOf('AWS_ENDPOINT_URL_EVENTBRIDGE'));
  const Detail = JSON.stringify({ stage: 'prod', ...detail });
  await bus.send(new PutEventsCommand({ Entries: [{ Source: 'garoa', DetailType, Detail }] }));
  bus.destroy();
  await cloud.settle();
}

/** An event that the function refuses as often as it is tried, with nobody waiting for it. */
async function failUnseen(FunctionName: string): Promise<void> {
  const lambda = new LambdaClient(clientOf('AWS_ENDPOINT_URL_LAMBDA'));
  await lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: '{"odd":1}' }));
  lambda.destroy();
  await cloud.settle();
}

/** A backfill whose aggregation dies until it fails, and that is redriven. */
async function stopAndRedrive(): Promise<Execution> {
  const hourly = cloud.name('functions', '-hourly');
  const dying = setInterval(() => cloud.crash(hourly), 1);
  const input = { from: '2013-02-01', to: '2013-02-02', force: true };
  const failed = await cloud.execute(cloud.name('stateMachines', '-backfill'), input);
  clearInterval(dying);
  expect(failed.status).toBe('FAILED');
  return cloud.redrive(failed.arn);
}

/** Actions without a call in statements that allowed one. */
function unusedActions(): string[] {
  return cloud.services.identities.access
    .account()
    .filter(({ sole }) => sole > 0)
    .flatMap(({ id, actions, used }) =>
      actions.filter((action) => !used.includes(action)).map((action) => `${id}: ${action}`),
    );
}

describe('permissions over the pipeline with faults, a stop and a redrive', () => {
  it('hold everything that was called', () => {
    expect(redriven.status).toBe('SUCCEEDED');
    expect(cloud.services.identities.access.denials().map(({ message }) => message)).toEqual([]);
  });

  it('hold nothing else: every statement was the only one to allow some call, or is kept for a reason', () => {
    const superfluous = cloud.services.identities.access
      .account()
      .filter(({ sole }) => sole === 0)
      .map(({ id, actions, resources }) => `${id}: ${actions.join(' ')} on ${resources.join(' ')}`)
      .filter((line) => !KEPT.some(([pattern]) => pattern.test(line)));
    expect(superfluous).toEqual([]);
  });

  it('hold no action that nobody took, but for those that are kept for a reason', () => {
    const unused = unusedActions();
    expect(unused.filter((line) => !KEPT_ACTIONS.some(([pattern]) => pattern.test(line)))).toEqual([]);
    expect(KEPT_ACTIONS.filter(([pattern]) => !unused.some((line) => pattern.test(line)))).toEqual([]);
  });

  it('have no reason for a statement that is not there', () => {
    const lines = cloud.services.identities.access
      .account()
      .filter(({ sole }) => sole === 0)
      .map(({ id, actions }) => `${id}: ${actions.join(' ')}`);
    expect(KEPT.filter(([pattern]) => !lines.some((line) => pattern.test(line)))).toEqual([]);
  });
});
