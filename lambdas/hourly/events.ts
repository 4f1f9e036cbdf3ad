import { setTimeout as delay } from 'node:timers/promises';
import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { utcSecondSchema } from '../runtime/time';

/** What every event of Garoa names as its source; rules and permissions go by it. */
export const EVENT_SOURCE = 'garoa';

/** Raised when a field changes its meaning or goes; new fields may come without. */
const DETAIL_VERSION = 1;

const common = { version: z.literal(DETAIL_VERSION), stage: z.string() };
const probability = z.number().min(0).max(1);

/**
 * Detail of `RainForecast`: one event for each location and hour. Delivered at least once; `locationId` and
 * `targetHour` tell repetitions.
 */
export const rainForecastSchema = z.strictObject({
  ...common,
  locationId: z.string(),
  name: z.string(),
  issuedAt: utcSecondSchema,
  /** The last closed hour, which the forecast is made from; and the hour it speaks of. */
  baseHour: utcSecondSchema,
  targetHour: utcSecondSchema,
  probability,
  /** Whether the probability reached the model's threshold. */
  willRain: z.boolean(),
  threshold: probability,
  modelVersion: z.string(),
  /** What persistence says of the same hour; null when rain at the base hour is unknown. */
  persistenceProbability: probability.nullable(),
  /** What the provider itself says of the hour, as issued; null where it made no forecast. */
  providerProbability: probability.nullable(),
});

/** Detail of `SkillBelowPersistence`: once a day, with the locations whose forecasts lost to persistence beyond doubt. */
const skillBelowPersistenceSchema = z.strictObject({
  ...common,
  /** Last of the days that were looked at. */
  date: z.iso.date(),
  windowDays: z.int(),
  locationIds: z.array(z.string()).min(1),
});

/** Detail of `GapsFound`: once a day, as long as closed hours without a row remain. Takes part in a Backfill input. */
export const gapsFoundSchema = z.strictObject({
  ...common,
  /** First and last day with a gap. */
  from: z.iso.date(),
  to: z.iso.date(),
  missingHours: z.int().positive(),
  locationIds: z.array(z.string()).min(1),
});

/** What can be put on the bus: the event's name and its detail. */
export type GaroaEvent =
  | { readonly type: 'RainForecast'; readonly detail: z.infer<typeof rainForecastSchema> }
  | { readonly type: 'SkillBelowPersistence'; readonly detail: z.infer<typeof skillBelowPersistenceSchema> }
  | { readonly type: 'GapsFound'; readonly detail: z.infer<typeof gapsFoundSchema> };

export interface EventBus {
  readonly client: EventBridgeClient;
  readonly name: string;
  /** Waits; tests pass their own. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** PutEvents takes ten entries and 256 KiB at a time. */
const ENTRIES_PER_CALL = 10;
/** Location ids in one detail: at 64 characters each they stay well under the limit of an entry. */
export const LOCATIONS_PER_EVENT = 1_000;
const MAXIMUM_ATTEMPTS = 5;
const FIRST_RETRY_MS = 100;

/**
 * Puts events on the bus, in order. Entries that EventBridge took stay taken; those it refused are tried again.
 * @param time the events' own time, `2026-11-23T11:05:00Z`.
 * @throws Error with the count and the first reason when some were refused to the end.
 */
export async function putEvents(bus: EventBus, time: string, events: readonly GaroaEvent[]): Promise<void> {
  const lost: string[] = [];
  for (let start = 0; start < events.length; start += ENTRIES_PER_CALL) {
    lost.push(...(await putBatch(bus, time, events.slice(start, start + ENTRIES_PER_CALL))));
  }
  if (lost.length > 0) {
    throw new Error(`EventBridge did not take ${lost.length} of ${events.length} events: ${lost[0]}`);
  }
}

/** @returns the reason for each event that was refused to the end. */
async function putBatch(bus: EventBus, time: string, events: readonly GaroaEvent[]): Promise<string[]> {
  let pending: PutEventsRequestEntry[] = events.map(({ type, detail }) => ({
    EventBusName: bus.name,
    Source: EVENT_SOURCE,
    DetailType: type,
    Detail: JSON.stringify(detail),
    Time: new Date(time),
  }));
  for (let attempt = 1; ; attempt += 1) {
    const reply = await bus.client.send(new PutEventsCommand({ Entries: pending }));
    const results = reply.Entries ?? [];
    const reasons: string[] = [];
    pending = pending.filter((_, position) => {
      const result = results[position];
      if (result?.ErrorCode === undefined) {
        return false;
      }
      reasons.push(`${result.ErrorCode}: ${result.ErrorMessage ?? ''}`);
      return true;
    });
    if (pending.length === 0 || attempt === MAXIMUM_ATTEMPTS) {
      return reasons;
    }
    await (bus.sleep ?? delay)(FIRST_RETRY_MS * 2 ** (attempt - 1));
  }
}
