import { type Bucket, getObject, listObjects, putObject } from '../lake/s3';
import type { WeatherProvider } from '../weather/provider';
import type { BackfillJob, BackfillResult } from './events';
import type { Failure } from './failures';
import {
  historyKey,
  historyPrefix,
  locationsIn,
  packLines,
  RAW_CONTENT_TYPE,
  rawLinesOf,
} from './raw-objects';

export interface BackfillDependencies {
  readonly provider: WeatherProvider;
  readonly source: string;
  readonly bucket: Bucket;
}

export interface BackfillOutcome {
  readonly result: BackfillResult;
  readonly failures: readonly Failure[];
  readonly implausible: number;
}

/**
 * Fetches the history of one UTC day and stores it as one raw object. Locations that the day's history objects hold
 * already are not asked for again unless the job forces it. What a forced run fetches anew stands beside what was there,
 * under a later `ingested_at`, unless it is of the same locations: then it takes its place.
 */
export async function backfillDay(
  job: BackfillJob,
  dependencies: BackfillDependencies,
): Promise<BackfillOutcome> {
  const { provider, source, bucket } = dependencies;
  const there = job.force ? new Set<string>() : await locationsStored(bucket, job.date, source);
  const wanted = job.locations.filter(({ id }) => !there.has(id));

  const outcomes = await Promise.all(wanted.map((location) => provider.history(location, job.date)));
  const { lines, failures, implausible } = rawLinesOf(outcomes, {
    at: job.at,
    source,
    kind: 'history',
  });

  if (lines.length > 0) {
    const fetched = new Set(lines.map(({ location_id }) => location_id));
    const key = historyKey(job.date, source, [...fetched]);
    await putObject(bucket, key, await packLines(lines), RAW_CONTENT_TYPE);
  }
  return {
    result: { date: job.date, source, stored: lines.length, skipped: job.locations.length - wanted.length },
    failures,
    implausible,
  };
}

/** Locations that the day's history objects hold. */
async function locationsStored(bucket: Bucket, date: string, source: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { key } of await listObjects(bucket, historyPrefix(date, source))) {
    const stored = await getObject(bucket, key);
    if (stored) for (const id of await locationsIn(stored.bytes)) found.add(id);
  }
  return found;
}
