import * as z from 'zod';
import { utcSecond } from '../runtime/time';
import type { Question } from './exchange';
import { localDatesOf, utcDaySeconds } from './local-dates';
import type { Location } from './location';
import type {
  Measured,
  Outcome,
  ProviderConnection,
  ProviderDefinition,
  Reading,
  WeatherProvider,
} from './provider';
import { type FailureReason, ProviderError } from './provider-error';
import { type JsonObject, measurementReader, readReply } from './replies';

const epochSeconds = z.int().positive();
const jsonObject = z.record(z.string(), z.unknown());

const currentReply = z.object({
  current: z.looseObject({ last_updated_epoch: epochSeconds, condition: jsonObject.optional() }),
});

const historyReply = z.object({
  forecast: z.object({
    forecastday: z.array(
      z.object({
        hour: z.array(z.looseObject({ time_epoch: epochSeconds, condition: jsonObject.optional() })),
      }),
    ),
  }),
});

const errorReply = z.object({ error: z.object({ code: z.int(), message: z.string() }) });

/**
 * The provider's own error codes (https://www.weatherapi.com/docs/#intro-error-codes). A code that is not here is
 * judged by the status: 401 and 403 speak of the key, 429 and 5xx pass, anything else will not get better.
 */
const REASONS: Readonly<Record<number, FailureReason>> = {
  1002: 'key', // no key given
  2006: 'key', // invalid key
  2008: 'key', // disabled key
  2009: 'key', // the key's plan has no access to the resource
  2007: 'quota', // calls of the month used up
  1006: 'unknown-place',
  1007: 'day-not-available', // dt outside of what the API has
  1008: 'day-not-available', // dt outside of what the plan has
  1003: 'refused', // no place given
  1005: 'refused', // wrong address
  9999: 'unreachable', // "internal application error", although its status is 400
};

/**
 * WeatherAPI.com.
 *
 * Limits: calls a month by plan, of which the free one covers two places at one poll a minute. Current conditions
 * are renewed every 10–15 minutes, so most polls repeat the last reading; the aggregation counts a reading once.
 * Bulk requests exist only from the Pro+ plan on and are not used. History is sold by the place's local day and
 * reaches back a few days on the free plan, further on others.
 */
export const weatherapi: ProviderDefinition = {
  title: 'WeatherAPI.com',
  addresses: { api: 'https://api.weatherapi.com/v1' },
  needsKey: true,
  needsCoordinates: false,
  plans: [
    { id: 'free', name: 'Free', callsPerMonth: 100_000 },
    { id: 'starter', name: 'Starter', callsPerMonth: 3_000_000 },
    { id: 'pro-plus', name: 'Pro+', callsPerMonth: 5_000_000 },
    { id: 'business', name: 'Business', callsPerMonth: 10_000_000 },
  ],
  // The provider documents none: assumed is a day after the end of the local day that the hour lies in.
  settledAfterHours: 48,
  backfillDaysAtOnce: 4,
  connect,
};

