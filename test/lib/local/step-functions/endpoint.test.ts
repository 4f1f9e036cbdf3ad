import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { StateMachineResource } from '../../../../lib/local/assembly/resources';
import { VirtualClock } from '../../../../lib/local/clock';
import { StateMachines } from '../../../../lib/local/step-functions/interpreter';
import { ACCOUNT, NOW, RESOURCES, ROLE, startTestCloud, type TestCloud } from '../support';

const MACHINE: StateMachineResource = {
  name: 'patient',
  arn: `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:patient`,
  roleArn: ROLE.arn,
  definition: {
    QueryLanguage: 'JSONata',
    StartAt: 'Wait a minute',
    States: {
      'Wait a minute': { Type: 'Wait', Seconds: 60, Next: 'Is it well?' },
      'Is it well?': {
        Type: 'Choice',
        Choices: [{ Condition: '{% $exists($states.input.fail) %}', Next: 'Say why' }],
        Default: 'Done',
      },
      'Say why': { Type: 'Fail', Error: 'Told', Cause: 'told to' },
      Done: { Type: 'Succeed' },
    },
  },
};
const EACH: StateMachineResource = {
  name: 'each',
  arn: `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:each`,
  roleArn: ROLE.arn,
  definition: {
    QueryLanguage: 'JSONata',
    StartAt: 'Do each',
    States: {
      'Do each': {
        Type: 'Map',
        Label: 'Each',
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'Wait',
          States: { Wait: { Type: 'Wait', Seconds: '{% $states.input %}', End: true } },
        },
        End: true,
      },
    },
  },
};
const execution = (name: string): string =>
  `arn:aws:states:us-east-1:${ACCOUNT}:execution:${MACHINE.name}:${name}`;

let cloud: TestCloud;
let clock: VirtualClock;
let sfn: SFNClient;

