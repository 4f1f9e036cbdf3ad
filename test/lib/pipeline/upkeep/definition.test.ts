import { parseEvent } from '../../../../lambdas/hourly/event';
import { upkeepDefinition } from '../../../../lib/pipeline/upkeep/definition';
import { problemsOf, stateMachines } from '../../state-machine-run';

const definition = upkeepDefinition({ functionArn: 'hourly', partition: 'aws' });
const input = { upkeep: true, scheduledTime: '2026-11-23T00:25:00Z' };
const machines = (invoke: (payload: unknown) => unknown) =>
  stateMachines({ upkeep: definition }, '2026-11-23T00:25:00Z', (_, payload) => invoke(payload));

describe('the upkeep machine', () => {
  it('is valid Amazon States Language', () => {
    expect(problemsOf(definition)).toBe('');
  });

  it("gives the schedule's event to the function, and ends with its reply", async () => {
    const { run } = machines((payload) => ({ upkeep: parseEvent(payload, new Date()).now }));
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
      return parseEvent(payload, new Date());
    });
    expect((await run('upkeep', { upkeep: true })).execution.status).toBe('FAILED');
    expect(calls).toBe(1);
  });
});
