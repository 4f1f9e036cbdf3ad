import { createExchange, systemClock } from '../../../lambdas/weather/exchange';
import type { Location } from '../../../lambdas/weather/location';
import { openMeteo } from '../../../lambdas/weather/open-meteo';
import { fieldCase } from './field-case';
import { collected, failureOf, readingsOf } from './outcomes';
import { place } from './places';
import { UNHURRIED } from './unhurried';
import { type Answer, startWeatherServer, type WeatherServer } from './weather-server';

/** 2026-11-22T00:00:00Z */
const DAY = Date.parse('2026-11-22T00:00:00Z') / 1_000;
const QUARTER = 900;
const HOUR = 3_600;
const MINUTE = '2026-11-23T10:16:00Z';

/** Of each stamp the number of hours since `DAY`, as millimetres, per cent and ten times that as a gust. */
function hourlyOf(stamps: readonly number[]) {
  const hours = stamps.map((stamp) => (stamp - DAY) / HOUR);
  return {
    time: stamps,
    precipitation: hours.map((hour) => hour / 10),
    precipitation_probability: hours,
    wind_gusts_10m: hours.map((hour) => hour * 10),
  };
}

/** What Open-Meteo answers for one place at `time`: the state then, and the hours around it. */
function currentOf(time: number, more: object = {}, rest: object = {}): unknown {
  const hour = Math.floor(time / HOUR) * HOUR;
  return {
    latitude: 40.65,
    longitude: -73.78,
    current_units: { time: 'unixtime' },
    current: {
      time,
      interval: QUARTER,
      temperature_2m: 9.4,
      relative_humidity_2m: 70,
      pressure_msl: 1_016.2,
      wind_speed_10m: 12.2,
      wind_direction_10m: 310,
      cloud_cover: 40,
      visibility: 24_140,
      ...more,
    },
    hourly: hourlyOf([-1, 0, 1, 2].map((offset) => hour + offset * HOUR)),
    ...rest,
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
      wind_gusts_10m: numbers,
    },
  };
}

