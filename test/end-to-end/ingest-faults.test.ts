import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { keys } from '../../lambdas/lake/layout';
import { decodeRows } from '../../lambdas/lake/rows';
import { getObject } from '../../lambdas/lake/s3';
import { addDays, datesBetween, utcSecond } from '../../lambdas/runtime/time';
import { parseConfig } from '../../lib/config';
import { seededRandom } from '../../lib/local/random';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../lib/recorded-weather/recording';
import type { WeatherFault, WeatherFaultPlan } from '../../lib/recorded-weather/weather-api/faults';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { type Line, rawLines } from '../lambdas/ingest/raw-lines';
import { synthesise } from './synthesise';

/** A week of the recording with hours that are missing and values that can't be. */
const FROM = '2013-02-12';
const DAYS = 7;
const TO = addDays(FROM, DAYS - 1);
/** The cadence at which the provider renews its readings. */
const EVERY_MINUTES = 15;
const FAULT_RATE = 0.05;

const KINDS: readonly WeatherFault[] = [
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'truncated' },
  { kind: 'html' },
  { kind: 'wrongTypes' },
  { kind: 'disconnect' },
  { kind: 'latency', milliseconds: 30 },
];

/** JFK answers nothing of use for two hours and every retry is in vain: a gap that polling can't close. */
const OUTAGE = { location: 'jfk', from: '2013-02-14T10:00:00Z', to: '2013-02-14T12:00:00Z' };
/** A request that is never answered costs its whole time-out as many times over. */
const PATIENCE = 4;
/** Requests that are never answered. */
const SILENT = new Set(['ewr 2013-02-13T00:00:00Z', 'lga 2013-02-13T00:00:00Z']);

function faultsOfTheWeek(): WeatherFaultPlan {
  const random = seededRandom('a week of faults');
  let count = 0;
  return ({ path, locationId, at, attempt }) => {
    const time = utcSecond(at);
    if (path === '/current.json') {
      if (locationId === OUTAGE.location && time >= OUTAGE.from && time < OUTAGE.to) {
        return { kind: 'status', status: 404 };
      }
      if (attempt === 1 && SILENT.has(`${locationId} ${time}`)) return { kind: 'silence' };
    }
    const fault = random() < FAULT_RATE ? KINDS[count++ % KINDS.length] : undefined;
    const isNoJson = fault?.kind === 'truncated' || fault?.kind === 'html';
    // Twice without JSON would be a lasting fault.
    return isNoJson && attempt > 1 ? undefined : fault;
  };
}

