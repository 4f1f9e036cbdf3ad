import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { operate } from '../../../lib/operate/main';
import { fakeTerminal } from './terminal';

describe('an execution in AWS', () => {
  const lambda = mockClient(LambdaClient);
  const sfn = mockClient(SFNClient);
  const ARN = 'arn:aws-cn:states:cn-north-1:123456789012:execution:garoa-prod-backfill:x';

  beforeEach(() => {
    lambda.reset();
    sfn.reset();
    lambda.on(GetFunctionConfigurationCommand).resolves({
      FunctionArn: 'arn:aws-cn:lambda:cn-north-1:123456789012:function:garoa-prod-hourly',
      Environment: {
        Variables: { RAW_BUCKET: 'r', PROCESSED_BUCKET: 'p', MODELS_BUCKET: 'm', QUERY_RESULTS_BUCKET: 'q' },
      },
    });
    sfn.on(StartExecutionCommand).resolves({ executionArn: ARN });
    sfn.on(GetExecutionHistoryCommand).resolves({ events: [] });
  });
  async function backfill(...more: string[]): Promise<{ code: number; out: string; err: string }> {
    const terminal = fakeTerminal({ isTTY: true });
    const range = ['--from', '2026-01-01', '--to', '2026-01-02', '--region', 'cn-north-1'];
    const code = await operate(['backfill', ...range, ...more], terminal);
    return { code, out: terminal.out(), err: terminal.err() };
  }

  it('is started in the partition, account and region of the functions, under a name of its own', async () => {
    const { code, out, err } = await backfill('--no-wait', '--force', '--json');
    expect(code).toBe(0);
    const [call] = sfn.commandCalls(StartExecutionCommand);
    const { stateMachineArn, name, input } = call?.args[0].input ?? {};
    expect(stateMachineArn).toBe(
      'arn:aws-cn:states:cn-north-1:123456789012:stateMachine:garoa-prod-backfill',
    );
    expect(name).toMatch(/^ordered-\d{8}T\d{6}Z-[0-9a-f]{8}$/);
    expect(input).toBe('{"from":"2026-01-01","to":"2026-01-02","force":true}');
    const link = `https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/${ARN}`;
    expect(err).toContain(`Started garoa-prod-backfill, execution ${name}\n`);
    expect(err).toContain(`${link}\n`);
    expect(JSON.parse(out)).toMatchObject({ execution: name, executionArn: ARN, link });
    expect(sfn.commandCalls(DescribeExecutionCommand)).toEqual([]);
  });

  it('is watched until it ends: which state it is in, and how many items of a Map are done', async () => {
    jest.useFakeTimers({ advanceTimers: true, now: new Date('2026-02-01') });
    const mapRunArn = 'arn:aws-cn:states:cn-north-1:123456789012:mapRun:garoa-prod-backfill/Day:1';
    sfn.on(GetExecutionHistoryCommand).resolves({
      events: [
        {
          id: 3,
          type: 'MapRunStarted',
          timestamp: new Date(),
          mapRunStartedEventDetails: { mapRunArn },
        },
        {
          id: 2,
          type: 'MapStateEntered',
          timestamp: new Date(),
          stateEnteredEventDetails: { name: 'Fetch each day' },
        },
      ],
    });
    sfn.on(DescribeMapRunCommand, { mapRunArn }).resolves({ itemCounts: itemCounts(9, 1, 12) });
    sfn
      .on(DescribeExecutionCommand)
      .resolvesOnce({ status: 'RUNNING' })
      .resolvesOnce({ status: 'RUNNING' })
      .resolves({ status: 'SUCCEEDED', output: '{"days":12,"unfinished":[]}' });
    const work = backfill();
    await jest.advanceTimersByTimeAsync(6_000);
    const { code, out, err } = await work;
    jest.useRealTimers();
    expect({ code, out }).toEqual({ code: 0, out: 'All 12 days from 2026-01-01 on are filled.\n' });
    expect(err).toContain('Fetch each day, 10 of 12');
  });

  it.each([
    [{ status: 'ABORTED' }, 'was stopped.'],
    [{ status: 'TIMED_OUT', error: 'States.Timeout' }, 'timed out: States.Timeout'],
    [
      { status: 'FAILED', error: 'EventRefused', cause: '{"errorMessage":"to: not yet","trace":[]}' },
      'failed: EventRefused: to: not yet',
    ],
    [{ status: 'FAILED', error: 'X', cause: '{not JSON' }, 'failed: X: {not JSON'],
  ] as const)('that ends as %j makes the command fail, and is told with its cause', async (end, sentence) => {
    sfn.on(DescribeExecutionCommand).resolves(end);
    const { code, out, err } = await backfill();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('✗ garoa-prod-backfill');
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^garoa-prod-backfill ordered-/);
    expect(err.trimEnd().endsWith(sentence)).toBe(true);
  });

  it('goes on when it can no longer be watched, and that is said', async () => {
    const expired = Object.assign(new Error('expired'), { name: 'ExpiredTokenException' });
    sfn.on(DescribeExecutionCommand).rejects(expired);
    const { code, err } = await backfill();
    expect(code).toBe(1);
    expect(err).toContain('goes on out of sight. AWS does not accept your credentials');
  });

  it('is not started for places when the deployed code does not tell its places', async () => {
    lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: answer('EventRefused') });
    const { code, err } = await backfill('--locations', 'jfk');
    expect(code).toBe(1);
    expect(err).toContain('garoa-prod was deployed from another version of this code');
    expect(sfn.commandCalls(StartExecutionCommand)).toEqual([]);
  });
});

function itemCounts(succeeded: number, failed: number, total: number) {
  return { pending: 0, running: 0, timedOut: 0, aborted: 0, resultsWritten: 0, succeeded, failed, total };
}

/** What Lambda gives for a function that threw. */
function answer(errorType: string) {
  const bytes = new TextEncoder().encode(JSON.stringify({ errorType, errorMessage: 'no' }));
  return Object.assign(bytes, { transformToString: () => new TextDecoder().decode(bytes) });
}
