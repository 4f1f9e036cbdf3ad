import { createExchange } from '../../../lambdas/weather/exchange';
import { openMeteo } from '../../../lambdas/weather/open-meteo';
import type { Outcome } from '../../../lambdas/weather/provider';
import { place } from './places';
import { type Answer, startWeatherServer, type WeatherServer } from './weather-server';

/** 2026-11-22T00:00:00Z */
const DAY = Date.parse('2026-11-22T00:00:00Z') / 1_000;
const QUARTER = 900;
const HOUR = 3_600;

/** What Open-Meteo answers for one place at `time`, with the amounts of the five steps that end there. */
function currentOf(
  time: number,
  amounts: readonly (number | null)[] = [0, 0, 0, 0, 0],
  more: object = {},
): unknown {
  return {
    latitude: 40.65,
    longitude: -73.78,
    current_units: { time: 'unixtime' },
    current: {
      time,
      interval: QUARTER,
      temperature_2m: 9.4,
      dew_point_2m: 4.1,
      relative_humidity_2m: 70,
      pressure_msl: 1_016.2,
      wind_speed_10m: 12.2,
      wind_direction_10m: 310,
      wind_gusts_10m: 27,
      cloud_cover: 40,
      weather_code: 61,
      visibility: 24_140,
      uv_index: 0.5,
      ...more,
    },
    minutely_15: { time: amounts.map((_, index) => time - (4 - index) * QUARTER), precipitation: amounts },
  };
}

/** Hourly history from `DAY` on: temperature and amount carry the number of the hour they are stamped with. */
function historyOf(stamps: number, { nullFrom = stamps }: { nullFrom?: number } = {}): unknown {
  const numbers = Array.from({ length: stamps }, (_, index) => (index < nullFrom ? index : null));
  return {
    hourly: {
      time: Array.from({ length: stamps }, (_, index) => DAY + index * HOUR),
      temperature_2m: numbers,
      precipitation: numbers,
    },
  };
}

