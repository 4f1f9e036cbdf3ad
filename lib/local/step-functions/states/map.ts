import type { MapState } from '../definition';
import { asStatesError, StatesError, withinLimit } from '../errors';
import { type ChildExecutions, type ChildInput, type RunningExecution, Stop } from '../execution';
import type { Runner } from '../runner';
import { newFrame, type Visit } from '../visit';
import { itemsOf } from './item-reader';
import { all, inOrder } from './side-by-side';

const MOST_ITERATIONS_AT_ONCE = 40;
const MOST_CHILDREN_AT_ONCE = 10_000;

/** Runs a chain for each item: inside the execution, or in child executions of their own. */
export async function map(runner: Runner, visit: Visit, state: MapState): Promise<unknown> {
  const inline = state.ItemProcessor.ProcessorConfig.Mode === 'INLINE';
  const outputs = await (inline ? iterations(runner, visit, state) : mapRun(runner, visit, state));
  // Counted before `Output` makes the result smaller.
  withinLimit(outputs, `The result of ${visit.frame.state}`);
  visit.record('MapStateSucceeded');
  return outputs;
}

async function iterations(runner: Runner, visit: Visit, state: MapState): Promise<unknown[]> {
  const { frame } = visit;
  if (frame.children === undefined) {
    const inputs = await inputsOf(runner, visit, state);
    frame.children = inputs.map(({ mapItem, input }, index) => {
      const path = `${frame.path}/${frame.state}[${index}]`;
      return newFrame(state.ItemProcessor, frame.history, path, input, { outer: frame, mapItem });
    });
  }
  visit.record('MapStateStarted', { length: frame.children.length });
  return all(runner, visit, frame.children, await concurrencyOf(visit, state, MOST_ITERATIONS_AT_ONCE));
}

/**
 * A distributed Map, under https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html: the
 * machine's role starts, stops and redrives the children. A redriven Map redrives those that had not succeeded.
 */
async function mapRun(runner: Runner, visit: Visit, state: MapState): Promise<unknown[]> {
  const { frame, execution } = visit;
  const redriven = frame.mapRun !== undefined;
  const inputs = frame.mapRun?.inputs ?? (await inputsOf(runner, visit, state));
  frame.mapRun ??= { label: state.Label ?? 'Map', inputs, started: inputs.map(() => undefined) };
  const { mapRun: children } = frame;
  visit.record('MapStateStarted', { length: inputs.length });
  visit.record(redriven ? 'MapRunRedriven' : 'MapRunStarted', {
    mapRunArn: runner.addMapRun(execution, children),
  });
  try {
    const outputs = await tolerant(runner, visit, state, children);
    visit.record('MapRunSucceeded');
    return outputs;
  } catch (error) {
    visit.record('MapRunFailed', asStatesError(error).output);
    throw error;
  }
}

async function concurrencyOf(visit: Visit, state: MapState, most: number): Promise<number> {
  const asked = await visit.number(state.MaxConcurrency ?? 0, 'MaxConcurrency');
  return asked === 0 ? most : Math.min(asked, most);
}

async function inputsOf(runner: Runner, visit: Visit, state: MapState): Promise<ChildInput[]> {
  const items = await itemsOf(runner, visit, state);
  const selected = await Promise.all(
    items.map(async (item, index) => {
      const mapItem = { Item: { Index: index, Value: item } };
      if (state.ItemSelector === undefined) return { mapItem, input: item };
      return { mapItem, input: await visit.query(state.ItemSelector, 'ItemSelector', { mapItem }) };
    }),
  );
  return state.ItemBatcher === undefined ? selected : batches(visit, state.ItemBatcher, selected);
}

async function batches(
  visit: Visit,
  batcher: NonNullable<MapState['ItemBatcher']>,
  items: readonly ChildInput[],
): Promise<ChildInput[]> {
  const size = await visit.number(batcher.MaxItemsPerBatch, 'MaxItemsPerBatch');
  const batchInput =
    batcher.BatchInput === undefined ? undefined : await visit.query(batcher.BatchInput, 'BatchInput');
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => {
    const batch = items.slice(index * size, (index + 1) * size).map(({ input }) => input);
    const input = { Items: batch, ...(batchInput === undefined ? {} : { BatchInput: batchInput }) };
    return { mapItem: { Item: { Index: index, Value: batch } }, input };
  });
}

/** The outputs of the children that succeeded; the Map tolerates that the others failed. */
async function tolerant(
  runner: Runner,
  visit: Visit,
  state: MapState,
  children: ChildExecutions,
): Promise<unknown[]> {
  const count = await visit.number(state.ToleratedFailureCount ?? 0, 'ToleratedFailureCount');
  const percentage = await visit.number(state.ToleratedFailurePercentage ?? 0, 'ToleratedFailurePercentage');
  const concurrency = await concurrencyOf(visit, state, MOST_CHILDREN_AT_ONCE);
  const stop = new Stop(visit.stop);
  const total = children.inputs.length;
  let failures = 0;
  const tooMany = (): boolean => failures > count && (failures / total) * 100 > percentage;
  await inOrder(children.inputs, concurrency, async (_, index) => {
    if (stop.stopped) return;
    const child = childAt(runner, visit, state, children, index);
    if (child.status !== 'SUCCEEDED') await runner.runToEnd(child, stop);
    if (child.status === 'SUCCEEDED' || stop.stopped) return;
    failures += 1;
    if (tooMany()) stop.stop();
  });
  visit.stop.check();
  if (tooMany()) {
    const reason = `The specified tolerated failure threshold was exceeded: ${failures} of ${total} failed.`;
    throw new StatesError('States.ExceedToleratedFailureThreshold', reason);
  }
  return children.started.flatMap((child) => (child?.status === 'SUCCEEDED' ? [child.root.output] : []));
}

/** The child of an item: started for the first time, or as it was when the execution is redriven. */
function childAt(
  runner: Runner,
  { execution }: Visit,
  state: MapState,
  children: ChildExecutions,
  index: number,
): RunningExecution {
  const present = children.started[index];
  if (present?.status === 'SUCCEEDED') return present;
  const arn =
    present === undefined
      ? execution.machineArn
      : `${execution.machineArn.replace(':stateMachine:', ':execution:')}/${children.label}:${present.name}`;
  const action = present === undefined ? 'states:StartExecution' : 'states:RedriveExecution';
  if (runner.allows?.(execution.roleOf, action, arn) === false) {
    throw new StatesError(
      'StepFunctions.AWSStepFunctionsException',
      `The role is not authorized to perform: ${action} on resource: ${arn}`,
    );
  }
  const child = present ?? runner.addChild(execution, children, state.ItemProcessor, index);
  children.started[index] = child;
  return child;
}
