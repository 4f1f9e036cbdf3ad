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

/** What an alarm watches, and when it rings. */
export interface Watch {
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
  readonly evaluationPeriods: number;
  /** What no data means. Breaching where silence itself is the fault; everywhere else there is nothing to judge. */
  readonly treatMissingData: TreatMissingData;
  /** Whole UTC hours or days are judged, once they are over: minutes more between two runs are no fault. */
  readonly onWallClock?: boolean;
}

/** One alarm. Template, mail and RUNBOOK.md are made from it, so that each word stands once. */
export interface AlarmDefinition {
  /** Last part of the alarm's name, and its section in the runbook. */
  readonly name: string;
  /** What is wrong when it rings, as a sentence. */
  readonly meaning: string;
  /** What to do, one thing a line; `{app}` is the stage's name, such as `garoa-prod`. */
  readonly remedy: readonly [string, ...string[]];
  readonly watch: (config: GaroaConfig, parts: Monitored) => Watch;
}

const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } =
  ComparisonOperator;
const { BREACHING, NOT_BREACHING } = TreatMissingData;

const HOUR = Duration.hours(1);
const DAY = Duration.days(1);
/** CloudWatch looks back seven days at most. */
const HOURS_OF_WEEK = 7 * 24;

/** A day, and two hours for an upkeep that takes its time or is tried again. */
const HOURS_WITHOUT_UPKEEP = 26;

/** Something happened that should not, however often, within the last hour. */
const happened = (metric: IMetric): Watch => ({
  metric,
  threshold: 1,
  comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  evaluationPeriods: 1,
  treatMissingData: NOT_BREACHING,
});

/**
 * In each of the last hours there were polls and no run. Hours before the first poll have no value, so that a new
 * deployment is not blamed for the time before it; when polls themselves stop, `ingest-did-not-run` tells.
 */
const didNotRun = ({ ingest }: Monitored, runs: IMetric, evaluationPeriods: number): Watch => ({
  metric: new MathExpression({
    // Where there are polls and no data of runs, IF gives 0; where there are no polls, nothing.
    expression: 'IF(polls, runs)',
    usingMetrics: { polls: ingest.function.metricInvocations({ period: HOUR }), runs },
    period: HOUR,
    label: 'Runs while there were polls',
  }),
  threshold: 1,
  comparisonOperator: LESS_THAN_THRESHOLD,
  evaluationPeriods,
  treatMissingData: NOT_BREACHING,
});

const own = (
  { stage }: GaroaConfig,
  name: keyof typeof Metric,
  period: Duration,
  statistic: string = Stats.SUM,
) => garoaMetric(stage, name, { period, statistic });

/** Three quarters of an hour, or three polls of the slowest cadence. */
function pollingPeriod({ locations }: GaroaConfig): Duration {
  return Duration.minutes(Math.max(15, ...locations.map(({ pollEveryMinutes }) => pollEveryMinutes)));
}

