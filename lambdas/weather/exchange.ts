import pLimit from 'p-limit';
import * as z from 'zod';
import type { ApiKey } from '../runtime/api-key';
import { ApiKeyUnavailable } from '../runtime/api-key';
import { type FailureReason, ProviderError } from './provider-error';
import { withoutKey } from './secrecy';

/** Time as the retries see it; tests bring their own. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

/** One thing to ask of a provider. */
export interface Question<T> {
  /** Names the call in errors; the address itself is never shown, as it may hold the key. */
  readonly what: string;
  address(key: string): URL;
  /**
   * Reads a reply that `refusal` had nothing to say against.
   * @param repliedAt the reply's `Date` in milliseconds since the epoch, if it has one that can be read.
   * @throws ProviderError `malformed` naming the field, or another reason that the reply gives.
   */
  read(body: unknown, repliedAt: number | undefined): T;
  /**
   * What a reply means that is no answer: the error that its body names, whatever the status, else the one that the
   * status means. Undefined for a 2xx reply without an error. `body` is undefined when it was not JSON.
   */
  refusal(status: number, body: unknown): ProviderError | undefined;
  /** Requests at most, for what can be had in another way. */
  readonly attempts?: number;
}

export interface Exchange {
  /** @throws ProviderError, and nothing else. */
  ask<T>(question: Question<T>): Promise<T>;
  /** What happened so far, for the metrics. */
  readonly tally: Tally;
}

interface Tally {
  /** Requests sent, retries included. */
  readonly requests: number;
  /** Attempts that failed, whether or not a later one succeeded. */
  readonly failures: number;
}

export interface ExchangeOptions {
  /** Absent when the provider needs no key. */
  readonly apiKey?: ApiKey;
  /** Milliseconds on the clock after which no attempt starts or goes on. */
  readonly deadline: number;
  readonly clock?: Clock;
  readonly requestTimeoutMs?: number;
  readonly concurrency?: number;
}

const REQUEST_TIMEOUT_MS = 5_000;
const CONCURRENCY = 32;
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** An attempt with less time than this would be a call wasted. */
const SHORTEST_ATTEMPT_MS = 250;

/** An answer that is no JSON: cut short or a page of something on the way, which may not come twice. */
class NoJson extends ProviderError {
  constructor(message: string) {
    super('malformed', message);
  }
}

const STOPS_THE_RUN: ReadonlySet<FailureReason> = new Set(['key', 'quota']);

/**
 * Asks a provider over HTTP for the length of one run: bounded concurrency, a timeout for each request, retries
 * with full jitter that end with the run's time, and one renewal of the key.
 *
 * Connections are kept alive by fetch itself. The key is cut out of replies before they are parsed, and errors
 * are made from scratch: neither addresses nor causes ever reach a log.
 */
export function createExchange(options: ExchangeOptions): Exchange {
  const { apiKey, deadline, clock = systemClock, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const limit = pLimit(options.concurrency ?? CONCURRENCY);
  const tally = { requests: 0, failures: 0 };
  /** Set by the first answer that holds for every call of the run. */
  let stopped: ProviderError | undefined;
  /** Keys that the provider has rejected in this run: a second rejection after the renewal is final. */
  const rejected = new Set<string>();

  const timeLeft = () => deadline - clock.now();

  async function attempt<T>(question: Question<T>): Promise<T> {
    try {
      if (stopped) throw stopped;
      const key = apiKey ? await usable(() => apiKey.current()) : '';
      if (timeLeft() < SHORTEST_ATTEMPT_MS) throw noTime(question.what);
      tally.requests++;
      const reply = await send(question, key, Math.floor(Math.min(requestTimeoutMs, timeLeft())));
      const refusal = question.refusal(reply.status, reply.body);
      if (refusal === undefined) return question.read(reply.body, reply.at);
      if (apiKey && refusal.reason === 'key' && (await renew(apiKey, key))) return await attempt(question);
      throw withPause(withAdvice(refusal, apiKey), reply.retryAfterSeconds);
    } catch (error) {
      const failure = asProviderError(error, question.what);
      if (STOPS_THE_RUN.has(failure.reason)) stopped = failure;
      throw failure;
    }
  }

  /** @returns whether there is another key to try; of all the run's calls only the first to be rejected asks. */
  async function renew(from: ApiKey, used: string): Promise<boolean> {
    rejected.add(used);
    if (rejected.size > 1) return false;
    return !rejected.has(await usable(() => from.renewed(used)));
  }

  async function ask<T>(question: Question<T>): Promise<T> {
    const { attempts = ATTEMPTS } = question;
    let withoutJson = 0;
    for (let count = 1; ; count++) {
      try {
        return await limit(() => attempt(question));
      } catch (error) {
        const failure = asProviderError(error, question.what);
        if (failure.reason !== 'no-time') tally.failures++;
        if (failure instanceof NoJson) withoutJson++;
        const passes = failure instanceof NoJson ? withoutJson === 1 : failure.reason === 'unreachable';
        if (!passes || count >= attempts) throw failure;
        const pause = pauseBefore(count, failure, clock.random());
        if (timeLeft() < pause + SHORTEST_ATTEMPT_MS) throw failure;
        await clock.sleep(pause);
      }
    }
  }

  return { ask, tally };
}

const fetchFailure = z.object({
  name: z.string(),
  cause: z
    .object({ code: z.string().regex(/^[A-Z0-9_]+$/) })
    .optional()
    .catch(undefined),
});

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly at: number | undefined;
  readonly retryAfterSeconds?: number;
}

