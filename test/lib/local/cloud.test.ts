import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { buildSync } from 'esbuild';
import { LocalCloud, type LocalCloudOptions } from '../../../lib/local/cloud';
import { PATIENCE } from '../../patience';

/** Calls what its event says: enough to see schedules, rules, machines and faults meet real SDK calls. */
const SOURCE = `
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
const s3 = new S3Client({});
const bus = new EventBridgeClient({});
export async function handler(event) {
  if (event.fail) throw Object.assign(new Error('told to'), { name: 'Told' });
  if (event.put) await s3.send(new PutObjectCommand({ Bucket: process.env.BUCKET, Key: event.put, Body: 'x' }));
  if (event.announce) await bus.send(new PutEventsCommand({ Entries: [
    { Source: 'garoa', DetailType: 'Found', Detail: JSON.stringify(event.announce) } ] }));
  return event;
}
`;

const invoke = (Payload: unknown, more: object = {}): object => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: 'worker', Payload },
  ...more,
});

const MACHINE = {
  QueryLanguage: 'JSONata',
  StartAt: 'Work',
  States: {
    Work: invoke('{% $states.input %}', {
      Retry: [{ ErrorEquals: ['Lambda.Unknown'], IntervalSeconds: 30, MaxAttempts: 1 }],
      End: true,
    }),
  },
};

const arn = (service: string, rest: string): string => `arn:aws:${service}:us-east-1:123456789012:${rest}`;

/** A role that a service takes on, and that may do what is listed on everything. */
const role = (service: string, ...actions: readonly string[]): object => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
    },
    Policies: [
      {
        PolicyName: 'own',
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: actions.map((Action) => ({ Effect: 'Allow', Action, Resource: '*' })),
        },
      },
    ],
  },
});
const roleArn = (name: string): object => ({ 'Fn::GetAtt': [name, 'Arn'] });

const RESOURCES = {
  WorkerRole: role('lambda.amazonaws.com', 'logs:*', 's3:PutObject', 'events:PutEvents', 'sqs:SendMessage'),
  MachineRole: role('states.amazonaws.com', 'lambda:InvokeFunction'),
  ScheduleRole: role('scheduler.amazonaws.com', 'lambda:InvokeFunction', 'sqs:SendMessage'),
  RuleRole: role('events.amazonaws.com', 'states:StartExecution'),
  DeadPolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'Dead' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: { 'Fn::GetAtt': ['Dead', 'Arn'] },
          Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['OnFailure', 'Arn'] } } },
        },
      },
    },
  },
  Objects: { Type: 'AWS::S3::Bucket' },
  Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } },
  Worker: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: 'worker',
      Code: { S3Key: 'worker.zip' },
      Handler: 'index.handler',
      Role: roleArn('WorkerRole'),
      MemorySize: 256,
      Timeout: 10,
      Environment: { Variables: { BUCKET: { Ref: 'Objects' } } },
    },
  },
  Retries: {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: {
      FunctionName: 'worker',
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 600,
      DestinationConfig: { OnFailure: { Destination: arn('sqs', 'dead') } },
    },
  },
  Machine: {
    Type: 'AWS::StepFunctions::StateMachine',
    Properties: {
      StateMachineName: 'machine',
      RoleArn: roleArn('MachineRole'),
      DefinitionString: JSON.stringify(MACHINE),
    },
  },
  Minute: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: 'minute',
      ScheduleExpression: 'cron(0/20 * * * ? *)',
      Target: {
        Arn: arn('lambda', 'function:worker'),
        RoleArn: roleArn('ScheduleRole'),
        Input: '{"put":"<aws.scheduler.scheduled-time>"}',
      },
    },
  },
  Nowhere: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: 'nowhere',
      ScheduleExpression: 'cron(30 * * * ? *)',
      Target: {
        Arn: arn('lambda', 'function:gone'),
        RoleArn: roleArn('ScheduleRole'),
        DeadLetterConfig: { Arn: arn('sqs', 'dead') },
      },
    },
  },
  OnFound: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventPattern: { source: ['garoa'], 'detail-type': ['Found'] },
      Targets: [
        {
          Id: 'machine',
          Arn: arn('states', 'stateMachine:machine'),
          RoleArn: roleArn('RuleRole'),
          InputPath: '$.detail',
        },
      ],
    },
  },
  OnFailure: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventPattern: { source: ['aws.states'], detail: { status: ['FAILED'] } },
      Targets: [{ Id: 'queue', Arn: arn('sqs', 'dead') }],
    },
  },
};

