import * as z from 'zod';
import { chunks } from '../runtime/chunks';
import { utcSecond } from '../runtime/time';
import { requirePlace } from './answered-place';
import type { Question } from './exchange';
import { type HourForecast, hourForecast } from './hour-forecast';
import { utcDaySeconds } from './local-dates';
import type { Location } from './location';
import type { Measured } from './observation';
import {
  nothingMeasured,
  type Outcome,
  type ProviderConnection,
  type ProviderDefinition,
  type Reading,
  type WeatherProvider,
} from './provider';
import { type FailureReason, ProviderError } from './provider-error';
import {
  epochSeconds,
  errorText,
  instantOfReading,
  isRefusal,
  type JsonObject,
  measurementReader,
  numeric,
  readReply,
  saidText,
} from './replies';

/** The state of the air at an instant. The dew point follows from temperature and humidity. */
const STATE = [
  'temperature_2m',
  'relative_humidity_2m',
  'pressure_msl',
  'wind_speed_10m',
  'wind_direction_10m',
  'cloud_cover',
  'visibility',
] as const;
/** What fell and blew in the hour before a stamp. */
const HOUR_BEFORE = ['wind_gusts_10m', 'precipitation'] as const;
const PROBABILITY = 'precipitation_probability';

const HISTORY_FIELDS = [...STATE, ...HOUR_BEFORE];
/** With the state ten in all: an eleventh variable would make each place count as more than one call. */
const LIVE_HOURLY_FIELDS = [...HOUR_BEFORE, PROBABILITY];

const HOUR_SECONDS = 3_600;

/** A column that is no list costs the others nothing. */
const columns = z.object({ time: z.array(epochSeconds) }).catchall(z.array(z.unknown()).catch([]));
type Columns = z.infer<typeof columns>;

const currentReply = z.looseObject({
  current: z.looseObject({ time: epochSeconds }),
  /** Its absence costs rain, gust and forecast, and not the state. */
  hourly: columns.optional().catch(undefined),
});

const historyReply = z.object({ hourly: columns });

const gridPoint = z.object({
  latitude: numeric.optional().catch(undefined),
  longitude: numeric.optional().catch(undefined),
});

const errorReply = z.object({ error: z.literal(true), reason: saidText });

/** Places asked for in one request: their coordinates must fit an address of moderate length. */
const PLACES_PER_REQUEST = 50;

/** Until a minute's limit has passed, a few attempts later. */
const MINUTE_LIMIT_PAUSE_SECONDS = 15;

/** Until a request that waits before ours has been answered: to come back sooner would spend the attempts. */
const FULL_QUEUE_PAUSE_SECONDS = 1;

/**
 * Open-Meteo (https://open-meteo.com): no key, for non-commercial use, data under CC BY 4.0 with attribution.
 *
 * Limits of the free service, per address of the caller: 600 calls a minute, 5,000 an hour, 10,000 a day, and one
 * request at a time with a queue of a few. Each place of a request counts as max(1, variables / 10) calls. Paid plans
 * answer, with a key, at other addresses and are not offered.
 *
 * What a reading stands for (https://open-meteo.com/en/docs, "Hourly Parameter Definition"): state is that of the
 * stamp's instant; hourly precipitation and gusts are sum and maximum of the hour before the stamp. So the element
 * stamped h+1:00 holds the state at the end of hour h, its rain and its gust, and is dated h:59:59, into the hour it
 * speaks of. `current` has the state at its own time, which is floored to 15 minutes; rain and gust of the hour it
 * lies in are those of the hourly element that ends it, since `current.precipitation` is the sum of the last
 * `current.interval` only. A poll at h+1:00 says both: it is the first reading of the hour to come, and closes hour h.
 *
 * History comes from the historical forecast: the first hours of each run of the models behind `current`, stitched.
 * (The archive is a reanalysis: another system, days late, without visibility.) So truth here is a model's, and the
 * same one's. A run is public up to six hours after it began and runs begin up to twelve hours apart; assumed settled
 * is what was fetched two days later.
 *
 * `precipitation_probability` is the ensemble's probability of more than 0.1 mm in the hour before its stamp: the
 * forecast of hour h+1 stands at h+2:00. It comes in every poll, at no cost.
 */
