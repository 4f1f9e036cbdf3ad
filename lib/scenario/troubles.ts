import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { keys } from '../../lambdas/lake/layout';
import { getObject, putObject } from '../../lambdas/lake/s3';
import { addDays, addHours, HOUR_MS, utcSecond } from '../../lambdas/runtime/time';
import type { InvocationRecord } from '../local/cloud';
import { LOCAL_WEATHER_KEY } from '../recorded-weather/weather-api/weatherapi';
import type { LocalGaroa } from './local-garoa';

/** Something that was done to a run on purpose: what fails in its time is explained by it. */
export interface Deed {
  readonly kind:
    | 'silence'
    | 'repetition'
    | 'redrive'
    | 'lasting fault'
    | 'provider down'
    | 'key rotated'
    | 'killed'
    | 'object damaged'
    | 'foreign object';
  /** UTC, both included. */
  readonly from: string;
  readonly to: string;
}

/** One hour of a soak, which has been lived but for what is done at its end. */
export interface TroubledHour {
  readonly cloud: LocalGaroa;
  /** Its start, UTC. */
  readonly start: string;
  /** The instant up to which it is lived. */
  readonly end: Date;
  /** When its closing run is due. */
  readonly closing: string;
  readonly random: () => number;
  /** Objects that a day's upkeep has to mend are damaged no more: none is to come. */
  readonly isLastDay: boolean;
  readonly note: (deed: Deed) => void;
  /** While the provider is down, it refuses every request. */
  readonly setProviderDown: (down: boolean) => void;
}

/** Lives the hour, and goes wrong about it. */
export type Trouble = (hour: TroubledHour) => Promise<void>;

const live = ({ cloud, end }: TroubledHour): Promise<void> => cloud.advanceTo(end);
const lasting = (kind: Deed['kind'], { start, end }: TroubledHour): Deed => ({
  kind,
  from: start,
  to: utcSecond(end),
});

