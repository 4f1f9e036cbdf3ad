import { NDJSON_TYPE } from '../lake/layout';
import { type Bucket, getObject, putObject, writeIf } from '../lake/s3';
import { chunks } from '../runtime/chunks';
import type { Outcome, WeatherProvider } from '../weather/provider';
import type { PollJob, PollResult } from './events';
import type { Failure } from './failures';
import {
  adHocKey,
  LOCATIONS_PER_OBJECT,
  listedKey,
  locationsIn,
  packLines,
  type RawLine,
  rawLinesOf,
  scheduledKey,
} from './raw-objects';

export interface PollDependencies {
  readonly provider: WeatherProvider;
  /** The provider's name, as the `source` column has it. */
  readonly source: string;
  readonly bucket: Bucket;
}

export interface PollOutcome {
  readonly result: PollResult;
  readonly failures: readonly Failure[];
  readonly implausible: number;
  readonly contradictions: number;
}

/**
 * Fetches present conditions and stores them as one raw object. Locations that fail are reported and cost the others
 * nothing; nothing fetched, nothing written. Storing it twice is impossible: the key is that of the minute.
 */
export async function pollCurrent(job: PollJob, dependencies: PollDependencies): Promise<PollOutcome> {
  const { provider, source } = dependencies;
  const outcomes = await provider.current(job.locations, job.minute);
  const { lines, failures, implausible, contradictions } = rawLinesOf(outcomes, {
    at: job.minute,
    source,
    kind: 'current',
  });

  const { stored, present } = await store(job, lines, dependencies);
  await storeListed(job, outcomes, dependencies);
  return {
    result: { minute: job.minute, source, stored, skipped: lines.length - stored },
    failures: failures.filter(({ location }) => !present.has(location)),
    implausible,
    contradictions,
  };
}

/**
 * @returns how many lines were written, and which locations an earlier delivery of the same event had stored. An
 *   earlier delivery may have failed for some: what this one has beyond it goes into an object of its own.
 */
async function store(
  { minute, origin, locations }: PollJob,
  lines: readonly RawLine[],
  { bucket, source }: PollDependencies,
): Promise<{ stored: number; present: ReadonlySet<string> }> {
  if (lines.length === 0) return { stored: 0, present: new Set() };
  const key =
    origin.type === 'schedule'
      ? scheduledKey(minute, source, origin.shard)
      : adHocKey(
          minute,
          source,
          locations.map(({ id }) => id),
        );
  if ((await put(bucket, key, lines)) === 'written') return { stored: lines.length, present: new Set() };

  const existing = await getObject(bucket, key);
  const present = existing ? await locationsIn(existing.bytes) : new Set<string>();
  const rest = lines.filter(({ location_id }) => !present.has(location_id));
  if (rest.length === 0) return { stored: 0, present };
  const ids = rest.map(({ location_id }) => location_id);
  const written = await put(bucket, adHocKey(minute, source, ids), rest);
  return { stored: written === 'written' ? rest.length : 0, present };
}

/** Hours that are over lie with the history of their UTC day, where that day's commit looks for them. */
async function storeListed(
  { minute }: PollJob,
  outcomes: readonly Outcome[],
  { bucket, source }: PollDependencies,
): Promise<void> {
  const listed = outcomes.flatMap((outcome) =>
    'listed' in outcome ? [{ location: outcome.location, readings: outcome.listed ?? [] }] : [],
  );
  for (const part of chunks(listed, LOCATIONS_PER_OBJECT)) {
    const { lines } = rawLinesOf(part, { at: minute, source, kind: 'listed' });
    for (const date of new Set(lines.map(({ observed_at }) => observed_at.slice(0, 10)))) {
      const ofDay = lines.filter(({ observed_at }) => observed_at.startsWith(date));
      const key = listedKey(date, source, minute, ofDay);
      await putObject(bucket, key, await packLines(ofDay), NDJSON_TYPE);
    }
  }
}

async function put(bucket: Bucket, key: string, lines: readonly RawLine[]): Promise<'written' | 'changed'> {
  return await writeIf(bucket, key, await packLines(lines), NDJSON_TYPE, undefined);
}
