import { spawn } from 'node:child_process';
import * as z from 'zod';
import { shardsNeeded } from '../../lambdas/ingest/shards';
import { type DeployedIngest, deployIngest } from '../lambdas/ingest/deployed-ingest';
import { rawLines } from '../lambdas/ingest/raw-lines';
import { place } from '../lambdas/weather/places';
import { weatherApiCurrent, weatherApiHistory } from '../lambdas/weather/replies';
import { startWeatherServer } from '../lambdas/weather/weather-server';

const SIZES = [1, 10, 100, 1_000] as const;
const LATENCY_MS = 80;
const WARM_RUNS = 5;

const POLLS = Array.from({ length: WARM_RUNS + 1 }, (_, run) => ({
  scheduledTime: new Date(Date.UTC(2026, 10, 23, 10, run)).toISOString(),
}));

/** Runs the bundle as Lambda would: loads it, hands it one event after the other, and says what that took. */
const DRIVER = `
const started = performance.now();
const { handler } = require(process.env.LAMBDA_TASK_ROOT + '/index.js');
const initMs = performance.now() - started;
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;
console.log = console.info = () => {};
(async () => {
  const runsMs = [];
  for (const event of JSON.parse(process.env.EVENTS)) {
    const began = performance.now();
    const end = Date.now() + 900000;
    await handler(event, { getRemainingTimeInMillis: () => end - Date.now() });
    runsMs.push(performance.now() - began);
  }
  write(JSON.stringify({ initMs, runsMs, maxRssKb: process.resourceUsage().maxRSS, cpuMs: process.cpuUsage().user / 1000 }));
  process.exit(0);
})();
`;

const measured = z.object({
  initMs: z.number(),
  runsMs: z.array(z.number()).min(1),
  maxRssKb: z.number(),
  cpuMs: z.number(),
});

/**
 * Polls 1 to 1,000 locations of a provider that answers in 80 ms: the deployed bundle in a process of its own, S3
 * and Secrets Manager on the wire, one raw object a run.
 */
export async function bench(): Promise<void> {
  const rows: Record<string, string>[] = [];
  let bundleBytes = 0;
  for (const size of SIZES) {
    const weather = await startWeatherServer(async () => {
      await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
      return { json: weatherApiCurrent(Math.floor(Date.now() / 1_000)) };
    });
    const locations = Array.from({ length: size }, (_, index) => place(`place-${index}`));
    const ingest = await deployIngest({ locations, weatherUrl: weather.url, apiKey: 'bench-k3y-0123' });
    bundleBytes = ingest.bundleBytes;
    const { initMs, runsMs, maxRssKb, cpuMs } = await inOwnProcess(ingest, POLLS);
    const objects = await rawLines(ingest.bucket);
    await ingest.close();
    await weather.close();
    if (objects.size !== runsMs.length || [...objects.values()].some(({ length }) => length !== size)) {
      throw new Error(`${size} locations: ${objects.size} objects for ${runsMs.length} runs`);
    }
    const [first = 0, ...warm] = runsMs;
    rows.push({
      locations: String(size),
      shards: String(shardsNeeded(size)),
      'load ms': initMs.toFixed(0),
      'first run ms': first.toFixed(0),
      'warm run ms': median(warm).toFixed(0),
      'CPU ms a run': (cpuMs / runsMs.length).toFixed(0),
      'peak MB': (maxRssKb / 1_024).toFixed(0),
    });
  }
  const day = await historyOfADay();
  console.log(`ingest: bundle ${(bundleBytes / 1_024).toFixed(0)} KB, provider answers in ${LATENCY_MS} ms`);
  console.table(rows);
  console.log(
    `history of a day of ${HISTORY_PLACES} places: ${day.objects} objects, ${day.seconds.toFixed(1)} s, ` +
      `peak ${day.peakMegabytes.toFixed(0)} MB`,
  );
}

/** A UTC day of New York, which lies in two local ones. */
const HISTORY_DAY = '2026-11-20';
const HISTORY_PLACES = 5_000;

async function historyOfADay(): Promise<{ objects: number; seconds: number; peakMegabytes: number }> {
  const weather = await startWeatherServer((url) => {
    const start = Date.parse(`${url.searchParams.get('dt')}T05:00:00Z`) / 1_000;
    return { json: weatherApiHistory(Array.from({ length: 24 }, (_, hour) => start + hour * 3_600)) };
  });
  const locations = Array.from({ length: HISTORY_PLACES }, (_, index) => place(`place-${index}`));
  const ingest = await deployIngest({ locations, weatherUrl: weather.url, apiKey: 'bench-k3y-0123' });
  const { runsMs, maxRssKb } = await inOwnProcess(ingest, [{ backfill: { date: HISTORY_DAY } }]);
  const objects = await rawLines(ingest.bucket);
  await ingest.close();
  await weather.close();
  const lines = [...objects.values()].reduce((sum, { length }) => sum + length, 0);
  if (lines !== 24 * HISTORY_PLACES) throw new Error(`${lines} lines for ${HISTORY_PLACES} places`);
  const seconds = runsMs.reduce((sum, milliseconds) => sum + milliseconds) / 1_000;
  return { objects: objects.size, seconds, peakMegabytes: maxRssKb / 1_024 };
}

async function inOwnProcess(
  { environment, assetDirectory }: DeployedIngest,
  events: readonly unknown[],
): Promise<z.infer<typeof measured>> {
  const env = {
    LAMBDA_TASK_ROOT: assetDirectory,
    EVENTS: JSON.stringify(events),
    PATH: process.env.PATH,
    AWS_REGION: 'us-east-1',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const child = spawn(process.execPath, ['-e', DRIVER], {
    env: { ...env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk;
  return measured.parse(JSON.parse(output));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
