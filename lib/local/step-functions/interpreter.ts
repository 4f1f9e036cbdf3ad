import type { StateMachineResource } from '../assembly/resources';
import type { VirtualClock } from '../clock';
import { seededRandom } from '../random';
import {
  type Catcher,
  type ChoiceState,
  type FailState,
  type MachineDefinition,
  type MapState,
  type ParallelState,
  parseDefinition,
  type Retrier,
  type Scope,
  type State,
  type TaskState,
  type WaitState,
} from './definition';
import { handles, StatesError, withinLimit } from './errors';
import {
  type Execution,
  type Frame,
  History,
  type HistoryEvent,
  type MapRun,
  type RunningExecution,
  Stop,
} from './execution';
import { evaluate } from './query';

/** How a function invocation ended, for a state that waits for it. */
export type FunctionResult =
  | { readonly payload: unknown }
  | { readonly error: string; readonly cause: string };

export interface InterpreterOptions {
  readonly machines: readonly StateMachineResource[];
  readonly clock: VirtualClock;
  /** Runs a function by name or ARN to its end; rejects when there is no such function. */
  readonly invokeFunction: (nameOrArn: string, payload: unknown) => Promise<FunctionResult>;
  /** Reads the object that a distributed Map takes its items from. */
  readonly readObject: (bucket: string, key: string) => Promise<string>;
  /** Told of every execution that ended, for the events that Step Functions sends to the default bus. */
  readonly onEnd?: (execution: Execution) => void;
}

interface Machine {
  readonly name: string;
  readonly arn: string;
  readonly definition: MachineDefinition;
}

/** What a state hands on: where to and with what. No `next` ends the chain. */
interface Step {
  readonly output: unknown;
  readonly next?: string | undefined;
}

const TASK_MATTERS = { Task: 'TaskState', Map: 'MapState', Parallel: 'ParallelState' } as const;

/**
 * Step Functions for the local cloud: runs the definitions as deployed (JSONata, standard workflows) against
 * real function workers. Waits and retry intervals pass in virtual time; a task's own time is real.
 *
 * It will not run JSONPath states, activities, callbacks or service integrations other than Lambda
 * and nested executions: such definitions are refused in the constructor.
 */
export class StateMachines {
  private readonly machines = new Map<string, Machine>();
  private readonly executions = new Map<string, RunningExecution>();
  private readonly started = new Map<string, number>();
  private readonly mapRuns = new Map<
    string,
    { readonly executionArn: string; readonly children: readonly Frame[] }
  >();

  /** @throws BadDefinition when a machine is outside the language. */
  constructor(private readonly options: InterpreterOptions) {
    for (const { name, arn, definition } of options.machines) {
      const machine = { name, arn, definition: parseDefinition(name, definition) };
      this.machines.set(name, machine);
      this.machines.set(arn, machine);
    }
  }

