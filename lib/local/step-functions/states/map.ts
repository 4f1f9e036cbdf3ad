import type { MapState } from '../definition';
import { asStatesError, StatesError } from '../errors';
import { type Frame, History, Stop } from '../execution';
import type { Runner } from '../runner';
import { newFrame, type Visit } from '../visit';
import { itemsOf } from './item-reader';
import { all, inOrder } from './side-by-side';

export async function map(runner: Runner, visit: Visit, state: MapState): Promise<unknown> {
  const { frame } = visit;
  const inline = state.ItemProcessor.ProcessorConfig.Mode === 'INLINE';
  frame.children ??= await iterations(runner, visit, state, inline);
  const { children } = frame;
  visit.record('MapStateStarted', { length: children.length });
  if (!inline)
    visit.record('MapRunStarted', {
      mapRunArn: runner.addMapRun(visit.execution, state.Label ?? 'Map', children),
    });
  const asked = await visit.number(state.MaxConcurrency ?? 0, 'MaxConcurrency');
  const most = inline ? 40 : 10_000;
  const concurrency = asked === 0 ? most : Math.min(asked, most);
  const outputs = inline
    ? await all(runner, visit, children, concurrency)
    : await tolerant(runner, visit, state, children, concurrency);
  visit.record('MapStateSucceeded');
  return outputs;
}

async function iterations(runner: Runner, visit: Visit, state: MapState, inline: boolean): Promise<Frame[]> {
  const { frame } = visit;
  const items = await itemsOf(runner, visit, state);
  const selected = await Promise.all(
    items.map(async (item, index) => {
      const mapItem = { Item: { Index: index, Value: item } };
      if (state.ItemSelector === undefined) return { mapItem, input: item };
      return { mapItem, input: await visit.query(state.ItemSelector, 'ItemSelector', { mapItem }) };
    }),
  );
  const inputs =
    state.ItemBatcher === undefined ? selected : await batches(visit, state.ItemBatcher, selected);
  return inputs.map(({ mapItem, input }, index) => {
    const path = `${frame.path}/${frame.state}[${index}]`;
    const child = { name: path, input };
    return newFrame(
      state.ItemProcessor,
      inline ? frame.history : new History(),
      path,
      input,
      // The children of a distributed Map are executions of their own and see no outer variable.
      inline ? { outer: frame, mapItem } : { mapItem, child },
    );
  });
}

type Iteration = { readonly mapItem: NonNullable<Frame['mapItem']>; readonly input: unknown };

async function batches(
  visit: Visit,
  batcher: NonNullable<MapState['ItemBatcher']>,
  items: readonly Iteration[],
): Promise<Iteration[]> {
  const size = await visit.number(batcher.MaxItemsPerBatch, 'MaxItemsPerBatch');
  const batchInput =
    batcher.BatchInput === undefined ? undefined : await visit.query(batcher.BatchInput, 'BatchInput');
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => {
    const batch = items.slice(index * size, (index + 1) * size).map(({ input }) => input);
    const input = { Items: batch, ...(batchInput === undefined ? {} : { BatchInput: batchInput }) };
    return { mapItem: { Item: { Index: index, Value: batch } }, input };
  });
}

/** A distributed Map: as many failures as it tolerates, and the outputs of the others. */
async function tolerant(
  runner: Runner,
  visit: Visit,
  state: MapState,
  children: readonly Frame[],
  concurrency: number,
): Promise<unknown[]> {
  const count = await visit.number(state.ToleratedFailureCount ?? 0, 'ToleratedFailureCount');
  const percentage = await visit.number(state.ToleratedFailurePercentage ?? 0, 'ToleratedFailurePercentage');
  const stop = new Stop(visit.stop);
  let failures = 0;
  const tooMany = (): boolean => failures > count && (failures / children.length) * 100 > percentage;
  await inOrder(children, concurrency, async (child) => {
    if (stop.stopped) return;
    try {
      await runner.runFrame(visit.execution, child, stop);
    } catch (error) {
      if (stop.stopped) return;
      failures += 1;
      child.history.events.push({
        id: child.history.events.length + 1,
        timestamp: runner.clock.now().toISOString(),
        type: 'ExecutionFailed',
        details: asStatesError(error).output,
      });
      if (tooMany()) stop.stop();
    }
  });
  visit.stop.check();
  if (tooMany()) {
    const reason = `The specified tolerated failure threshold was exceeded: ${failures} of ${children.length} failed.`;
    throw new StatesError('States.ExceedToleratedFailureThreshold', reason);
  }
  return children.filter(({ status }) => status === 'succeeded').map(({ output }) => output);
}