describe('Open-Meteo', () => {
  let server: WeatherServer;
  let answer: (url: URL) => Answer;

  beforeEach(async () => {
    server = await startWeatherServer((url) => answer(url));
  });
  afterEach(() => server.close());

  const provider = () =>
    openMeteo.connect({
      addresses: { api: `${server.url}/live`, archive: `${server.url}/past` },
      exchange: createExchange({ deadline: performance.now() + 10_000 }),
    });
  const failure = (outcome: Outcome | undefined) =>
    outcome && 'failure' in outcome ? `${outcome.failure.reason}: ${outcome.failure.message}` : undefined;
  const readings = (outcome: Outcome | undefined) =>
    outcome && 'readings' in outcome ? outcome.readings : undefined;
  const latitudes = (url: URL) => (url.searchParams.get('latitude') ?? '').split(',').map(Number);
  const refusal = (reason: string): Answer => ({ status: 400, json: { error: true, reason } });

  describe('current conditions', () => {
    it('are converted, dated into the quarter hour that they close, and kept as they came', async () => {
      const reply = currentOf(DAY + HOUR);
      answer = () => ({ json: reply, headers: { date: 'Sun, 22 Nov 2026 01:01:02 GMT' } });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)).toEqual([
        {
          observedAt: '2026-11-22T00:59:59Z',
          measured: {
            temp_c: 9.4,
            dewpoint_c: 4.1,
            humidity_pct: 70,
            pressure_mb: 1_016.2,
            wind_kph: 12.2,
            wind_degree: 310,
            gust_kph: 27,
            precip_mm: 0,
            cloud_pct: 40,
            visibility_km: 24.14,
            uv: 0.5,
            condition_code: 61,
          },
          drifted: 0,
          repliedAt: Date.parse('2026-11-22T01:01:02Z'),
          payload: reply,
        },
      ]);
    });

    it.each([
      ['the first quarter of an hour', 1, 0.1],
      ['half an hour', 2, 0.3],
      ['the whole hour', 4, 1],
    ])('have the rain of %s', async (_, quarters, expected) => {
      // The steps that end at the reading fell 0.1, 0.2, 0.3 and 0.4 mm; 9 mm belong to the hour before.
      const ofHour = [0.1, 0.2, 0.3, 0.4].slice(0, quarters);
      const amounts = [...Array.from({ length: 5 - quarters }, () => 9), ...ofHour];
      answer = () => ({ json: currentOf(DAY + quarters * QUARTER, amounts) });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)?.[0]?.measured.precip_mm).toBe(expected);
    });

    it('have no amount when a step of the hour is unknown', async () => {
      answer = () => ({ json: currentOf(DAY + HOUR, [0, 1, null, 1, 1]) });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)?.[0]?.measured.precip_mm).toBeNull();
    });

    it('of many places are asked for in few requests', async () => {
      answer = (url) => ({
        json: latitudes(url).map((latitude) => currentOf(DAY, undefined, { cloud_cover: latitude })),
      });
      const places = Array.from({ length: 120 }, (_, index) => place(`p${index}`, { latitude: index / 2 }));
      const outcomes = await provider().current(places);
      expect(server.requests).toHaveLength(3);
      expect(outcomes).toHaveLength(120);
      for (const outcome of outcomes) {
        expect(readings(outcome)?.[0]?.measured.cloud_pct).toBe(outcome.location.latitude);
      }
    });

    it('of one place that is refused cost the others nothing', async () => {
      answer = (url) => {
        const asked = latitudes(url);
        if (asked.includes(7)) return refusal('Invalid coordinates');
        const replies = asked.map(() => currentOf(DAY));
        return { json: replies.length === 1 ? replies[0] : replies };
      };
      const places = [1, 3, 5, 7, 9].map((latitude) => place(`p${latitude}`, { latitude }));
      const outcomes = await provider().current(places);
      const failed = outcomes.filter((outcome) => failure(outcome));
      expect(failed.map(({ location }) => location.id)).toEqual(['p7']);
      expect(failure(failed[0])).toContain('Open-Meteo answered 400 (Invalid coordinates)');
      expect(outcomes).toHaveLength(5);
    });

    it('of one place that can’t be read, not even the second time, cost the others nothing', async () => {
      answer = () => ({ json: [currentOf(DAY), { current: {} }] });
      const outcomes = await provider().current([place('a'), place('b')]);
      expect(readings(outcomes[0])).toHaveLength(1);
      expect(failure(outcomes[1])).toMatch(/^malformed: current conditions of b: current\.time/);
      expect(server.requests).toHaveLength(2);
    });

    it('are asked for again when there are fewer answers than places', async () => {
      answer = () => ({
        json: server.requests.length === 1 ? [currentOf(DAY)] : [currentOf(DAY), currentOf(DAY)],
      });
      const outcomes = await provider().current([place('a'), place('b')]);
      expect(outcomes.map((outcome) => readings(outcome)?.length)).toEqual([1, 1]);
    });

    it('are not asked for without coordinates', async () => {
      const somewhere = place('sp', { query: 'Sao Paulo', latitude: undefined, longitude: undefined });
      const [outcome] = await provider().current([somewhere]);
      expect(failure(outcome)).toBe('unknown-place: sp: Open-Meteo needs latitude and longitude');
      expect(server.requests).toHaveLength(0);
    });

    it.each([
      ['Daily API request limit exceeded. Please try again tomorrow.', 'quota', 1],
      ['Hourly API request limit exceeded. Please try again in the next hour.', 'quota', 1],
    ])('stop when the limit says “%s”', async (reason, expected, requests) => {
      answer = () => ({ status: 429, json: { error: true, reason } });
      const [outcome] = await provider().current([place('jfk')]);
      expect(failure(outcome)).toContain(expected);
      expect(server.requests).toHaveLength(requests);
    });

    it('are tried again when a minute’s limit is exceeded', async () => {
      const busy = { error: true, reason: 'Minutely API request limit exceeded.' };
      answer = () => (server.requests.length === 1 ? { status: 429, json: busy } : { json: currentOf(DAY) });
      const [outcome] = await provider().current([place('jfk')]);
      expect(readings(outcome)).toHaveLength(1);
    });
  });

  describe('history', () => {
    it('gives each hour the amount that is stamped with its end', async () => {
      answer = () => ({ json: historyOf(48) });
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(readings(outcome)?.map(({ measured }) => [measured.temp_c, measured.precip_mm])).toEqual(
        Array.from({ length: 24 }, (_, hour) => [hour, hour + 1]),
      );
      expect(readings(outcome)?.at(-1)).toMatchObject({
        observedAt: '2026-11-22T23:00:00Z',
        payload: { time: DAY + 23 * HOUR, temperature_2m: 23, precipitation_of_following_stamp: 24 },
      });
      expect(server.requests.map((url) => url.pathname)).toEqual(['/past/archive']);
      expect(server.requests[0]?.searchParams.get('end_date')).toBe('2026-11-23');
    });

    it('fills what the archive does not have yet from the recent models', async () => {
      answer = (url) => ({
        json: url.pathname === '/past/archive' ? historyOf(48, { nullFrom: 12 }) : historyOf(48),
      });
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(readings(outcome)?.map(({ measured }) => measured.precip_mm)).toEqual(
        Array.from({ length: 24 }, (_, hour) => hour + 1),
      );
    });

    it('comes from the recent models when the archive’s range ends before the day', async () => {
      answer = (url) =>
        url.pathname === '/past/archive'
          ? refusal("Parameter 'end_date' is out of allowed range from 1940-01-01 to 2026-11-22")
          : { json: historyOf(48) };
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(readings(outcome)).toHaveLength(24);
    });

    it('is not available when neither has it', async () => {
      answer = (url) =>
        url.pathname === '/past/archive'
          ? { json: historyOf(48, { nullFrom: 0 }) }
          : refusal("Parameter 'start_date' is out of allowed range from 2026-08-24 to 2026-12-09");
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(failure(outcome)).toBe(
        'day-not-available: history of jfk on 2026-11-22: Open-Meteo has no readings of that day',
      );
    });

    it('fails when one of the two fails, so that it is asked for again', async () => {
      answer = (url) =>
        url.pathname === '/past/archive' ? { json: historyOf(12) } : { status: 404, json: {} };
      const outcome = await provider().history(place('jfk'), '2026-11-22');
      expect(failure(outcome)).toBe('refused: history of jfk on 2026-11-22: Open-Meteo answered 404');
    });
  });
});
