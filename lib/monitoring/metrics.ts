import type { Duration } from 'aws-cdk-lib';
import {
  Metric as CloudWatchMetric,
  MathExpression,
  type MetricOptions,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { METRIC_NAMESPACE, Metric } from '../../lambdas/runtime/metrics';
import type { GaroaFunction } from '../constructs/garoa-function';
import { applicationName } from '../names';

/** What is watched. */
export interface Monitored {
  readonly ingest: GaroaFunction;
  readonly hourly: GaroaFunction;
  readonly retrain: GaroaFunction;
  readonly retraining: sfn.StateMachine;
  readonly evidence: sfn.StateMachine;
  readonly backfill: sfn.StateMachine;
}

/**
 * A metric that the functions emit; the dimension is the one that their logger and metrics give themselves.
 * @param window of figures that verification tells for several; absent, the week is meant.
 */
export function garoaMetric(
  stage: string,
  name: keyof typeof Metric,
  { window, ...options }: MetricOptions & { readonly window?: '30d' },
): CloudWatchMetric {
  return new CloudWatchMetric({
    namespace: METRIC_NAMESPACE,
    metricName: Metric[name],
    dimensionsMap: { service: applicationName(stage), ...(window !== undefined && { window }) },
    ...options,
  });
}

/** Executions that did not end well, whatever the way, of one machine or several. */
export function failedExecutions(machines: readonly sfn.StateMachine[], period: Duration): MathExpression {
  const options = { period, statistic: Stats.SUM };
  const usingMetrics = Object.fromEntries(
    machines.flatMap((machine, index) => [
      [`failed${index}`, machine.metricFailed(options)],
      [`timedOut${index}`, machine.metricTimedOut(options)],
      [`aborted${index}`, machine.metricAborted(options)],
    ]),
  );
  return new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics,
    period,
    label: 'Executions that failed',
  });
}
