import type { VirtualClock } from '../clock';
import type { Catcher, Scope, State } from './definition';
import { StatesError } from './errors';
import type { Frame, History, HistoryEvent, RunningExecution, Stop } from './execution';
import { evaluate } from './query';

/** What a state hands on: where to and with what. No `next` ends the chain. */
export interface Step {
  readonly output: unknown;
  readonly next?: string | undefined;
}

/** One visit of a chain to a state: evaluates the state's fields and writes the history. */
export class Visit {
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
    return {
      Execution: {
        Id: execution.arn,
        Input: execution.input,
        Name: execution.name,
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

function visibleVariables(frame: Frame): Record<string, unknown> {
  return frame.outer === undefined
    ? frame.variables
    : { ...visibleVariables(frame.outer), ...frame.variables };
}

/** A chain at its first state. */
export function newFrame(
  scope: Scope,
  history: History,
  path: string,
  input: unknown,
  place: Pick<Frame, 'outer' | 'mapItem'> = {},
): Frame {
  return { scope, history, path, state: scope.StartAt, input, variables: {}, status: 'running', ...place };
}