export const openMeteo: ProviderDefinition = {
  title: 'Open-Meteo',
  addresses: {
    api: 'https://api.open-meteo.com/v1',
    archive: 'https://historical-forecast-api.open-meteo.com/v1',
  },
  needsKey: false,
  needsCoordinates: true,
  needsWholeHourZones: false,
  plans: [
    {
      id: 'free',
      name: 'Free',
      limits: [
        { calls: 10_000, per: 'day' },
        { calls: 5_000, per: 'hour' },
        { calls: 600, per: 'minute' },
      ],
    },
  ],
  historyCallsPerDay: 1,
  // From minute 0 on the hour before is complete.
  closingPoll: { minute: 1, of: 'next hour' },
  settledAfterHours: 48,
  requestsAtOnce: 1,
  backfillDaysAtOnce: 1,
  connect,
};

interface Place {
  readonly location: Location;
  readonly latitude: number;
  readonly longitude: number;
}

function connect({ addresses, exchange }: ProviderConnection): WeatherProvider {
  const { api, archive = api } = addresses;

  /** All places in one request; when the request itself is refused, in halves, until the culprit stands alone. */
  async function ask(places: readonly Place[], about: Request): Promise<Outcome[]> {
    try {
      return await exchange.ask(question(places, about));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.reason === 'refused' && places.length > 1) {
        const middle = Math.ceil(places.length / 2);
        const halves = [places.slice(0, middle), places.slice(middle)];
        return (await Promise.all(halves.map((half) => ask(half, about)))).flat();
      }
      return places.map(({ location }) => ({ location, failure: error }));
    }
  }

  async function* inRequests(locations: readonly Location[], about: Request): AsyncGenerator<Outcome> {
    for (const part of chunks(locations, PLACES_PER_REQUEST)) {
      const places: Place[] = [];
      for (const location of part) {
        const place = placeOf(location);
        if (place instanceof ProviderError) yield { location, failure: place };
        else places.push(place);
      }
      if (places.length > 0) yield* await ask(places, about);
    }
  }

  return {
    settledAfterHours: openMeteo.settledAfterHours,

    async current(locations, minute) {
      const outcomes: Outcome[] = [];
      for await (const outcome of inRequests(locations, currentRequest(api, minute))) outcomes.push(outcome);
      return outcomes;
    },

    history: (locations, day) => inRequests(locations, historyRequest(archive, day)),
  };
}

function placeOf(location: Location): Place | ProviderError {
  const { latitude, longitude } = location;
  if (latitude === undefined || longitude === undefined) {
    const message = `${location.id}: ${openMeteo.title} needs latitude and longitude`;
    return new ProviderError('unknown-place', message);
  }
  return { location, latitude, longitude };
}

/** What is asked about places, whichever they are. */
interface Request {
  what(places: string): string;
  readonly address: string;
  readonly query: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch that the run stands for. */
  readonly at: number;
  /** @throws ProviderError when the part has no reading. */
  read(part: unknown, now: number, what: string): Omit<Reading, 'repliedAt'>[];
}

