import { AthenaClient } from '@aws-sdk/client-athena';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { createChampionCache } from '../../../lambdas/hourly/champions';
import type { UpkeepAccess } from '../../../lambdas/hourly/upkeep';
import type { FinishedQuery } from '../../../lambdas/lake/athena';
import { FORECAST_VERIFICATION, FORECASTS, HOURLY_OBSERVATIONS, keys } from '../../../lambdas/lake/layout';
import { decodeParquet } from '../../../lambdas/lake/parquet';
import {
  type Bucket,
  deleteObjects,
  getObject,
  getText,
  listObjects,
  putObject,
} from '../../../lambdas/lake/s3';
import { promote } from '../../../lambdas/model/registry';
import type { Location } from '../../../lambdas/weather/location';
import { NO_FORECAST, type Observation } from '../../../lambdas/weather/observation';
import type { AwsEndpointsOptions } from '../../../lib/local/endpoints';
import type { EventBusDelivery } from '../../../lib/local/event-bridge/endpoint';
import { ndjson, startTestCloud, type TestCloud } from '../../lib/local/support';
import { modelFile } from '../model/model-file-fixture';

/** The function is gone: no call of its clients does anything any more. */
class Died extends Error {
  override readonly name = 'Died';
}

/** Where a run dies: before or after its n-th call that changes anything has been carried out. */
interface Death {
  readonly change: number;
  readonly when: 'before' | 'after';
}

/** Calls after which the world is another one; dying at any other call is like dying at the one before. */
const CHANGES = /^(Put|Copy|Delete|StartQuery)/;

