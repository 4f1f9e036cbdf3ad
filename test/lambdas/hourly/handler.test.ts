import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'aws-lambda';
import type { HourlyResult, UpkeepResult } from '../../../lambdas/hourly/outcome';
import type { PagesResult } from '../../../lambdas/hourly/upkeep';
import { keys } from '../../../lambdas/lake/layout';
import { listObjects, putObject } from '../../../lambdas/lake/s3';
import { Env } from '../../../lambdas/runtime/env';
import { SETTINGS_FILE } from '../../../lambdas/settings';
import type { FaultPlan } from '../../../lib/local/wire/calls';
import { queuedQuery } from '../../../lib/scenario/faults';
import {
  appoint,
  type HourlyCloud,
  LOCATIONS,
  observation,
  putHistory,
  putPoll,
  startHourlyCloud,
  wholeDay,
} from './hourly-cloud';

const directory = mkdtempSync(join(tmpdir(), 'garoa-hourly-'));
const environment = { ...process.env };
let local: HourlyCloud;
let invoke: (event: unknown) => Promise<HourlyResult | UpkeepResult | PagesResult>;
let log: jest.SpyInstance;
let fault: FaultPlan = () => undefined;
let remainingMs = 900_000;

beforeAll(async () => {
  local = await startHourlyCloud(LOCATIONS, { faults: (call) => fault(call) });
  writeFileSync(
    join(directory, SETTINGS_FILE),
    JSON.stringify({
      stage: 'test',
      provider: 'weatherapi',
      locations: LOCATIONS,
      rainThresholdMm: 0.1,
      training: {},
    }),
  );
  Object.assign(process.env, local.cloud.endpoints.environment, {
    LAMBDA_TASK_ROOT: directory,
    // Its own console can't be listened to.
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
    POWERTOOLS_SERVICE_NAME: 'garoa-test',
    [Env.rawBucket]: 'raw',
    [Env.processedBucket]: 'processed',
    [Env.modelsBucket]: 'models',
    [Env.queryResultsBucket]: 'results',
    [Env.database]: 'garoa',
    [Env.workgroup]: 'garoa-prod',
    [Env.eventBus]: 'default',
    [Env.ingestFunction]: 'ingest',
  });
  // Loaded once the environment stands, as in Lambda.
  const { handler } = await import('../../../lambdas/hourly/handler');
  const context: Pick<Context, 'getRemainingTimeInMillis'> = { getRemainingTimeInMillis: () => remainingMs };
  invoke = (event) => handler(event, context);
  log = jest.spyOn(console, 'log').mockImplementation();
  jest.spyOn(console, 'info').mockImplementation();
  jest.spyOn(console, 'error').mockImplementation();
});
beforeEach(async () => {
  await local.forget();
  log.mockClear();
});
afterAll(async () => {
  jest.restoreAllMocks();
  process.env = environment;
  await local.close();
  rmSync(directory, { recursive: true });
});

/** Values of the metrics that were emitted, by name. */
const metrics = () => Object.assign({}, ...log.mock.calls.map(([line]) => JSON.parse(String(line))));

const poll = (hour: string, places: readonly string[] = LOCATIONS.map(({ id }) => id)) =>
  putPoll(
    local.raw,
    hour,
    places.map((id) => observation(id, hour)),
  );

it('closes the hour that the schedule speaks of, and says what it did', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  await poll('2013-03-10T06:00:00Z');
  await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  const result = await invoke({ scheduledTime: '2013-03-10T07:05:00Z' });
  expect(result).toMatchObject({
    hour: '2013-03-10T06:00:00Z',
    days: 1,
    rows: 3,
    missingHours: 0,
    forecasts: 3,
    withoutForecast: {},
    verified: 3,
    forecastAgeMinutes: 5,
    refusedModels: 0,
    queries: 3,
    queryMilliseconds: expect.any(Number),
    bytesScanned: expect.any(Number),
  });
});

it('sends no metric in an hour without a fault, since each would be paid for', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  expect(metrics()).not.toHaveProperty('_aws');
});

it('makes the pages of one part of the places, and nothing else, when it is asked for these', async () => {
  const upkeep = { upkeep: true, scheduledTime: '2013-03-11T00:25:00Z' };
  expect(await invoke({ ...upkeep, pages: 1 })).toEqual({ pages: 0 });
  expect(await invoke({ ...upkeep, pages: 0 })).toEqual({ pages: LOCATIONS.length });
  const made = await listObjects(local.models, 'pages/places/');
  expect(made.map(({ key }) => key)).toEqual(LOCATIONS.map(({ id }) => keys.page(id)));
});

it('tells once a day, in an upkeep, how the forecasts fared', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  await poll('2013-03-10T06:00:00Z');
  await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  await invoke({ scheduledTime: '2013-03-10T07:05:00Z' });
  expect(metrics()).not.toHaveProperty('SkillAgainstPersistence');
  const result = await invoke({ upkeep: true, scheduledTime: '2013-03-11T00:25:00Z' });
  // Three places lack all hours of the day but its sixth and seventh, and those before are no gap.
  expect(result).toMatchObject({
    upkeep: '2013-03-11',
    gapHours: 3 * 17,
    skill: { days7: { brier: expect.any(Number), againstPersistence: expect.any(Number) } },
  });
  expect(metrics()).toMatchObject({ SkillAgainstPersistence: expect.any(Number) });
});