function question(places: readonly Place[], about: Request): Question<Outcome[]> {
  const [first] = places;
  const others = places.length - 1;
  const what = about.what(`${first?.location.id}${others > 0 ? ` and ${others} more` : ''}`);
  return {
    what,
    address: () => {
      const url = new URL(about.address);
      url.search = new URLSearchParams({
        latitude: places.map(({ latitude }) => latitude).join(','),
        longitude: places.map(({ longitude }) => longitude).join(','),
        timeformat: 'unixtime',
        timezone: 'GMT',
        ...about.query,
      }).toString();
      return url;
    },
    read: (body, repliedAt) => {
      const parts: unknown[] = Array.isArray(body) ? body : [body];
      if (parts.length !== places.length) {
        throw new ProviderError('malformed', `${what}: ${parts.length} answers for ${places.length} places`);
      }
      const now = Math.max(about.at, repliedAt ?? 0);
      return places.map(({ location }, index) => {
        const own = about.what(location.id);
        try {
          requirePlace(location, gridPoint.safeParse(parts[index]).data ?? {}, now, own);
          const readings = about.read(parts[index], now, own);
          return { location, readings: readings.map((reading) => ({ ...reading, repliedAt })) };
        } catch (error) {
          if (error instanceof ProviderError) return { location, failure: error };
          throw error;
        }
      });
    },
    refusal: (status, body) => refusal(what, status, body),
  };
}

function currentRequest(api: string, minute: string): Request {
  return {
    what: (places) => `current conditions of ${places}`,
    address: `${api}/forecast`,
    query: {
      current: STATE.join(','),
      hourly: LIVE_HOURLY_FIELDS.join(','),
      past_hours: '1',
      forecast_hours: '3',
    },
    at: Date.parse(minute),
    read: (part, now, what) => {
      const { current, hourly } = readReply(currentReply, part, what);
      const at = (stamp: number) => rowAt(hourly, stamp, LIVE_HOURLY_FIELDS);
      const observedAt = instantOfReading(current.time, now, what);
      const hour = Math.floor(current.time / HOUR_SECONDS) * HOUR_SECONDS;
      const ofHour = (start: number) => ({
        ...measure({ ...current, ...at(start + HOUR_SECONDS) }),
        forecast: forecastIn(at(start + 2 * HOUR_SECONDS), start + HOUR_SECONDS),
      });
      const readings = [{ ...ofHour(hour), observedAt, payload: part }];
      if (current.time === hour && at(hour) !== undefined) {
        readings.push({
          ...ofHour(hour - HOUR_SECONDS),
          observedAt: utcSecond((hour - 1) * 1_000),
          payload: { closes: { time: hour, ...at(hour) } },
        });
      }
      return requireMeasured(readings, what);
    },
  };
}

function historyRequest(archive: string, day: string): Request {
  const { from, until } = utcDaySeconds(day);
  return {
    what: (places) => `history of ${places} on ${day}`,
    address: `${archive}/forecast`,
    query: {
      hourly: HISTORY_FIELDS.join(','),
      start_date: day,
      // The day's last hour is told at the midnight that ends it.
      end_date: utcSecond(until * 1_000).slice(0, 10),
    },
    at: until * 1_000,
    read: (part, _now, what) => {
      const { hourly } = readReply(historyReply, part, what);
      requireDay(hourly, day, what);
      const readings = [];
      for (let stamp = from + HOUR_SECONDS; stamp <= until; stamp += HOUR_SECONDS) {
        const row = rowAt(hourly, stamp, HISTORY_FIELDS);
        const taken = measure(row ?? {});
        if (nothingMeasured(taken.measured)) continue;
        readings.push({
          ...taken,
          observedAt: utcSecond((stamp - 1) * 1_000),
          payload: { time: stamp, ...row },
        });
      }
      if (readings.length > 0) return readings;
      throw new ProviderError('day-not-available', `${what}: ${openMeteo.title} has no readings of that day`);
    },
  };
}

/** @throws ProviderError `malformed` when the times are of other days, as milliseconds taken for seconds are. */
function requireDay({ time }: Columns, day: string, what: string): void {
  const { from } = utcDaySeconds(day);
  const strange = time.find((stamp) => Math.abs(stamp - from) > 48 * HOUR_SECONDS);
  if (strange !== undefined) {
    throw new ProviderError('malformed', `${what}: the entry's time ${strange} is not of that day`);
  }
}

