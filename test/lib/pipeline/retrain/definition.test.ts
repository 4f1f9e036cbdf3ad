import aslValidator from 'asl-validator';
import * as z from 'zod';
import { parseStep } from '../../../../lambdas/retrain/steps';
import { configSchema } from '../../../../lib/config';
import { LAMBDA_RETRIES } from '../../../../lib/constructs/retries';
import { VirtualClock } from '../../../../lib/local/clock';
import { ConcurrencyLimit, Throttled } from '../../../../lib/local/lambda/concurrency';
import type { Execution } from '../../../../lib/local/step-functions/execution';
import { StateMachines } from '../../../../lib/local/step-functions/interpreter';
import type { FunctionResult } from '../../../../lib/local/step-functions/runner';
import { concurrency } from '../../../../lib/pipeline/concurrency';
import { retrainingDefinition } from '../../../../lib/pipeline/retrain/definition';

const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:garoa-test-retrain';
const run = {
  id: 'run-0001',
  asOf: '2013-12-01T00:00:00Z',
  fromHour: '2013-01-01T00:00:00Z',
  toHour: '2013-11-30T22:00:00Z',
  reason: 'scheduled',
};

type Event = ReturnType<typeof parseStep>;
type Answer = unknown | ((event: Event) => unknown);
class StepFailed extends Error {
  constructor(override readonly name: string) {
    super('as the test wants it');
  }
}

/** What the steps say when all goes well. */
function usualAnswer(event: Event, items: readonly { readonly location: string }[] = []): unknown {
  const place = 'location' in event ? { run, location: event.location } : {};
  switch (event.step) {
    case 'plan':
      return {
        run,
        locationsKey: 'retrain/run-0001/locations.json',
        chunks: [{ first: 0, count: items.length }],
      };
    case 'prepare':
      return { prepared: items.length };
    case 'inspect':
      return {
        ...place,
        trainable: true,
        reasons: [],
        round: 0,
        batches: [
          { first: 0, count: 2 },
          { first: 2, count: 1 },
        ],
      };
    case 'score':
      return { scored: 1, refused: 0 };
    case 'refine':
      return {
        ...place,
        round: event.round + 1,
        batches: event.round === 0 ? [{ first: 3, count: 4 }] : [],
      };
    case 'test':
      return { ...place, decision: 'promote', reasons: ['better'], expectedChampion: null };
    case 'refit':
      return {
        ...place,
        version: '20131201T000000Z-0123abcd',
        outcome: 'promoted',
        expectedChampion: null,
      };
    case 'promote':
      return 'promoted';
    case 'keep':
      return 'kept';
    case 'fail':
      return 'failed';
    case 'publish':
      return { locations: items.length, failed: 0, summaryKey: 'retrain/run-0001/summary.json' };
  }
}

const definitionFor = (locationCount: number, accountConcurrency = 10) =>
  retrainingDefinition({
    functionArn: FUNCTION,
    queryResultsBucket: 'results',
    locationCount,
    concurrency: concurrency({ accountConcurrency, pollSchedules: 1, locationCount, providerDaysAtOnce: 4 }),
    partition: 'aws',
  });

