import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Context } from 'aws-lambda';
import { athena, s3 } from '../runtime/aws-clients';
import { Env, requireEnv } from '../runtime/env';
import { logger } from '../runtime/logger';
import { loadSettings } from '../settings';
import { runStep } from './run-step';
import { parseStep } from './steps';

/** The bundle itself is the code: whatever changes in it may change a model. */
const codeVersion = createHash('sha256').update(readFileSync(__filename)).digest('hex').slice(0, 12);

/**
 * One step of retraining. Called by the states of `garoa-<stage>-retrain`, and by people with
 * `{"step":"promote","location":…,"version":…}`.
 */
export async function handler(event: unknown, context: Context): Promise<unknown> {
  logger.addContext(context);
  const step = parseStep(event);
  const bucket = (name: string) => ({ client: s3(), name: requireEnv(name) });
  const result = await runStep(
    {
      settings: loadSettings(),
      queryResults: bucket(Env.queryResultsBucket),
      models: bucket(Env.modelsBucket),
      processed: bucket(Env.processedBucket),
      athena: {
        client: athena(),
        s3: s3(),
        workgroup: requireEnv(Env.workgroup),
        database: requireEnv(Env.database),
        remainingMs: () => context.getRemainingTimeInMillis(),
      },
      codeVersion,
      remainingMs: () => context.getRemainingTimeInMillis(),
      now: () => new Date(),
      note: (message, fields) => logger.info(message, fields),
    },
    step,
  );
  logger.info('step done', { step: step.step, result });
  return result;
}
