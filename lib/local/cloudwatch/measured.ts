import type { DeployedResources } from '../assembly/resources';
import type { Execution } from '../step-functions/execution';
import { type MetricName, metricKey, UnknownMetric } from './metric';
import { MetricData } from './metric-data';
import type { MetricRecord } from './metric-lines';

/** All that happened in a cloud and that CloudWatch would have measured. */
export interface Happenings {
  readonly invocations: readonly {
    readonly function: string;
    readonly at: string;
    readonly result: { readonly functionError?: unknown; readonly milliseconds: number };
  }[];
  /** Events for functions that nobody waits for; a retry is none of its own. */
  readonly received: readonly { readonly function: string; readonly at: string }[];
  readonly executions: readonly Pick<Execution, 'machine' | 'startedAt'>[];
  /** Every end of an execution: one that is redriven ends again. */
  readonly ended: readonly Pick<Execution, 'machine' | 'status' | 'stoppedAt'>[];
  readonly deadLetters: readonly { readonly queueArn: string | undefined; readonly at: string }[];
  readonly emitted: readonly MetricRecord[];
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html */
const ENDS: Readonly<Partial<Record<Execution['status'], string>>> = {
  SUCCEEDED: 'ExecutionsSucceeded',
  FAILED: 'ExecutionsFailed',
  TIMED_OUT: 'ExecutionsTimedOut',
  ABORTED: 'ExecutionsAborted',
};

const lambda = (fn: string) => (name: string) => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: fn },
});
const states = (arn: string) => (name: string) => ({
  namespace: 'AWS/States',
  name,
  dimensions: { StateMachineArn: arn },
});
const sent = (queue: string): MetricName => ({
  namespace: 'AWS/SQS',
  name: 'NumberOfMessagesSent',
  dimensions: { QueueName: queue },
});

/**
 * What Lambda, Step Functions and SQS measure by themselves, and what functions emitted. An invocation counts when
 * it begins (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html), with a 0 for an error that
 * it didn't have.
 */
export function measured(resources: DeployedResources, happened: Happenings): MetricData {
  const data = new MetricData();
  for (const { namespace, name, dimensions, time, values } of happened.emitted) {
    for (const value of values) data.add({ namespace, name, dimensions }, Date.parse(time), value);
  }
  for (const { function: fn, at, result } of happened.invocations) {
    const metric = lambda(fn);
    const time = Date.parse(at);
    data.add(metric('Invocations'), time, 1);
    data.add(metric('Errors'), time, result.functionError === undefined ? 0 : 1);
    data.add(metric('Duration'), time, result.milliseconds);
  }
  for (const { function: fn, at } of happened.received) {
    data.add(lambda(fn)('AsyncEventsReceived'), Date.parse(at), 1);
  }
  const arns = new Map(resources.stateMachines.map(({ name, arn }) => [name, arn]));
  /** Child executions are measured under the machine's ARN with the label of their Map. */
  const arnOf = (machine: string): string => {
    const [name = '', ...label] = machine.split('/');
    return [arns.get(name) ?? name, ...label].join('/');
  };
  for (const { machine, startedAt } of happened.executions) {
    data.add(states(arnOf(machine))('ExecutionsStarted'), Date.parse(startedAt), 1);
  }
  for (const { machine, status, stoppedAt } of happened.ended) {
    const name = ENDS[status];
    if (name !== undefined && stoppedAt !== undefined) {
      data.add(states(arnOf(machine))(name), Date.parse(stoppedAt), 1);
    }
  }
  const queues = new Map(resources.queues.map(({ name, arn }) => [arn, name]));
  for (const { queueArn, at } of happened.deadLetters) {
    const name = queueArn === undefined ? undefined : queues.get(queueArn);
    if (name !== undefined) data.add(sent(name), Date.parse(at), 1);
  }
  return data;
}

/**
 * @throws UnknownMetric for a metric of AWS that no deployed resource has or that is not measured here: an alarm on
 * it would never ring, and no run would show why.
 */
export function checkMeasured(resources: DeployedResources, metric: MetricName): void {
  if (!metric.namespace.startsWith('AWS/')) return;
  const known = [
    ...resources.functions.flatMap(({ name }) =>
      ['Invocations', 'Errors', 'Duration', 'AsyncEventsReceived'].map(lambda(name)),
    ),
    ...resources.stateMachines.flatMap(({ arn }) =>
      ['ExecutionsStarted', ...Object.values(ENDS)].map(states(arn)),
    ),
    ...resources.queues.map(({ name }) => sent(name)),
  ];
  if (!known.some((one) => metricKey(one) === metricKey(metric))) {
    throw new UnknownMetric(
      `Nothing that is deployed has the metric ${metric.namespace} ${metric.name} ` +
        JSON.stringify(metric.dimensions),
    );
  }
}
