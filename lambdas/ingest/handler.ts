import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import type { Bucket } from '../lake/s3';
import { type ApiKey, secretApiKey } from '../runtime/api-key';
import { s3, secretsManager } from '../runtime/aws-clients';
import { Env, requireEnv } from '../runtime/env';
import { logger } from '../runtime/logger';
import { Metric, metrics } from '../runtime/metrics';
import { loadSettings, type Settings } from '../runtime/settings';
import { createExchange, type Exchange, systemClock } from '../weather/exchange';
import { PROVIDERS } from '../weather/providers';
import { backfillDay } from './backfill';
import { type IngestResult, parseIngestEvent } from './events';
import { DayNotAvailable, type Failure, LocationsFailed } from './failures';
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
  try {
    const { result, failures, implausible } =
      job.kind === 'poll' ? await pollCurrent(job, dependencies) : await backfillDay(job, dependencies);
    report({ of: job.kind === 'poll' ? job.minute : job.date, stored: result.stored, implausible, failures });
    logger.info('ingested', { ...result, failed: failures.length, requests: exchange.tally.requests });
    const unavailable = failures.filter(({ reason }) => reason === 'day-not-available');
    if (job.kind === 'backfill' && failures.length > 0 && unavailable.length === failures.length) {
      throw new DayNotAvailable(job.date, failures, job.locations.length);
    }
    if (failures.length > 0) throw new LocationsFailed(failures, job.locations.length);
    return result;
  } finally {
    metrics.addMetric(Metric.providerErrors, MetricUnit.Count, exchange.tally.failures);
    metrics.publishStoredMetrics();
  }
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

interface Report {
  /** The minute or day that the run stands for. */
  readonly of: string;
  readonly stored: number;
  readonly implausible: number;
  readonly failures: readonly Failure[];
}

/** Names the failed locations beside the figures, which have no dimension that would cost by location. */
function report({ of, stored, implausible, failures }: Report): void {
  metrics.addMetric(Metric.observationsStored, MetricUnit.Count, stored);
  metrics.addMetric(Metric.implausibleValues, MetricUnit.Count, implausible);
  metrics.addMetric(Metric.locationsFailed, MetricUnit.Count, failures.length);
  if (failures.length === 0) return;
  metrics.addMetadata('failedAt', of);
  metrics.addMetadata('failedLocations', failures.map(({ location }) => location).join(' '));
}
