import { type Shard, shardsNeeded } from '../../../lambdas/ingest/shards';
import type { Location } from '../../../lambdas/weather/location';
import type { Plan, ProviderDefinition } from '../../../lambdas/weather/provider';

/** The longest month: a plan that holds it holds every other. */
const MINUTES_PER_MONTH = 31 * 24 * 60;

type Cadence = Pick<Location, 'pollEveryMinutes'>;

/** One schedule for each cadence that occurs and each part it must be cut into; shortest cadence first. */
export function pollShards(locations: readonly Cadence[]): Shard[] {
  const cadences = new Set(locations.map(({ pollEveryMinutes }) => pollEveryMinutes));
  return [...cadences]
    .sort((a, b) => a - b)
    .flatMap((everyMinutes) => {
      const shards = shardsNeeded(
        locations.filter(({ pollEveryMinutes }) => pollEveryMinutes === everyMinutes).length,
      );
      return Array.from({ length: shards }, (_, shard) => ({ everyMinutes, shard, shards }));
    });
}

/**
 * When a cadence polls, as an expression of EventBridge Scheduler: the last minute of each interval. What a
 * place reports of an hour grows until the hour ends, so that the latest look is the fullest one.
 */
export function pollingCron(everyMinutes: number): string {
  if (everyMinutes === 1) {
    return 'cron(* * * * ? *)';
  }
  const minutes = everyMinutes === 60 ? '59' : `${everyMinutes - 1}/${everyMinutes}`;
  return `cron(${minutes} * * * ? *)`;
}

/** Calls that polling makes in a month of 31 days; retries, backfill and the healing of gaps come on top. */
export function callsPerMonth(locations: readonly Cadence[]): number {
  return locations.reduce((calls, { pollEveryMinutes }) => calls + MINUTES_PER_MONTH / pollEveryMinutes, 0);
}

/** What the polling of a month needs, held against every plan of the provider. */
export interface QuotaReport {
  readonly text: string;
  /** Set when the configured plan is too small. */
  readonly warning?: string;
}

export function quotaReport(
  { title, plans }: Pick<ProviderDefinition, 'title' | 'plans'>,
  plan: Plan,
  locations: readonly Cadence[],
): QuotaReport {
  const calls = callsPerMonth(locations);
  const places = `${number(locations.length)} ${locations.length === 1 ? 'location' : 'locations'}`;
  const shares = plans.map(({ name, callsPerMonth: quota }) => {
    const percent = Math.ceil((100 * calls) / quota);
    return `${name} ${number(quota)} (${number(percent)}%${calls > quota ? ', too small' : ''})`;
  });
  const text = `${places}: ${number(calls)} calls a month to ${title}. Plans: ${shares.join(', ')}.`;
  if (calls <= plan.callsPerMonth) {
    return { text };
  }
  const larger = plans.find(({ callsPerMonth: quota }) => calls <= quota);
  return {
    text,
    // Whole again: the command line shows no infos where there are warnings.
    warning:
      `${text} The plan ${plan.name} holds ${number(plan.callsPerMonth)}: ` +
      (larger === undefined ? '' : `set garoa.plan to "${larger.id}" once the account has it, `) +
      'raise pollEveryMinutes of some locations, or name fewer.',
  };
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
