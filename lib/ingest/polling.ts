import type { Location } from '../../lambdas/runtime/settings';
import type { Plan } from './plans';

/**
 * Locations that one run may be given. Measured on the local cloud with a provider that answers in 80 ms, a
 * run of 1,000 takes well under 20 s; a provider ten times as slow still leaves it inside its minute.
 */
const LOCATIONS_PER_RUN = 1_000;

/** The longest month: a plan that holds it holds every other. */
const MINUTES_PER_MONTH = 31 * 24 * 60;

/** One schedule of the ingest function: the locations of one cadence, or a part of them. */
export interface PollingGroup {
  readonly everyMinutes: number;
  /** 0-based number of this part; the function deals the locations of the cadence out to the parts. */
  readonly shard: number;
  readonly shards: number;
  /** Minutes of the hour, in the syntax of EventBridge Scheduler's cron. */
  readonly minutes: string;
}

/** Cadences that occur, each cut into as many parts as one run can't hold; shortest cadence first. */
export function pollingGroups(locations: readonly Pick<Location, 'pollEveryMinutes'>[]): PollingGroup[] {
  const counts = new Map<number, number>();
  for (const { pollEveryMinutes } of locations) {
    counts.set(pollEveryMinutes, (counts.get(pollEveryMinutes) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .flatMap(([everyMinutes, count]) => {
      const shards = Math.ceil(count / LOCATIONS_PER_RUN);
      return Array.from({ length: shards }, (_, shard) => ({
        everyMinutes,
        shard,
        shards,
        minutes: minutesOf(everyMinutes),
      }));
    });
}

/** Calls that polling makes in a month of 31 days; retries, healing of gaps and backfills come on top. */
export function callsPerMonth(locations: readonly Pick<Location, 'pollEveryMinutes'>[]): number {
  return locations.reduce((calls, { pollEveryMinutes }) => calls + MINUTES_PER_MONTH / pollEveryMinutes, 0);
}

/** What the polling of a month needs, held against every plan of the provider. */
export interface QuotaReport {
  readonly text: string;
  /** Set when the configured plan is too small. */
  readonly warning?: string;
}

/** @param plan id of the configured plan, one of `plans`. */
export function quotaReport(
  provider: { readonly name: string; readonly plans: readonly Plan[] },
  plan: string,
  locations: readonly Pick<Location, 'pollEveryMinutes'>[],
): QuotaReport {
  const calls = callsPerMonth(locations);
  const places = `${number(locations.length)} ${locations.length === 1 ? 'location' : 'locations'}`;
  const shares = provider.plans.map(({ name, callsPerMonth: quota }) => {
    const percent = Math.ceil((100 * calls) / quota);
    return `${name} ${number(quota)} (${number(percent)}%${calls > quota ? ', too small' : ''})`;
  });
  const text = `${places}: ${number(calls)} calls a month to ${provider.name}. Plans: ${shares.join(', ')}.`;
  const chosen = provider.plans.find(({ id }) => id === plan);
  if (chosen === undefined || calls <= chosen.callsPerMonth) {
    return { text };
  }
  const larger = provider.plans.find(({ callsPerMonth: quota }) => calls <= quota);
  return {
    text,
    warning:
      `Polling needs ${number(calls)} calls a month; the plan ${chosen.name} of ${provider.name} holds ` +
      `${number(chosen.callsPerMonth)}. Set pollEveryMinutes of some locations to a higher value, name fewer locations` +
      `${larger === undefined ? '.' : `, or set garoa.plan to "${larger.id}" once the account has it.`}`,
  };
}

/**
 * The last minute of each interval: what a place reports of an hour grows until the hour ends, so that the
 * latest look is the fullest one.
 */
function minutesOf(everyMinutes: number): string {
  if (everyMinutes === 1) {
    return '*';
  }
  return everyMinutes === 60 ? '59' : `${everyMinutes - 1}/${everyMinutes}`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
