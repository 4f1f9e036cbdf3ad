import { parseEvent } from '../../../../lambdas/hourly/event';
import { upkeepDefinition } from '../../../../lib/pipeline/upkeep/definition';
import { problemsOf, stateMachines } from '../../state-machine-run';

const definition = upkeepDefinition({ functionArn: 'hourly', partition: 'aws', parts: 1 });
const input = { upkeep: true, scheduledTime: '2026-11-23T00:25:00Z' };
const machines = (invoke: (payload: unknown) => unknown) =>
  stateMachines({ upkeep: definition }, '2026-11-23T00:25:00Z', (_, payload) => invoke(payload));

describe('the upkeep machine', () => {
  it('is valid Amazon States Language', () => {
    expect(problemsOf(definition)).toBe('');
  });

  it("gives the schedule's event to the function, and ends with its reply", async () => {
    const { run } = machines((payload) => ({ upkeep: parseEvent(payload, new Date(), '2010-01-01').now }));
    const { execution } = await run('upkeep', input);
    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.output).toEqual({ upkeep: '2026-11-23T00:25:00Z' });
  });

  it('tries once more ten minutes later, and fails when that fails too', async () => {
    let calls = 0;
    const { run } = machines(() => {
      calls += 1;
      throw new Error('Compaction failed');
    });
    const { execution } = await run('upkeep', input);
    expect(execution.status).toBe('FAILED');
    expect(calls).toBe(2);
    expect(execution.stoppedAt).toBe('2026-11-23T00:35:00.000Z');
  });

  it('asks nothing again of a function that does not take its event', async () => {
    let calls = 0;
    const { run } = machines((payload) => {
      calls += 1;
      return parseEvent(payload, new Date(), '2010-01-01');
    });
    expect((await run('upkeep', { upkeep: true })).execution.status).toBe('FAILED');
    expect(calls).toBe(1);
  });
});

describe('the upkeep machine of thousands of places', () => {
  const parted = upkeepDefinition({ functionArn: 'hourly', partition: 'aws', parts: 3 });

  /** What the function is asked for, and how it ends when it fails on some of it. */
  async function upkeepWith(fails: (task: ReturnType<typeof parseEvent>) => boolean) {
    const asked: unknown[] = [];
    const { run } = stateMachines({ upkeep: parted }, input.scheduledTime, (_, payload) => {
      const task = parseEvent(payload, new Date(), '2010-01-01');
      asked.push(task.kind === 'pages' ? task.part : task.kind);
      if (fails(task)) throw new Error(`${task.kind} failed`);
      return {};
    });
    return { asked, ...(await run('upkeep', input)) };
  }

  it('is valid Amazon States Language', () => {
    expect(problemsOf(parted)).toBe('');
  });

  it('makes the pages in parts, one after the other, once the lake is looked after', async () => {
    const { asked, execution } = await upkeepWith(() => false);
    expect(execution.status).toBe('SUCCEEDED');
    expect(asked).toEqual(['upkeep', 0, 1, 2]);
  });

  it('makes the other parts when one fails, and tells of it', async () => {
    const { asked, execution } = await upkeepWith((task) => task.kind === 'pages' && task.part === 0);
    expect(asked).toEqual(['upkeep', 0, 0, 1, 2]);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'PagesMissing' });
    expect(execution.cause).toMatch(/^1 of 3 parts of the pages could not be made/);
  });

  it('makes the pages also when the lake could not be looked after, and fails as that did', async () => {
    const { asked, execution } = await upkeepWith(({ kind }) => kind === 'upkeep');
    expect(asked).toEqual(['upkeep', 'upkeep', 0, 1, 2]);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Error' });
    expect(execution.cause).toContain('upkeep failed');
  });
});
