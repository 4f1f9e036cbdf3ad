import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  GetBucketPolicyCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { keys } from '../../../lambdas/lake/layout';
import { addDays, addHours, hourStart, utcSecond } from '../../../lambdas/runtime/time';
import { LOCAL_WEATHER_KEY } from '../../../lib/recorded-weather/weather-api/weatherapi';
import { synthesise } from '../../../lib/scenario/synth';
import { type Account, inEmulatedAccount, lastLine } from './account';
import { CommandFailed } from './deployment';

/** Days of history: enough for a first model. */
const DAYS = 45;
const LONGEST_WAIT_FOR_POLL_MS = 130_000;

/** `npm run conformance -- aws`: the application of this code, from its first deployment to its removal. */
export async function conformanceWithAws(): Promise<void> {
  await inEmulatedAccount('The application in an emulated account', async (account) => {
    const { config, deployment, directory, step } = account;
    const assembly = join(directory, 'synthesised');
    await step('synth', async () => {
      await synthesise(config, assembly);
      account.take(assembly);
      return undefined;
    });
    await step('IAM is on: a stranger is refused', () => refusesStrangers(account));
    await step('bootstrap', async () => lastLine(await deployment.cdk('bootstrap')));
    await step("the local cloud's tests of its services, asked here", () => deployment.tests());
    await step('deploy', async () => {
      await deployment.cdk('deploy', '--all', '--require-approval', 'never');
      await account.openAthena();
      return undefined;
    });
    await live(account);
    await step('status', async () => lastLine(await deployment.garoa(['status'])));
    await step('a schedule polls', async () => polled(account));
    await step('diff is empty', async () =>
      containing(await deployment.cdk('diff', '--all'), /Number of stacks with differences: 0/),
    );
    await step('a second deployment changes nothing', async () => {
      const said = await deployment.cdk('deploy', '--all', '--require-approval', 'never');
      const unchanged = said.match(/\(no changes\)/g)?.length ?? 0;
      if (unchanged !== 3) throw new CommandFailed(`${unchanged} of 3 stacks did not change:\n${said}`);
      return undefined;
    });
    const before = await lakeRows(account);
    await step('destroy leaves four buckets with their policies', () => destroy(account));
    await step('adopt', async () => lastLine(await deployment.garoa(['adopt'])));
    await step('import', async () =>
      lastLine(await deployment.cdk('import', 'DataLake', '--resource-mapping', 'adopted-buckets.json')),
    );
    await step('deploy over the old lake', async () => {
      await deployment.cdk('deploy', '--all', '--require-approval', 'never');
      await account.openAthena();
      return undefined;
    });
    await step('set-key again', async () =>
      lastLine(await deployment.garoa(['set-key'], `${LOCAL_WEATHER_KEY}\n`)),
    );
    await step('the old lake is there', async () => {
      const after = await lakeRows(account);
      if (after !== before) throw new CommandFailed(`${before} before, ${after} after`);
      return after;
    });
    await step('retraining of the old lake', async () => lastLine(await deployment.garoa(['retrain'])));
    await step('history goes on', async () => lastLine(await deployment.garoa(['history', 'sao-paulo'])));
    await account.nobodyWasRefused();
  });
}

/** Key, poll, history, training, an hour, upkeep: each asked for as its users do. */
async function live({ deployment, step }: Account): Promise<void> {
  const now = utcSecond(new Date());
  const today = now.slice(0, 10);
  await step('set-key', async () => lastLine(await deployment.garoa(['set-key'], `${LOCAL_WEATHER_KEY}\n`)));
  await step('poll', () => deployment.invoke('ingest', { locations: ['sao-paulo'] }));
  await step('backfill', async () =>
    lastLine(await deployment.garoa(['backfill', '--from', addDays(today, -DAYS)])),
  );
  await step('retraining', async () => lastLine(await deployment.garoa(['retrain'])));
  const hour = hourStart(now);
  await step('hourly run', () =>
    deployment.invoke('hourly', {
      hour: hour.slice(0, 13),
      at: addHours(hour, 1).replace(':00:00', ':05:00'),
    }),
  );
  await step('forecast', async () => lastLine(await deployment.garoa(['forecast', 'sao-paulo'])));
  await step('upkeep', () => deployment.invoke('hourly', { upkeep: today }));
  await step('history', async () => lastLine(await deployment.garoa(['history', 'sao-paulo'])));
  await step('report', async () =>
    lastLine(await deployment.garoa(['report', '--no-open', '--to', 'pages'])),
  );
}

async function lakeRows({ countRows }: Account): Promise<string> {
  return `${await countRows('hourly_observations')} hours, ${await countRows('forecasts')} forecasts`;
}

async function refusesStrangers({ emulator }: Account): Promise<string> {
  const stranger = new S3Client({
    endpoint: emulator.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIASTRANGER00000000', secretAccessKey: 'none' },
    requestHandler: { httpsAgent: { ca: emulator.certificate } },
    maxAttempts: 1,
  });
  const answer = await stranger.send(new ListBucketsCommand({})).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
  if (answer === undefined) throw new CommandFailed('An unknown key was let in.');
  return answer;
}

/** A poll that nobody asked for: a schedule fires each minute. */
async function polled({ deployment }: Account): Promise<string> {
  const { raw } = await deployment.buckets();
  const limit = performance.now() + LONGEST_WAIT_FOR_POLL_MS;
  for (;;) {
    const Prefix = keys.rawDay(utcSecond(new Date()).slice(0, 10));
    const { Contents = [] } = await deployment.s3.send(new ListObjectsV2Command({ Bucket: raw, Prefix }));
    const found = Contents.find(({ Key }) => /\/\d{4}-weatherapi\.ndjson\.gz$/.test(Key ?? ''))?.Key;
    if (found !== undefined) return found;
    if (performance.now() > limit) throw new CommandFailed('no schedule polled.');
    await delay(2_000);
  }
}

async function destroy({ deployment }: Account): Promise<undefined> {
  const buckets = Object.values(await deployment.buckets());
  await deployment.cdk('destroy', '--all', '--force');
  for (const Bucket of buckets) await deployment.s3.send(new GetBucketPolicyCommand({ Bucket }));
  const left = await deployment.invoke('hourly', {}).then(
    () => true,
    (error: unknown) => !(error instanceof Error && error.name === 'ResourceNotFoundException'),
  );
  if (left) throw new CommandFailed('garoa-prod-hourly is still there.');
  return undefined;
}

function containing(said: string, pattern: RegExp): undefined {
  if (!pattern.test(said)) throw new CommandFailed(said.split('\n').slice(-60).join('\n'));
  return undefined;
}
