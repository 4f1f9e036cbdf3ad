import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import { keys } from '../lake/layout';
import type { Observation } from '../weather/observation';
import { plausible } from '../weather/plausibility';
import type { Outcome, Reading } from '../weather/provider';
import type { Failure } from './failures';
import type { Shard } from './shards';

export const RAW_CONTENT_TYPE = 'application/x-ndjson';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** A line of a raw object: the lake's columns, and what the provider said. */
export type RawLine = Observation & { readonly payload: unknown };

/**
 * Key of what a schedule's run stores; the same minute and shard always give the same. Schedules of several cadences
 * fall on one minute, so a cadence other than the minute's own is part of the name.
 */
export function scheduledKey(minute: string, source: string, shard?: Shard): string {
  if (!shard) return rawKey(minute, source);
  const cadence = shard.everyMinutes > 1 ? `-every${shard.everyMinutes}` : '';
  return rawKey(minute, `${source}${cadence}${shard.shards > 1 ? `-s${shard.shard}` : ''}`);
}

/** Key of what a run of some locations stores: never that of a schedule, and another for other locations. */
export function adHocKey(minute: string, source: string, locationIds: readonly string[]): string {
  return rawKey(minute, `${source}-adhoc-${fingerprint(locationIds)}`);
}

/** Key of a day's history of these locations. */
export function historyKey(date: string, source: string, locationIds: readonly string[]): string {
  return `${historyPrefix(date, source)}${fingerprint(locationIds)}.ndjson.gz`;
}

/** What all history objects of a day have in common, whatever their locations. */
export function historyPrefix(date: string, source: string): string {
  return `${keys.rawHour(date, '00')}history-${source}-`;
}

/** What a provider's answers are in the lake: lines to store, locations that gave none, values that were refused. */
export interface RawLines {
  readonly lines: readonly RawLine[];
  readonly failures: readonly Failure[];
  /** Values that were no numbers or could not be. */
  readonly implausible: number;
}

/** Turns what a provider said of some locations into lines; polls and backfills alike go through here. */
export function rawLinesOf(
  outcomes: readonly Outcome[],
  about: Pick<Observation, 'ingested_at' | 'source' | 'kind'>,
): RawLines {
  const lines: RawLine[] = [];
  const failures: Failure[] = [];
  let implausible = 0;
  for (const outcome of outcomes) {
    const { id } = outcome.location;
    if ('failure' in outcome) {
      failures.push({ location: id, reason: outcome.failure.reason, message: outcome.failure.message });
      continue;
    }
    for (const reading of outcome.readings) {
      const checked = rawLine(reading, { location_id: id, ...about });
      lines.push(checked.line);
      implausible += checked.implausible;
    }
  }
  return { lines, failures, implausible };
}

/** @returns the line, and how many of its values were no numbers or could not be. */
function rawLine(
  reading: Reading,
  about: Pick<Observation, 'location_id' | 'ingested_at' | 'source' | 'kind'>,
): { line: RawLine; implausible: number } {
  const { values, refused } = plausible(reading.measured);
  const line = { ...about, observed_at: reading.observedAt, ...values, payload: reading.payload };
  return { line, implausible: refused.length + reading.drifted };
}

export async function packLines(lines: readonly RawLine[]): Promise<Uint8Array> {
  return await zip(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const identified = z.object({ location_id: z.string() });

/** Which locations a raw object has lines of. */
export async function locationsIn(packed: Uint8Array): Promise<Set<string>> {
  const lines = (await unzip(packed)).toString('utf8').split('\n');
  return new Set(
    lines.filter((line) => line !== '').map((line) => identified.parse(JSON.parse(line)).location_id),
  );
}

function rawKey(minute: string, name: string): string {
  const hour = minute.slice(11, 13);
  return `${keys.rawHour(minute.slice(0, 10), hour)}${hour}${minute.slice(14, 16)}-${name}.ndjson.gz`;
}

function fingerprint(ids: readonly string[]): string {
  return createHash('sha256')
    .update([...ids].sort().join('\n'))
    .digest('hex')
    .slice(0, 8);
}
