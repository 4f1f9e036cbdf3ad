import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createExchange } from '../../../lambdas/weather/exchange';
import type { Location } from '../../../lambdas/weather/location';
import { openMeteo } from '../../../lambdas/weather/open-meteo';
import type { ProviderDefinition } from '../../../lambdas/weather/provider';
import { weatherapi } from '../../../lambdas/weather/weatherapi';
import { fieldCase } from './field-case';
import { collected, failureOf, readingsOf } from './outcomes';
import { place } from './places';
import { UNHURRIED } from './unhurried';
import { type Answer, startWeatherServer, type WeatherServer } from './weather-server';

const BERLIN = place('berlin', { latitude: 52.52, longitude: 13.4, timezone: 'Europe/Berlin' });
const LONDON = place('london', { latitude: 51.5, longitude: -0.12, timezone: 'Europe/London' });
const WROCLAW = place('wroclaw', { latitude: 51.1, longitude: 17.03, timezone: 'Europe/Warsaw' });
const MANILA = place('manila', { latitude: 14.6, longitude: 120.98, timezone: 'Asia/Manila' });

/** What providers really sent, and what became of it: see `cases/`. */
describe('a reply from the field', () => {
  let server: WeatherServer;
  let answer: (url: URL) => Answer;

  beforeEach(async () => {
    server = await startWeatherServer((url) => answer(url));
  });
  afterEach(() => server.close());

  const connect = (definition: ProviderDefinition) => {
    const key = async () => 'k3y-of-test';
    const apiKey = { howToSet: 'set-the-key', current: key, renewed: key };
    const exchange = createExchange({ ...UNHURRIED, apiKey });
    return definition.connect({ addresses: { api: server.url }, exchange });
  };
  const poll = async (definition: ProviderDefinition, location: Location, name: string) => {
    const json = await fieldCase(name);
    answer = () => ({ json });
    const [outcome] = await connect(definition).current([location], '2026-11-23T10:15:00Z');
    return outcome;
  };

  it('without its condition is taken, without its code', async () => {
    const outcome = await poll(weatherapi, BERLIN, 'wa-condition-null.json');
    expect(readingsOf(outcome)).toMatchObject([
      {
        observedAt: '2025-09-10T02:45:00Z',
        drifted: 0,
        measured: { condition_code: null, temp_c: 15.2, uv: 0 },
      },
    ]);
  });

  it('whose numbers are texts is read as numbers', async () => {
    const outcome = await poll(weatherapi, BERLIN, 'wa-numbers-as-texts.json');
    expect(readingsOf(outcome)).toMatchObject([
      {
        drifted: 0,
        measured: { temp_c: 15.2, dewpoint_c: 13, humidity_pct: 94, precip_mm: 0.09, condition_code: 1063 },
      },
    ]);
    expect(server.requests).toHaveLength(1);
  });

  it('of chosen fields that say nothing here is a failure that says which ones are wanted', async () => {
    const outcome = await poll(weatherapi, BERLIN, 'wa-chosen-fields-only.json');
    expect(failureOf(outcome)).toBe(
      'nothing-measured: current conditions of berlin: neither temp_c nor precip_mm is there; ' +
        'the account answers chosen fields only: add temp_c and precip_mm to them',
    );
    expect(server.requests).toHaveLength(1);
  });

  it('in which nothing was measured is a failure, and no observation', async () => {
    const outcome = await poll(openMeteo, WROCLAW, 'om-current-all-null.json');
    expect(failureOf(outcome)).toMatch(/^nothing-measured: current conditions of wroclaw/);
  });

  it('whose words name rain and whose amount is nothing has the amount, and counts as a contradiction', async () => {
    const outcome = await poll(weatherapi, LONDON, 'wa-rain-code-amount-zero.json');
    expect(readingsOf(outcome)).toMatchObject([
      { contradicts: true, measured: { precip_mm: 0, condition_code: 1189 } },
    ]);
  });

  it('that is a page under 403 means that the provider is out of reach, and says nothing about the key', async () => {
    answer = () => ({
      status: 403,
      text: '<html><head><title>403 Forbidden</title></head><body>cloudflare</body></html>',
    });
    const [outcome] = await connect(weatherapi).current([BERLIN], '2026-11-23T10:15:00Z');
    expect(failureOf(outcome)).toBe('unreachable: current conditions of berlin: WeatherAPI.com answered 403');
  });

  it('about one of a day’s two local dates gives its hours, and no more', async () => {
    const [first, second] = [
      await fieldCase('wa-history-one-local-date.json'),
      await fieldCase('wa-1008-history.json'),
    ];
    answer = (url) =>
      url.searchParams.get('dt') === '2023-11-05' ? { json: first } : { status: 400, json: second };
    const [outcome] = await collected(connect(weatherapi).history([MANILA], '2023-11-05'));
    const hours = readingsOf(outcome)?.map(({ observedAt }) => observedAt);
    expect(hours).toHaveLength(16);
    expect(hours?.[0]).toBe('2023-11-05T00:00:00Z');
    expect(hours?.at(-1)).toBe('2023-11-05T15:00:00Z');
  });

  it.each([400, 403, 200])(
    'about a plan without history says so in those words, under %d',
    async (status) => {
      const json = await fieldCase('wa-1008-history.json');
      answer = () => ({ status, json });
      const [outcome] = await collected(connect(weatherapi).history([MANILA], '2023-11-06'));
      expect(failureOf(outcome)).toMatch(/^not-in-plan: .* the plan holds no history of it; .*error 1008/);
      expect(server.requests).toHaveLength(2);
    },
  );

  it('has the same rain at every minute of the hour: it is the hour’s value, and does not grow', async () => {
    const table = await readFile(join(__dirname, 'cases/wa-precip-by-minute-of-hour.csv'), 'utf8');
    const rows = table
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split(',').map(Number));
    const replies = rows.reduce((sum, [, count = 0]) => sum + count, 0);
    const mean = rows.reduce((sum, [, count = 0, amount = 0]) => sum + count * amount, 0) / replies;
    expect(replies).toBe(25_019);
    for (const [, , amount = Number.NaN] of rows) expect(Math.abs(amount / mean - 1)).toBeLessThan(0.05);
  });
});