/** The hourly job's code on S3, Athena and EventBridge on the wire. */
export interface HourlyCloud {
  readonly cloud: TestCloud;
  readonly raw: Bucket;
  readonly processed: Bucket;
  readonly models: Bucket;
  readonly results: Bucket;
  readonly events: readonly EventBusDelivery[];
  readonly warnings: readonly string[];
  readonly queries: readonly FinishedQuery[];
  /** A fresh function, as after a cold start; it may die on the way. `changes()` names the calls that changed anything. */
  access(
    death?: Death,
  ): UpkeepAccess & { readonly changes: () => readonly string[]; readonly died: () => boolean };
  /** Empties all zones. */
  forget(): Promise<void>;
  /** Remembers the processed zone and `latest.json`; `restore` brings them back. */
  snapshot(): Promise<{ readonly restore: () => Promise<void> }>;
  /** What readers of the lake see: every row of every object, and `latest.json`. */
  content(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export const LOCATIONS: readonly Location[] = ['ewr', 'jfk', 'lga'].map((id) => ({
  id,
  name: id.toUpperCase(),
  query: id,
  timezone: 'America/New_York',
  pollEveryMinutes: 1,
  forecast: true,
}));

export async function startHourlyCloud(
  locations: readonly Location[] = LOCATIONS,
  options: Partial<AwsEndpointsOptions> = {},
): Promise<HourlyCloud> {
  const events: EventBusDelivery[] = [];
  const warnings: string[] = [];
  const queries: FinishedQuery[] = [];
  const cloud = await startTestCloud({ onEvent: (delivery) => events.push(delivery), ...options });
  const bucket = (name: string, client = cloud.s3): Bucket => ({ client, name });
  const clients: { destroy(): void }[] = [];
  return {
    cloud,
    raw: bucket('raw'),
    processed: bucket('processed'),
    models: bucket('models'),
    results: bucket('results'),
    events,
    warnings,
    queries,
    access(death) {
      const changes: string[] = [];
      let dead = false;
      const mortal = async <T>(command: string, call: () => Promise<T>): Promise<T> => {
        if (dead) throw new Died();
        const changing = CHANGES.test(command);
        if (changing) changes.push(command);
        const dying = changing && changes.length === death?.change;
        if (dying && death.when === 'before') {
          dead = true;
          throw new Died();
        }
        const result = await call();
        if (dying) {
          dead = true;
          throw new Died();
        }
        if (dead) throw new Died();
        return result;
      };
      const { environment } = cloud.endpoints;
      const configuration = (variable: string) => ({
        endpoint: environment[variable] ?? '',
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        userAgentAppId: 'garoa-test-hourly',
      });
      const s3 = new S3Client(configuration('AWS_ENDPOINT_URL_S3'));
      const athena = new AthenaClient(configuration('AWS_ENDPOINT_URL_ATHENA'));
      const eventBridge = new EventBridgeClient(configuration('AWS_ENDPOINT_URL_EVENTBRIDGE'));
      s3.middlewareStack.add(
        (next, context) => (args) => mortal(context.commandName ?? '', () => next(args)),
        { step: 'initialize' },
      );
      athena.middlewareStack.add(
        (next, context) => (args) => mortal(context.commandName ?? '', () => next(args)),
        { step: 'initialize' },
      );
      eventBridge.middlewareStack.add(
        (next, context) => (args) => mortal(context.commandName ?? '', () => next(args)),
        { step: 'initialize' },
      );
      clients.push(s3, athena, eventBridge);
      return {
        changes: () => changes,
        died: () => dead,
        stage: 'test',
        locations,
        rainThresholdMm: 0.1,
        hourlyMinute: 5,
        settledAfterHours: 48,
        champions: createChampionCache(),
        athena: {
          client: athena,
          s3,
          workgroup: 'garoa-prod',
          database: 'garoa',
          remainingMs: () => 3_600_000,
          onFinished: (query) => queries.push(query),
        },
        raw: bucket('raw', s3),
        processed: bucket('processed', s3),
        models: bucket('models', s3),
        queryResults: bucket('results', s3),
        history: {
          fetch: () => Promise.resolve({ status: 'not-available', reason: 'the test has no provider' }),
        },
        bus: { client: eventBridge, name: 'default' },
        warn: (message) => warnings.push(message),
      };
    },
    async forget() {
      for (const name of ['raw', 'processed', 'models', 'results']) {
        await empty(bucket(name));
      }
      events.length = 0;
    },
    async snapshot() {
      const kept = await Promise.all(
        (await listObjects(bucket('processed'), '')).map(async ({ key }) => ({
          key,
          bytes: (await getObject(bucket('processed'), key))?.bytes ?? new Uint8Array(),
        })),
      );
      const latest = await getText(bucket('models'), keys.latest);
      return {
        restore: async () => {
          await empty(bucket('processed'));
          for (const { key, bytes } of kept)
            await putObject(bucket('processed'), key, bytes, 'binary/octet-stream');
          await deleteObjects(bucket('models'), [keys.latest]);
          if (latest !== undefined)
            await putObject(bucket('models'), keys.latest, latest, 'application/json');
          events.length = 0;
        },
      };
    },
    async content() {
      const content: Record<string, unknown> = {};
      for (const table of [HOURLY_OBSERVATIONS, FORECASTS, FORECAST_VERIFICATION]) {
        const columns = table.columns.map(({ name }) => name);
        for (const { key } of await listObjects(bucket('processed'), table.prefix)) {
          const stored = await getObject(bucket('processed'), key);
          const row = z.record(z.string(), z.unknown());
          content[key] = stored && (await decodeParquet(stored.bytes, columns, row));
        }
      }
      content[keys.latest] = await getText(bucket('models'), keys.latest);
      return content;
    },
    async close() {
      for (const client of clients) client.destroy();
      await cloud.close();
    },
  };
}

async function empty(bucket: Bucket): Promise<void> {
  const objects = await listObjects(bucket, '');
  await deleteObjects(
    bucket,
    objects.map(({ key }) => key),
  );
}

/**
 * Weather of an hour that tests can foresee: it rains every fifth hour. A start of an hour stands for its closing poll,
 * ten minutes before its end; other instants are taken as they are.
 */
export function observation(
  locationId: string,
  instant: string,
  given: Partial<Observation> = {},
): Observation {
  const observedAt = instant.replace(':00:00Z', ':50:00Z');
  const hour = Math.floor(Date.parse(observedAt) / 3_600_000);
  return {
    location_id: locationId,
    observed_at: observedAt,
    ingested_at: observedAt,
    source: 'recording',
    kind: 'current',
    temp_c: 10 + (hour % 7),
    dewpoint_c: 5,
    humidity_pct: 60 + (hour % 30),
    pressure_mb: 1010,
    wind_kph: 10,
    wind_degree: 90,
    gust_kph: null,
    precip_mm: hour % 5 === 0 ? 1.5 : 0,
    cloud_pct: null,
    visibility_km: 16,
    uv: null,
    condition_code: null,
    ...NO_FORECAST,
    ...given,
  };
}

/** Puts readings where a poll at `at` would. */
export async function putPoll(raw: Bucket, at: string, rows: readonly Observation[]): Promise<void> {
  const [date = '', time = ''] = at.split('T');
  const name = `${time.slice(0, 2)}${time.slice(3, 5)}-recording.ndjson.gz`;
  await putObject(raw, `${keys.rawHour(date, time.slice(0, 2))}${name}`, ndjson(rows), 'application/gzip');
}

/** History of one day, as backfill stores it. */
export async function putHistory(raw: Bucket, date: string, rows: readonly Observation[]): Promise<void> {
  const key = `${keys.rawHour(date, '00')}history-recording-00000000.ndjson.gz`;
  await putObject(raw, key, ndjson(rows.map((row) => ({ ...row, kind: 'history' }))), 'application/gzip');
}

/** All hours of a day, of each location, one reading an hour. */
export function wholeDay(
  date: string,
  ids: readonly string[] = LOCATIONS.map(({ id }) => id),
): Observation[] {
  return Array.from({ length: 24 }, (_, hour) =>
    ids.map((id) => observation(id, `${date}T${String(hour).padStart(2, '0')}:00:00Z`)),
  ).flat();
}

/** Makes the smallest model champion of each location. */
export async function appoint(
  models: Bucket,
  at: string,
  version = 'v1',
  ids: readonly string[] = LOCATIONS.map(({ id }) => id),
): Promise<void> {
  for (const location of ids) {
    const text = JSON.stringify(modelFile(location, version));
    await putObject(models, keys.model(location, version), text, 'application/json');
    await promote(models, { location, version, at, outcome: 'promoted', reason: 'test', run: null });
  }
}
