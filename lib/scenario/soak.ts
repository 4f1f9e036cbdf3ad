import { addDays, addHours, utcSecond } from '../../lambdas/runtime/time';
import { PROVIDERS } from '../../lambdas/weather/providers';
import type { InvocationRecord } from '../local/cloud';
import { seededRandom } from '../local/random';
import type { Recording } from '../recorded-weather/recording';
import { weatherFaultsAtRate } from '../recorded-weather/weather-api/faults';
import { REAL_MANNERS } from '../recorded-weather/weather-api/manners';
import type { Progress } from '../terminal/progress';
import { type Audit, audit } from './audit';
import { soakFaults } from './faults';
import { type LocalGaroa, startLocalGaroa } from './local-garoa';

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
  /** Called with the cloud once it runs, so that a signal can end it. */
  readonly onStarted: (cloud: LocalGaroa) => unknown;
}

/**
 * Lives days of the recording while requests to AWS and to the provider fail, functions die, and schedules come twice,
 * late, out of order or not at all; retraining comes weekly by its own schedule. Then counts what is left. The same
 * seed makes the same faults. The cloud is closed by the caller.
 */
export async function soak(options: SoakOptions, progress: Progress): Promise<Audit> {
  const { recording, historyDays, days, rate, seed } = options;
  const firstDay = utcSecond(recording.from * 1000).slice(0, 10);
  const from = `${addDays(firstDay, historyDays)}T00:00:00Z`;
  const to = addHours(from, 24 * days);
  let troubled = false;
  const faults = soakFaults(rate, seed);
  const weatherFaults = weatherFaultsAtRate(rate, seed);
  const cloud = await startLocalGaroa({
    assemblyDirectory: options.assemblyDirectory,
    directory: options.directory,
    recording,
    manners: REAL_MANNERS,
    start: new Date(from),
    faults: (call) => (troubled ? faults(call) : undefined),
    weatherFaults: (request) => (troubled ? weatherFaults(request) : undefined),
  });
  await options.onStarted(cloud);
  progress.phase('Backfill');
  await cloud.execute(cloud.name('stateMachines', '-backfill'), {
    from: firstDay,
    to: addDays(from.slice(0, 10), -1),
  });
  progress.phase('Training');
  await cloud.execute(cloud.name('stateMachines', '-retrain'), { reason: 'Before the soak.' });
  await cloud.recycle();

  progress.phase('Soak', 24 * days);
  troubled = true;
  const silent = new Set<string>();
  const random = seededRandom(`${seed}:schedules`);
  // Each hour ends after its closing run, and before anything of the next one matters.
  const offset = (options.hourlyMinute + 1) * 60_000;
  await cloud.settle(new Date(Date.parse(from) + offset));
  for (let hour = 0; hour < 24 * days; hour += 1) {
    const start = addHours(from, hour);
    const end = new Date(Date.parse(addHours(start, 1)) + offset);
    const drawn = random();
    if (drawn < rate / 2) {
      silent.add(start);
      await cloud.settle(end);
    } else {
      await cloud.advanceTo(end);
      if (drawn < rate) await deliverAgain(cloud, random);
    }
    progress.step(hour + 1, start.slice(0, 13).replace('T', ' '));
  }
  troubled = false;
  await cloud.settle();
  progress.phase('Audit');
  const { settledAfterHours } = PROVIDERS.weatherapi;
  const found = await audit({
    cloud,
    recording,
    from,
    to,
    silent,
    settledAfterHours,
    directory: options.directory,
  });
  progress.end();
  return found;
}

/** Events of the last hours come once more, the newest first: late, twice and out of order at once. */
async function deliverAgain(cloud: LocalGaroa, random: () => number): Promise<void> {
  const delivered = cloud.invocations().slice(-40).filter(isDelivery).reverse();
  const chosen = delivered.filter(() => random() < 0.3);
  await Promise.all(chosen.map(({ function: name, event }) => cloud.invoke(name, event)));
}

function isDelivery({ source, function: name }: InvocationRecord): boolean {
  return source === 'asynchronous' && (name.endsWith('-ingest') || name.endsWith('-hourly'));
}
