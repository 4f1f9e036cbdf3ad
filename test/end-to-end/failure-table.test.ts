import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { readForecasts } from '../../lambdas/lake/forecasts';
import { keys } from '../../lambdas/lake/layout';
import { getText, putObject } from '../../lambdas/lake/s3';
import { readLedger } from '../../lambdas/model/registry';
import { addHours } from '../../lambdas/runtime/time';
import { parseConfig } from '../../lib/config';
import type { InvocationRecord } from '../../lib/local/cloud';
import type { FaultPlan } from '../../lib/local/wire/calls';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { WeatherFaultPlan } from '../../lib/recorded-weather/weather-api/faults';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { appoint } from '../lambdas/hourly/hourly-cloud';
import { rawLines } from '../lambdas/ingest/raw-lines';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/*
 * What goes wrong, and what is said about it: each failure that the design names, brought about at the wire of the
 * deployed bundles, one hour after the other. A test finds what those before it left.
 */
const PLACES = ['jfk', 'lga'];
const START = '2013-03-05T10:20:00Z';

const directory = mkdtempSync(join(tmpdir(), 'garoa-failures-'));
let cloud: LocalGaroa;
let fault: FaultPlan = () => undefined;
let weatherFault: WeatherFaultPlan = () => undefined;
/** Start of the next hour to be lived. */
let next = '2013-03-05T11:00:00Z';

beforeAll(async () => {
  const all = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  const recording = { ...all, locations: all.locations.filter(({ id }) => PLACES.includes(id)) };
  const config = parseConfig({
    plan: 'business',
    locations: recording.locations.map((location) => ({ ...location, pollEveryMinutes: 60 })),
  });
  const assemblyDirectory = join(directory, 'cdk.out');
  await synthesise(config, assemblyDirectory);
  cloud = await startLocalGaroa({
    patience: PATIENCE,
    assemblyDirectory,
    directory: join(directory, 'run'),
    recording,
    start: new Date(START),
    faults: (call) => fault(call),
    weatherFaults: (request) => weatherFault(request),
  });
  await cloud.advanceTo(new Date(addHours(next, 0)));
});
beforeEach(() => {
  fault = () => undefined;
  weatherFault = () => undefined;
});
afterAll(async () => {
  await cloud.close();
  rmSync(directory, { recursive: true });
});

const line = z.looseObject({ message: z.string(), level: z.string().optional() });

