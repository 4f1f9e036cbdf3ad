import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import * as z from 'zod';
import { HOURLY_OBSERVATIONS, keys } from '../../lambdas/lake/layout';
import { deleteObjects, putObject } from '../../lambdas/lake/s3';
import { readPromotions } from '../../lambdas/model/registry';
import { parseConfig } from '../../lib/config';
import type { Access } from '../../lib/operate/access';
import { accessToLocal } from '../../lib/operate/local';
import { operate } from '../../lib/operate/main';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import { REAL_MANNERS } from '../../lib/recorded-weather/weather-api/manners';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { DEFAULT_RECORDING, readRun, saveRun } from '../../lib/scenario/saved-run';
import { modelFile } from '../lambdas/model/model-file-fixture';
import { fakeTerminal } from '../lib/operate/terminal';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/** The first day of a deployment, lived by commands; each test finds what those before it left. */
const directory = mkdtempSync(join(tmpdir(), 'garoa-operate-'));
const run = join(directory, '.garoa');
const assemblyDirectory = join(run, 'cdk.out');
const START = new Date('2013-01-10T01:58:00Z');
const OLD = '20130109T000000Z-00000001';
const NEW = '20130109T120000Z-00000002';

let cloud: LocalGaroa;
let access: Access;
let models: string;

beforeAll(async () => {
  const recording = await readRecording(DEFAULT_RECORDING);
  const config = parseConfig({
    plan: 'business',
    locations: recording.locations,
    firstDay: '2013-01-01',
    training: { candidates: 1 },
  });
  await synthesise(config, assemblyDirectory);
  // What the days before hold is asked about, and they are too fresh for a history that comes late.
  const manners = { ...REAL_MANNERS, latestHoursLacking: 0 };
  cloud = await startLocalGaroa({
    assemblyDirectory,
    directory: run,
    recording,
    manners,
    start: START,
    patience: PATIENCE,
  });
  access = accessToLocal(cloud);
  models = cloud.name('buckets', '-models');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const deepStatus = z.object({ deep: z.looseObject({}) });

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly opened: readonly string[];
}

/** A command on the running cloud, as it would be on AWS. */
async function garoa(
  args: readonly string[],
  given: { input?: string; console?: true; sqs?: SQSClient } = {},
): Promise<Said> {
  const terminal = fakeTerminal({ directory, ...given });
  const code = await operate(args, terminal, async (common) => ({
    access: {
      ...access,
      stage: common.value('stage') ?? access.stage,
      hasConsole: given.console ?? access.hasConsole,
      sqs: given.sqs,
    },
    close: async () => undefined,
  }));
  return { code, out: terminal.out(), err: terminal.err(), opened: terminal.opened };
}

/** What a program gets. */
async function json(...args: string[]): Promise<unknown> {
  const { code, out, err } = await garoa([...args, '--json']);
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out);
}

/** The last line of the messages of a command that must fail. */
async function refusal(...args: string[]): Promise<string> {
  const { code, out, err } = await garoa(args);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  return err.trimEnd().split('\n').at(-1) ?? '';
}

const champions = async (location: string): Promise<string[]> =>
  (await readPromotions(cloud.bucket('models'), location)).map(({ version }) => version);

