import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Metric as CloudWatchMetric,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { applicationName } from '../names';
import { failedExecutions, type Monitored } from './metrics';
import { LOG_QUERIES } from './queries';

const WIDTH = 24;

/**
 * For whoever wants it ($3 a month): alarms, runs, what it costs, and the answers of the log queries. It shows only
 * what is measured anyway.
 */
export function dashboard(
  scope: Construct,
  stage: string,
  parts: Monitored,
  alarms: readonly Alarm[],
): Dashboard {
  const { ingest, hourly, retrain, retraining, evidence, backfill } = parts;
  const day = Duration.days(1);
  const functions = [
    { name: 'ingest', of: ingest },
    { name: 'hourly', of: hourly },
    { name: 'retrain', of: retrain },
  ];
  const sum = { period: day, statistic: Stats.SUM };

  return new Dashboard(scope, 'Dashboard', {
    dashboardName: applicationName(stage),
    defaultInterval: Duration.days(7),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: WIDTH, height: 4 })],
      row([
        graph(
          'Invocations',
          functions.map(({ name, of }) => of.function.metricInvocations({ label: name, period: day })),
        ),
        graph(
          'Runs that failed',
          functions.map(({ name, of }) =>
            of.function.metricErrors({ label: name, period: Duration.hours(1) }),
          ),
        ),
        graph(
          'Compute, seconds',
          functions.map(
            ({ name, of }) =>
              new MathExpression({
                expression: `${name}Duration / 1000`,
                usingMetrics: { [`${name}Duration`]: of.function.metricDuration(sum) },
                period: day,
                label: name,
              }),
          ),
        ),
      ]),
      row([
        graph('Retrainings', [
          retraining.metricStarted({ ...sum, label: 'started' }),
          retraining.metricSucceeded({ ...sum, label: 'succeeded' }),
          failedExecutions([retraining, evidence], day),
        ]),
        graph('Backfills', [
          backfill.metricStarted({ ...sum, label: 'started' }),
          failedExecutions([backfill], day),
        ]),
        graph('Bytes that Athena read', [
          new CloudWatchMetric({
            namespace: 'AWS/Athena',
            metricName: 'ProcessedBytes',
            dimensionsMap: { WorkGroup: applicationName(stage), QueryType: 'DML', QueryState: 'SUCCEEDED' },
            ...sum,
            label: 'in the workgroup, by all',
          }),
        ]),
      ]),
      ...LOG_QUERIES.map(({ name, of, query }) => [
        new LogQueryWidget({
          title: name,
          logGroupNames: [parts[of].function.logGroup.logGroupName],
          queryString: query,
          view: LogQueryVisualizationType.TABLE,
          width: WIDTH,
          height: 6,
        }),
      ]),
    ],
  });
}

/** Graphs side by side over the whole width. */
function row(graphs: readonly ((width: number) => IWidget)[]): IWidget[] {
  return graphs.map((make) => make(WIDTH / graphs.length));
}

function graph(title: string, left: IMetric[]): (width: number) => IWidget {
  return (width) => new GraphWidget({ title, left, width, height: 6 });
}
