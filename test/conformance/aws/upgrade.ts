import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { addDays, addHours, hourStart, utcSecond } from '../../../lambdas/runtime/time';
import { MEASUREMENTS } from '../../../lambdas/weather/observation';
import { projectRoot } from '../../../lib/project-root';
import { LOCAL_WEATHER_KEY } from '../../../lib/recorded-weather/weather-api/weatherapi';
import { synthesise } from '../../../lib/scenario/synth';
import { Unavailable } from '../unavailable';
import { type Account, inEmulatedAccount, lastLine } from './account';
import { CommandFailed } from './deployment';
import { weatherUntilNow } from './weather';

/** The version that is upgraded: hourly rows of one kind, models of schema 1. */
const OLD_COMMIT = 'df411db49f67ecfb5ba62b301d83fc66fdf30a15';
const HISTORY_DAYS = 40;
const LIVE_HOURS = 2;
const WRITERS = 16;

/**
 * `npm run conformance -- upgrade`: a system of an earlier version, with a lake, models and a ledger of its own making, becomes
 * one of this code in place; then the same for a system that has no model yet. It needs the git history.
 */
export async function conformanceOfUpgrade(): Promise<void> {
  for (const models of [true, false]) {
    await inEmulatedAccount(`An upgrade ${models ? 'with' : 'without'} models`, (account) =>
      upgrade(account, models),
    );
    if (process.exitCode === 1) return;
  }
}

async function upgrade(account: Account, models: boolean): Promise<void> {
  const { config, deployment, directory, step } = account;
  const old = join(directory, 'old');
  const today = utcSecond(new Date()).slice(0, 10);
  const firstDay = addDays(today, -HISTORY_DAYS - 1);
  await step(`${OLD_COMMIT.slice(0, 7)} makes an assembly and a lake`, async () => {
    checkOut(old);
    writeRecording(account, join(old, 'recording'), firstDay);
    const days = ['--backfill-days', String(HISTORY_DAYS), '--live-hours', String(LIVE_HOURS)];
    node(old, 'bin/local.ts', ['--observations', 'recording.csv', ...days]);
    account.take(join(old, '.garoa', 'cdk.out'));
    return undefined;
  });
  await step('bootstrap', async () => lastLine(await deployment.cdk('bootstrap')));
  await step('deploy the old version', async () => {
    await deployment.cdk('deploy', '--all', '--require-approval', 'never');
    await deployment.garoa(['set-key'], `${LOCAL_WEATHER_KEY}\n`);
    const { raw, processed, models: ofModels } = await deployment.buckets();
    const from = (zone: string) => join(old, '.garoa', 's3', `garoa-prod-data-lake-${zone}`);
    const objects = [
      await copyObjects(account, from('raw'), raw),
      await copyObjects(account, from('processed'), processed),
      ...(models ? [await copyObjects(account, from('models'), ofModels)] : []),
    ];
    return `${objects.join(' + ')} objects`;
  });
  await step('deploy this version over it', async () => {
    const assembly = join(directory, 'synthesised');
    await synthesise(config, assembly);
    account.take(assembly);
    await deployment.cdk('deploy', '--all', '--require-approval', 'never');
    await account.openAthena();
    return undefined;
  });
  await runsOn(account, firstDay, models);
}

/** What polls and hourly runs do before anybody lends a hand, then the one command, then training. */
async function runsOn(account: Account, firstDay: string, models: boolean): Promise<void> {
  const { deployment, step } = account;
  const hour = hourStart(utcSecond(new Date()));
  const close = () =>
    deployment.invoke('hourly', {
      hour: hour.slice(0, 13),
      at: addHours(hour, 1).replace(':00:00', ':05:00'),
    });
  await step('poll', () => deployment.invoke('ingest', { locations: ['sao-paulo'] }));
  await step('an hourly run at once', close);
  await step('status', async () => lastLine(await deployment.garoa(['status'])));
  const to = hour.slice(0, 10);
  await step('the lake is recomputed from its raw zone', () =>
    deployment.invoke('hourly', { from: firstDay, to }),
  );
  await step('hours are of the new shape', async () => {
    const known = await account.countRows('hourly_observations', 'known_rained IS NOT NULL');
    const all = await account.countRows('hourly_observations');
    if (known < HISTORY_DAYS * 24 - 24) throw new CommandFailed(`${known} of ${all} hours know their rain.`);
    return `${known} of ${all}`;
  });
  await step('retraining', async () => lastLine(await deployment.garoa(['retrain'])));
  await step('an hourly run', close);
  await step('forecast', async () => lastLine(await deployment.garoa(['forecast', 'sao-paulo'])));
  await step('upkeep', () => deployment.invoke('hourly', { upkeep: utcSecond(new Date()).slice(0, 10) }));
  await step(models ? 'the ledger goes back to the old version' : 'the ledger begins', async () => {
    const said = await deployment.garoa(['history', 'sao-paulo']);
    // Each version begins a line of the table, and one of the reasons.
    const champions = new Set(said.match(/^\d{8}T\d{6}Z-[0-9a-f]+/gm)).size;
    if (champions !== (models ? 2 : 1)) throw new CommandFailed(said);
    return `${champions} champions`;
  });
  await account.nobodyWasRefused();
}

/** The old commit's files, with the packages of this one: it has them all, in the same versions. */
function checkOut(directory: string): void {
  mkdirSync(directory);
  try {
    const archive = execFileSync('git', ['archive', OLD_COMMIT], {
      cwd: projectRoot,
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    execFileSync('tar', ['-x'], { cwd: directory, input: archive });
  } catch {
    throw new Unavailable(`the git history with ${OLD_COMMIT} is not here.`);
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(directory, 'node_modules'));
  execFileSync('npm', ['run', '--silent', 'build:smo'], { cwd: directory });
}

function node(directory: string, script: string, args: readonly string[]): void {
  const tsx = join(projectRoot, 'node_modules/tsx/dist/cli.mjs');
  execFileSync(process.execPath, [tsx, script, ...args], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The weather of the check as a file of observations, from a day on until this one. */
function writeRecording({ config }: Account, file: string, firstDay: string): void {
  const [place] = config.locations;
  const recording = weatherUntilNow(config.locations, new Date());
  const [series] = recording.series.values();
  if (place === undefined || series === undefined) throw new Error('The configuration has a place.');
  const readings = series.between(Date.parse(firstDay) / 1000, Date.now() / 1000);
  const rows = readings.map(({ time, values }) =>
    [place.id, new Date(time * 1000).toISOString(), ...MEASUREMENTS.map((name) => values[name])].join(','),
  );
  writeFileSync(
    `${file}.csv`,
    [['location_id', 'observed_at', ...MEASUREMENTS].join(','), ...rows].join('\n'),
  );
  const { id, name, latitude, longitude, timezone } = place;
  writeFileSync(`${file}.json`, JSON.stringify({ locations: [{ id, name, latitude, longitude, timezone }] }));
}

async function copyObjects({ deployment }: Account, from: string, Bucket: string): Promise<number> {
  const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const write = pLimit(WRITERS);
  await write.map(files, ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return deployment.s3.send(
      new PutObjectCommand({ Bucket, Key: relative(from, path), Body: readFileSync(path) }),
    );
  });
  return files.length;
}
