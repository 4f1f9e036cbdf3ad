import { VirtualClock } from '../../../../lib/local/clock';
import type { Execution } from '../../../../lib/local/step-functions/execution';
import { StateMachines } from '../../../../lib/local/step-functions/interpreter';
import type { FunctionResult } from '../../../../lib/local/step-functions/runner';

type Handler = (payload: unknown, call: number) => FunctionResult | Promise<FunctionResult>;

const START = new Date('2013-12-01T00:00:00Z');

/** Runs a definition to its end against functions given as plain handlers. */
function machine(
  definition: object,
  functions: Record<string, Handler> = {},
  objects: Record<string, string> = {},
  allows: (machineArn: string, action: string, resource: string) => boolean = () => true,
) {
  const clock = new VirtualClock(START);
  const calls: { name: string; payload: unknown }[] = [];
  const machines = new StateMachines({
    machines: [
      {
        name: 'm',
        arn: 'arn:aws:states:us-east-1:123456789012:stateMachine:m',
        definition: { QueryLanguage: 'JSONata', ...definition },
      },
    ],
    clock,
    allows,
    invokeFunction: (name, payload) => {
      calls.push({ name, payload });
      const answer = async (): Promise<FunctionResult> => {
        // A real invocation takes turns of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        const handler = functions[name];
        if (handler === undefined) throw new Error(`no function ${name}`);
        return handler(payload, calls.filter((call) => call.name === name).length);
      };
      return clock.track(answer());
    },
    readObject: async (bucket, key) => {
      const text = objects[`${bucket}/${key}`];
      if (text === undefined) throw new Error('NoSuchKey');
      return text;
    },
  });
  const finish = async (arn: string): Promise<Execution> => {
    await clock.run(undefined, () => machines.describe(arn).status !== 'RUNNING');
    return machines.describe(arn);
  };
  return {
    clock,
    calls,
    machines,
    finish,
    run: async (input: unknown = {}): Promise<Execution> => finish(machines.start('m', input)),
  };
}

const invoke = (name: string, more: object = {}): object => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: name, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  ...more,
});

const one = (state: object): object => ({ StartAt: 'A', States: { A: { End: true, ...state } } });
const failing = (error: string): FunctionResult => ({ error, cause: 'because' });
const seconds = (execution: Execution): number =>
  (Date.parse(execution.stoppedAt ?? '') - Date.parse(execution.startedAt)) / 1000;

