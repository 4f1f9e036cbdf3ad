import { Annotations, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { MODEL_METRICS } from '../../lambdas/lake/layout';
import { Env } from '../../lambdas/runtime/env';
import { PROVIDERS } from '../../lambdas/weather/providers';
import { type GaroaConfig, planOf, settingsOf } from '../config';
import { deadLetterQueue } from '../constructs/dead-letter-queue';
import { GaroaFunction } from '../constructs/garoa-function';
import { athenaQueries, listing, onObjects, queryResults, tableListing } from '../constructs/permissions';
import { cronOf } from '../constructs/weekly';
import type { DataLake } from '../data-lake/data-lake-stack';
import { resourceName } from '../names';
import { Backfill } from './backfill/backfill';
import { concurrency } from './concurrency';
import { Evidence } from './evidence/evidence';
import { Hourly } from './hourly/hourly';
import { Ingest } from './ingest/ingest';
import { closingWarning, pollShards, quotaNote } from './ingest/polling';
import { Retraining } from './retrain/retraining';
import { Upkeep } from './upkeep/upkeep';

export interface PipelineStackProps extends StackProps {
  readonly config: GaroaConfig;
  readonly lake: DataLake;
}

/** Everything that runs: the three functions, their schedules and the state machines. It holds no data. */
export class PipelineStack extends Stack {
  readonly ingest: GaroaFunction;
  readonly hourly: GaroaFunction;
  readonly retrain: GaroaFunction;
  readonly retraining: sfn.StateMachine;
  readonly evidence: sfn.StateMachine;
  readonly backfill: sfn.StateMachine;
  readonly upkeep: sfn.StateMachine;
  /** Takes starts of machines that could not be delivered: one queue, since nothing else may end in it. */
  readonly undelivered: sqs.Queue;

  constructor(scope: Construct, id: string, { config, lake, ...props }: PipelineStackProps) {
    super(scope, id, props);
    const { stage } = config;
    // The numbers of RetentionDays are the days, and the configuration admits no other.
    const logRetention: logs.RetentionDays = config.retention.logDays;

    this.undelivered = deadLetterQueue(this, 'Undelivered', resourceName(stage, 'undelivered'));

    this.ingest = new Ingest(this, 'Ingest', { config, lake, logRetention }).function;
    this.hourly = new Hourly(this, 'Hourly', {
      config,
      lake,
      ingestFunction: this.ingest.function,
      logRetention,
    }).function;
    this.upkeep = new Upkeep(this, 'Upkeep', {
      stage,
      locations: config.locations,
      hourlyFunction: this.hourly.function,
      hourlyMinute: config.schedules.hourlyMinute,
      deadLetterQueue: this.undelivered,
      logRetention,
    }).stateMachine;
    this.retrain = this.retrainFunction(config, lake, logRetention);

    const provider = PROVIDERS[config.provider];
    const locationCount = config.locations.length;
    const width = concurrency({
      accountConcurrency: config.accountConcurrency,
      pollSchedules: pollShards(config.locations).length,
      locationCount,
      providerDaysAtOnce: provider.backfillDaysAtOnce,
    });
    this.retraining = new Retraining(this, 'Retraining', {
      stage,
      retrainFunction: this.retrain.function,
      queryResultsBucket: lake.queryResultsBucket,
      schedule: cronOf(config.schedules.retrain),
      locationCount,
      concurrency: width,
      deadLetterQueue: this.undelivered,
      logRetention,
    }).stateMachine;

    this.evidence = new Evidence(this, 'Evidence', {
      stage,
      retraining: this.retraining,
      everyDays: config.retrainOnEvidenceEveryDays,
      deadLetterQueue: this.undelivered,
      logRetention,
    }).stateMachine;

    this.backfill = new Backfill(this, 'Backfill', {
      stage,
      ingestFunction: this.ingest.function,
      hourlyFunction: this.hourly.function,
      daysAtOnce: width.daysAtOnce,
      locationCount,
      firstDay: config.firstDay,
      settledAfterHours: provider.settledAfterHours,
      deadLetterQueue: this.undelivered,
      logRetention,
    }).stateMachine;

    const quota = quotaNote(provider, planOf(config), config.locations);
    Annotations.of(this).addInfo(quota.text);
    if (quota.warning !== undefined) {
      Annotations.of(this).addWarningV2('garoa:plan-too-small', quota.warning);
    }
    const closing = closingWarning(provider, config.schedules.hourlyMinute);
    if (closing !== undefined) {
      Annotations.of(this).addWarningV2('garoa:hour-closed-too-soon', closing);
    }
  }

  private retrainFunction(
    config: GaroaConfig,
    lake: DataLake,
    logRetention: logs.RetentionDays,
  ): GaroaFunction {
    return new GaroaFunction(this, 'Retrain', {
      name: 'retrain',
      description: 'Steps of the retraining machine, and rollback by hand',
      settings: settingsOf(config),
      // The most that a new account may have; beyond 1769 MB a second processor comes with it.
      memoryMegabytes: 3008,
      timeout: Duration.minutes(15),
      logRetention,
      environment: {
        [Env.processedBucket]: lake.processedBucket,
        [Env.modelsBucket]: lake.modelsBucket,
        [Env.queryResultsBucket]: lake.queryResultsBucket,
        [Env.database]: lake.database,
        [Env.workgroup]: lake.workgroup,
      },
      grants: [
        onObjects(this, lake.processedBucket, '*', ['s3:GetObject']),
        onObjects(this, lake.processedBucket, `${MODEL_METRICS.prefix}*`, ['s3:PutObject']),
        onObjects(this, lake.modelsBucket, '*', ['s3:GetObject', 's3:PutObject']),
        tableListing(this, lake.processedBucket),
        listing(this, lake.modelsBucket),
        ...queryResults(this, lake.queryResultsBucket),
        ...athenaQueries(this, lake, { sweeps: false }),
      ],
      asynchronous: { retryAttempts: 0, maxEventAge: Duration.hours(1) },
      files: ['lambdas/model/smo/smo.wasm', 'node_modules/libsvm-js/out/wasm/libsvm.wasm'],
    });
  }
}
