import { addDays, HOUR_MS } from '../../lambdas/runtime/time';
import type { Execution } from '../local/step-functions/execution';
import type { Recording } from '../recorded-weather/recording';
import { weatherFaultsAtRate } from '../recorded-weather/weather-api/faults';
import { describeManners, type Manners } from '../recorded-weather/weather-api/manners';
import type { Progress } from '../terminal/progress';
import { Refusal } from '../terminal/refusal';
import { awsFaultsAtRate } from './faults';
import { type LocalGaroa, startLocalGaroa } from './local-garoa';
import { type Span, type SpanOptions, spanOf } from './span';
import { failureOf, type LiveScore, type Summary, summarize } from './summary';
import { type Watch, watchBackfill, watchLive, watchTraining } from './watch';

/** Days that one execution of the Backfill machine takes; it refuses more than three years. */
const BACKFILL_CHUNK_DAYS = 1_000;

export interface ScenarioOptions extends SpanOptions {
  readonly retrainAtEnd: boolean;
  /** Share of requests that fail; 0 for none. */
  readonly faults: number;
  readonly manners: Manners;
}

export interface ScenarioRun {
  readonly summary: Summary;
  readonly live: ReadonlyMap<string, LiveScore>;
}

export interface ScenarioPlace {
  readonly assemblyDirectory: string;
  readonly directory: string;
  /** Minute of the hour at which the hourly function runs. */
  readonly hourlyMinute: number;
  /** Executions of functions that the account may run at once; the maps were made for so many. */
  readonly accountConcurrency: number;
  readonly synthSeconds: number;
  /** See `LocalCloudOptions`. */
  readonly patience?: number;
  /** Called with the cloud once it runs, so that a signal can end it. */
  readonly onStarted: (cloud: LocalGaroa) => void;
}

/** The pipeline did not get through; the message says which part and why. */
class ScenarioFailed extends Refusal {
  override readonly name = 'ScenarioFailed';
}

/**
 * Runs a recording through the deployed application: history, first training, live hours, perhaps a second
 * training. The cloud is closed by the caller.
 *
 * Live time begins just after the hourly function's minute, so that each live hour is polled in every minute
 * and closed by one hourly run; the minutes before it are for what backfill and training wait between retries.
 */
export async function runScenario(
  options: ScenarioOptions,
  place: ScenarioPlace,
  progress: Progress,
): Promise<ScenarioRun> {
  const started = performance.now();
  const span = spanOf(options);
  const offset = (place.hourlyMinute + 1) * 60_000;
  let watch: Watch = () => undefined;
  const cloud = await startLocalGaroa({
    accountConcurrency: place.accountConcurrency,
    assemblyDirectory: place.assemblyDirectory,
    directory: place.directory,
    recording: options.recording,
    manners: options.manners,
    start: new Date(span.liveFrom),
    onInvocation: (record) => watch(record),
    ...(place.patience !== undefined && { patience: place.patience }),
    ...(options.faults === 0
      ? {}
      : {
          faults: awsFaultsAtRate(options.faults, 'aws'),
          weatherFaults: weatherFaultsAtRate(options.faults, 'weather'),
        }),
  });
  place.onStarted(cloud);
  for (const note of options.recording.notes) progress.note(`${options.recording.title}: ${note}.`);
  progress.note(`Weather API: ${describeManners(options.manners)}.`);
  progress.note(
    hasForecasts(options.recording)
      ? 'Forecasts of the provider: as recorded.'
      : `Forecasts of the provider: none, since ${options.recording.title} holds none.`,
  );

  const backfill = await timed(async () => {
    progress.phase('Backfill', span.backfillDays);
    watch = watchBackfill(progress);
    await backfillHistory(cloud, span, progress);
    await cloud.recycle();
  });
  const training = async (name: string, reason: string): Promise<number> =>
    timed(async () => {
      progress.phase(name);
      watch = watchTraining(progress);
      const execution = await cloud.execute(cloud.name('stateMachines', '-retrain'), { reason });
      noteFailure(execution, progress);
      await cloud.recycle();
    });
  const firstTraining = await training('Training', 'First training on the backfilled history.');
  const live = await timed(async () => {
    progress.phase('Live', options.liveHours * 60);
    const begin = Date.parse(span.liveFrom) + offset;
    watch = watchLive(progress, begin, begin + options.liveHours * HOUR_MS);
    await cloud.settle(new Date(begin));
    for (let hour = 1; hour <= options.liveHours; hour += 1) {
      await cloud.advanceTo(new Date(begin + hour * HOUR_MS));
    }
    await cloud.settle();
  });
  const secondTraining = options.retrainAtEnd ? await training('Retraining', 'Ordered at the end.') : 0;

  progress.phase('Summary');
  const result = await summarize({
    cloud,
    recording: options.recording,
    to: Date.parse(span.liveTo) / 1000,
    seconds: {
      synth: place.synthSeconds,
      backfill,
      retrain: firstTraining + secondTraining,
      live,
      total: place.synthSeconds + (performance.now() - started) / 1000,
    },
  });
  progress.end();
  return result;
}

async function backfillHistory(cloud: LocalGaroa, span: Span, progress: Progress): Promise<void> {
  for (let day = 0; day < span.backfillDays; day += BACKFILL_CHUNK_DAYS) {
    const last = Math.min(day + BACKFILL_CHUNK_DAYS, span.backfillDays) - 1;
    const execution = await cloud.execute(cloud.name('stateMachines', '-backfill'), {
      from: addDays(span.firstDay, day),
      to: addDays(span.firstDay, last),
    });
    if (execution.status === 'SUCCEEDED') continue;
    // Days of which the recording has nothing are named by the machine and can't be had.
    if (execution.error !== 'DaysMissing') {
      throw new ScenarioFailed(`Backfill ${execution.name}: ${failureOf(execution)}`);
    }
    progress.note(`  Backfill: ${execution.cause}`);
  }
}

function hasForecasts({ series }: Recording): boolean {
  return [...series.values()].some((place) => place.hasForecasts);
}

function noteFailure(execution: Execution, progress: Progress): void {
  if (execution.status !== 'SUCCEEDED') {
    progress.note(`  ${execution.machine} ${execution.name}: ${failureOf(execution)}`);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
