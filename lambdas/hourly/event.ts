import * as z from 'zod';
import { addDays, addHours, hourStart, utcSecond } from '../runtime/time';

/** A range longer than this is a slip of the keyboard. */
const LONGEST_RANGE_DAYS = 3 * 366;

const instant = z.iso.datetime({ error: 'use an instant in UTC, such as "2026-11-23T11:05:00Z"' });
const date = z.iso.date({ error: 'use a date, such as "2026-11-23"' });
const hour = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3])$/, 'use an hour in UTC, such as "2026-11-23T10"')
  .refine((text) => date.safeParse(text.slice(0, 10)).success, 'no calendar has this date');

const scheduled = z.strictObject({ scheduledTime: instant });
const oneHour = z.strictObject({ hour, at: instant.optional() });
/** Only the pages of this part of the places, counted from 0. */
const pages = z.int().min(0).optional();
const scheduledUpkeep = z.strictObject({ upkeep: z.literal(true), scheduledTime: instant, pages });
const upkeepOfDay = z.strictObject({ upkeep: date, at: instant.optional(), pages });
const range = z.strictObject({
  from: date,
  to: date,
  at: instant.optional(),
  /** Commits days even when hours that they have by now are missing from the raw zone. */
  acceptLostHours: z.boolean().optional(),
});

/** Closes one hour: aggregation, forecast, verification. */
export interface HourTask {
  readonly kind: 'hour';
  /** Start of the closed hour, t; the forecast speaks of t + 1. */
  readonly hour: string;
  /** When the run takes place: the schedule's time, or the time of an ad hoc invocation. */
  readonly now: string;
}

/** Recomputes days, and nothing else. */
export interface RangeTask {
  readonly kind: 'range';
  readonly from: string;
  readonly to: string;
  readonly now: string;
  readonly acceptLostHours: boolean;
}

/** Looks after the lake as on that day; see `upkeep.ts`. */
export interface UpkeepTask {
  readonly kind: 'upkeep';
  readonly date: string;
  readonly now: string;
}

/** Makes the pages of one part of thousands of places; the Upkeep machine asks for each once the lake is looked after. */
export interface PagesTask {
  readonly kind: 'pages';
  readonly part: number;
  readonly now: string;
}

/** An event that this function does not take, with path and reason. Nothing has been read or written. */
export class EventRefused extends Error {
  override readonly name = 'EventRefused';
}

/**
 * What an event asks for: `{"scheduledTime"}` from the schedule, `{"upkeep":true,"scheduledTime"}` from the Upkeep
 * machine, with `"pages"` for one part of the pages; `{"hour"}`, `{"upkeep"}` or `{"from","to"}` from people and the
 * Backfill machine. Ad hoc events may say what time it is (`at`), else `invokedAt` does.
 * @param firstDay first UTC day that queries see
 * @throws EventRefused for unknown keys, other forms, hours that are not over, days to come, and days before `firstDay`.
 */
export function parseEvent(
  event: unknown,
  invokedAt: Date,
  firstDay: string,
): HourTask | RangeTask | UpkeepTask | PagesTask {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new EventRefused(
      'The event is no object: {"scheduledTime"}, {"hour"}, {"upkeep"} or {"from", "to"} is due.',
    );
  }
  const visible = (path: string, day: string): void => {
    if (day < firstDay) {
      throw new EventRefused(
        `${path}: ${day} lies before garoa.firstDay (${firstDay}); no query would ever see it.`,
      );
    }
  };
  if ('upkeep' in event) {
    const task = upkeepTask(event, invokedAt);
    if (task.kind === 'upkeep') visible('upkeep', task.date);
    return task;
  }
  if ('scheduledTime' in event) {
    const now = utcSecond(parse(scheduled, event).scheduledTime);
    return { kind: 'hour', hour: addHours(hourStart(now), -1), now };
  }
  if ('hour' in event) {
    const parsed = parse(oneHour, event);
    const now = utcSecond(parsed.at ?? invokedAt);
    const start = `${parsed.hour}:00:00Z`;
    if (addHours(start, 1) > now) {
      throw new EventRefused(`hour: ${parsed.hour} is not over yet; it is ${now}.`);
    }
    visible('hour', start.slice(0, 10));
    return { kind: 'hour', hour: start, now };
  }
  const parsed = parse(range, event);
  const now = utcSecond(parsed.at ?? invokedAt);
  if (parsed.from > parsed.to) {
    throw new EventRefused(`from: ${parsed.from} lies after to, ${parsed.to}.`);
  }
  visible('from', parsed.from);
  if (parsed.to > now.slice(0, 10)) {
    throw new EventRefused(`to: ${parsed.to} has not come yet; it is ${now}.`);
  }
  if (addDays(parsed.from, LONGEST_RANGE_DAYS) <= parsed.to) {
    throw new EventRefused(`from: a range may span three years; ${parsed.from} to ${parsed.to} is longer.`);
  }
  return {
    kind: 'range',
    from: parsed.from,
    to: parsed.to,
    now,
    acceptLostHours: parsed.acceptLostHours ?? false,
  };
}

function upkeepTask(event: object, invokedAt: Date): UpkeepTask | PagesTask {
  if ('scheduledTime' in event) {
    const parsed = parse(scheduledUpkeep, event);
    const now = utcSecond(parsed.scheduledTime);
    return upkeepOf(now.slice(0, 10), now, parsed.pages);
  }
  const parsed = parse(upkeepOfDay, event);
  const now = utcSecond(parsed.at ?? invokedAt);
  if (parsed.upkeep > now.slice(0, 10)) {
    throw new EventRefused(`upkeep: ${parsed.upkeep} has not come yet; it is ${now}.`);
  }
  return upkeepOf(parsed.upkeep, now, parsed.pages);
}

function upkeepOf(date: string, now: string, part: number | undefined): UpkeepTask | PagesTask {
  return part === undefined ? { kind: 'upkeep', date, now } : { kind: 'pages', part, now };
}

function parse<T>(schema: z.ZodType<T>, event: object): T {
  const parsed = schema.safeParse(event);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join('.')}: ${message}`,
    );
    throw new EventRefused(issues.join('; '));
  }
  return parsed.data;
}
