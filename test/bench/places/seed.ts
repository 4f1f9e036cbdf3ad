import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  encodeVerification,
  scoreForecasts,
  truthKey,
  windowRows,
} from '../../../lambdas/hourly/verification';
import { packLines, type RawLine, scheduledKey } from '../../../lambdas/ingest/raw-objects';
import { locationsOfShard } from '../../../lambdas/ingest/shards';
import type { Forecast } from '../../../lambdas/lake/forecasts';
import { FORECASTS, HOURLY_OBSERVATIONS, keys } from '../../../lambdas/lake/layout';
import { encodeParquet } from '../../../lambdas/lake/parquet';
import type { Champions } from '../../../lambdas/model/metrics-file';
import { compactTime, type LedgerEntry } from '../../../lambdas/model/registry';
import { addDays, addHours, datesBetween, HOUR_MS, utcSecond } from '../../../lambdas/runtime/time';
import { NO_FORECAST } from '../../../lambdas/weather/observation';
import { PROVIDERS } from '../../../lambdas/weather/providers';
import { pollShards } from '../../../lib/pipeline/ingest/polling';
import type { Series } from '../../../lib/recorded-weather/recording';
import { REAL_MANNERS } from '../../../lib/recorded-weather/weather-api/manners';
import { RecordedWeather } from '../../../lib/recorded-weather/weather-api/recorded-weather';
import { LOCAL_WEATHER_KEY, weatherApiAnswer } from '../../../lib/recorded-weather/weather-api/weatherapi';
import type { LocalGaroa } from '../../../lib/scenario/local-garoa';
import { hourlyRow } from '../stations';
import type { TrainedModel } from './model';
import type { PlacesRecording } from './recording';

/** Days of forecasts and their verification: as far as any window reaches back. */
const FORECAST_DAYS = 31;
/** Newest days that polls alone tell of: their history is not settled yet. Their raw objects are there. */
const POLLED_DAYS = 3;

export interface Seed {
  readonly recording: PlacesRecording;
  /** Days before `date`, the day that is lived, or whose first hours are. */
  readonly days: number;
  readonly date: string;
  /** First hour that is lived; what lies before it is seeded. */
  readonly from: string;
}

/** Puts a lake as the deployed system would have left it into the buckets, without the wire. */
export async function seedLake(cloud: LocalGaroa, seed: Seed): Promise<void> {
  await seedHours(cloud, seed);
  await seedPolls(cloud, seed);
  seedForecasts(cloud, seed);
}

function put(cloud: LocalGaroa, bucket: string, key: string, content: string | Uint8Array): void {
  const name = cloud.name('buckets', `-${bucket}`);
  cloud.services.objects.put(name, key, typeof content === 'string' ? content : Buffer.from(content));
}

/** `hourly_observations`, by the engine that stands for Athena: it writes a year of thousands of places in a minute. */
export async function seedHours(cloud: LocalGaroa, { recording, days, date, from }: Seed): Promise<void> {
  const store = cloud.services.objects;
  const stations = store.stagingPath();
  const rows = recording.stations.flatMap((series, station) =>
    series
      .between(Date.parse(addDays(date, -days)) / 1_000, Date.parse(from) / 1_000)
      .map(({ time, values }) => ({
        ...hourlyRow(String(station), Math.floor(time / 3_600) * HOUR_MS, values),
        source: 'weatherapi',
        ...(utcSecond(time * 1_000) < addDays(date, -POLLED_DAYS)
          ? { settled_at: utcSecond(Date.parse(addDays(utcSecond(time * 1_000).slice(0, 10), 3))) }
          : { kind: 'polled', covered_minutes: 15 }),
      })),
  );
  writeFileSync(stations, encodeParquet(HOURLY_OBSERVATIONS.columns, rows));
  const engine = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await engine.connect();
  await connection.run(`CREATE TABLE stations AS SELECT * FROM read_parquet('${stations}')`);
  await connection.run(
    `CREATE TABLE places AS SELECT unnest([${recording.locations.map(({ id }) => `'${id}'`)}]) AS id, ` +
      `unnest([${recording.locations.map((_, i) => i % recording.stations.length)}]) AS station`,
  );
  const names = HOURLY_OBSERVATIONS.columns.map(({ name }) =>
    name === 'location_id' ? 'id AS location_id' : name,
  );
  for (const day of datesBetween(addDays(date, -days), from.slice(0, 10))) {
    const path = store.pathOf(cloud.name('buckets', '-processed'), keys.hourlyDay(day));
    mkdirSync(dirname(path), { recursive: true });
    await connection.run(
      `COPY (SELECT ${names.join(', ')} FROM places JOIN stations ON location_id = CAST(station AS text) ` +
        `WHERE CAST(hour AS date) = DATE '${day}' ORDER BY id, hour) TO '${path}' (FORMAT parquet)`,
    );
  }
  connection.closeSync();
  engine.closeSync();
}