beforeAll(async () => {
  clock = new VirtualClock(NOW);
  const machines = new StateMachines({
    machines: [MACHINE, EACH],
    clock,
    invokeFunction: async () => ({ payload: null }),
    readObject: async () => '',
  });
  cloud = await startTestCloud({
    resources: { ...RESOURCES, stateMachines: [MACHINE, EACH] },
    compute: {
      functions: { invoke: () => Promise.reject(new Error('no functions')), invokeLater: () => undefined },
      executions: {
        start: (arn, input, name) => machines.start(arn, input, name),
        find: (arn) => machines.find(arn),
        findMapRun: (arn) => machines.findMapRun(arn),
        list: () => machines.list(),
      },
    },
  });
  sfn = new SFNClient({
    endpoint: cloud.endpoints.environment.AWS_ENDPOINT_URL_SFN ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  sfn.destroy();
  await cloud.close();
});

const start = (name: string | undefined, input?: string, stateMachineArn = MACHINE.arn) =>
  sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
const describeExecution = (executionArn: string) => sfn.send(new DescribeExecutionCommand({ executionArn }));

it('tells of an execution while it runs, and what came of it', async () => {
  const begun = clock.now();
  expect(await start('well', '{"a":"é"}')).toMatchObject({
    executionArn: execution('well'),
    startDate: begun,
  });
  const running = await describeExecution(execution('well'));
  expect(running).toMatchObject({ status: 'RUNNING', stateMachineArn: MACHINE.arn, input: '{"a":"é"}' });
  expect(running.stopDate).toBeUndefined();
  await clock.run();
  expect(await describeExecution(execution('well'))).toMatchObject({
    status: 'SUCCEEDED',
    output: '{"a":"é"}',
    startDate: begun,
    stopDate: new Date(begun.getTime() + 60_000),
  });
});

it('gives error and cause of one that failed', async () => {
  await start('ill', '{"fail":1}');
  await clock.run();
  const { status, error, cause, output } = await describeExecution(execution('ill'));
  expect({ status, error, cause, output }).toEqual({ status: 'FAILED', error: 'Told', cause: 'told to' });
});

it('takes the same name and input for the same request as long as the execution runs', async () => {
  const first = await start('twice', '{"a": 1}');
  expect((await start('twice', '{"a":1}')).executionArn).toBe(first.executionArn);
  await expect(start('twice', '{"a":2}')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  await clock.run();
  await expect(start('twice', '{"a":1}')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
});

it('makes up a name, and takes no input for an empty one', async () => {
  const { executionArn = '' } = await start(undefined);
  expect((await describeExecution(executionArn)).input).toBe('{}');
  await clock.run();
});

it('tells which states were entered, latest first when asked, page by page', async () => {
  await start('told', '{}');
  await clock.run();
  const history = (more: object) =>
    sfn.send(new GetExecutionHistoryCommand({ executionArn: execution('told'), ...more }));
  const { events = [], nextToken } = await history({});
  expect(nextToken).toBeUndefined();
  expect(events.flatMap(({ stateEnteredEventDetails: entered }) => entered?.name ?? [])).toEqual([
    'Wait a minute',
    'Is it well?',
    'Done',
  ]);
  const last = await history({ reverseOrder: true, maxResults: 2 });
  expect(last.events?.map(({ id }) => id)).toEqual([events.length, events.length - 1]);
  const next = await history({ reverseOrder: true, maxResults: 2, nextToken: last.nextToken });
  expect(next.events?.map(({ id }) => id)).toEqual([events.length - 2, events.length - 3]);
});

it('tells how far a distributed Map is', async () => {
  const { executionArn } = await start('map', '[10, 20, 30]', EACH.arn);
  await clock.run(new Date(clock.now().getTime() + 15_000));
  const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn }));
  const [mapRunArn] = events.flatMap(({ mapRunStartedEventDetails: run }) => run?.mapRunArn ?? []);
  expect(mapRunArn).toBe(`arn:aws:states:us-east-1:${ACCOUNT}:mapRun:each/Each:run-0001`);
  const described = () => sfn.send(new DescribeMapRunCommand({ mapRunArn }));
  const counts = { total: 3, failed: 0 };
  expect(await described()).toMatchObject({
    executionArn,
    status: 'RUNNING',
    itemCounts: { ...counts, succeeded: 1, running: 2 },
  });
  await clock.run();
  expect(await described()).toMatchObject({
    status: 'SUCCEEDED',
    itemCounts: { ...counts, succeeded: 3, running: 0 },
  });
});

it("lists a machine's executions, newest first", async () => {
  const list = (more: object = {}) =>
    sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE.arn, ...more }));
  const { executions = [] } = await list();
  expect(executions.map(({ name }) => name)).toEqual([
    'told',
    expect.stringContaining('run-'),
    'twice',
    'ill',
    'well',
  ]);
  expect((await list({ statusFilter: 'FAILED' })).executions?.map(({ name }) => name)).toEqual(['ill']);
  expect((await list({ maxResults: 1 })).nextToken).toBe('1');
});

it.each([
  ['a machine that nobody made', () => start('a', '{}', `${MACHINE.arn}s`), 'StateMachineDoesNotExist'],
  ['what is no ARN of a machine', () => start('a', '{}', 'patient'), 'InvalidArn'],
  ['a name with a blank', () => start('a b'), 'InvalidName'],
  ['an input that is no JSON', () => start('a', '{'), 'InvalidExecutionInput'],
  ['an input beyond 256 KiB', () => start('a', JSON.stringify('é'.repeat(131_072))), 'ValidationException'],
  ['an execution that nobody started', () => describeExecution(execution('none')), 'ExecutionDoesNotExist'],
  [
    'a Map that nobody ran',
    () => sfn.send(new DescribeMapRunCommand({ mapRunArn: 'none' })),
    'ResourceNotFound',
  ],
  ['what is no ARN of an execution', () => describeExecution('none'), 'InvalidArn'],
  [
    'a page that it never gave',
    () => sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE.arn, nextToken: 'x' })),
    'InvalidToken',
  ],
])('refuses %s', async (_, call, name) => {
  await expect(call()).rejects.toMatchObject({ name });
});
