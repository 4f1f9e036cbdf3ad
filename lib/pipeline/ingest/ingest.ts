import { Duration } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { OBSERVATIONS } from '../../../lambdas/lake/layout';
import { Env } from '../../../lambdas/runtime/env';
import type { ProviderAddresses } from '../../../lambdas/weather/provider';
import { PROVIDERS } from '../../../lambdas/weather/providers';
import { type GaroaConfig, settingsOf } from '../../config';
import { FunctionSchedules } from '../../constructs/function-schedule';
import { GaroaFunction } from '../../constructs/garoa-function';
import { listing, onObjects } from '../../constructs/permissions';
import type { DataLake } from '../../data-lake/data-lake-stack';
import { resourceName } from '../../names';
import { pollingCron, pollShards } from './polling';

export interface IngestProps {
  readonly config: GaroaConfig;
  readonly lake: DataLake;
  readonly logRetention: logs.RetentionDays;
}

/** The `ingest` function, with a schedule for each cadence of polling and each part that one run can hold. */
export class Ingest extends Construct {
  readonly function: GaroaFunction;

  constructor(scope: Construct, id: string, { config, lake, logRetention }: IngestProps) {
    super(scope, id);
    this.function = new GaroaFunction(this, 'Function', {
      name: 'ingest',
      description: 'Stores what the weather provider says, minute by minute, or one day of its history',
      settings: settingsOf(config),
      memoryMegabytes: 512,
      // A poll ends itself within its minute; a day of history of thousands of locations takes longer.
      timeout: Duration.minutes(15),
      logRetention,
      environment: {
        [Env.rawBucket]: lake.rawBucket,
        ...addressVariables(PROVIDERS[config.provider].addresses),
        ...(lake.apiKeySecret !== undefined && { [Env.apiKeySecret]: lake.apiKeySecret.name }),
      },
      grants: [
        onObjects(this, lake.rawBucket, `${OBSERVATIONS.prefix}*`, ['s3:GetObject', 's3:PutObject']),
        listing(this, lake.rawBucket),
        ...(lake.apiKeySecret === undefined
          ? []
          : [{ actions: ['secretsmanager:GetSecretValue'], resources: [lake.apiKeySecret.arn] }]),
      ],
      // The next poll asks again, and history closes what gap remains: an old minute is not worth a retry.
      asynchronous: { retryAttempts: 0, maxEventAge: Duration.minutes(1) },
    });

    new FunctionSchedules(
      this,
      'Schedules',
      this.function,
      pollShards(config.locations).map(({ everyMinutes, shard, shards }) => ({
        name: resourceName(config.stage, `ingest-every-${everyMinutes}-shard-${shard}`),
        description: `Polls the locations that are due every ${everyMinutes} min, part ${shard + 1} of ${shards}`,
        expression: pollingCron(everyMinutes, PROVIDERS[config.provider]),
        input: { everyMinutes, shard, shards },
        maxEventAge: Duration.minutes(1),
        retryAttempts: 2,
      })),
    );
  }
}

function addressVariables({ api, archive }: ProviderAddresses): Record<string, string> {
  return { [Env.weatherApiUrl]: api, ...(archive !== undefined && { [Env.archiveApiUrl]: archive }) };
}