/** Runs the machine against a function that answers as the steps would, except where a test wants otherwise. */
async function execute(
  locations: readonly string[],
  answers: Partial<Record<Event['step'], Answer>>,
  locationCount = locations.length,
): Promise<{
  execution: Execution;
  events: Event[];
  names: readonly string[];
  children: readonly Execution[];
  redrive: () => Promise<Execution>;
}> {
  const items = locations.map((location) => ({ location }));
  const events: Event[] = [];
  const clock = new VirtualClock(new Date('2013-12-01T00:10:00Z'));
  const machines = new StateMachines({
    machines: [
      {
        name: 'retrain',
        arn: 'arn:aws:states:us-east-1:123456789012:stateMachine:retrain',
        definition: definitionFor(locationCount),
      },
    ],
    clock,
    readObject: async (bucket, key) => {
      expect([bucket, key]).toEqual(['results', 'retrain/run-0001/locations.json']);
      return JSON.stringify(items);
    },
    invokeFunction: async (name, payload): Promise<FunctionResult> => {
      expect(name).toBe(FUNCTION);
      try {
        // The real function's parser: a state that sends another shape fails here.
        const event = parseStep(payload);
        events.push(event);
        const answer = answers[event.step] ?? usualAnswer(event, items);
        return { payload: typeof answer === 'function' ? answer(event) : answer };
      } catch (error) {
        const { name: errorType, message } = error instanceof Error ? error : new Error(String(error));
        return { error: errorType, cause: JSON.stringify({ errorType, errorMessage: message }) };
      }
    },
  });
  const arn = machines.start('retrain', { scheduledTime: '2013-12-01T00:00:00Z' });
  const finish = async () => {
    await clock.run(undefined, () => machines.describe(arn).status !== 'RUNNING');
    return machines.describe(arn);
  };
  const execution = await finish();
  return {
    redrive: () => {
      machines.redrive(arn);
      return finish();
    },
    execution,
    events,
    names: [execution, ...machines.listChildren()].flatMap(({ history }) =>
      history.flatMap(({ type, name }) =>
        type.endsWith('StateEntered') && name !== undefined ? [name] : [],
      ),
    ),
    children: machines.listChildren(),
  };
}

const stepsOf = (events: readonly Event[], location: string) =>
  events.filter((event) => 'location' in event && event.location === location).map(({ step }) => step);

/** Two batches, a closer look that asks for one more, and another that finds nothing left to try. */
const searched = ['inspect', 'score', 'score', 'refine', 'score', 'refine'];