function connect({ addresses, exchange }: ProviderConnection): WeatherProvider {
  const address = (path: string, location: Location, key: string, more: Record<string, string> = {}): URL => {
    const url = new URL(`${addresses.api}/${path}`);
    url.search = new URLSearchParams({ key, q: placeOf(location), ...more }).toString();
    return url;
  };

  async function currentOf(location: Location): Promise<Outcome> {
    const what = `current conditions of ${location.id}`;
    const question: Question<Reading> = {
      what,
      address: (key) => address('current.json', location, key, { aqi: 'no' }),
      read: (body, lenient, repliedAt) => {
        const { current } = readReply(currentReply, body, what);
        return { ...reading(current, current.last_updated_epoch, lenient, what), repliedAt, payload: body };
      },
      refusal: (status, body) => refusal(what, status, body),
    };
    return await outcome(location, async () => [await exchange.ask(question)]);
  }

  async function localDay(location: Location, date: string): Promise<Reading[]> {
    const what = `history of ${location.id} on ${date}`;
    return await exchange.ask({
      what,
      address: (key) => address('history.json', location, key, { dt: date, aqi: 'no' }),
      read: (body, lenient, repliedAt) =>
        readReply(historyReply, body, what).forecast.forecastday.flatMap(({ hour }) =>
          hour.map((part) => ({
            ...reading(part, part.time_epoch, lenient, what),
            repliedAt,
            payload: part,
          })),
        ),
      refusal: (status, body) => historyRefusal(what, status, body),
    });
  }

  return {
    current: (locations) => Promise.all(locations.map(currentOf)),

    history: (location, day) =>
      outcome(location, async () => {
        const { from, until } = utcDaySeconds(day);
        const dates = localDatesOf(day, location.timezone);
        const days = await Promise.all(dates.map((date) => unlessUnavailable(localDay(location, date))));
        const readings = days.flat().filter(({ observedAt }) => {
          const seconds = Date.parse(observedAt) / 1_000;
          return seconds >= from && seconds < until;
        });
        if (readings.length > 0) return readings;
        const what = `history of ${location.id} on ${day}`;
        throw new ProviderError(
          'day-not-available',
          `${what}: ${weatherapi.title} has no readings of that day`,
        );
      }),
  };
}

/** A place's own name for the provider, else its coordinates. */
function placeOf({ query, latitude, longitude }: Location): string {
  return query ?? `${latitude},${longitude}`;
}

function reading(part: JsonObject, epoch: number, lenient: boolean, what: string): Omit<Reading, 'payload'> {
  const fields = measurementReader(part, lenient, what);
  const condition = jsonObject.safeParse(part.condition);
  const code = measurementReader(condition.data ?? {}, lenient, what);
  const measured: Measured = {
    temp_c: fields.number('temp_c'),
    dewpoint_c: fields.number('dewpoint_c'),
    humidity_pct: fields.number('humidity'),
    pressure_mb: fields.number('pressure_mb'),
    wind_kph: fields.number('wind_kph'),
    wind_degree: fields.number('wind_degree'),
    gust_kph: fields.number('gust_kph'),
    precip_mm: fields.number('precip_mm'),
    cloud_pct: fields.number('cloud'),
    visibility_km: fields.number('vis_km'),
    uv: fields.number('uv'),
    condition_code: code.number('code'),
  };
  return { observedAt: utcSecond(epoch * 1_000), measured, drifted: fields.drifted() + code.drifted() };
}

function refusal(what: string, status: number, body: unknown): ProviderError {
  const parsed = errorReply.safeParse(body);
  const said = parsed.success ? ` (error ${parsed.data.error.code}: ${parsed.data.error.message})` : '';
  const reason = (parsed.success && REASONS[parsed.data.error.code]) || reasonOf(status);
  return new ProviderError(reason, `${what}: ${weatherapi.title} answered ${status}${said}`);
}

/** The plan that has no access to a day's history is no reason to doubt the key. */
function historyRefusal(what: string, status: number, body: unknown): ProviderError {
  const parsed = errorReply.safeParse(body);
  const general = refusal(what, status, body);
  return parsed.success && parsed.data.error.code === 2009
    ? new ProviderError('day-not-available', general.message)
    : general;
}

function reasonOf(status: number): FailureReason {
  if (status === 401 || status === 403) return 'key';
  return status === 408 || status === 429 || status >= 500 ? 'unreachable' : 'refused';
}

/** The other local date of the day may still have its hours. */
async function unlessUnavailable(day: Promise<Reading[]>): Promise<Reading[]> {
  try {
    return await day;
  } catch (error) {
    if (error instanceof ProviderError && error.reason === 'day-not-available') return [];
    throw error;
  }
}

async function outcome(location: Location, ask: () => Promise<Reading[]>): Promise<Outcome> {
  try {
    return { location, readings: await ask() };
  } catch (error) {
    if (error instanceof ProviderError) return { location, failure: error };
    throw error;
  }
}
