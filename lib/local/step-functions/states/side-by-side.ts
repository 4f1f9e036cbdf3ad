import type { ParallelState } from '../definition';
import { withinLimit } from '../errors';
import { type Frame, Stop } from '../execution';
import type { Runner } from '../runner';
import { newFrame, type Visit } from '../visit';

export async function parallel(runner: Runner, visit: Visit, state: ParallelState): Promise<unknown> {
  const { frame } = visit;
  frame.children ??= state.Branches.map((branch, index) =>
    newFrame(branch, frame.history, `${frame.path}/${frame.state}[${index}]`, frame.input, {
      outer: frame,
    }),
  );
  visit.record('ParallelStateStarted');
  const outputs = await all(runner, visit, frame.children, frame.children.length);
  withinLimit(outputs, `The result of ${frame.state}`);
  visit.record('ParallelStateSucceeded');
  return outputs;
}

/** Runs chains side by side; the first failure stops the others and is the failure of the whole. */
export async function all(
  runner: Runner,
  visit: Visit,
  children: readonly Frame[],
  concurrency: number,
): Promise<unknown[]> {
  const stop = new Stop(visit.stop);
  let failure: unknown;
  await inOrder(children, concurrency, async (child, index) => {
    if (stop.stopped) return;
    if (visit.state.Type === 'Map') visit.record('MapIterationStarted', undefined, index);
    try {
      await runner.runFrame(visit.execution, child, stop);
      if (visit.state.Type === 'Map') visit.record('MapIterationSucceeded', undefined, index);
    } catch (error) {
      if (stop.stopped) return;
      failure = error;
      if (visit.state.Type === 'Map') visit.record('MapIterationFailed', undefined, index);
      stop.stop();
    }
  });
  visit.stop.check();
  if (failure !== undefined) throw failure;
  return children.map(({ output }) => output);
}

/** Starts the items in order, never more than `concurrency` at once; `work` handles its own failures. */
export async function inOrder<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, lane));
}
