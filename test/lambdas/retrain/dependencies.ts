import { AthenaClient } from '@aws-sdk/client-athena';
import type { Bucket } from '../../../lambdas/lake/s3';
import type { StepDependencies } from '../../../lambdas/retrain/run-step';
import { settingsSchema } from '../../../lambdas/settings';

export const settings = settingsSchema.parse({
  stage: 'test',
  provider: 'weatherapi',
  locations: ['ewr', 'jfk', 'lga'].map((id) => ({ id, name: id, query: id, timezone: 'America/New_York' })),
  rainThresholdMm: 0.1,
  training: { windowDays: 365, minimumRainEvents: 4, candidates: 1 },
});

/**
 * What the steps need, with one bucket for all objects. There is no Athena: preparing the training sets is tested on
 * the local cloud, and elsewhere they are put in place.
 */
export function stepDependencies(bucket: Bucket): StepDependencies {
  return {
    settings,
    queryResults: bucket,
    models: bucket,
    processed: bucket,
    athena: {
      client: new AthenaClient({ region: 'us-east-1' }),
      s3: bucket.client,
      workgroup: 'none',
      database: 'none',
      remainingMs: () => 3_600_000,
    },
    codeVersion: 'test',
    remainingMs: () => 3_600_000,
    note: () => undefined,
    now: () => new Date('2013-03-01T12:00:00Z'),
  };
}