describe('on the day of the deployment', () => {
  it('status tells that nothing has happened yet, and what will', async () => {
    const { code, out } = await garoa(['status']);
    expect(code).toBe(0);
    expect(out).toContain('garoa-prod in us-east-1, 2013-01-10 01:58 UTC');
    expect(out).toContain('! No poll has been stored for 24 hours: see ingest-failed');
    expect(out).toContain('! No hour has been closed yet');
  });

  it.each([
    [['forecast', 'jfk'], 'There is no forecast of jfk yet: no hour has been closed.'],
    [['report', '--no-open'], 'There are no pages yet: the first hourly run, and then each, makes them.'],
    [['history', 'jfk'], 'jfk has had no champion yet.'],
    [['rollback', 'jfk'], 'jfk has no champion yet: there is nothing to go back to.'],
    [['promote', 'jfk', OLD], 'jfk has no model yet: retrain makes one.'],
  ])('%j says that there is nothing yet', async (args, sentence) => {
    expect(await refusal(...args)).toBe(sentence);
  });

  it.each([
    [['forecast', 'jfq']],
    [['history', 'jfq']],
    [['rollback', 'jfq']],
    [['promote', 'jfq', OLD]],
    [['retrain', '--locations', 'lga,jfq']],
    [['backfill', '--from', '2013-01-01', '--locations', 'jfq']],
  ])('%j names the places that were deployed', async (args) => {
    expect(await refusal(...args)).toBe(
      'There is no location "jfq". Did you mean jfk? Deployed are ewr, jfk, lga.',
    );
  });

  it.each([[['status']], [['set-key']], [['backfill', '--from', '2013-01-01']], [['retrain']], [['report']]])(
    '%j knows a stage that nobody deployed',
    async (args) => {
      const { code, err } = await garoa([...args, '--stage', 'dev'], { input: 'k3y' });
      expect(code).toBe(1);
      expect(err).toBe(
        'There is no garoa-dev in us-east-1: deploy it with npx cdk deploy --all, or name another --stage, --region or --profile.\n',
      );
    },
  );
});

describe('set-key', () => {
  const KEY = 'k3y-0f-the-t3st';
  const stored = async (): Promise<string | undefined> =>
    (await access.secrets.send(new GetSecretValueCommand({ SecretId: 'garoa-prod-api-key' }))).SecretString;

  it('sets what is piped in, and never shows it', async () => {
    const before = await stored();
    for (const args of [['set-key'], ['set-key', '--json']]) {
      const { code, out, err } = await garoa(args, { input: `${KEY}\n` });
      expect(code).toBe(0);
      expect(out).toContain('garoa-prod-api-key');
      expect(out + err).not.toContain(KEY);
    }
    expect(await stored()).toBe(KEY);
    cloud.services.setSecret('garoa-prod-api-key', before ?? '');
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['two words', `${KEY} ${KEY}`],
    ['several lines', `${KEY}\n${KEY}\n`],
    ['a control character', `\u001b[A${KEY}`],
    ['a whole file', KEY.repeat(100)],
  ])('refuses %s, and keeps the key that is there', async (_, input) => {
    const before = await stored();
    const { code, out, err } = await garoa(['set-key'], { input });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('the one before stays');
    expect(err).not.toContain(KEY);
    expect(await stored()).toBe(before);
  });
});

describe('backfill', () => {
  it('fills days from the provider, says under which name, and how it ended', async () => {
    const { code, out, err } = await garoa(['backfill', '--from', '2013-01-07']);
    expect(code).toBe(0);
    expect(out).toBe('All 3 days from 2013-01-07 on are filled.\n');
    expect(err).toMatch(
      /^Started garoa-prod-backfill, execution ordered-20130110T015800Z-[0-9a-f]{8}\ngaroa-prod-backfill\n✓ /,
    );
    expect([...cloud.objects('processed', HOURLY_OBSERVATIONS.prefix)]).toHaveLength(3);
  });

  it('fills some places of one day again when it is told to', async () => {
    const range = ['--from', '2013-01-07', '--to', '2013-01-07', '--locations', 'jfk,lga', '--force'];
    expect(await json('backfill', ...range)).toMatchObject({
      machine: 'garoa-prod-backfill',
      from: '2013-01-07',
      to: '2013-01-07',
      days: 1,
    });
    const { event } = cloud.invocations().findLast((record) => record.function.endsWith('-ingest')) ?? {};
    expect(event).toMatchObject({
      backfill: { date: '2013-01-07', locations: ['jfk', 'lga'], force: true },
    });
  });

  it('fails with the cause that the machine gives', async () => {
    expect(await refusal('backfill', '--from', '2012-12-30', '--to', '2012-12-31')).toMatch(
      /^garoa-prod-backfill ordered-\S+ failed: RequestRefused: Give .* nor before garoa\.firstDay \(2013-01-01\)/,
    );
  });

  it('starts and goes when nobody wants to wait, with a link to the console', async () => {
    const { code, out, err } = await garoa(
      ['backfill', '--from', '2012-12-31', '--to', '2012-12-31', '--no-wait'],
      {
        console: true,
      },
    );
    const execution = cloud.executions().at(-1);
    expect(code).toBe(0);
    expect(out).toBe(`${execution?.name} goes on by itself.\n`);
    expect(err).toContain(
      `https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/${execution?.arn}`,
    );
    await cloud.settle();
    expect(cloud.executions().at(-1)?.status).toBe('FAILED');
  });

  it.each([
    [['--from', '2013-01-10'], '--from 2013-01-10 is not over yet: it is 2013-01-10 in UTC.'],
    [
      ['--from', '2013-01-09', '--to', '2013-01-11'],
      '--to 2013-01-11 has not come yet: it is 2013-01-10 in UTC.',
    ],
    [
      ['--from', '2013-01-09', '--no-wait'],
      '--no-wait has no meaning with --local: what is started ends with the command.',
    ],
  ])('refuses %j and starts nothing', async (args, sentence) => {
    const before = cloud.executions().length;
    expect(await refusal('backfill', ...args)).toBe(sentence);
    expect(cloud.executions()).toHaveLength(before);
  });
});