it('tells of an hour without a single observation, and of none when it closes an old one', async () => {
  await invoke({ hour: '2013-03-10T05', at: '2013-03-10T14:20:00Z' });
  expect(metrics()).not.toHaveProperty('EmptyHours');
  await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  expect(metrics()).toMatchObject({ EmptyHours: 1 });
});

it('tells the age of the newest forecast of a place that gets none any more', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  await poll('2013-03-10T06:00:00Z', ['ewr', 'lga']);
  await invoke({ scheduledTime: '2013-03-10T07:05:00Z' });
  expect(metrics().ForecastAgeMinutes).toBe(65);
  await poll('2013-03-10T10:00:00Z', ['ewr', 'lga']);
  await invoke({ scheduledTime: '2013-03-10T11:05:00Z' });
  // Searched are so many hours that an age beyond them rings the alarm, whatever it is.
  expect(metrics().ForecastAgeMinutes).toBe(305);
});

it('waits for the first forecast of a champion as long as for one that is missing', async () => {
  await appoint(local.models, '2013-03-10T05:30:00Z');
  await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  expect(metrics()).not.toHaveProperty('ForecastAgeMinutes');
  await invoke({ scheduledTime: '2013-03-10T11:05:00Z' });
  expect(metrics().ForecastAgeMinutes).toBe(305);
});

it('says nothing of the age of forecasts when it closes an old hour once more', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  await invoke({ hour: '2013-03-10T05', at: '2013-03-10T14:20:00Z' });
  expect(metrics()).not.toHaveProperty('ForecastAgeMinutes');
});

it('recomputes a range', async () => {
  await putHistory(local.raw, '2013-03-08', wholeDay('2013-03-08'));
  const result = await invoke({ from: '2013-03-07', to: '2013-03-08', at: '2013-03-10T00:00:00Z' });
  expect(result).toMatchObject({ from: '2013-03-07', days: 1, rows: 72, missingHours: 72, forecasts: 0 });
});

it('says how many locations have no forecast, and why', async () => {
  await poll('2013-03-10T05:00:00Z');
  const result = await invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  expect(result).toMatchObject({ withoutForecast: { 'no model yet': 3 } });
});

it.each([
  [{ hour: 'yesterday' }, /hour: /],
  [{ from: '2013-03-08', to: '2013-03-07' }, /from: /],
  [{ scheduledTime: '2013-03-10T06:05:00Z', extra: 1 }, /extra/],
])('refuses %j with the reason, and touches nothing', async (event, reason) => {
  const before = local.cloud.endpoints.callCounts();
  await expect(invoke(event)).rejects.toThrow(reason);
  expect(local.cloud.endpoints.callCounts()).toEqual(before);
});

it('ends in an error when a part failed, after the other parts have done theirs', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  process.env[Env.modelsBucket] = 'nowhere';
  try {
    await expect(invoke({ scheduledTime: '2013-03-10T06:05:00Z' })).rejects.toThrow(
      /The index failed: .*bucket/,
    );
  } finally {
    process.env[Env.modelsBucket] = 'models';
  }
  expect((await listObjects(local.processed, 'hourly_observations/')).map(({ key }) => key)).toEqual([
    keys.hourlyDay('2013-03-10'),
  ]);
});

it('gives a query up that waits in a queue for minutes, leaves the other parts their time, and is healed by the next hour', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z');
  await poll('2013-03-10T05:00:00Z');
  let cancelled = 0;
  fault = ({ operation }) => {
    if (operation === 'StopQueryExecution') cancelled += 1;
    return operation === 'GetQueryExecution' ? { kind: 'otherReply', body: queuedQuery } : undefined;
  };
  // So much is left once a query has waited for thirteen of the fifteen minutes.
  remainingMs = 125_005;
  const run = invoke({ scheduledTime: '2013-03-10T06:05:00Z' });
  await expect(run).rejects.toThrow(
    /^The commit failed: The statement \(query [-0-9a-f]{36}\) was cancelled/,
  );
  await expect(run).rejects.toThrow(/^Forecasting failed: The statement \(query [-0-9a-f]{36}\) was canc/m);
  expect(cancelled).toBeGreaterThan(1);
  expect(await listObjects(local.models, keys.pagesIndex)).toHaveLength(1);
  fault = () => undefined;
  remainingMs = 900_000;
  await poll('2013-03-10T06:00:00Z');
  await expect(invoke({ scheduledTime: '2013-03-10T07:05:00Z' })).resolves.toMatchObject({ forecasts: 3 });
  expect(Object.keys(await local.content())).toContain(keys.hourlyDay('2013-03-10'));
});

it('tells of raw objects that were set aside', async () => {
  await poll('2013-03-10T05:00:00Z');
  const key = `${keys.rawHour('2013-03-10', '05')}0559-x.ndjson.gz`;
  await putObject(local.raw, key, 'hello', 'application/x-ndjson');
  await expect(invoke({ scheduledTime: '2013-03-10T06:05:00Z' })).resolves.toMatchObject({ rows: 3 });
  expect(metrics()).toMatchObject({ ObjectsSetAside: 1 });
});

it('counts and names models that it refuses', async () => {
  await appoint(local.models, '2013-03-01T00:00:00Z', 'v2');
  await putObject(local.models, keys.model('jfk', 'v2'), '{}', 'application/json');
  await poll('2013-03-10T05:00:00Z');
  await expect(invoke({ scheduledTime: '2013-03-10T06:05:00Z' })).resolves.toMatchObject({
    forecasts: 2,
    withoutForecast: { 'no model that can be used': 1 },
  });
  expect(metrics()).toMatchObject({ ModelsRefused: 1 });
});
