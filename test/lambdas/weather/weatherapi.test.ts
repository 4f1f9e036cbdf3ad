import { addHours } from '../../../lambdas/runtime/time';
import { createExchange } from '../../../lambdas/weather/exchange';
import type { Location } from '../../../lambdas/weather/location';
import type { Outcome } from '../../../lambdas/weather/provider';
import { weatherapi } from '../../../lambdas/weather/weatherapi';
import { collected, failureOf, readingsOf } from './outcomes';
import { place } from './places';
import { weatherApiCurrent, weatherApiError, weatherApiForecast, weatherApiHistory } from './replies';
import { UNHURRIED } from './unhurried';
import { type Answer, startWeatherServer, type WeatherServer } from './weather-server';

const HOUR = 3_600;
/** 2026-11-22T00:00:00Z */
const DAY = Date.parse('2026-11-22T00:00:00Z') / 1_000;
const MINUTE = '2026-11-23T10:15:00Z';

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
        ...UNHURRIED,
        apiKey: {
          howToSet: 'set-the-key',
          current: async () => 'k3y-of-test',
          renewed: async () => 'k3y-of-test',
        },
      }),
    });
  const poll = (location = place('jfk'), minute = MINUTE) => provider().current([location], minute);
  const fill = async (location: Location, day: string) => {
    const [outcome] = await collected(provider().history([location], day));
    return outcome;
  };

  describe('current conditions', () => {
    it('are converted to the lake’s columns and kept as they came', async () => {
      const reply = weatherApiCurrent(DAY + 900, { new_field: { deep: [1] } });
      answer = () => ({ json: reply, headers: { date: 'Sun, 22 Nov 2026 01:01:02 GMT' } });
      const [outcome] = await poll();
      expect(readingsOf(outcome)).toEqual([
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
          contradicts: false,
          forecast: undefined,
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
      await poll(place('sp', { query: 'São Paulo & more' }));
      expect(server.requests[0]?.searchParams.get('q')).toBe('São Paulo & more');
    });

    it('leave null what is absent', async () => {
      answer = () => ({ json: { current: { last_updated_epoch: DAY, temp_c: 3 } } });
      const [outcome] = await poll();
      const { temp_c, ...others } = readingsOf(outcome)?.[0]?.measured ?? {};
      expect(temp_c).toBe(3);
      expect(Object.values(others)).toEqual(Array.from({ length: 11 }, () => null));
    });

    it('come without the field whose type has changed, and say so, after one request', async () => {
      answer = () => ({ json: weatherApiCurrent(DAY, { uv: 'low', condition: { code: 'rain' } }) });
      const [outcome] = await poll();
      expect(readingsOf(outcome)).toMatchObject([
        { drifted: 2, measured: { uv: null, condition_code: null, temp_c: 11.7 } },
      ]);
      expect(server.requests).toHaveLength(1);
    });

    it.each([
      ['in milliseconds', (DAY + 900) * 1_000],
      ['beyond the clock', DAY + 200 * 86_400],
      ['in minutes', DAY / 60],
      ['that is no number', 'soon'],
      ['that is not there', undefined],
    ])('with a time %s are refused, and not asked for again', async (_, epoch) => {
      answer = () => ({ json: weatherApiCurrent(DAY, { last_updated_epoch: epoch }) });
      const [outcome] = await poll();
      expect(failureOf(outcome)).toMatch(
        /^malformed: current conditions of jfk: .*(last_updated_epoch|time)/,
      );
      expect(server.requests).toHaveLength(1);
    });

    it.each([
      ['decimal commas', { temp_c: '11,7', precip_mm: '0,3' }],
      ['units', { temp_c: '11.7 °C', precip_mm: '0.3 mm' }],
      ['objects', { temp_c: { value: 11.7 }, precip_mm: [0.3] }],
    ])('with %s for numbers are a failure that says so', async (_, odd) => {
      answer = () => ({ json: weatherApiCurrent(DAY, odd) });
      expect(failureOf((await poll())[0])).toBe(
        'nothing-measured: current conditions of jfk: neither temp_c nor precip_mm is a number',
      );
      expect(server.requests).toHaveLength(1);
    });

    it.each([DAY + 900.5, `${DAY + 900}.0`])('of a time in fractions are taken: %s', async (epoch) => {
      answer = () => ({ json: weatherApiCurrent(DAY, { last_updated_epoch: epoch }) });
      expect(readingsOf((await poll())[0])?.[0]?.observedAt).toBe('2026-11-22T00:15:00Z');
    });

    it('of another place are refused, and both are named', async () => {
      answer = () => ({ json: weatherApiCurrent(DAY) });
      const [outcome] = await poll(
        place('kingston', { latitude: 18, longitude: -76.8, timezone: 'America/Jamaica' }),
      );
      expect(failureOf(outcome)).toMatch(
        /^wrong-place: .* the answer is for Jamaica, USA at 40.64, -73.78, 25\d\d km from 18, -76.8, where kingston is/,
      );
    });

    it('keep the other locations when one of them answers 500', async () => {
      answer = (url) =>
        url.searchParams.get('q') === 'bad'
          ? { status: 400, json: weatherApiError(1006, 'No matching location found.') }
          : { json: weatherApiCurrent(DAY) };
      const outcomes = await provider().current(
        [place('a'), place('bad', { query: 'bad' }), place('c')],
        MINUTE,
      );
      expect(
        outcomes.map((outcome) => [outcome.location.id, readingsOf(outcome)?.length, failureOf(outcome)]),
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

  describe('the next hour’s forecast', () => {
    /** 00:56 UTC: the hour to come begins at 01:00 UTC, 20:00 in New York. */
    const CLOSING = '2026-11-22T00:56:00Z';
    const forecasts = (outcome: Outcome | undefined) => readingsOf(outcome)?.map(({ forecast }) => forecast);

    it('comes with the hour’s closing polls, in the same request', async () => {
      answer = () => ({
        json: weatherApiCurrent(DAY + 2_700, {}, weatherApiForecast([DAY, DAY + HOUR, DAY + 2 * HOUR])),
      });
      const [outcome] = await poll(place('jfk'), CLOSING);
      // The entry stamped with the hour's start is the hour's: neither the one before nor the one after.
      expect(forecasts(outcome)).toEqual([
        { hour: '2026-11-22T01:00:00Z', probability: 0.01, precipMm: 0.1 },
      ]);
      expect(readingsOf(outcome)?.[0]?.observedAt).toBe('2026-11-22T00:45:00Z');
      expect(server.requests).toHaveLength(1);
      const [url] = server.requests;
      expect(url?.pathname).toBe('/forecast.json');
      expect(Object.fromEntries(url?.searchParams ?? [])).toMatchObject({ days: '1', hour: '20' });
    });

    it.each([
      ['the local midnight', '2026-11-22T04:57:00Z', '2', '0'],
      ['the hour before it', '2026-11-22T03:56:00Z', '1', '23'],
      ['the UTC midnight', '2026-11-21T23:57:00Z', '1', '19'],
      ['the night that clocks go forward', '2026-03-08T06:56:00Z', '1', '3'],
      ['the night that clocks go back', '2026-11-01T05:56:00Z', '1', '1'],
    ])('is asked for by the local hour, at %s', async (_, minute, days, hour) => {
      answer = () => ({ json: weatherApiCurrent(DAY) });
      await poll(place('jfk'), minute);
      expect(Object.fromEntries(server.requests[0]?.searchParams ?? [])).toMatchObject({ days, hour });
    });

    it.each([
      ['an ordinary day', '2026-11-22T04:56:00Z', '2026-11-21T05:00:00Z', 23],
      ['the day that clocks go forward', '2026-03-09T03:56:00Z', '2026-03-08T05:00:00Z', 22],
      ['the day that clocks go back', '2026-11-02T04:56:00Z', '2026-11-01T04:00:00Z', 24],
    ])(
      'brings the hours that are over at the end of %s, in the same request',
      async (_, minute, start, count) => {
        const from = Date.parse(start) / 1_000;
        const epochs = Array.from({ length: 49 }, (_, hour) => from + hour * HOUR);
        const rest = weatherApiForecast(epochs);
        answer = () => ({ json: weatherApiCurrent(from + count * HOUR + 2_700, {}, rest) });
        const [outcome] = await poll(place('jfk'), minute);
        const listed = outcome && 'listed' in outcome ? outcome.listed : undefined;
        // Neither the running hour nor those to come.
        expect(listed?.map(({ observedAt }) => Date.parse(observedAt) / 1_000)).toEqual(
          epochs.slice(0, count),
        );
        expect(listed?.map(({ measured }) => measured.precip_mm)).toEqual(
          epochs.slice(0, count).map((_, hour) => hour / 10),
        );
        expect(forecasts(outcome)).toMatchObject([{ hour: addHours(start, count + 1) }]);
        // Of the forecast the payload keeps the hour alone, as it has it in other polls.
        expect(readingsOf(outcome)?.[0]?.payload).toMatchObject({
          location: { name: 'Jamaica' },
          current: { temp_c: 11.7 },
          forecast: {
            forecastday: [{ hour: [{ time_epoch: epochs[count + 1], chance_of_rain: count + 1 }] }],
          },
        });
        expect(server.requests.map(({ pathname }) => pathname)).toEqual(['/forecast.json']);
        expect(server.requests[0]?.searchParams.get('days')).toBe('2');
        expect(server.requests[0]?.searchParams.has('hour')).toBe(false);
      },
    );

    it.each([
      ['of another minute', '2026-11-22T04:57:00Z'],
      ['of another hour', '2026-11-22T03:56:00Z'],
      ['of UTC’s last hour', '2026-11-21T23:56:00Z'],
    ])('brings no hours that are over in a poll %s', async (_, minute) => {
      answer = () => ({ json: weatherApiCurrent(DAY, {}, weatherApiForecast([DAY - HOUR, DAY])) });
      expect((await poll(place('jfk'), minute))[0]).not.toHaveProperty('listed', expect.anything());
    });

    it('is that of the hour after UTC’s, where two hours of the local night have one name', async () => {
      const hour = Date.parse('2026-11-01T06:00:00Z') / 1_000;
      answer = () => ({ json: weatherApiCurrent(hour - 900, {}, weatherApiForecast([hour - HOUR, hour])) });
      const [outcome] = await poll(place('jfk'), '2026-11-01T05:56:00Z');
      expect(forecasts(outcome)).toMatchObject([{ hour: '2026-11-01T06:00:00Z', probability: 0.01 }]);
    });

    it.each<[string, Record<string, unknown>]>([
      ['is not there', {}],
      ['has another shape', { forecast: 'soon' }],
      ['has other hours', weatherApiForecast([DAY, DAY + 2 * HOUR])],
    ])('costs the observation nothing when it %s', async (_, rest) => {
      answer = () => ({ json: weatherApiCurrent(DAY, {}, rest) });
      const [outcome] = await poll(place('jfk'), CLOSING);
      expect(readingsOf(outcome)).toMatchObject([{ measured: { temp_c: 11.7 } }]);
      expect(forecasts(outcome)).toEqual([undefined]);
      expect(server.requests).toHaveLength(1);
    });

    it.each<[string, Answer]>([
      ['is beyond the plan', { status: 403, json: weatherApiError(2009, 'No access.') }],
      ['is refused', { status: 400, json: weatherApiError(1005, 'API URL is invalid.') }],
      ['is out of order', { status: 503, text: 'busy' }],
      ['is another page', { text: '<html>' }],
      ['is nothing', { json: {} }],
    ])('costs the observation nothing when what it comes with %s', async (_, given) => {
      answer = (url) => (url.pathname === '/forecast.json' ? given : { json: weatherApiCurrent(DAY) });
      const [outcome] = await poll(place('jfk'), CLOSING);
      expect(readingsOf(outcome)).toHaveLength(1);
      expect(server.requests.length).toBeLessThanOrEqual(3);
    });

    it('changes nothing of what was measured', async () => {
      const measured = async (rest: Record<string, unknown>) => {
        answer = () => ({ json: weatherApiCurrent(DAY, {}, rest) });
        return readingsOf((await poll(place('jfk'), CLOSING))[0])?.[0]?.measured;
      };
      expect(await measured(weatherApiForecast([DAY, DAY + HOUR]))).toEqual(await measured({}));
    });

    it.each([
      ['the amount alone', { precip_mm: '0.4', chance_of_rain: 101 }, { probability: null, precipMm: 0.4 }],
      ['the probability alone', { precip_mm: -1, chance_of_rain: 7 }, { probability: 0.07, precipMm: null }],
    ])('is %s where the other can’t be', async (_, entry, expected) => {
      const rest = { forecast: { forecastday: [{ hour: [{ time_epoch: DAY + HOUR, ...entry }] }] } };
      answer = () => ({ json: weatherApiCurrent(DAY, {}, rest) });
      const [outcome] = await poll(place('jfk'), CLOSING);
      expect(forecasts(outcome)).toEqual([{ hour: '2026-11-22T01:00:00Z', ...expected }]);
    });

    it.each([
      ['says nothing', { time_epoch: DAY + HOUR, precip_mm: 4_000 }],
      ['is of no time at all', { time_epoch: 1e17, precip_mm: 1 }],
    ])('is none when its entry %s', async (_, entry) => {
      const rest = { forecast: { forecastday: [{ hour: [entry] }] } };
      answer = () => ({ json: weatherApiCurrent(DAY, {}, rest) });
      const [outcome] = await poll(place('jfk'), CLOSING);
      expect(readingsOf(outcome)).toHaveLength(1);
      expect(forecasts(outcome)).toEqual([undefined]);
    });
  });

  describe('an error', () => {
    it.each([
      [401, 1002, 'key', 1],
      [401, 2006, 'key', 1],
      [403, 2008, 'key', 1],
      [400, 1008, 'not-in-plan', 1],
      [403, 2009, 'not-in-plan', 1],
      [200, 2007, 'quota', 1],
      [200, 2006, 'key', 1],
      [500, 1006, 'unknown-place', 1],
      [403, 2007, 'quota', 1],
      [400, 1006, 'unknown-place', 1],
      [400, 1003, 'refused', 1],
      [400, 1005, 'refused', 1],
      [400, 9000, 'refused', 1],
    ])('of status %d and code %d means %s', async (status, code, reason, requests) => {
      answer = () => ({ status, json: weatherApiError(code, 'Because.') });
      const [outcome] = await poll();
      expect(failureOf(outcome)).toMatch(new RegExp(`^${reason}: .*error ${code}: Because`));
      expect(server.requests).toHaveLength(requests);
    });

    it.each([
      [400, weatherApiError(9999, 'Internal application error.')],
      [429, weatherApiError(1, 'Slow down.')],
      [502, {}],
    ])('of status %d that passes is tried again', async (status, json) => {
      answer = () => (server.requests.length === 1 ? { status, json } : { json: weatherApiCurrent(DAY) });
      const [outcome] = await poll();
      expect(readingsOf(outcome)).toHaveLength(1);
    });

    it.each([
      [403, 'unreachable'],
      [401, 'unreachable'],
      [404, 'refused'],
    ])('without a code is judged by its status %d', async (status, reason) => {
      answer = () => ({ status, text: '<html>no</html>' });
      const [outcome] = await poll();
      expect(failureOf(outcome)).toContain(reason);
      expect(failureOf(outcome)).not.toContain('Set another key');
    });

    it('of what stands before the provider keeps its words', async () => {
      answer = () => ({ status: 404, json: { message: 'no Route matched with those values' } });
      expect(failureOf((await poll())[0])).toMatch(
        /^refused: .* answered 404 \(no Route matched with those values\)$/,
      );
    });

    it('that is none is no reason to lose the reading', async () => {
      answer = () => ({ json: weatherApiCurrent(DAY, {}, { error: null }) });
      expect(readingsOf((await poll())[0])).toHaveLength(1);
    });

    it.each([
      ['a text', 'Something went wrong.', ' (Something went wrong.)'],
      ['a long text', 'x'.repeat(100_000), ` (${'x'.repeat(300)})`],
      ['an object without a word', {}, ' (error without a code)'],
      ['a list', [{ code: 1006 }], ''],
      ['a flag', true, ''],
    ])(
      'that is %s under a good status is a refusal with its words, and not asked for again',
      async (_, error, said) => {
        answer = () => ({ json: { error } });
        expect(failureOf((await poll())[0])).toBe(
          `refused: current conditions of jfk: WeatherAPI.com answered 200${said}`,
        );
        expect(server.requests).toHaveLength(1);
      },
    );

    it('without a code is about the key when the provider itself says so', async () => {
      answer = () => ({ status: 401, json: { error: { message: 'Who are you?' } } });
      expect(failureOf((await poll())[0])).toMatch(/^key: .*Set another key/);
    });
  });

  describe('history', () => {
    /** Local days in New York run from 05:00 to 05:00 UTC. */
    const localDay = (url: URL): number => Date.parse(`${url.searchParams.get('dt')}T05:00:00Z`) / 1_000;
    const hours = (start: number) => Array.from({ length: 24 }, (_, hour) => start + hour * HOUR);

    it('covers the UTC day exactly, out of the two local days it falls on', async () => {
      answer = (url) => ({ json: weatherApiHistory(hours(localDay(url))) });
      const outcome = await fill(place('jfk'), '2026-11-22');
      expect(server.requests.map((url) => url.searchParams.get('dt'))).toEqual(['2026-11-21', '2026-11-22']);
      expect(readingsOf(outcome)?.map(({ observedAt }) => Date.parse(observedAt) / 1_000)).toEqual(
        hours(DAY),
      );
      expect(readingsOf(outcome)?.[0]).toMatchObject({
        measured: { temp_c: 8.5, precip_mm: 0, condition_code: 1000 },
        payload: { time_epoch: DAY, will_it_rain: 0 },
      });
    });

    it('asks once for a place on UTC', async () => {
      answer = () => ({ json: weatherApiHistory(hours(DAY)) });
      await fill(place('accra', { timezone: 'Africa/Accra' }), '2026-11-22');
      expect(server.requests.map((url) => url.searchParams.get('dt'))).toEqual(['2026-11-22']);
    });

    it('gives the hours there are when one of the local days lies beyond the plan', async () => {
      answer = (url) =>
        url.searchParams.get('dt') === '2026-11-21'
          ? { status: 400, json: weatherApiError(1008, 'API key is limited to get history data.') }
          : { json: weatherApiHistory(hours(localDay(url))) };
      const outcome = await fill(place('jfk'), '2026-11-22');
      expect(readingsOf(outcome)).toHaveLength(19);
    });

    it.each([
      ['does not reach so far back', 400, 1008],
      ['has no history', 403, 2009],
    ])('is a matter of the plan when that %s, and said in those words', async (_, status, code) => {
      answer = () => ({ status, json: weatherApiError(code, 'Limited.') });
      const outcome = await fill(place('jfk'), '2026-11-22');
      expect(failureOf(outcome)).toBe(
        'not-in-plan: history of jfk on 2026-11-21: the plan holds no history of it; ' +
          `WeatherAPI.com answered ${status} (error ${code}: Limited.)`,
      );
    });

    it('of an hour does not change with the hour after it', async () => {
      const accra = place('accra', { timezone: 'Africa/Accra' });
      const sixth = async (temp_c: number) => {
        const entries = hours(DAY).map((time_epoch, index) => ({
          time_epoch,
          temp_c: index === 6 ? temp_c : 3,
          precip_mm: 0,
        }));
        answer = () => ({ json: { forecast: { forecastday: [{ hour: entries }] } } });
        return readingsOf(await fill(accra, '2026-11-22'))?.[5];
      };
      expect((await sixth(30))?.measured).toEqual((await sixth(-30))?.measured);
      expect((await sixth(30))?.observedAt).toBe('2026-11-22T05:00:00Z');
    });

    it.each([[null], ['gone'], [{ time_epoch: null, temp_c: 3 }]])(
      'does without an entry that says no hour: %j',
      async (damaged) => {
        const entries = hours(DAY).map((time_epoch) => ({ time_epoch, temp_c: 3, precip_mm: '0.2' }));
        answer = () => ({ json: { forecast: { forecastday: [{ hour: [damaged, ...entries.slice(1)] }] } } });
        const outcome = await fill(place('accra', { timezone: 'Africa/Accra' }), '2026-11-22');
        expect(readingsOf(outcome)?.map(({ measured }) => measured.precip_mm)).toEqual(
          Array.from({ length: 23 }, () => 0.2),
        );
      },
    );

    it('leaves out the hours of which nothing was measured', async () => {
      answer = () => ({ json: weatherApiHistory(hours(DAY), { temp_c: null, precip_mm: undefined }) });
      const outcome = await fill(place('accra', { timezone: 'Africa/Accra' }), '2026-11-22');
      expect(failureOf(outcome)).toMatch(
        /^nothing-measured: history of accra on 2026-11-22: neither temp_c nor/,
      );
    });

    it('with times in milliseconds is refused, and is no day without readings', async () => {
      answer = () => ({ json: weatherApiHistory(hours(DAY).map((epoch) => epoch * 1_000)) });
      const outcome = await fill(place('accra', { timezone: 'Africa/Accra' }), '2026-11-22');
      expect(failureOf(outcome)).toMatch(/^malformed: .* is not of that date/);
    });

    it.each<[string, Answer]>([
      ['the date is out of range', { status: 400, json: weatherApiError(1007, 'dt …') }],
      ['the reply has no hours', { json: { forecast: { forecastday: [] } } }],
    ])('is not available when %s', async (_, given) => {
      answer = () => given;
      const outcome = await fill(place('jfk'), '2026-11-22');
      expect(failureOf(outcome)).toBe(
        'day-not-available: history of jfk on 2026-11-22: WeatherAPI.com has no readings of that day',
      );
    });

    it('fails as a whole when one of its local days fails, so that it is asked for again', async () => {
      answer = (url) =>
        url.searchParams.get('dt') === '2026-11-21'
          ? { status: 400, json: weatherApiError(1006, 'No matching location found.') }
          : { json: weatherApiHistory(hours(localDay(url))) };
      const outcome = await fill(place('jfk'), '2026-11-22');
      expect(failureOf(outcome)).toMatch(/^unknown-place: history of jfk on 2026-11-21/);
    });
  });
});