  /** Begins an execution and returns its ARN; it goes on while the clock runs. */
  start(machineNameOrArn: string, input: unknown, name?: string): string {
    const machine = this.machines.get(machineNameOrArn);
    if (machine === undefined) throw new Error(`No state machine ${machineNameOrArn}`);
    withinLimit(input, 'The input');
    const count = (this.started.get(machine.name) ?? 0) + 1;
    this.started.set(machine.name, count);
    const executionName = name ?? `run-${String(count).padStart(4, '0')}`;
    const arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${executionName}`;
    if (this.executions.has(arn)) throw new Error(`ExecutionAlreadyExists: ${arn}`);
    const plain: unknown = JSON.parse(JSON.stringify(input));
    const history = new History();
    const execution: RunningExecution = {
      arn,
      name: executionName,
      machine: machine.name,
      machineArn: machine.arn,
      definition: machine.definition,
      input: plain,
      startedAt: this.now().toISOString(),
      root: newFrame(machine.definition, history, executionName, plain),
      status: 'RUNNING',
      redriveCount: 0,
    };
    this.executions.set(arn, execution);
    history.add(this.now(), { type: 'ExecutionStarted', details: { input: plain } });
    void this.run(execution);
    return arn;
  }

  /** Goes on with a failed or timed-out execution from the state that failed; what had succeeded stays. */
  redrive(arn: string): void {
    const execution = this.required(arn);
    if (execution.status === 'RUNNING' || execution.status === 'SUCCEEDED') {
      throw new Error(`ExecutionNotRedrivable: ${arn} is ${execution.status}`);
    }
    execution.status = 'RUNNING';
    execution.redriveCount += 1;
    execution.redrivenAt = this.now().toISOString();
    delete execution.stoppedAt;
    delete execution.failure;
    execution.root.history.add(this.now(), { type: 'ExecutionRedriven' });
    void this.run(execution);
  }

  describe(arn: string): Execution {
    return describe(this.required(arn));
  }

  /** As `describe`, for an ARN that may be nobody's. */
  find(arn: string): Execution | undefined {
    const execution = this.executions.get(arn);
    return execution && describe(execution);
  }

  /** A distributed Map by the ARN that the history gives. */
  findMapRun(arn: string): MapRun | undefined {
    const run = this.mapRuns.get(arn);
    if (run === undefined) return undefined;
    const { executionArn, children } = run;
    const having = (wanted: Frame['status']): number =>
      children.filter(({ status }) => status === wanted).length;
    return {
      arn,
      executionArn,
      total: children.length,
      succeeded: having('succeeded'),
      failed: having('failed'),
    };
  }

  /** Every execution so far, oldest first. */
  list(): Execution[] {
    return [...this.executions.values()].map(describe);
  }

  private required(arn: string): RunningExecution {
    const execution = this.executions.get(arn);
    if (execution === undefined) throw new Error(`ExecutionDoesNotExist: ${arn}`);
    return execution;
  }

  private now(): Date {
    return this.options.clock.now();
  }

  private async run(execution: RunningExecution): Promise<void> {
    const { root, definition } = execution;
    const stop = new Stop();
    const cancelTimeout =
      definition.TimeoutSeconds === undefined
        ? undefined
        : this.options.clock.at(this.now().getTime() + definition.TimeoutSeconds * 1000, () =>
            stop.stop(new StatesError('States.Timeout', `Ran longer than ${definition.TimeoutSeconds} s.`)),
          );
    try {
      const output = await this.runFrame(execution, root, stop);
      execution.status = 'SUCCEEDED';
      root.history.add(this.now(), { type: 'ExecutionSucceeded', details: { output } });
    } catch (error) {
      const failure = asStatesError(error);
      execution.failure = failure;
      const timedOut = stop.stopped && failure.error === 'States.Timeout';
      execution.status = timedOut ? 'TIMED_OUT' : 'FAILED';
      // The last event may be the one that no longer fits; the failure is told in any case.
      root.history.events.push({
        id: root.history.events.length + 1,
        timestamp: this.now().toISOString(),
        type: timedOut ? 'ExecutionTimedOut' : 'ExecutionFailed',
        details: failure.output,
      });
    }
    cancelTimeout?.();
    execution.stoppedAt = this.now().toISOString();
    this.options.onEnd?.(describe(execution));
  }

  private async runFrame(execution: RunningExecution, frame: Frame, stop: Stop): Promise<unknown> {
    if (frame.status === 'succeeded') return frame.output;
    frame.status = 'running';
    try {
      for (;;) {
        stop.check();
        const state = frame.scope.States[frame.state];
        if (state === undefined) throw new StatesError('States.Runtime', `No state ${frame.state}`);
        const step = await this.runState(execution, frame, state, stop);
        stop.check();
        delete frame.children;
        if (step.next === undefined) {
          frame.status = 'succeeded';
          frame.output = step.output;
          return step.output;
        }
        frame.state = step.next;
        frame.input = step.output;
      }
    } catch (error) {
      frame.status = 'failed';
      throw error;
    }
  }

  private async runState(execution: RunningExecution, frame: Frame, state: State, stop: Stop): Promise<Step> {
    const visit = new Visit(execution, frame, state, stop, this.options.clock);
    visit.record(`${state.Type}StateEntered`, { input: frame.input });
    const step = await this.dispatch(visit);
    withinLimit(step.output, `The output of ${frame.state}`);
    visit.record(`${state.Type}StateExited`, { output: step.output });
    return step;
  }

  private async dispatch(visit: Visit): Promise<Step> {
    const { state } = visit;
    switch (state.Type) {
      case 'Pass':
        return visit.leave(state, {}, visit.frame.input);
      case 'Succeed':
        return { output: await visit.value(state.Output ?? visit.frame.input, 'Output', state.Output) };
      case 'Fail':
        return fail(visit, state);
      case 'Choice':
        return choose(visit, state);
      case 'Wait':
        return this.wait(visit, state);
      case 'Task':
        return this.handled(visit, state, () => this.task(visit, state));
      case 'Parallel':
        return this.handled(visit, state, () => this.parallel(visit, state));
      case 'Map':
        return this.handled(visit, state, () => this.map(visit, state));
    }
  }

  private async wait(visit: Visit, state: WaitState): Promise<Step> {
    let seconds: number;
    if (state.Timestamp !== undefined) {
      const timestamp = Date.parse(String(await visit.query(state.Timestamp, 'Timestamp')));
      if (Number.isNaN(timestamp)) throw new StatesError('States.Runtime', 'Timestamp is not a time.');
      seconds = Math.max(0, (timestamp - this.now().getTime()) / 1000);
    } else {
      seconds = await visit.number(state.Seconds ?? 0, 'Seconds');
    }
    await this.options.clock.sleep(seconds, visit.stop);
    return visit.leave(state, {}, visit.frame.input);
  }

  /** Runs a state's work with its Retry and Catch. */
  private async handled(
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
        visit.record(`${TASK_MATTERS[state.Type]}Failed`, failure.output);
        const retrier = state.Retry.find((candidate) => handles(candidate, failure.error));
        const attempt = retrier === undefined ? 0 : (attempts.get(retrier) ?? 0);
        if (retrier !== undefined && attempt < retrier.MaxAttempts) {
          attempts.set(retrier, attempt + 1);
          visit.retries += 1;
          delete visit.frame.children;
          await this.options.clock.sleep(retryDelay(retrier, attempt, visit.seed()), visit.stop);
          visit.stop.check();
          continue;
        }
        const catcher = state.Catch.find((candidate) => handles(candidate, failure.error));
        if (catcher === undefined) throw failure;
        return visit.caught(catcher, failure);
      }
    }
  }

  private async task(visit: Visit, state: TaskState): Promise<unknown> {
    const parameters = await visit.query(state.Arguments ?? visit.frame.input, 'Arguments');
    withinLimit(parameters, `The arguments of ${visit.frame.state}`);
    const timeout =
      state.TimeoutSeconds === undefined
        ? undefined
        : await visit.number(state.TimeoutSeconds, 'TimeoutSeconds');
    visit.record('TaskScheduled', { resource: state.Resource, parameters });
    const result = await (state.Resource === 'arn:aws:states:::lambda:invoke'
      ? this.invoke(parameters, timeout)
      : this.nested(visit, parameters, state.Resource.endsWith('.sync:2')));
    withinLimit(result, `The result of ${visit.frame.state}`);
    visit.record('TaskSucceeded', { output: result });
    return result;
  }

  private async invoke(parameters: unknown, timeout: number | undefined): Promise<unknown> {
    const name = member(parameters, 'FunctionName');
    if (typeof name !== 'string') throw new StatesError('States.Runtime', 'FunctionName is missing.');
    const invocation = this.options.invokeFunction(name, member(parameters, 'Payload') ?? {});
    const result = await this.options.clock.track(
      timeout === undefined ? invocation : withTimeout(invocation, timeout),
    );
    if ('error' in result) throw new StatesError(result.error, result.cause);
    return { ExecutedVersion: '$LATEST', Payload: result.payload, StatusCode: 200 };
  }

  private async nested(visit: Visit, parameters: unknown, sync: boolean): Promise<unknown> {
    const machine = member(parameters, 'StateMachineArn');
    const name = member(parameters, 'Name');
    if (typeof machine !== 'string') throw new StatesError('States.Runtime', 'StateMachineArn is missing.');
    let arn: string;
    try {
      arn = this.start(
        machine,
        member(parameters, 'Input') ?? {},
        typeof name === 'string' ? name : undefined,
      );
    } catch (error) {
      if (error instanceof StatesError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new StatesError(
        message.startsWith('ExecutionAlreadyExists')
          ? 'StepFunctions.ExecutionAlreadyExistsException'
          : 'StepFunctions.StateMachineDoesNotExistException',
        message,
      );
    }
    if (!sync) return { ExecutionArn: arn, StartDate: this.now().toISOString() };
    const ended = await this.ended(arn, visit.stop);
    if (ended.status !== 'SUCCEEDED') {
      throw new StatesError('States.TaskFailed', JSON.stringify({ ...ended, history: undefined }));
    }
    return {
      ExecutionArn: arn,
      Input: ended.input,
      Name: ended.name,
      Output: ended.output,
      Status: ended.status,
    };
  }

  /** Waits for another execution by looking once a virtual second. */
  private async ended(arn: string, stop: Stop): Promise<Execution> {
    while (this.required(arn).status === 'RUNNING') {
      await this.options.clock.sleep(1, stop);
      stop.check();
    }
    return this.describe(arn);
  }

  private async parallel(visit: Visit, state: ParallelState): Promise<unknown> {
    const { frame } = visit;
    frame.children ??= state.Branches.map((branch, index) =>
      newFrame(branch, frame.history, `${frame.path}/${frame.state}[${index}]`, frame.input, {
        outer: frame,
      }),
    );
    visit.record('ParallelStateStarted');
    const outputs = await this.all(visit, frame.children, frame.children.length);
    visit.record('ParallelStateSucceeded');
    return outputs;
  }

  private async map(visit: Visit, state: MapState): Promise<unknown> {
    const { frame } = visit;
    const inline = state.ItemProcessor.ProcessorConfig.Mode === 'INLINE';
    frame.children ??= await this.iterations(visit, state, inline);
    const { children } = frame;
    visit.record('MapStateStarted', { length: children.length });
    if (!inline) visit.record('MapRunStarted', { mapRunArn: this.mapRun(visit, state, children) });
    const asked = await visit.number(state.MaxConcurrency ?? 0, 'MaxConcurrency');
    const most = inline ? 40 : 10_000;
    const concurrency = asked === 0 ? most : Math.min(asked, most);
    const outputs = inline
      ? await this.all(visit, children, concurrency)
      : await this.tolerant(visit, state, children, concurrency);
    visit.record('MapStateSucceeded');
    return outputs;
  }

  /** Makes a distributed Map known under an ARN of its own; a redriven one gets another. */
  private mapRun({ execution }: Visit, state: MapState, children: readonly Frame[]): string {
    const place = execution.machineArn.replace(':stateMachine:', ':mapRun:');
    const number = String(this.mapRuns.size + 1).padStart(4, '0');
    const arn = `${place}/${state.Label ?? 'Map'}:run-${number}`;
    this.mapRuns.set(arn, { executionArn: execution.arn, children });
    return arn;
  }

  private async iterations(visit: Visit, state: MapState, inline: boolean): Promise<Frame[]> {
    const { frame } = visit;
    const items = await this.items(visit, state);
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

  private async items(visit: Visit, state: MapState): Promise<unknown[]> {
    const { ItemReader: reader } = state;
    let items: unknown;
    if (reader === undefined) {
      items = await visit.query(state.Items ?? visit.frame.input, 'Items');
    } else {
      const source = await visit.query(reader.Arguments, 'ItemReader/Arguments');
      const bucket = member(source, 'Bucket');
      const key = member(source, 'Key');
      if (typeof bucket !== 'string' || typeof key !== 'string') {
        throw new StatesError('States.ItemReaderFailed', 'ItemReader needs a Bucket and a Key.');
      }
      items = await this.readItems(bucket, key, reader.ReaderConfig.InputType);
      if (Array.isArray(items)) items = items.slice(0, reader.ReaderConfig.MaxItems);
    }
    if (!Array.isArray(items)) {
      throw new StatesError(
        'States.QueryEvaluationError',
        `The items of ${visit.frame.state} are not an array.`,
      );
    }
    return items;
  }

  private async readItems(bucket: string, key: string, type: 'JSON' | 'JSONL'): Promise<unknown> {
    try {
      const text = await this.options.clock.track(this.options.readObject(bucket, key));
      const items: unknown =
        type === 'JSON'
          ? JSON.parse(text)
          : text
              .split('\n')
              .filter((line) => line !== '')
              .map((line): unknown => JSON.parse(line));
      return items;
    } catch (error) {
      throw new StatesError('States.ItemReaderFailed', `s3://${bucket}/${key}: ${String(error)}`);
    }
  }

  /** Runs chains side by side; the first failure stops the others and is the failure of the whole. */
  private async all(visit: Visit, children: readonly Frame[], concurrency: number): Promise<unknown[]> {
    const stop = new Stop(visit.stop);
    let failure: unknown;
    await inOrder(children, concurrency, async (child, index) => {
      if (stop.stopped) return;
      if (visit.state.Type === 'Map') visit.record('MapIterationStarted', undefined, index);
      try {
        await this.runFrame(visit.execution, child, stop);
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

  /** A distributed Map: as many failures as it tolerates, and the outputs of the others. */
  private async tolerant(
    visit: Visit,
    state: MapState,
    children: readonly Frame[],
    concurrency: number,
  ): Promise<unknown[]> {
    const count = await visit.number(state.ToleratedFailureCount ?? 0, 'ToleratedFailureCount');
    const percentage = await visit.number(
      state.ToleratedFailurePercentage ?? 0,
      'ToleratedFailurePercentage',
    );
    const stop = new Stop(visit.stop);
    let failures = 0;
    const tooMany = (): boolean => failures > count && (failures / children.length) * 100 > percentage;
    await inOrder(children, concurrency, async (child) => {
      if (stop.stopped) return;
      try {
        await this.runFrame(visit.execution, child, stop);
      } catch (error) {
        if (stop.stopped) return;
        failures += 1;
        child.history.events.push({
          id: child.history.events.length + 1,
          timestamp: this.now().toISOString(),
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
}

/** One visit of a chain to a state: evaluates the state's fields and writes the history. */
class Visit {
  retries = 0;
  private evaluations = 0;
  private readonly enteredAt: string;

  constructor(
    readonly execution: RunningExecution,
    readonly frame: Frame,
    readonly state: State,
    readonly stop: Stop,
    private readonly clock: VirtualClock,
  ) {
    this.enteredAt = clock.now().toISOString();
  }

  record(type: string, details?: unknown, index?: number): void {
    const event: Omit<HistoryEvent, 'id' | 'timestamp'> = {
      type,
      name: this.frame.state,
      ...(index === undefined ? {} : { index }),
      ...(details === undefined ? {} : { details }),
    };
    this.frame.history.add(this.clock.now(), event);
  }

  seed(): string {
    return `${this.execution.arn}:${this.execution.redriveCount}:${this.frame.path}/${this.frame.state}:${this.retries}`;
  }

  query(
    value: unknown,
    field: string,
    extra: { result?: unknown; errorOutput?: unknown; mapItem?: Frame['mapItem'] } = {},
  ): Promise<unknown> {
    this.evaluations += 1;
    const { mapItem = this.frame.mapItem, ...states } = extra;
    return evaluate(value, field, {
      states: { input: this.frame.input, context: this.context(mapItem), ...states },
      variables: visibleVariables(this.frame),
      now: this.clock.now(),
      seed: `${this.seed()}:${this.evaluations}`,
    });
  }

  /** A field's value when it is given, or else what it defaults to, as it is. */
  value(fallback: unknown, field: string, given: unknown): Promise<unknown> {
    return given === undefined ? Promise.resolve(fallback) : this.query(given, field);
  }

  async number(value: unknown, field: string): Promise<number> {
    const result = await this.query(value, field);
    if (typeof result !== 'number' || !(result >= 0)) {
      throw new StatesError('States.QueryEvaluationError', `${field} is not a non-negative number.`);
    }
    return result;
  }

  /** Applies Assign and Output, both seeing the variables as they were before. */
  async leave(
    state: { Output?: unknown; Assign?: Record<string, unknown> | undefined; Next?: string | undefined },
    extra: { result?: unknown; errorOutput?: unknown },
    fallback: unknown,
  ): Promise<Step> {
    const assigned = await this.query(state.Assign ?? {}, 'Assign', extra);
    const output = state.Output === undefined ? fallback : await this.query(state.Output, 'Output', extra);
    this.frame.variables = { ...this.frame.variables, ...Object.fromEntries(Object.entries(assigned ?? {})) };
    return { output, next: state.Next };
  }

  caught(catcher: Catcher, failure: StatesError): Promise<Step> {
    return this.leave(catcher, { errorOutput: failure.output }, failure.output);
  }

  private context(mapItem: Frame['mapItem']): unknown {
    const { execution } = this;
    const child = outermost(this.frame).child;
    return {
      Execution: {
        Id: child === undefined ? execution.arn : `${execution.arn}/${child.name}`,
        Input: child === undefined ? execution.input : child.input,
        Name: child?.name ?? execution.name,
        RoleArn: 'arn:aws:iam::local:role/states',
        StartTime: execution.startedAt,
        RedriveCount: execution.redriveCount,
        ...(execution.redrivenAt === undefined ? {} : { RedriveTime: execution.redrivenAt }),
      },
      State: { EnteredTime: this.enteredAt, Name: this.frame.state, RetryCount: this.retries },
      StateMachine: { Id: execution.machineArn, Name: execution.machine },
      ...(mapItem === undefined ? {} : { Map: mapItem }),
    };
  }
}

function outermost(frame: Frame): Frame {
  return frame.outer === undefined ? frame : outermost(frame.outer);
}

function visibleVariables(frame: Frame): Record<string, unknown> {
  return frame.outer === undefined
    ? frame.variables
    : { ...visibleVariables(frame.outer), ...frame.variables };
}

function newFrame(
  scope: Scope,
  history: History,
  path: string,
  input: unknown,
  place: Pick<Frame, 'outer' | 'mapItem' | 'child'> = {},
): Frame {
  return { scope, history, path, state: scope.StartAt, input, variables: {}, status: 'running', ...place };
}

async function fail(visit: Visit, state: FailState): Promise<never> {
  const error = await visit.value('States.Failed', 'Error', state.Error);
  const cause = await visit.value('', 'Cause', state.Cause);
  throw new StatesError(String(error), String(cause));
}

async function choose(visit: Visit, state: ChoiceState): Promise<Step> {
  for (const [index, rule] of state.Choices.entries()) {
    const met = await visit.query(rule.Condition, `Choices[${index}]/Condition`);
    if (typeof met !== 'boolean') {
      const reason = `The condition of choice ${index} of ${visit.frame.state} is not a boolean.`;
      throw new StatesError('States.QueryEvaluationError', reason);
    }
    if (met) return visit.leave(rule, {}, visit.frame.input);
  }
  if (state.Default === undefined) {
    throw new StatesError('States.NoChoiceMatched', `No choice of ${visit.frame.state} matched.`);
  }
  return visit.leave({ ...state, Next: state.Default }, {}, visit.frame.input);
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

/** Seconds before the next attempt; full jitter draws from [0, the interval). */
function retryDelay(retrier: Retrier, attempt: number, seed: string): number {
  const interval = Math.min(
    retrier.IntervalSeconds * retrier.BackoffRate ** attempt,
    retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
  );
  return retrier.JitterStrategy === 'FULL' ? interval * seededRandom(seed)() : interval;
}

/** Starts the items in order, never more than `concurrency` at once; `work` handles its own failures. */
async function inOrder<T>(
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

async function withTimeout<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StatesError('States.Timeout', `The task took longer than ${seconds} s.`)),
      seconds * 1000,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

/** Whatever is thrown that no state names is the interpreter's own failure, as `States.Runtime` is in AWS. */
function asStatesError(error: unknown): StatesError {
  if (error instanceof StatesError) return error;
  return new StatesError(
    'States.Runtime',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}

function describe(execution: RunningExecution): Execution {
  const { arn, name, machine, status, input, startedAt, stoppedAt, failure, root, redriveCount } = execution;
  return {
    arn,
    name,
    machine,
    status,
    input,
    startedAt,
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    ...(status === 'SUCCEEDED' ? { output: root.output } : {}),
    ...(failure === undefined ? {} : { error: failure.error, cause: failure.reason }),
    redriveCount,
    history: root.history.events,
  };
}
