import * as z from 'zod';
import { utcSecond } from '../runtime/time';
import type { Question } from './exchange';
import { utcDaySeconds } from './local-dates';
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

/** What both hosts have; the archive knows no visibility and no UV index. */
const ARCHIVE_FIELDS = [
  'temperature_2m',
  'dew_point_2m',
  'relative_humidity_2m',
  'pressure_msl',
  'wind_speed_10m',
  'wind_direction_10m',
  'wind_gusts_10m',
  'precipitation',
  'cloud_cover',
  'weather_code',
] as const;
const FIELDS = [...ARCHIVE_FIELDS, 'visibility', 'uv_index'] as const;

const STEP_SECONDS = 900;
const HOUR_SECONDS = 3_600;

const epochSeconds = z.int().positive();

const currentReply = z.looseObject({
  current: z.looseObject({ time: epochSeconds }),
  minutely_15: z.looseObject({
    time: z.array(epochSeconds),
    precipitation: z.array(z.number().nullable()),
  }),
});

const historyReply = z.object({
  hourly: z.intersection(
    z.object({ time: z.array(epochSeconds) }),
    z.record(z.string(), z.array(z.unknown())),
  ),
});

const errorReply = z.object({ reason: z.string() });

/** Places asked for in one request: their coordinates must fit an address of moderate length. */
const PLACES_PER_REQUEST = 50;

/**
 * Open-Meteo (https://open-meteo.com): no key, for non-commercial use, data under CC BY 4.0 with attribution.
 *
 * Limits of the free service, per address of the caller: 600 calls a minute, 5,000 an hour, 10,000 a day; every
 * place of a request counts as a call. Paid plans answer, with a key, at other addresses and are not offered. Conditions come from weather models in steps of 15 minutes. The archive lags
 * two to five days behind; the forecast host gives the last 92 days.
 *
 * Amounts are stamped with the end of the interval that they fell in: the step of 11:00 closes 10:45–11:00. So a
 * reading is dated one second before its stamp, into the hour that its rain fell in; and an hour's amount in the
 * history stands at the stamp that follows.
 */
