import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { readForecasts } from '../../lambdas/lake/forecasts';
import { keys, PAGES_PREFIX } from '../../lambdas/lake/layout';
import { listObjects } from '../../lambdas/lake/s3';
import { runSummarySchema } from '../../lambdas/model/metrics-file';
import { addHours, utcSecond } from '../../lambdas/runtime/time';
import { secondsOf, usdOfUse } from '../../lib/cost/estimate';
import type { InvocationRecord } from '../../lib/local/cloud';
import type { LocalGaroa } from '../../lib/scenario/local-garoa';
import { type Counted, countedSoFar } from './counts';
import { ACCOUNT_CONCURRENCY, withPlaces } from './places/cloud';
import { trainedModel } from './places/model';
import { type PlacesRecording, recordingOf } from './places/recording';
import { seedChampions, seedLake } from './places/seed';
import { writeResults } from './report';

/** The day that is lived, and the history before it. */
const DATE = '2013-12-30';
const HISTORY_DAYS = 363;
const TRAINED_PLACES = 200;
const TRAINED_DAYS = 60;
const DAY_HOURS = 24;

interface Lived {
  /** Before midnight. */
  readonly hoursBefore: number;
  readonly hours: number;
}

/** Hours that are lived with so many places; of the most, those around midnight, with upkeep. */
const LIVED: Readonly<Record<string, Lived>> = {
  1: { hoursBefore: 1, hours: DAY_HOURS },
  100: { hoursBefore: 1, hours: DAY_HOURS },
  1000: { hoursBefore: 1, hours: DAY_HOURS },
  5000: { hoursBefore: 3, hours: 6 },
};

export const options = { only: { type: 'string' }, hours: { type: 'string' } } as const;

const commandLine = z.object({
  only: z.enum([...Object.keys(LIVED), 'retrain']).optional(),
  hours: z.string().transform(Number).pipe(z.int().min(1)).optional(),
});

/**
 * A day of 1, 100 and 1,000 places and six hours of 5,000, polled once an hour, from a lake and models of a year; and a
 * retraining of 200 places while polls and hourly runs go on. `--only 100` (or `retrain`) runs one part, `--hours 3`
 * lives fewer hours.
 */
export async function bench(given: unknown): Promise<void> {
  const { only, hours } = commandLine.parse(given);
  console.log(`An account of ${ACCOUNT_CONCURRENCY} executions at once; one poll an hour.`);
  for (const [places, lived] of Object.entries(LIVED)) {
    if (only === undefined || only === places) {
      const rows = await livePlaces(Number(places), hours === undefined ? lived : shortened(lived, hours));
      writeResults(`places-${places}`, rows);
    }
  }
  if (only === undefined || only === 'retrain') writeResults('places-retrain', [await retrain()]);
}

/** Fewer hours, the one after midnight among them: its upkeep makes the pages. */
function shortened({ hoursBefore }: Lived, hours: number): Lived {
  return { hoursBefore: Math.min(hoursBefore, hours - 1), hours };
}

/** What is at work at the minutes of an hour; each minute has one thing to do. */
const SEGMENTS = [
  { name: 'upkeep', until: 50 },
  { name: 'poll', until: 60 },
  { name: 'hourly', until: 66 },
] as const;
type Kind = (typeof SEGMENTS)[number]['name'];

interface Tally extends Counted {
  readonly invocations: readonly InvocationRecord[];
  readonly wallSeconds: number;
}