describe('retrain', () => {
  it('tells what came of each place, and why', async () => {
    const order = ['--locations', 'jfk,ewr', '--reason', 'a first look', '--as-of', '2013-01-09T12:00:00Z'];
    const { code, out } = await garoa(['retrain', ...order]);
    expect(code).toBe(0);
    expect(out).toContain('As of 2013-01-09T12:00:00Z: 2 kept.');
    expect(out).toMatch(/^jfk +kept +– +– +–$/m);
    expect(out).toMatch(/^jfk: .+/m);
    expect(cloud.executions().at(-1)?.input).toEqual({
      locations: ['jfk', 'ewr'],
      reason: 'a first look',
      asOf: '2013-01-09T12:00:00.000Z',
    });
  });

  it('refuses a future to train as of', async () => {
    expect(await refusal('retrain', '--as-of', '2013-01-11T00:00:00Z')).toContain('has not come yet');
  });
});

describe('champions', () => {
  beforeAll(async () => {
    for (const version of [OLD, NEW]) {
      const model = JSON.stringify(modelFile('jfk', version));
      await putObject(cloud.bucket('models'), keys.model('jfk', version), model, 'application/json');
    }
  });

  it('are made by promote, with the reason, and what they replaced', async () => {
    const { out } = await garoa(['promote', 'jfk', OLD, '--reason', 'the first']);
    expect(out).toBe(`${OLD} is the champion of jfk from 2013-01-10 01:58 UTC on.\n`);
    expect(await json('promote', 'jfk', NEW)).toMatchObject({
      version: NEW,
      previousVersion: OLD,
      reason: 'ordered',
      changed: true,
    });
    expect(await champions('jfk')).toEqual([OLD, NEW]);
  });

  it('stay as they are when they are promoted again', async () => {
    expect(await json('promote', 'jfk', NEW)).toMatchObject({ version: NEW, changed: false });
    expect(await champions('jfk')).toEqual([OLD, NEW]);
  });

  it('can be no version that is not stored', async () => {
    expect(await refusal('promote', 'jfk', `${OLD.slice(0, -1)}9`)).toBe(
      `jfk has no version "${OLD.slice(0, -1)}9". Did you mean ${OLD}? The newest are ${NEW}, ${OLD}.`,
    );
  });

  it('can be no version that the deployed code cannot use', async () => {
    const damaged = '20130109T120000Z-0000bad0';
    const key = keys.model('jfk', damaged);
    await putObject(cloud.bucket('models'), key, '{}', 'application/json');
    expect(await refusal('promote', 'jfk', damaged)).toContain(`Version ${damaged} of jfk can't forecast`);
    await deleteObjects(cloud.bucket('models'), [key]);
    expect(await champions('jfk')).toEqual([OLD, NEW]);
  });

  it('are replaced with the one before by rollback, which says so first', async () => {
    const { out } = await garoa(['rollback', 'jfk', '--dry-run']);
    expect(out).toMatch(
      new RegExp(`^${NEW}, champion of jfk since .*, is replaced with ${OLD}, champion from`),
    );
    expect(await champions('jfk')).toEqual([OLD, NEW]);
    const { out: told, err } = await garoa(['rollback', 'jfk']);
    expect(err).toContain(`${NEW}, champion of jfk since`);
    expect(told).toContain(`${OLD} is the champion of jfk from`);
    expect(told).toContain(`in place of ${NEW}.`);
    expect(await champions('jfk')).toEqual([OLD, NEW, OLD]);
  });

  it('of all times are in the history, newest first', async () => {
    expect(await json('history', 'jfk')).toMatchObject({
      promotions: [
        { version: OLD, outcome: 'restored', reason: 'rolled back' },
        { version: NEW },
        { version: OLD, reason: 'the first' },
      ],
    });
    const { out } = await garoa(['history', 'jfk', '--at', '2013-01-10T01:58:01Z']);
    expect(out).toContain(NEW);
    expect(out).not.toContain(OLD);
    expect(await refusal('history', 'jfk', '--at', '2013-01-09T00:00:00Z')).toBe(
      'jfk had no champion at 2013-01-09 00:00 UTC: the first came at 2013-01-10 01:58 UTC.',
    );
  });

  it('cannot be rolled back when there was only one, or when nobody can tell who it is', async () => {
    const [version, key] = ['20130109T000000Z-0000e3e3', keys.champion('ewr')];
    const model = JSON.stringify(modelFile('ewr', version));
    await putObject(cloud.bucket('models'), keys.model('ewr', version), model, 'application/json');
    await garoa(['promote', 'ewr', version]);
    expect(await refusal('rollback', 'ewr')).toBe(
      `ewr has had no champion but ${version}: there is nothing to go back to.`,
    );
    await putObject(cloud.bucket('models'), key, '{}', 'application/json');
    expect(await refusal('rollback', 'ewr')).toContain("Who is champion of ewr can't be read");
    expect((await garoa(['status'])).out).toContain("! Who is champion can't be read for ewr");
    await deleteObjects(cloud.bucket('models'), [key]);
  });
});

