import { randomBytes } from 'node:crypto';
import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  GetExecutionHistoryCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { compactTime } from '../../lambdas/model/registry';
import { utcSecond } from '../../lambdas/runtime/time';
import type { Progress } from '../terminal/progress';
import { Refusal } from '../terminal/refusal';
import type { Access } from './access';
import type { Answer, Surroundings } from './command';
import type { Deployment, MachineName } from './deployment';
import { explain } from './explain';

/** Option of the commands that start an execution. */
export const NO_WAIT = {
  'no-wait': { type: 'boolean', meaning: 'start it and go: the console shows the rest' },
} as const;

export interface ExecutionOrder {
  readonly machine: MachineName;
  readonly input: object;
  /** False: leave it alone once it is started. */
  readonly wait: boolean;
}

interface StartedExecution {
  readonly machine: string;
  readonly execution: string;
  readonly executionArn: string;
  /** Page in the AWS console; absent for the local cloud. */
  readonly link?: string;
}

/** An execution did not succeed, or can't be watched; the message ends with the cause. */
class ExecutionFailed extends Refusal {
  override readonly name = 'ExecutionFailed';
}

/**
 * Starts a state machine, says under which name and where it is seen, and waits for its end unless the order says
 * not to.
 * @param told makes the answer from the execution's output; its data are joined to the execution's own.
 * @throws ExecutionFailed
 */
export async function execute(
  { access, progress }: Surroundings,
  deployment: Deployment,
  order: ExecutionOrder,
  told: (output: unknown) => { readonly text: string; readonly data: object },
): Promise<Answer> {
  if (!order.wait && !access.hasConsole) {
    throw new ExecutionFailed(
      '--no-wait has no meaning with --local: what is started ends with the command.',
    );
  }
  const started = await start(access, deployment, order);
  progress.note(`Started ${started.machine}, execution ${started.execution}`);
  if (started.link !== undefined) progress.note(started.link);
  if (!order.wait) return { text: `${started.execution} goes on by itself.`, data: started };
  const { text, data } = told(await outputOf(access, started, progress));
  return { text, data: { ...started, ...data } };
}

/**
 * The name is made here, so that the SDK's own repetition of a request whose reply was lost meets the execution that it
 * has started.
 */
async function start(
  { sfn, now }: Access,
  deployment: Deployment,
  { machine, input }: ExecutionOrder,
): Promise<StartedExecution> {
  const stateMachineArn = deployment.machineArn(machine);
  const name = `ordered-${compactTime(utcSecond(now()))}-${randomBytes(4).toString('hex')}`;
  const { executionArn = '' } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
  );
  const link = deployment.consoleLink(executionArn);
  return {
    machine: `${deployment.name}-${machine}`,
    execution: name,
    executionArn,
    ...(link !== undefined && { link }),
  };
}

/** Enough to meet a state that was entered, whatever its tasks have written since. */
const LATEST_EVENTS = 50;

/** Waits for the end, showing the state that was entered last, and of a distributed Map how many items are done. */
async function outputOf(
  access: Access,
  { machine, execution, executionArn }: StartedExecution,
  progress: Progress,
): Promise<unknown> {
  progress.phase(machine);
  for (;;) {
    const { status, output, error, cause, entered } = await look(access, executionArn).catch((reason) => {
      throw new ExecutionFailed(`${machine} ${execution} goes on out of sight. ${explain(reason)}`);
    });
    if (status === 'SUCCEEDED') {
      progress.end();
      const result: unknown = JSON.parse(output ?? 'null');
      return result;
    }
    if (status !== 'RUNNING' && status !== 'PENDING_REDRIVE') {
      const how = { TIMED_OUT: 'timed out', ABORTED: 'was stopped' }[String(status)] ?? 'failed';
      const why = [error, causeText(cause)].filter((part) => part !== undefined).join(': ');
      throw new ExecutionFailed(`${machine} ${execution} ${how}${why === '' ? '.' : `: ${why}`}`);
    }
    progress.step(0, entered);
    await access.pause();
  }
}

async function look({ sfn }: Access, executionArn: string) {
  const [described, { events = [] }] = await Promise.all([
    sfn.send(new DescribeExecutionCommand({ executionArn })),
    sfn.send(
      new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        maxResults: LATEST_EVENTS,
        includeExecutionData: false,
      }),
    ),
  ]);
  const latest = events.findIndex(({ stateEnteredEventDetails: details }) => details !== undefined);
  const state = events[latest]?.stateEnteredEventDetails?.name;
  const [mapRunArn] = events
    .slice(0, latest)
    .flatMap((event) => event.mapRunStartedEventDetails?.mapRunArn ?? []);
  if (mapRunArn === undefined) return { ...described, entered: state };
  const { itemCounts } = await sfn.send(new DescribeMapRunCommand({ mapRunArn }));
  const { total = 0, succeeded = 0, failed = 0 } = itemCounts ?? {};
  return { ...described, entered: `${state}, ${succeeded + failed} of ${total}` };
}

const functionError = z.object({ errorMessage: z.string() });

/** A function's error comes as JSON with message and stack; of it the message. */
function causeText(cause: string | undefined): string | undefined {
  if (cause === undefined || !cause.startsWith('{')) return cause;
  try {
    return functionError.parse(JSON.parse(cause)).errorMessage;
  } catch {
    return cause;
  }
}
