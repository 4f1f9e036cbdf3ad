import type { Reading, RecordedForecast } from '../recording';
import { type Answer, observationId } from './answer';
import { localDay, localTime } from './local-time';
import { hoursLacking } from './manners';
import { HOUR, hourOf, type Place, type Present, type RecordedWeather } from './recorded-weather';

/** The key that the local provider accepts until it is given another; it opens nothing else. */
export const LOCAL_WEATHER_KEY = 'garoa-local-weather-key';

const DAY = 24 * HOUR;
/** History of a local day changes until so long after its end. The provider documents nothing. */
const SETTLED_AFTER = DAY;
/** Days that `forecast.json` gives at most. */
const MOST_DAYS = 14;

/** An error as the provider words it. Its codes come with statuses that say less. */
export function weatherApiError(status: number, code: number, message: string, locationId?: string): Answer {
  return { status, body: { error: { code, message } }, locationId, observations: [] };
}

/** Answers `/current.json`, `/forecast.json` and `/history.json` to whoever has the key. */
export function weatherApiAnswer(
  weather: RecordedWeather,
  path: string,
  query: URLSearchParams,
  accepted: string = LOCAL_WEATHER_KEY,
): Answer {
  const key = query.get('key');
  if (key === null || key === '') return weatherApiError(401, 1002, 'API key is invalid or not provided.');
  if (key !== accepted) return weatherApiError(401, 2006, 'API key is invalid.');
  const q = query.get('q');
  if (q === null || q === '') return weatherApiError(400, 1003, 'Parameter q is missing.');
  const place = weather.byQuery(q);
  if (place === undefined) return weatherApiError(400, 1006, 'No matching location found.');
  switch (path) {
    case '/current.json':
      return conditions(weather, place, () => ({}));
    case '/forecast.json':
      return conditions(weather, place, (present) => ({
        forecast: forecast(weather, place, present, query),
      }));
    case '/history.json':
      return history(weather, place, query.get('dt') ?? '');
    default:
      return weatherApiError(400, 1005, 'API URL is invalid.');
  }
}

function conditions(weather: RecordedWeather, place: Place, more: (present: Present) => object): Answer {
  const { id, timezone } = place.location;
  const present = weather.current(place);
  if (present === undefined) return weatherApiError(400, 9999, 'Internal application error.', id);
  const { time, values } = present;
  const current = {
    last_updated_epoch: time,
    last_updated: localTime(timezone, time),
    ...measurements(values),
  };
  return {
    status: 200,
    body: { location: locationOf(weather, place), current, ...more(present) },
    locationId: id,
    observations: [observationId(place, time)],
  };
}

/**
 * The hours of the local days from today on that there is something to say of: those that are over, the running one
 * as `current` has it, and the next one where a forecast of it was recorded. `hour` picks one hour of each day.
 */
function forecast(weather: RecordedWeather, place: Place, present: Present, query: URLSearchParams): unknown {
  const { timezone } = place.location;
  const now = weather.now();
  const today = localTime(timezone, now).slice(0, 10);
  const hourOfDay = query.get('hour');
  const days = Math.min(MOST_DAYS, Math.max(1, Number(query.get('days') ?? 1) || 1));
  const forecastday = Array.from({ length: days }, (_, index) => {
    const date = new Date(Date.parse(today) + index * DAY * 1000).toISOString().slice(0, 10);
    const { from, to } = localDay(timezone, date);
    const past = weather.hours(place, from, to).map(({ start, values }) =>
      hourEntry(weather, place, start, {
        ...values,
        precip_mm: weather.modelledRain(place, start),
      }),
    );
    const running = hourOf(present.time);
    const isRunning = running === hourOf(now) && running >= from && running < to;
    const next = hourOf(now) + HOUR;
    const expected = next >= from && next < to ? weather.forecast(place, next) : undefined;
    const hours = [
      ...past,
      ...(isRunning ? [hourEntry(weather, place, running, present.values)] : []),
      ...(expected === undefined
        ? []
        : [{ ...timeOf(place, next), ...chanceOf(expected), precip_mm: expected.precipMm }]),
    ];
    const wanted = hours.filter(
      ({ time }) => hourOfDay === null || Number(time.slice(11, 13)) === Number(hourOfDay),
    );
    return { date, date_epoch: Date.parse(date) / 1000, hour: wanted };
  });
  return { forecastday };
}

/**
 * History of one local day. Until it is settled its rain is the model's and its last hours may lack. A plan sells
 * only so many days back, or none.
 */
function history(weather: RecordedWeather, place: Place, date: string): Answer {
  const { id, timezone } = place.location;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(Date.parse(date))) {
    return weatherApiError(400, 1003, 'Parameter dt is missing or not a date.', id);
  }
  const { manners } = weather;
  const now = weather.now();
  const { from, to } = localDay(timezone, date);
  if (manners.historyDays === 0 || from < now - manners.historyDays * DAY - DAY) {
    const message =
      'API key is limited to get history data. Please check our pricing page and upgrade to higher plan.';
    return weatherApiError(400, 1008, message, id);
  }
  const settled = now >= to + SETTLED_AFTER;
  const lacking = settled ? 0 : hoursLacking(`${id}:${date}`, manners) * HOUR;
  const hours = weather.hours(place, from, Math.min(to, hourOf(now)) - lacking);
  const hour = hours.map(({ start, values }) =>
    hourEntry(weather, place, start, {
      ...values,
      precip_mm: settled ? values.precip_mm : weather.modelledRain(place, start),
    }),
  );
  const forecastday = [{ date, date_epoch: Date.parse(date) / 1000, hour }];
  return {
    status: 200,
    body: { location: locationOf(weather, place), forecast: { forecastday } },
    locationId: id,
    observations: hours.map(({ start }) => observationId(place, start)),
  };
}

function locationOf(weather: RecordedWeather, { location }: Place): unknown {
  return {
    name: location.name,
    region: '',
    country: location.country ?? '',
    lat: location.latitude ?? 0,
    lon: location.longitude ?? 0,
    tz_id: location.timezone,
    localtime_epoch: weather.now(),
    localtime: localTime(location.timezone, weather.now()),
  };
}

function hourEntry(weather: RecordedWeather, place: Place, start: number, values: Reading['values']) {
  return {
    ...timeOf(place, start),
    ...measurements(values),
    ...chanceOf(weather.forecast(place, start)),
  };
}

function timeOf({ location }: Place, time: number): { time_epoch: number; time: string } {
  return { time_epoch: time, time: localTime(location.timezone, time) };
}

/** Without a recorded forecast there is none: an invented one would be invented skill. */
function chanceOf(expected: RecordedForecast | undefined): object {
  if (expected === undefined) return {};
  const { probabilityPct } = expected;
  return {
    chance_of_rain: probabilityPct,
    will_it_rain: probabilityPct === null ? null : Number(probabilityPct >= 50),
  };
}

function measurements(values: Reading['values']): Record<string, unknown> {
  return {
    temp_c: values.temp_c,
    dewpoint_c: values.dewpoint_c,
    humidity: values.humidity_pct,
    pressure_mb: values.pressure_mb,
    wind_kph: values.wind_kph,
    wind_degree: values.wind_degree,
    gust_kph: values.gust_kph,
    precip_mm: values.precip_mm,
    cloud: values.cloud_pct,
    vis_km: values.visibility_km,
    uv: values.uv,
    condition: { text: '', icon: '', code: values.condition_code },
  };
}
