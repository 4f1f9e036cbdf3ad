import { addDays, addHours, utcSecond } from '../../lambdas/runtime/time';
import { PROVIDERS } from '../../lambdas/weather/providers';
import { seededRandom } from '../local/random';
import type { Recording } from '../recorded-weather/recording';
import { weatherFaultsAtRate } from '../recorded-weather/weather-api/faults';
import { REAL_MANNERS } from '../recorded-weather/weather-api/manners';
import type { Progress } from '../terminal/progress';
import { type Audit, audit } from './audit';
import { soakFaults } from './faults';
import { type LocalGaroa, startLocalGaroa } from './local-garoa';
import { type Deed, TROUBLES } from './troubles';

export interface SoakOptions {
  readonly recording: Recording;
  readonly assemblyDirectory: string;
  readonly directory: string;
  /** Minute of the hour at which the hourly function runs. */
  readonly hourlyMinute: number;
  /** Days of history before the faults begin; models are trained on them. */
  readonly historyDays: number;
  /** Days that are lived under faults. */
  readonly days: number;
  /** Share of requests and of hours' schedules that go wrong. */
  readonly rate: number;
  readonly seed: string;
  /** Asked before each hour: from true on, a calm day is lived and the audit is of what was. */
  readonly isStopped?: () => boolean;
  /** Called with the cloud once it runs, so that a signal can end it. */
  readonly onStarted: (cloud: LocalGaroa) => unknown;
}

/**
 * See `LocalCloudOptions`: a function that a busy machine lets wait until its time is over is no finding of an audit
 * (seed m1). Time limits that faults bring about come at once, however long they are.
 */
const PATIENCE = 10;
/** How many hours go wrong for each request that does. */
const HOURS_PER_REQUEST = 4;

/**
 * Lives days of the recording while requests to AWS and to the provider fail, functions die, and hours go wrong as
 * `TROUBLES` says; retraining comes weekly by its own schedule. Then counts what is left. The same seed draws the same
 * faults and troubles. The cloud is closed by the caller.
 */
export async function soak(options: SoakOptions, progress: Progress): Promise<Audit> {
  const { recording, historyDays, days, rate, seed } = options;
  const firstDay = utcSecond(recording.from * 1000).slice(0, 10);
  const from = `${addDays(firstDay, historyDays)}T00:00:00Z`;
  let span: Span = { hours: 24 * days, calmFrom: 24 * days - 1 };
  let troubled = false;
  let now = (): Date => new Date(from);
  const deeds: Deed[] = [];
  const faults = soakFaults(rate, seed, () => {
    const at = utcSecond(now());
    deeds.push({ kind: 'lasting fault', from: at, to: at });
  });
  let providerDown = false;
  const weatherFaults = weatherFaultsAtRate(rate, seed);
  const cloud = await startLocalGaroa({
    assemblyDirectory: options.assemblyDirectory,
    directory: options.directory,
    recording,
    manners: REAL_MANNERS,
    patience: PATIENCE,
    start: new Date(from),
    faults: (call) => (troubled ? faults(call) : undefined),
    weatherFaults: (request) => {
      if (!troubled) return undefined;
      // One request in five is worth being tried again, which takes real seconds.
      if (providerDown) return { kind: 'status', status: request.at.getUTCMinutes() % 5 === 0 ? 503 : 404 };
      return weatherFaults(request);
    },
  });
  now = () => cloud.now();
  await options.onStarted(cloud);
  progress.phase('Backfill');
  await prepare(cloud, '-backfill', { from: firstDay, to: addDays(from.slice(0, 10), -1) });
  progress.phase('Training');
  await prepare(cloud, '-retrain', { reason: 'Before the soak.' });
  await cloud.recycle();

  progress.phase('Soak', span.hours);
  troubled = true;
  const random = seededRandom(`${seed}:hours`);
  const troubles = Object.values(TROUBLES);
  // Each hour ends after its closing run, and before anything of the next one matters.
  const offset = (options.hourlyMinute + 1) * 60_000;
  // The hour before was not polled, so that its closing run is left out: a silence like any other.
  const begun = new Date(Date.parse(from) + offset);
  deeds.push({ kind: 'silence', from, to: utcSecond(begun) });
  await cloud.settle(begun);
  for (let hour = 0; hour < span.hours; hour += 1) {
    if (options.isStopped?.()) span = endedEarly(span, hour);
    const start = addHours(from, hour);
    const nextHour = Date.parse(addHours(start, 1));
    const end = new Date(nextHour + offset);
    const isCalm = random() >= rate * HOURS_PER_REQUEST || hour >= span.calmFrom;
    const trouble = isCalm ? undefined : troubles[Math.floor(random() * troubles.length)];
    if (trouble === undefined) await cloud.advanceTo(end);
    else {
      await trouble({
        cloud,
        start,
        end,
        closing: utcSecond(nextHour + options.hourlyMinute * 60_000),
        random,
        isLastDay: hour >= span.hours - 24,
        note: (deed) => deeds.push(deed),
        setProviderDown: (down) => {
          providerDown = down;
        },
      });
    }
    // A new day starts in new environments, which have to ask for the key again.
    if (start.slice(11, 13) === '23') await cloud.recycle();
    progress.step(hour + 1, start.slice(0, 13).replace('T', ' '));
  }
  troubled = false;
  await cloud.settle();
  progress.phase('Audit');
  const { settledAfterHours } = PROVIDERS.weatherapi;
  const { directory } = options;
  const to = addHours(from, span.hours);
  const found = await audit({ cloud, recording, from, to, deeds, settledAfterHours, directory });
  progress.end();
  return found;
}

/** The hours of a soak. The last of them are calm, so that what came before can be made good. */
export interface Span {
  readonly hours: number;
  readonly calmFrom: number;
}

/** A soak that is told to end at an hour lives one calm day more, unless it ends before that anyway. */
export function endedEarly(span: Span, hour: number): Span {
  return hour + 24 < span.hours ? { hours: hour + 24, calmFrom: hour } : span;
}

/** Before the faults begin, nothing may fail. */
async function prepare(cloud: LocalGaroa, machine: string, input: unknown): Promise<void> {
  const { status, error, cause } = await cloud.execute(cloud.name('stateMachines', machine), input);
  if (status !== 'SUCCEEDED') throw new Error(`${machine.slice(1)} ended as ${status}: ${error}: ${cause}`);
}
