import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ResourceNotFoundException,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import type { FunctionResource } from '../../../../lib/local/assembly/resources';
import type { InvocationResult } from '../../../../lib/local/lambda/runtime';
import type { AwsCall, Fault } from '../../../../lib/local/wire/calls';
import { itLocally, itUnlikeMiniStack, REMOTE } from '../remote';
import { FAILURES_QUEUE, REMOTE_NAME } from '../remote-parts';
import { RemoteQueue } from '../remote-queue';
import { ACCOUNT, RESOURCES, ROLE, startTestCloud, type TestCloud } from '../support';

const FUNCTION: FunctionResource = {
  name: REMOTE_NAME,
  arn: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${REMOTE_NAME}`,
  roleArn: ROLE.arn,
  logGroup: `/aws/lambda/${REMOTE_NAME}`,
  handler: 'index.handler',
  assetDirectory: '/nowhere',
  environment: { MODELS_BUCKET: 'models' },
  memoryMegabytes: 128,
  timeoutSeconds: 10,
  asynchronous: { maximumRetryAttempts: 2, maximumEventAgeSeconds: 3_000 },
};

const calls: AwsCall[] = [];
const later: { name: string; event: unknown }[] = [];
let fault: Fault | undefined;
let cloud: TestCloud;
let lambda: LambdaClient;
let queue: RemoteQueue | undefined;
let arn = FUNCTION.arn;

/** As the function of `remote-parts.ts`. */
async function answer(event: unknown): Promise<InvocationResult> {
  if (typeof event === 'object' && event !== null && 'fail' in event) {
    const error = { errorType: 'Told', errorMessage: 'told to', trace: [] };
    return {
      requestId: '1',
      payload: error,
      functionError: { kind: 'thrown', ...error },
      milliseconds: 1,
    };
  }
  return { requestId: '1', payload: event, milliseconds: 1 };
}

beforeAll(async () => {
  cloud = await startTestCloud({
    resources: { ...RESOURCES, functions: [FUNCTION] },
    faults: (call) => {
      calls.push(call);
      return fault;
    },
    compute: {
      functions: {
        invoke: (_, event) => answer(event),
        invokeLater: (name, event) => later.push({ name, event }),
      },
      executions: {
        start: () => '',
        find: () => undefined,
        findMapRun: () => undefined,
        list: () => [],
      },
    },
  });
  if (REMOTE !== undefined) {
    lambda = new LambdaClient({ maxAttempts: 1 });
    queue = await RemoteQueue.open(FAILURES_QUEUE);
    arn = (await configuration()).FunctionArn ?? '';
    return;
  }
  lambda = new LambdaClient({
    endpoint: cloud.endpoints.environment.AWS_ENDPOINT_URL_LAMBDA ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
beforeEach(() => {
  calls.length = 0;
  fault = undefined;
});
afterAll(async () => {
  lambda.destroy();
  queue?.close();
  await cloud.close();
});

const configuration = () => lambda.send(new GetFunctionConfigurationCommand({ FunctionName: REMOTE_NAME }));
const invoke = (FunctionName: string, Payload?: string, more: object = {}) =>
  lambda.send(new InvokeCommand({ FunctionName, ...(Payload !== undefined && { Payload }), ...more }));

async function answers(name: string): Promise<void> {
  const { StatusCode, Payload, FunctionError, ExecutedVersion } = await invoke(name, '{"hour":"é"}');
  expect({ StatusCode, FunctionError, ExecutedVersion }).toEqual({
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
  });
  expect(JSON.parse(Payload?.transformToString() ?? '')).toEqual({ hour: 'é' });
}

it('invokes a function by its name, its ARN, its ARN and version, and gives its answer', async () => {
  for (const name of [REMOTE_NAME, arn, `${arn}:$LATEST`]) await answers(name);
});

// A partial ARN: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
itUnlikeMiniStack('invokes a function by account and name', async () => {
  await answers(arn.split(':').slice(4).join(':'));
});

itLocally('tells whoever plans faults what is invoked', async () => {
  await invoke(arn, '{}');
  expect(calls).toMatchObject([{ service: 'lambda', operation: 'Invoke', subject: arn }]);
});

it("gives a function's error as an answer that is marked as one", async () => {
  const { StatusCode, FunctionError, Payload } = await invoke(REMOTE_NAME, '{"fail":true}');
  expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(Payload?.transformToString() ?? '')).toMatchObject({ errorMessage: 'told to' });
});

// errorType is the error's name: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
itUnlikeMiniStack("calls a function's error by its name", async () => {
  const { Payload } = await invoke(REMOTE_NAME, '{"fail":true}');
  expect(JSON.parse(Payload?.transformToString() ?? '')).toMatchObject({ errorType: 'Told' });
});

it('takes no payload for an empty event', async () => {
  expect((await invoke(REMOTE_NAME)).Payload?.transformToString()).toBe('{}');
});

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
itUnlikeMiniStack('refuses a payload that is no JSON', async () => {
  await expect(invoke(REMOTE_NAME, '{"hour"')).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
  });
});

it('leaves an asynchronous invocation to those who run it, and runs nothing for a dry run', async () => {
  const dry = await invoke(REMOTE_NAME, '{"a":2}', { InvocationType: 'DryRun' });
  expect(dry.StatusCode).toBe(204);
  const event = { fail: true, a: 1 };
  const sent = await invoke(REMOTE_NAME, JSON.stringify(event), { InvocationType: 'Event' });
  expect(sent.StatusCode).toBe(202);
  if (queue === undefined) return expect(later).toEqual([{ name: REMOTE_NAME, event }]);
  expect(await queue.receive(1)).toMatchObject([
    { requestContext: { condition: 'RetriesExhausted' }, requestPayload: event },
  ]);
});

// Six megabytes, and one that nobody waits for: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
itUnlikeMiniStack('refuses a payload that is larger than the kind of invocation takes', async () => {
  const payload = (megabytes: number) => JSON.stringify('x'.repeat(megabytes * 1024 * 1024));
  const tooLarge = { name: 'RequestTooLargeException' };
  await expect(invoke(REMOTE_NAME, payload(2), { InvocationType: 'Event' })).rejects.toMatchObject(tooLarge);
  await expect(invoke(REMOTE_NAME, payload(7))).rejects.toMatchObject(tooLarge);
});

it('tells how a function is configured', async () => {
  expect(await configuration()).toMatchObject({
    FunctionArn: arn,
    Handler: 'index.handler',
    MemorySize: 128,
    Timeout: 10,
  });
});

itLocally('tells the environment of a function', async () => {
  expect((await configuration()).Environment).toEqual({ Variables: { MODELS_BUCKET: 'models' } });
});

it.each([
  ['a function that nobody made', () => 'garoa-nothing'],
  ['a version that nobody published', () => `${arn}:7`],
])('does not know %s', async (_, name) => {
  const work = invoke(name(), '{}');
  await expect(work).rejects.toThrow(ResourceNotFoundException);
  await expect(work).rejects.toThrow('Function not found: arn:aws:lambda:');
});

// The pattern of FunctionName: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
itUnlikeMiniStack('refuses what can be no name', async () => {
  await expect(invoke('no function name at all', '{}')).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

itLocally('is throttled under the name that the SDK retries', async () => {
  fault = { kind: 'throttle' };
  await expect(invoke(REMOTE_NAME, '{}')).rejects.toThrow(TooManyRequestsException);
});
