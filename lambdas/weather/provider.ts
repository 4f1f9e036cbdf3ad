import type { ApiKey } from '../runtime/api-key';
import type { Exchange } from './exchange';
import type { Location } from './location';
import type { Measurement } from './observation';
import type { ProviderError } from './provider-error';

/** What the provider said a measurement was; null when it was absent or no number. */
export type Measured = Readonly<Record<Measurement, number | null>>;

/** The provider's own forecast of one hour. */
export interface HourForecast {
  /** Start of the hour, ISO 8601 UTC to the second. */
  readonly hour: string;
  /** 0 to 1. */
  readonly probability: number | null;
  readonly precipMm: number | null;
}

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
  /** Fields that held something other than a number in every attempt: the reply's shape has drifted. */
  readonly drifted: number;
}

/** What became of one location: its readings, or the reason why there are none. */
export type Outcome =
  | { readonly location: Location; readonly readings: readonly Reading[] }
  | { readonly location: Location; readonly failure: ProviderError };

/**
 * A weather service. Neither call throws for a location that fails: each location has its own outcome, so that
 * one place can't cost another its observation.
 */
export interface WeatherProvider {
  /** Present conditions, one outcome per location, in any order. */
  current(locations: readonly Location[]): Promise<Outcome[]>;
  /** The hourly readings that lie in one UTC day (`YYYY-MM-DD`). No readings is the failure `day-not-available`. */
  history(location: Location, day: string): Promise<Outcome>;
}

/** What a plan of the provider allows, for the arithmetic at synth. */
export interface Plan {
  /** Name in the configuration, such as `free`. */
  readonly id: string;
  readonly name: string;
  readonly callsPerMonth: number;
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
  /** From the smallest to the largest. Every location counts as a call, also where one request asks for several. */
  readonly plans: readonly [Plan, ...Plan[]];
  /**
   * Hours after an hour's start from which on the provider's history of that hour is final, wherever the place lies:
   * what was fetched before may still be revised.
   */
  readonly settledAfterHours: number;
  /** Days that a backfill may fetch side by side without running into the provider's rate limits. */
  readonly backfillDaysAtOnce: number;
  connect(connection: ProviderConnection): WeatherProvider;
}

export interface ProviderConnection {
  readonly addresses: ProviderAddresses;
  /** Absent when the provider needs no key. */
  readonly apiKey?: ApiKey;
  readonly exchange: Exchange;
}