const directory = mkdtempSync(join(tmpdir(), 'garoa-cloud-'));
const assemblyDirectory = join(directory, 'cdk.out');
const START = new Date('2020-01-01T00:00:00Z');
const clouds: LocalCloud[] = [];

beforeAll(() => {
  mkdirSync(join(assemblyDirectory, 'asset.worker'), { recursive: true });
  const write = (name: string, content: object): void =>
    writeFileSync(join(assemblyDirectory, name), JSON.stringify(content));
  write('manifest.json', {
    artifacts: {
      app: { type: 'aws:cloudformation:stack', properties: { templateFile: 'app.json' } },
      assets: { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
    },
  });
  write('app.json', { Resources: RESOURCES });
  write('assets.json', {
    files: { w: { source: { path: 'asset.worker' }, destinations: { d: { objectKey: 'worker.zip' } } } },
  });
  buildSync({
    stdin: { contents: SOURCE, loader: 'js', resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(assemblyDirectory, 'asset.worker', 'index.js'),
  });
});

afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.close()));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function start(more: Partial<LocalCloudOptions> = {}): Promise<LocalCloud> {
  const cloud = await LocalCloud.start({
    patience: PATIENCE,
    assemblyDirectory,
    directory: mkdtempSync(join(directory, 'run-')),
    start: START,
    ...more,
  });
  clouds.push(cloud);
  return cloud;
}

const clientOf = (endpoint: string) => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
const minute = (count: number): Date => new Date(START.getTime() + count * 60_000);
const keysOf = (cloud: LocalCloud): string[] => [...cloud.objects('objects', '')].map(({ key }) => key);