function rowAt(
  hourly: Columns | undefined,
  stamp: number,
  fields: readonly string[],
): JsonObject | undefined {
  const index = hourly?.time.indexOf(stamp) ?? -1;
  if (hourly === undefined || index < 0) return undefined;
  return Object.fromEntries(fields.map((field) => [field, hourly[field]?.[index]]));
}

/** @param row the element stamped with the hour's end. */
function forecastIn(row: JsonObject | undefined, start: number): HourForecast | undefined {
  return row && hourForecast(utcSecond(start * 1_000), row[PROBABILITY], row.precipitation);
}

/** @throws ProviderError `nothing-measured` when none of the readings says anything. */
function requireMeasured<T extends { readonly measured: Measured }>(
  readings: readonly T[],
  what: string,
): T[] {
  const useful = readings.filter(({ measured }) => !nothingMeasured(measured));
  if (useful.length > 0) return useful;
  throw new ProviderError('nothing-measured', `${what}: neither temperature_2m nor precipitation is there`);
}

function measure(part: JsonObject): Pick<Reading, 'measured' | 'drifted'> {
  const fields = measurementReader(part);
  const metres = fields.number('visibility');
  const temperature = fields.number('temperature_2m');
  const humidity = fields.number('relative_humidity_2m');
  const measured: Measured = {
    temp_c: temperature,
    dewpoint_c: temperature === null || humidity === null ? null : dewPoint(temperature, humidity),
    humidity_pct: humidity,
    pressure_mb: fields.number('pressure_msl'),
    wind_kph: fields.number('wind_speed_10m'),
    wind_degree: fields.number('wind_direction_10m'),
    gust_kph: fields.number('wind_gusts_10m'),
    precip_mm: fields.number('precipitation'),
    cloud_pct: fields.number('cloud_cover'),
    visibility_km: metres === null ? null : metres / 1_000,
    uv: null,
    condition_code: null,
  };
  return { measured, drifted: fields.drifted() };
}

/**
 * °C to a hundredth, by Magnus' formula with the coefficients of Alduchov and Eskridge (1996): within 0.1 °C between
 * −40 and 50 °C. Null for air without any water, which has none.
 */
function dewPoint(temperature: number, humidity: number): number | null {
  if (humidity <= 0) return null;
  const gamma = Math.log(humidity / 100) + (17.625 * temperature) / (243.04 + temperature);
  const dew = (243.04 * gamma) / (17.625 - gamma);
  return Number.isFinite(dew) ? Math.round(dew * 100) / 100 : null;
}

/** Errors are `{"error": true, "reason": "…"}`, whatever the status; only the words tell them apart. */
function refusal(what: string, status: number, body: unknown): ProviderError | undefined {
  if (!isRefusal(status, body)) return undefined;
  const parsed = errorReply.safeParse(body);
  const said = parsed.success ? parsed.data.reason : errorText(body);
  const message = `${what}: ${openMeteo.title} answered ${status}${said && ` (${said})`}`;
  return new ProviderError(reasonOf(status, said), message, pauseAfter(said));
}

function pauseAfter(said: string): number | undefined {
  if (/minutely/i.test(said)) return MINUTE_LIMIT_PAUSE_SECONDS;
  return /concurrent requests/i.test(said) ? FULL_QUEUE_PAUSE_SECONDS : undefined;
}

/** A minute's limit passes with the minute, a full queue sooner; an hour's or a day's limit does not. */
function reasonOf(status: number, said: string): FailureReason {
  if (/(hourly|daily|monthly) api request limit/i.test(said)) return 'quota';
  if (/minutely|concurrent requests/i.test(said)) return 'unreachable';
  if (/out of allowed range/i.test(said)) return 'day-not-available';
  const passes = status === 401 || status === 403 || status === 408 || status === 429 || status >= 500;
  return passes ? 'unreachable' : 'refused';
}
