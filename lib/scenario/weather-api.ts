import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Location } from '../../lambdas/runtime/settings';
import type { Measurement } from '../../lambdas/weather/observation';
import { seededRandom } from '../local/random';
import type { Reading, Recording, Series } from './recording';

/** The key that the local provider accepts; it opens nothing else. */
export const LOCAL_WEATHER_KEY = 'garoa-local-weather-key';

const HOUR = 3600;
/** Both providers renew current conditions every quarter of an hour. */
const CADENCE = 900;

/** What a fault plan may do to a request. */
export type WeatherFault =
  | { readonly kind: 'latency'; readonly milliseconds: number }
  | { readonly kind: 'status'; readonly status: number }
  /** Never answers; the client has to give up. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'html' }
  /** Numbers come as texts. */
  | { readonly kind: 'wrongTypes' };

interface WeatherRequest {
  /** `/current.json`, `/history.json`, `/forecast` or `/archive`. */
  readonly path: string;
  /** Location asked for, as far as it is known. */
  readonly locationId: string | undefined;
  /** Virtual time of the request. */
  readonly at: Date;
  /** 1 for the first request of this path and location at this instant, and so on. */
  readonly attempt: number;
}

/** Asked for every request; a fault happens instead of, or before, the answer. */
export type WeatherFaultPlan = (request: WeatherRequest) => WeatherFault | undefined;

export interface WeatherApiOptions {
  readonly recording: Recording;
  readonly now: () => Date;
  readonly faults?: WeatherFaultPlan | undefined;
}

export interface WeatherApi {
  /** Stands for `https://api.weatherapi.com/v1`. */
  readonly url: string;
  /** Stands for `https://api.open-meteo.com/v1`. */
  readonly openMeteoUrl: string;
  /** Stands for `https://archive-api.open-meteo.com/v1`. */
  readonly archiveUrl: string;
  /** Requests so far, failed ones included. */
  requests(): number;
  /** `location observed_at` of every observation that was sent to its end in an intact answer. */
  served(): ReadonlySet<string>;
  setFaults(plan: WeatherFaultPlan | undefined): void;
  close(): Promise<void>;
}

/**
 * The weather providers, answering from a recording at virtual time: WeatherAPI.com's `/current.json` and
 * `/history.json` with its key check and errors, and Open-Meteo's forecast and archive.
 *
 * A place with one reading an hour is reported every quarter of its hour, as the provider renews current
 * conditions; in a gap the last report stays, so that no hour is made up. A place with more readings is
 * reported as it was. History holds only what has passed.
 */
export async function startWeatherApi(options: WeatherApiOptions): Promise<WeatherApi> {
  const weather = new RecordedWeather(options.recording, options.now);
  const served = new Set<string>();
  const attempts = new Map<string, number>();
  let { faults } = options;
  let requests = 0;

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    requests += 1;
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = url.pathname.replace(/^\/(weatherapi|open-meteo|archive)\/v1/, '');
    const answer = answerOf(weather, url);
    const at = options.now();
    const attemptKey = `${url.pathname} ${answer.locationId} ${url.searchParams.get('dt')} ${at.toISOString()}`;
    const attempt = (attempts.get(attemptKey) ?? 0) + 1;
    attempts.set(attemptKey, attempt);
    const fault = faults?.({ path, locationId: answer.locationId, at, attempt });
    send(response, answer, fault, () => {
      for (const observation of answer.observations) served.add(observation);
    });
  };

  const server = createServer(handle);
  // Keep-alive sockets outlive the pauses between two phases; a server that drops them causes resets.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the weather server has no port');
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    url: `${origin}/weatherapi/v1`,
    openMeteoUrl: `${origin}/open-meteo/v1`,
    archiveUrl: `${origin}/archive/v1`,
    requests: () => requests,
    served: () => served,
    setFaults: (plan) => {
      faults = plan;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * A repeatable fault plan: each request fails with the given probability, in one of the ways a provider
 * fails that the retries of one run get over. The third attempt of a request always succeeds.
 */
export function weatherFaultsAtRate(rate: number, seed: string): WeatherFaultPlan {
  const kinds: readonly WeatherFault[] = [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429 },
    { kind: 'disconnect' },
    { kind: 'truncated' },
    { kind: 'html' },
    { kind: 'latency', milliseconds: 50 },
  ];
  return ({ path, locationId, at, attempt }) => {
    if (attempt > 2) return undefined;
    const random = seededRandom(`${seed}:${path}:${locationId}:${at.toISOString()}:${attempt}`);
    return random() < rate ? kinds[Math.floor(random() * kinds.length)] : undefined;
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly locationId: string | undefined;
  readonly observations: readonly string[];
}

function answerOf(weather: RecordedWeather, url: URL): Answer {
  const query = url.searchParams;
  switch (url.pathname) {
    case '/weatherapi/v1/current.json':
    case '/weatherapi/v1/history.json':
      return weatherApiAnswer(weather, url.pathname.endsWith('current.json'), query);
    case '/open-meteo/v1/forecast':
      return openMeteoAnswer(weather, query, (place) =>
        query.has('hourly')
          ? openMeteoHistory(weather, place, query)
          : openMeteoCurrent(weather, place, query),
      );
    case '/archive/v1/archive':
      return openMeteoAnswer(weather, query, (place) => openMeteoHistory(weather, place, query));
    default:
      return weatherApiError(400, 1005, 'API URL is invalid.');
  }
}

function send(
  response: ServerResponse,
  answer: Answer,
  fault: WeatherFault | undefined,
  onSent: () => void,
): void {
  const text = JSON.stringify(answer.body);
  const reply = (status: number, type: string, body: string, done?: () => void): void => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(body, done);
  };
  const intact = (): void => {
    reply(answer.status, 'application/json', text, answer.status === 200 ? onSent : undefined);
  };
  switch (fault?.kind) {
    case undefined:
      intact();
      break;
    case 'latency':
      setTimeout(intact, fault.milliseconds);
      break;
    case 'status':
      reply(fault.status, 'text/plain', `HTTP ${fault.status}`);
      break;
    case 'silence':
      break;
    case 'disconnect':
      response.destroy();
      break;
    case 'truncated':
      reply(200, 'application/json', text.slice(0, Math.floor(text.length / 2)));
      break;
    case 'html':
      reply(200, 'text/html', '<html><body>Service temporarily unavailable</body></html>');
      break;
    case 'wrongTypes':
      reply(
        200,
        'application/json',
        JSON.stringify(answer.body, (_, value: unknown) =>
          typeof value === 'number' ? String(value) : value,
        ),
      );
      break;
  }
}

