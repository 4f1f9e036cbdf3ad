import type { Duration } from 'aws-cdk-lib';
import {
  Metric as CloudWatchMetric,
  MathExpression,
  type MetricOptions,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { METRIC_NAMESPACE, Metric } from '../../lambdas/runtime/metrics';
import type { GaroaFunction } from '../constructs/garoa-function';
import { applicationName } from '../names';

/** What is watched. */
export interface Monitored {
  readonly ingest: GaroaFunction;
  readonly hourly: GaroaFunction;
  readonly retrain: GaroaFunction;
  readonly upkeep: sfn.StateMachine;
  readonly retraining: sfn.StateMachine;
  readonly evidence: sfn.StateMachine;
  readonly backfill: sfn.StateMachine;
  /** Takes starts of machines that could not be delivered. */
  readonly undelivered: sqs.IQueue;
}

/** A metric that the functions emit; the dimension is the one that their logger and metrics give themselves. */
export function garoaMetric(
  stage: string,
  name: keyof typeof Metric,
  options: MetricOptions,
): CloudWatchMetric {
  return new CloudWatchMetric({
    namespace: METRIC_NAMESPACE,
    metricName: Metric[name],
    dimensionsMap: { service: applicationName(stage) },
    ...options,
  });
}

/** Executions that failed or timed out, of one machine or several. One that somebody stopped is that person's doing. */
export function failedExecutions(machines: readonly sfn.StateMachine[], period: Duration): MathExpression {
  const options = { period, statistic: Stats.SUM };
  const usingMetrics = Object.fromEntries(
    machines.flatMap((machine, index) => [
      [`failed${index}`, machine.metricFailed(options)],
      [`timedOut${index}`, machine.metricTimedOut(options)],
    ]),
  );
  return new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics,
    period,
    label: 'Executions that failed',
  });
}
