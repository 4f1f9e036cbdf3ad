import { Duration, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../../../lambdas/hourly/events';
import { keys, OBSERVATIONS, PAGES_PREFIX, QUARANTINE_PREFIX } from '../../../lambdas/lake/layout';
import { Env } from '../../../lambdas/runtime/env';
import { type GaroaConfig, settingsOf } from '../../config';
import { FunctionSchedules } from '../../constructs/function-schedule';
import { GaroaFunction } from '../../constructs/garoa-function';
import { athenaQueries, listing, onObjects, queryResults, tableListing } from '../../constructs/permissions';
import type { DataLake } from '../../data-lake/data-lake-stack';
import { resourceName } from '../../names';

/** Where forecasts and findings are announced: the account's default bus, so that any rule can listen. */
const EVENT_BUS = 'default';

export interface HourlyProps {
  readonly config: GaroaConfig;
  readonly lake: DataLake;
  /** Fetches the history that upkeep asks for. */
  readonly ingestFunction: lambda.IFunction;
  readonly logRetention: logs.RetentionDays;
}

/** The `hourly` function and its schedule. */
export class Hourly extends Construct {
  readonly function: GaroaFunction;

  constructor(scope: Construct, id: string, { config, lake, ingestFunction, logRetention }: HourlyProps) {
    super(scope, id);
    this.function = new GaroaFunction(this, 'Function', {
      name: 'hourly',
      description: 'Closes the hour: aggregates, forecasts the next one, verifies what fell due',
      settings: settingsOf(config),
      // One full processor: scoring thousands of locations and compaction are bound by it.
      memoryMegabytes: 1769,
      timeout: Duration.minutes(15),
      logRetention,
      environment: {
        [Env.rawBucket]: lake.rawBucket,
        [Env.processedBucket]: lake.processedBucket,
        [Env.modelsBucket]: lake.modelsBucket,
        [Env.queryResultsBucket]: lake.queryResultsBucket,
        [Env.database]: lake.database,
        [Env.workgroup]: lake.workgroup,
        [Env.eventBus]: EVENT_BUS,
        [Env.ingestFunction]: ingestFunction.functionName,
      },
      grants: [
        onObjects(this, lake.rawBucket, `${OBSERVATIONS.prefix}*`, [
          's3:GetObject',
          // Compaction joins the objects of an hour, then deletes the originals.
          's3:PutObject',
          's3:DeleteObject',
        ]),
        // What can't be read is set aside.
        onObjects(this, lake.rawBucket, `${QUARANTINE_PREFIX}*`, ['s3:PutObject']),
        onObjects(this, lake.processedBucket, '*', ['s3:GetObject', 's3:PutObject']),
        onObjects(this, lake.modelsBucket, '*', ['s3:GetObject']),
        // Pages and the latest forecasts; champions and ledger are for retraining alone to write.
        onObjects(this, lake.modelsBucket, keys.latest, ['s3:PutObject']),
        onObjects(this, lake.modelsBucket, keys.index, ['s3:PutObject']),
        onObjects(this, lake.modelsBucket, `${PAGES_PREFIX}*`, ['s3:PutObject']),
        ...[lake.rawBucket, lake.processedBucket].map((bucket) => tableListing(this, bucket)),
        listing(this, lake.modelsBucket),
        ...queryResults(this, lake.queryResultsBucket),
        ...athenaQueries(this, lake, { sweeps: true }),
        { actions: ['lambda:InvokeFunction'], resources: [ingestFunction.functionArn] },
        {
          actions: ['events:PutEvents'],
          resources: [
            Stack.of(this).formatArn({ service: 'events', resource: 'event-bus', resourceName: EVENT_BUS }),
          ],
          // A request has as many sources as entries: all must be ours, and there must be one.
          conditions: {
            'ForAllValues:StringEquals': { 'events:source': EVENT_SOURCE },
            Null: { 'events:source': 'false' },
          },
        },
      ],
      // Every step may be repeated, and the next hour recomputes the day: two retries within it, then give up.
      asynchronous: { retryAttempts: 2, maxEventAge: Duration.minutes(50) },
    });

    new FunctionSchedules(this, 'Schedules', this.function, [
      {
        name: resourceName(config.stage, 'hourly'),
        description: 'Closes the hour before',
        expression: `cron(${config.schedules.hourlyMinute} * * * ? *)`,
        maxEventAge: Duration.minutes(50),
        retryAttempts: 10,
      },
    ]);
  }
}
