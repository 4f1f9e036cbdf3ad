import { GetQueueAttributesCommand, GetQueueUrlCommand, QueueDoesNotExist } from '@aws-sdk/client-sqs';
import { readPromotions } from '../../lambdas/model/registry';
import { count } from '../../lambdas/pages/words';
import { addDays, addHours, datesBetween, HOUR_MS, hourStart } from '../../lambdas/runtime/time';
import { settledFrom } from '../../lambdas/weather/provider';
import { PROVIDERS, type ProviderName } from '../../lambdas/weather/providers';
import {
  championProblem,
  type LakeDays,
  leftoversAt,
  placeHour,
  quarantined,
  readLakeDays,
  verificationOf,
  wasKnownAtClose,
} from '../inspection/lake';
import { resourceName } from '../names';
import { formatTable } from '../terminal/table';
import type { Access } from './access';
import type { Deployment } from './deployment';

/** What the lake itself says of its last days, counted afresh from every object; nothing that was summed up is believed. */
export interface DeepStatus {
  /** First and last UTC day that was looked at. */
  readonly from: string;
  readonly to: string;
  readonly hours: {
    /** Closed hours of all places, each from its first one in these days on. */
    readonly expected: number;
    readonly present: number;
    readonly twice: number;
    /** Those whose true rain is known. */
    readonly known: number;
    /** Those whose history the provider has settled by now, and those of them that it has settled here. */
    readonly settlingDue: number;
    readonly settled: number;
  };
  readonly forecasts: {
    /** Hours that were known when a champion was in office. */
    readonly due: number;
    readonly made: number;
    readonly twice: number;
    /** Due ones that were not made. */
    readonly missing: readonly string[];
    /** Those made whose hour is known, and those that `forecast_verification` counts. */
    readonly known: number;
    readonly verified: number;
    /** Of days that are over and looked at: known and not counted, or counted twice. */
    readonly unverified: number;
  };
  /** Places whose pointer and ledger do not agree. */
  readonly champions: readonly string[];
  readonly unreadable: readonly string[];
  readonly leftovers: number;
  readonly quarantined: number;
  /** Events that were given up, by queue; null where no queues can be asked. */
  readonly deadLetters: Readonly<Record<string, number>> | null;
  readonly problems: readonly string[];
}

/** Places and provider as they were deployed. */
export interface DeployedLake {
  readonly provider: ProviderName;
  readonly places: readonly { readonly id: string }[];
}

/** Upkeep looks at a day once it is over, at some time of the next one. */
const LOOKED_AT_AFTER_DAYS = 2;

/** Reads every object of the last days; changes nothing. */
export async function lookDeep(
  access: Access,
  deployment: Deployment,
  { provider, places }: DeployedLake,
  at: string,
  days: number,
): Promise<DeepStatus> {
  const { processed, models, raw, queryResults } = deployment;
  const to = at.slice(0, 10);
  const from = addDays(to, 1 - days);
  const ids = places.map(({ id }) => id);
  const [lake, problems, since, leftovers, setAside, deadLetters] = await Promise.all([
    readLakeDays(processed, datesBetween(from, to)),
    Promise.all(ids.map((id) => championProblem(models, id))),
    Promise.all(ids.map(async (id) => (await readPromotions(models, id))[0]?.since)),
    leftoversAt(queryResults, at),
    quarantined(raw),
    deadLettersOf(access),
  ]);
  const firstChampions = new Map(ids.map((id, index) => [id, since[index]]));
  const found = {
    from,
    to,
    hours: hoursOf(lake, ids, at, PROVIDERS[provider]),
    forecasts: forecastsOf(lake, firstChampions, at),
    champions: ids.flatMap((id, index) => {
      const problem = problems[index];
      return problem === undefined || problem === 'none' ? [] : [`${id}: ${problem}`];
    }),
    unreadable: lake.unreadable,
    leftovers,
    quarantined: setAside,
    deadLetters,
  };
  return { ...found, problems: deepProblemsOf(found) };
}

function hoursOf(
  lake: LakeDays,
  ids: readonly string[],
  at: string,
  provider: { readonly settledAfterHours: number },
): DeepStatus['hours'] {
  const closed = hourStart(at);
  const rows = [...lake.hours.values()].filter(({ location_id }) => ids.includes(location_id));
  const first = new Map<string, string>();
  for (const { location_id: id, hour } of rows) {
    const known = first.get(id);
    if (known === undefined || hour < known) first.set(id, hour);
  }
  const hoursSince = (start: string): number => Math.max(0, Date.parse(closed) - Date.parse(start)) / HOUR_MS;
  const due = rows.filter(({ hour }) => settledFrom(provider, hour.slice(0, 10)) <= addHours(at, -24));
  return {
    expected: [...first.values()].reduce((sum, start) => sum + hoursSince(start), 0),
    present: rows.filter(({ hour }) => hour < closed).length,
    twice: lake.repeatedHours,
    known: rows.filter(({ rained }) => rained !== null).length,
    settlingDue: due.length,
    settled: due.filter(({ settled_at }) => settled_at !== null).length,
  };
}

