import * as z from 'zod';
import { utcSecond } from '../runtime/time';
import type { Settings } from '../settings';
import type { Location } from '../weather/location';
import { locationsOfShard, type Shard } from './shards';

/*
 * The events that the ingest function takes, and what it answers.
 *
 * | event | sent by | answer |
 * |---|---|---|
 * | `{"scheduledTime", "everyMinutes"?, "shard"?, "shards"?}` | a schedule | `PollResult` |
 * | `{"locations": [ids], "scheduledTime"?}` | a person | `PollResult` |
 * | `{"backfill": {"date", "locations"?, "force"?}, "at"?}` | Backfill, for each day; a person | `BackfillResult` |
 * | `{"describe": "settings"}` | the command line | the `Settings` it was deployed with |
 *
 * A schedule that names no shard polls every location. `at` is the time of the request, which the day must be over
 * by. Where an event gives no time of its own, that of the invocation is taken.
 */

const instant = z.iso.datetime({ offset: true });
const locationIds = z.array(z.string()).min(1, 'name at least one location');

const pollEvent = z.strictObject({
  /** EventBridge Scheduler's `<aws.scheduler.scheduled-time>`. */
  scheduledTime: instant,
});

const shardEvent = z
  .strictObject({
    scheduledTime: instant,
    everyMinutes: z.int().min(1),
    shard: z.int().min(0),
    shards: z.int().min(1),
  })
  .refine(({ shard, shards }) => shard < shards, { path: ['shard'], message: 'must be less than shards' });

const adHocEvent = z.strictObject({ locations: locationIds, scheduledTime: instant.optional() });

const backfillEvent = z.strictObject({
  backfill: z.strictObject({
    /** UTC day. */
    date: z.iso.date(),
    locations: locationIds.optional(),
    force: z.boolean().optional(),
  }),
  at: instant.optional(),
});

/** The settings travel inside the bundle: only the running function can say which ones were deployed. */
const describeEvent = z.strictObject({ describe: z.literal('settings') });

export interface PollJob {
  readonly kind: 'poll';
  /** The minute that the run stands for, ISO 8601 UTC. */
  readonly minute: string;
  readonly locations: readonly Location[];
  /** A schedule's run owns a key of the minute; a person's run has one of its own. */
  readonly origin: { readonly type: 'schedule'; readonly shard?: Shard } | { readonly type: 'adhoc' };
}

export interface BackfillJob {
  readonly kind: 'backfill';
  /** UTC day. */
  readonly date: string;
  readonly locations: readonly Location[];
  /** Fetch what is already stored as well. */
  readonly force: boolean;
  /** Time of the request, ISO 8601 UTC. */
  readonly at: string;
}

export interface DescribeJob {
  readonly kind: 'describe';
}

export interface PollResult {
  readonly minute: string;
  readonly source: string;
  /** Observations newly written. */
  readonly stored: number;
  /** Observations fetched and not written, since another delivery of the same event had written theirs. */
  readonly skipped: number;
}

export interface BackfillResult {
  readonly date: string;
  readonly source: string;
  /** Hourly observations written. */
  readonly stored: number;
  /** Locations not asked for, since their history of that day is settled and in the lake already. */
  readonly skipped: number;
  /** Locations asked for that have not every hour of the day yet: the next backfill of it asks again. */
  readonly unfinished: number;
}

export type IngestResult = PollResult | BackfillResult;

/** The event asks for something that can't be done; the message names the path and the reason. */
class EventRefused extends Error {
  override readonly name = 'EventRefused';

  constructor(path: string, reason: string) {
    super(`The event was refused. ${path}: ${reason}`);
  }
}

/**
 * @param invokedAt taken only where the event gives no time of its own
 * @throws EventRefused
 */
export function parseIngestEvent(
  event: unknown,
  settings: Settings,
  invokedAt: Date,
): PollJob | BackfillJob | DescribeJob {
  if (typeof event === 'object' && event !== null) {
    if ('describe' in event) {
      parse(describeEvent, event);
      return { kind: 'describe' };
    }
    if ('backfill' in event) return backfillJob(parse(backfillEvent, event), settings, invokedAt);
    if ('locations' in event) return adHocJob(parse(adHocEvent, event), settings, invokedAt);
    if ('shard' in event) return shardJob(parse(shardEvent, event), settings);
  }
  const { scheduledTime } = parse(pollEvent, event);
  const { locations } = settings;
  return { kind: 'poll', minute: minuteOf(scheduledTime), locations, origin: { type: 'schedule' } };
}

function shardJob({ scheduledTime, ...shard }: z.infer<typeof shardEvent>, settings: Settings): PollJob {
  const locations = locationsOfShard(settings.locations, shard);
  if (locations.length === 0) {
    throw new EventRefused('shard', 'no location is in it; the schedule is of another configuration');
  }
  return { kind: 'poll', minute: minuteOf(scheduledTime), locations, origin: { type: 'schedule', shard } };
}

function adHocJob(event: z.infer<typeof adHocEvent>, settings: Settings, invokedAt: Date): PollJob {
  return {
    kind: 'poll',
    minute: minuteOf(event.scheduledTime ?? invokedAt),
    locations: select(event.locations, settings, 'locations'),
    origin: { type: 'adhoc' },
  };
}

function backfillJob(event: z.infer<typeof backfillEvent>, settings: Settings, invokedAt: Date): BackfillJob {
  const { date, locations, force = false } = event.backfill;
  const at = utcSecond(event.at === undefined ? invokedAt : new Date(event.at));
  const today = at.slice(0, 10);
  if (date > today) throw new EventRefused('backfill.date', `${date} lies in the future`);
  if (date === today) throw new EventRefused('backfill.date', `${date} is not over yet (UTC)`);
  if (date < settings.firstDay) {
    const reason = `${date} lies before garoa.firstDay (${settings.firstDay}): no query would ever see it`;
    throw new EventRefused('backfill.date', reason);
  }
  return {
    kind: 'backfill',
    date,
    locations: locations ? select(locations, settings, 'backfill.locations') : settings.locations,
    force,
    at,
  };
}

function parse<T extends z.ZodType>(schema: T, event: unknown): z.infer<T> {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new EventRefused(pathText(first?.path ?? []), first?.message ?? 'wrong');
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'event' : text.replace(/^\./, '');
}

function select(ids: readonly string[], settings: Settings, path: string): Location[] {
  const known = new Map(settings.locations.map((location) => [location.id, location]));
  const seen = new Set<string>();
  return ids.map((id, index) => {
    const location = known.get(id);
    if (!location) {
      throw new EventRefused(`${path}[${index}]`, `unknown location "${id}"; ${configured(settings)}`);
    }
    if (seen.has(id)) throw new EventRefused(`${path}[${index}]`, `"${id}" is named twice`);
    seen.add(id);
    return location;
  });
}

function configured({ locations }: Settings): string {
  const shown = locations.slice(0, 10).map(({ id }) => id);
  const more = locations.length - shown.length;
  return `configured are ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function minuteOf(time: string | Date): string {
  return `${utcSecond(time).slice(0, 16)}:00Z`;
}