describe('StateMachines', () => {
  it('hands the output of a function to the next state', async () => {
    const { run } = machine(
      {
        StartAt: 'A',
        States: { A: { ...invoke('double'), Next: 'B' }, B: { ...invoke('double'), End: true } },
      },
      { double: (payload) => ({ payload: Number(payload) * 2 }) },
    );
    expect(await run(5)).toMatchObject({ status: 'SUCCEEDED', output: 20 });
  });

  it('keeps variables from Assign for later states, and evaluates Assign with the old values', async () => {
    const { run } = machine({
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { x: 1 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { x: 2, y: '{% $x %}' }, Next: 'C' },
        C: { Type: 'Pass', Output: { x: '{% $x %}', y: '{% $y %}' }, End: true },
      },
    });
    expect((await run()).output).toEqual({ x: 2, y: 1 });
  });

  it('takes the first choice whose condition holds, and the default when none does', async () => {
    const { run } = machine({
      StartAt: 'A',
      States: {
        A: {
          Type: 'Choice',
          Choices: [
            { Condition: '{% $states.input.n > 10 %}', Next: 'Large', Assign: { size: 'large' } },
            { Condition: '{% $states.input.n > 5 %}', Next: 'Large', Assign: { size: 'medium' } },
          ],
          Default: 'Small',
        },
        Large: { Type: 'Succeed', Output: '{% $size %}' },
        Small: { Type: 'Succeed', Output: 'small' },
      },
    });
    expect((await run({ n: 11 })).output).toBe('large');
    expect((await run({ n: 7 })).output).toBe('medium');
    expect((await run({ n: 1 })).output).toBe('small');
  });

  it('fails with States.NoChoiceMatched when there is no default', async () => {
    const { run } = machine({
      StartAt: 'A',
      States: {
        A: { Type: 'Choice', Choices: [{ Condition: '{% false %}', Next: 'B' }] },
        B: { Type: 'Succeed' },
      },
    });
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' });
  });

  it('lets a Wait of a day pass in virtual time', async () => {
    const { run } = machine(one({ Type: 'Wait', Seconds: '{% 24 * 3600 %}' }));
    expect(seconds(await run())).toBe(86_400);
  });

  it('waits until a timestamp', async () => {
    const { run } = machine(one({ Type: 'Wait', Timestamp: '{% $states.input %}' }));
    expect(seconds(await run('2013-12-01T00:02:03Z'))).toBe(123);
  });

  it('retries with backoff up to the longest delay, then ends with the error', async () => {
    const { run, calls } = machine(
      one(
        invoke('f', {
          Retry: [
            {
              ErrorEquals: ['Busy'],
              IntervalSeconds: 2,
              BackoffRate: 3,
              MaxAttempts: 3,
              MaxDelaySeconds: 10,
            },
          ],
        }),
      ),
      { f: () => failing('Busy') },
    );
    const execution = await run();
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Busy', cause: 'because' });
    expect(calls).toHaveLength(4);
    expect(seconds(execution)).toBe(2 + 6 + 10);
  });

  it('counts the attempts of each retrier apart', async () => {
    const { run, calls } = machine(
      one(
        invoke('f', {
          Retry: [
            { ErrorEquals: ['A'], MaxAttempts: 1 },
            { ErrorEquals: ['B'], MaxAttempts: 2 },
          ],
        }),
      ),
      { f: (_, call) => (call > 3 ? { payload: 'done' } : failing(call === 1 ? 'A' : 'B')) },
    );
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', output: 'done' });
    expect(calls).toHaveLength(4);
  });

  it('draws full jitter below the interval, the same in every run', async () => {
    const definition = one(
      invoke('f', {
        Retry: [
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 100, MaxAttempts: 2, JitterStrategy: 'FULL' },
        ],
      }),
    );
    const functions = { f: () => failing('Busy') };
    const first = seconds(await machine(definition, functions).run());
    const second = seconds(await machine(definition, functions).run());
    expect(first).toBe(second);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(300);
  });

  it('does not retry an error that its retrier names with no attempts', async () => {
    const { run, calls } = machine(
      one(
        invoke('f', {
          Retry: [{ ErrorEquals: ['Refused'], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'] }],
        }),
      ),
      { f: () => failing('Refused') },
    );
    await run();
    expect(calls).toHaveLength(1);
  });

  it('catches an error with its output and variables', async () => {
    const { run } = machine(
      {
        StartAt: 'A',
        States: {
          A: invoke('f', {
            Catch: [
              {
                ErrorEquals: ['States.TaskFailed'],
                Output: '{% $states.errorOutput.Error & ": " & $states.input.id %}',
                Assign: { failed: true },
                Next: 'B',
              },
            ],
            End: true,
          }),
          B: { Type: 'Pass', Output: ['{% $states.input %}', '{% $failed %}'], End: true },
        },
      },
      { f: () => failing('Lambda.Unknown') },
    );
    expect((await run({ id: 'sp' })).output).toEqual(['Lambda.Unknown: sp', true]);
  });

  it('ends with a query error that names field and expression, and lets it be caught', async () => {
    const broken = { Type: 'Pass', Output: { a: '{% $states.input.nowhere %}' } };
    expect(await machine(one(broken)).run()).toMatchObject({
      status: 'FAILED',
      error: 'States.QueryEvaluationError',
      cause: expect.stringContaining("'Output/a' returned nothing"),
    });
    const caught = machine(
      {
        StartAt: 'A',
        States: {
          A: invoke('f', {
            Output: '{% $states.result.Payload.x.y %}',
            Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Output: 'caught', Next: 'B' }],
            End: true,
          }),
          B: { Type: 'Succeed' },
        },
      },
      { f: () => ({ payload: {} }) },
    );
    expect((await caught.run()).output).toBe('caught');
  });

  it('refuses what is larger than a state may carry, and no wildcard catches that', async () => {
    const { run } = machine(
      {
        StartAt: 'A',
        States: {
          A: invoke('f', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }], End: true }),
          B: { Type: 'Succeed' },
        },
      },
      { f: () => ({ payload: 'x'.repeat(262_145) }) },
    );
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });

  it('ends a task that is silent for longer than its timeout', async () => {
    const { run } = machine(one(invoke('f', { TimeoutSeconds: 0.02 })), {
      f: () => new Promise((resolve) => setTimeout(() => resolve({ payload: 'late' }), 500)),
    });
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });

  it('times out an execution whose waits are too long', async () => {
    const { run } = machine({ ...one({ Type: 'Wait', Seconds: 100 }), TimeoutSeconds: 60 });
    const execution = await run();
    expect(execution).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout' });
    expect(seconds(execution)).toBe(60);
  });

  it('ends with the error of a Fail state', async () => {
    const { run } = machine({
      StartAt: 'A',
      States: { A: { Type: 'Fail', Error: 'Wrong', Cause: '{% "n is " & $states.input.n %}' } },
    });
    expect(await run({ n: 3 })).toMatchObject({ status: 'FAILED', error: 'Wrong', cause: 'n is 3' });
  });

  it('runs branches side by side and gives their outputs in order', async () => {
    const branch = (name: string): object => one(invoke(name));
    const { run } = machine(one({ Type: 'Parallel', Branches: [branch('slow'), branch('fast')] }), {
      slow: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { payload: 'slow' };
      },
      fast: () => ({ payload: 'fast' }),
    });
    expect((await run()).output).toEqual(['slow', 'fast']);
  });

  describe('Map', () => {
    const map = (more: object, processor: object = invoke('f')): object =>
      one({ Type: 'Map', ItemProcessor: one(processor), ...more });

    it('selects each item and gives the outputs in order', async () => {
      const { run, calls } = machine(
        map({
          Items: '{% $states.input.items %}',
          ItemSelector: {
            value: '{% $states.context.Map.Item.Value %}',
            index: '{% $states.context.Map.Item.Index %}',
            common: '{% $states.input.common %}',
          },
        }),
        { f: (payload) => ({ payload }) },
      );
      expect((await run({ items: ['a', 'b'], common: 1 })).output).toEqual([
        { value: 'a', index: 0, common: 1 },
        { value: 'b', index: 1, common: 1 },
      ]);
      expect(calls).toHaveLength(2);
    });

    it('never runs more iterations at once than it may', async () => {
      let running = 0;
      let most = 0;
      const { run } = machine(map({ Items: [1, 2, 3, 4, 5], MaxConcurrency: 2 }), {
        f: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 2));
          running -= 1;
          return { payload: null };
        },
      });
      await run();
      expect(most).toBe(2);
    });

    it('fails with the first iteration that fails and starts no other', async () => {
      const { run, calls } = machine(map({ Items: [1, 2, 3], MaxConcurrency: 1 }), {
        f: (payload) => (payload === 2 ? failing('Two') : { payload }),
      });
      expect(await run()).toMatchObject({ status: 'FAILED', error: 'Two' });
      expect(calls.map(({ payload }) => payload)).toEqual([1, 2]);
    });

    it('lets iterations see outer variables and keeps their own to themselves', async () => {
      const { run } = machine({
        StartAt: 'A',
        States: {
          A: { Type: 'Pass', Assign: { outer: 10 }, Next: 'B' },
          B: {
            Type: 'Map',
            Items: [1, 2],
            ItemProcessor: {
              StartAt: 'C',
              States: {
                C: { Type: 'Pass', Assign: { inner: '{% $outer + $states.input %}' }, Next: 'D' },
                D: { Type: 'Pass', Output: '{% $inner %}', End: true },
              },
            },
            Next: 'E',
          },
          E: { Type: 'Pass', Output: ['{% $states.input %}', '{% $exists($inner) %}'], End: true },
        },
      });
      expect((await run()).output).toEqual([[11, 12], false]);
    });

    const distributed = (more: object, processor: object = invoke('f')): object =>
      one({
        Type: 'Map',
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          ...one(processor),
        },
        ...more,
      });
    const reader = {
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        ReaderConfig: { InputType: 'JSON' },
        Arguments: { Bucket: 'b', Key: '{% $states.input.key %}' },
      },
    };

    it('reads the items of a distributed Map from an object', async () => {
      const { run } = machine(distributed(reader), { f: (payload) => ({ payload }) }, { 'b/k': '[1,2,3]' });
      expect((await run({ key: 'k' })).output).toEqual([1, 2, 3]);
    });

    it('says so when that object is not there', async () => {
      const { run } = machine(distributed(reader), {});
      expect(await run({ key: 'k' })).toMatchObject({ error: 'States.ItemReaderFailed' });
    });

    it('tolerates as many failures as it was told, and gives the outputs of the others', async () => {
      const functions = { f: (payload: unknown) => (payload === 2 ? failing('Two') : { payload }) };
      const items = { Items: [1, 2, 3, 4] };
      const tolerant = machine(distributed({ ...items, ToleratedFailurePercentage: 25 }), functions);
      expect((await tolerant.run()).output).toEqual([1, 3, 4]);
      expect(await machine(distributed(items), functions).run()).toMatchObject({
        status: 'FAILED',
        error: 'States.ExceedToleratedFailureThreshold',
      });
    });

    it('runs each item in an execution of its own, which a redrive takes up where it failed', async () => {
      let broken = true;
      const asked: string[] = [];
      const { run, machines, finish } = machine(
        distributed({ Items: [1, 2], Label: 'Each', ToleratedFailureCount: 0, MaxConcurrency: 1 }),
        { f: (payload) => (payload === 2 && broken ? failing('Two') : { payload }) },
        {},
        (_, action, resource) => {
          asked.push(
            `${action} ${resource.replace(/^.*:123456789012:/, '').replace(/[0-9a-f-]{36}$/, 'uuid')}`,
          );
          return true;
        },
      );
      const failed = await run();
      expect(failed).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' });
      const [first, second] = machines.listChildren();
      expect(first).toMatchObject({ machine: 'm/Each', status: 'SUCCEEDED', input: 1, output: 1 });
      expect(first?.arn).toMatch(/:execution:m\/Each:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(second).toMatchObject({ status: 'FAILED', error: 'Two' });
      expect(first?.history.map(({ type }) => type)).toEqual([
        'ExecutionStarted',
        'TaskStateEntered',
        'TaskScheduled',
        'TaskStarted',
        'TaskSucceeded',
        'TaskStateExited',
        'ExecutionSucceeded',
      ]);
      expect(failed.history.map(({ type }) => type)).toEqual([
        'ExecutionStarted',
        'MapStateEntered',
        'MapStateStarted',
        'MapRunStarted',
        'MapRunFailed',
        'MapStateFailed',
        'ExecutionFailed',
      ]);
      broken = false;
      machines.redrive(failed.arn);
      expect(await finish(failed.arn)).toMatchObject({ status: 'SUCCEEDED', output: [1, 2] });
      expect(machines.listChildren().map(({ redriveCount }) => redriveCount)).toEqual([0, 1]);
      expect(asked).toEqual([
        'states:StartExecution stateMachine:m',
        'states:StartExecution stateMachine:m',
        'states:RedriveExecution execution:m/Each:uuid',
      ]);
    });

    it('starts no child execution that its role may not start', async () => {
      const { run, machines } = machine(distributed({ Items: [1] }), {}, {}, () => false);
      expect(await run()).toMatchObject({ error: 'StepFunctions.AWSStepFunctionsException' });
      expect(machines.listChildren()).toEqual([]);
    });

    it('counts what children give together before Output makes something smaller of it', async () => {
      const large = { f: () => ({ payload: 'x'.repeat(100_000) }) };
      const { run } = machine(distributed({ Items: [1, 2, 3], Output: 'small' }), large);
      expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    });

    it('hands items out in batches', async () => {
      const { run } = machine(
        distributed({
          Items: [1, 2, 3],
          ItemBatcher: { MaxItemsPerBatch: 2, BatchInput: { run: '{% $states.input.run %}' } },
        }),
        { f: (payload) => ({ payload }) },
      );
      expect((await run({ run: 'r' })).output).toEqual([
        { Items: [1, 2], BatchInput: { run: 'r' } },
        { Items: [3], BatchInput: { run: 'r' } },
      ]);
    });

    it('ends an inline Map that outgrows the history of its execution', async () => {
      const { run } = machine(
        {
          StartAt: 'A',
          States: {
            A: {
              Type: 'Pass',
              Output: '{% $reduce([1..9], function($all, $i) { $append($all, $range(1, 1000, 1)) }, []) %}',
              Next: 'B',
            },
            B: {
              Type: 'Map',
              ItemProcessor: { StartAt: 'C', States: { C: { Type: 'Pass', End: true } } },
              End: true,
            },
          },
        },
        {},
      );
      expect(await run()).toMatchObject({
        status: 'FAILED',
        error: 'States.Runtime',
        cause: expect.stringContaining('25000'),
      });
    });
  });

  it('goes on from the failed state when it is redriven, without repeating what succeeded', async () => {
    let mended = false;
    const { run, calls, machines, finish } = machine(
      {
        StartAt: 'First',
        States: {
          First: { ...invoke('first'), Next: 'Each' },
          Each: {
            Type: 'Map',
            Items: [1, 2, 3],
            MaxConcurrency: 1,
            ItemProcessor: one(invoke('each')),
            End: true,
          },
        },
      },
      {
        first: () => ({ payload: 1 }),
        each: (payload) => (payload === 2 && !mended ? failing('Broken') : { payload }),
      },
    );
    const failed = await run();
    expect(failed.status).toBe('FAILED');
    mended = true;
    machines.redrive(failed.arn);
    const redriven = await finish(failed.arn);
    expect(redriven).toMatchObject({ status: 'SUCCEEDED', output: [1, 2, 3], redriveCount: 1 });
    expect(calls.map(({ name, payload }) => (name === 'first' ? name : payload))).toEqual([
      'first',
      1,
      2,
      2,
      3,
    ]);
    expect(() => machines.redrive(failed.arn)).toThrow('ExecutionNotRedrivable');
  });

  it('starts an execution of a name once', async () => {
    const { run } = machine({
      StartAt: 'A',
      States: {
        A: {
          Type: 'Choice',
          Choices: [{ Condition: '{% $exists($states.input.child) %}', Next: 'Done' }],
          Default: 'Start',
        },
        Start: {
          Type: 'Task',
          Resource: 'arn:aws:states:::states:startExecution',
          Arguments: {
            StateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:m',
            Name: 'child',
            Input: { child: true },
          },
          Catch: [{ ErrorEquals: ['StepFunctions.ExecutionAlreadyExistsException'], Next: 'Again' }],
          Next: 'Done',
        },
        Again: { Type: 'Pass', Output: 'again', End: true },
        Done: { Type: 'Succeed' },
      },
    });
    expect((await run()).output).toMatchObject({ ExecutionArn: expect.stringContaining(':child') });
    expect((await run()).output).toBe('again');
  });

  it('shows what happened in the history', async () => {
    const { run } = machine(one(invoke('f', { Retry: [{ ErrorEquals: ['Busy'] }] })), {
      f: (_, call) => (call === 1 ? failing('Busy') : { payload: 'ok' }),
    });
    expect((await run()).history.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskFailed',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('makes uuids, random numbers and times that are the same in every run', async () => {
    const definition = one({
      Type: 'Pass',
      Output: ['{% $uuid() %}', '{% $random() %}', '{% $random(7) %}', '{% $now() %}', '{% $millis() %}'],
    });
    const first = (await machine(definition).run()).output;
    expect((await machine(definition).run()).output).toEqual(first);
    expect(first).toEqual([
      expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      expect.any(Number),
      expect.any(Number),
      '2013-12-01T00:00:00.000Z',
      START.getTime(),
    ]);
  });

  it('knows the functions that Step Functions adds to JSONata', async () => {
    const { run } = machine(
      one({
        Type: 'Pass',
        Output: {
          partition: '{% $partition([1,2,3,4,5], 2) %}',
          range: '{% $range(0, 10, 5) %}',
          hash: "{% $hash('garoa', 'SHA-256') %}",
          parse: '{% $parse(\'{"a":[1]}\').a %}',
          date: "{% $now('[Y0001]-[M01]') %}",
        },
      }),
    );
    expect((await run()).output).toEqual({
      partition: [[1, 2], [3, 4], [5]],
      range: [0, 5, 10],
      hash: 'e0e92e91f655af41a1ed14cf98266c372021bed90f284ea3401360e4e00f399d',
      parse: [1],
      date: '2013-12',
    });
  });

  it('has no $eval', async () => {
    const { run } = machine(one({ Type: 'Pass', Output: "{% $eval('1') %}" }));
    expect(await run()).toMatchObject({ error: 'States.QueryEvaluationError' });
  });

  it.each([
    ['JSONPath', { QueryLanguage: 'JSONPath', ...one({ Type: 'Pass' }) }, 'QueryLanguage'],
    ['another integration', one({ Type: 'Task', Resource: 'arn:aws:states:::dynamodb:getItem' }), 'Resource'],
    ['a state that is not there', { StartAt: 'B', States: { A: { Type: 'Succeed' } } }, 'no state "B"'],
    ['a broken expression', one({ Type: 'Pass', Output: '{% 1 + %}' }), 'Output'],
    ['a dead end', { StartAt: 'A', States: { A: { Type: 'Pass' } } }, 'neither Next nor End'],
    [
      'tolerance in an inline Map',
      one({ Type: 'Map', ToleratedFailureCount: 1, ItemProcessor: one({ Type: 'Pass' }) }),
      'needs a distributed Map',
    ],
    ['a field of another language', one({ Type: 'Pass', ResultPath: '$.x' }), 'ResultPath'],
  ])('refuses a definition with %s', (_, definition, reason) => {
    expect(() => machine(definition)).toThrow(reason);
  });
});
