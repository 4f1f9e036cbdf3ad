import type { Measurement } from '../../../lambdas/weather/observation';
import type { Reading } from '../recording';
import { type Answer, observationId } from './answer';
import { CADENCE, HOUR, type Place, type RecordedWeather } from './recorded-weather';

const OPEN_METEO_VARIABLES: Readonly<Record<string, { measurement: Measurement; unit: string }>> = {
  temperature_2m: { measurement: 'temp_c', unit: '°C' },
  dew_point_2m: { measurement: 'dewpoint_c', unit: '°C' },
  relative_humidity_2m: { measurement: 'humidity_pct', unit: '%' },
  pressure_msl: { measurement: 'pressure_mb', unit: 'hPa' },
  wind_speed_10m: { measurement: 'wind_kph', unit: 'km/h' },
  wind_direction_10m: { measurement: 'wind_degree', unit: '°' },
  wind_gusts_10m: { measurement: 'gust_kph', unit: 'km/h' },
  precipitation: { measurement: 'precip_mm', unit: 'mm' },
  cloud_cover: { measurement: 'cloud_pct', unit: '%' },
  visibility: { measurement: 'visibility_km', unit: 'm' },
  uv_index: { measurement: 'uv', unit: '' },
  weather_code: { measurement: 'condition_code', unit: 'wmo code' },
};

/** A problem with the request, in Open-Meteo's words. */
class OpenMeteoRefusal extends Error {}

interface OpenMeteoPart {
  readonly body: Readonly<Record<string, unknown>>;
  readonly observations: readonly string[];
}

export function openMeteoAnswer(
  weather: RecordedWeather,
  query: URLSearchParams,
  part: (place: Place) => OpenMeteoPart,
): Answer {
  try {
    const latitudes = numbers(query, 'latitude');
    const longitudes = numbers(query, 'longitude');
    if (latitudes.length !== longitudes.length || latitudes.length === 0) {
      throw new OpenMeteoRefusal(
        "Parameter 'latitude' and 'longitude' must have the same number of elements",
      );
    }
    const places = latitudes.map((latitude, index) => {
      const place = weather.at(latitude, longitudes[index] ?? 0);
      if (place === undefined) throw new OpenMeteoRefusal('No data is available for this location');
      return place;
    });
    const parts = places.map((place) => {
      const { body, observations } = part(place);
      const { latitude, longitude } = place.location;
      const header = { latitude, longitude, generationtime_ms: 0.1, utc_offset_seconds: 0, timezone: 'GMT' };
      return {
        body: { ...header, timezone_abbreviation: 'GMT', ...body },
        observations,
      };
    });
    const bodies = parts.map(({ body }) => body);
    return {
      status: 200,
      body: bodies.length === 1 ? bodies[0] : bodies,
      locationId: places.map(({ location }) => location.id).join(','),
      observations: parts.flatMap(({ observations }) => observations),
    };
  } catch (error) {
    if (!(error instanceof OpenMeteoRefusal)) throw error;
    return {
      status: 400,
      body: { error: true, reason: error.message },
      locationId: undefined,
      observations: [],
    };
  }
}

/**
 * The last step of 15 minutes that has ended. Amounts are stamped with the end of the interval they fell in, so a
 * reading belongs to the step whose end follows it. The recorded amount is that of the hour so far: it stands at the
 * hour's first step, and the steps of the hour add up to it.
 */
