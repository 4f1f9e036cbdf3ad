import type { Scope } from './definition';
import { StatesError } from './errors';

/** One entry of an execution's history, with Step Functions' own event types. */
export interface HistoryEvent {
  readonly id: number;
  readonly timestamp: string;
  readonly type: string;
  /** State the event belongs to. */
  readonly name?: string;
  /** Iteration of a Map, or branch of a Parallel. */
  readonly index?: number;
  /** Error and cause of a failure; function, input or output where the event has them. */
  readonly details?: unknown;
}

const HISTORY_LIMIT = 25_000;

/** Events of one execution. A distributed Map's children are executions of their own, each with its history. */
export class History {
  readonly events: HistoryEvent[] = [];

  /** @throws StatesError States.Runtime when the execution has used up its 25,000 events. */
  add(now: Date, event: Omit<HistoryEvent, 'id' | 'timestamp'>): void {
    this.events.push({ id: this.events.length + 1, timestamp: now.toISOString(), ...event });
    if (this.events.length === HISTORY_LIMIT) {
      throw new StatesError('States.Runtime', `The execution reached its limit of ${HISTORY_LIMIT} events.`);
    }
  }
}

type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** Tells everything under an execution, a Map or a Parallel to go no further. */
export class Stop {
  private listeners = new Set<() => void>();
  private reason: StatesError | undefined;

  constructor(parent?: Stop) {
    parent?.onStop(() => this.stop(parent.reason));
  }

  get stopped(): boolean {
    return this.reason !== undefined;
  }

  stop(reason = new StatesError('States.Aborted', 'A sibling failed.')): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    for (const listener of this.listeners) listener();
    this.listeners.clear();
  }

  onStop(listener: () => void): () => void {
    if (this.stopped) listener();
    else this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  check(): void {
    if (this.reason !== undefined) throw this.reason;
  }
}

/**
 * Where a chain of states stands. It outlives a failure: a redrive goes on at `state`, and iterations that
 * had succeeded keep their output.
 */
export interface Frame {
  readonly scope: Scope;
  readonly history: History;
  readonly path: string;
  state: string;
  input: unknown;
  /** Own variables; an inner chain sees those of the outer one and can't change them. */
  variables: Record<string, unknown>;
  readonly outer?: Frame;
  /** `$states.context.Map`, inside an iteration. */
  readonly mapItem?: { readonly Item: { readonly Index: number; readonly Value: unknown } };
  /** Iterations or branches of the state that is being run. */
  children?: Frame[];
  /** Of a distributed Map that is being run. */
  mapRun?: ChildExecutions;
  status: 'running' | 'succeeded' | 'failed';
  output?: unknown;
}

/** One run of a state machine, as `DescribeExecution` and `GetExecutionHistory` would show it. */
export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: string;
  readonly status: Status;
  readonly input: unknown;
  readonly startedAt: string;
  readonly stoppedAt?: string;
  readonly output?: unknown;
  readonly error?: string;
  readonly cause?: string;
  readonly redriveCount: number;
  readonly history: readonly HistoryEvent[];
}

/** What a distributed Map hands to one child execution. */
export interface ChildInput {
  readonly input: unknown;
  readonly mapItem: NonNullable<Frame['mapItem']>;
}

/** The child executions of a distributed Map: in the order of its items, each once it has started. */
export interface ChildExecutions {
  readonly label: string;
  readonly inputs: readonly ChildInput[];
  readonly started: (RunningExecution | undefined)[];
}

/** How far a distributed Map is, as `DescribeMapRun` would tell it. */
export interface MapRun {
  readonly arn: string;
  readonly executionArn: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly running: number;
}

/** The interpreter's own view of an execution. */
export interface RunningExecution {
  readonly arn: string;
  readonly name: string;
  readonly machine: string;
  readonly machineArn: string;
  /** Seconds until it is ended; a child execution ends with its parent. */
  readonly timeoutSeconds: number | undefined;
  /** ARN of the machine whose role acts: a child execution's is its parent's. */
  readonly roleOf: string;
  readonly input: unknown;
  readonly startedAt: string;
  readonly root: Frame;
  status: Status;
  stoppedAt?: string;
  failure?: StatesError;
  redriveCount: number;
  redrivenAt?: string;
}
