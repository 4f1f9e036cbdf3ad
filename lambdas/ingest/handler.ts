import type { Context } from 'aws-lambda';
import type { Bucket } from '../lake/s3';
import { type ApiKey, secretApiKey } from '../runtime/api-key';
import { s3, secretsManager } from '../runtime/aws-clients';
import { Env, requireEnv } from '../runtime/env';
import { logger } from '../runtime/logger';
import { loadSettings, type Settings } from '../runtime/settings';
import { createExchange, type Exchange, systemClock } from '../weather/exchange';
import { PROVIDERS } from '../weather/providers';
import { backfillDay } from './backfill';
import { type IngestResult, parseIngestEvent } from './events';
import { DayNotAvailable, LocationsFailed } from './failures';
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
  const exchange = newExchange(settings, askingTime(job.kind, context));
  const { [Env.archiveApiUrl]: archive } = process.env;
  const addresses = { api: requireEnv(Env.weatherApiUrl), ...(archive && { archive }) };
  const dependencies = {
    provider: PROVIDERS[settings.provider].connect({ addresses, exchange }),
    source: settings.provider,
    bucket: { client: s3(), name: requireEnv(Env.rawBucket) } satisfies Bucket,
  };
  const { result, failures, implausible } =
    job.kind === 'poll' ? await pollCurrent(job, dependencies) : await backfillDay(job, dependencies);
  logger.info('ingested', {
    ...result,
    implausible,
    failed: failures.length,
    // Named here, since the error tells only the first of many.
    ...(failures.length > 0 && {
      failedAt: job.kind === 'poll' ? job.minute : job.date,
      failedLocations: failures.map(({ location }) => location).join(' '),
    }),
    requests: exchange.tally.requests,
    providerErrors: exchange.tally.failures,
  });
  const unavailable = failures.filter(({ reason }) => reason === 'day-not-available');
  if (job.kind === 'backfill' && failures.length > 0 && unavailable.length === failures.length) {
    throw new DayNotAvailable(job.date, failures, job.locations.length);
  }
  if (failures.length > 0) throw new LocationsFailed(failures, job.locations.length);
  return result;
}

/** A poll ends within its minute, so that the next one finds the provider's connections free. */
function askingTime(kind: 'poll' | 'backfill', context: Context): number {
  const left = context.getRemainingTimeInMillis() - WRITING_MS;
  return kind === 'poll' ? Math.min(left, ASKING_SECONDS * 1_000) : left;
}

function newExchange({ provider }: Settings, milliseconds: number): Exchange {
  const deadline = systemClock.now() + milliseconds;
  if (!PROVIDERS[provider].needsKey) return createExchange({ deadline });
  apiKey ??= secretApiKey(secretsManager(), requireEnv(Env.apiKeySecret));
  return createExchange({ deadline, apiKey });
}