describe('a week of polling three places while one reply in twenty fails', () => {
  let directory: string;
  let cloud: LocalGaroa;
  let recording: Recording;
  let polled: readonly Line[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'garoa-week-'));
    recording = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
    const config = parseConfig({
      plan: 'business',
      locations: recording.locations.map((location) => ({ ...location, pollEveryMinutes: EVERY_MINUTES })),
    });
    const assemblyDirectory = join(directory, 'cdk.out');
    await synthesise(config, assemblyDirectory);
    let writes = 0;
    cloud = await startLocalGaroa({
      patience: PATIENCE,
      assemblyDirectory,
      directory,
      recording,
      start: new Date(`${FROM}T00:00:00Z`),
      weatherFaults: faultsOfTheWeek(),
      faults: ({ operation }) => {
        if (operation !== 'PutObject') return undefined;
        writes++;
        return writes % 50 === 0 ? { kind: 'lostReply' } : undefined;
      },
    });
    await pollTheWeek(cloud);
    const stored = [...(await rawLines(cloud.bucket('raw'))).values()].flat();
    polled = stored.filter(({ kind }) => kind === 'current');
  });

  afterAll(async () => {
    await cloud.close();
    rmSync(directory, { recursive: true });
  });

  it('stores every observation that the provider gave out, each location and minute once', () => {
    const stored = new Set(polled.map(({ location_id, observed_at }) => `${location_id} ${observed_at}`));
    expect(stored).toEqual(new Set(cloud.weather.served().keys()));
    const polls = polled.map(({ location_id, ingested_at }) => `${location_id} ${ingested_at}`);
    expect(new Set(polls).size).toBe(polls.length);
  });

  it('names every location and minute that failed for good in its metrics, and no other', () => {
    const stored = new Set(polled.map(({ location_id, ingested_at }) => `${location_id} ${ingested_at}`));
    const missing = minutes().flatMap((minute) =>
      recording.locations.map(({ id }) => `${id} ${minute}`).filter((poll) => !stored.has(poll)),
    );
    expect(missing).toContain(`${OUTAGE.location} ${OUTAGE.from}`);
    expect(new Set(namedInMetrics(directory))).toEqual(new Set(missing));
  });

  it('has lost only what the outage cost', () => {
    const lost = namedInMetrics(directory).filter((poll) => {
      const [location = '', minute = ''] = poll.split(' ');
      return location !== OUTAGE.location || minute < OUTAGE.from || minute >= OUTAGE.to;
    });
    expect(lost).toEqual([]);
  });

  it('stores null for the wind that no anemometer can have measured', () => {
    const winds = polled.flatMap(({ wind_kph }) => wind_kph ?? []);
    expect(Math.max(...winds)).toBeLessThan(200);
    const absurd = JSON.stringify(polled.map(({ payload }) => payload)).match(/"wind_kph":1[0-9]{3}/);
    expect(absurd).not.toBeNull();
  });

  it('has every hour that the provider has history of once the week is backfilled', async () => {
    // Until then the last day's history is provisional.
    await cloud.settle(new Date(`${addDays(TO, 3)}T00:00:00Z`));
    const { status, cause } = await cloud.execute(cloud.name('stateMachines', '-backfill'), {
      from: FROM,
      to: TO,
    });
    expect({ status, cause }).toMatchObject({ status: 'SUCCEEDED' });
    const from = Date.parse(`${FROM}T00:00:00Z`) / 1_000;
    for (const { id } of recording.locations) {
      const readings = recording.series.get(id)?.between(from, from + DAYS * 86_400) ?? [];
      expect((await hoursInTheLake(cloud)).get(id)).toEqual(
        readings.map(({ time }) => utcSecond(time * 1_000)),
      );
    }
  });

  it('is fetched again by a second backfill only where hours are still lacking', async () => {
    const from = Date.parse(`${FROM}T00:00:00Z`) / 1_000;
    const lacking = recording.locations.flatMap(({ id }) =>
      Array.from({ length: DAYS }, (_, day) => from + day * 86_400).filter(
        (start) =>
          (recording.series.get(id)?.between(start, start + 86_400) ?? []).filter(
            ({ values }) => values.precip_mm !== null,
          ).length < 24,
      ),
    );
    expect(lacking.length).toBeGreaterThan(0);
    expect(lacking.length).toBeLessThan(DAYS);
    cloud.weather.setFaults(undefined);
    const before = cloud.weather.requests();
    const { status } = await cloud.execute(cloud.name('stateMachines', '-backfill'), { from: FROM, to: TO });
    expect(status).toBe('SUCCEEDED');
    // Two local dates each, and once more in case the day came by halves.
    expect(cloud.weather.requests() - before).toBe(2 * 2 * lacking.length);
  });
});

/** Every delivery of the week; each tenth comes twice, at the same time. */
async function pollTheWeek(cloud: LocalGaroa): Promise<void> {
  const ingest = cloud.name('functions', '-ingest');
  for (const [index, scheduledTime] of minutes().entries()) {
    await cloud.settle(new Date(scheduledTime));
    const event = { scheduledTime, everyMinutes: EVERY_MINUTES, shard: 0, shards: 1 };
    const deliveries = index % 10 === 0 ? [event, event] : [event];
    await Promise.all(deliveries.map((delivery) => cloud.invoke(ingest, delivery)));
  }
}

function minutes(): string[] {
  const start = Date.parse(`${FROM}T00:00:00Z`);
  const count = (DAYS * 24 * 60) / EVERY_MINUTES;
  return Array.from({ length: count }, (_, index) => utcSecond(start + index * EVERY_MINUTES * 60_000));
}

const failureLine = z.object({ failedAt: z.string(), failedLocations: z.string() });

function namedInMetrics(directory: string): string[] {
  const lines = readFileSync(join(directory, 'logs/garoa-prod-ingest.ndjson'), 'utf8').trimEnd().split('\n');
  return lines.flatMap((line) => {
    const { data } = failureLine.safeParse(JSON.parse(line));
    return data ? data.failedLocations.split(' ').map((location) => `${location} ${data.failedAt}`) : [];
  });
}

const hourRow = z.object({ location_id: z.string(), hour: z.string() });

/** Hours of the refined table by location. */
async function hoursInTheLake(cloud: LocalGaroa): Promise<Map<string, string[]>> {
  const processed = cloud.bucket('processed');
  const hours = new Map<string, string[]>();
  for (const day of datesBetween(FROM, TO)) {
    const stored = await getObject(processed, keys.hourlyDay(day));
    if (!stored) continue;
    for (const { location_id, hour } of await decodeRows(stored.bytes, hourRow)) {
      hours.set(location_id, [...(hours.get(location_id) ?? []), hour]);
    }
  }
  return hours;
}
