import type { AlarmResource } from '../../lib/local/assembly/resources';
import { type AlarmChange, alarmChanges } from '../../lib/local/cloudwatch/alarms';
import { checkMeasured } from '../../lib/local/cloudwatch/measured';
import type { MetricData } from '../../lib/local/cloudwatch/metric-data';
import type { Deployment } from './deployment';
import { type Life, live } from './life';

/** When an alarm rings and goes back, in hours since the deployment, each between two bounds. */
export interface Ring {
  readonly from: readonly [number, number];
  /** Absent when it rings to the end. */
  readonly until?: readonly [number, number];
}

/** A life, and all the alarms that ring in it, by the end of their names. */
export interface Story {
  readonly name: string;
  readonly life: Life;
  readonly rings: Readonly<Record<string, Ring>>;
}

/** A Tuesday, in the middle of an hour. */
const TUESDAY = new Date('2013-03-05T10:20:00Z');
/** Half an hour before the weekly retraining. */
const SUNDAY = new Date('2013-03-10T03:00:00Z');
/** An hour before upkeep. */
const EVENING = new Date('2013-03-05T23:20:00Z');
const DAY = 24;

const between = (from: number, to: number) => (hour: number) => hour >= from && hour < to;
const minuteOf = (hour: number): number => Math.floor(hour * 60 + 1e-6);

/** An alarm on an hour looks at the two hours before as well, and so goes back three hours after what made it ring. */
const LINGERS = 3;

/** One failure of a machine. */
const failed = (machine: string, status: 'FAILED' | 'TIMED_OUT', alarm: string): Story => ({
  name: `an execution of ${machine} that ends as ${status}`,
  life: { start: TUESDAY, hours: 6, started: [{ machine, hour: 1, status }] },
  rings: { [alarm]: { from: [1.1, 1.3], until: [1.1 + LINGERS, 1.3 + LINGERS] } },
});

