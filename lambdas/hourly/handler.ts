import type { Context } from 'aws-lambda';
import type { FinishedQuery } from '../lake/athena';
import { athena, eventBridge, s3 } from '../runtime/aws-clients';
import { Env, requireEnv } from '../runtime/env';
import { logger } from '../runtime/logger';
import { publishMetrics } from '../runtime/metrics';
import { loadSettings } from '../runtime/settings';
import { PROVIDERS } from '../weather/providers';
import { createChampionCache } from './champions';
import { parseEvent } from './event';
import { type HourlyResult, report } from './report';
import { closeHour, type HourlyAccess, recomputeRange } from './run';

const champions = createChampionCache();

/** Invoked by the schedule, the Backfill state machine and people; see `event.ts` for what it takes. */
export async function handler(
  event: unknown,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
): Promise<HourlyResult> {
  const task = parseEvent(event, new Date());
  const queries: FinishedQuery[] = [];
  const access = connect(context, (query) => queries.push(query));
  try {
    const run = await (task.kind === 'hour' ? closeHour(access, task) : recomputeRange(access, task));
    const result = report(task, run, queries);
    for (const refused of run.issued?.refused ?? []) {
      logger.error('Model refused; the previous champion of the ledger is used, if there is one', {
        ...refused,
      });
    }
    logger.info('Done', { ...result });
    if (run.failures.length > 0) {
      throw new AggregateError(run.failures, run.failures.map(({ message }) => message).join('\n'));
    }
    return result;
  } finally {
    publishMetrics();
  }
}

function connect(
  context: Pick<Context, 'getRemainingTimeInMillis'>,
  onFinished: (query: FinishedQuery) => void,
): HourlyAccess {
  const { stage, provider, locations, rainThresholdMm, hourlyMinute } = loadSettings();
  const bucket = (name: string) => ({ client: s3(), name: requireEnv(name) });
  return {
    stage,
    locations,
    rainThresholdMm,
    hourlyMinute,
    settledAfterHours: PROVIDERS[provider].settledAfterHours,
    champions,
    athena: {
      client: athena(),
      s3: s3(),
      workgroup: requireEnv(Env.workgroup),
      database: requireEnv(Env.database),
      remainingMs: () => context.getRemainingTimeInMillis(),
      onFinished,
    },
    raw: bucket(Env.rawBucket),
    processed: bucket(Env.processedBucket),
    models: bucket(Env.modelsBucket),
    queryResults: bucket(Env.queryResultsBucket),
    bus: { client: eventBridge(), name: requireEnv(Env.eventBus) },
    warn: (message, error) => logger.warn(message, { error }),
  };
}
