import type { ApiKey } from '../../../lambdas/runtime/api-key';
import {
  type Clock,
  createExchange,
  type ExchangeOptions,
  type Question,
} from '../../../lambdas/weather/exchange';
import { ProviderError } from '../../../lambdas/weather/provider-error';
import { NO_HURRY_MS } from '../../patience';
import { type Answer, startWeatherServer, type WeatherServer } from './weather-server';

/** Time that passes only by sleeping. */
function fakeClock(): Clock & { readonly pauses: readonly number[] } {
  const pauses: number[] = [];
  let time = 0;
  return {
    pauses,
    now: () => time,
    sleep: async (ms) => {
      pauses.push(ms);
      time += ms;
    },
    random: () => 0.5,
  };
}

function keyOf(...keys: readonly string[]): ApiKey & { readonly renewals: () => number } {
  let position = 0;
  let renewals = 0;
  return {
    howToSet: 'set-the-key',
    renewals: () => renewals,
    current: async () => keys[position] ?? '',
    renewed: async (rejected) => {
      if (keys[position] !== rejected) return keys[position] ?? '';
      renewals++;
      position = Math.min(position + 1, keys.length - 1);
      return keys[position] ?? '';
    },
  };
}

describe('an exchange with a provider', () => {
  let server: WeatherServer;
  let answers: Answer[];

  beforeEach(async () => {
    answers = [];
    server = await startWeatherServer(() => answers.shift() ?? { json: { ok: true } });
  });
  afterEach(() => server.close());

  const question = (more: Partial<Question<unknown>> = {}): Question<unknown> => ({
    what: 'weather of jfk',
    address: (key) => new URL(`${server.url}/current.json?key=${key}`),
    read: (body) => body,
    refusal: (status) => {
      if (status === 200) return undefined;
      const reason = status === 401 ? 'key' : status === 429 || status >= 500 ? 'unreachable' : 'refused';
      return new ProviderError(reason, `answered ${status}`);
    },
    ...more,
  });
  const exchange = (options: Partial<ExchangeOptions> = {}) =>
    createExchange({
      deadline: 60_000,
      clock: fakeClock(),
      requestTimeoutMs: NO_HURRY_MS,
      ...options,
    });

  it('gives what the reader makes of the reply', async () => {
    answers = [{ json: { temp: 3 } }];
    expect(await exchange().ask(question())).toEqual({ temp: 3 });
  });

  it.each([
    ['Mon, 23 Nov 2026 10:15:07 GMT', Date.parse('2026-11-23T10:15:07Z')],
    ['yesterday', undefined],
  ])('tells the reader when the reply was made: %s', async (date, expected) => {
    answers = [{ json: {}, headers: { date } }];
    const read = (_body: unknown, repliedAt: number | undefined) => repliedAt;
    expect(await exchange().ask(question({ read }))).toBe(expected);
  });

  it.each<[string, Answer]>([
    ['429', { status: 429, json: {} }],
    ['500', { status: 500, text: 'oops' }],
    ['503', { status: 503, text: '<html>busy</html>' }],
    ['a broken connection', 'reset'],
    ['no answer in time', 'hang'],
  ])('tries again after %s', async (_, failure) => {
    answers = [failure, failure];
    // On a busy machine, an answer that does come may be too late as well.
    const hurried = failure === 'hang';
    const { ask, tally } = exchange({ requestTimeoutMs: hurried ? 500 : NO_HURRY_MS });
    expect(await ask(question())).toEqual({ ok: true });
    expect(tally.failures).toBeGreaterThanOrEqual(2);
    expect(tally).toEqual({ requests: tally.failures + 1, failures: hurried ? tally.failures : 2 });
  });

  it.each<[string, Answer]>([
    ['truncated JSON', { text: '{"current": {"temp_c": 1' }],
    ['HTML instead of JSON', { text: '<html>welcome</html>' }],
    ['an empty reply', { text: '' }],
    ['a number that JSON has not', { text: '{"current": {"temp_c": NaN}}' }],
  ])('asks once more after %s, and no third time', async (_, noJson) => {
    answers = [noJson];
    expect(await exchange().ask(question())).toEqual({ ok: true });
    answers = [noJson, { status: 500, json: {} }, noJson];
    const { ask, tally } = exchange();
    await expect(ask(question())).rejects.toMatchObject({
      reason: 'malformed',
      message: 'weather of jfk: the answer is no JSON (text/html)',
    });
    expect(tally).toEqual({ requests: 3, failures: 3 });
  });

  it('waits longer before each attempt, by a random share of a doubling pause', async () => {
    answers = Array.from({ length: 6 }, () => ({ status: 503, json: {} }));
    const clock = fakeClock();
    await expect(exchange({ clock }).ask(question())).rejects.toThrow('answered 503');
    expect(clock.pauses).toEqual([100, 200, 400, 800, 1_600]);
  });

  it('waits as long as the provider asks for', async () => {
    answers = [{ status: 429, json: {}, headers: { 'retry-after': '3' } }];
    const clock = fakeClock();
    await exchange({ clock }).ask(question());
    expect(clock.pauses).toEqual([3_100]);
  });

  it.each([
    ['a date, counted from that of the reply', 'Mon, 23 Nov 2026 10:15:11 GMT', 4_100],
    ['a date that is over', 'Mon, 23 Nov 2026 10:15:01 GMT', 100],
    ['nothing that can be read', 'soon', 100],
  ])('waits as long as is asked for by %s', async (_, retryAfter, pause) => {
    const headers = { date: 'Mon, 23 Nov 2026 10:15:07 GMT', 'retry-after': retryAfter };
    answers = [{ status: 503, json: {}, headers }];
    const clock = fakeClock();
    await exchange({ clock }).ask(question());
    expect(clock.pauses).toEqual([pause]);
  });

  it.each(['60', 'Mon, 23 Nov 2026 10:16:07 GMT'])(
    'gives up at once when the provider asks for more time than there is: %s',
    async (retryAfter) => {
      const headers = { date: 'Mon, 23 Nov 2026 10:15:07 GMT', 'retry-after': retryAfter };
      answers = [{ status: 429, json: {}, headers }];
      const clock = fakeClock();
      await expect(exchange({ clock, deadline: 30_000 }).ask(question())).rejects.toThrow('answered 429');
      expect(clock.pauses).toEqual([]);
    },
  );

  it('starts nothing after the deadline', async () => {
    const { ask, tally } = exchange({ deadline: 100 });
    await expect(ask(question())).rejects.toMatchObject({ reason: 'no-time' });
    expect(tally).toEqual({ requests: 0, failures: 0 });
    expect(server.requests).toHaveLength(0);
  });

  it('ends an attempt with the run’s time', async () => {
    answers = ['hang'];
    // The attempt takes all of the time that there is.
    const clock: Clock = { ...fakeClock(), now: () => 400 * server.requests.length };
    await expect(exchange({ clock, deadline: 400 }).ask(question())).rejects.toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('no answer within 400 ms'),
    });
  });

  it('does not repeat what will not get better', async () => {
    answers = [{ status: 404, json: {} }];
    await expect(exchange().ask(question())).rejects.toThrow('answered 404');
    expect(server.requests).toHaveLength(1);
  });

  it('does not follow a redirect, which would carry the key elsewhere', async () => {
    answers = [{ status: 302, text: '', headers: { location: `${server.url}/elsewhere` } }];
    await expect(exchange().ask(question())).rejects.toThrow('answered 302');
    expect(server.requests).toHaveLength(1);
  });

  it('does not ask again for an answer that could not be read: it would be the same', async () => {
    const read = () => {
      throw new ProviderError('malformed', 'current is no object');
    };
    const { ask, tally } = exchange();
    await expect(ask(question({ read }))).rejects.toThrow('current is no object');
    expect(tally).toEqual({ requests: 1, failures: 1 });
  });

  it('takes the error that a body names for what it is, under a status that says all is well', async () => {
    answers = [{ json: { error: true } }];
    const refusal = () => new ProviderError('quota', 'used up');
    await expect(exchange().ask(question({ refusal }))).rejects.toMatchObject({ reason: 'quota' });
  });

  it('gives up sooner what can be had in another way', async () => {
    answers = Array.from({ length: 6 }, () => ({ status: 503, json: {} }));
    await expect(exchange().ask(question({ attempts: 2 }))).rejects.toThrow('answered 503');
    expect(server.requests).toHaveLength(2);
  });

  it('turns a defect of a reader into an error without its words', async () => {
    const read = () => {
      throw new TypeError('secret words');
    };
    await expect(exchange().ask(question({ read }))).rejects.toMatchObject({
      reason: 'refused',
      message: 'weather of jfk: unexpected TypeError',
    });
  });

  it('names the failure of a connection by its code alone', async () => {
    await server.close();
    const failure = await exchange({ deadline: 500 })
      .ask(question())
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'weather of jfk: the connection failed (ECONNREFUSED)' });
  });

  it('asks with bounded concurrency over connections that stay open', async () => {
    await server.close();
    let open = 0;
    let most = 0;
    server = await startWeatherServer(async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open--;
      return { json: {} };
    });
    const { ask } = exchange({ concurrency: 4 });
    await Promise.all(Array.from({ length: 40 }, () => ask(question())));
    expect(server.requests).toHaveLength(40);
    expect(most).toBeLessThanOrEqual(4);
    // A connection is free a moment after its reply has been read; the next call may open another by then.
    expect(server.connections()).toBeLessThan(20);
  });

  it('lets other calls go ahead while one waits to be repeated', async () => {
    answers = [{ status: 503, json: {} }];
    const order: string[] = [];
    const { ask } = exchange({ concurrency: 1 });
    const named = (name: string) => question({ read: () => order.push(name) });
    await Promise.all([ask(named('first')), ask(named('second'))]);
    expect(order).toEqual(['second', 'first']);
  });

  describe('with a key', () => {
    const rejectedUnless = (accepted: string) =>
      startWeatherServer((url) =>
        url.searchParams.get('key') === accepted ? { json: { ok: true } } : { status: 401, json: {} },
      );

    it('renews it once for all calls that were rejected at the same time', async () => {
      await server.close();
      server = await rejectedUnless('new');
      const apiKey = keyOf('old', 'new');
      const { ask } = exchange({ apiKey });
      const replies = await Promise.all(Array.from({ length: 5 }, () => ask(question())));
      expect(replies).toEqual(Array.from({ length: 5 }, () => ({ ok: true })));
      expect(apiKey.renewals()).toBe(1);
    });

    it.each([
      ['there is no newer one', ['old']],
      ['the newer one is rejected as well', ['old', 'other']],
    ])('fails with the command that sets it when %s', async (_, keys) => {
      await server.close();
      server = await rejectedUnless('new');
      const apiKey = keyOf(...keys);
      await expect(exchange({ apiKey }).ask(question())).rejects.toMatchObject({
        reason: 'key',
        message: 'answered 401 Set another key with: set-the-key',
      });
      expect(apiKey.renewals()).toBe(1);
      expect(server.requests).toHaveLength(keys.length);
    });

    it('does not renew it for a page that something on the way sent', async () => {
      answers = [{ status: 403, text: '<html>Forbidden</html>' }];
      const apiKey = keyOf('old', 'new');
      const refusal = (status: number) =>
        status === 403 ? new ProviderError('unreachable', 'answered 403') : undefined;
      await exchange({ apiKey }).ask(question({ refusal }));
      expect(apiKey.renewals()).toBe(0);
      expect(server.requests.map((url) => url.searchParams.get('key'))).toEqual(['old', 'old']);
    });

    it('stops asking for the other locations once it is refused', async () => {
      await server.close();
      server = await rejectedUnless('new');
      const { ask } = exchange({ apiKey: keyOf('old'), concurrency: 1 });
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => ask(question())));
      expect(results.every(({ status }) => status === 'rejected')).toBe(true);
      expect(server.requests).toHaveLength(1);
    });

    it('cuts it out of replies before anyone reads them', async () => {
      answers = [{ json: { echoed: 'you sent k3y/with+signs and k3y%2Fwith%2Bsigns' } }];
      const { ask } = exchange({ apiKey: keyOf('k3y/with+signs') });
      expect(await ask(question())).toEqual({ echoed: 'you sent [key] and [key]' });
    });
  });
});
