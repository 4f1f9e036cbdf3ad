import { JUDGED_HOURS, JUDGED_WINDOW_DAYS } from '../../lambdas/hourly/verification';
import { age, chance, count, utcTime } from '../../lambdas/pages/words';
import { addHours, HOUR_MS } from '../../lambdas/runtime/time';
import { formatTable } from '../terminal/table';

export interface PlaceStatus {
  readonly location: string;
  readonly name: string | null;
  readonly probability: number | null;
  readonly willRain: boolean | null;
  /** Why there is no forecast. */
  readonly withoutForecast: string | null;
  readonly champion: { readonly version: string; readonly since: string } | null;
  /** Why it can't be read who is champion. */
  readonly championDamaged: string | null;
  /** Against persistence over the last seven days: 1 is perfect, 0 as good; null when nothing compares. */
  readonly skill: number | null;
  /** Verified hours behind it. */
  readonly skillHours: number;
  /** Since when the provider's forecast is left out, because joined with it the probabilities were worse; else null. */
  readonly silencedSince: string | null;
  /** Closed hours of the last seven days without a row. */
  readonly missingHours: number;
  readonly missingDays: readonly string[];
  readonly lastRetraining: {
    readonly run: string;
    readonly asOf: string;
    readonly outcome: string;
  } | null;
}

export interface ExecutionStatus {
  readonly execution: string;
  readonly status: string;
  readonly startedAt: string;
}

export interface SystemStatus {
  readonly name: string;
  readonly region: string;
  readonly at: string;
  /** Scheduled minute of the newest poll that was stored; null when there is none in the last day. */
  readonly lastPoll: string | null;
  readonly forecast: { readonly issuedAt: string; readonly targetHour: string } | null;
  /** How the forecasts stand to the provider's own; null where that is not known. */
  readonly besideProvider: string | null;
  readonly retraining: ExecutionStatus | null;
  readonly backfill: ExecutionStatus | null;
  readonly places: readonly PlaceStatus[];
  /** Files of the functions that can't be read, with the reason. */
  readonly damaged: readonly string[];
  readonly problems: readonly string[];
}

/** As long as a provider's free history may reach, and as hourly's own search for gaps. */
export const MISSING_DAYS = 7;
export const POLL_HOURS = 24;
/** Longer than a poll of any cadence takes to come. */
const SILENT_MS = 2 * HOUR_MS;

/** What somebody should look at, each with what helps. */
export function problemsOf(seen: Omit<SystemStatus, 'problems'>): string[] {
  const { at, lastPoll, forecast, places, retraining, backfill } = seen;
  const problems = seen.damaged.map((what) => `${what}. The next hourly run or retraining makes it anew.`);
  if (lastPoll === null || Date.parse(at) - Date.parse(lastPoll) > SILENT_MS) {
    const since = lastPoll === null ? `for ${POLL_HOURS} hours` : `since ${utcTime(lastPoll)}`;
    problems.push(`No poll has been stored ${since}: see ingest-failed in the runbook.`);
  }
  if (forecast === null && seen.damaged.length === 0)
    problems.push('No hour has been closed yet: hourly does that a few minutes after each.');
  else if (forecast !== null && addHours(forecast.targetHour, 2) < at) {
    problems.push(
      `The newest forecast is of the hour from ${utcTime(forecast.targetHour)}: see forecasts-are-old.`,
    );
  }
  const having = (holds: (place: PlaceStatus) => boolean): string[] =>
    places.filter(holds).map(({ location }) => location);
  const damaged = having(({ championDamaged }) => championDamaged !== null);
  if (damaged.length > 0) {
    problems.push(`Who is champion can't be read for ${named(damaged)}: promote a version.`);
  }
  const untrained = having(({ champion, championDamaged }) => champion === null && championDamaged === null);
  if (untrained.length > 0)
    problems.push(
      `There is no model yet for ${named(untrained)}: retrain makes one once its history is long enough.`,
    );
  const worse = having(({ skill, skillHours }) => skill !== null && skill < 0 && skillHours >= JUDGED_HOURS);
  if (worse.length > 0) {
    problems.push(`For ${named(worse)}, persistence was better for a week: see worse-than-persistence.`);
  }
  const hours = places.reduce((sum, { missingHours }) => sum + missingHours, 0);
  if (hours > 0) {
    const days = [...new Set(places.flatMap(({ missingDays }) => missingDays))].sort();
    const over = days.filter((day) => day < at.slice(0, 10));
    const remedy =
      over.length === 0
        ? 'backfill can fetch those of today once it is over'
        : `backfill --from ${over[0]} --to ${over.at(-1)}`;
    problems.push(
      `${count(hours, 'hour')} of the last ${MISSING_DAYS} days and today ${hours === 1 ? 'is' : 'are'} missing: ${remedy}.`,
    );
  }
  const failed = having(({ lastRetraining }) => lastRetraining?.outcome === 'failed');
  if (failed.length > 0) problems.push(`The last retraining failed for ${named(failed)}.`);
  for (const [machine, last] of Object.entries({ retraining, backfill })) {
    if (last !== null && last.status !== 'RUNNING' && last.status !== 'SUCCEEDED') {
      problems.push(`The last ${machine} ended as ${last.status}: ${last.execution}.`);
    }
  }
  return problems;
}