/** The raw objects of the newest days: what an hourly run and settling read again, and compaction joins. */
async function seedPolls(cloud: LocalGaroa, { recording, date, from }: Seed): Promise<void> {
  const { locations, stations } = recording;
  let now = new Date(0);
  const weather = new RecordedWeather(recording, () => now, REAL_MANNERS);
  const indexOf = new Map(locations.map(({ id }, index) => [id, index]));
  const minute = PROVIDERS.weatherapi.closingPoll.minute;
  for (let hour = `${addDays(date, -POLLED_DAYS)}T00:00:00Z`; hour < from; hour = addHours(hour, 1)) {
    const at = utcSecond(Date.parse(hour) + minute * 60_000);
    now = new Date(at);
    const said = stations.map((_, station) => {
      const id = locations[station]?.id ?? '';
      const query = new URLSearchParams({ key: LOCAL_WEATHER_KEY, q: id, days: '2', hour: at.slice(11, 13) });
      const place = weather.byQuery(id);
      const present = place && weather.current(place);
      return { present, payload: weatherApiAnswer(weather, '/forecast.json', query).body };
    });
    for (const shard of pollShards(locations)) {
      const lines = locationsOfShard(locations, shard).flatMap(({ id }): RawLine[] => {
        const heard = said[(indexOf.get(id) ?? 0) % stations.length];
        if (heard?.present === undefined) return [];
        const { time, values } = heard.present;
        return [
          {
            location_id: id,
            observed_at: utcSecond(time * 1_000),
            ingested_at: at,
            source: 'weatherapi',
            kind: 'current',
            ...values,
            ...NO_FORECAST,
            payload: heard.payload,
          },
        ];
      });
      put(cloud, 'raw', scheduledKey(at, 'weatherapi', shard), await packLines(lines));
    }
  }
}

/** A month of forecasts by a simple rule, and how they fared. */
function seedForecasts(cloud: LocalGaroa, { recording, date, from }: Seed): void {
  const { locations, stations } = recording;
  const truth = new Map<string, boolean>();
  const scores = new Map<string, ReturnType<typeof scoreForecasts>>();
  for (const day of datesBetween(addDays(date, -FORECAST_DAYS), from.slice(0, 10))) {
    const ofDay: Forecast[] = [];
    for (let hour = `${day}T00:00:00Z`; hour.startsWith(day) && hour <= from; hour = addHours(hour, 1)) {
      const made = stations.map((series, station) => {
        const rained = rainedIn(series, hour);
        if (rained !== undefined && hour < from) truth.set(truthKey(String(station), hour), rained);
        return forecastOf(String(station), hour, rainedIn(series, addHours(hour, -1)) ?? false);
      });
      ofDay.push(...made);
      const rows = locations.flatMap(({ id }, i) => {
        const forecast = made[i % stations.length];
        return forecast === undefined ? [] : [{ ...forecast, location_id: id }];
      });
      put(
        cloud,
        'processed',
        keys.forecastHour(day, hour.slice(11, 13)),
        encodeParquet(FORECASTS.columns, rows),
      );
    }
    scores.set(day, scoreForecasts(ofDay, truth));
    const windows = windowRows(day, scores);
    const rows = locations.flatMap(({ id }, i) =>
      windows
        .filter(({ locationId }) => locationId === String(i % stations.length))
        .map((row) => ({ ...row, locationId: id })),
    );
    put(cloud, 'processed', keys.verificationDay(day), encodeVerification(rows));
  }
}

function rainedIn(series: Series, hour: string): boolean | undefined {
  const [reading] = series.between(Date.parse(hour) / 1_000, Date.parse(hour) / 1_000 + 3_600);
  const rain = reading?.values.precip_mm ?? null;
  return rain === null ? undefined : rain >= 0.1;
}

function forecastOf(id: string, hour: string, wetBefore: boolean): Forecast {
  const probability = wetBefore ? 0.6 : 0.04;
  return {
    location_id: id,
    issued_at: utcSecond(Date.parse(hour) + 5 * 60_000),
    base_hour: addHours(hour, -1),
    target_hour: hour,
    probability,
    will_rain: wetBefore,
    threshold: 0.4,
    model_version: 'seeded',
    persistence_probability: wetBefore ? 0.5 : 0.05,
    plain_probability: probability,
    joined_probability: null,
    voice: 'plain',
    provider_probability: null,
    provider_precip_mm: null,
    provider_recalibrated: null,
  };
}

/** One trained model as every place's champion, with what retraining leaves beside it. */
export function seedChampions(cloud: LocalGaroa, { recording, date }: Seed, trained: TrainedModel): void {
  const since = `${addDays(date, -FORECAST_DAYS)}T04:00:00Z`;
  const entries: Champions['locations'] = recording.locations.map(({ id, name }) => {
    const { version } = trained;
    const of = (text: string) => text.replace(/"location": ?"[^"]*"/, `"location":"${id}"`);
    put(cloud, 'models', keys.model(id, version), of(trained.model));
    put(cloud, 'models', keys.metrics(id, version), of(trained.metrics));
    put(cloud, 'models', keys.testForecasts(id, version), trained.testForecasts);
    const entry: LedgerEntry = {
      schemaVersion: 1,
      location: id,
      version,
      since,
      sequence: 1,
      outcome: 'promoted',
      reason: 'It forecasts best of all that were tried.',
      run: 'seeded',
      order: null,
      previousVersion: null,
    };
    put(cloud, 'models', keys.champion(id), JSON.stringify(entry));
    put(cloud, 'models', keys.ledgerEntry(id, compactTime(since), version), JSON.stringify(entry));
    return { ...trained.champion, location: id, name, champion: { version, since } };
  });
  const champions: Champions = { schemaVersion: 1, generatedAt: since, locations: entries };
  put(cloud, 'models', keys.champions, JSON.stringify(champions));
}
