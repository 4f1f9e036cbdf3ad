import type { VirtualClock } from '../../clock';
import { seededRandom } from '../../random';
import type { MapState, ParallelState, Retrier, TaskState } from '../definition';
import { asStatesError, handles } from '../errors';
import type { Step, Visit } from '../visit';

/** How the history calls the failure of a state's work. */
const FAILED = { Task: 'TaskFailed', Map: 'MapStateFailed', Parallel: 'ParallelStateFailed' } as const;

/** Runs a state's work with its Retry and Catch. */
export async function handled(
  clock: VirtualClock,
  visit: Visit,
  state: TaskState | MapState | ParallelState,
  work: () => Promise<unknown>,
): Promise<Step> {
  const attempts = new Map<Retrier, number>();
  for (;;) {
    try {
      const result = await work();
      return await visit.leave(state, { result }, result);
    } catch (error) {
      // Told to stop from outside: not this state's own failure, so nothing of it answers.
      visit.stop.check();
      const failure = asStatesError(error);
      const late = state.Type === 'Task' && failure.error === 'States.Timeout';
      visit.record(late ? 'TaskTimedOut' : FAILED[state.Type], failure.output);
      const retrier = state.Retry.find((candidate) => handles(candidate, failure.error));
      const attempt = retrier === undefined ? 0 : (attempts.get(retrier) ?? 0);
      if (retrier !== undefined && attempt < retrier.MaxAttempts) {
        attempts.set(retrier, attempt + 1);
        visit.retries += 1;
        delete visit.frame.children;
        delete visit.frame.mapRun;
        await clock.sleep(retryDelay(retrier, attempt, visit.seed()), visit.stop);
        visit.stop.check();
        continue;
      }
      const catcher = state.Catch.find((candidate) => handles(candidate, failure.error));
      if (catcher === undefined) throw failure;
      return visit.caught(catcher, failure);
    }
  }
}

/** Seconds before the next attempt; full jitter draws from [0, the interval). */
function retryDelay(retrier: Retrier, attempt: number, seed: string): number {
  const interval = Math.min(
    retrier.IntervalSeconds * retrier.BackoffRate ** attempt,
    retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
  );
  return retrier.JitterStrategy === 'FULL' ? interval * seededRandom(seed)() : interval;
}