async function livePlaces(places: number, { hoursBefore, hours }: Lived): Promise<object[]> {
  const recording = await recordingOf(places);
  const trained = await trainedModel(HISTORY_DAYS, DATE);
  const from = addHours(`${DATE}T00:00:00Z`, -hoursBefore);
  const runs = new Map<Kind, Tally[]>();
  let heard: InvocationRecord[] = [];
  const start = addMinutes(from, 6);
  return withPlaces({ recording, start, onInvocation: (record) => heard.push(record) }, async (cloud) => {
    const seeding = performance.now();
    const seed = { recording, days: HISTORY_DAYS, date: DATE, from };
    await seedLake(cloud, seed);
    seedChampions(cloud, seed, trained);
    console.log(
      `${places} places: seeded in ${seconds(seeding)} s; a model of a year has ${trained.model.length} bytes.`,
    );
    const living = performance.now();
    for (let hour = 0; hour < hours; hour += 1) {
      for (const { name, until } of SEGMENTS) {
        heard = [];
        const before = countedSoFar(cloud);
        const started = performance.now();
        await cloud.advanceTo(new Date(addMinutes(addHours(from, hour), until)));
        const wallSeconds = (performance.now() - started) / 1_000;
        if (heard.length > 0) {
          const counted = difference(countedSoFar(cloud), before);
          runs.set(name, [...(runs.get(name) ?? []), { ...counted, invocations: heard, wallSeconds }]);
          console.log(`  ${cloud.now().toISOString()} ${name}: ${wallSeconds.toFixed(1)} s`);
        }
      }
    }
    await requireAll(cloud, recording, from, hours);
    console.log(`${places} places: lived ${hours} h in ${seconds(living)} s.`);
    const rows = [...runs].map(([kind, tallies]) => rowOf(cloud, places, kind, tallies));
    const usd = (kind: Kind) => rows.find(({ run }) => run === kind)?.['USD a run'] ?? 0;
    return [
      ...rows,
      {
        places,
        run: hours === DAY_HOURS ? 'a day' : 'a day, computed from these',
        'USD a run': round(DAY_HOURS * (usd('poll') + usd('hourly')) + usd('upkeep'), 4),
      },
    ];
  });
}

/** Every hour lived has a forecast of every place, every page is there, and nothing failed. */
async function requireAll(
  cloud: LocalGaroa,
  recording: PlacesRecording,
  from: string,
  hours: number,
): Promise<void> {
  const processed = cloud.bucket('processed');
  const wanted = recording.locations.length;
  for (let hour = 1; hour <= hours; hour += 1) {
    const target = addHours(from, hour);
    const made = await readForecasts(processed, keys.forecastHour(target.slice(0, 10), target.slice(11, 13)));
    const ids = new Set(made?.map(({ location_id }) => location_id));
    if (ids.size !== wanted) throw new Error(`${target}: ${ids.size} of ${wanted} places have a forecast`);
  }
  const pages = await listObjects(cloud.bucket('models'), `${PAGES_PREFIX}places/`);
  if (pages.length !== wanted) throw new Error(`${pages.length} of ${wanted} places have a page`);
  const failed = cloud.invocations().find(({ result }) => result.functionError !== undefined);
  if (failed !== undefined) {
    throw new Error(`${failed.function} at ${failed.at}: ${failed.result.functionError?.errorMessage}`);
  }
}

const scanned = z.object({ bytesScanned: z.number() }).catch({ bytesScanned: 0 });

function rowOf(cloud: LocalGaroa, places: number, kind: Kind, tallies: readonly Tally[]) {
  const records = tallies.flatMap(({ invocations }) => invocations);
  const mean = (of: (tally: Tally) => number) =>
    tallies.reduce((sum, tally) => sum + of(tally), 0) / tallies.length;
  const perRun = (of: (record: InvocationRecord) => number) =>
    mean(({ invocations }) => invocations.reduce((sum, record) => sum + of(record), 0));
  const memory = (record: InvocationRecord) => functionOf(cloud, record).memoryMegabytes;
  const busyMs = (record: InvocationRecord) => record.result.usage?.busyMilliseconds ?? 0;
  const bytes = perRun(({ result }) => scanned.parse(result.payload).bytesScanned);
  const statements = mean((tally) => tally.statements);
  const figures = {
    cpuMs: 0,
    s3Writes: mean((tally) => tally.s3Writes),
    s3Reads: mean((tally) => tally.s3Reads),
    providerCalls: mean((tally) => tally.providerCalls),
    statements,
    events: mean((tally) => tally.events),
    invocations: mean(({ invocations }) => invocations.length),
    bytesBeyondMinimum: Math.max(0, bytes - statements * 1e7),
    transitions: kind === 'upkeep' ? 2 : 0,
    logBytes: 0,
  };
  const waiting = secondsOf(figures, 1_769, Math.min(places, 16));
  const gigabyteSeconds =
    perRun((record) => (busyMs(record) / 1_000 / cpuShare(memory(record))) * memory(record)) / 1_024 +
    (waiting * Math.max(...records.map(memory))) / 1_024;
  return {
    places,
    run: kind,
    runs: tallies.length,
    'wall s, longest': round(Math.max(...tallies.map(({ wallSeconds }) => wallSeconds)), 1),
    'of the time allowed': percent(
      Math.max(
        ...records.map((one) => one.result.milliseconds / 1_000 / functionOf(cloud, one).timeoutSeconds),
      ),
    ),
    'busy s, longest': round(Math.max(...records.map(busyMs)) / 1_000, 1),
    'MB, most': Math.round(
      Math.max(...records.map(({ result }) => (result.usage?.peakBytes ?? 0) / 2 ** 20)),
    ),
    'of the memory': percent(
      Math.max(...records.map((one) => (one.result.usage?.peakBytes ?? 0) / 2 ** 20 / memory(one))),
    ),
    'S3 writes': Math.round(figures.s3Writes),
    'S3 reads': Math.round(figures.s3Reads),
    statements: round(statements, 1),
    'MB scanned': round(bytes / 1e6, 1),
    events: Math.round(figures.events),
    'provider calls': Math.round(figures.providerCalls),
    'USD a run': round(usdOfUse(figures, 1_024, gigabyteSeconds), 6),
  };
}