describe('Open-Meteo', () => {
  let server: WeatherServer;
  let answer: (url: URL) => Answer | Promise<Answer>;

  beforeEach(async () => {
    server = await startWeatherServer((url) => answer(url));
  });
  afterEach(() => server.close());

  const provider = () =>
    openMeteo.connect({
      addresses: { api: `${server.url}/live`, archive: `${server.url}/past` },
      exchange: createExchange({
        ...UNHURRIED,
        // What is busy takes its time to be less so.
        clock: systemClock,
        concurrency: openMeteo.requestsAtOnce,
      }),
    });
  const poll = (locations: readonly Location[] = [place('jfk')]) => provider().current(locations, MINUTE);
  const fill = (locations: readonly Location[] = [place('jfk')]) =>
    collected(provider().history(locations, '2026-11-22'));
  const latitudes = (url: URL) => (url.searchParams.get('latitude') ?? '').split(',').map(Number);
  /** Answers each place of a request, as an array unless it is alone. */
  const each = (url: URL, of: (latitude: number) => unknown): Answer => {
    const replies = latitudes(url).map(of);
    return { json: replies.length === 1 ? replies[0] : replies };
  };
  const refusal = (reason: string): Answer => ({ status: 400, json: { error: true, reason } });

  it('asks for ten variables at most: an eleventh would make a place more than one call', async () => {
    answer = () => ({ json: currentOf(DAY) });
    await poll();
    await fill();
    for (const { searchParams } of server.requests) {
      const names = ['current', 'hourly', 'minutely_15'].flatMap(
        (list) => searchParams.get(list)?.split(',') ?? [],
      );
      expect(names.length).toBeLessThanOrEqual(10);
    }
    expect(server.requests).toHaveLength(2);
  });

  describe('current conditions', () => {
    it('are converted, with rain and gust of the hour they lie in, and kept as they came', async () => {
      const reply = currentOf(DAY + HOUR + QUARTER);
      answer = () => ({ json: reply, headers: { date: 'Sun, 22 Nov 2026 01:16:02 GMT' } });
      const [outcome] = await poll();
      expect(readingsOf(outcome)).toEqual([
        {
          observedAt: '2026-11-22T01:15:00Z',
          measured: {
            temp_c: 9.4,
            dewpoint_c: 4.2,
            humidity_pct: 70,
            pressure_mb: 1_016.2,
            wind_kph: 12.2,
            wind_degree: 310,
            gust_kph: 20,
            precip_mm: 0.2,
            cloud_pct: 40,
            visibility_km: 24.14,
            uv: null,
            condition_code: null,
          },
          drifted: 0,
          forecast: { hour: '2026-11-22T02:00:00Z', probability: 0.03, precipMm: 0.3 },
          repliedAt: Date.parse('2026-11-22T01:16:02Z'),
          payload: reply,
        },
      ]);
    });

    it('at the full hour close the hour before: its rain and gust, its end’s state, the next hour’s forecast', async () => {
      answer = () => ({ json: currentOf(DAY + 5 * HOUR) });
      const [outcome] = await poll();
      const rows = readingsOf(outcome)?.map(({ observedAt, measured, forecast }) => ({
        observedAt,
        temp: measured.temp_c,
        rain: measured.precip_mm,
        gust: measured.gust_kph,
        forecast,
      }));
      expect(rows).toEqual([
        {
          observedAt: '2026-11-22T05:00:00Z',
          temp: 9.4,
          rain: 0.6,
          gust: 60,
          forecast: { hour: '2026-11-22T06:00:00Z', probability: 0.07, precipMm: 0.7 },
        },
        // Amounts and probabilities are stamped with the end of their hour: a shift by one would be 4 or 6 here.
        {
          observedAt: '2026-11-22T04:59:59Z',
          temp: 9.4,
          rain: 0.5,
          gust: 50,
          forecast: { hour: '2026-11-22T05:00:00Z', probability: 0.06, precipMm: 0.6 },
        },
      ]);
    });

    it('say nothing of an hour’s rain that depends on the hour after it', async () => {
      const rainAt = async (change: number) => {
        const hourly = hourlyOf([-1, 0, 1, 2].map((offset) => DAY + (5 + offset) * HOUR));
        const precipitation = hourly.precipitation.map(
          (amount, index) => amount + (index === 2 ? change : 0),
        );
        answer = () => ({ json: currentOf(DAY + 5 * HOUR, {}, { hourly: { ...hourly, precipitation } }) });
        const [outcome] = await poll();
        return readingsOf(outcome)?.find(({ observedAt }) => observedAt === '2026-11-22T04:59:59Z')?.measured;
      };
      expect(await rainAt(40)).toEqual(await rainAt(0));
    });

    it.each([
      ['lack', {}],
      ['are of another shape', { hourly: [1] }],
      ['are of other hours', { hourly: hourlyOf([DAY - 9 * HOUR]) }],
    ])('are stored without rain and forecast when the hours %s', async (_, rest) => {
      answer = () => ({ json: currentOf(DAY, {}, { hourly: undefined, ...rest }) });
      const [outcome] = await poll();
      expect(readingsOf(outcome)).toMatchObject([
        { measured: { temp_c: 9.4, precip_mm: null, gust_kph: null }, forecast: undefined },
      ]);
      expect(server.requests).toHaveLength(1);
    });

    it('have a dew point that follows from temperature and humidity', async () => {
      const dewPoint = async (more: object) => {
        answer = () => ({ json: currentOf(DAY + QUARTER, more) });
        return readingsOf((await poll())[0])?.[0]?.measured.dewpoint_c;
      };
      // Of the tables in WMO's guide to instruments, No. 8: saturated air, 20 °C at half of that, frost.
      expect(await dewPoint({ temperature_2m: 15, relative_humidity_2m: 100 })).toBeCloseTo(15, 2);
      expect(await dewPoint({ temperature_2m: 20, relative_humidity_2m: 50 })).toBeCloseTo(9.26, 1);
      expect(await dewPoint({ temperature_2m: -10, relative_humidity_2m: 80 })).toBeCloseTo(-12.8, 1);
      expect(await dewPoint({ temperature_2m: 20, relative_humidity_2m: 0 })).toBeNull();
      expect(await dewPoint({ temperature_2m: 20, relative_humidity_2m: null })).toBeNull();
    });

    it('of many places are asked for in few requests, one at a time', async () => {
      let open = 0;
      answer = async (url) => {
        open++;
        expect(open).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 5));
        open--;
        return each(url, (latitude) => currentOf(DAY + QUARTER, { cloud_cover: latitude }, { latitude }));
      };
      const places = Array.from({ length: 120 }, (_, index) => place(`p${index}`, { latitude: index / 2 }));
      const outcomes = await poll(places);
      expect(server.requests).toHaveLength(3);
      expect(outcomes).toHaveLength(120);
      for (const outcome of outcomes) {
        expect(readingsOf(outcome)?.[0]?.measured.cloud_pct).toBe(outcome.location.latitude);
      }
    });

    it('of one place that is refused cost the others nothing', async () => {
      answer = (url) =>
        latitudes(url).includes(7)
          ? refusal('Invalid coordinates')
          : each(url, (latitude) => currentOf(DAY, {}, { latitude }));
      const places = [1, 3, 5, 7, 9].map((latitude) => place(`p${latitude}`, { latitude }));
      const outcomes = await poll(places);
      const failed = outcomes.filter((outcome) => failureOf(outcome));
      expect(failed.map(({ location }) => location.id)).toEqual(['p7']);
      expect(failureOf(failed[0])).toContain('Open-Meteo answered 400 (Invalid coordinates)');
      expect(outcomes).toHaveLength(5);
    });

    it('of one place that can’t be read cost the others nothing, and are not asked for again', async () => {
      answer = () => ({ json: [currentOf(DAY), { current: {} }] });
      const outcomes = await poll([place('a'), place('b')]);
      expect(readingsOf(outcomes[0])).toHaveLength(2);
      expect(failureOf(outcomes[1])).toMatch(/^malformed: current conditions of b: current\.time/);
      expect(server.requests).toHaveLength(1);
    });

    it.each([
      ['whose times are texts', { time: [String(DAY), `${DAY + HOUR}`] }],
      ['that lacks a column', { precipitation_probability: null }],
      ['one of whose columns is another thing', { wind_gusts_10m: { most: 3 } }],
    ])('keep the rain of a reply %s', async (_, odd) => {
      const hourly = { ...hourlyOf([DAY, DAY + HOUR]), ...odd };
      answer = () => ({ json: currentOf(DAY + QUARTER, {}, { hourly }) });
      expect(readingsOf((await poll())[0])?.[0]?.measured).toMatchObject({ temp_c: 9.4, precip_mm: 0.1 });
    });

    it('are refused when there are fewer answers than places: none could be told from another', async () => {
      answer = () => ({ json: [currentOf(DAY)] });
      const outcomes = await poll([place('a'), place('b')]);
      expect(outcomes.map(failureOf)).toEqual(
        Array.from(
          { length: 2 },
          () => 'malformed: current conditions of a and 1 more: 1 answers for 2 places',
        ),
      );
      expect(server.requests).toHaveLength(1);
    });

    it('of another point of the globe are refused: the answers may be in another order', async () => {
      answer = () => ({
        json: [currentOf(DAY, {}, { latitude: 10 }), currentOf(DAY, {}, { latitude: 40.6 })],
      });
      const outcomes = await poll([place('a'), place('b', { latitude: 10 })]);
      expect(outcomes.map(failureOf)).toEqual(
        Array.from({ length: 2 }, () => expect.stringMatching(/^wrong-place: .* km from/)),
      );
    });

    it.each([
      ['in milliseconds', DAY * 1_000],
      ['beyond the clock', DAY + 200 * 86_400],
    ])('with a time %s are refused', async (_, time) => {
      answer = () => ({ json: currentOf(time) });
      expect(failureOf((await poll())[0])).toMatch(/^malformed: .* lies beyond the clock/);
    });

    it('are not asked for without coordinates', async () => {
      const somewhere = place('sp', { query: 'Sao Paulo', latitude: undefined, longitude: undefined });
      const [outcome] = await poll([somewhere]);
      expect(failureOf(outcome)).toBe('unknown-place: sp: Open-Meteo needs latitude and longitude');
      expect(server.requests).toHaveLength(0);
    });

    it.each([
      [429, 'Daily API request limit exceeded. Please try again tomorrow.'],
      [429, 'Hourly API request limit exceeded. Please try again in the next hour.'],
      [200, 'Daily API request limit exceeded. Please try again tomorrow.'],
    ])('stop when the limit says so, under %d: %s', async (status, reason) => {
      answer = () => ({ status, json: { error: true, reason } });
      const [outcome] = await poll();
      expect(failureOf(outcome)).toMatch(/^quota/);
      expect(server.requests).toHaveLength(1);
    });

    it.each([429, 400, 200])('are tried again when the queue is full, under %d', async (status) => {
      const busy = { error: true, reason: 'Too many concurrent requests' };
      answer = () => (server.requests.length === 1 ? { status, json: busy } : { json: currentOf(DAY) });
      expect(readingsOf((await poll())[0])).toHaveLength(2);
    });

    it('wait for a minute’s limit to pass', async () => {
      const pauses: number[] = [];
      const clock = {
        now: () => 0,
        random: () => 0,
        sleep: async (milliseconds: number) => {
          pauses.push(milliseconds);
        },
      };
      const busy = {
        error: true,
        reason: 'Minutely API request limit exceeded. Please try again in one minute.',
      };
      answer = () => (server.requests.length <= 4 ? { status: 429, json: busy } : { json: currentOf(DAY) });
      const exchange = createExchange({ deadline: 100_000, clock });
      const connected = openMeteo.connect({ addresses: { api: server.url }, exchange });
      expect(readingsOf((await connected.current([place('jfk')], MINUTE))[0])).toHaveLength(2);
      expect(pauses.reduce((sum, pause) => sum + pause)).toBeGreaterThanOrEqual(60_000);
    });

    it.each([
      [{ error: 'Not this way.' }, ' (Not this way.)'],
      [{ error: true, reason: ['?'] }, ''],
      [{ error: true, reason: 'x'.repeat(10_000) }, ` (${'x'.repeat(300)})`],
    ])('keep the words of an error, whatever its form', async (json, said) => {
      answer = () => ({ json });
      const [outcome] = await poll();
      expect(failureOf(outcome)).toBe(`refused: current conditions of jfk: Open-Meteo answered 200${said}`);
    });

    it('are out of reach when something on the way answers', async () => {
      answer = () => ({ status: 403, text: '<html>Forbidden</html>' });
      const outcome = await provider().current([place('jfk')], MINUTE);
      expect(failureOf(outcome[0])).toMatch(/^unreachable/);
    });
  });

  describe('history', () => {
    it('gives each hour what is stamped with its end, dated into the hour', async () => {
      answer = () => ({ json: historyOf(48) });
      const [outcome] = await fill();
      const hours = Array.from({ length: 24 }, (_, hour) => hour);
      expect(
        readingsOf(outcome)?.map(({ measured }) => [measured.temp_c, measured.precip_mm, measured.gust_kph]),
      ).toEqual(hours.map((hour) => [hour + 1, hour + 1, hour + 1]));
      expect(readingsOf(outcome)?.map(({ observedAt }) => observedAt)).toEqual(
        hours.map((hour) => `2026-11-22T${String(hour).padStart(2, '0')}:59:59Z`),
      );
      expect(readingsOf(outcome)?.at(-1)).toMatchObject({
        payload: { time: DAY + 24 * HOUR, temperature_2m: 24, precipitation: 24 },
      });
      expect(server.requests.map((url) => url.pathname)).toEqual(['/past/forecast']);
      expect(server.requests[0]?.searchParams.get('end_date')).toBe('2026-11-23');
    });

    it('of an hour does not change with the hour after it', async () => {
      const sixth = async (change: number) => {
        const numbers = Array.from({ length: 48 }, (_, index) => index + (index === 7 ? change : 0));
        const time = numbers.map((_, index) => DAY + index * HOUR);
        answer = () => ({ json: { hourly: { time, temperature_2m: numbers, precipitation: numbers } } });
        return readingsOf((await fill())[0])?.[5]?.measured;
      };
      expect(await sixth(40)).toEqual(await sixth(0));
    });

    it('leaves out the hours that are not there yet', async () => {
      answer = () => ({ json: historyOf(48, { nullFrom: 12 }) });
      expect(readingsOf((await fill())[0])).toHaveLength(11);
    });

    it.each<[string, Answer]>([
      ['it knows nothing of it', { json: historyOf(48, { nullFrom: 0 }) }],
      [
        'it lies beyond its range',
        refusal("Parameter 'start_date' is out of allowed range from 2022-01-01 to 2026-12-09"),
      ],
    ])('is not available when %s', async (_, given) => {
      answer = () => given;
      expect(failureOf((await fill())[0])).toMatch(
        /^day-not-available: history of jfk on 2026-11-22: Open-Meteo/,
      );
    });

    it('with times in milliseconds is refused, and is no day without readings', async () => {
      const time = Array.from({ length: 48 }, (_, index) => (DAY + index * HOUR) * 1_000);
      answer = () => ({ json: { hourly: { time, precipitation: time.map(() => 0) } } });
      expect(failureOf((await fill())[0])).toMatch(/^malformed: .* is not of that day/);
    });

    it.each([300, 1_000])(
      'of fifty places is filled, day after day, by a provider that takes %d ms an answer and holds five more',
      async (milliseconds) => {
        const queue = { waiting: 0, last: Promise.resolve() };
        answer = async (url) => {
          if (queue.waiting > 5) {
            return { status: 429, json: await fieldCase('om-too-many-concurrent.json') };
          }
          queue.waiting++;
          const turn = queue.last.then(
            () => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
          );
          queue.last = turn;
          await turn;
          queue.waiting--;
          return each(url, (latitude) => ({ ...Object(historyOf(48)), latitude }));
        };
        const places = Array.from({ length: 50 }, (_, index) => place(`p${index}`, { latitude: index }));
        // Each run of the function has an exchange of its own, and several may run at once.
        const days = await Promise.all(Array.from({ length: 8 }, () => fill(places)));
        expect(days.map((outcomes) => outcomes.filter((outcome) => readingsOf(outcome)).length)).toEqual(
          Array.from({ length: 8 }, () => 50),
        );
      },
    );
  });
});