describe('once an hour has been lived', () => {
  beforeAll(async () => {
    await cloud.advanceTo(new Date('2013-01-10T02:06:00Z'));
  });

  it('forecast says whether it will rain in the hour that runs', async () => {
    const { code, out } = await garoa(['forecast', 'jfk']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^John F Kennedy Intl \(jfk\), 9 Jan 2013, 21:00 to 22:00 \(America\/New_York\): (no )?rain, probability \d+\.\d%\.\n/,
    );
    expect(out).toContain(`Issued 2013-01-10 02:05 UTC, 1 minute ago, by ${OLD}.`);
    expect(await json('forecast', 'jfk')).toMatchObject({
      location: 'jfk',
      targetHour: '2013-01-10T02:00:00Z',
      modelVersion: OLD,
      over: false,
    });
  });

  it('forecast says why there is none', async () => {
    expect(await refusal('forecast', 'lga')).toBe(
      'There is no forecast of lga for the hour from 2013-01-10 02:00 UTC: no model yet.',
    );
  });

  it('status shows polls, forecasts and champions, and what is missing', async () => {
    const { out } = await garoa(['status']);
    expect(out).toContain('Polling     last stored 2013-01-10 02:05 UTC, 1 minute ago');
    expect(out).toContain('Forecast    of the hour from 2013-01-10 02:00 UTC, issued 1 minute ago');
    expect(out).toMatch(/^Retraining {2}succeeded, started \d+ minutes ago: ordered-/m);
    expect(out).toMatch(new RegExp(`^jfk .*${OLD}`, 'm'));
    expect(out).toContain('! There is no model yet for ewr, lga');
    expect(out).toMatch(/! The last backfill ended as FAILED: ordered-/);
    expect(await json('status')).toMatchObject({
      lastPoll: '2013-01-10T02:05:00Z',
      places: [{ location: 'ewr' }, { location: 'jfk', champion: { version: OLD } }, { location: 'lga' }],
    });
  });

  it('status names the days that lack hours, with the backfill that helps', async () => {
    const today =
      '! 3 hours of the last 7 days and today are missing: backfill can fetch those of today once it is over.';
    expect((await garoa(['status'])).out).toContain(today);
    const day = keys.hourlyDay('2013-01-08');
    const [lost] = [...cloud.objects('processed', day)];
    await deleteObjects(cloud.bucket('processed'), [day]);
    expect((await garoa(['status'])).out).toMatch(
      /! 75 hours of the last 7 days and today are missing: backfill --from 2013-01-08 --to 2013-01-08\./,
    );
    await putObject(cloud.bucket('processed'), day, lost?.bytes ?? '', 'binary/octet-stream');
    expect((await garoa(['status'])).out).toContain(today);
  });

  it('status --deep counts afresh what the lake holds, and names what does not agree', async () => {
    const whole = deepStatus.parse(await json('status', '--deep', '--days', '3'));
    expect(whole.deep).toMatchObject({
      from: '2013-01-08',
      to: '2013-01-10',
      hours: { expected: 150, present: 147, twice: 0 },
      forecasts: { due: 0, made: 1, twice: 0, missing: [] },
      champions: ['ewr: a ledger without a pointer'],
      unreadable: [],
      quarantined: 0,
      deadLetters: null,
    });
    const { out } = await garoa(['status', '--deep', '--days', '3']);
    expect(out).toMatch(/^hours\s+147 of 150\s+0 twice$/m);
    expect(out).toContain('! ewr: a ledger without a pointer: promote a version.');

    const day = keys.hourlyDay('2013-01-08');
    const [kept] = [...cloud.objects('processed', day)];
    await putObject(cloud.bucket('processed'), day, 'no Parquet', 'binary/octet-stream');
    const foreign = keys.quarantined(`${keys.rawHour('2013-01-09', '05')}README.txt`);
    await putObject(cloud.bucket('raw'), foreign, 'Do not touch.', 'text/plain');
    const queues = mockClient(SQSClient);
    queues.on(GetQueueUrlCommand).callsFake(({ QueueName }) => ({ QueueUrl: `https://sqs/${QueueName}` }));
    queues
      .on(GetQueueAttributesCommand)
      .resolves({ Attributes: { ApproximateNumberOfMessages: '0' } })
      .on(GetQueueAttributesCommand, { QueueUrl: 'https://sqs/garoa-prod-hourly-failures' })
      .resolves({ Attributes: { ApproximateNumberOfMessages: '2' } })
      .on(GetQueueUrlCommand, { QueueName: 'garoa-prod-undelivered' })
      .rejects(new QueueDoesNotExist({ message: 'gone', $metadata: {} }));
    const found = await garoa(['status', '--deep', '--days', '3'], {
      sqs: new SQSClient({ region: 'us-east-1' }),
    });
    expect(found.out).toContain(`! 1 object can't be read: ${day}.`);
    expect(found.out).toContain('! 1 raw object set aside: see raw-object-set-aside in the runbook.');
    expect(found.out).toContain('! 2 events given up, in the queue garoa-prod-hourly-failures');
    await deleteObjects(cloud.bucket('raw'), [foreign]);
    await putObject(cloud.bucket('processed'), day, kept?.bytes ?? '', 'binary/octet-stream');
  });

  it.each([
    [['--days', '3'], '--days goes with --deep.'],
    [['--deep', '--days', 'x'], '--days needs a whole number from 1 to 400, not "x".'],
  ])('status %j is refused', async (args, reason) => {
    expect(await refusal('status', ...args)).toBe(reason);
  });

  it('report brings the pages that can be reached from the index, and opens them', async () => {
    await putObject(
      cloud.bucket('models'),
      keys.pagesIndex,
      '<a href="places/jfk.html"></a><a href="places/gone.html"></a><a href="../jfk/champion.json"></a>',
      'text/html',
    );
    await putObject(cloud.bucket('models'), keys.page('jfk'), '<a href="../index.html"></a>', 'text/html');
    const { code, out, opened } = await garoa(['report', '--to', 'pages']);
    const index = join(directory, 'pages', 'index.html');
    expect({ code, out, opened }).toEqual({ code: 0, out: `3 pages: ${index}\n`, opened: [index] });
    expect(existsSync(join(directory, 'pages', 'pages', 'places', 'jfk.html'))).toBe(true);
    expect(existsSync(join(directory, 'pages', 'jfk'))).toBe(false);
    expect((await garoa(['report', '--no-open'])).opened).toEqual([]);
  });

  it('report says where it cannot write', async () => {
    writeFileSync(join(directory, 'taken'), '');
    expect(await refusal('report', '--to', 'taken')).toMatch(
      /taken\/index\.html can't be written \(E\w+\)\.$/,
    );
  });

  it('status and forecast tell when time has gone on without polls and runs', async () => {
    await cloud.settle(new Date('2013-01-10T05:00:00Z'));
    const { out } = await garoa(['status']);
    expect(out).toContain('! No poll has been stored since 2013-01-10 02:05 UTC');
    expect(out).toContain(
      '! The newest forecast is of the hour from 2013-01-10 02:00 UTC: see forecasts-are-old.',
    );
    expect((await garoa(['forecast', 'jfk'])).out).toContain('That hour is over');
  });

  it('forecast says that latest.json is damaged', async () => {
    await putObject(cloud.bucket('models'), keys.latest, '{"version":1', 'application/json');
    expect(await refusal('forecast', 'jfk')).toMatch(/^latest\.json in \S+ is damaged or of another version/);
    const { code, out } = await garoa(['status']);
    expect(code).toBe(0);
    expect(out).toMatch(/^! latest\.json in \S+ is damaged .* makes it anew\.$/m);
  });
});

