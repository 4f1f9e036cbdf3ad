import type { Context } from 'aws-lambda';
import type { FinishedQuery } from '../lake/athena';
import { athena, eventBridge, lambda, s3 } from '../runtime/aws-clients';
import { Env, requireEnv } from '../runtime/env';
import { logger } from '../runtime/logger';
import { publishMetrics } from '../runtime/metrics';
import { loadSettings, type Settings } from '../settings';
import { PROVIDERS } from '../weather/providers';
import { createChampionCache } from './champions';
import { parseEvent } from './event';
import { ingestedHistory } from './history';
import { concludeRun, concludeUpkeep, type HourlyResult, type UpkeepResult } from './outcome';
import { closeHour, recomputeRange } from './run';
import { lookAfterLake, makePages, type PagesResult, type UpkeepAccess } from './upkeep';

const champions = createChampionCache();

/**
 * What is left of an invocation for all that needs no Athena, pages and compaction among them: queries that wait in a
 * queue for minutes are given up before it, so that each part says what became of it.
 */
const WITHOUT_ATHENA_MS = 120_000;

/** Invoked by the schedule, the Backfill state machine and people; see `event.ts` for what it takes. */
export async function handler(
  event: unknown,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
): Promise<HourlyResult | UpkeepResult | PagesResult> {
  const settings = loadSettings();
  const task = parseEvent(event, new Date(), settings.firstDay);
  const queries: FinishedQuery[] = [];
  const access = connect(settings, context, (query) => queries.push(query));
  try {
    if (task.kind === 'pages') return await makePages(access, task);
    if (task.kind === 'upkeep') {
      const run = await lookAfterLake(access, task);
      const result = concludeUpkeep(task, run, queries);
      logger.info('Looked after the lake', { ...result });
      throwAny(run.failures);
      return result;
    }
    const run = await (task.kind === 'hour' ? closeHour(access, task) : recomputeRange(access, task));
    const result = concludeRun(task, run, queries);
    for (const refused of run.issued?.refused ?? []) {
      logger.error('Model refused; the previous champion of the ledger is used, if there is one', {
        ...refused,
      });
    }
    logger.info('Done', { ...result });
    throwAny(run.failures);
    return result;
  } finally {
    publishMetrics();
  }
}

function throwAny(failures: readonly Error[]): void {
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
  }
}

function connect(
  { stage, provider, locations, rainThresholdMm, hourlyMinute }: Settings,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
  onFinished: (query: FinishedQuery) => void,
): UpkeepAccess {
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
      remainingMs: () => context.getRemainingTimeInMillis() - WITHOUT_ATHENA_MS,
      onFinished,
    },
    raw: bucket(Env.rawBucket),
    processed: bucket(Env.processedBucket),
    models: bucket(Env.modelsBucket),
    queryResults: bucket(Env.queryResultsBucket),
    bus: { client: eventBridge(), name: requireEnv(Env.eventBus) },
    history: ingestedHistory(lambda(), requireEnv(Env.ingestFunction)),
    warn: (message, error) => logger.warn(message, { error }),
  };
}
