import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { projectContext } from '../../../lib/app';
import { type GaroaConfig, parseConfig } from '../../../lib/config';
import { startWeatherApi } from '../../../lib/recorded-weather/weather-api/server';
import { runOnAthena } from '../athena';
import { Unavailable } from '../unavailable';
import { startAthenaBridge } from './athena-bridge';
import { denials } from './denials';
import { CommandFailed, Deployment } from './deployment';
import { forEmulator, GAPS, withBucketNames } from './gaps';
import { type Emulator, MINISTACK_VERSION, NODE_VERSION, pythonVersion, startMiniStack } from './ministack';
import { weatherUntilNow } from './weather';

/** What these checks can't say anything about, besides the gaps. */
const NOT_JUDGED = [
  "Athena's and Glue's permissions, since Athena is the local cloud's here, and asked as an administrator",
  'what machines, schedules and rules may do: the emulator calls their targets without asking IAM',
  'metric math, and whether any alarm rings',
  'the crawler',
  'KMS, lifecycle rules, log deliveries and traces: stored and never carried out',
  'memory, CPU and cold starts of functions; quotas of an account',
];

/** Characters of an answer. */
const SHOWN = 110;

/** An account of the emulator with weather and Athena beside it, in which a check takes its steps. */
export interface Account {
  readonly config: GaroaConfig;
  readonly emulator: Emulator;
  readonly deployment: Deployment;
  /** For files of the check; removed at its end. */
  readonly directory: string;
  /** Makes this assembly the one that commands run with. */
  take(assembly: string): void;
  /** Lets Athena answer for the buckets that are deployed now. */
  openAthena(): Promise<void>;
  /** Rows that Athena counts in a table of the lake, whatever their day. */
  countRows(table: string, where?: string): Promise<number>;
  /** A step that fails when IAM has denied a call since the start. */
  nobodyWasRefused(): Promise<void>;
  /** Does one thing and notes how long it took; what it answers is shown beside. A failure ends the check. */
  step(what: string, work: () => Promise<string | undefined>): Promise<void>;
}

/**
 * Runs a check in an account of its own and prints what came of it. Sets the exit code: 0 when every step went well, and
 * when the emulator can't be had here, which is said.
 */
export async function inEmulatedAccount(
  title: string,
  check: (account: Account) => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const seconds = (since: number) => Math.round((performance.now() - since) / 1000);
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  const config = parseConfig(projectContext().garoa);
  const bridge = await startAthenaBridge();
  const weather = await startWeatherApi({
    recording: weatherUntilNow(config.locations, new Date()),
    now: () => new Date(),
  });
  const athena = new AthenaClient({
    endpoint: bridge.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  let emulator: Emulator | undefined;
  let done = 0;
  let failed = false;
  try {
    emulator = await startMiniStack(directory, bridge.url);
    console.log(`MiniStack answers after ${seconds(begun)} s.`);
    const app = join(directory, 'app');
    const assembly = join(app, 'cdk.out');
    mkdirSync(app);
    const deployment = new Deployment(emulator, app);
    const step: Account['step'] = async (what, work) => {
      const since = performance.now();
      const answer = await work();
      done += 1;
      console.log(
        `  did  ${what}, ${seconds(since)} s${answer === undefined ? '' : `: ${answer.slice(0, SHOWN)}`}`,
      );
    };
    const { log } = emulator;
    await check({
      config,
      emulator,
      deployment,
      directory,
      take(from) {
        rmSync(assembly, { recursive: true, force: true });
        forEmulator(from, assembly, new Map([['https://api.weatherapi.com/v1', weather.url]]));
      },
      async openAthena() {
        const lake = join(directory, 'athena');
        rmSync(lake, { recursive: true, force: true });
        const named = join(lake, 'cdk.out');
        withBucketNames(assembly, named, Object.values(await deployment.buckets()));
        await bridge.open(named, lake, deployment.s3);
      },
      async countRows(table, where = 'true') {
        const place = { workgroup: 'garoa-prod', database: 'garoa' };
        const { rows } = await runOnAthena(
          athena,
          place,
          `SELECT count(*) FROM ${table} WHERE dt > '1940-01-01' AND ${where}`,
        );
        return Number(rows[0]?.[0]);
      },
      nobodyWasRefused: () =>
        step('nobody was refused anything', async () => {
          const refused = denials(log());
          if (refused.length > 0) throw new CommandFailed(refused.slice(0, 10).join('\n'));
          return undefined;
        }),
      step,
    });
  } catch (error) {
    if (error instanceof Unavailable) {
      console.log(`${title} was skipped: ${error.message}`);
      return;
    }
    failed = true;
    console.log(`  FAILED  after ${done} steps: ${error instanceof Error ? error.message : String(error)}`);
    if (emulator !== undefined) console.log(`The emulator's last words:\n${tail(emulator.log(), 15)}`);
  } finally {
    await bridge.close();
    await emulator?.stop();
    await weather.close();
    rmSync(directory, { recursive: true, force: true });
  }
  console.log(
    `\n${title}: ${failed ? `failed after ${done} steps` : `${done} steps, all well`}, in ${seconds(begun)} s. ` +
      `MiniStack ${MINISTACK_VERSION} on Python ${pythonVersion()}, functions on Node ${NODE_VERSION}.`,
  );
  console.log(`Gaps of the emulator, closed for the check: ${GAPS.join('; ')}.`);
  console.log(`Not judged: these gaps; ${NOT_JUDGED.join('; ')}.`);
  process.exitCode = failed ? 1 : 0;
}

function tail(text: string, lines: number): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

export function lastLine(said: string): string {
  return said.trim().split('\n').at(-1)?.trim() ?? '';
}
