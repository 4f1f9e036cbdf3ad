import { seededRandom } from '../../local/random';

/** What a fault plan may do to a request. */
export type WeatherFault =
  | { readonly kind: 'latency'; readonly milliseconds: number }
  | { readonly kind: 'status'; readonly status: number }
  /** Never answers; the client has to give up. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'truncated' }
  /** A page instead of an answer, under 200 unless said otherwise. */
  | { readonly kind: 'html'; readonly status?: number }
  /** Another body under another status: a provider's error codes come with surprising ones. */
  | { readonly kind: 'body'; readonly status: number; readonly body: unknown }
  /** The answer is that of the place of this id. */
  | { readonly kind: 'otherPlace'; readonly id: string }
  /** Numbers come as texts. */
  | { readonly kind: 'wrongTypes' };

export interface WeatherRequest {
  /** `/current.json`, `/forecast.json`, `/history.json`, `/forecast`, `/historical-forecast` or `/archive`. */
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

/** WeatherAPI.com's code for a failure that passes. */
const INTERNAL_ERROR = { error: { code: 9999, message: 'Internal application error.' } };

/**
 * A repeatable fault plan: each request fails with the given probability, in one of the ways a provider
 * fails that the retries of one run get over. The third attempt of a request always succeeds,
 * and no answer is without JSON twice: that would be a lasting fault.
 */
export function weatherFaultsAtRate(rate: number, seed: string): WeatherFaultPlan {
  const kinds: readonly WeatherFault[] = [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429 },
    { kind: 'disconnect' },
    { kind: 'truncated' },
    { kind: 'html' },
    { kind: 'html', status: 403 },
    { kind: 'body', status: 200, body: INTERNAL_ERROR },
    { kind: 'body', status: 400, body: INTERNAL_ERROR },
    { kind: 'wrongTypes' },
    { kind: 'latency', milliseconds: 50 },
  ];
  return ({ path, locationId, at, attempt }) => {
    if (attempt > 2) return undefined;
    const random = seededRandom(`${seed}:${path}:${locationId}:${at.toISOString()}:${attempt}`);
    if (random() >= rate) return undefined;
    const possible =
      attempt === 1 ? kinds : kinds.filter(({ kind }) => kind !== 'truncated' && kind !== 'html');
    return possible[Math.floor(random() * possible.length)];
  };
}
