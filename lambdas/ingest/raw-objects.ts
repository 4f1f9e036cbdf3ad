import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import { keys } from '../lake/layout';
import { DAY_MS, utcSecond } from '../runtime/time';
import type { Observation } from '../weather/observation';
import { plausible } from '../weather/plausibility';
import { nothingMeasured, type Outcome, type Reading } from '../weather/provider';
import type { Failure } from './failures';
import type { Shard } from './shards';

/** Locations whose hours of a day make one object: a few megabytes before they are packed. */
export const LOCATIONS_PER_OBJECT = 100;

const zip = promisify(gzip);

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

/** Key of these lines of a day's history: what is fetched later has another, so that nothing fetched is ever lost. */
export function historyKey(date: string, source: string, lines: readonly RawLine[]): string {
  const ids = new Set(lines.map(({ location_id }) => location_id));
  const fetched = lines.reduce((latest, { ingested_at: at }) => (at > latest ? at : latest), '');
  return `${historyPrefix(date, source)}${fingerprint([...ids])}-${fetched.replaceAll(/[-:]/g, '')}.ndjson.gz`;
}

/** Key of the hours of one UTC day that a poll listed. */
export function listedKey(date: string, source: string, minute: string, lines: readonly RawLine[]): string {
  const ids = new Set(lines.map(({ location_id }) => location_id));
  const at = minute.replaceAll(/[-:]/g, '');
  return `${keys.rawHour(date, '00')}listed-${source}-${fingerprint([...ids])}-${at}.ndjson.gz`;
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
  /** Readings whose words and amount disagree about rain. */
  readonly contradictions: number;
}

/** What the lines of one run have in common. */
export interface RunOfLines extends Pick<Observation, 'source' | 'kind'> {
  /** The instant that the run stands for, ISO 8601 UTC: no reply came before it. */
  readonly at: string;
}

/** Turns what a provider said of some locations into lines; polls and backfills alike go through here. */
export function rawLinesOf(outcomes: readonly Outcome[], run: RunOfLines): RawLines {
  const lines: RawLine[] = [];
  const failures: Failure[] = [];
  let implausible = 0;
  let contradictions = 0;
  for (const outcome of outcomes) {
    const { id } = outcome.location;
    if ('failure' in outcome) {
      failures.push({ location: id, reason: outcome.failure.reason, message: outcome.failure.message });
      continue;
    }
    let told = 0;
    for (const reading of outcome.readings) {
      const checked = rawLine(id, reading, run);
      implausible += checked.implausible;
      // Of values that could not be, nothing may be left that an hour could be known by.
      if (nothingMeasured(checked.line)) continue;
      told++;
      lines.push(checked.line);
      if (reading.contradicts) contradictions++;
    }
    if (told === 0) {
      const message = `${id}: neither its temperature nor its rain is a value that can be`;
      failures.push({ location: id, reason: 'nothing-measured', message });
    }
  }
  return { lines, failures, implausible, contradictions };
}

/** @returns the line, and how many of its values were no numbers or could not be. */
function rawLine(
  locationId: string,
  reading: Reading,
  { at, source, kind }: RunOfLines,
): { line: RawLine; implausible: number } {
  const { values, refused } = plausible(reading.measured);
  const { forecast } = reading;
  const line = {
    location_id: locationId,
    observed_at: reading.observedAt,
    ingested_at: instantOfReply(reading.repliedAt, at),
    source,
    kind,
    ...values,
    forecast_hour: forecast?.hour ?? null,
    forecast_probability: forecast?.probability ?? null,
    forecast_precip_mm: forecast?.precipMm ?? null,
    payload: reading.payload,
  };
  return { line, implausible: refused.length + reading.drifted };
}

/** A state machine may be redriven for 14 days; a reply that claims to be later than that has a wrong clock. */
const LATEST_REPLY_MS = 15 * DAY_MS;

/**
 * When the reply came, by the provider's clock: what was known at an hour's end is told by it. A clock that is slow
 * can't date a reply before the run, and one that is absurdly fast does not count.
 */
function instantOfReply(repliedAt: number | undefined, runAt: string): string {
  const earliest = Date.parse(runAt);
  if (repliedAt === undefined || repliedAt < earliest || repliedAt > earliest + LATEST_REPLY_MS) return runAt;
  return utcSecond(repliedAt);
}

export async function packLines(lines: readonly RawLine[]): Promise<Uint8Array> {
  return await zip(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const identified = z.object({ location_id: z.string() });

/** Which locations a raw object has lines of. */
export async function locationsIn(packed: Uint8Array): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { location_id } of linesIn(packed, identified)) found.add(location_id);
  return found;
}

/**
 * The lines of a raw object, one at a time: inflated, a day of thousands of places does not fit into memory. What can't
 * be read of it is passed over, so that it is fetched again; the day's commit sets the object aside.
 */
export async function* linesIn<T>(packed: Uint8Array, schema: z.ZodType<T>): AsyncGenerator<T> {
  const inflated = Readable.from([packed]).pipe(createGunzip());
  try {
    for await (const text of createInterface({ input: inflated, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = schema.safeParse(parsed(text));
      if (line.success) yield line.data;
    }
  } catch {
    // Only unpacking throws here, and what came before it counts.
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
