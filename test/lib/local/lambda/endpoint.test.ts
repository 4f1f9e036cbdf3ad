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
import { ACCOUNT, RESOURCES, ROLE, startTestCloud, type TestCloud } from '../support';

const ARN = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:garoa-prod-hourly`;
const HOURLY: FunctionResource = {
  name: 'garoa-prod-hourly',
  arn: ARN,
  roleArn: ROLE.arn,
  logGroup: '/aws/lambda/garoa-prod-hourly',
  handler: 'index.handler',
  assetDirectory: '/nowhere',
  environment: { MODELS_BUCKET: 'models' },
  memoryMegabytes: 1769,
  timeoutSeconds: 900,
  asynchronous: { maximumRetryAttempts: 2, maximumEventAgeSeconds: 3_000 },
};

const calls: AwsCall[] = [];
const later: { name: string; event: unknown }[] = [];
let fault: Fault | undefined;
let cloud: TestCloud;
let lambda: LambdaClient;

/** Answers with its event; an event that asks for it fails. */
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
    resources: { ...RESOURCES, functions: [HOURLY] },
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
  await cloud.close();
});

const invoke = (FunctionName: string, Payload?: string, more: object = {}) =>
  lambda.send(new InvokeCommand({ FunctionName, ...(Payload !== undefined && { Payload }), ...more }));

it.each([
  ['its name', 'garoa-prod-hourly'],
  ['its ARN', ARN],
  ['its ARN and version', `${ARN}:$LATEST`],
  ['account and name', `${ACCOUNT}:function:garoa-prod-hourly`],
])('invokes a function by %s and gives its answer', async (_, name) => {
  const { StatusCode, Payload, FunctionError, ExecutedVersion } = await invoke(name, '{"hour":"é"}');
  expect({ StatusCode, FunctionError, ExecutedVersion }).toEqual({
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
  });
  expect(Payload?.transformToString()).toBe('{"hour":"é"}');
  expect(calls).toMatchObject([{ service: 'lambda', operation: 'Invoke', subject: name }]);
});

it("gives a function's error as an answer that is marked as one", async () => {
  const { StatusCode, FunctionError, Payload } = await invoke('garoa-prod-hourly', '{"fail":true}');
  expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(JSON.parse(Payload?.transformToString() ?? '')).toMatchObject({ errorType: 'Told' });
});

it('takes no payload for an empty event, and refuses one that is no JSON', async () => {
  expect((await invoke('garoa-prod-hourly')).Payload?.transformToString()).toBe('{}');
  await expect(invoke('garoa-prod-hourly', '{"hour"')).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
  });
});

it('leaves an asynchronous invocation to those who run it, and runs nothing for a dry run', async () => {
  const sent = await invoke('garoa-prod-hourly', '{"a":1}', { InvocationType: 'Event' });
  expect(sent.StatusCode).toBe(202);
  const dry = await invoke('garoa-prod-hourly', '{"a":2}', { InvocationType: 'DryRun' });
  expect(dry.StatusCode).toBe(204);
  expect(later).toEqual([{ name: 'garoa-prod-hourly', event: { a: 1 } }]);
});

it('tells how a function is configured, its environment included', async () => {
  const found = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'garoa-prod-hourly' }));
  expect(found).toMatchObject({
    FunctionArn: ARN,
    MemorySize: 1769,
    Timeout: 900,
    Environment: { Variables: { MODELS_BUCKET: 'models' } },
  });
});

it.each(['garoa-prod-nothing', `${ARN}:7`, 'no function name at all'])('does not know %s', async (name) => {
  const work = invoke(name, '{}');
  await expect(work).rejects.toThrow(ResourceNotFoundException);
  await expect(work).rejects.toThrow('Function not found: arn:aws:lambda:us-east-1:123456789012:function:');
});

it('is throttled under the name that the SDK retries', async () => {
  fault = { kind: 'throttle' };
  await expect(invoke('garoa-prod-hourly', '{}')).rejects.toThrow(TooManyRequestsException);
});
