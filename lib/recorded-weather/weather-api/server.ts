import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Recording } from '../recording';
import type { Answer } from './answer';
import { CallLimits } from './call-limits';
import type { WeatherFault, WeatherFaultPlan } from './faults';
import { type Manners, REAL_MANNERS } from './manners';
import { openMeteoAnswer, openMeteoWeight } from './open-meteo';
import { OneAtATime, TOO_MANY_CONCURRENT } from './queue';
import { RecordedWeather } from './recorded-weather';
import { LOCAL_WEATHER_KEY, weatherApiAnswer, weatherApiError } from './weatherapi';

export interface WeatherApiOptions {
  readonly recording: Recording;
  readonly now: () => Date;
  /** `REAL_MANNERS` unless said otherwise. */
  readonly manners?: Manners | undefined;
  readonly faults?: WeatherFaultPlan | undefined;
}

export interface WeatherApi {
  /** Stands for `https://api.weatherapi.com/v1`. */
  readonly url: string;
  /** Stands for `https://api.open-meteo.com/v1`. */
  readonly openMeteoUrl: string;
  /** Stands for `https://historical-forecast-api.open-meteo.com/v1`. */
  readonly historicalForecastUrl: string;
  /** Stands for `https://archive-api.open-meteo.com/v1`. */
  readonly archiveUrl: string;
  /** Requests so far, failed ones included. */
  requests(): number;
  /** Calls so far as the providers count them: Open-Meteo by places and variables. */
  calls(): number;
  /**
   * `location observed_at` of every observation that was sent to its end in an intact answer, and the instants of
   * virtual time at which it was, as `Date.toISOString` spells them.
   */
  served(): ReadonlyMap<string, ReadonlySet<string>>;
  setFaults(plan: WeatherFaultPlan | undefined): void;
  /** From now on WeatherAPI.com accepts this key and no other. */
  setKey(key: string): void;
  close(): Promise<void>;
}

/**
 * The weather providers, answering from a recording at virtual time: WeatherAPI.com's current conditions, forecast
 * and history with its key check and errors, and Open-Meteo's forecast, historical forecast and archive with its queue
 * and its limits.
 *
 * What they say differs from the recording as the manners have it: a running hour's rain is a model's, history is
 * provisional at first. Nothing is made up for an hour that was not recorded.
 */
export async function startWeatherApi(options: WeatherApiOptions): Promise<WeatherApi> {
  const weather = new RecordedWeather(options.recording, options.now, options.manners ?? REAL_MANNERS);
  const served = new Map<string, Set<string>>();
  const attempts = new Map<string, number>();
  const openMeteo = new OneAtATime();
  const limits = new CallLimits();
  let { faults } = options;
  let key = LOCAL_WEATHER_KEY;
  let requests = 0;
  let calls = 0;

  const handle = (url: URL, response: ServerResponse): void => {
    const path = url.pathname.replace(/^\/(weatherapi|open-meteo|archive)\/v1|\/v1\/forecast$/g, '');
    const at = options.now();
    // A reply's instant is virtual time, as everything else that the functions see.
    response.setHeader('date', at.toUTCString());
    const answer = answerOf(weather, url, key);
    const { locationId } = answer;
    const attemptKey = `${url.pathname} ${locationId} ${url.searchParams.get('dt')} ${at.toISOString()}`;
    const attempt = (attempts.get(attemptKey) ?? 0) + 1;
    attempts.set(attemptKey, attempt);
    const fault = faults?.({ path, locationId, at, attempt });
    if (fault?.kind === 'otherPlace') {
      send(response, answerOf(weather, elsewhere(url, fault.id), key), undefined, () => {});
      return;
    }
    send(response, answer, fault, () => {
      for (const observation of answer.observations) {
        served.set(observation, (served.get(observation) ?? new Set()).add(at.toISOString()));
      }
    });
  };

  const server = createServer((request: IncomingMessage, response: ServerResponse): void => {
    requests += 1;
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname.startsWith('/weatherapi/')) {
      calls += 1;
      handle(url, response);
      return;
    }
    const weight = openMeteoWeight(url.searchParams);
    calls += weight;
    const refuse = (status: number, body: object): void => {
      send(response, { status, body, locationId: undefined, observations: [] }, undefined, () => {});
    };
    const said = limits.take(weight, options.now().getTime() / 1_000, performance.now() / 1_000);
    if (said !== undefined) {
      refuse(429, { error: true, reason: said });
      return;
    }
    const taken = openMeteo.start((done) => {
      // A client that has gone away while waiting holds nobody up.
      if (response.closed) {
        done();
        return;
      }
      response.once('close', done);
      handle(url, response);
    });
    if (!taken) refuse(TOO_MANY_CONCURRENT.status, TOO_MANY_CONCURRENT.body);
  });
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
    historicalForecastUrl: `${origin}/historical-forecast/v1`,
    archiveUrl: `${origin}/archive/v1`,
    requests: () => requests,
    calls: () => calls,
    served: () => served,
    setFaults: (plan) => {
      faults = plan;
    },
    setKey: (accepted) => {
      key = accepted;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerOf(weather: RecordedWeather, url: URL, key: string): Answer {
  const query = url.searchParams;
  switch (url.pathname) {
    case '/open-meteo/v1/forecast':
      return openMeteoAnswer(weather, 'forecast', query);
    case '/historical-forecast/v1/forecast':
      return openMeteoAnswer(weather, 'historical-forecast', query);
    case '/archive/v1/archive':
      return openMeteoAnswer(weather, 'archive', query);
    default:
      return url.pathname.startsWith('/weatherapi/v1/')
        ? weatherApiAnswer(weather, url.pathname.slice('/weatherapi/v1'.length), query, key)
        : weatherApiError(400, 1005, 'API URL is invalid.');
  }
}

/** The same question about another place. */
function elsewhere(url: URL, id: string): URL {
  const other = new URL(url);
  other.searchParams.set('q', id);
  return other;
}

function send(
  response: ServerResponse,
  answer: Answer,
  fault: Exclude<WeatherFault, { kind: 'otherPlace' }> | undefined,
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
      reply(fault.status ?? 200, 'text/html', '<html><body>Service temporarily unavailable</body></html>');
      break;
    case 'body':
      reply(fault.status, 'application/json', JSON.stringify(fault.body));
      break;
    case 'wrongTypes':
      reply(
        200,
        'application/json',
        JSON.stringify(answer.body, (_, value: unknown) =>
          typeof value === 'number' ? String(value) : value,
        ),
        // A number that comes as text is read: the answer counts as given.
        onSent,
      );
      break;
  }
}
