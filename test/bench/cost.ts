import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { addDays } from '../../lambdas/runtime/time';
import { parseConfig } from '../../lib/config';
import { type Figure, type Figures, type Kind, MEASURED_FILE, type Measured } from '../../lib/cost/measured';
import type { InvocationRecord } from '../../lib/local/cloud';
import type { Execution } from '../../lib/local/step-functions/execution';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { synthesise } from '../../lib/scenario/synth';
import { countedSoFar } from './counts';

const HISTORY_DAYS = 363;
const FIRST_DAY = '2013-01-01';
const LIVE_DAY = addDays(FIRST_DAY, HISTORY_DAYS);
const LIVE_HOURS = 1;
/** A minute of upkeep's own: it follows the day's first hourly run. */
const UPKEEP_AT = `${LIVE_DAY}T00:25:00Z`;
/** Athena bills no statement for less. */
const STATEMENT_MINIMUM = 10_000_000;

/** What runs of each kind do, with one place and with three: what is fixed, and what a place adds. */
export async function bench(): Promise<void> {
  const one = await measure(1);
  const three = await measure(3);
  const kinds: readonly Kind[] = ['poll', 'hourly', 'upkeep', 'retrain'];
  const runs = Object.fromEntries(
    kinds.map((kind) => {
      // Further statements come with hundreds of places, as the estimate knows; three ask once who their neighbours are.
      const slope = (figure: Figure) =>
        figure === 'statements' ? 0 : Math.max(0, (three[kind][figure] - one[kind][figure]) / 2);
      return [
        kind,
        {
          fixed: figures((figure) => Math.max(0, three[kind][figure] - 3 * slope(figure))),
          perPlace: figures(slope),
        },
      ];
    }),
  );
  const measured = { date: new Date().toISOString().slice(0, 10), historyDays: HISTORY_DAYS, runs };
  writeFileSync(
    join(projectRoot, MEASURED_FILE),
    `${JSON.stringify(measured satisfies Omit<Measured, 'runs'>, null, 2)}\n`,
  );
  console.table(one);
  console.table(three);
}

const figures = (of: (figure: Figure) => number): Figures => ({
  invocations: round(of('invocations')),
  cpuMs: round(of('cpuMs')),
  s3Writes: round(of('s3Writes')),
  s3Reads: round(of('s3Reads')),
  providerCalls: round(of('providerCalls')),
  statements: round(of('statements')),
  bytesBeyondMinimum: round(of('bytesBeyondMinimum')),
  events: round(of('events')),
  transitions: round(of('transitions')),
  logBytes: round(of('logBytes')),
  storedBytes: round(of('storedBytes')),
});

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