/** Lines that a function logged; without more of a mark those since `before`. */
function logged(name: 'ingest' | 'hourly' | 'retrain'): z.infer<typeof line>[] {
  const text = readFileSync(join(directory, 'run', 'logs', `garoa-prod-${name}.ndjson`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .flatMap((one) => line.safeParse(JSON.parse(one)).data ?? []);
}

interface Lived {
  readonly runs: readonly InvocationRecord[];
  /** The closing run's base hour. */
  readonly hour: string;
}

/** Lives an hour, up to ten minutes after its end. */
async function live(): Promise<Lived> {
  const before = cloud.invocations().length;
  const hour = next;
  next = addHours(next, 1);
  await cloud.advanceTo(new Date(Date.parse(next) + 600_000));
  return { runs: cloud.invocations().slice(before), hour };
}

const of = ({ runs }: Lived, name: string): InvocationRecord[] =>
  runs.filter(({ function: fn }) => fn.endsWith(`-${name}`));
const errorsOf = (lived: Lived, name: string): string[] =>
  of(lived, name).flatMap(({ result }) => result.functionError?.errorMessage ?? []);

const rang = (): string[] =>
  [...cloud.alarms()].flatMap(([name, changes]) =>
    changes.some(({ state }) => state === 'ALARM') ? [name.replace('garoa-prod-', '')] : [],
  );

const forecastsOf = async (hour: string): Promise<string[] | undefined> => {
  const target = addHours(hour, 1);
  const key = keys.forecastHour(target.slice(0, 10), target.slice(11, 13));
  return (await readForecasts(cloud.bucket('processed'), key))?.map(({ location_id }) => location_id);
};

it('no model yet: hours are closed, nothing is forecast, and that is no error', async () => {
  const lived = await live();
  expect(errorsOf(lived, 'hourly')).toEqual([]);
  expect(logged('hourly').at(-1)).toMatchObject({
    level: 'INFO',
    message: 'Done',
    hour: lived.hour,
    rows: 2,
    forecasts: 0,
    withoutForecast: { 'no model yet': 2 },
  });
  expect(await forecastsOf(lived.hour)).toBeUndefined();
});

it('a schedule that is delivered twice or late writes nothing more', async () => {
  const ingest = cloud.name('functions', '-ingest');
  const { event } = cloud.invocations().findLast(({ function: name }) => name === ingest) ?? {};
  const before = await rawLines(cloud.bucket('raw'));
  const { payload } = await cloud.invoke(ingest, event);
  expect(payload).toMatchObject({ stored: 0, skipped: 2 });
  expect(await rawLines(cloud.bucket('raw'))).toEqual(before);
  expect(logged('ingest').at(-1)).toMatchObject({ stored: 0, skipped: 2 });
});

it('a provider that fails one place is told with place and reason, and the other is stored', async () => {
  weatherFault = ({ locationId }) => (locationId === 'jfk' ? { kind: 'status', status: 404 } : undefined);
  const lived = await live();
  expect(errorsOf(lived, 'ingest')[0]).toMatch(
    /^1 of 2 locations failed: jfk\. current conditions of jfk: WeatherAPI\.com answered 404/,
  );
  expect(logged('ingest')).toContainEqual(
    expect.objectContaining({ stored: 1, failed: 1, failedLocations: 'jfk' }),
  );
  expect(logged('hourly').at(-1)).toMatchObject({ hour: lived.hour, rows: 1, missingHours: 1 });
});

it('bad answers of a moment are got over within the run, of the forecast as of the present', async () => {
  weatherFault = ({ attempt }) =>
    attempt === 1 ? { kind: 'html' } : attempt === 2 ? { kind: 'status', status: 429 } : undefined;
  const lived = await live();
  expect(errorsOf(lived, 'ingest')).toEqual([]);
  expect(logged('ingest').at(-1)).toMatchObject({ stored: 2, failed: 0, providerErrors: 8 });
});

it('another place that answers is a failure that names both, and nothing of it is stored', async () => {
  weatherFault = ({ locationId }) =>
    locationId === 'jfk' ? { kind: 'body', status: 200, body: TOKYO } : undefined;
  const lived = await live();
  expect(errorsOf(lived, 'ingest')[0]).toMatch(
    /1 of 2 locations failed: jfk\. current conditions of jfk: the answer is for Tokyo, Japan .*jfk/,
  );
  expect(logged('hourly').at(-1)).toMatchObject({ hour: lived.hour, rows: 1 });
});

const TOKYO = {
  location: { name: 'Tokyo', country: 'Japan', lat: 35.69, lon: 139.69, tz_id: 'Asia/Tokyo' },
  current: { last_updated_epoch: Date.parse(START) / 1000, temp_c: 20, precip_mm: 0 },
};

it('a number that is none becomes null where it comes in, and is counted', async () => {
  weatherFault = ({ locationId, at }) => {
    const current = { last_updated_epoch: at.getTime() / 1000 - 60, temp_c: 'NaN', precip_mm: 0.3 };
    return locationId === 'jfk' ? { kind: 'body', status: 200, body: { current } } : undefined;
  };
  const lived = await live();
  expect(errorsOf(lived, 'ingest')).toEqual([]);
  expect(logged('ingest').at(-1)).toMatchObject({ stored: 2, implausible: 1 });
  const lines = [
    ...(await rawLines(cloud.bucket('raw'), keys.rawHour('2013-03-05', lived.hour.slice(11, 13)))).values(),
  ];
  expect(lines.flat().find(({ location_id }) => location_id === 'jfk')).toMatchObject({
    temp_c: null,
    precip_mm: 0.3,
  });
});

it('a key that the provider takes no more is told with the command that sets it, and is never shown', async () => {
  cloud.weather.setKey('another-key');
  const lived = await live();
  expect(errorsOf(lived, 'ingest')[0]).toMatch(
    /^2 of 2 locations failed: jfk, lga\. .*API key is invalid.*Set another key with: aws secretsmanager put-secret-value/,
  );
  for (const { arn } of cloud.resources.secrets) cloud.services.setSecret(arn, 'another-key');
  expect(errorsOf(await live(), 'ingest')).toEqual([]);
  expect(JSON.stringify(logged('ingest'))).not.toMatch(/another-key|garoa-local-weather-key/);
});

it('an hour without observations gets no row and no forecast, and both are said', async () => {
  await appoint(cloud.bucket('models'), '2013-03-05T00:00:00Z', 'v1', PLACES);
  weatherFault = () => ({ kind: 'status', status: 404 });
  const lived = await live();
  expect(logged('hourly')).toContainEqual(
    expect.objectContaining({
      message: 'Done',
      hour: lived.hour,
      rows: 0,
      missingHours: 2,
      withoutForecast: { [`no observation of the hour that began at ${lived.hour}`]: 2 },
    }),
  );
  expect(await forecastsOf(lived.hour)).toBeUndefined();
});

it('Athena that throttles is waited for; a query that fails for good is told with its id, and rings', async () => {
  let throttled = 0;
  fault = ({ operation, caller }) =>
    operation === 'StartQueryExecution' && caller.endsWith('-hourly') && throttled++ < 2
      ? { kind: 'throttle' }
      : undefined;
  const well = await live();
  expect(errorsOf(well, 'hourly')).toEqual([]);
  expect(throttled).toBeGreaterThan(2);
  fault = ({ operation, caller }) =>
    operation === 'GetQueryExecution' && caller.endsWith('-hourly')
      ? { kind: 'otherReply', body: (body) => failed(body) }
      : undefined;
  const ill = await live();
  const errors = errorsOf(ill, 'hourly');
  expect(errors).toHaveLength(3);
  expect(errors[0]).toMatch(/The commit failed: .*Athena query [0-9a-f-]{36} FAILED: SYNTAX_ERROR: line 1/);
  expect(cloud.deadLetters().at(-1)?.reason).toBe(errors[2]);
  expect(rang()).toContain('hourly-failed');
});

const reply = z.looseObject({ QueryExecution: z.looseObject({}) });

function failed(body: string): string {
  const answer = reply.parse(JSON.parse(body));
  const Status = { State: 'FAILED', StateChangeReason: 'SYNTAX_ERROR: line 1' };
  return JSON.stringify({ QueryExecution: { ...answer.QueryExecution, Status } });
}

it('a run that dies in the middle of its commit is made good by the next one', async () => {
  let died = 0;
  fault = ({ operation, caller }) =>
    operation === 'CopyObject' && caller.endsWith('-hourly') && died++ === 0
      ? { kind: 'crash', when: 'before', by: 'timeLimit' }
      : undefined;
  const lived = await live();
  expect(of(lived, 'hourly').map(({ result }) => result.functionError?.errorType)).toEqual([
    'Sandbox.Timedout',
    undefined,
  ]);
  expect(await forecastsOf(lived.hour)).toEqual(PLACES);
});

it('a damaged raw object is set aside with its reason, the hour is closed, forecasts are made, and it rings', async () => {
  const raw = cloud.bucket('raw');
  const key = `${keys.rawHour('2013-03-05', next.slice(11, 13))}${next.slice(11, 13)}59-x.ndjson.gz`;
  await putObject(raw, key, gzipSync('{"location_id":"jfk"}\n').subarray(0, 20), 'application/gzip');
  const lived = await live();
  expect(errorsOf(lived, 'hourly')).toEqual([]);
  expect(await getText(raw, `${keys.quarantined(key)}.reason.txt`)).toContain('no whole gzip');
  expect(logged('hourly')).toContainEqual(
    expect.objectContaining({
      level: 'WARN',
      message: expect.stringContaining(`${key} was set aside: no whole gzip`),
    }),
  );
  expect(await forecastsOf(lived.hour)).toEqual(PLACES);
  expect(rang()).toContain('raw-object-set-aside');
});

it('a derived object that can not be decoded is named and made anew', async () => {
  const key = keys.hourlyDay('2013-03-05');
  await putObject(cloud.bucket('processed'), key, 'PAR1', 'application/octet-stream');
  const lived = await live();
  expect(errorsOf(lived, 'hourly')).toEqual([]);
  expect(logged('hourly')).toContainEqual(
    expect.objectContaining({ level: 'WARN', message: `${key} can't be read and is made anew.` }),
  );
  expect(await forecastsOf(lived.hour)).toEqual(PLACES);
});

it("one place's damaged model or pointer costs no other place its forecast, and rings", async () => {
  const models = cloud.bucket('models');
  await appoint(models, cloud.now().toISOString(), 'v2', ['jfk']);
  await putObject(models, keys.model('jfk', 'v2'), '{}', 'application/json');
  const first = await live();
  expect(await forecastsOf(first.hour)).toEqual(PLACES);
  expect(logged('hourly')).toContainEqual(
    expect.objectContaining({
      level: 'ERROR',
      message: expect.stringContaining('Model refused; the previous champion of the ledger is used'),
      locationId: 'jfk',
      version: 'v2',
      reason: expect.any(String),
    }),
  );
  fault = ({ operation, subject }) =>
    operation === 'GetObject' && subject.endsWith(keys.champion('jfk')) ? { kind: 'serverError' } : undefined;
  const second = await live();
  expect(await forecastsOf(second.hour)).toEqual(['lga']);
  expect(logged('hourly')).toContainEqual(
    expect.objectContaining({
      level: 'ERROR',
      locationId: 'jfk',
      version: keys.champion('jfk'),
      reason: expect.stringContaining("can't be read"),
    }),
  );
  expect(rang()).toContain('model-refused');
});

it("one place's page that can't be made is told with the place, the other's is made, and it rings", async () => {
  const made = new Set<string>();
  fault = ({ operation, subject }) => {
    if (operation !== 'PutObject' || !subject.includes('/pages/places/')) return undefined;
    if (subject.endsWith(keys.page('jfk'))) return { kind: 'serverError' };
    made.add(subject);
    return undefined;
  };
  // Of a day that nobody observed, forecasts can't be made anew either.
  const key = keys.forecastHour('2013-03-01', '08');
  await putObject(cloud.bucket('processed'), key, 'PAR1', 'application/octet-stream');
  const upkeep = { upkeep: true, scheduledTime: cloud.now().toISOString() };
  const { status, cause } = await cloud.execute(cloud.name('stateMachines', '-upkeep'), upkeep);
  expect(status).toBe('FAILED');
  expect(cause).toMatch(/The pages failed: The page of jfk could not be made: InternalError/);
  expect([...made]).toEqual([expect.stringContaining(keys.page('lga'))]);
  const told = `${key} could not be made anew and lies in ${keys.quarantined(key)} now.`;
  expect(logged('hourly').filter(({ message }) => message === told)).toHaveLength(1);
  fault = () => undefined;
  await live();
  expect(rang()).toContain('upkeep-failed');
});

it('an order that is repeated after a lost reply makes one entry in the ledger', async () => {
  let lost = 0;
  fault = ({ operation, subject }) =>
    operation === 'PutObject' && subject.endsWith(keys.champion('lga')) && lost++ === 0
      ? { kind: 'lostReply' }
      : undefined;
  const retrain = cloud.name('functions', '-retrain');
  const version = '20130305T000000Z-0000000a';
  const models = cloud.bucket('models');
  const before = await readLedger(models, 'lga');
  const [{ version: first = '' } = {}] = before;
  const model = z.looseObject({}).parse(JSON.parse((await getText(models, keys.model('lga', first))) ?? ''));
  await putObject(
    models,
    keys.model('lga', version),
    JSON.stringify({ ...model, version }),
    'application/json',
  );
  const order = { step: 'promote', location: 'lga', version, reason: 'once', order: 'order-1' };
  for (let time = 0; time < 2; time += 1) {
    const at = cloud.now().toISOString();
    expect((await cloud.invoke(retrain, { ...order, at })).functionError).toBeUndefined();
  }
  expect(lost).toBeGreaterThan(0);
  expect(await readLedger(models, 'lga')).toHaveLength(before.length + 1);
});

it('too little to train on makes no challenger: the reason is stored, and the champions stay', async () => {
  const models = cloud.bucket('models');
  const before = await getText(models, keys.champion('lga'));
  const { status, startedAt } = await cloud.execute(cloud.name('stateMachines', '-retrain'), {
    locations: ['lga'],
    reason: 'too early',
  });
  expect(status).toBe('SUCCEEDED');
  expect(await getText(models, keys.champion('lga'))).toBe(before);
  const [evaluation] = [...cloud.objects('models', keys.evaluations('lga'))];
  expect(JSON.parse(evaluation?.bytes.toString() ?? '')).toMatchObject({
    outcome: 'kept',
    reasons: [expect.any(String)],
  });
  expect(startedAt).toBeDefined();
});

/** An hour has one poll, and one closing run that is tried three times; an SDK sends a request three times. */
describe('a total outage costs a bounded number of calls, and is over when it is over:', () => {
  const isWell = async (): Promise<void> => {
    const lived = await live();
    expect({ ingest: errorsOf(lived, 'ingest'), hourly: errorsOf(lived, 'hourly') }).toEqual({
      ingest: [],
      hourly: [],
    });
    expect(await forecastsOf(lived.hour)).toEqual(PLACES);
  };

  it('of the weather API, 16: two for the forecast of each place and six for its present', async () => {
    let requests = 0;
    weatherFault = () => {
      requests += 1;
      return { kind: 'status', status: 503 };
    };
    expect(errorsOf(await live(), 'ingest')).toHaveLength(1);
    expect(requests).toBeLessThanOrEqual(16);
    weatherFault = () => undefined;
    await isWell();
  });

  it.each([
    ['s3', 100],
    ['athena', 36],
    ['secretsmanager', 3],
    ['events', 9],
  ])('of %s, %i', async (service, bound) => {
    // A key that is cached outlives any outage.
    await cloud.recycle();
    let calls = 0;
    fault = (call) => {
      if (call.service !== service || call.caller === 'unknown') return undefined;
      calls += 1;
      return { kind: 'serverError' };
    };
    const lived = await live();
    expect(lived.runs.filter(({ result }) => result.functionError !== undefined).length).toBeGreaterThan(0);
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual(bound);
    fault = () => undefined;
    await isWell();
  });
});
