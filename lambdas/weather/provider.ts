import type { ApiKey } from '../runtime/api-key';
import { addHours } from '../runtime/time';
import type { Exchange } from './exchange';
import type { HourForecast } from './hour-forecast';
import type { Location } from './location';
import type { Measured } from './observation';
import type { ProviderError } from './provider-error';

/** One reading as the provider gave it, in the lake's units and not yet checked for plausibility. */
export interface Reading {
  /** ISO 8601 UTC to the second. */
  readonly observedAt: string;
  readonly measured: Measured;
  /** When the provider replied, by its own clock, in milliseconds since the epoch; absent when it did not say. */
  readonly repliedAt?: number | undefined;
  /** What the same reply says of the hour to come; absent when it says nothing. */
  readonly forecast?: HourForecast | undefined;
  /** The untouched part of the reply that the reading was made from, unknown fields included. */
  readonly payload: unknown;
  /** Fields that held something other than a number: the reply's shape has drifted. */
  readonly drifted: number;
  /** Whether words and amount disagree about rain; the amount decides. */
  readonly contradicts?: boolean | undefined;
}

/** Neither temperature nor rain: nothing that an hour could be known by. */
export function nothingMeasured({ temp_c, precip_mm }: Pick<Measured, 'temp_c' | 'precip_mm'>): boolean {
  return temp_c === null && precip_mm === null;
}

export interface Told {
  readonly readings: readonly Reading[];
  /** Hours that are over, as the reply of a poll lists them: of use where the plan holds no history. */
  readonly listed?: readonly Reading[] | undefined;
}

/** What became of one location: its readings, or the reason why there are none. */
export type Outcome =
  | ({ readonly location: Location } & Told)
  | { readonly location: Location; readonly failure: ProviderError };

/**
 * A weather service. Neither call throws for a location that fails: each location has its own outcome, so that
 * one place can't cost another its observation.
 */
export interface WeatherProvider extends Pick<ProviderDefinition, 'settledAfterHours'> {
  /**
   * Present conditions, one outcome per location, in any order.
   * @param minute the minute that the poll stands for, ISO 8601 UTC: it tells which polls close an hour.
   */
  current(locations: readonly Location[], minute: string): Promise<Outcome[]>;
  /**
   * The hourly readings that lie in one UTC day (`YYYY-MM-DD`), one outcome per location, as they come. No readings is
   * the failure `day-not-available`, or `not-in-plan`; some hours may be lacking.
   */
  history(locations: readonly Location[], day: string): AsyncIterable<Outcome>;
}

/** Calls that a plan allows in a stretch of time. */
export interface CallLimit {
  readonly calls: number;
  readonly per: 'minute' | 'hour' | 'day' | 'month';
}

/** What a plan of the provider allows, for the arithmetic at synth. */
export interface Plan {
  /** Name in the configuration, such as `free`. */
  readonly id: string;
  readonly name: string;
  readonly limits: readonly [CallLimit, ...CallLimit[]];
}

export interface ProviderAddresses {
  readonly api: string;
  /** A second host for history, where the provider has one. */
  readonly archive?: string;
}

/** Everything the application knows about a provider. Adding one is a file that exports this and a line in `providers.ts`. */
export interface ProviderDefinition {
  readonly title: string;
  readonly addresses: ProviderAddresses;
  /** Whether the stack makes a secret for the API key. */
  readonly needsKey: boolean;
  /** Whether a location must have latitude and longitude; one with a query alone can't be asked for. */
  readonly needsCoordinates: boolean;
  /** Whether places must keep whole hours from UTC: those of other zones have hours that lie in two of the lake's. */
  readonly needsWholeHourZones: boolean;
  /** From the smallest to the largest. Every location counts as a call, also where one request asks for several. */
  readonly plans: readonly [Plan, ...Plan[]];
  /** Calls that one location's history of a UTC day counts as. */
  readonly historyCallsPerDay: number;
  /** The poll that closes an hour: its reading speaks of the whole hour, and its reply of the next one. */
  readonly closingPoll: {
    /** Minute of the clock; every cadence has a poll at it. */
    readonly minute: number;
    /** Whether that minute lies in the hour itself or in the one after. */
    readonly of: 'hour' | 'next hour';
  };
  /**
   * Hours after an hour's start from which on the provider's history of that hour is final, wherever the place lies:
   * what was fetched before may still be revised.
   */
  readonly settledAfterHours: number;
  /** Requests that may be under way at a time. */
  readonly requestsAtOnce: number;
  /** Days that a backfill may fetch side by side without running into the provider's rate limits. */
  readonly backfillDaysAtOnce: number;
  connect(connection: ProviderConnection): WeatherProvider;
}

/** Instant from which on history of the whole UTC day is final, ISO 8601 UTC. */
export function settledFrom({ settledAfterHours }: { settledAfterHours: number }, day: string): string {
  return addHours(`${day}T23:00:00Z`, settledAfterHours);
}

export interface ProviderConnection {
  readonly addresses: ProviderAddresses;
  /** Absent when the provider needs no key. */
  readonly apiKey?: ApiKey;
  readonly exchange: Exchange;
}
