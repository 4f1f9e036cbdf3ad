import { createHash } from 'node:crypto';
import type { StateMachineResource } from '../assembly/resources';
import { type MachineDefinition, parseDefinition, type Scope, type State } from './definition';
import { asStatesError, StatesError, withinLimit } from './errors';
import {
  type ChildExecutions,
  type Execution,
  type Frame,
  History,
  type MapRun,
  type RunningExecution,
  Stop,
} from './execution';
import type { Runner, Surroundings } from './runner';
import { choose, fail, wait } from './states/flow';
import { handled } from './states/handled';
import { map } from './states/map';
import { parallel } from './states/side-by-side';
import { task } from './states/task';
import { newFrame, type Step, Visit } from './visit';

export interface InterpreterOptions extends Surroundings {
  readonly machines: readonly Pick<StateMachineResource, 'name' | 'arn' | 'definition'>[];
  /** Told of every execution that ended, for the events that Step Functions sends to the default bus. */
  readonly onEnd?: (execution: Execution) => void;
}

interface Machine {
  readonly name: string;
  readonly arn: string;
  readonly definition: MachineDefinition;
}

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
  private readonly children = new Map<string, RunningExecution>();
  private readonly mapRuns = new Map<
    string,
    { readonly executionArn: string; readonly children: ChildExecutions }
  >();

  private readonly runner: Runner;

  /** @throws BadDefinition when a machine is outside the language. */
  constructor(private readonly options: InterpreterOptions) {
    this.runner = {
      ...options,
      runFrame: (execution, frame, stop) => this.runFrame(execution, frame, stop),
      start: (machine, input, name) => this.start(machine, input, name),
      describe: (arn) => this.describe(arn),
      addMapRun: (execution, children) => this.addMapRun(execution, children),
      addChild: (parent, children, scope, index) => this.addChild(parent, children, scope, index),
      runToEnd: (execution, stop) => this.runToEnd(execution, stop),
    };
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
      timeoutSeconds: machine.definition.TimeoutSeconds,
      roleOf: machine.arn,
      input: plain,
      startedAt: this.now().toISOString(),
      root: newFrame(machine.definition, history, executionName, plain),
      status: 'RUNNING',
      redriveCount: 0,
    };
    this.executions.set(arn, execution);
    history.add(this.now(), { type: 'ExecutionStarted', details: { input: plain } });
    void this.runToEnd(execution, new Stop());
    return arn;
  }

  /** Goes on with a failed or timed-out execution from the state that failed; what had succeeded stays. */
  redrive(arn: string): void {
    const execution = this.required(arn);
    if (execution.status === 'RUNNING' || execution.status === 'SUCCEEDED') {
      throw new Error(`ExecutionNotRedrivable: ${arn} is ${execution.status}`);
    }
    void this.runToEnd(execution, new Stop());
  }

  describe(arn: string): Execution {
    return describe(this.required(arn));
  }

  /** Like `describe`, but undefined when no execution has this ARN. */
  find(arn: string): Execution | undefined {
    const execution = this.executions.get(arn) ?? this.children.get(arn);
    return execution && describe(execution);
  }

  /** A distributed Map by the ARN that the history gives. */
  findMapRun(arn: string): MapRun | undefined {
    const run = this.mapRuns.get(arn);
    if (run === undefined) return undefined;
    const { executionArn, children } = run;
    const having = (...wanted: readonly Execution['status'][]): number =>
      children.started.filter((child) => child !== undefined && wanted.includes(child.status)).length;
    return {
      arn,
      executionArn,
      total: children.inputs.length,
      succeeded: having('SUCCEEDED'),
      failed: having('FAILED', 'TIMED_OUT', 'ABORTED'),
      running: having('RUNNING'),
    };
  }

  /** Every execution so far, oldest first. */
  list(): Execution[] {
    return [...this.executions.values()].map(describe);
  }

  /** Every child execution of distributed Maps so far; `machine` is the parent's with the label of the Map. */
  listChildren(): Execution[] {
    return [...this.children.values()].map(describe);
  }

  private required(arn: string): RunningExecution {
    const execution = this.executions.get(arn) ?? this.children.get(arn);
    if (execution === undefined) throw new Error(`ExecutionDoesNotExist: ${arn}`);
    return execution;
  }

  /** A distributed Map keeps its ARN when it is redriven. */
  private addMapRun({ arn: executionArn, machineArn }: RunningExecution, children: ChildExecutions): string {
    for (const [arn, run] of this.mapRuns) if (run.children === children) return arn;
    const place = machineArn.replace(':stateMachine:', ':mapRun:');
    const arn = `${place}/${children.label}:run-${String(this.mapRuns.size + 1).padStart(4, '0')}`;
    this.mapRuns.set(arn, { executionArn, children });
    return arn;
  }

  private addChild(
    parent: RunningExecution,
    { label, inputs }: ChildExecutions,
    scope: Scope,
    index: number,
  ): RunningExecution {
    const { input, mapItem } = inputs[index] ?? {
      input: null,
      mapItem: { Item: { Index: index, Value: null } },
    };
    const name = uuidOf(`${parent.arn}/${label}/${index}/${this.children.size}`);
    const machineArn = `${parent.machineArn}/${label}`;
    const history = new History();
    const child: RunningExecution = {
      arn: `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`,
      name,
      machine: `${parent.machine}/${label}`,
      machineArn,
      timeoutSeconds: undefined,
      roleOf: parent.roleOf,
      input,
      startedAt: this.now().toISOString(),
      root: newFrame(scope, history, name, input, { mapItem }),
      status: 'RUNNING',
      redriveCount: 0,
    };
    this.children.set(child.arn, child);
    history.add(this.now(), { type: 'ExecutionStarted', details: { input } });
    return child;
  }

  private now(): Date {
    return this.options.clock.now();
  }

  private async runToEnd(execution: RunningExecution, stop: Stop): Promise<void> {
    const { root, timeoutSeconds } = execution;
    if (execution.status !== 'RUNNING') this.reopen(execution);
    const cancelTimeout =
      timeoutSeconds === undefined
        ? undefined
        : this.options.clock.at(this.now().getTime() + timeoutSeconds * 1000, () =>
            stop.stop(new StatesError('States.Timeout', `Ran longer than ${timeoutSeconds} s.`)),
          );
    try {
      const output = await this.runFrame(execution, root, stop);
      execution.status = 'SUCCEEDED';
      root.history.add(this.now(), { type: 'ExecutionSucceeded', details: { output } });
    } catch (error) {
      const failure = asStatesError(error);
      execution.failure = failure;
      const [status, type] = endOf(failure, stop, timeoutSeconds);
      execution.status = status;
      // The last event may be the one that no longer fits; the failure is told in any case.
      root.history.events.push({
        id: root.history.events.length + 1,
        timestamp: this.now().toISOString(),
        type,
        details: failure.output,
      });
    }
    cancelTimeout?.();
    execution.stoppedAt = this.now().toISOString();
    this.options.onEnd?.(describe(execution));
  }

  private reopen(execution: RunningExecution): void {
    execution.status = 'RUNNING';
    execution.redriveCount += 1;
    execution.redrivenAt = this.now().toISOString();
    delete execution.stoppedAt;
    delete execution.failure;
    execution.root.history.add(this.now(), { type: 'ExecutionRedriven' });
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
        delete frame.mapRun;
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
    const { clock } = this.options;
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
        return wait(clock, visit, state);
      case 'Task':
        return handled(clock, visit, state, () => task(this.runner, visit, state));
      case 'Parallel':
        return handled(clock, visit, state, () => parallel(this.runner, visit, state));
      case 'Map':
        return handled(clock, visit, state, () => map(this.runner, visit, state));
    }
  }
}

/** An execution that was stopped from outside either ran out of its own time or was aborted with its parent. */
function endOf(
  failure: StatesError,
  stop: Stop,
  timeoutSeconds: number | undefined,
): readonly [Execution['status'], string] {
  if (!stop.stopped) return ['FAILED', 'ExecutionFailed'];
  return timeoutSeconds !== undefined && failure.error === 'States.Timeout'
    ? ['TIMED_OUT', 'ExecutionTimedOut']
    : ['ABORTED', 'ExecutionAborted'];
}

/** Shaped like the random names that Step Functions gives, and the same on every run. */
function uuidOf(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
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