/** Of a processor, what comes with so much memory. */
function cpuShare(megabytes: number): number {
  return Math.min(1, megabytes / 1_769);
}

function functionOf(cloud: LocalGaroa, record: InvocationRecord) {
  const found = cloud.resources.functions.find(({ name }) => name === record.function);
  if (found === undefined) throw new Error(`No function ${record.function}`);
  return found;
}

/**
 * Polls and hours that go on while a retraining is under way: each must find a free execution at once. One poll follows
 * the other, as minutes do, however slow the machine is; so do hours.
 */
const BETWEEN_POLLS_MS = 500;
const POLLS_PER_HOUR = 10;

async function retrain(): Promise<object> {
  const recording = await recordingOf(TRAINED_PLACES);
  const from = `${DATE}T00:00:00Z`;
  let most = 0;
  return withPlaces(
    {
      recording,
      start: addMinutes(from, 6),
      windowDays: TRAINED_DAYS,
      onInvocation: ({ result }) => {
        most = Math.max(most, result.usage?.peakBytes ?? 0);
      },
    },
    async (cloud) => {
      await seedLake(cloud, { recording, days: TRAINED_DAYS + 2, date: DATE, from });
      const before = countedSoFar(cloud);
      const started = performance.now();
      let ended = false;
      const execution = cloud.execute(cloud.name('stateMachines', '-retrain'), {}).finally(() => {
        ended = true;
      });
      const invoke = async (name: string, event: unknown) => {
        const { functionError } = await cloud.invoke(cloud.name('functions', name), event);
        if (functionError !== undefined) throw new Error(`${name}: ${functionError.errorMessage}`);
      };
      let polls = 0;
      const poll = async () => {
        for (; !ended; polls += 1) {
          const scheduledTime = addMinutes(from, 7 + polls);
          await invoke('-ingest', { scheduledTime, everyMinutes: 60, shard: 0, shards: 1 });
          await sleep(BETWEEN_POLLS_MS);
        }
      };
      const closeHours = async () => {
        while (!ended) {
          await invoke('-hourly', { scheduledTime: addMinutes(from, 5) });
          await sleep(POLLS_PER_HOUR * BETWEEN_POLLS_MS);
        }
      };
      const [, took] = await Promise.all([
        Promise.all([poll(), closeHours()]),
        execution.then(() => (performance.now() - started) / 1_000),
      ]);
      const { status, output } = await execution;
      const summary = runSummarySchema.parse(output);
      const kept = [...cloud.objects('raw', `observations/dt=${DATE}/`)].length;
      if (kept !== polls) throw new Error(`${polls - kept} of ${polls} polls are lost`);
      const counted = difference(countedSoFar(cloud), before);
      return {
        places: TRAINED_PLACES,
        days: TRAINED_DAYS,
        'executions at once': ACCOUNT_CONCURRENCY,
        status,
        promoted: summary.promoted,
        kept: summary.kept,
        failed: summary.failed,
        'wall s': Math.round(took),
        'polls meanwhile': polls,
        'MB, most': Math.round(most / 2 ** 20),
        's3 writes': counted.s3Writes,
        's3 reads': counted.s3Reads,
      };
    },
  );
}

function difference(after: Counted, before: Counted): Counted {
  return {
    s3Writes: after.s3Writes - before.s3Writes,
    s3Reads: after.s3Reads - before.s3Reads,
    statements: after.statements - before.statements,
    events: after.events - before.events,
    providerCalls: after.providerCalls - before.providerCalls,
  };
}

function addMinutes(instant: string, minutes: number): string {
  return utcSecond(Date.parse(instant) + minutes * 60_000);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(1);
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