function forecastsOf(
  lake: LakeDays,
  firstChampions: ReadonlyMap<string, string | undefined>,
  at: string,
): DeepStatus['forecasts'] {
  // The run that closes the newest hour may be at work.
  const closed = addHours(hourStart(at), -1);
  const due = [...lake.hours.values()].flatMap((row) => {
    const { location_id: id, hour } = row;
    const since = firstChampions.get(id);
    const inOffice = since !== undefined && since <= addHours(hour, 1);
    return inOffice && wasKnownAtClose(row) && hour < closed ? [placeHour(id, hour)] : [];
  });
  const { known, verified, astray } = verificationOf(
    lake,
    addDays(at.slice(0, 10), 1 - LOOKED_AT_AFTER_DAYS),
  );
  return {
    due: due.length,
    made: lake.forecasts.size,
    twice: lake.repeatedForecasts,
    missing: due.filter((key) => !lake.forecasts.has(key)).sort(),
    known,
    verified,
    unverified: astray,
  };
}

const FUNCTIONS = ['ingest', 'hourly', 'retrain'];

async function deadLettersOf({ sqs, stage }: Access): Promise<Record<string, number> | null> {
  if (sqs === undefined) return null;
  const names = [...FUNCTIONS.map((name) => `${name}-failures`), 'undelivered'];
  const counts = await Promise.all(
    names.map(async (name): Promise<[string, number] | undefined> => {
      const QueueName = resourceName(stage, name);
      try {
        const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
        const { Attributes } = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
        );
        return [QueueName, Number(Attributes?.ApproximateNumberOfMessages ?? 0)];
      } catch (error) {
        if (error instanceof QueueDoesNotExist) return undefined;
        throw error;
      }
    }),
  );
  return Object.fromEntries(counts.filter((one) => one !== undefined));
}

/** A text that stays a line. */
const NAMED = 5;

function named(all: readonly string[]): string {
  return `${all.slice(0, NAMED).join(', ')}${all.length > NAMED ? ` and ${all.length - NAMED} more` : ''}`;
}

/** What somebody should look at, each with what helps. */
function deepProblemsOf(found: Omit<DeepStatus, 'problems'>): string[] {
  const { from, to, hours, forecasts, champions, unreadable, leftovers, deadLetters } = found;
  const range = `{"from":"${from}","to":"${to}"}`;
  const unsettled = hours.settlingDue - hours.settled;
  const when = (many: number, noun: string, text: string): string[] =>
    many === 0 ? [] : [`${count(many, noun)} ${text}`];
  return [
    ...when(hours.twice, 'row', `of hourly_observations repeat an hour: invoke hourly with ${range}.`),
    ...when(
      unsettled,
      'hour',
      'not settled although history is due: the provider had none, the plan sells none, or upkeep failed.',
    ),
    ...when(forecasts.twice, 'forecast', 'stored twice: the first one of each hour counts.'),
    ...when(
      forecasts.missing.length,
      'forecast',
      `missing although the hour was known: ${named(forecasts.missing)}. The log of hourly says why; {"hour":"…"} makes one.`,
    ),
    ...when(forecasts.unverified, 'forecast', `not verified, or twice: invoke hourly with ${range}.`),
    ...champions.map((place) => `${place}: promote a version.`),
    ...when(
      unreadable.length,
      'object',
      `can't be read: ${named(unreadable)}. Upkeep makes them anew; if they stay, invoke hourly with ${range}.`,
    ),
    ...when(leftovers, 'staged object', 'left behind: upkeep removes them; if they stay, it failed.'),
    ...when(found.quarantined, 'raw object', 'set aside: see raw-object-set-aside in the runbook.'),
    ...Object.entries(deadLetters ?? {}).flatMap(([queue, messages]) =>
      when(
        messages,
        'event',
        `given up, in the queue ${queue}: look at them, start them by hand, then purge it.`,
      ),
    ),
  ];
}

export function formatDeepStatus(found: DeepStatus): string {
  const { from, to, hours, forecasts, deadLetters, leftovers, problems } = found;
  const letters = Object.values(deadLetters ?? {}).reduce((sum, messages) => sum + messages, 0);
  const rows: [string, string, string][] = [
    ['hours', `${hours.present} of ${hours.expected}`, `${hours.twice} twice`],
    ['their rain', `${hours.known} known`, `${hours.settled} of ${hours.settlingDue} settled`],
    ['forecasts', `${forecasts.made} made, ${forecasts.due} due`, `${forecasts.twice} twice`],
    ['verified', `${forecasts.verified} of ${forecasts.known}`, `${forecasts.unverified} astray`],
    ['left behind', `${leftovers} staged`, `${found.quarantined} set aside`],
    ['given up', deadLetters === null ? 'not kept here' : count(letters, 'event'), ''],
  ];
  return [
    formatTable([`${from} to ${to}`, '', ''], rows),
    '',
    ...(problems.length === 0 ? ['The lake agrees with itself.'] : problems.map((problem) => `! ${problem}`)),
  ].join('\n');
}