export function openMeteoCurrent(
  weather: RecordedWeather,
  place: Place,
  query: URLSearchParams,
): OpenMeteoPart {
  const names = variables(query, 'current');
  const steps = variables(query, 'minutely_15');
  const closed = weather.closedStep(place);
  if (closed === undefined) throw new OpenMeteoRefusal('No data is available for this location');
  const { stamp, reading } = closed;
  const unixTime = query.get('timeformat') === 'unixtime';
  const past = Number(query.get('past_minutely_15') ?? 0);
  const stamps = Array.from({ length: past + 1 }, (_, index) => stamp - (past - index) * CADENCE);
  const hour = Math.floor((stamp - 1) / HOUR) * HOUR;
  const amountAt = (step: number): number | null =>
    step === hour + CADENCE ? openMeteoValue('precipitation', reading.values) : 0;
  return {
    body: {
      current_units: { time: unixTime ? 'unixtime' : 'iso8601', interval: 'seconds', ...units(names) },
      current: {
        time: openMeteoTime(stamp, unixTime),
        interval: CADENCE,
        ...Object.fromEntries(
          names.map((name) => [
            name,
            name === 'precipitation' ? amountAt(stamp) : openMeteoValue(name, reading.values),
          ]),
        ),
      },
      ...(steps.length > 0 && {
        minutely_15: {
          time: stamps.map((step) => openMeteoTime(step, unixTime)),
          ...Object.fromEntries(
            steps.map((name) => [
              name,
              stamps.map((step) =>
                name === 'precipitation' ? amountAt(step) : openMeteoValue(name, reading.values),
              ),
            ]),
          ),
        },
      }),
    },
    observations: [observationId(place, stamp - 1)],
  };
}

/** Every hour of the days asked for, with null where there is no reading; an hour's amount stands at its end. */
export function openMeteoHistory(
  weather: RecordedWeather,
  place: Place,
  query: URLSearchParams,
): OpenMeteoPart {
  const names = variables(query, 'hourly');
  const from = dayStart(query, 'start_date');
  const lastDay = dayStart(query, 'end_date');
  const today = isoMinute(weather.now()).slice(0, 10);
  if (lastDay > weather.now()) {
    throw new OpenMeteoRefusal(`Parameter 'end_date' is out of allowed range from 1940-01-01 to ${today}`);
  }
  const to = lastDay + 24 * HOUR;
  const unixTime = query.get('timeformat') === 'unixtime';
  const readings = weather.history(place, from - HOUR, to);
  const byHour = new Map(readings.map((reading) => [Math.floor(reading.time / HOUR) * HOUR, reading]));
  const hours = Array.from({ length: Math.max(0, (to - from) / HOUR) }, (_, index) => from + index * HOUR);
  const column = (name: string): unknown[] =>
    hours.map((hour) => {
      const reading = byHour.get(name === 'precipitation' ? hour - HOUR : hour);
      return reading === undefined ? null : openMeteoValue(name, reading.values);
    });
  return {
    body: {
      hourly_units: { time: unixTime ? 'unixtime' : 'iso8601', ...units(names) },
      hourly: {
        time: hours.map((hour) => openMeteoTime(hour, unixTime)),
        ...Object.fromEntries(names.map((name) => [name, column(name)])),
      },
    },
    observations: hours.filter((hour) => byHour.has(hour)).map((hour) => observationId(place, hour)),
  };
}

function openMeteoValue(name: string, values: Reading['values']): number | null {
  const variable = OPEN_METEO_VARIABLES[name];
  if (variable === undefined) return null;
  const value = values[variable.measurement];
  return name === 'visibility' && value !== null ? value * 1000 : value;
}

function units(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, OPEN_METEO_VARIABLES[name]?.unit ?? '']));
}

function variables(query: URLSearchParams, parameter: string): string[] {
  const names = (query.get(parameter) ?? '').split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !Object.hasOwn(OPEN_METEO_VARIABLES, name));
  if (unknown !== undefined) {
    throw new OpenMeteoRefusal(
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
    if (!Number.isFinite(value)) throw new OpenMeteoRefusal(`Parameter '${parameter}' is not a number`);
    return value;
  });
}

function dayStart(query: URLSearchParams, parameter: string): number {
  const text = query.get(parameter) ?? '';
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new OpenMeteoRefusal(
      `Invalid date format. Make sure to use 'YYYY-MM-DD'. Parameter '${parameter}'`,
    );
  }
  return time / 1000;
}

function openMeteoTime(time: number, unixTime: boolean): string | number {
  return unixTime ? time : isoMinute(time);
}

function isoMinute(time: number): string {
  return new Date(time * 1000).toISOString().slice(0, 16);
}