export const openMeteo: ProviderDefinition = {
  title: 'Open-Meteo',
  addresses: { api: 'https://api.open-meteo.com/v1', archive: 'https://archive-api.open-meteo.com/v1' },
  needsKey: false,
  needsCoordinates: true,
  plans: [{ id: 'free', name: 'Free', callsPerMonth: 300_000 }],
  // The last run of each model that began before the hour is public within a day; one more for runs that are late.
  settledAfterHours: 48,
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
  async function currentOf(places: readonly Place[]): Promise<Outcome[]> {
    try {
      return await exchange.ask(currentQuestion(api, places));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.reason === 'refused' && places.length > 1) {
        const middle = Math.ceil(places.length / 2);
        const halves = [places.slice(0, middle), places.slice(middle)];
        return (await Promise.all(halves.map(currentOf))).flat();
      }
      return places.map(({ location }) => ({ location, failure: error }));
    }
  }

  return {
    async current(locations) {
      const outcomes: Outcome[] = [];
      const places: Place[] = [];
      for (const location of locations) {
        const place = placeOf(location);
        if (place instanceof ProviderError) outcomes.push({ location, failure: place });
        else places.push(place);
      }
      const batches: Promise<Outcome[]>[] = [];
      for (let start = 0; start < places.length; start += PLACES_PER_REQUEST) {
        batches.push(currentOf(places.slice(start, start + PLACES_PER_REQUEST)));
      }
      return outcomes.concat(...(await Promise.all(batches)));
    },

    async history(location, day) {
      const place = placeOf(location);
      if (place instanceof ProviderError) return { location, failure: place };
      const ask = (path: string, fields: readonly string[]) =>
        unlessUnavailable(exchange.ask(historyQuestion(path, fields, place, day)));
      try {
        const settled = await ask(`${archive}/archive`, ARCHIVE_FIELDS);
        const complete =
          settled.length === 24 && settled.every(({ measured }) => measured.precip_mm !== null);
        const recent = complete ? [] : await ask(`${api}/forecast`, FIELDS);
        const readings = merge(settled, recent);
        if (readings.length > 0) return { location, readings };
        const message = `history of ${location.id} on ${day}: ${openMeteo.title} has no readings of that day`;
        return { location, failure: new ProviderError('day-not-available', message) };
      } catch (error) {
        if (error instanceof ProviderError) return { location, failure: error };
        throw error;
      }
    },
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

function currentQuestion(api: string, places: readonly Place[]): Question<Outcome[]> {
  const [first] = places;
  const what =
    places.length === 1
      ? `current conditions of ${first?.location.id}`
      : `current conditions of ${first?.location.id} and ${places.length - 1} more`;
  return {
    what,
    address: () => {
      const url = new URL(`${api}/forecast`);
      url.search = new URLSearchParams({
        ...coordinates(places),
        current: FIELDS.filter((field) => field !== 'precipitation').join(','),
        minutely_15: 'precipitation',
        past_minutely_15: '4',
        forecast_minutely_15: '1',
      }).toString();
      return url;
    },
    read: (body, lenient, repliedAt) => {
      const parts: unknown[] = Array.isArray(body) ? body : [body];
      if (parts.length !== places.length) {
        throw new ProviderError('malformed', `${what}: ${parts.length} answers for ${places.length} places`);
      }
      return places.map(({ location }, index) => {
        const name = `current conditions of ${location.id}`;
        try {
          return { location, readings: [{ ...currentReading(parts[index], lenient, name), repliedAt }] };
        } catch (error) {
          // Strictly, one damaged answer has the whole request asked again; the second time it stands alone.
          if (!lenient || !(error instanceof ProviderError)) throw error;
          return { location, failure: error };
        }
      });
    },
    refusal: (status, body) => refusal(what, status, body),
  };
}

function currentReading(part: unknown, lenient: boolean, what: string): Reading {
  const { current, minutely_15: steps } = readReply(currentReply, part, what);
  const { measured, drifted } = measure(current, lenient, what);
  const fallen = rainOfHourSoFar(current.time, steps.time, steps.precipitation);
  return {
    observedAt: utcSecond((current.time - 1) * 1_000),
    measured: { ...measured, precip_mm: fallen },
    payload: part,
    drifted,
  };
}

/** Sum of the steps since the hour began that the reading lies in; null unless all of them are there. */
function rainOfHourSoFar(
  time: number,
  stamps: readonly number[],
  amounts: readonly (number | null)[],
): number | null {
  const byStamp = new Map(stamps.map((stamp, index) => [stamp, amounts[index] ?? null]));
  const hour = Math.floor((time - 1) / HOUR_SECONDS) * HOUR_SECONDS;
  // In thousandths, finer than the source: sums of binary fractions would show their rounding.
  let thousandths = 0;
  for (let stamp = hour + STEP_SECONDS; stamp <= time; stamp += STEP_SECONDS) {
    const amount = byStamp.get(stamp) ?? null;
    if (amount === null) return null;
    thousandths += Math.round(amount * 1_000);
  }
  return thousandths / 1_000;
}

function historyQuestion(
  path: string,
  fields: readonly string[],
  place: Place,
  day: string,
): Question<Reading[]> {
  const what = `history of ${place.location.id} on ${day}`;
  const { from, until } = utcDaySeconds(day);
  return {
    what,
    address: () => {
      const url = new URL(path);
      url.search = new URLSearchParams({
        ...coordinates([place]),
        hourly: fields.join(','),
        start_date: day,
        // The amount of the day's last hour stands at the midnight that ends it.
        end_date: utcSecond(until * 1_000).slice(0, 10),
      }).toString();
      return url;
    },
    read: (body, lenient, repliedAt) => {
      const { hourly } = readReply(historyReply, body, what);
      const rows = new Map(hourly.time.map((time, index) => [time, rowAt(hourly, fields, index)]));
      return [...rows].flatMap(([time, row]) => {
        if (time < from || time >= until) return [];
        const following = rows.get(time + HOUR_SECONDS)?.precipitation ?? null;
        const { measured, drifted } = measure({ ...row, precipitation: following }, lenient, what);
        if (Object.values(measured).every((value) => value === null)) return [];
        const payload = { time, ...row, precipitation_of_following_stamp: following };
        return [{ observedAt: utcSecond(time * 1_000), measured, repliedAt, payload, drifted }];
      });
    },
    refusal: (status, body) => refusal(what, status, body),
  };
}

function rowAt(
  hourly: Record<string, readonly unknown[]>,
  fields: readonly string[],
  index: number,
): JsonObject {
  return Object.fromEntries(fields.map((field) => [field, hourly[field]?.[index]]));
}

function coordinates(places: readonly Place[]): Record<string, string> {
  return {
    latitude: places.map(({ latitude }) => latitude).join(','),
    longitude: places.map(({ longitude }) => longitude).join(','),
    timeformat: 'unixtime',
    timezone: 'GMT',
  };
}

function measure(part: JsonObject, lenient: boolean, what: string): { measured: Measured; drifted: number } {
  const fields = measurementReader(part, lenient, what);
  const metres = fields.number('visibility');
  const measured: Measured = {
    temp_c: fields.number('temperature_2m'),
    dewpoint_c: fields.number('dew_point_2m'),
    humidity_pct: fields.number('relative_humidity_2m'),
    pressure_mb: fields.number('pressure_msl'),
    wind_kph: fields.number('wind_speed_10m'),
    wind_degree: fields.number('wind_direction_10m'),
    gust_kph: fields.number('wind_gusts_10m'),
    precip_mm: fields.number('precipitation'),
    cloud_pct: fields.number('cloud_cover'),
    visibility_km: metres === null ? null : metres / 1_000,
    uv: fields.number('uv_index'),
    condition_code: fields.number('weather_code'),
  };
  return { measured, drifted: fields.drifted() };
}

/** The archive's word on an hour counts where it is complete; the recent models fill what it does not have yet. */
function merge(settled: readonly Reading[], recent: readonly Reading[]): Reading[] {
  const byHour = new Map(settled.map((reading) => [reading.observedAt, reading]));
  for (const reading of recent) {
    const known = byHour.get(reading.observedAt);
    if (!known || known.measured.precip_mm === null) byHour.set(reading.observedAt, reading);
  }
  return [...byHour.values()].sort((a, b) => a.observedAt.localeCompare(b.observedAt));
}

/**
 * Errors are `{"error": true, "reason": "…"}`; only the words tell them apart. A minute's limit passes with the
 * minute, an hour's or a day's does not.
 */
function refusal(what: string, status: number, body: unknown): ProviderError {
  const parsed = errorReply.safeParse(body);
  const said = parsed.success ? parsed.data.reason : '';
  const message = `${what}: ${openMeteo.title} answered ${status}${said && ` (${said})`}`;
  return new ProviderError(reasonOf(status, said), message);
}

function reasonOf(status: number, said: string): FailureReason {
  if (status === 429) return /hourly|daily|monthly/i.test(said) ? 'quota' : 'unreachable';
  if (status === 408 || status >= 500) return 'unreachable';
  return /out of allowed range/i.test(said) ? 'day-not-available' : 'refused';
}

async function unlessUnavailable(hours: Promise<Reading[]>): Promise<Reading[]> {
  try {
    return await hours;
  } catch (error) {
    if (error instanceof ProviderError && error.reason === 'day-not-available') return [];
    throw error;
  }
}
