import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Recording } from '../recording';
import type { Answer } from './answer';
import type { WeatherFault, WeatherFaultPlan } from './faults';
import { openMeteoAnswer, openMeteoCurrent, openMeteoHistory } from './open-meteo';
import { RecordedWeather } from './recorded-weather';
import { weatherApiAnswer, weatherApiError } from './weatherapi';

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
    // A reply's instant is virtual time, as everything else that the functions see.
    response.setHeader('date', at.toUTCString());
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