async function send(question: Question<unknown>, key: string, timeoutMs: number): Promise<Reply> {
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    // A redirect would carry the address, key and all, to wherever it points.
    response = await fetch(question.address(key), { signal, redirect: 'manual' });
    text = withoutKey(await response.text(), key);
  } catch (error) {
    throw new ProviderError('unreachable', `${question.what}: ${describe(error, timeoutMs)}`);
  }

  const body = parseJson(text);
  if (response.ok && body === undefined) {
    const type = response.headers.get('content-type')?.split(';')[0] ?? 'no content type';
    throw new NoJson(`${question.what}: the answer is no JSON (${withoutKey(type, key)})`);
  }
  const at = Date.parse(response.headers.get('date') ?? '');
  const seconds = secondsToWait(response.headers.get('retry-after') ?? '', at);
  return {
    status: response.status,
    body,
    at: Number.isNaN(at) ? undefined : at,
    ...(seconds > 0 && { retryAfterSeconds: seconds }),
  };
}

/** `Retry-After` is seconds, or a date, which the reply's own `Date` is the present of. NaN where it says nothing. */
function secondsToWait(retryAfter: string, at: number): number {
  const seconds = Number(retryAfter);
  return Number.isNaN(seconds) ? (Date.parse(retryAfter) - at) / 1_000 : seconds;
}

/** Full jitter, so that locations that failed together do not come back together; no sooner than the provider asks. */
function pauseBefore(count: number, failure: ProviderError, random: number): number {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (count - 1));
  return (failure.retryAfterSeconds ?? 0) * 1_000 + random * ceiling;
}

async function usable(key: () => Promise<string>): Promise<string> {
  try {
    return await key();
  } catch (error) {
    throw new ProviderError(
      'key',
      error instanceof ApiKeyUnavailable ? error.message : 'The API key is unavailable.',
    );
  }
}

function withPause(failure: ProviderError, retryAfterSeconds: number | undefined): ProviderError {
  return retryAfterSeconds === undefined
    ? failure
    : new ProviderError(failure.reason, failure.message, retryAfterSeconds);
}

function withAdvice(failure: ProviderError, apiKey: ApiKey | undefined): ProviderError {
  return failure.reason === 'key' && apiKey
    ? new ProviderError('key', `${failure.message} Set another key with: ${apiKey.howToSet}`)
    : failure;
}

function noTime(what: string): ProviderError {
  return new ProviderError('no-time', `${what}: the run's time was up`);
}

/** What fetch throws names hosts and addresses; only its kind and the code of a network error are passed on. */
function describe(error: unknown, timeoutMs: number): string {
  const { data } = fetchFailure.safeParse(error);
  if (data?.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return data?.cause ? `the connection failed (${data.cause.code})` : 'the connection failed';
}

/** An error we did not foresee, such as a defect in a reader, keeps its kind and loses its words. */
function asProviderError(error: unknown, what: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const kind = error instanceof Error ? error.name : 'unknown error';
  return new ProviderError('refused', `${what}: unexpected ${kind}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
