import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keys } from '../../lambdas/lake/layout';
import { putObject } from '../../lambdas/lake/s3';
import { parseConfig } from '../../lib/config';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../lib/recorded-weather/recording';
import { type LocalGaroa, type LocalGaroaOptions, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { editedAssembly, type TemplateResource } from '../edited-assembly';
import { appoint } from '../lambdas/hourly/hourly-cloud';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/** A Tuesday, in the middle of an hour. */
const START = new Date('2013-03-05T10:20:00Z');
const HOUR = 3_600_000;

let directory: string;
let assemblyDirectory: string;
let recording: Recording;
let cloud: LocalGaroa;
let deployedAt = START;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'garoa-alarms-'));
  recording = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  assemblyDirectory = join(directory, 'cdk.out');
  await synthesise(parseConfig({ plan: 'business', locations: recording.locations }), assemblyDirectory);
});
afterEach(() => cloud.close());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Edit = (resources: TemplateResource[]) => void;

async function deploy(options: Partial<LocalGaroaOptions> = {}, edit?: Edit): Promise<void> {
  const run = mkdtempSync(join(directory, 'run-'));
  deployedAt = options.start ?? START;
  cloud = await startLocalGaroa({
    patience: PATIENCE,
    assemblyDirectory: edit
      ? editedAssembly(assemblyDirectory, join(run, 'cdk.out'), edit)
      : assemblyDirectory,
    directory: run,
    recording,
    start: START,
    ...options,
  });
}

const after = (hours: number) => new Date(deployedAt.getTime() + hours * HOUR);
const live = (hours: number) => cloud.advanceTo(after(hours));

/** Every alarm that rang, with the hours after the deployment from which until which it did. */
function rang(): Record<string, readonly (number | undefined)[]> {
  const found = [...cloud.alarms()].flatMap(([name, changes]) => {
    const hours = (at: string | undefined) =>
      at === undefined ? undefined : Math.round(((Date.parse(at) - deployedAt.getTime()) / HOUR) * 100) / 100;
    const begun = changes.findIndex(({ state }) => state === 'ALARM');
    return begun < 0
      ? []
      : [
          [
            name.replace('garoa-prod-', ''),
            [hours(changes[begun]?.at), hours(changes[begun + 1]?.at)],
          ] as const,
        ];
  });
  return Object.fromEntries(found);
}

const schedules =
  (change: (name: string, properties: Record<string, unknown>) => void): Edit =>
  (resources) => {
    for (const { Type, Properties } of resources) {
      if (Type === 'AWS::Scheduler::Schedule') change(String(Properties.Name), Properties);
    }
  };

/** Where a test is not about polls, there is one in each period of their alarms, the first as the deployment begins. */
const seldomPolled = (change: (name: string, properties: Record<string, unknown>) => void = () => {}): Edit =>
  schedules((name, properties) => {
    if (name.includes('-ingest-')) properties.ScheduleExpression = 'cron(5/15 * * * ? *)';
    else change(name, properties);
  });

it('a fresh deployment whose key is set an hour later rings that polls fail, for as long as they do, and nothing else', async () => {
  const noKey = { error: { code: 1002, message: 'API key is invalid or not provided.' } };
  await deploy({
    weatherFaults: ({ at }) => (at < after(1) ? { kind: 'body', status: 401, body: noKey } : undefined),
  });
  await live(5);
  const { 'ingest-failed': failed, ...others } = rang();
  expect(others).toEqual({});
  // Three periods of a quarter of an hour, the first of which holds a single run.
  expect(failed?.[0]).toBeGreaterThan(0.5);
  expect(failed?.[0]).toBeLessThanOrEqual(0.75);
  expect(failed?.[1]).toBeGreaterThan(1);
  expect(failed?.[1]).toBeLessThan(1.5);
});

it('one bad minute, in which every place fails, rings nothing', async () => {
  const bad = after(1).getTime();
  await deploy({
    weatherFaults: ({ at }) =>
      at.getTime() >= bad && at.getTime() < bad + 60_000 ? { kind: 'status', status: 404 } : undefined,
  });
  await live(2);
  expect(cloud.deadLetters()).toHaveLength(1);
  expect(rang()).toEqual({});
});

it('schedules that never fire from the first day on ring within their window plus a period, counted from the first poll', async () => {
  await deploy(
    {},
    seldomPolled((_, properties) => {
      properties.State = 'DISABLED';
    }),
  );
  await live(7 * 24 + 2);
  const found = rang();
  expect(Object.keys(found).sort()).toEqual([
    'hourly-did-not-run',
    'retraining-did-not-run',
    'upkeep-did-not-run',
  ]);
  expect(found['hourly-did-not-run']?.[0]).toBeLessThanOrEqual(2 + 1);
  expect(found['upkeep-did-not-run']?.[0]).toBeLessThanOrEqual(26 + 1);
  expect(found['retraining-did-not-run']?.[0]).toBeLessThanOrEqual(7 * 24 + 1);
  expect(Object.values(found).filter(([, until]) => until !== undefined)).toEqual([]);
});

it('hourly runs that stop ring once, although upkeep invokes their function at night', async () => {
  await deploy(
    { start: new Date('2013-03-05T21:20:00Z') },
    seldomPolled((name, properties) => {
      if (name.endsWith('-hourly')) properties.State = 'DISABLED';
    }),
  );
  await live(5);
  expect(cloud.executions().map(({ machine, status }) => [machine, status])).toContainEqual([
    'garoa-prod-upkeep',
    'SUCCEEDED',
  ]);
  const { 'hourly-did-not-run': missed, ...others } = rang();
  expect(others).toEqual({});
  expect(missed?.[0]).toBeLessThanOrEqual(2 + 1);
  expect(missed?.[1]).toBeUndefined();
});

