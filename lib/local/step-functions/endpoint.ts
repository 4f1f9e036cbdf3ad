import * as z from 'zod';
import type { StateMachineResource } from '../assembly/resources';
import { jsonService, ServiceError } from '../wire/json-protocol';
import type { Service } from '../wire/service-server';
import type { Execution, HistoryEvent, MapRun } from './execution';

/** The executions that the endpoint starts and tells of. */
export interface ExecutionKeeper {
  /** Begins an execution and returns its ARN; a name that is taken is refused before. */
  start(machineArn: string, input: unknown, name?: string): string;
  find(executionArn: string): Execution | undefined;
  findMapRun(mapRunArn: string): MapRun | undefined;
  /** Every execution so far, oldest first. */
  list(): readonly Execution[];
}

const MACHINE_ARN = /^arn:[^:]+:states:[^:]+:\d{12}:stateMachine:[^:]+$/;
const EXECUTION_ARN = /^arn:[^:]+:states:[^:]+:\d{12}:execution:[^:]+:[^:]+$/;
/** White space, brackets, wildcards and other special characters are refused. */
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u;
const MAXIMUM_INPUT_BYTES = 262_144;
const DEFAULT_PAGE = 100;

const startInput = z.object({
  stateMachineArn: z.string(),
  name: z.string().optional(),
  input: z
    .string()
    .refine(
      (text) => Buffer.byteLength(text) <= MAXIMUM_INPUT_BYTES,
      'must have length less than or equal to 262144',
    )
    .default('{}'),
});
const describeInput = z.object({ executionArn: z.string() });
const page = { maxResults: z.int().min(0).max(1_000).optional(), nextToken: z.string().optional() };
const historyInput = z.object({
  executionArn: z.string(),
  reverseOrder: z.boolean().default(false),
  ...page,
});
const mapRunInput = z.object({ mapRunArn: z.string() });
const listInput = z.object({ stateMachineArn: z.string(), statusFilter: z.string().optional(), ...page });

/**
 * Step Functions for standard workflows: StartExecution with its rules for names that are used again,
 * DescribeExecution, ListExecutions, GetExecutionHistory and DescribeMapRun. Events of the history carry the name of
 * their state, without its input and output.
 */
export function stepFunctions(options: {
  readonly machines: readonly Pick<StateMachineResource, 'name' | 'arn'>[];
  readonly executions: ExecutionKeeper;
}): Service {
  const { executions } = options;

  function machine(arn: string): Pick<StateMachineResource, 'name' | 'arn'> {
    if (!MACHINE_ARN.test(arn)) throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
    const found = options.machines.find((one) => one.arn === arn);
    if (found === undefined) {
      throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    }
    return found;
  }

  function execution(arn: string): Execution {
    if (!EXECUTION_ARN.test(arn)) throw new ServiceError('InvalidArn', `Invalid Arn: '${arn}'`);
    const found = executions.find(arn);
    if (found === undefined) {
      throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    }
    return found;
  }

  /** The same name and input as a running execution's is the same request again; the name of any other is taken. */
  function start(order: z.infer<typeof startInput>): Execution {
    const { arn } = machine(order.stateMachineArn);
    const input = inputOf(order.input);
    if (order.name === undefined) return execution(executions.start(arn, input));
    if (!NAME.test(order.name)) throw new ServiceError('InvalidName', `Invalid Name: '${order.name}'`);
    const own = `${arn.replace(':stateMachine:', ':execution:')}:${order.name}`;
    const present = executions.find(own);
    if (present === undefined) return execution(executions.start(arn, input, order.name));
    if (present.status !== 'RUNNING' || JSON.stringify(present.input) !== JSON.stringify(input)) {
      throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${own}'`);
    }
    return present;
  }

  const machineArnOf = ({ machine: name }: Execution): string | undefined =>
    options.machines.find((one) => one.name === name)?.arn;

  return jsonService({
    name: 'states',
    subject: (input) =>
      z
        .object({ stateMachineArn: z.string().optional(), executionArn: z.string().optional() })
        .transform(({ stateMachineArn, executionArn }) => stateMachineArn ?? executionArn ?? '')
        .catch('')
        .parse(input),
    throttleError: 'ThrottlingException',
    serverError: 'InternalServerError',
    operations: {
      StartExecution(input, caller) {
        const order = startInput.parse(input);
        caller.require('states:StartExecution', machine(order.stateMachineArn).arn);
        const { arn, startedAt } = start(order);
        return { executionArn: arn, startDate: epochSeconds(startedAt) };
      },
      DescribeExecution(input, caller) {
        const found = execution(describeInput.parse(input).executionArn);
        caller.require('states:DescribeExecution', found.arn);
        return {
          ...headerOf(found, machineArnOf(found)),
          input: JSON.stringify(found.input),
          inputDetails: { included: true },
          ...(found.output === undefined
            ? {}
            : { output: JSON.stringify(found.output), outputDetails: { included: true } }),
          ...(found.error === undefined ? {} : { error: found.error, cause: found.cause }),
          redriveCount: found.redriveCount,
        };
      },
      ListExecutions(input, caller) {
        const { stateMachineArn, statusFilter, ...wanted } = listInput.parse(input);
        const { arn, name } = machine(stateMachineArn);
        caller.require('states:ListExecutions', arn);
        const newestFirst = executions
          .list()
          .filter((one) => one.machine === name && (statusFilter ?? one.status) === one.status)
          .reverse();
        const { items, nextToken } = pageOf(newestFirst, wanted);
        return { executions: items.map((one) => headerOf(one, arn)), nextToken };
      },
      DescribeMapRun(input, caller) {
        const { mapRunArn } = mapRunInput.parse(input);
        caller.require('states:DescribeMapRun', mapRunArn);
        const found = executions.findMapRun(mapRunArn);
        if (found === undefined) {
          throw new ServiceError('ResourceNotFound', `Resource not found: '${mapRunArn}'`);
        }
        return mapRunOf(found);
      },
      GetExecutionHistory(input, caller) {
        const { executionArn, reverseOrder, ...wanted } = historyInput.parse(input);
        const { arn, history } = execution(executionArn);
        caller.require('states:GetExecutionHistory', arn);
        const { items, nextToken } = pageOf(reverseOrder ? [...history].reverse() : history, wanted);
        return { events: items.map(eventOf), nextToken };
      },
    },
  });
}

function inputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ServiceError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${text}'`);
  }
}

function headerOf({ arn, name, status, startedAt, stoppedAt }: Execution, machineArn: string | undefined) {
  return {
    executionArn: arn,
    stateMachineArn: machineArn,
    name,
    status,
    startDate: epochSeconds(startedAt),
    ...(stoppedAt === undefined ? {} : { stopDate: epochSeconds(stoppedAt) }),
  };
}

function mapRunOf({ arn, executionArn, total, succeeded, failed, running }: MapRun): object {
  const pending = total - succeeded - failed - running;
  const counts = {
    pending,
    running,
    succeeded,
    failed,
    timedOut: 0,
    aborted: 0,
    total,
    resultsWritten: 0,
  };
  return {
    mapRunArn: arn,
    executionArn,
    status: running + pending > 0 ? 'RUNNING' : 'SUCCEEDED',
    itemCounts: counts,
    executionCounts: counts,
  };
}

const mapRunStarted = z.object({ mapRunArn: z.string() });

function eventOf({ id, timestamp, type, name, details: more }: HistoryEvent): object {
  const details = name === undefined ? undefined : { name };
  return {
    id,
    previousEventId: id - 1,
    timestamp: epochSeconds(timestamp),
    type,
    ...(type.endsWith('StateEntered') ? { stateEnteredEventDetails: details } : {}),
    ...(type.endsWith('StateExited') ? { stateExitedEventDetails: details } : {}),
    ...(type === 'MapRunStarted' ? { mapRunStartedEventDetails: mapRunStarted.parse(more) } : {}),
  };
}

/** The token is the place in the list at which the next page begins. */
function pageOf<T>(
  all: readonly T[],
  wanted: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
): { items: readonly T[]; nextToken?: string } {
  const from = Number(wanted.nextToken ?? 0);
  if (!Number.isInteger(from) || from < 0) {
    throw new ServiceError('InvalidToken', `Invalid Token: '${wanted.nextToken}'`);
  }
  const to = from + (wanted.maxResults || DEFAULT_PAGE);
  return { items: all.slice(from, to), ...(to < all.length ? { nextToken: String(to) } : {}) };
}

function epochSeconds(instant: string): number {
  return Date.parse(instant) / 1_000;
}
