import type { TaskState } from '../definition';
import { StatesError, withinLimit } from '../errors';
import type { Execution, Stop } from '../execution';
import { member } from '../query';
import type { Runner } from '../runner';
import type { Visit } from '../visit';

export async function task(runner: Runner, visit: Visit, state: TaskState): Promise<unknown> {
  const parameters = await visit.query(state.Arguments ?? visit.frame.input, 'Arguments');
  withinLimit(parameters, `The arguments of ${visit.frame.state}`);
  const timeout =
    state.TimeoutSeconds === undefined
      ? undefined
      : await visit.number(state.TimeoutSeconds, 'TimeoutSeconds');
  visit.record('TaskScheduled', { resource: state.Resource, parameters });
  visit.record('TaskStarted');
  const result = await (state.Resource === 'arn:aws:states:::lambda:invoke'
    ? invoke(runner, visit, parameters, timeout)
    : nested(runner, visit, parameters, state.Resource.endsWith('.sync:2')));
  withinLimit(result, `The result of ${visit.frame.state}`);
  visit.record('TaskSucceeded', { output: result });
  return result;
}

async function invoke(
  runner: Runner,
  visit: Visit,
  parameters: unknown,
  timeout: number | undefined,
): Promise<unknown> {
  const name = member(parameters, 'FunctionName');
  if (typeof name !== 'string') throw new StatesError('States.Runtime', 'FunctionName is missing.');
  const invocation = runner.invokeFunction(name, member(parameters, 'Payload') ?? {}, visit.execution.roleOf);
  const result = await (timeout === undefined
    ? invocation
    : withTimeout(invocation, timeout, runner.patience ?? 1));
  if ('error' in result) throw new StatesError(result.error, result.cause);
  return { ExecutedVersion: '$LATEST', Payload: result.payload, StatusCode: 200 };
}

async function nested(runner: Runner, visit: Visit, parameters: unknown, sync: boolean): Promise<unknown> {
  const machine = member(parameters, 'StateMachineArn');
  const name = member(parameters, 'Name');
  if (typeof machine !== 'string') throw new StatesError('States.Runtime', 'StateMachineArn is missing.');
  if (runner.allows?.(visit.execution.roleOf, 'states:StartExecution', machine) === false) {
    throw new StatesError(
      'StepFunctions.AWSStepFunctionsException',
      `The role is not authorized to perform: states:StartExecution on resource: ${machine} (Service: AWSStepFunctions; Status Code: 400; Error Code: AccessDeniedException)`,
    );
  }
  let arn: string;
  try {
    arn = runner.start(
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
  if (!sync) return { ExecutionArn: arn, StartDate: runner.clock.now().toISOString() };
  const ended = await end(runner, arn, visit.stop);
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
async function end(runner: Runner, arn: string, stop: Stop): Promise<Execution> {
  while (runner.describe(arn).status === 'RUNNING') {
    await runner.clock.sleep(1, stop);
    stop.check();
  }
  return runner.describe(arn);
}

async function withTimeout<T>(work: Promise<T>, seconds: number, patience: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StatesError('States.Timeout', `The task took longer than ${seconds} s.`)),
      seconds * 1000 * patience,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
