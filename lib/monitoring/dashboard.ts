import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Metric as CloudWatchMetric,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Metric } from '../../lambdas/runtime/metrics';
import { applicationName } from '../names';
import { failedExecutions, garoaMetric, type Monitored } from './metrics';

const WIDTH = 24;

/** The one dashboard: is it collecting, is it forecasting, is it any good, what does it cost. */
export function dashboard(
  scope: Construct,
  stage: string,
  { ingest, hourly, retrain, retraining, evidence, backfill }: Monitored,
  alarms: readonly Alarm[],
): Dashboard {
  const hour = Duration.hours(1);
  const day = Duration.days(1);
  const own = (name: keyof typeof Metric, label: string, statistic: string = Stats.SUM, period = hour) =>
    garoaMetric(stage, name, { label, statistic, period });
  const rolling = (name: 'rollingBrier' | 'skillAgainstPersistence') => [
    own(name, 'last 7 days', Stats.AVERAGE),
    garoaMetric(stage, name, {
      label: 'last 30 days',
      statistic: Stats.AVERAGE,
      period: hour,
      window: '30d',
    }),
  ];
  const functions = [
    { name: 'ingest', of: ingest },
    { name: 'hourly', of: hourly },
    { name: 'retrain', of: retrain },
  ];

  return new Dashboard(scope, 'Dashboard', {
    dashboardName: applicationName(stage),
    defaultInterval: Duration.days(7),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: WIDTH, height: 4 })],
      ...row('Runs and observations', [
        graph(
          'Runs that failed',
          functions.map(({ name, of }) => of.function.metricErrors({ label: name, period: hour })),
        ),
        graph('Stored', [
          own('observationsStored', 'observations'),
          own('locationsFailed', 'locations that failed'),
        ]),
        graph('What the provider sends', [
          own('providerErrors', 'errors'),
          own('implausibleValues', 'implausible values'),
        ]),
        graph('Hours', [
          own('hoursAggregated', 'aggregated'),
          own('missingHours', 'missing', Stats.MAXIMUM),
          own('gapHours', 'missing in the last week', Stats.MAXIMUM, day),
        ]),
      ]),
      ...row('Forecasts', [
        graph('Issued and verified', [
          own('forecastsIssued', 'issued'),
          own('locationsWithoutForecast', 'places without one', Stats.MAXIMUM),
          own('forecastsVerified', 'verified', Stats.MAXIMUM),
        ]),
        graph('Age of the newest forecast, min, of the place where it is oldest', [
          own('forecastAgeMinutes', 'age', Stats.MAXIMUM),
        ]),
        graph('Rain and no rain, last 7 days', [
          own('hits', 'hits', Stats.AVERAGE),
          own('misses', 'misses', Stats.AVERAGE),
          own('falseAlarms', 'false alarms', Stats.AVERAGE),
        ]),
      ]),
      ...row('Skill of verified forecasts', [
        graph('Brier score', rolling('rollingBrier')),
        graph('Skill against persistence', rolling('skillAgainstPersistence'), [
          { value: 0, label: 'no better than persistence' },
        ]),
      ]),
      ...row('Retraining and backfill', [
        graph('Retrainings', [
          retraining.metricStarted({ label: 'started', period: day, statistic: Stats.SUM }),
          retraining.metricSucceeded({ label: 'succeeded', period: day, statistic: Stats.SUM }),
          failedExecutions([retraining, evidence], day),
        ]),
        graph('Champions', [
          own('championsPromoted', 'promoted', Stats.SUM, day),
          own('championsKept', 'kept', Stats.SUM, day),
          own('modelsRefused', 'refused', Stats.SUM, day),
          own('retrainingsFailed', 'failed', Stats.SUM, day),
        ]),
        graph('Backfills', [
          backfill.metricStarted({ label: 'started', period: day, statistic: Stats.SUM }),
          failedExecutions([backfill], day),
        ]),
      ]),
      ...row('What it costs', [
        graph(
          'Invocations',
          functions.map(({ name, of }) => of.function.metricInvocations({ label: name, period: day })),
        ),
        graph(
          'Compute, seconds',
          functions.map(
            ({ name, of }) =>
              new MathExpression({
                expression: `${name}Duration / 1000`,
                usingMetrics: {
                  [`${name}Duration`]: of.function.metricDuration({ period: day, statistic: Stats.SUM }),
                },
                period: day,
                label: name,
              }),
          ),
        ),
        graph('Bytes that Athena read', [
          own('bytesScanned', 'by Garoa', Stats.SUM, day),
          new CloudWatchMetric({
            namespace: 'AWS/Athena',
            metricName: 'ProcessedBytes',
            dimensionsMap: { WorkGroup: applicationName(stage), QueryType: 'DML', QueryState: 'SUCCEEDED' },
            statistic: Stats.SUM,
            period: day,
            label: 'in the workgroup, by all',
          }),
        ]),
        graph('Time of queries, ms', [own('queryMilliseconds', 'by Garoa', Stats.SUM, day)]),
      ]),
    ],
  });
}

/** A heading, and below it the graphs side by side over the whole width. */
function row(title: string, graphs: readonly ((width: number) => IWidget)[]): IWidget[][] {
  return [
    [new TextWidget({ markdown: `## ${title}`, width: WIDTH, height: 1 })],
    graphs.map((make) => make(WIDTH / graphs.length)),
  ];
}

function graph(
  title: string,
  left: IMetric[],
  leftAnnotations: { value: number; label: string }[] = [],
): (width: number) => IWidget {
  return (width) => new GraphWidget({ title, left, leftAnnotations, width, height: 6 });
}