describe('--local', () => {
  const local = async (...args: string[]): Promise<Said> => {
    const terminal = fakeTerminal({ directory });
    const code = await operate([...args, '--local'], terminal);
    return { code, out: terminal.out(), err: terminal.err(), opened: terminal.opened };
  };

  beforeAll(async () => {
    for (const client of [access.lambda, access.s3, access.secrets, access.sfn]) client.destroy();
    await cloud.close();
  });

  it('says when there is no run, or none that came to its end', async () => {
    const terminal = fakeTerminal({ directory: join(directory, 'pages') });
    expect(await operate(['status', '--local'], terminal)).toBe(1);
    expect(terminal.err()).toMatch(/^There is no local run in .*: make one with npm start\.\n$/);
    expect(existsSync(join(directory, 'pages', '.garoa'))).toBe(false);
    expect((await local('status')).err).toMatch(
      /^There is no finished run in .*: make one with npm start\.\n$/,
    );
    writeFileSync(join(run, 'run.json'), '{');
    expect((await local('status')).err).toMatch(/run\.json is damaged: make a new run with npm start\.\n$/);
  });

  it('goes on where the run ended, and leaves what it did for the next command', async () => {
    const now = '2013-01-10T05:30:00.000Z';
    saveRun(run, { observations: null, columns: null, currentRain: 'running-hour', now });
    expect(await local('rollback', 'jfk')).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${NEW} is the champion of jfk from 2013-01-10 05:30 UTC on`),
    });
    expect(readRun(run)).toEqual({ observations: null, columns: null, currentRain: 'running-hour', now });
    const pointer = join(run, 's3', models, keys.champion('jfk'));
    expect(readFileSync(pointer, 'utf8')).toContain(`"since": "2013-01-10T05:30:00Z"`);
    expect(existsSync(join(run, 'run.pid'))).toBe(false);
  });

  it('says when the run has lost the application that it ran', async () => {
    renameSync(assemblyDirectory, `${assemblyDirectory}-lost`);
    expect((await local('status')).err).toMatch(/has lost its application \(cdk\.out\): make a new one/);
    renameSync(`${assemblyDirectory}-lost`, assemblyDirectory);
  });

  it('leaves a run alone that another process works on', async () => {
    writeFileSync(join(run, 'run.pid'), String(process.ppid));
    expect(await local('status')).toMatchObject({
      code: 1,
      err: `Another run (process ${process.ppid}) is at work in ${run}.\n`,
    });
    rmSync(join(run, 'run.pid'));
  });

  it('takes a key from a pipe as a person types the command, and shows it nowhere', async () => {
    const child = spawn(
      process.execPath,
      [
        '--import',
        resolve('node_modules/tsx/dist/loader.mjs'),
        resolve('bin/operate.ts'),
        'set-key',
        '--local',
      ],
      { cwd: directory, stdio: 'pipe' },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    child.stdin.end('k3y-from-a-pipe\n');
    const code = await new Promise((done) => child.once('close', done));
    expect(said).toBe(
      'The key is set in garoa-prod-api-key. The local cloud forgets it now: its weather API takes a key of its own.\n',
    );
    expect(code).toBe(0);
  });
});