/** A text that stays a line. */
const NAMED = 10;

function named(ids: readonly string[]): string {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return `${ids.slice(0, NAMED).join(', ')}${more}`;
}

/** Places beyond these are left to `--json` and the pages. */
const SHOWN = 40;

export function formatStatus(seen: SystemStatus): string {
  const { name, region, at, lastPoll, forecast, places, problems } = seen;
  const rows = places
    .slice(0, SHOWN)
    .map((place) => [
      place.location,
      place.willRain === null ? 'none' : place.willRain ? 'rain' : 'dry',
      place.probability === null ? '–' : chance(place.probability),
      place.champion?.version ?? 'none',
      place.skill === null ? '–' : place.skill.toFixed(2),
      String(place.missingHours),
      place.lastRetraining === null
        ? '–'
        : `${place.lastRetraining.outcome} ${place.lastRetraining.asOf.slice(0, 10)}`,
    ]);
  return [
    `${name} in ${region}, ${utcTime(at)}`,
    '',
    `Polling     ${lastPoll === null ? `nothing stored for ${POLL_HOURS} hours` : `last stored ${utcTime(lastPoll)}, ${age(lastPoll, at)} ago`}`,
    `Forecast    ${forecast === null ? 'none yet' : `of the hour from ${utcTime(forecast.targetHour)}, issued ${age(forecast.issuedAt, at)} ago`}`,
    ...(seen.besideProvider === null ? [] : [`Provider    ${seen.besideProvider}`]),
    ...voiceLine(places),
    ...executionLine('Retraining', seen.retraining, at),
    ...executionLine('Backfill', seen.backfill, at),
    ...(rows.length === 0
      ? []
      : [
          '',
          formatTable(
            [
              'location',
              'forecast',
              '',
              'champion',
              `skill ${JUDGED_WINDOW_DAYS} d`,
              'missing h',
              'last retraining',
            ],
            rows,
          ),
        ]),
    ...(places.length > SHOWN ? [`… and ${places.length - SHOWN} more (--json has them all)`] : []),
    '',
    ...(problems.length === 0 ? ['All is well.'] : problems.map((problem) => `! ${problem}`)),
  ].join('\n');
}

function voiceLine(places: readonly PlaceStatus[]): string[] {
  const silenced = places.filter(({ silencedSince }) => silencedSince !== null);
  return silenced.length === 0
    ? []
    : [
        `Voice       without the provider's forecast, which made it worse, at ${named(silenced.map(({ location }) => location))}`,
      ];
}

/** Step Functions remembers executions for 90 days; of none there is nothing to say. */
function executionLine(label: string, last: ExecutionStatus | null, at: string): string[] {
  return last === null
    ? []
    : [
        `${label.padEnd(12)}${last.status.toLowerCase()}, started ${age(last.startedAt, at)} ago: ${last.execution}`,
      ];
}