export const TROUBLES: Readonly<Record<string, Trouble>> = {
  /** Schedules stand still; half of the time the closing run comes late, an hour after it was due. */
  async silence(hour) {
    const { cloud, closing, random, note, end } = hour;
    note(lasting('silence', hour));
    await cloud.settle(end);
    if (random() < 0.5) await cloud.invoke(cloud.name('functions', '-hourly'), { scheduledTime: closing });
  },

  /** Events of the last hours come once more, the newest first: late, twice and out of order at once. */
  async repetition(hour) {
    const { cloud, random, note } = hour;
    note(lasting('repetition', hour));
    await live(hour);
    const delivered = cloud.invocations().slice(-40).filter(isDelivery).reverse();
    const chosen = delivered.filter(() => random() < 0.3);
    await Promise.all(chosen.map(({ function: name, event }) => cloud.invoke(name, event)));
  },

  async providerDown(hour) {
    hour.note(lasting('provider down', hour));
    hour.setProviderDown(true);
    await live(hour);
    hour.setProviderDown(false);
  },

  /** The provider takes another key from now on; half of the time its owner says so an hour later. */
  async keyRotated(hour) {
    const { cloud, start, random, note } = hour;
    const key = `${LOCAL_WEATHER_KEY}-${start.slice(0, 13)}`;
    const set = (): void => {
      for (const { arn } of cloud.resources.secrets) cloud.services.setSecret(arn, key);
    };
    const late = random() < 0.5;
    cloud.weather.setKey(key);
    if (late) note(lasting('key rotated', hour));
    else set();
    await live(hour);
    set();
  },

  /** Functions die at any instant of their work, not only when they call. */
  async kill(hour) {
    const { cloud, random, note } = hour;
    const names = cloud.resources.functions.map(({ name }) => name);
    let over = false;
    const killing = (async () => {
      while (!over) {
        await delay(200 + random() * 1_500, undefined, { ref: false });
        if (over) break;
        const at = utcSecond(cloud.now());
        note({ kind: 'killed', from: at, to: at });
        for (const name of names) cloud.crash(name, random() < 0.5 ? 'kill' : 'timeLimit');
      }
    })();
    await live(hour);
    over = true;
    await killing;
  },

  /** Everything that may run at all runs twice at the same time, and what failed before is redriven in the middle. */
  async twoOfEverything(hour) {
    const { cloud, start, closing, end, random, note } = hour;
    await live(hour);
    const today = start.slice(0, 10);
    const yesterday = addDays(today, -1);
    const machines: [string, unknown][] = [
      ['-backfill', { from: addDays(today, -2), to: yesterday }],
      ['-upkeep', { scheduledTime: utcSecond(end) }],
      ...(random() < 0.1 ? [['-retrain', { reason: 'Twice at once.' }] as [string, unknown]] : []),
    ];
    for (const [suffix, input] of machines) {
      for (let count = 0; count < 2; count += 1) cloud.begin(cloud.name('stateMachines', suffix), input);
    }
    const hourly = cloud.name('functions', '-hourly');
    const runs = [1, 2].map(() => cloud.invoke(hourly, { scheduledTime: closing }));
    if ((await redriveFailed(cloud)) > 0) note(lasting('redrive', hour));
    await Promise.all(runs);
  },

  /** A derived object breaks off in its middle. */
  async damage(hour) {
    const { cloud, start, random, isLastDay, note } = hour;
    await live(hour);
    const today = start.slice(0, 10);
    const mendedByTheNextRun = [
      ['processed', keys.hourlyDay(today)],
      ['processed', keys.verificationDay(today)],
      ['processed', keys.forecastHour(today, start.slice(11, 13))],
      ['models', keys.latest],
      ['models', keys.pagesIndex],
    ] as const;
    const mendedByUpkeep = [
      ['processed', keys.hourlyDay(addDays(today, -3))],
      ['processed', keys.verificationDay(addDays(today, -2))],
      ['processed', keys.agreementDay(addDays(today, -4))],
      ['processed', keys.settling],
    ] as const;
    const choice = [...mendedByTheNextRun, ...(isLastDay ? [] : mendedByUpkeep)];
    const [zone = 'models', key = ''] = choice[Math.floor(random() * choice.length)] ?? [];
    const bucket = cloud.bucket(zone);
    const stored = await getObject(bucket, key);
    if (stored === undefined) return;
    await putObject(
      bucket,
      key,
      stored.bytes.subarray(0, stored.bytes.length / 2),
      'application/octet-stream',
    );
    note(lasting('object damaged', hour));
  },

  /** Somebody puts files of his own, and a broken one, where readings lie. */
  async foreignObjects(hour) {
    const { cloud, start, note } = hour;
    const prefix = keys.rawHour(start.slice(0, 10), start.slice(11, 13));
    const broken = gzipSync('{"location_id":"').subarray(0, 12);
    const raw = cloud.bucket('raw');
    await putObject(raw, `${prefix}README.txt`, 'Do not touch.\n', 'text/plain');
    await putObject(raw, `${prefix}${start.slice(11, 13)}59-broken.ndjson.gz`, broken, 'application/gzip');
    note({ kind: 'foreign object', from: start, to: addHours(start, 3) });
    await live(hour);
  },
};

const REDRIVEN_WITHIN_MS = 24 * HOUR_MS;

/** An owner redrives what failed of late, once. @returns how many, each of which may fail as it did. */
async function redriveFailed(cloud: LocalGaroa): Promise<number> {
  const since = new Date(cloud.now().getTime() - REDRIVEN_WITHIN_MS).toISOString();
  const failed = cloud
    .executions()
    .filter(
      ({ status, startedAt, redriveCount }) =>
        status !== 'RUNNING' && status !== 'SUCCEEDED' && startedAt > since && redriveCount === 0,
    );
  for (const { arn } of failed) await cloud.redrive(arn);
  return failed.length;
}

function isDelivery({ source, function: name }: InvocationRecord): boolean {
  return source === 'asynchronous' && (name.endsWith('-ingest') || name.endsWith('-hourly'));
}