describe('LocalCloud', () => {
  it('fires schedules from the present instant on, up to the end and not at it', async () => {
    const cloud = await start();
    await cloud.advanceTo(minute(40));
    expect(keysOf(cloud)).toEqual(['2020-01-01T00:00:00Z', '2020-01-01T00:20:00Z']);
    expect(cloud.now()).toEqual(minute(40));
    await cloud.advanceTo(minute(41));
    expect(keysOf(cloud)).toHaveLength(3);
  });

  it('leaves schedules standing still while it settles', async () => {
    const cloud = await start();
    await cloud.settle(minute(60));
    expect(cloud.invocations()).toEqual([]);
    expect(cloud.now()).toEqual(minute(60));
  });

  it('puts what a schedule cannot deliver into its dead-letter queue', async () => {
    const cloud = await start();
    await cloud.settle(minute(25));
    await cloud.advanceTo(minute(31));
    expect(cloud.deadLetters()).toMatchObject([
      {
        queueArn: arn('sqs', 'dead'),
        at: '2020-01-01T00:30:00.000Z',
        reason: expect.stringContaining('gone'),
      },
    ]);
  });

  it('routes an event to the machine that a rule names, and that runs before time goes on', async () => {
    const cloud = await start();
    await cloud.invoke('worker', { announce: { put: 'found' } });
    await cloud.settle();
    expect(cloud.events()).toMatchObject([{ 'detail-type': 'Found', detail: { put: 'found' } }]);
    expect(cloud.executions()).toMatchObject([{ machine: 'machine', status: 'SUCCEEDED' }]);
    expect(keysOf(cloud)).toEqual(['found']);
    expect(cloud.now()).toEqual(START);
  });

  it('tells the bus of executions that fail', async () => {
    const cloud = await start();
    const execution = await cloud.execute('machine', { fail: true });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Told' });
    expect(cloud.deadLetters()).toMatchObject([{ payload: { detail: { status: 'FAILED' } } }]);
    expect((await cloud.redrive(execution.arn)).redriveCount).toBe(1);
  });

  it('retries a failed asynchronous invocation after one and two minutes, then gives it up', async () => {
    const cloud = await start({
      faults: ({ operation }) => (operation === 'PutObject' ? { kind: 'crash', when: 'before' } : undefined),
    });
    await cloud.advanceTo(minute(19));
    expect(cloud.invocations().map(({ at }) => at)).toEqual([
      '2020-01-01T00:00:00.000Z',
      '2020-01-01T00:01:00.000Z',
      '2020-01-01T00:03:00.000Z',
    ]);
    expect(cloud.deadLetters()).toMatchObject([
      { queueArn: arn('sqs', 'dead'), payload: { put: '2020-01-01T00:00:00Z' } },
    ]);
  });

  it('lets a machine retry a function that died once its work was done', async () => {
    let crashes = 0;
    const cloud = await start({
      faults: ({ operation }) => {
        if (operation !== 'PutObject' || crashes > 0) return undefined;
        crashes += 1;
        return { kind: 'crash', when: 'after' };
      },
    });
    const execution = await cloud.execute('machine', { put: 'once' });
    expect(execution.status).toBe('SUCCEEDED');
    expect(cloud.now()).toEqual(new Date(START.getTime() + 30_000));
    expect(keysOf(cloud)).toEqual(['once']);
    expect(cloud.invocations().map(({ result }) => result.functionError?.kind)).toEqual(['exit', undefined]);
  });

  it('runs functions and machines for whoever asks at the wire', async () => {
    const cloud = await start();
    const { AWS_ENDPOINT_URL_LAMBDA = '', AWS_ENDPOINT_URL_SFN = '' } = cloud.services.environment;
    const lambda = new LambdaClient(clientOf(AWS_ENDPOINT_URL_LAMBDA));
    const sfn = new SFNClient(clientOf(AWS_ENDPOINT_URL_SFN));
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: 'worker', Payload: '{"a":1}' }));
    expect(Payload?.transformToString()).toBe('{"a":1}');
    await lambda.send(
      new InvokeCommand({ FunctionName: 'worker', InvocationType: 'Event', Payload: '{"put":"later"}' }),
    );
    const stateMachineArn = arn('states', 'stateMachine:machine');
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: '{"put":"started"}' }),
    );
    await cloud.settle();
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    expect(status).toBe('SUCCEEDED');
    expect(keysOf(cloud)).toEqual(['later', 'started']);
    lambda.destroy();
    sfn.destroy();
  });

  it('runs no more functions at once than the account may, and tries again what nobody waits for', async () => {
    const cloud = await start({ accountConcurrency: 1 });
    const lambda = new LambdaClient({
      ...clientOf(cloud.services.environment.AWS_ENDPOINT_URL_LAMBDA ?? ''),
      maxAttempts: 1,
    });
    const asked = ['a', 'b'].map((put) =>
      lambda.send(new InvokeCommand({ FunctionName: 'worker', Payload: JSON.stringify({ put }) })),
    );
    const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { name: 'TooManyRequestsException' } }]);
    for (const put of ['c', 'd']) {
      const Payload = JSON.stringify({ put });
      await lambda.send(new InvokeCommand({ FunctionName: 'worker', InvocationType: 'Event', Payload }));
    }
    await cloud.settle();
    expect(keysOf(cloud)).toEqual(expect.arrayContaining(['c', 'd']));
    expect(cloud.deadLetters()).toEqual([]);
    const large = { FunctionName: 'worker', Payload: JSON.stringify('x'.repeat(1024 * 1024)) };
    const asynchronous = lambda.send(new InvokeCommand({ ...large, InvocationType: 'Event' }));
    await expect(asynchronous).rejects.toMatchObject({ name: 'RequestTooLargeException' });
    expect((await lambda.send(new InvokeCommand(large))).StatusCode).toBe(200);
    lambda.destroy();
  });

  it('says which name it does not know', async () => {
    const cloud = await start();
    expect(() => cloud.name('functions', '-nothing')).toThrow('0 of the functions');
    await expect(cloud.execute('nothing', {})).rejects.toThrow('No state machine nothing');
    expect((await cloud.execute('machine', { put: 'x' })).output).toMatchObject({ Payload: { put: 'x' } });
  });
});
