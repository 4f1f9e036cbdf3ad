import { join } from 'node:path';
import { hourStart, utcSecond } from '../../../lambdas/runtime/time';
import { createExchange } from '../../../lambdas/weather/exchange';
import type { Location } from '../../../lambdas/weather/location';
import type { Outcome, Reading } from '../../../lambdas/weather/provider';
import { PROVIDERS, type ProviderName } from '../../../lambdas/weather/providers';
import { projectRoot } from '../../../lib/project-root';
import { readRecording } from '../../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../../lib/recorded-weather/recording';
import { NO_ERRORS } from '../../../lib/recorded-weather/weather-api/manners';
import { startWeatherApi, type WeatherApi } from '../../../lib/recorded-weather/weather-api/server';
import { LOCAL_WEATHER_KEY } from '../../../lib/recorded-weather/weather-api/weatherapi';
import { collected } from './outcomes';
import { UNHURRIED } from './unhurried';

/** A rainy day in New York with hours of which the stations have no record. */
const DAY = '2013-08-13';
const START = Date.parse(`${DAY}T00:00:00Z`) / 1_000;
const HOUR = 3_600;
const QUARTER = 900;

describe.each<ProviderName>(['weatherapi', 'open-meteo'])('a recorded day through %s', (name) => {
  let recording: Recording;
  let api: WeatherApi;
  let now = START;

  beforeAll(async () => {
    recording = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
    api = await startWeatherApi({ recording, manners: NO_ERRORS, now: () => new Date(now * 1_000) });
  });
  afterAll(() => api.close());

  const provider = () => {
    const addresses =
      name === 'weatherapi'
        ? { api: api.url }
        : { api: api.openMeteoUrl, archive: api.historicalForecastUrl };
    const key = async () => LOCAL_WEATHER_KEY;
    const apiKey = { howToSet: '', current: key, renewed: key };
    return PROVIDERS[name].connect({ addresses, exchange: createExchange({ ...UNHURRIED, apiKey }) });
  };
  const historyOf = async (location: Location, day: string): Promise<Outcome> => {
    const [outcome] = await collected(provider().history([location], day));
    if (!outcome) throw new Error('Each location has an outcome.');
    return outcome;
  };
  const recordedHours = ({ id }: Location) =>
    recording.series.get(id)?.between(START, START + 24 * HOUR) ?? [];
  const readingsOf = (outcome: Outcome): readonly Reading[] => {
    if ('failure' in outcome) throw outcome.failure;
    return outcome.readings;
  };

  it('gives every hour its rain when it is polled every quarter of an hour, and makes up no hour', async () => {
    const seen = new Map<string, Map<string, (number | null)[]>>();
    const before = new Set(api.served().keys());
    for (now = START + QUARTER; now <= START + 24 * HOUR; now += QUARTER) {
      for (const outcome of await provider().current(recording.locations, utcSecond(now * 1_000))) {
        for (const { observedAt, measured } of readingsOf(outcome)) {
          expect([...api.served().keys()]).toContain(`${outcome.location.id} ${observedAt}`);
          const hours = seen.get(outcome.location.id) ?? new Map<string, (number | null)[]>();
          const hour = `${observedAt.slice(0, 13)}:00:00Z`;
          hours.set(hour, [...(hours.get(hour) ?? []), measured.precip_mm]);
          seen.set(outcome.location.id, hours);
        }
      }
    }
    expect(api.served().size).toBeGreaterThan(before.size);
    for (const location of recording.locations) {
      const hours = seen.get(location.id) ?? new Map<string, (number | null)[]>();
      for (const { time, values } of recordedHours(location)) {
        const amounts = hours.get(utcSecond(time * 1_000)) ?? [];
        const largest = amounts.reduce<number | null>(
          (most, amount) => (amount === null ? most : Math.max(most ?? 0, amount)),
          null,
        );
        expect([location.id, time, largest]).toEqual([location.id, time, values.precip_mm]);
      }
      const recorded = new Set(recordedHours(location).map(({ time }) => utcSecond(time * 1_000)));
      const known = [...hours].filter(([, amounts]) => amounts.some((amount) => amount !== null));
      const invented = known.filter(([hour]) => hour.startsWith(DAY) && !recorded.has(hour));
      expect(invented).toEqual([]);
    }
  });

  it('comes back from its history as it was recorded', async () => {
    now = START + 96 * HOUR;
    for (const location of recording.locations) {
      const readings = readingsOf(await historyOf(location, DAY));
      expect(
        readings.map(({ observedAt, measured }) => [
          hourStart(observedAt),
          measured.temp_c,
          measured.precip_mm,
        ]),
      ).toEqual(
        recordedHours(location).map(({ time, values }) => [
          utcSecond(time * 1_000),
          values.temp_c,
          values.precip_mm,
        ]),
      );
    }
  });

  it('has no history of a day before the recording', async () => {
    const [location] = recording.locations;
    if (!location) throw new Error('The recording has locations.');
    const outcome = await historyOf(location, '2011-01-01');
    expect('failure' in outcome && outcome.failure.reason).toBe('day-not-available');
  });
});
