import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  DescribeMapRunCommand,
  GetExecutionHistoryCommand,
  type GetExecutionHistoryCommandOutput,
  ListExecutionsCommand,
  paginateListStateMachines,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { StateMachineResource } from '../../../../lib/local/assembly/resources';
import { VirtualClock } from '../../../../lib/local/clock';
import { StateMachines } from '../../../../lib/local/step-functions/interpreter';
import { itLocally, itUnlikeMiniStack, REMOTE } from '../remote';
import { DEFINITION, REMOTE_NAME } from '../remote-parts';
import { ACCOUNT, NOW, RESOURCES, ROLE, startTestCloud, type TestCloud } from '../support';

const MACHINE: StateMachineResource = {
  name: REMOTE_NAME,
  arn: `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:${REMOTE_NAME}`,
  roleArn: ROLE.arn,
  definition: DEFINITION,
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
/** An account knows a name for 90 days. */
const RUN = REMOTE === undefined ? 'run' : String(Date.now());
const named = (name: string): string => `${RUN}-${name}`;

let cloud: TestCloud;
let clock: VirtualClock;
let sfn: SFNClient;
let machineArn = MACHINE.arn;

beforeAll(async () => {
  clock = new VirtualClock(NOW);
  const machines = new StateMachines({
    machines: [MACHINE, EACH],
    clock,
    invokeFunction: async () => ({ error: 'Told', cause: 'told to' }),
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
  if (REMOTE !== undefined) {
    sfn = new SFNClient({ maxAttempts: 1 });
    for await (const { stateMachines = [] } of paginateListStateMachines({ client: sfn }, {})) {
      machineArn = stateMachines.find(({ name }) => name === REMOTE_NAME)?.stateMachineArn ?? machineArn;
    }
    return;
  }
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

const execution = (name: string): string =>
  `${machineArn.replace(':stateMachine:', ':execution:')}:${named(name)}`;
const start = (name: string | undefined, input?: string, stateMachineArn = machineArn) =>
  sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
const describeExecution = (executionArn: string) => sfn.send(new DescribeExecutionCommand({ executionArn }));

/** Lets an execution come to its end: on the virtual clock, or in the account. */
async function ended(executionArn: string): Promise<DescribeExecutionCommandOutput> {
  if (REMOTE === undefined) await clock.run();
  for (;;) {
    const described = await describeExecution(executionArn);
    if (described.status !== 'RUNNING') return described;
    await delay(500);
  }
}

async function historyOf(executionArn: string, more: object = {}): Promise<GetExecutionHistoryCommandOutput> {
  return sfn.send(new GetExecutionHistoryCommand({ executionArn, ...more }));
}

it('tells of an execution while it runs, and what came of it', async () => {
  const { executionArn = '', startDate } = await start(named('well'), '{"a":"é"}');
  expect(executionArn).toBe(execution('well'));
  const running = await describeExecution(executionArn);
  expect(running).toMatchObject({ status: 'RUNNING', stateMachineArn: machineArn, input: '{"a":"é"}' });
  expect(running.stopDate).toBeUndefined();
  const { status, output, stopDate, ...done } = await ended(executionArn);
  expect({ status, output: JSON.parse(output ?? '') }).toEqual({ status: 'SUCCEEDED', output: { a: 'é' } });
  expect(done.startDate).toEqual(startDate);
  const milliseconds = Number(stopDate) - Number(startDate);
  expect(milliseconds).toBeGreaterThanOrEqual(2_000);
  expect(milliseconds).toBeLessThan(REMOTE === undefined ? 2_001 : 20_000);
});

it('gives error and cause of one that failed', async () => {
  await start(named('ill'), '{"fail":1}');
  expect(await ended(execution('ill'))).toMatchObject({ status: 'FAILED', error: 'Told', cause: 'told to' });
});

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
itUnlikeMiniStack('gives no output of one that failed', async () => {
  expect((await describeExecution(execution('ill'))).output).toBeUndefined();
});

it('goes through Choice, Pass, Map, Retry and Catch', async () => {
  await start(named('long'), '{"items":[1,2]}');
  const { status, output } = await ended(execution('long'));
  expect({ status, output: JSON.parse(output ?? 'null') }).toEqual({
    status: 'SUCCEEDED',
    output: { doubled: [2, 4], caught: true },
  });
});

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
itUnlikeMiniStack('notes each step, iteration and attempt', async () => {
  const { events = [] } = await historyOf(execution('long'));
  const iteration = ['MapIterationStarted', 'PassStateEntered', 'PassStateExited', 'MapIterationSucceeded'];
  const attempt = ['TaskScheduled', 'TaskStarted', 'TaskFailed'];
  expect(events.map(({ type }) => type)).toEqual([
    ...['ExecutionStarted', 'WaitStateEntered', 'WaitStateExited', 'ChoiceStateEntered', 'ChoiceStateExited'],
    ...['PassStateEntered', 'PassStateExited', 'MapStateEntered', 'MapStateStarted'],
    ...[...iteration, ...iteration, 'MapStateSucceeded', 'MapStateExited'],
    ...['TaskStateEntered', ...attempt, ...attempt, 'TaskStateExited'],
    ...['SucceedStateEntered', 'SucceedStateExited', 'ExecutionSucceeded'],
  ]);
});

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
itUnlikeMiniStack(
  'takes the same name and input for the same request as long as the execution runs',
  async () => {
    const first = await start(named('twice'), '{"a":1}');
    expect((await start(named('twice'), '{"a":1}')).executionArn).toBe(first.executionArn);
  },
);

it('refuses a name that another input has taken, or an execution that has ended', async () => {
  await start(named('taken'), '{"a":1}');
  const taken = { name: 'ExecutionAlreadyExists' };
  await expect(start(named('taken'), '{"a":2}')).rejects.toMatchObject(taken);
  await ended(execution('taken'));
  await expect(start(named('taken'), '{"a":1}')).rejects.toMatchObject(taken);
});

it('makes up a name, and takes no input for an empty one', async () => {
  const { executionArn = '' } = await start(undefined);
  expect((await describeExecution(executionArn)).input).toBe('{}');
  await ended(executionArn);
});

it('tells which states were entered, latest first when asked, page by page', async () => {
  await start(named('told'), '{}');
  await ended(execution('told'));
  const history = (more: object) => historyOf(execution('told'), more);
  const { events = [], nextToken } = await history({});
  expect(nextToken).toBeUndefined();
  expect(events.flatMap(({ stateEnteredEventDetails: entered }) => entered?.name ?? [])).toEqual([
    'Wait a little',
    'Which way?',
    'Done',
  ]);
  const last = await history({ reverseOrder: true, maxResults: 2 });
  expect(last.events?.map(({ id }) => id)).toEqual([events.length, events.length - 1]);
  const next = await history({ reverseOrder: true, maxResults: 2, nextToken: last.nextToken });
  expect(next.events?.map(({ id }) => id)).toEqual([events.length - 2, events.length - 3]);
});

itLocally('tells how far a distributed Map is', async () => {
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

it("lists a machine's executions, newest first, page by page", async () => {
  for (const name of ['first', 'second']) {
    await start(named(name), '{"fail":1}');
    await ended(execution(name));
  }
  const list = async (more: object = {}) => {
    const reply = await sfn.send(new ListExecutionsCommand({ stateMachineArn: machineArn, ...more }));
    const names = reply.executions?.map(({ name }) => name).filter((name) => name?.startsWith(RUN));
    return { names, nextToken: reply.nextToken };
  };
  expect((await list()).names?.slice(0, 3)).toEqual(['second', 'first', 'told'].map(named));
  const failed = { statusFilter: 'FAILED' };
  expect((await list(failed)).names).toEqual(['second', 'first', 'ill'].map(named));
  const { names, nextToken } = await list({ ...failed, maxResults: 2 });
  expect(names).toEqual(['second', 'first'].map(named));
  expect((await list({ ...failed, maxResults: 2, nextToken })).names).toEqual([named('ill')]);
});

it.each([
  ['a machine that nobody made', () => start('a', '{}', `${machineArn}s`), 'StateMachineDoesNotExist'],
  ['an execution that nobody started', () => describeExecution(execution('none')), 'ExecutionDoesNotExist'],
  [
    'a Map that nobody ran',
    () =>
      sfn.send(
        new DescribeMapRunCommand({ mapRunArn: `${machineArn.replace(':stateMachine:', ':mapRun:')}/x:y` }),
      ),
    'ResourceNotFound',
  ],
  [
    'a page that it never gave',
    () => sfn.send(new ListExecutionsCommand({ stateMachineArn: machineArn, nextToken: 'x' })),
    'InvalidToken',
  ],
])('refuses %s', async (_, call, name) => {
  await expect(call()).rejects.toMatchObject({ name });
});

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
itUnlikeMiniStack.each([
  ['what is no ARN of a machine', () => start('a', '{}', 'patient'), 'InvalidArn'],
  ['a name with a blank', () => start('a b'), 'InvalidName'],
  ['an input that is no JSON', () => start(undefined, '{'), 'InvalidExecutionInput'],
  [
    'an input beyond 256 KiB',
    () => start(undefined, JSON.stringify('é'.repeat(131_072))),
    'ValidationException',
  ],
  ['what is no ARN of an execution', () => describeExecution('none'), 'InvalidArn'],
])('refuses %s', async (_, call, name) => {
  await expect(call()).rejects.toMatchObject({ name });
});
