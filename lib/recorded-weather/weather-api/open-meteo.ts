import type { Measurement } from '../../../lambdas/weather/observation';
import type { Reading } from '../recording';
import { type Answer, observationId } from './answer';
import { CADENCE, HOUR, hourOf, type Place, type RecordedWeather } from './recorded-weather';

const DAY = 24 * HOUR;

/** `forecast` also knows the present; the others know the past alone. */
export type OpenMeteoHost = 'forecast' | 'historical-forecast' | 'archive';

/** Seconds after an hour's end from which a host has it: the archive lags days behind, and knows less. */
const LAG: Readonly<Record<OpenMeteoHost, number>> = {
  forecast: 0,
  'historical-forecast': 3 * HOUR,
  archive: 3 * DAY,
};
/** Until so long after its end an hour's rain is the model's, and changes. */
const SETTLED_AFTER = DAY;

const VARIABLES: Readonly<Record<string, { measurement: Measurement | undefined; unit: string }>> = {
  temperature_2m: { measurement: 'temp_c', unit: '°C' },
  dew_point_2m: { measurement: 'dewpoint_c', unit: '°C' },
  relative_humidity_2m: { measurement: 'humidity_pct', unit: '%' },
  pressure_msl: { measurement: 'pressure_mb', unit: 'hPa' },
  wind_speed_10m: { measurement: 'wind_kph', unit: 'km/h' },
  wind_direction_10m: { measurement: 'wind_degree', unit: '°' },
  wind_gusts_10m: { measurement: 'gust_kph', unit: 'km/h' },
  precipitation: { measurement: 'precip_mm', unit: 'mm' },
  precipitation_probability: { measurement: undefined, unit: '%' },
  cloud_cover: { measurement: 'cloud_pct', unit: '%' },
  visibility: { measurement: 'visibility_km', unit: 'm' },
  uv_index: { measurement: 'uv', unit: '' },
  weather_code: { measurement: 'condition_code', unit: 'wmo code' },
};
const UNKNOWN_TO_ARCHIVE: ReadonlySet<string> = new Set([
  'visibility',
  'uv_index',
  'precipitation_probability',
]);

/** A problem with the request, in Open-Meteo's words. */
class Refused extends Error {}

interface Part {
  readonly body: Readonly<Record<string, unknown>>;
  readonly observations: readonly string[];
}

/** One answer, or an array of answers when several places were asked for. */
export function openMeteoAnswer(
  weather: RecordedWeather,
  host: OpenMeteoHost,
  query: URLSearchParams,
): Answer {
  try {
    const latitudes = numbers(query, 'latitude');
    const longitudes = numbers(query, 'longitude');
    if (latitudes.length !== longitudes.length || latitudes.length === 0) {
      throw new Refused("Parameter 'latitude' and 'longitude' must have the same number of elements");
    }
    const places = latitudes.map((latitude, index) => {
      const place = weather.at(latitude, longitudes[index] ?? 0);
      if (place === undefined) throw new Refused('No data is available for this location');
      return place;
    });
    const parts = places.map((place) => {
      const { body, observations } = answerOf(weather, host, place, query);
      const { latitude, longitude } = place.location;
      const header = { latitude, longitude, generationtime_ms: 0.1, utc_offset_seconds: 0, timezone: 'GMT' };
      return { body: { ...header, timezone_abbreviation: 'GMT', ...body }, observations };
    });
    const bodies = parts.map(({ body }) => body);
    return {
      status: 200,
      body: bodies.length === 1 ? bodies[0] : bodies,
      locationId: places.map(({ location }) => location.id).join(','),
      observations: parts.flatMap(({ observations }) => observations),
    };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const body = { error: true, reason: error.message };
    return { status: 400, body, locationId: undefined, observations: [] };
  }
}

/** Calls that a request counts as: a tenth for each variable, one at least, for each place. */
export function openMeteoWeight(query: URLSearchParams): number {
  const count = (parameter: string): number => (query.get(parameter) ?? '').split(',').filter(Boolean).length;
  const variables = count('current') + count('minutely_15') + count('hourly');
  return Math.max(1, variables / 10) * Math.max(1, count('latitude'));
}

