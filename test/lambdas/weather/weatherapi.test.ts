import { createExchange } from '../../../lambdas/weather/exchange';
import type { Outcome } from '../../../lambdas/weather/provider';
import { weatherapi } from '../../../lambdas/weather/weatherapi';
import { place } from './places';
import { weatherApiCurrent, weatherApiError, weatherApiHistory } from './replies';
import { type Answer, startWeatherServer, type WeatherServer } from './weather-server';

const HOUR = 3_600;
/** 2026-11-22T00:00:00Z */
const DAY = Date.parse('2026-11-22T00:00:00Z') / 1_000;

describe('WeatherAPI.com', () => {
  let server: WeatherServer;
  let answer: (url: URL) => Answer;

  beforeEach(async () => {
    server = await startWeatherServer((url) => answer(url));
  });
  afterEach(() => server.close());

  const provider = () =>
    weatherapi.connect({
      addresses: { api: server.url },
      exchange: createExchange({
        deadline: performance.now() + 10_000,
        apiKey: {
          howToSet: 'set-the-key',
          current: async () => 'k3y-of-test',
          renewed: async () => 'k3y-of-test',
        },
      }),
    });
  const failure = (outcome: Outcome | undefined) =>
    outcome && 'failure' in outcome ? `${outcome.failure.reason}: ${outcome.failure.message}` : undefined;
  const readings = (outcome: Outcome | undefined) =>
    outcome && 'readings' in outcome ? outcome.readings : undefined;

  describe('current conditions', () => {
    it('are converted to the lake’s columns and kept as they came', async () => {
      const reply = weatherApiCurrent(DAY + 900, { new_field: { deep: [1] } });
      answer = () => ({ json: reply, headers: { date: 'Sun, 22 Nov 2026 01:01:02 GMT' } });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)).toEqual([
        {
          observedAt: '2026-11-22T00:15:00Z',
          measured: {
            temp_c: 11.7,
            dewpoint_c: 9.6,
            humidity_pct: 87,
            pressure_mb: 1012,
            wind_kph: 15.1,
            wind_degree: 210,
            gust_kph: 22.4,
            precip_mm: 0.3,
            cloud_pct: 75,
            visibility_km: 14,
            uv: 1.2,
            condition_code: 1183,
          },
          drifted: 0,
          repliedAt: Date.parse('2026-11-22T01:01:02Z'),
          payload: reply,
        },
      ]);
      expect(server.requests[0]?.pathname).toBe('/current.json');
      expect(Object.fromEntries(server.requests[0]?.searchParams ?? [])).toEqual({
        key: 'k3y-of-test',
        q: '40.64,-73.78',
        aqi: 'no',
      });
    });

    it('are asked for by the place’s own name when it has one', async () => {
      answer = () => ({ json: weatherApiCurrent(DAY) });
      await provider().current([place('sp', { query: 'São Paulo & more' })]);
      expect(server.requests[0]?.searchParams.get('q')).toBe('São Paulo & more');
    });

    it('leave null what is absent', async () => {
      answer = () => ({ json: { current: { last_updated_epoch: DAY, temp_c: null } } });
      const [outcome] = await provider().current([place('jfk')]);
      const measured = readings(outcome)?.[0]?.measured ?? {};
      expect(Object.values(measured)).toEqual(Array.from({ length: 12 }, () => null));
    });

    it('come without the one field whose type has changed for good, and say so', async () => {
      answer = () => ({ json: weatherApiCurrent(DAY, { uv: 'low', condition: { code: 'rain' } }) });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)).toMatchObject([
        { drifted: 2, measured: { uv: null, condition_code: null, temp_c: 11.7 } },
      ]);
      expect(server.requests).toHaveLength(2);
    });

    it('keep the other locations when one of them answers 500', async () => {
      answer = (url) =>
        url.searchParams.get('q') === 'bad'
          ? { status: 400, json: weatherApiError(1006, 'No matching location found.') }
          : { json: weatherApiCurrent(DAY) };
      const outcomes = await provider().current([place('a'), place('bad', { query: 'bad' }), place('c')]);
      expect(
        outcomes.map((outcome) => [outcome.location.id, readings(outcome)?.length, failure(outcome)]),
      ).toEqual([
        ['a', 1, undefined],
        [
          'bad',
          undefined,
          'unknown-place: current conditions of bad: WeatherAPI.com answered 400 (error 1006: No matching location found.)',
        ],
        ['c', 1, undefined],
      ]);
    });
  });

  describe('an error', () => {
    it.each([
      [401, 1002, 'key', 1],
      [401, 2006, 'key', 1],
      [403, 2008, 'key', 1],
      [403, 2009, 'key', 1],
      [403, 2007, 'quota', 1],
      [400, 1006, 'unknown-place', 1],
      [400, 1003, 'refused', 1],
      [400, 1005, 'refused', 1],
      [400, 9000, 'refused', 1],
    ])('of status %d and code %d means %s', async (status, code, reason, requests) => {
      answer = () => ({ status, json: weatherApiError(code, 'Because.') });
      const [outcome] = await provider().current([place('jfk')]);
      expect(failure(outcome)).toMatch(new RegExp(`^${reason}: .*error ${code}: Because`));
      expect(server.requests).toHaveLength(requests);
    });

    it.each([
      [400, weatherApiError(9999, 'Internal application error.')],
      [429, weatherApiError(1, 'Slow down.')],
      [502, {}],
    ])('of status %d that passes is tried again', async (status, json) => {
      answer = () => (server.requests.length === 1 ? { status, json } : { json: weatherApiCurrent(DAY) });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)).toHaveLength(1);
    });

    it.each([
      [403, 'key'],
      [404, 'refused'],
    ])('without a code is judged by its status %d', async (status, reason) => {
      answer = () => ({ status, text: '<html>no</html>' });
      const [outcome] = await provider().current([place('jfk')]);
      expect(failure(outcome)).toContain(reason);
    });
  });

  describe('history', () => {
    /** Local days in New York run from 05:00 to 05:00 UTC. */
    const localDay = (url: URL): number => Date.parse(`${url.searchParams.get('dt')}T05:00:00Z`) / 1_000;
    const hours = (start: number) => Array.from({ length: 24 }, (_, hour) => start + hour * HOUR);

    it('covers the UTC day exactly, out of the two local days it falls on', async () => {
      answer = (url) => ({ json: weatherApiHistory(hours(localDay(url))) });
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(server.requests.map((url) => url.searchParams.get('dt'))).toEqual(['2026-11-21', '2026-11-22']);
      expect(readings(outcome)?.map(({ observedAt }) => Date.parse(observedAt) / 1_000)).toEqual(hours(DAY));
      expect(readings(outcome)?.[0]).toMatchObject({
        measured: { temp_c: 8.5, precip_mm: 0, condition_code: 1000 },
        payload: { time_epoch: DAY, will_it_rain: 0 },
      });
    });

    it('asks once for a place on UTC', async () => {
      answer = () => ({ json: weatherApiHistory(hours(DAY)) });
      await provider().history(place('accra', { timezone: 'Africa/Accra' }), '2026-11-22');
      expect(server.requests.map((url) => url.searchParams.get('dt'))).toEqual(['2026-11-22']);
    });

    it('gives the hours there are when one of the local days lies beyond the plan', async () => {
      answer = (url) =>
        url.searchParams.get('dt') === '2026-11-21'
          ? { status: 400, json: weatherApiError(1008, 'API key is limited to get history data.') }
          : { json: weatherApiHistory(hours(localDay(url))) };
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(readings(outcome)).toHaveLength(19);
    });

    it.each<[string, Answer]>([
      ['the plan does not reach so far back', { status: 400, json: weatherApiError(1008, 'Limited.') }],
      ['the plan has no history', { status: 403, json: weatherApiError(2009, 'No access.') }],
      ['the date is out of range', { status: 400, json: weatherApiError(1007, 'dt …') }],
      ['the reply has no hours', { json: { forecast: { forecastday: [] } } }],
    ])('is not available when %s', async (_, given) => {
      answer = () => given;
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(failure(outcome)).toBe(
        'day-not-available: history of jfk on 2026-11-22: WeatherAPI.com has no readings of that day',
      );
    });

    it('fails as a whole when one of its local days fails, so that it is asked for again', async () => {
      answer = (url) =>
        url.searchParams.get('dt') === '2026-11-21'
          ? { status: 400, json: weatherApiError(1006, 'No matching location found.') }
          : { json: weatherApiHistory(hours(localDay(url))) };
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(failure(outcome)).toMatch(/^unknown-place: history of jfk on 2026-11-21/);
    });
  });
});