/** Failed, did not run, achieved nothing, worse than persistence: for each part, what of these can happen to it. */
export const ALARMS: readonly AlarmDefinition[] = [
  {
    name: 'ingest-failed',
    meaning: 'Half of the polling runs or more could not fetch every location.',
    remedy: [
      'The error of each run in the log of `{app}-ingest` names the locations and the reasons.',
      '`API key` in it: the key is missing, wrong or was rotated. Set it with `npm run garoa -- set-key`; warm functions take it within minutes.',
      'Quota: the plan is too small. Poll some places less often (`pollEveryMinutes`), or change the plan.',
      'One place only: the provider does not know its `query`, or answers for another place or time zone, which the error names beside the configured one. Use coordinates, or correct `timezone`.',
      '`neither temp_c nor precip_mm is there`: the account at the provider answers chosen fields only. Choose these as well.',
      "5xx, time-outs: the trouble is the provider's. The hours heal by themselves from its history.",
    ],
    watch: (config, { ingest }) => {
      const period = pollingPeriod(config);
      return {
        metric: new MathExpression({
          expression: '100 * errors / runs',
          usingMetrics: {
            errors: ingest.function.metricErrors({ period }),
            runs: ingest.function.metricInvocations({ period }),
          },
          period,
          label: 'Runs that failed, %',
        }),
        threshold: 50,
        comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: 3,
        treatMissingData: NOT_BREACHING,
      };
    },
  },
  {
    name: 'ingest-did-not-run',
    meaning: 'No polling run was started.',
    remedy: [
      'Look at the schedules `{app}-ingest-*` in EventBridge Scheduler: disabled, or their role changed?',
      "Look at the account's concurrent executions in Lambda: used up by something else?",
      'Right after a deployment whose places are all polled seldom, it rings until the first poll.',
    ],
    watch: (config, { ingest }) => ({
      metric: ingest.function.metricInvocations({ period: pollingPeriod(config) }),
      threshold: 1,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
      treatMissingData: BREACHING,
    }),
  },
  {
    name: 'hourly-failed',
    meaning: 'An hourly run was given up: it failed as often as it was tried, or could not be started.',
    remedy: [
      'The last committed day stands. The error in the log of `{app}-hourly` says the reason, and the id of the Athena query if it was one.',
      'Once the cause is gone, invoke `{app}-hourly` with `{"hour":"…"}` for the hours that failed, or leave it: the next run recomputes the day.',
      'The event lies in the queue `{app}-hourly-failures` for 14 days.',
    ],
    watch: (_, { hourly }) =>
      happened(hourly.failures.metricNumberOfMessagesSent({ period: HOUR, statistic: Stats.SUM })),
  },
  {
    name: 'hourly-did-not-run',
    meaning: 'For two hours there were polls and no hourly run was started.',
    remedy: ['Look at the schedule `{app}-hourly` in EventBridge Scheduler: disabled, or its role changed?'],
    // Only the schedule leaves an event without waiting: upkeep and backfills, which invoke the function too, wait.
    watch: (_, parts) =>
      didNotRun(
        parts,
        parts.hourly.function.metric('AsyncEventsReceived', { period: HOUR, statistic: Stats.SUM }),
        2,
      ),
  },
  {
    name: 'hourly-aggregated-nothing',
    meaning: 'Three hours in a row were closed without a single observation.',
    remedy: [
      'Ingestion is the cause: see ingest-failed. If its runs end well, look at what they store: `npm run garoa -- status`.',
    ],
    watch: (config) => ({ ...happened(own(config, 'emptyHours', HOUR)), evaluationPeriods: 3 }),
  },
  {
    name: 'forecasts-are-old',
    meaning: 'There are champions, and the newest forecast of some place is older than three hours.',
    remedy: [
      'The log of `{app}-hourly` says for each place why it has none: no observation of the base hour, or a refused model.',
      'If its runs end well and store observations, see whether the provider still delivers new ones for that place.',
    ],
    watch: (config) => ({
      ...happened(own(config, 'forecastAgeMinutes', HOUR, Stats.MAXIMUM)),
      threshold: 180,
      comparisonOperator: GREATER_THAN_THRESHOLD,
    }),
  },
  {
    name: 'worse-than-persistence',
    meaning:
      'On seven days in a row, the forecasts of the last seven days, all places together, were worse than saying that the weather stays as it is.',
    remedy: [
      'A place whose last 28 days are worse beyond doubt is retrained by itself, at most once in `retrainOnEvidenceEveryDays`; the executions of `{app}-retrain-on-evidence` tell. Where none was started, wait for the weekly retraining, or start `{app}-retrain`.',
      "If the retraining ended as `kept`, look at the model's page: a sensor that changed, a station that moved, a season that the history does not have.",
      'Rolling back: `npm run garoa -- rollback <location>`; with `--dry-run` it only says what the champion would be replaced with.',
    ],
    watch: (config) => ({
      metric: own(config, 'skillAgainstPersistence', DAY, Stats.AVERAGE),
      threshold: 0,
      comparisonOperator: LESS_THAN_THRESHOLD,
      evaluationPeriods: 7,
      treatMissingData: NOT_BREACHING,
      onWallClock: true,
    }),
  },
  {
    name: 'model-refused',
    meaning: 'A model file could not be used; the champion before it makes the forecasts.',
    remedy: [
      'The file is damaged or of another code version. After a release that changes the features this is expected until the next retraining: start one.',
      "Otherwise restore the object's earlier version (the bucket is versioned), or promote another model.",
    ],
    watch: (config) => happened(own(config, 'modelsRefused', HOUR)),
  },
  {
    name: 'raw-object-set-aside',
    meaning: 'A raw object could not be read; what is readable of it is kept, and its day is committed.',
    remedy: [
      'It lies under `quarantine/` of the raw bucket, with the reason beside it in `….reason.txt`.',
      'A foreign file: find out who put it there. A damaged one: what it lacked is healed from history, where the provider has it, by a backfill of that day.',
    ],
    watch: (config) => happened(own(config, 'objectsSetAside', HOUR)),
  },
  {
    name: 'upkeep-failed',
    meaning: 'A daily upkeep failed or timed out: a part of it did, after the others had done theirs.',
    remedy: [
      "The failed state's cause in the execution of `{app}-upkeep` names the parts; hours are closed and forecasts made all the same.",
      'Once the reason is gone, redrive it, or invoke `{app}-hourly` with `{"upkeep":"YYYY-MM-DD"}`; the next day\'s upkeep makes good what a missed one left.',
    ],
    watch: (_, { upkeep }) => happened(failedExecutions([upkeep], HOUR)),
  },
  {
    name: 'upkeep-did-not-run',
    meaning:
      'For more than a day there were polls and no upkeep ended well: none was started, or none came to its end.',
    remedy: [
      'Look at the schedule `{app}-upkeep` in EventBridge Scheduler: disabled, or its role changed?',
      'If upkeep-failed rings too, start there.',
    ],
    watch: (_, parts) => ({
      ...didNotRun(
        parts,
        parts.upkeep.metricSucceeded({ period: HOUR, statistic: Stats.SUM }),
        HOURS_WITHOUT_UPKEEP,
      ),
      onWallClock: true,
    }),
  },
  {
    // The machine itself fails when no location could be retrained, so that it can't end well with nothing done.
    name: 'retraining-failed',
    meaning:
      'A retraining failed or timed out, every location of it did, or it could not be started on evidence.',
    remedy: [
      "The failed state's cause in the execution of `{app}-retrain` says why; redrive it once the reason is gone. Champions are untouched.",
    ],
    watch: (_, { retraining, evidence }) => happened(failedExecutions([retraining, evidence], HOUR)),
  },
  {
    name: 'retraining-did-not-run',
    meaning: 'For a week there were polls and no retraining was started.',
    remedy: ['Look at the schedule `{app}-retrain` in EventBridge Scheduler: disabled, or its role changed?'],
    watch: (_, parts) => ({
      ...didNotRun(
        parts,
        parts.retraining.metricStarted({ period: HOUR, statistic: Stats.SUM }),
        HOURS_OF_WEEK,
      ),
      onWallClock: true,
    }),
  },
  {
    name: 'start-was-not-delivered',
    meaning: 'The start of an upkeep, a retraining or a backfill could not be delivered.',
    remedy: [
      'The event lies in the queue `{app}-undelivered`, with the reason as attributes. Start the machine by hand with it, then purge the queue.',
      'Most often the role of the schedule or rule was changed, or Step Functions refused for hours.',
    ],
    watch: (_, { undelivered }) =>
      happened(undelivered.metricNumberOfMessagesSent({ period: HOUR, statistic: Stats.SUM })),
  },
  {
    name: 'backfill-failed',
    meaning: 'A backfill ended with days missing, failed or timed out.',
    remedy: [
      'The cause of the failed execution of `{app}-backfill` names the days. Start it again with the same input when the provider is well: days that are stored are not fetched again.',
      "Days older than your plan's history stay missing.",
    ],
    watch: (_, { backfill }) => happened(failedExecutions([backfill], HOUR)),
  },
];