async function measure(places: number): Promise<Record<Kind, Figures>> {
  const directory = mkdtempSync(join(tmpdir(), 'garoa-cost-'));
  const recording = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  const assemblyDirectory = join(directory, 'cdk.out');
  const locations = recording.locations.slice(0, places);
  await synthesise(parseConfig({ plan: 'business', locations, firstDay: FIRST_DAY }), assemblyDirectory);
  let onInvocation: (record: InvocationRecord) => void = () => undefined;
  const cloud = await startLocalGaroa({
    assemblyDirectory,
    directory,
    recording,
    start: new Date(`${LIVE_DAY}T00:00:00Z`),
    onInvocation: (record) => onInvocation(record),
  });
  const totals = new Map<Kind, { runs: number; figures: Figures }>();

  const run = async (kind: Kind, work: () => Promise<Execution | undefined>): Promise<void> => {
    let invocations = 0;
    let busyMs = 0;
    let beyond = 0;
    onInvocation = ({ result }) => {
      invocations += 1;
      busyMs += result.usage?.busyMilliseconds ?? 0;
      beyond += beyondMinimum(result.payload);
    };
    const before = standing(cloud, directory);
    const cpu = process.cpuUsage();
    const execution = await work();
    const { user, system } = process.cpuUsage(cpu);
    const after = standing(cloud, directory);
    onInvocation = () => undefined;
    const transitions = execution?.history.filter(({ type }) => type.endsWith('StateEntered')).length ?? 0;
    const done: Partial<Figures> = {
      invocations,
      // Training works in threads of its own, which only the whole process counts; elsewhere that would count the local cloud.
      cpuMs: kind === 'retrain' ? (user + system) / 1_000 : busyMs,
      bytesBeyondMinimum: beyond,
      // The start of an execution is a transition too.
      transitions: execution === undefined ? 0 : transitions + 1,
    };
    const past = totals.get(kind) ?? { runs: 0, figures: figures(() => 0) };
    totals.set(kind, {
      runs: past.runs + 1,
      figures: figures(
        (figure) => past.figures[figure] + (done[figure] ?? (after[figure] ?? 0) - (before[figure] ?? 0)),
      ),
    });
  };
  const invoke = (name: string, event: unknown) => async () => {
    const { functionError } = await cloud.invoke(cloud.name('functions', name), event);
    if (functionError !== undefined) throw new Error(functionError.errorMessage);
    return undefined;
  };
  const execute = (name: string, input: unknown) => async () => {
    const execution = await cloud.execute(cloud.name('stateMachines', name), input);
    if (execution.status !== 'SUCCEEDED') throw new Error(`${name}: ${execution.cause}`);
    return execution;
  };

  try {
    await execute('-backfill', { from: FIRST_DAY, to: addDays(LIVE_DAY, -1) })().catch((error: unknown) => {
      // Days that the recording lacks.
      console.log(String(error).slice(0, 200));
    });
    await run('retrain', execute('-retrain', { reason: 'Measured.' }));
    const start = Date.parse(`${LIVE_DAY}T00:00:00Z`);
    const time = (minute: number) => new Date(start + minute * 60_000).toISOString().replace('.000Z', 'Z');
    for (let hour = 0; hour < LIVE_HOURS; hour += 1) {
      for (let minute = hour * 60; minute < (hour + 1) * 60; minute += 1) {
        await cloud.settle(new Date(Math.max(cloud.now().getTime(), Date.parse(time(minute)))));
        await run(
          'poll',
          invoke('-ingest', { scheduledTime: time(minute), everyMinutes: 1, shard: 0, shards: 1 }),
        );
      }
      await run('hourly', invoke('-hourly', { scheduledTime: time((hour + 1) * 60 + 5) }));
    }
    await run('upkeep', execute('-upkeep', { upkeep: true, scheduledTime: UPKEEP_AT }));
  } finally {
    await cloud.close();
    rmSync(directory, { recursive: true, force: true });
  }
  const mean = (kind: Kind): Figures => {
    const total = totals.get(kind);
    if (total === undefined) throw new Error(`No run of ${kind} was measured`);
    return figures((figure) => total.figures[figure] / total.runs);
  };
  return { poll: mean('poll'), hourly: mean('hourly'), upkeep: mean('upkeep'), retrain: mean('retrain') };
}

/** What counts up by itself. */
function standing(cloud: LocalGaroa, directory: string): Partial<Figures> {
  const lake = ['raw', 'processed', 'models'].flatMap((bucket) => [...cloud.objects(bucket, '')]);
  return {
    ...countedSoFar(cloud),
    logBytes: readdirSync(join(directory, 'logs')).reduce(
      (sum, file) => sum + statSync(join(directory, 'logs', file)).size,
      0,
    ),
    storedBytes: lake.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}

const scanned = z.object({ bytesScanned: z.number(), queries: z.number() });

/** Of a run's summary: what its statements read beyond ten million bytes each. */
function beyondMinimum(payload: unknown): number {
  const { bytesScanned, queries } = scanned.catch({ bytesScanned: 0, queries: 0 }).parse(payload);
  return Math.max(0, bytesScanned - queries * STATEMENT_MINIMUM);
}
