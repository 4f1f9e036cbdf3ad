import { Duration } from 'aws-cdk-lib';
import {
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Metric } from '../../lambdas/runtime/metrics';
import type { GaroaConfig } from '../config';
import { failedExecutions, garoaMetric, type Monitored } from './metrics';

/** One alarm, and the runbook section that it sends its reader to. */
export interface AlarmDefinition {
  /** Last part of the alarm's name, and anchor of its section in the README. */
  readonly runbook: string;
  /** What is wrong when it rings, as a sentence. */
  readonly meaning: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
  readonly evaluationPeriods: number;
  /**
   * What no data means. Breaching where silence is the fault; not breaching where there is nothing to
   * measure yet, such as skill before the first model.
   */
  readonly treatMissingData: TreatMissingData;
  /**
   * Whole UTC days are judged, instead of the hours up to now: where a week between two events is right, and some
   * minutes more are no fault.
   */
  readonly byCalendarDay?: boolean;
}

const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } =
  ComparisonOperator;
const { BREACHING, NOT_BREACHING } = TreatMissingData;

/** CloudWatch looks back seven days at most. */
const WEEK = { period: Duration.days(1), evaluationPeriods: 7 };

/** Failed, did not run, achieved nothing, worse than persistence: for each part, what of these can happen to it. */
export function alarmDefinitions(config: GaroaConfig, parts: Monitored): AlarmDefinition[] {
  const { ingest, hourly, retrain, retraining, evidence, backfill } = parts;
  const own = (name: keyof typeof Metric, period: Duration, statistic: string) =>
    garoaMetric(config.stage, name, { period, statistic });

  // The slowest cadence has one run in it.
  const slowest = Math.max(...config.locations.map(({ pollEveryMinutes }) => pollEveryMinutes));
  const polling = Duration.minutes(Math.max(15, slowest));
  const hour = Duration.hours(1);

  return [
    {
      runbook: 'ingest-failed',
      meaning: 'Half of the polling runs or more could not fetch every location.',
      metric: new MathExpression({
        expression: '100 * errors / runs',
        usingMetrics: {
          errors: ingest.function.metricErrors({ period: polling }),
          runs: ingest.function.metricInvocations({ period: polling }),
        },
        period: polling,
        label: 'Runs that failed, %',
      }),
      threshold: 50,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      treatMissingData: NOT_BREACHING,
    },
    {
      runbook: 'ingest-did-not-run',
      meaning: 'No polling run was started.',
      metric: ingest.function.metricInvocations({ period: polling }),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
      treatMissingData: BREACHING,
    },
    {
      runbook: 'ingest-stored-nothing',
      meaning: 'Not one observation was stored in an hour.',
      metric: own('observationsStored', hour, Stats.SUM),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
      treatMissingData: BREACHING,
    },
    {
      runbook: 'hourly-failed',
      meaning: 'The hourly run failed as often as it was tried.',
      metric: hourly.function.metric('AsyncEventsDropped', { period: hour, statistic: Stats.SUM }),
      threshold: 1,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: NOT_BREACHING,
    },
    {
      runbook: 'hourly-did-not-run',
      meaning: 'No hourly run was started for two hours.',
      metric: hourly.function.metricInvocations({ period: hour }),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
      treatMissingData: BREACHING,
    },
    {
      runbook: 'hourly-aggregated-nothing',
      meaning: 'Hourly runs ended well, and not one hour had an observation.',
      metric: own('hoursAggregated', hour, Stats.SUM),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: 3,
      treatMissingData: BREACHING,
    },
    {
      runbook: 'forecasts-are-old',
      meaning: 'There are champions, and the newest forecast of some place is older than three hours.',
      metric: own('forecastAgeMinutes', hour, Stats.MAXIMUM),
      threshold: 180,
      comparisonOperator: GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: NOT_BREACHING,
    },
    {
      runbook: 'worse-than-persistence',
      meaning: 'For a week the forecasts have been worse than saying that the weather stays as it is.',
      metric: own('skillAgainstPersistence', WEEK.period, Stats.AVERAGE),
      threshold: 0,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: WEEK.evaluationPeriods,
      treatMissingData: NOT_BREACHING,
    },
    {
      runbook: 'model-refused',
      meaning: 'A model file could not be used; the champion before it makes the forecasts.',
      metric: own('modelsRefused', hour, Stats.SUM),
      threshold: 1,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: NOT_BREACHING,
    },
    {
      // The machine itself fails when no location could be retrained, so that it can't end well with nothing done.
      runbook: 'retraining-failed',
      meaning: 'A retraining failed, timed out or was stopped, or could not be started on evidence.',
      metric: failedExecutions([retraining, evidence], hour),
      threshold: 1,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: NOT_BREACHING,
    },
    {
      runbook: 'retraining-did-not-run',
      meaning: 'No retraining was started for a week.',
      metric: retraining.metricStarted({ period: WEEK.period, statistic: Stats.SUM }),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: WEEK.evaluationPeriods,
      treatMissingData: BREACHING,
      byCalendarDay: true,
    },
    {
      runbook: 'retraining-was-not-delivered',
      meaning: 'The start of a retraining could not be delivered; the event lies in the queue.',
      metric: retrain.failures.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(15),
        statistic: Stats.MAXIMUM,
      }),
      threshold: 1,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: NOT_BREACHING,
    },
    {
      runbook: 'backfill-failed',
      meaning: 'A backfill ended with days missing, failed, timed out or was stopped.',
      metric: failedExecutions([backfill], hour),
      threshold: 1,
      comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: NOT_BREACHING,
    },
  ];
}