interface Place {
  readonly location: Location;
  readonly series: Series;
}

/** A reading as it is reported: possibly later in its hour than it was made. */
interface Report {
  readonly time: number;
  readonly values: Reading['values'];
}

class RecordedWeather {
  private readonly places: readonly Place[];

  constructor(
    recording: Recording,
    private readonly clock: () => Date,
  ) {
    this.places = recording.locations.flatMap((location) => {
      const series = recording.series.get(location.id);
      return series === undefined ? [] : [{ location, series }];
    });
  }

  now(): number {
    return Math.floor(this.clock().getTime() / 1000);
  }

  byQuery(query: string): Place | undefined {
    const exact = this.places.find(({ location }) => location.id === query);
    if (exact !== undefined) return exact;
    const [latitude, longitude] = query.split(',').map(Number);
    return latitude === undefined || longitude === undefined ? undefined : this.at(latitude, longitude);
  }

  at(latitude: number, longitude: number): Place | undefined {
    const near = (value: number | undefined, wanted: number): boolean =>
      value !== undefined && Math.abs(value - wanted) < 0.05;
    return this.places.find(
      ({ location }) => near(location.latitude, latitude) && near(location.longitude, longitude),
    );
  }

  /** What the place reports now; undefined before its first reading. */
  current({ series }: Place): Report | undefined {
    const now = this.now();
    const reading = series.latest(now);
    if (reading === undefined || !series.hourly) return reading;
    const quarter = Math.floor(now / CADENCE) * CADENCE;
    return { ...reading, time: Math.min(quarter, reading.time + HOUR - CADENCE) };
  }

  /**
   * The last step of 15 minutes that has ended with something to say, by its end. A place with one reading an hour
   * says it in each step of that hour, others in the step that the reading lies in.
   */
  closedStep({ series }: Place): { readonly stamp: number; readonly reading: Reading } | undefined {
    const quarter = Math.floor(this.now() / CADENCE) * CADENCE;
    const reading = series.latest(quarter - 1);
    if (reading === undefined) return undefined;
    const ownStep = Math.floor(reading.time / CADENCE) * CADENCE + CADENCE;
    return { stamp: series.hourly ? Math.min(quarter, reading.time + HOUR) : ownStep, reading };
  }

  /** Readings in [from, to) that have passed: an hourly one with its hour, others when they were made. */
  history({ series }: Place, from: number, to: number): Reading[] {
    const known = series.hourly ? this.now() - HOUR : this.now();
    return series.between(from, Math.min(to, known + 1));
  }
}

function observationId({ location }: Place, time: number): string {
  return `${location.id} ${new Date(time * 1000).toISOString().replace('.000Z', 'Z')}`;
}

// WeatherAPI.com

function weatherApiError(status: number, code: number, message: string, locationId?: string): Answer {
  return { status, body: { error: { code, message } }, locationId, observations: [] };
}

function weatherApiAnswer(weather: RecordedWeather, current: boolean, query: URLSearchParams): Answer {
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

// Open-Meteo

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

function openMeteoAnswer(
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
function openMeteoCurrent(weather: RecordedWeather, place: Place, query: URLSearchParams): OpenMeteoPart {
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
function openMeteoHistory(weather: RecordedWeather, place: Place, query: URLSearchParams): OpenMeteoPart {
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
