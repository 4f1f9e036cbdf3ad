import aslValidator from 'asl-validator';
import { VirtualClock } from '../../lib/local/clock';
import type { Execution } from '../../lib/local/step-functions/execution';
import { StateMachines } from '../../lib/local/step-functions/interpreter';
import type { FunctionResult } from '../../lib/local/step-functions/runner';

const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:';

export interface MachineRun {
  readonly execution: Execution;
  /** Names of the states in the order in which they were entered. */
  readonly states: readonly string[];
  readonly redrive: () => Promise<Execution>;
}

/** Everything that asl-validator finds wrong with a definition; empty when it is valid. */
export function problemsOf(definition: unknown): string {
  const { isValid, errorsText } = aslValidator(JSON.parse(JSON.stringify(definition)));
  return isValid ? '' : errorsText('\n');
}

/** State machines on a virtual clock, with functions that a test provides by their ARN. */
export function stateMachines(
  definitions: Readonly<Record<string, unknown>>,
  now: string,
  invoke: (functionArn: string, payload: unknown) => unknown = () => ({}),
) {
  const clock = new VirtualClock(new Date(now));
  const machines = new StateMachines({
    machines: Object.entries(definitions).map(([name, definition]) => ({
      name,
      arn: `${MACHINE}${name}`,
      definition,
    })),
    clock,
    readObject: async (bucket, key) => {
      throw new Error(`Nobody said that ${bucket}/${key} would be read`);
    },
    invokeFunction: async (arn, payload): Promise<FunctionResult> => {
      try {
        return { payload: await invoke(arn, payload) };
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        return { error: name, cause: JSON.stringify({ errorType: name, errorMessage: message, trace: [] }) };
      }
    },
  });
  const finish = async (arn: string): Promise<Execution> => {
    await clock.run(undefined, () => machines.describe(arn).status !== 'RUNNING');
    return machines.describe(arn);
  };
  return {
    list: () => machines.list(),
    run: async (name: string, input: unknown): Promise<MachineRun> => {
      const arn = machines.start(name, input);
      const execution = await finish(arn);
      return {
        execution,
        states: execution.history.flatMap(({ type, name: state }) =>
          type.endsWith('StateEntered') && state !== undefined ? [state] : [],
        ),
        redrive: () => {
          machines.redrive(arn);
          return finish(arn);
        },
      };
    },
  };
}

/** The ARN that `stateMachines` gives a machine. */
export const machineArn = (name: string): string => `${MACHINE}${name}`;