function answerOf(weather: RecordedWeather, host: OpenMeteoHost, place: Place, query: URLSearchParams): Part {
  const present = host === 'forecast' && query.has('current') ? current(weather, place, query) : undefined;
  const past = query.has('hourly') ? hourly(weather, host, place, query) : undefined;
  return {
    body: { ...present?.body, ...past?.body },
    // Beside current conditions the hours are what the provider expects and has just seen, not its history.
    observations: present?.observations ?? past?.observations ?? [],
  };
}

/**
 * The last step of 15 minutes that has ended: the state of the air at its end, and what fell in it. The steps of an
 * hour add up to what the provider's model says of that hour.
 */
function current(weather: RecordedWeather, place: Place, query: URLSearchParams): Part {
  const names = variables(query, 'current');
  const steps = variables(query, 'minutely_15');
  const closed = weather.closedStep(place);
  if (closed === undefined) throw new Refused('No data is available for this location');
  const { stamp, values } = closed;
  const unixTime = query.get('timeformat') === 'unixtime';
  const past = Number(query.get('past_minutely_15') ?? 0);
  const stamps = Array.from({ length: past + 1 }, (_, index) => stamp - (past - index) * CADENCE);
  const valueAt = (name: string, step: number): number | null =>
    name === 'precipitation' ? rainOfStep(weather, place, step) : measured(name, values);
  return {
    body: {
      current_units: { time: unixTime ? 'unixtime' : 'iso8601', interval: 'seconds', ...units(names) },
      current: {
        time: spelled(stamp, unixTime),
        interval: CADENCE,
        ...Object.fromEntries(names.map((name) => [name, valueAt(name, stamp)])),
      },
      ...(steps.length > 0 && {
        minutely_15: {
          time: stamps.map((step) => spelled(step, unixTime)),
          ...Object.fromEntries(steps.map((name) => [name, stamps.map((step) => valueAt(name, step))])),
        },
      }),
    },
    // At the full hour the reading closes the hour that has just ended, too.
    observations: [stamp, ...(stamp % HOUR === 0 ? [stamp - 1] : [])].map((time) =>
      observationId(place, time),
    ),
  };
}

/** What fell in the step of 15 minutes that ends at `stamp`: an even part of its hour, in whole thousandths. */
function rainOfStep(weather: RecordedWeather, place: Place, stamp: number): number | null {
  const hour = hourOf(stamp - 1);
  const amount = weather.modelledRain(place, hour);
  if (amount === null) return null;
  const soFar = (end: number): number => Math.round((amount * 1000 * (end - hour)) / HOUR);
  return (soFar(stamp) - soFar(stamp - CADENCE)) / 1000;
}

/**
 * Hour by hour, with null for what is not known. A stamp holds the state of the air at that instant, and rain and gust
 * of the hour that it ends. Beyond the present there is only what was recorded as a forecast.
 */
function hourly(weather: RecordedWeather, host: OpenMeteoHost, place: Place, query: URLSearchParams): Part {
  const names = variables(query, 'hourly');
  const { from, to } = spanAsked(query, weather.now(), host);
  const unixTime = query.get('timeformat') === 'unixtime';
  const known = new Map(
    weather
      .hours(place, from - HOUR, Math.min(to, weather.now() - LAG[host] - HOUR + 1))
      .map(({ start, values }) => [start + HOUR, values]),
  );
  const stamps = Array.from({ length: Math.max(0, (to - from) / HOUR) }, (_, index) => from + index * HOUR);
  const valueAt = (name: string, stamp: number): number | null => {
    if (host === 'archive' && UNKNOWN_TO_ARCHIVE.has(name)) return null;
    const values = known.get(stamp);
    const expected = host === 'forecast' ? weather.forecast(place, stamp - HOUR) : undefined;
    if (name === 'precipitation_probability') return expected?.probabilityPct ?? null;
    if (name !== 'precipitation') return values === undefined ? null : measured(name, values);
    if (values === undefined) return stamp > weather.now() ? (expected?.precipMm ?? null) : null;
    const settled = host === 'archive' || weather.now() >= stamp + SETTLED_AFTER;
    return settled ? values.precip_mm : weather.modelledRain(place, stamp - HOUR);
  };
  return {
    body: {
      hourly_units: { time: unixTime ? 'unixtime' : 'iso8601', ...units(names) },
      hourly: {
        time: stamps.map((stamp) => spelled(stamp, unixTime)),
        ...Object.fromEntries(names.map((name) => [name, stamps.map((stamp) => valueAt(name, stamp))])),
      },
    },
    observations: stamps.filter((stamp) => known.has(stamp)).map((stamp) => observationId(place, stamp - 1)),
  };
}

