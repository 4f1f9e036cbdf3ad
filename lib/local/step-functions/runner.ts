import type { VirtualClock } from '../clock';
import type { Scope } from './definition';
import type { ChildExecutions, Execution, Frame, RunningExecution, Stop } from './execution';

/** How a function invocation ended, for a state that waits for it. */
export type FunctionResult =
  | { readonly payload: unknown }
  | { readonly error: string; readonly cause: string };

/** What states need of the world outside: time, functions, objects. */
export interface Surroundings {
  readonly clock: VirtualClock;
  /** See `LocalCloudOptions`; 1 when absent. */
  readonly patience?: number;
  /**
   * Runs a function by name or ARN to its end, as the machine; rejects when there is no such function. What takes real
   * time is tracked on the clock by whoever runs it; virtual time may pass too.
   */
  readonly invokeFunction: (
    nameOrArn: string,
    payload: unknown,
    machineArn: string,
  ) => Promise<FunctionResult>;
  /** Reads, as the machine, the object that a distributed Map takes its items from. */
  readonly readObject: (bucket: string, key: string, machineArn: string) => Promise<string>;
  /** Whether the machine's role allows what Step Functions itself does for it; always, when absent. */
  readonly allows?: (machineArn: string, action: string, resource: string) => boolean;
}

/** What states ask of the interpreter that runs them. */
export interface Runner extends Surroundings {
  /** Runs a chain from the state that it stands at. */
  runFrame(execution: RunningExecution, frame: Frame, stop: Stop): Promise<unknown>;
  /** Begins an execution of another machine and returns its ARN. */
  start(machineNameOrArn: string, input: unknown, name?: string): string;
  describe(executionArn: string): Execution;
  /** Makes a distributed Map known and returns its ARN. */
  addMapRun(execution: RunningExecution, children: ChildExecutions): string;
  /** Makes the child execution of one item of a distributed Map; `runToEnd` begins it. */
  addChild(
    parent: RunningExecution,
    children: ChildExecutions,
    scope: Scope,
    index: number,
  ): RunningExecution;
  /** Runs an execution, or one that is redriven, until it ends in whatever way. */
  runToEnd(execution: RunningExecution, stop: Stop): Promise<void>;
}