describe('the retraining machine', () => {
  it.each([1, 5_000])('is valid Amazon States Language for %d locations', (locationCount) => {
    const definition = definitionFor(locationCount);
    const { isValid, errorsText } = aslValidator(JSON.parse(JSON.stringify(definition)));
    expect(isValid ? '' : errorsText('\n')).toBe('');
  });

  it('puts a time limit on itself and on every task, and retries each but what bad input causes', () => {
    const definition = definitionFor(41);
    const tasks = tasksOf(definition);
    expect(tasks.length).toBe(11);
    for (const task of tasks) {
      expect(task.TimeoutSeconds).toBeGreaterThan(0);
      expect(task.Retry[0]).toMatchObject({
        ErrorEquals: expect.arrayContaining(['Refused']),
        MaxAttempts: 0,
      });
    }
    expect(definition.TimeoutSeconds).toBeGreaterThan(0);
  });

  it('gives names that a console fits, to states that say what they do', () => {
    for (const name of namesOf(definitionFor(3))) {
      expect(name.length).toBeLessThanOrEqual(80);
      expect(name).toMatch(/^[A-Z][a-z]+( [a-z]+)+\??$/);
    }
  });

  it('takes a location from training set to champion, all rounds of the search before the test', async () => {
    const { execution, events } = await execute(['ewr'], {});
    expect(execution.status).toBe('SUCCEEDED');
    expect(stepsOf(events, 'ewr')).toEqual([...searched, 'test', 'refit', 'promote']);
    expect(
      events.filter(({ step }) => step === 'score').map((event) => 'batch' in event && event.batch),
    ).toEqual([
      { first: 0, count: 2 },
      { first: 2, count: 1 },
      { first: 3, count: 4 },
    ]);
    expect(events.flatMap((event) => (event.step === 'refine' ? [event.round] : []))).toEqual([0, 1]);
    expect(events.at(-1)).toMatchObject({ step: 'publish', run });
    expect(execution.output).toMatchObject({ locations: 1, failed: 0 });
  });

  it('keeps the champion when the refit is broken, for the reasons that the refit gives', async () => {
    const { events } = await execute(['ewr'], {
      refit: { run, location: 'ewr', outcome: 'kept', reasons: ['The refit is broken.'] },
    });
    expect(events.find(({ step }) => step === 'keep')).toMatchObject({ reasons: ['The refit is broken.'] });
    expect(events.some(({ step }) => step === 'promote')).toBe(false);
  });

  it('hands the champion that the decision was made against on to the promotion', async () => {
    const { events } = await execute(['ewr'], {
      test: { run, location: 'ewr', decision: 'refresh', reasons: [], expectedChampion: '"etag"' },
      refit: {
        run,
        location: 'ewr',
        version: '20131201T000000Z-0123abcd',
        outcome: 'refreshed',
        expectedChampion: '"etag"',
      },
    });
    expect(events.find(({ step }) => step === 'refit')).toMatchObject({ decision: 'refresh' });
    expect(events.find(({ step }) => step === 'promote')).toMatchObject({
      version: '20131201T000000Z-0123abcd',
      decision: { outcome: 'refreshed', expectedChampion: '"etag"' },
    });
  });

  it('keeps the champion when the gate says so', async () => {
    const { execution, events } = await execute(['ewr'], {
      test: { run, location: 'ewr', decision: 'keep', reasons: ['worse'], expectedChampion: null },
    });
    expect(execution.status).toBe('SUCCEEDED');
    expect(stepsOf(events, 'ewr')).toEqual([...searched, 'test', 'keep']);
    expect(events.find(({ step }) => step === 'keep')).toMatchObject({ reasons: ['worse'] });
  });

  it('keeps the champion when no challenger can be made, without a search', async () => {
    const { events } = await execute(['ewr'], {
      inspect: { run, location: 'ewr', trainable: false, reasons: ['too few hours'], round: 0, batches: [] },
    });
    expect(stepsOf(events, 'ewr')).toEqual(['inspect', 'keep']);
    expect(events.find(({ step }) => step === 'keep')).toMatchObject({ reasons: ['too few hours'] });
  });

  it.each(['inspect', 'score', 'refine', 'test', 'refit', 'promote', 'keep'] as const)(
    'records the failure of one location in "%s" and goes on with the others',
    async (failing) => {
      const { execution, events } = await execute(['ewr', 'jfk'], {
        [failing]: (event: Event) => {
          if ('location' in event && event.location === 'ewr') throw new StepFailed('TrainingSetDamaged');
          return usualAnswer(event);
        },
        ...(failing === 'keep' && {
          test: (event: Event) => ({
            run,
            location: 'location' in event ? event.location : '',
            decision: 'keep',
            reasons: ['worse'],
            expectedChampion: null,
          }),
        }),
      });
      expect(execution.status).toBe('SUCCEEDED');
      expect(stepsOf(events, 'ewr').at(-1)).toBe('fail');
      expect(events.find(({ step }) => step === 'fail')).toMatchObject({
        location: 'ewr',
        error: { Error: 'TrainingSetDamaged', Cause: expect.stringContaining('as the test wants it') },
      });
      expect(stepsOf(events, 'jfk').at(-1)).toBe(failing === 'keep' ? 'keep' : 'promote');
      expect(events.at(-1)?.step).toBe('publish');
    },
  );

  it('publishes even when a failure can not be recorded', async () => {
    const { execution, events } = await execute(['ewr', 'jfk'], {
      inspect: (event: Event) => {
        if ('location' in event && event.location === 'ewr') throw new StepFailed('TrainingSetDamaged');
        return usualAnswer(event);
      },
      fail: () => {
        throw new StepFailed('AccessDenied');
      },
    });
    expect(execution.status).toBe('SUCCEEDED');
    expect(stepsOf(events, 'jfk').at(-1)).toBe('promote');
    expect(events.at(-1)?.step).toBe('publish');
  });

  it('fails in the end when no location could be retrained', async () => {
    const { execution } = await execute(['ewr'], {
      publish: { locations: 1, failed: 1, summaryKey: 'retrain/run-0001/summary.json' },
    });
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'EveryLocationFailed',
      cause: expect.stringContaining('summary.json'),
    });
  });

  it('refuses bad input at once and tries a throttled service again', async () => {
    let plans = 0;
    const refused = await execute(['ewr'], {
      plan: () => {
        plans++;
        throw new StepFailed('Refused');
      },
    });
    expect(refused.execution).toMatchObject({ status: 'FAILED', error: 'Refused' });
    expect(plans).toBe(1);

    let prepares = 0;
    const throttled = await execute(['ewr'], {
      prepare: () => {
        prepares++;
        if (prepares < 3) throw new StepFailed('AthenaTimedOut');
        return { prepared: 1 };
      },
    });
    expect(throttled.execution.status).toBe('SUCCEEDED');
    expect(prepares).toBe(3);
  });

  it('fails when the training sets can not be made, and goes on from there when it is redriven', async () => {
    let athenaWorks = false;
    const { execution, events, redrive } = await execute(['ewr'], {
      prepare: () => {
        if (!athenaWorks) throw new StepFailed('AthenaQueryFailed');
        return { prepared: 1 };
      },
    });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'AthenaQueryFailed' });
    expect(stepsOf(events, 'ewr')).toEqual([]);
    athenaWorks = true;
    expect(await redrive()).toMatchObject({ status: 'SUCCEEDED', redriveCount: 1 });
    expect(events.filter(({ step }) => step === 'plan')).toHaveLength(1);
    expect(stepsOf(events, 'ewr').at(-1)).toBe('promote');
  });

  it('retrains many locations in executions of their own, one failure told from the others', async () => {
    const locations = Array.from({ length: 60 }, (_, i) => `place-${i}`);
    const { execution, events } = await execute(locations, {
      inspect: (event: Event) => {
        if ('location' in event && event.location === 'place-7') throw new StepFailed('TrainingSetDamaged');
        return usualAnswer(event);
      },
    });
    expect(execution.status).toBe('SUCCEEDED');
    expect(events.filter(({ step }) => step === 'promote')).toHaveLength(59);
    expect(events.filter(({ step }) => step === 'fail')).toHaveLength(1);
  });

  it('publishes what there is when too many children of the distributed map are lost', async () => {
    const locations = Array.from({ length: 60 }, (_, i) => `place-${i}`);
    const { execution, events } = await execute(locations, {
      inspect: () => {
        throw new StepFailed('AccessDenied');
      },
      fail: () => ({ tooLargeForAState: 'x'.repeat(300_000) }),
      publish: { locations: 60, failed: 60, summaryKey: 'retrain/run-0001/summary.json' },
    });
    expect(events.at(-1)?.step).toBe('publish');
    expect(execution).toMatchObject({ status: 'FAILED', error: 'EveryLocationFailed' });
  });

  it('keeps the history of every execution far from its limit, whatever the configuration allows', async () => {
    const EVENTS_OF_AN_ATTEMPT = 3;
    const eventsWith = async (count: number): Promise<number> => {
      const batches = Array.from({ length: count }, (_, first) => ({ first, count: 1 }));
      const { children } = await execute(['ewr'], {
        inspect: { run, location: 'ewr', trainable: true, reasons: [], round: 0, batches },
        refine: { run, location: 'ewr', round: 0, batches: [] },
      });
      expect(children).toMatchObject([{ status: 'SUCCEEDED' }]);
      return children[0]?.history.length ?? 0;
    };
    const [few, more] = [await eventsWith(10), await eventsWith(20)];
    const perBatch = (more - few) / 10;
    // Entered, scheduled, started, succeeded, left, and the iteration's own two.
    expect(perBatch).toBe(7);
    const { training } = configSchema.parse({ training: { candidates: 500 } });
    const throttled = LAMBDA_RETRIES[0].MaxAttempts * EVENTS_OF_AN_ATTEMPT;
    expect(few + (training.candidates - 10) * (perBatch + throttled)).toBeLessThan(25_000);
    expect(() => configSchema.parse({ training: { candidates: 501 } })).toThrow('candidates');
  });

  it('retrains a hundred places beside a poll a minute, with ten executions at once and none to spare', async () => {
    const locations = Array.from({ length: 100 }, (_, i) => `place-${i}`);
    const items = locations.map((location) => ({ location }));
    const clock = new VirtualClock(new Date('2013-12-01T00:10:00Z'));
    const account = new ConcurrencyLimit(10);
    let throttled = 0;
    /** Somebody else of the account, who takes all that is left for a quarter of an hour. */
    const others = 6;
    const during = async (seconds: number): Promise<boolean> => {
      let release: () => void;
      try {
        release = account.take();
      } catch (error) {
        if (error instanceof Throttled) return false;
        throw error;
      }
      await clock.sleep(seconds);
      release();
      return true;
    };
    const machines = new StateMachines({
      machines: [
        {
          name: 'retrain',
          arn: 'arn:aws:states:us-east-1:123456789012:stateMachine:retrain',
          definition: definitionFor(100),
        },
      ],
      clock,
      readObject: async () => JSON.stringify(items),
      invokeFunction: async (_, payload): Promise<FunctionResult> => {
        if (!(await during(20))) {
          throttled += 1;
          return { error: 'Lambda.TooManyRequestsException', cause: 'Rate Exceeded.' };
        }
        return { payload: usualAnswer(parseStep(payload), items) };
      },
    });
    const polls: Promise<boolean>[] = [];
    const poll = (): void => {
      // A poll is delivered again when it was throttled: it is lost when all of its minute is.
      polls.push(during(5));
      if (machines.describe(arn).status === 'RUNNING') clock.at(clock.now().getTime() + 60_000, poll);
    };
    const arn = machines.start('retrain', { scheduledTime: '2013-12-01T00:00:00Z' });
    poll();
    await clock.run(undefined, () => machines.describe(arn).status !== 'RUNNING');
    await clock.run(new Date(clock.now().getTime() + 60_000));
    expect((await Promise.all(polls)).filter((served) => !served)).toEqual([]);
    expect(throttled).toBe(0);
    expect(machines.describe(arn)).toMatchObject({
      status: 'SUCCEEDED',
      output: { locations: 100, failed: 0 },
    });

    for (let i = 0; i < others; i += 1) void during(900);
    const crowded = machines.start('retrain', { scheduledTime: '2013-12-01T00:00:00Z' }, 'crowded');
    await clock.run(undefined, () => machines.describe(crowded).status !== 'RUNNING');
    expect(throttled).toBeGreaterThan(0);
    const children = machines
      .listChildren()
      .filter(({ startedAt }) => startedAt > (machines.describe(arn).stoppedAt ?? ''));
    expect(children.map(({ status, output }) => [status, output])).toEqual(
      locations.map(() => ['SUCCEEDED', 'promoted']),
    );
  });

  it('enters every one of its states in the cases above', async () => {
    const entered = new Set<string>();
    const cases = [
      await execute(['ewr'], {}),
      await execute(['ewr'], {
        inspect: { run, location: 'ewr', trainable: false, reasons: ['none'], round: 0, batches: [] },
        keep: () => {
          throw new StepFailed('TrainingSetDamaged');
        },
        fail: () => {
          throw new StepFailed('AccessDenied');
        },
        publish: { locations: 1, failed: 1, summaryKey: 'k' },
      }),
    ];
    for (const { names } of cases) for (const name of names) entered.add(name);
    const all = namesOf(definitionFor(1));
    expect([...entered].sort()).toEqual([...all].sort());
  });
});

const scope = z.object({ States: z.record(z.string(), z.looseObject({ Type: z.string() })) });
const taskSchema = z.looseObject({
  TimeoutSeconds: z.number(),
  Retry: z.array(z.looseObject({ ErrorEquals: z.array(z.string()) })),
});

function statesOf(value: unknown): [string, unknown][] {
  const { States } = scope.parse(value);
  return Object.entries(States).flatMap(([name, state]): [string, unknown][] => [
    [name, state],
    ...('ItemProcessor' in state ? statesOf(state.ItemProcessor) : []),
  ]);
}

function namesOf(definition: unknown): string[] {
  return statesOf(definition).map(([name]) => name);
}

function tasksOf(definition: unknown) {
  return statesOf(definition).flatMap(([, state]) =>
    z.object({ Type: z.literal('Task') }).safeParse(state).success ? [taskSchema.parse(state)] : [],
  );
}
