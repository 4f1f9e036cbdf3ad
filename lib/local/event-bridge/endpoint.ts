import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { RuleResource } from '../assembly/resources';
import { jsonService, ServiceError } from '../wire/json-protocol';
import type { Service } from '../wire/service-server';
import { matchesPattern } from './event-pattern';

/** Of all entries of a request: https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb */
const MAXIMUM_ENTRY_BYTES = 1024 * 1024;

const putEventsInput = z.object({
  Entries: z
    .array(
      z.object({
        Source: z.string().optional(),
        DetailType: z.string().optional(),
        Detail: z.string().optional(),
        EventBusName: z.string().optional(),
        Resources: z.array(z.string()).default([]),
        Time: z.number().optional(),
      }),
    )
    .min(1)
    .max(10),
});
type Entry = z.infer<typeof putEventsInput>['Entries'][number];

/** An event as rules see it and targets receive it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601 to the second. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export interface EventBusDelivery {
  readonly busName: string;
  readonly event: BusEvent;
  /** Rules of the bus whose pattern the event matches. */
  readonly rules: readonly RuleResource[];
}

/**
 * PutEvents: each entry is checked as EventBridge does (a bad one fails alone), and handed on with the rules
 * that it matches. Targets are called by whoever receives the delivery.
 */
export function eventBridge(options: {
  readonly region: string;
  readonly account: string;
  readonly rules: readonly RuleResource[];
  readonly now: () => Date;
  readonly onEvent?: ((delivery: EventBusDelivery) => void) | undefined;
}): Service {
  const buses = new Set(['default', ...options.rules.map((rule) => rule.busName)]);

  function put(entry: Entry): { EventId: string } | { ErrorCode: string; ErrorMessage: string } {
    const refusal = refusalOf(entry);
    if (refusal !== undefined) {
      return refusal;
    }
    const busName = busOf(entry);
    if (!buses.has(busName)) {
      throw new ServiceError('ResourceNotFoundException', `Event bus ${busName} does not exist.`);
    }
    const time = entry.Time === undefined ? options.now() : new Date(entry.Time * 1000);
    const event: BusEvent = {
      version: '0',
      id: randomUUID(),
      'detail-type': entry.DetailType ?? '',
      source: entry.Source ?? '',
      account: options.account,
      time: time.toISOString().replace(/\.\d{3}Z$/, 'Z'),
      region: options.region,
      resources: entry.Resources,
      detail: JSON.parse(entry.Detail ?? '{}'),
    };
    const rules = options.rules.filter(
      (rule) => rule.busName === busName && rule.pattern !== undefined && matchesPattern(rule.pattern, event),
    );
    options.onEvent?.({ busName, event, rules });
    return { EventId: event.id };
  }

  return jsonService({
    name: 'events',
    subject: (input) => {
      const parsed = putEventsInput.safeParse(input);
      return parsed.success ? parsed.data.Entries.map((entry) => entry.DetailType ?? '').join(',') : '';
    },
    throttleError: 'ThrottlingException',
    serverError: 'InternalException',
    operations: {
      PutEvents(input, caller) {
        const entries = putEventsInput.parse(input).Entries;
        for (const busName of new Set(entries.map(busOf))) {
          const onBus = entries.filter((entry) => busOf(entry) === busName);
          const busArn = `arn:aws:events:${options.region}:${options.account}:event-bus/${busName}`;
          caller.require('events:PutEvents', busArn, {
            'events:source': onBus.flatMap(({ Source }) => Source ?? []),
            'events:detail-type': onBus.flatMap(({ DetailType }) => DetailType ?? []),
          });
        }
        if (entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0) > MAXIMUM_ENTRY_BYTES) {
          throw new ServiceError(
            'ValidationException',
            'Total size of the entries in the request is over the limit.',
          );
        }
        const results = entries.map(put);
        return {
          FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
          Entries: results,
        };
      },
    },
  });
}

function busOf({ EventBusName }: Entry): string {
  return EventBusName?.replace(/^arn:.*:event-bus\//, '') ?? 'default';
}

function refusalOf(entry: Entry): { ErrorCode: string; ErrorMessage: string } | undefined {
  const missing = (['Source', 'DetailType', 'Detail'] as const).find((name) => !entry[name]);
  if (missing !== undefined) {
    return {
      ErrorCode: 'InvalidArgument',
      ErrorMessage: `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
    };
  }
  if (entry.Source?.startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  if (!isJsonObject(entry.Detail ?? '')) {
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  }
  return undefined;
}

function isJsonObject(text: string): boolean {
  try {
    return z.record(z.string(), z.unknown()).safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** As EventBridge counts: 14 bytes for a given time, and the UTF-8 text of the rest. */
function entryBytes(entry: Entry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...entry.Resources];
  return texts.reduce(
    (bytes, text) => bytes + Buffer.byteLength(text ?? ''),
    entry.Time === undefined ? 0 : 14,
  );
}