const STORIES: readonly Story[] = [
  {
    name: 'a key that is set an hour after the deployment',
    life: { start: TUESDAY, hours: 5, pollFails: between(0, 1) },
    rings: { 'ingest-failed': { from: [0.5, 0.75], until: [1, 1.5] } },
  },
  {
    name: 'one bad minute, in which every place fails',
    life: { start: TUESDAY, hours: 2, pollFails: between(1, 1 + 1 / 60) },
    rings: {},
  },
  {
    name: 'a provider that refuses exactly half of the polls for two hours',
    life: {
      start: TUESDAY,
      hours: 6,
      // Eight of sixteen in every quarter of an hour; the slow place's poll is among the others.
      pollFails: (hour) => between(2, 4)(hour) && (minuteOf(hour) + 5) % 15 < 8,
    },
    rings: { 'ingest-failed': { from: [2.5, 3], until: [4, 4.5] } },
  },
  {
    name: 'schedules that never fire from the first day on, but for the polls',
    life: {
      start: TUESDAY,
      hours: 7 * DAY + 2,
      pollEveryMinutes: 10,
      silent: (schedule) => !schedule.startsWith('ingest-'),
    },
    rings: {
      'hourly-did-not-run': { from: [1, 3] },
      'upkeep-did-not-run': { from: [DAY + 1, DAY + 3] },
      'retraining-did-not-run': { from: [7 * DAY - 1, 7 * DAY + 1] },
    },
  },
  {
    name: 'polls that never come',
    life: { start: TUESDAY, hours: 5, silent: (schedule) => schedule.startsWith('ingest-') },
    rings: {
      'ingest-did-not-run': { from: [0, 0.1] },
      'hourly-aggregated-nothing': { from: [2, 4] },
    },
  },
  {
    name: 'polls that stop for five hours',
    life: {
      start: TUESDAY,
      hours: 2 * DAY,
      silent: (schedule, hour) => schedule.startsWith('ingest-') && between(DAY, DAY + 5)(hour),
    },
    rings: {
      'ingest-did-not-run': { from: [DAY + 0.3, DAY + 1.1], until: [DAY + 5, DAY + 5.3] },
      'hourly-aggregated-nothing': { from: [DAY + 3, DAY + 5], until: [DAY + 5.7, DAY + 8] },
    },
  },
  {
    name: 'hourly runs that stop for eight hours, with midnight and upkeep among them',
    life: {
      start: TUESDAY,
      hours: 30,
      silent: (schedule, hour) => schedule === 'hourly' && between(12, 20)(hour),
    },
    rings: { 'hourly-did-not-run': { from: [13.5, 14], until: [19.9, 21] } },
  },
  {
    name: 'an upkeep schedule that stands still for three days',
    life: {
      start: TUESDAY,
      hours: 7 * DAY,
      pollEveryMinutes: 10,
      silent: (schedule, hour) => schedule === 'upkeep' && between(2 * DAY, 5 * DAY)(hour),
    },
    // The last one came at 00:25 of the second day.
    rings: { 'upkeep-did-not-run': { from: [2.5 * DAY + 1, 2.8 * DAY + 1], until: [5.5 * DAY, 5.8 * DAY] } },
  },
  {
    name: 'upkeeps that begin each day and never come to an end',
    life: {
      start: TUESDAY,
      hours: 3 * DAY,
      pollEveryMinutes: 10,
      ends: (machine, hour) => (machine === 'upkeep' && hour < 2 * DAY ? 'ABORTED' : 'SUCCEEDED'),
    },
    rings: { 'upkeep-did-not-run': { from: [DAY + 1, DAY + 3], until: [2.5 * DAY, 2.8 * DAY] } },
  },
  {
    name: 'a weekly retraining that is left out',
    life: {
      start: TUESDAY,
      hours: 21 * DAY,
      pollEveryMinutes: 30,
      silent: (schedule, hour) => schedule === 'retrain' && between(6 * DAY, 13 * DAY)(hour),
    },
    // Sundays at 03:30 are on days 4.7, 11.7 and 18.7.
    rings: { 'retraining-did-not-run': { from: [11.6 * DAY, 11.9 * DAY], until: [18.6 * DAY, 18.9 * DAY] } },
  },
  {
    name: 'an hourly run that fails as often as it is tried',
    life: { start: TUESDAY, hours: 6, hourlyFails: between(0.7, 1.6) },
    rings: { 'hourly-failed': { from: [0.75, 0.9], until: [0.75 + LINGERS, 0.9 + LINGERS] } },
  },
  {
    name: 'an upkeep that fails',
    life: { start: EVENING, hours: 6, ends: (machine) => (machine === 'upkeep' ? 'FAILED' : 'SUCCEEDED') },
    rings: { 'upkeep-failed': { from: [1.1, 1.4], until: [1.1 + LINGERS, 1.4 + LINGERS] } },
  },
  failed('upkeep', 'TIMED_OUT', 'upkeep-failed'),
  failed('retrain', 'FAILED', 'retraining-failed'),
  failed('retrain', 'TIMED_OUT', 'retraining-failed'),
  failed('retrain-on-evidence', 'FAILED', 'retraining-failed'),
  failed('retrain-on-evidence', 'TIMED_OUT', 'retraining-failed'),
  failed('backfill', 'FAILED', 'backfill-failed'),
  failed('backfill', 'TIMED_OUT', 'backfill-failed'),
  {
    name: 'a retraining that can not be started',
    life: { start: SUNDAY, hours: 6, unreachable: (schedule) => schedule === 'retrain' },
    rings: { 'start-was-not-delivered': { from: [0.45, 0.6], until: [0.45 + LINGERS, 0.6 + LINGERS] } },
  },
  {
    name: 'a model that is refused for nine hours, while its place goes without forecasts',
    life: {
      start: TUESDAY,
      hours: 16,
      found: (hour) =>
        between(2, 11)(hour)
          ? [
              ['modelsRefused', 1],
              // As old as the last one, of which the runs before minute 5 of the second hour tell nothing.
              ...(hour > 3 ? [['forecastAgeMinutes', 60 * Math.floor(hour - 1) + 5] as const] : []),
              // A run by hand that closes the hour once more, when the place has one again for a while.
              ...(hour > 3 ? [['forecastAgeMinutes', 61] as const] : []),
            ]
          : [],
    },
    rings: {
      'model-refused': { from: [2.5, 3], until: [10 + LINGERS, 11 + LINGERS] },
      'forecasts-are-old': { from: [4.6, 5], until: [10 + LINGERS, 11 + LINGERS] },
    },
  },
  {
    name: 'a raw object that is set aside',
    life: {
      start: TUESDAY,
      hours: 6,
      found: (hour) => (between(1, 2)(hour) ? [['objectsSetAside', 1]] : []),
    },
    rings: { 'raw-object-set-aside': { from: [1.7, 1.9], until: [1.7 + LINGERS, 1.9 + LINGERS] } },
  },
  {
    name: 'ten days of forecasts that are worse than persistence',
    life: {
      start: TUESDAY,
      hours: 16 * DAY,
      pollEveryMinutes: 30,
      skill: (hour) => (between(1 * DAY, 11 * DAY)(hour) ? -0.1 : 0.1),
    },
    // Judged at midnight: seven whole days, the first of which began on the second evening.
    rings: { 'worse-than-persistence': { from: [8 * DAY, 9 * DAY], until: [11.5 * DAY, 13 * DAY] } },
  },
  {
    name: 'weeks with what may happen at any time',
    life: {
      start: TUESDAY,
      hours: 22 * DAY,
      pollEveryMinutes: 3,
      pollFails: (hour) =>
        // A third of the polls for two hours, all of them for twenty minutes.
        (between(3 * DAY, 3 * DAY + 2)(hour) && minuteOf(hour) % 9 < 3) ||
        between(4 * DAY, 4 * DAY + 1 / 3)(hour),
      // An attempt fails, once a day for another reason than the first.
      hourlyFails: (hour, attempt) => Math.floor(hour) % DAY === 6 && attempt < 2,
      silent: (schedule, hour) =>
        // No polls for eighteen minutes, no run for one hour.
        (schedule.startsWith('ingest-') && between(5 * DAY, 5 * DAY + 0.3)(hour)) ||
        (schedule === 'hourly' && between(6 * DAY, 6 * DAY + 1)(hour)),
      found: (hour) =>
        // Polls that ended well and brought nothing for two hours; forecasts that are three hours old, told twice.
        between(7 * DAY, 7 * DAY + 2)(hour)
          ? [
              ['emptyHours', 1],
              ['forecastAgeMinutes', 180],
              ['forecastAgeMinutes', 180],
            ]
          : [],
      // As good as persistence, but for a dry spell in which that is hard to beat.
      skill: (hour) => (between(8 * DAY, 14 * DAY)(hour) ? -0.1 : 0),
      // The account was busy for a while.
      late: (schedule, hour) =>
        schedule === 'retrain' && hour > 10 * DAY
          ? 20
          : schedule === 'upkeep' && between(9 * DAY, 10 * DAY)(hour)
            ? 130
            : 0,
      // Somebody stops each retraining, which is that person's doing.
      ends: (machine) => (machine === 'retrain' ? 'ABORTED' : 'SUCCEEDED'),
      started: [
        { machine: 'retrain', hour: 30, status: 'ABORTED' },
        { machine: 'backfill', hour: 31, status: 'ABORTED' },
        { machine: 'upkeep', hour: 32, status: 'ABORTED' },
        { machine: 'retrain-on-evidence', hour: 33, status: 'SUCCEEDED' },
        { machine: 'backfill', hour: 34, status: 'SUCCEEDED' },
      ],
    },
    rings: {},
  },
];

