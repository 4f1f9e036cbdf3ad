import type { Reading } from '../recording';
import { type Answer, observationId } from './answer';
import { HOUR, type Place, type RecordedWeather, type Report } from './recorded-weather';

/** The key that the local provider accepts; it opens nothing else. */
export const LOCAL_WEATHER_KEY = 'garoa-local-weather-key';

export function weatherApiError(status: number, code: number, message: string, locationId?: string): Answer {
  return { status, body: { error: { code, message } }, locationId, observations: [] };
}

export function weatherApiAnswer(weather: RecordedWeather, current: boolean, query: URLSearchParams): Answer {
  const key = query.get('key');
  if (key === null || key === '') return weatherApiError(401, 1002, 'API key is invalid or not provided.');
  if (key !== LOCAL_WEATHER_KEY) return weatherApiError(401, 2006, 'API key is invalid.');
  const q = query.get('q');
  if (q === null || q === '') return weatherApiError(400, 1003, 'Parameter q is missing.');
  const place = weather.byQuery(q);
  if (place === undefined) return weatherApiError(400, 1006, 'No matching location found.');
  const { id } = place.location;
  if (current) {
    const report = weather.current(place);
    if (report === undefined) return weatherApiError(400, 9999, 'Internal application error.', id);
    const body = { location: weatherApiLocation(weather, place), current: weatherApiCurrent(place, report) };
    return { status: 200, body, locationId: id, observations: [observationId(place, report.time)] };
  }
  const date = query.get('dt') ?? '';
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) {
    return weatherApiError(400, 1003, 'Parameter dt is missing or not a date.', id);
  }
  const midnight = Date.parse(`${date}T00:00:00Z`) / 1000;
  // No zone is further than 14 hours from UTC; the local date is then looked at reading by reading.
  const hours = weather
    .history(place, midnight - 14 * HOUR, midnight + 38 * HOUR)
    .filter(({ time }) => localTime(place.location.timezone, time).startsWith(date));
  const forecastday = [
    { date, date_epoch: midnight, hour: hours.map((reading) => weatherApiHour(place, reading)) },
  ];
  return {
    status: 200,
    body: { location: weatherApiLocation(weather, place), forecast: { forecastday } },
    locationId: id,
    observations: hours.map(({ time }) => observationId(place, time)),
  };
}

function weatherApiLocation(weather: RecordedWeather, { location }: Place): unknown {
  return {
    name: location.name,
    region: '',
    country: '',
    lat: location.latitude ?? 0,
    lon: location.longitude ?? 0,
    tz_id: location.timezone,
    localtime_epoch: weather.now(),
    localtime: localTime(location.timezone, weather.now()),
  };
}

function weatherApiCurrent({ location }: Place, { time, values }: Report): unknown {
  return {
    last_updated_epoch: time,
    last_updated: localTime(location.timezone, time),
    ...weatherApiValues(values),
  };
}

function weatherApiHour({ location }: Place, { time, values }: Reading): unknown {
  const rained = (values.precip_mm ?? 0) > 0;
  return {
    time_epoch: time,
    time: localTime(location.timezone, time),
    ...weatherApiValues(values),
    will_it_rain: rained ? 1 : 0,
    chance_of_rain: rained ? 100 : 0,
  };
}

function weatherApiValues(values: Reading['values']): Record<string, unknown> {
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

const formats = new Map<string, Intl.DateTimeFormat>();

/** `YYYY-MM-DD HH:MM` on the clocks of the zone. */
function localTime(timezone: string, time: number): string {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timezone, format);
  }
  return format.format(new Date(time * 1000)).replace(',', '');
}