it('a raw object that nobody can read rings until it is hours ago', async () => {
  await deploy({}, seldomPolled());
  await live(0.5);
  const key = `${keys.rawHour('2013-03-05', '10')}1059-x.ndjson.gz`;
  await putObject(cloud.bucket('raw'), key, Buffer.from('hello\n'), 'application/x-ndjson');
  await live(5);
  const { 'raw-object-set-aside': rung, ...others } = rang();
  expect(others).toEqual({});
  // The hour is closed at 11:05, and CloudWatch looks back three hours.
  expect(rung?.[0]).toBeCloseTo(0.77, 1);
  expect(rung?.[1]).toBeLessThan(4);
});

it('polls that never come ring that they did not, and that the hours they leave are empty', async () => {
  await deploy(
    {},
    schedules((name, properties) => {
      if (name.includes('-ingest-')) properties.State = 'DISABLED';
    }),
  );
  await live(5);
  const found = rang();
  expect(Object.keys(found).sort()).toEqual(['hourly-aggregated-nothing', 'ingest-did-not-run']);
  expect(found['ingest-did-not-run']?.[0]).toBeLessThan(0.1);
});

it('an hourly run that dies as often as it is tried rings, and the alarm goes back by itself', async () => {
  const until = after(1).toISOString();
  await deploy(
    {
      faults: ({ operation, caller }) =>
        operation === 'StartQueryExecution' && caller.endsWith('-hourly') && cloud.now().toISOString() < until
          ? { kind: 'crash', when: 'before' }
          : undefined,
    },
    seldomPolled(),
  );
  await live(6);
  const found = rang();
  expect(Object.keys(found)).toEqual(['hourly-failed']);
  // The run at 11:05 was tried three times within three minutes.
  expect(found['hourly-failed']?.[0]).toBeCloseTo(0.82, 1);
  expect(found['hourly-failed']?.[1]).toBeLessThan(4);
});

it('an upkeep whose function dies as often as it is tried rings, and the hours beside it do not', async () => {
  // Upkeep comes at 00:25, and is tried once more ten minutes later.
  await deploy(
    {
      start: new Date('2013-03-05T23:20:00Z'),
      faults: ({ caller }) => {
        const hours = (cloud.now().getTime() - deployedAt.getTime()) / HOUR;
        return caller.endsWith('-hourly') && hours > 1 && hours < 1.7
          ? { kind: 'crash', when: 'before' }
          : undefined;
      },
    },
    seldomPolled(),
  );
  await live(3);
  const found = rang();
  expect(Object.keys(found)).toEqual(['upkeep-failed']);
  expect(found['upkeep-failed']?.[0]).toBeLessThan(1.5);
});

it('a retraining that could not be started rings, with the event in the queue', async () => {
  await deploy(
    {},
    seldomPolled((name, properties) => {
      if (!name.endsWith('-retrain')) return;
      properties.ScheduleExpression = 'cron(30 10 * * ? *)';
      properties.Target = {
        ...Object(properties.Target),
        Arn: 'arn:aws:states:us-east-1:123456789012:stateMachine:gone',
      };
    }),
  );
  await live(1);
  expect(cloud.deadLetters().map(({ queueArn }) => queueArn)).toEqual([
    expect.stringContaining(':garoa-prod-undelivered'),
  ]);
  expect(rang()).toEqual({ 'start-was-not-delivered': [expect.any(Number), undefined] });
});

it('a retraining whose every attempt dies rings that it failed', async () => {
  await deploy(
    {
      faults: ({ operation, caller }) =>
        operation === 'StartQueryExecution' && caller.endsWith('-retrain')
          ? { kind: 'crash', when: 'before' }
          : undefined,
    },
    seldomPolled(),
  );
  await live(0.1);
  const { status } = await cloud.execute(cloud.name('stateMachines', '-retrain'), {
    scheduledTime: START.toISOString(),
  });
  expect(status).toBe('FAILED');
  await live(0.5);
  expect(rang()).toEqual({ 'retraining-failed': [expect.any(Number), undefined] });
});

it('a backfill whose days the provider does not have rings that it failed', async () => {
  await deploy(
    {
      weatherFaults: ({ path }) => (path === '/history.json' ? { kind: 'status', status: 404 } : undefined),
    },
    seldomPolled(),
  );
  const { status } = await cloud.execute(cloud.name('stateMachines', '-backfill'), {
    from: '2013-03-01',
    to: '2013-03-02',
  });
  expect(status).toBe('FAILED');
  await live(0.7);
  expect(rang()).toEqual({ 'backfill-failed': [expect.any(Number), undefined] });
});

it('a damaged model of one place rings that it was refused, and after three hours that its forecasts are old', async () => {
  await deploy({}, seldomPolled());
  const models = cloud.bucket('models');
  await appoint(models, '2013-03-01T00:00:00Z');
  await live(2);
  expect(rang()).toEqual({});
  await putObject(models, keys.model('jfk', 'v1'), '{}', 'application/json');
  await cloud.recycle();
  await live(7);
  const found = rang();
  expect(Object.keys(found).sort()).toEqual(['forecasts-are-old', 'model-refused']);
  expect(found['model-refused']?.[0]).toBeLessThan(3);
  expect(found['forecasts-are-old']?.[0]).toBeGreaterThan(4);
});