const HOUR_MS = 3_600_000;

/** Where an alarm does otherwise than the story tells; undefined where it does not. */
function contradiction(
  story: Story,
  alarm: AlarmResource,
  data: MetricData,
  suffix: string,
): string | undefined {
  const { start, hours } = story.life;
  const end = start.getTime() + hours * HOUR_MS;
  const changes = alarmChanges(alarm, data, {
    from: start,
    to: new Date(end),
  });
  const rung = intervals(changes, start);
  const expected = story.rings[suffix];
  const [first, ...more] = rung;
  const within = (value: number | undefined, bounds: readonly [number, number] | undefined): boolean =>
    bounds === undefined
      ? value === undefined
      : value !== undefined && value >= bounds[0] && value <= bounds[1];
  // Whoever looks at an alarm that does not ring sees that all is well, and not that nothing is known.
  const last = changes.at(-1)?.state;
  const periods = (time: number): number => Math.floor(time / (alarm.periodSeconds * 1000));
  const looked = !alarm.wallClock || periods(end) > periods(start.getTime());
  const told =
    expected === undefined
      ? first === undefined && (last === 'OK' || !looked)
      : first !== undefined &&
        more.length === 0 &&
        within(first.from, expected.from) &&
        within(first.until, expected.until);
  if (told) return undefined;
  const seen = rung.map(({ from, until }) => `${from.toFixed(2)} to ${until?.toFixed(2) ?? 'the end'}`);
  const rings = seen.length === 0 ? 'not at all' : `from hour ${seen.join(', ')}`;
  return `${story.name}: ${suffix} rings ${rings}, and ends as ${last ?? 'INSUFFICIENT_DATA'}`;
}

function intervals(changes: readonly AlarmChange[], start: Date): { from: number; until?: number }[] {
  const hour = ({ at }: AlarmChange): number => (Date.parse(at) - start.getTime()) / HOUR_MS;
  return changes.flatMap((change, index) => {
    const next = changes[index + 1];
    if (change.state !== 'ALARM') return [];
    return [{ from: hour(change), ...(next?.state === 'OK' && { until: hour(next) }) }];
  });
}

/** The lives of all stories, kept for the many alarms that are held against them. */
export type Histories = ReadonlyMap<Story, MetricData>;

export function histories(deployment: Deployment): Histories {
  // The shortest first: most edits show in them.
  const stories = STORIES.toSorted((a, b) => a.life.hours - b.life.hours);
  return new Map(stories.map((story) => [story, live(deployment.resources, story.life)]));
}

/** Everything that some alarms do otherwise than the stories tell, as far as it is asked for. @throws UnknownMetric */
export function* contradictions(
  { config, resources }: Deployment,
  lives: Histories,
  alarms: readonly AlarmResource[] = resources.alarms,
): Generator<string> {
  const shortName = (name: string): string => name.replace(`garoa-${config.stage}-`, '');
  for (const { metrics } of alarms) for (const { metric } of metrics) checkMeasured(resources, metric);
  for (const { name, rings } of STORIES) {
    for (const suffix of Object.keys(rings)) {
      if (resources.alarms.some((alarm) => shortName(alarm.name) === suffix)) continue;
      yield `${name}: there is no alarm ${suffix}`;
    }
  }
  for (const [story, data] of lives) {
    for (const alarm of alarms) {
      const found = contradiction(story, alarm, data, shortName(alarm.name));
      if (found !== undefined) yield found;
    }
  }
}
