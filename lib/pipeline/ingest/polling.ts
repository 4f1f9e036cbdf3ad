import { type Shard, shardsNeeded } from '../../../lambdas/ingest/shards';
import type { Location } from '../../../lambdas/weather/location';
import type { CallLimit, Plan, ProviderDefinition } from '../../../lambdas/weather/provider';

/** Days of the longest month: a plan that holds it holds every other. */
const DAYS_PER_MONTH = 31;

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
 * When a cadence polls, as an expression of EventBridge Scheduler: at the minute of the provider's closing poll, and
 * in steps from there, so that every cadence of an hour's divisor has the poll that closes the hour.
 */
export function pollingCron(
  everyMinutes: number,
  { closingPoll }: Pick<ProviderDefinition, 'closingPoll'>,
): string {
  if (everyMinutes === 1) {
    return 'cron(* * * * ? *)';
  }
  const minutes =
    everyMinutes === 60 ? `${closingPoll.minute}` : `${closingPoll.minute % everyMinutes}/${everyMinutes}`;
  return `cron(${minutes} * * * ? *)`;
}

/** Minutes that lie between the last write of a closing poll and the last moment at which its hour takes it in. */
const WANTED_MARGIN_MINUTES = 1;
/** A poll's own minute, and the one before the hour is closed. */
const POLL_MINUTES = 2;

/** What to say when the hour is closed too soon after its closing poll; undefined when there is time. */
export function closingWarning(
  { title, closingPoll }: Pick<ProviderDefinition, 'title' | 'closingPoll'>,
  hourlyMinute: number,
): string | undefined {
  if (closingPoll.of === 'hour') return undefined;
  const margin = hourlyMinute - POLL_MINUTES - closingPoll.minute;
  if (margin >= WANTED_MARGIN_MINUTES) return undefined;
  const what = margin < 0 ? 'comes too late to be known then' : 'has no minute to spare';
  const enough = closingPoll.minute + POLL_MINUTES + WANTED_MARGIN_MINUTES;
  return (
    `garoa.schedules.hourlyMinute is ${hourlyMinute}, and ${title} closes an hour at minute ${closingPoll.minute} ` +
    `of the next: what it says of the hour ${what}. Set hourlyMinute to ${enough} or more.`
  );
}

type Counted = Pick<ProviderDefinition, 'historyCallsPerDay'>;

/**
 * Calls in the fullest stretch of time, as the provider counts them: polling, and the settling of a day once. All
 * cadences meet in the minute of the closing poll. Settling waits out a minute's limit. Retries, backfill and the
 * healing of gaps come on top.
 */
export function callsPer(
  per: CallLimit['per'],
  locations: readonly Cadence[],
  { historyCallsPerDay }: Counted,
): number {
  const settling = locations.length * historyCallsPerDay;
  const anHour = locations.reduce((calls, { pollEveryMinutes }) => calls + 60 / pollEveryMinutes, 0);
  switch (per) {
    case 'minute':
      return locations.length;
    case 'hour':
      return anHour + settling;
    case 'day':
      return 24 * anHour + settling;
    case 'month':
      return DAYS_PER_MONTH * (24 * anHour + settling);
  }
}

/** What polling and settling need, held against every plan of the provider. */
export interface QuotaNote {
  readonly text: string;
  /** Set when the configured plan is too small. */
  readonly warning?: string;
}

export function quotaNote(
  provider: Pick<ProviderDefinition, 'title' | 'plans'> & Counted,
  plan: Plan,
  locations: readonly Cadence[],
): QuotaNote {
  const { title, plans } = provider;
  /** The limit of the plan that is used up first. */
  const tightest = ({ limits }: Plan) => {
    const uses = limits.map(({ calls: quota, per }) => {
      const calls = callsPer(per, locations, provider);
      return { quota, per, calls, share: calls / quota };
    });
    return uses.reduce((most, use) => (use.share > most.share ? use : most));
  };
  const own = tightest(plan);
  const places = `${number(locations.length)} ${locations.length === 1 ? 'location' : 'locations'}`;
  const shares = plans.map((one) => {
    const { quota, per, share } = tightest(one);
    const tooSmall = share > 1 ? ', too small' : '';
    return `${one.name} ${number(quota)} a ${per} (${number(Math.ceil(100 * share))}%${tooSmall})`;
  });
  const text =
    `${places}: ${number(own.calls)} calls a ${own.per} to ${title}, settling included. ` +
    `Plans: ${shares.join(', ')}.`;
  if (own.share <= 1) {
    return { text };
  }
  const larger = plans.find((one) => tightest(one).share <= 1);
  return {
    text,
    // Whole again: the command line shows no infos where there are warnings.
    warning:
      `${text} The plan ${plan.name} holds ${number(own.quota)} a ${own.per}: ` +
      (larger === undefined ? '' : `set garoa.plan to "${larger.id}" once the account has it, `) +
      'raise pollEveryMinutes of some locations, or name fewer.',
  };
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