/** The stamps asked for, from the first to the one after the last: by dates, by hours, or around the present. */
function spanAsked(
  query: URLSearchParams,
  now: number,
  host: OpenMeteoHost,
): { readonly from: number; readonly to: number } {
  if (query.has('start_hour')) {
    return { from: hourAsked(query, 'start_hour'), to: hourAsked(query, 'end_hour') + HOUR };
  }
  if (query.has('past_hours') || query.has('forecast_hours')) {
    return {
      from: hourOf(now) - wholeNumber(query, 'past_hours', 0) * HOUR,
      to: hourOf(now) + wholeNumber(query, 'forecast_hours', 7 * 24) * HOUR,
    };
  }
  if (host === 'forecast' && !query.has('start_date')) {
    const today = Math.floor(now / DAY) * DAY;
    return {
      from: today - wholeNumber(query, 'past_days', 0) * DAY,
      to: today + wholeNumber(query, 'forecast_days', 7) * DAY,
    };
  }
  const from = dayAsked(query, 'start_date');
  const lastDay = dayAsked(query, 'end_date');
  // The forecast host looks sixteen days ahead.
  if (lastDay > now + (host === 'forecast' ? 16 * DAY : 0)) {
    const today = isoMinute(now).slice(0, 10);
    throw new Refused(`Parameter 'end_date' is out of allowed range from 1940-01-01 to ${today}`);
  }
  return { from, to: lastDay + DAY };
}

function measured(name: string, values: Reading['values']): number | null {
  const measurement = VARIABLES[name]?.measurement;
  if (measurement === undefined) return null;
  const value = values[measurement];
  return name === 'visibility' && value !== null ? value * 1000 : value;
}

function units(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, VARIABLES[name]?.unit ?? '']));
}

function variables(query: URLSearchParams, parameter: string): string[] {
  const names = (query.get(parameter) ?? '').split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !Object.hasOwn(VARIABLES, name));
  if (unknown !== undefined) {
    throw new Refused(
      `Data corrupted at path ''. Cannot initialize variable from invalid String value ${unknown}.`,
    );
  }
  return names;
}

function numbers(query: URLSearchParams, parameter: string): number[] {
  const text = query.get(parameter);
  if (text === null) return [];
  return text.split(',').map((part) => {
    const value = Number(part);
    if (!Number.isFinite(value)) throw new Refused(`Parameter '${parameter}' is not a number`);
    return value;
  });
}

function dayAsked(query: URLSearchParams, parameter: string): number {
  return instantAsked(query, parameter, /^\d{4}-\d{2}-\d{2}$/, 'YYYY-MM-DD', 'T00:00:00Z');
}

function hourAsked(query: URLSearchParams, parameter: string): number {
  return instantAsked(query, parameter, /^\d{4}-\d{2}-\d{2}T\d{2}:00$/, 'YYYY-MM-DDTHH:00', ':00Z');
}

function instantAsked(
  query: URLSearchParams,
  parameter: string,
  form: RegExp,
  shown: string,
  rest: string,
): number {
  const text = query.get(parameter) ?? '';
  const time = form.test(text) ? Date.parse(`${text}${rest}`) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new Refused(`Invalid date format. Make sure to use '${shown}'. Parameter '${parameter}'`);
  }
  return time / 1000;
}

function wholeNumber(query: URLSearchParams, parameter: string, absent: number): number {
  const text = query.get(parameter);
  if (text === null) return absent;
  if (!/^\d+$/.test(text)) throw new Refused(`Parameter '${parameter}' is not a number`);
  return Number(text);
}

function spelled(time: number, unixTime: boolean): string | number {
  return unixTime ? time : isoMinute(time);
}

function isoMinute(time: number): string {
  return new Date(time * 1000).toISOString().slice(0, 16);
}
