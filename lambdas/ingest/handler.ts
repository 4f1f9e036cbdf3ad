import type { Context } from 'aws-lambda';
import type { Bucket } from '../lake/s3';
import { type ApiKey, secretApiKey } from '../runtime/api-key';
import { s3, secretsManager } from '../runtime/aws-clients';
import { Env, requireEnv } from '../runtime/env';
import { logger } from '../runtime/logger';
import { loadSettings, type Settings } from '../settings';
import { createExchange, type Exchange, systemClock } from '../weather/exchange';
import { PROVIDERS } from '../weather/providers';
import { backfillDay } from './backfill';
import { type IngestResult, parseIngestEvent } from './events';
import { backfillError, LocationsFailed } from './failures';
import { pollCurrent } from './poll';
import { ASKING_SECONDS } from './shards';

/** What packing and writing the object may take, kept free of the time for asking. */
const WRITING_MS = 8_000;

let settings: Settings | undefined;
let apiKey: ApiKey | undefined;

/** Invoked by the schedules, the Backfill state machine and people; see `events.ts` for what it takes and gives. */
export async function handler(event: unknown, context: Context): Promise<IngestResult | Settings> {
  settings ??= loadSettings();
  const job = parseIngestEvent(event, settings, new Date());
  if (job.kind === 'describe') return settings;
  const exchange = newExchange(job.kind, settings, askingTime(job.kind, context));
  const { [Env.archiveApiUrl]: archive } = process.env;
  const addresses = { api: requireEnv(Env.weatherApiUrl), ...(archive && { archive }) };
  const dependencies = {
    provider: PROVIDERS[settings.provider].connect({ addresses, exchange }),
    source: settings.provider,
    bucket: { client: s3(), name: requireEnv(Env.rawBucket) } satisfies Bucket,
  };
  const { result, failures, implausible, contradictions } =
    job.kind === 'poll' ? await pollCurrent(job, dependencies) : await backfillDay(job, dependencies);
  logger.info('ingested', {
    ...result,
    implausible,
    contradictions,
    failed: failures.length,
    // Named here, since the error tells only the first of many.
    ...(failures.length > 0 && {
      failedAt: job.kind === 'poll' ? job.minute : job.date,
      failedLocations: failures.map(({ location }) => location).join(' '),
    }),
    requests: exchange.tally.requests,
    providerErrors: exchange.tally.failures,
  });
  const asked = job.locations.length;
  if (job.kind === 'poll' && failures.length > 0) throw new LocationsFailed(failures, asked);
  const failed = job.kind === 'backfill' && backfillError(job.date, failures, asked);
  if (failed) throw failed;
  return result;
}

/** A poll ends within its minute, so that the next one finds the provider's connections free. */
function askingTime(kind: 'poll' | 'backfill', context: Context): number {
  const left = context.getRemainingTimeInMillis() - WRITING_MS;
  return kind === 'poll' ? Math.min(left, ASKING_SECONDS * 1_000) : left;
}

/** A day of many places in one answer takes longer than their present conditions. */
const HISTORY_TIMEOUT_MS = 30_000;

function newExchange(kind: 'poll' | 'backfill', { provider }: Settings, milliseconds: number): Exchange {
  const { needsKey, requestsAtOnce: concurrency } = PROVIDERS[provider];
  const deadline = systemClock.now() + milliseconds;
  const options = {
    deadline,
    concurrency,
    ...(kind === 'backfill' && { requestTimeoutMs: HISTORY_TIMEOUT_MS }),
  };
  if (!needsKey) return createExchange(options);
  apiKey ??= secretApiKey(secretsManager(), requireEnv(Env.apiKeySecret));
  return createExchange({ ...options, apiKey });
}
