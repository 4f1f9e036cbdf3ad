import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRecording } from '../../../../lib/recorded-weather/observation-file/read';
import type { Manners } from '../../../../lib/recorded-weather/weather-api/manners';
import { startWeatherApi, type WeatherApi } from '../../../../lib/recorded-weather/weather-api/server';
import { LOCAL_WEATHER_KEY } from '../../../../lib/recorded-weather/weather-api/weatherapi';

/**
 * Two days from 2020-01-01 on. `station` reports each hour but 3 and 4: temperature, wind from north by turns, 0.2 mm
 * of rain, 0.4 at even hours; `metar` reports at :10 and :51.
 */
const HEADER =
  'location_id,observed_at,temp_c,wind_degree,precip_mm,gust_kph,forecast_probability_pct,forecast_precip_mm';

function rows(): string[] {
  return Array.from({ length: 48 }, (_, hour) => {
    const at = new Date(Date.UTC(2020, 0, 1, hour)).toISOString();
    const forecast = hour >= 24 ? `${hour},${hour / 10}` : ',';
    return [
      ...(hour === 3 || hour === 4
        ? []
        : [
            `station,${at},${hour},${hour % 2 === 0 ? 350 : 10},${hour % 2 === 0 ? 0.4 : 0.2},${hour + 20},${forecast}`,
          ]),
      `metar,${at.replace(':00:00', ':10:00')},${hour}.1,,,,,`,
      `metar,${at.replace(':00:00', ':51:00')},${hour}.5,,,,,`,
    ];
  }).flat();
}

const LOCATIONS = [
  { id: 'station', latitude: 40.69, longitude: -74.17, timezone: 'America/New_York', country: 'USA' },
  { id: 'metar', latitude: -23.55, longitude: -46.63, timezone: 'America/Sao_Paulo' },
];

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface TwoDays {
  readonly api: WeatherApi;
  at(instant: string): void;
  weatherApi(path: string, query?: Record<string, string>): Promise<Reply>;
  /** Asks for `station` unless the query names other coordinates. */
  openMeteo(url: string, query: Record<string, string>): Promise<Reply>;
  close(): Promise<void>;
}

export async function startTwoDays(manners?: Manners): Promise<TwoDays> {
  const directory = mkdtempSync(join(tmpdir(), 'garoa-weather-'));
  writeFileSync(join(directory, 'w.csv'), [HEADER, ...rows()].join('\n'));
  writeFileSync(join(directory, 'w.json'), JSON.stringify({ locations: LOCATIONS }));
  let now = new Date('2020-01-01T00:00:00Z');
  const recording = await readRecording(join(directory, 'w.csv'));
  const api = await startWeatherApi({ recording, now: () => now, manners });
  const get = async (url: string, query: Record<string, string>): Promise<Reply> => {
    const response = await fetch(`${url}?${new URLSearchParams(query)}`);
    return { status: response.status, body: await response.json() };
  };
  return {
    api,
    at: (instant) => {
      now = new Date(instant);
    },
    weatherApi: (path, query = {}) =>
      get(`${api.url}/${path}`, { key: LOCAL_WEATHER_KEY, q: 'station', ...query }),
    openMeteo: (url, query) =>
      get(url, { latitude: '40.69', longitude: '-74.17', timeformat: 'unixtime', ...query }),
    close: async () => {
      await api.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export function seconds(instant: string): number {
  return Date.parse(instant) / 1000;
}
