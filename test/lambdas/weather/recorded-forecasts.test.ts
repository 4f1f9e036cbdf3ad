import { addHours } from '../../../lambdas/runtime/time';
import { createExchange } from '../../../lambdas/weather/exchange';
import { PROVIDERS, type ProviderName } from '../../../lambdas/weather/providers';
import { LOCAL_WEATHER_KEY } from '../../../lib/recorded-weather/weather-api/weatherapi';
import { startTwoDays, type TwoDays } from '../../lib/recorded-weather/weather-api/two-days';
import { readingsOf } from './outcomes';
import { place } from './places';
import { UNHURRIED } from './unhurried';

/** Of the second recorded day each hour has a forecast of the next: its own number, in per cent and in tenths of mm. */
const SECOND_DAY = '2020-01-02T00:00:00Z';
const HOURS = Array.from({ length: 23 }, (_, hour) => hour);

describe.each<[ProviderName, (hour: string) => string]>([
  ['weatherapi', (hour) => `${hour.slice(0, 13)}:56:00Z`],
  ['open-meteo', (hour) => `${addHours(hour, 1).slice(0, 13)}:01:00Z`],
])('the forecasts that were recorded, through %s', (name, closingPollOf) => {
  let days: TwoDays;

  beforeAll(async () => {
    days = await startTwoDays();
  });
  afterAll(() => days.close());

  it('come with the poll that closes the hour, each for the hour after it, over the local midnight too', async () => {
    const station = place('station', {
      latitude: 40.69,
      longitude: -74.17,
      ...(name === 'weatherapi' && { query: 'station' }),
    });
    const key = async () => LOCAL_WEATHER_KEY;
    const apiKey = { howToSet: '', current: key, renewed: key };
    const { api } = days;
    const given = [];
    for (const index of HOURS) {
      const hour = addHours(SECOND_DAY, index);
      const minute = closingPollOf(hour);
      days.at(minute);
      const provider = PROVIDERS[name].connect({
        addresses: { api: name === 'weatherapi' ? api.url : api.openMeteoUrl },
        exchange: createExchange({ ...UNHURRIED, apiKey }),
      });
      const [outcome] = await provider.current([station], minute);
      const closing = readingsOf(outcome)?.find(
        ({ observedAt }) => observedAt.slice(0, 13) === hour.slice(0, 13),
      );
      given.push(closing?.forecast);
    }
    expect(given).toEqual(
      HOURS.map((index) => ({
        hour: addHours(SECOND_DAY, index + 1),
        probability: (24 + index) / 100,
        precipMm: (24 + index) / 10,
      })),
    );
    expect(api.requests()).toBe(HOURS.length);
  });
});
