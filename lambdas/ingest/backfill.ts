import * as z from 'zod';
import { NDJSON_TYPE } from '../lake/layout';
import { type Bucket, getObject, listObjects, putObject } from '../lake/s3';
import { utcSecondSchema } from '../runtime/time';
import { type Outcome, settledFrom, type WeatherProvider } from '../weather/provider';
import type { BackfillJob, BackfillResult } from './events';
import type { Failure } from './failures';
import {
  historyKey,
  historyPrefix,
  LOCATIONS_PER_OBJECT,
  linesIn,
  packLines,
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
  readonly contradictions: number;
}

/**
 * Fetches the history of one UTC day and stores it in parts as it comes, so that a run that dies has stored what it
 * had. Locations whose day is done are not asked for again unless the job forces it: every hour is in the lake, and was
 * fetched after the provider had settled it, or by this very run. What is fetched anew stands beside what was there,
 * under a later `ingested_at`.
 */
export async function backfillDay(
  job: BackfillJob,
  dependencies: BackfillDependencies,
): Promise<BackfillOutcome> {
  const { provider, source, bucket } = dependencies;
  const done = job.force ? new Set<string>() : await locationsDone(job, dependencies);
  const wanted = job.locations.filter(({ id }) => !done.has(id));

  const failures: Failure[] = [];
  let implausible = 0;
  let contradictions = 0;
  let stored = 0;
  let unfinished = 0;
  for await (const outcomes of inParts(provider.history(wanted, job.date), LOCATIONS_PER_OBJECT)) {
    const part = rawLinesOf(outcomes, { at: job.at, source, kind: 'history' });
    failures.push(...part.failures);
    implausible += part.implausible;
    contradictions += part.contradictions;
    stored += part.lines.length;
    const known = hoursKnown(part.lines);
    unfinished += outcomes.filter(
      (outcome) => 'readings' in outcome && known.get(outcome.location.id) !== WHOLE_DAY,
    ).length;
    if (part.lines.length > 0) {
      const key = historyKey(job.date, source, part.lines);
      await putObject(bucket, key, await packLines(part.lines), NDJSON_TYPE);
    }
  }
  const skipped = job.locations.length - wanted.length;
  return {
    result: { date: job.date, source, stored, skipped, unfinished },
    failures,
    implausible,
    contradictions,
  };
}

async function* inParts(outcomes: AsyncIterable<Outcome>, size: number): AsyncGenerator<Outcome[]> {
  let part: Outcome[] = [];
  for await (const outcome of outcomes) {
    part.push(outcome);
    if (part.length === size) {
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}

/** A bit for each of the day's hours. */
const WHOLE_DAY = 2 ** 24 - 1;

const historyLine = z.object({
  location_id: z.string(),
  observed_at: utcSecondSchema,
  ingested_at: utcSecondSchema,
  precip_mm: z.number().nullable(),
});

/** Hours with rain, by location, as bits. */
function hoursKnown(lines: Iterable<z.infer<typeof historyLine>>, known = new Map<string, number>()) {
  for (const { location_id: id, observed_at: at, precip_mm } of lines) {
    if (precip_mm !== null) known.set(id, (known.get(id) ?? 0) | (1 << Number(at.slice(11, 13))));
  }
  return known;
}

/** Locations whose stored day needs no fetching any more. */
async function locationsDone(job: BackfillJob, { provider, source, bucket }: BackfillDependencies) {
  const settled = settledFrom(provider, job.date);
  // What this run has stored before it died is not fetched again, however early in the day's life it comes.
  const fetchedFrom = settled < job.at ? settled : job.at;
  const known = new Map<string, number>();
  for (const { key } of await listObjects(bucket, historyPrefix(job.date, source))) {
    const object = await getObject(bucket, key);
    if (object === undefined) continue;
    for await (const line of linesIn(object.bytes, historyLine)) {
      if (line.ingested_at >= fetchedFrom) hoursKnown([line], known);
    }
  }
  return new Set([...known].filter(([, hours]) => hours === WHOLE_DAY).map(([id]) => id));
}
