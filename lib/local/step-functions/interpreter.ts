import type { StateMachineResource } from '../assembly/resources';
import { type MachineDefinition, parseDefinition, type State } from './definition';
import { asStatesError, StatesError, withinLimit } from './errors';
import { type Execution, type Frame, History, type MapRun, type RunningExecution, Stop } from './execution';
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
  private readonly mapRuns = new Map<
    string,
    { readonly executionArn: string; readonly children: readonly Frame[] }
  >();

  private readonly runner: Runner;

  /** @throws BadDefinition when a machine is outside the language. */
  constructor(private readonly options: InterpreterOptions) {
    this.runner = {
      ...options,
      runFrame: (execution, frame, stop) => this.runFrame(execution, frame, stop),
      start: (machine, input, name) => this.start(machine, input, name),
      describe: (arn) => this.describe(arn),
      addMapRun: (execution, label, children) => this.addMapRun(execution, label, children),
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

  /** A distributed Map gets an ARN of its own; a redriven one gets another. */
  private addMapRun(
    { arn: executionArn, machineArn }: RunningExecution,
    label: string,
    children: readonly Frame[],
  ): string {
    const place = machineArn.replace(':stateMachine:', ':mapRun:');
    const arn = `${place}/${label}:run-${String(this.mapRuns.size + 1).padStart(4, '0')}`;
    this.mapRuns.set(arn, { executionArn, children });
    return arn;
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
