import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { type DayHours, readDayHours } from '../../../lambdas/hourly/day';
import { gapsOf } from '../../../lambdas/hourly/gaps';
import { latestSchema } from '../../../lambdas/lake/forecasts';
import { keys } from '../../../lambdas/lake/layout';
import { type Bucket, getObject, listObjects } from '../../../lambdas/lake/s3';
import { championsSchema } from '../../../lambdas/model/metrics-file';
import { readPointer } from '../../../lambdas/model/registry';
import { readVerification } from '../../../lambdas/report/recent';
import { ago, count, percent, utcTime } from '../../../lambdas/report/words';
import { addDays, addHours, datesBetween, hourStart } from '../../../lambdas/runtime/calendar';
import { limitConcurrency } from '../../../lambdas/runtime/limit';
import { utcSecond } from '../../../lambdas/runtime/time';
import { formatTable } from '../../local/run/table';
import type { Access } from '../access';
import { command } from '../command';
import { type Deployment, findDeployment, type MachineName } from '../deployment';
import { storedJson } from '../stored';

export const status = command({
  name: 'status',
  summary: 'does it poll and forecast, how well, and what is missing?',
  details: `Reads what the functions left in the buckets, so it answers when they fail as well. Places are those of the
last closed hour. Problems are listed at the end with what helps; they do not make the command fail.`,
  operands: [],
  options: {},
  prepare:
    () =>
    async ({ access }) => {
      const found = await look(access, await findDeployment(access));
      return { text: format(found), data: found };
    },
});

interface PlaceStatus {
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
  /** Closed hours of the last seven days without a row. */
  readonly missingHours: number;
  readonly missingDays: readonly string[];
  readonly lastRetraining: {
    readonly run: string;
    readonly asOf: string;
    readonly outcome: string;
  } | null;
}

interface ExecutionStatus {
  readonly execution: string;
  readonly status: string;
  readonly startedAt: string;
}

interface SystemStatus {
  readonly name: string;
  readonly region: string;
  readonly at: string;
  /** Scheduled minute of the newest poll that was stored; null when there is none in the last day. */
  readonly lastPoll: string | null;
  readonly forecast: { readonly issuedAt: string; readonly targetHour: string } | null;
  readonly retraining: ExecutionStatus | null;
  readonly backfill: ExecutionStatus | null;
  readonly places: readonly PlaceStatus[];
  readonly problems: readonly string[];
}

/** As long as a provider's free history may reach, and as hourly's own search for gaps. */
const MISSING_DAYS = 7;
const SKILL_DAYS = 7;
const POLL_HOURS = 24;
/** As the alarm `ingest-stored-nothing`. */
const SILENT_MS = 2 * 3_600_000;
const READERS = 16;

async function look(access: Access, deployment: Deployment): Promise<SystemStatus> {
  const at = utcSecond(access.now());
  const { raw, models } = deployment;
  const [lastPoll, latest, champions, retraining, backfill] = await Promise.all([
    newestPoll(raw, at),
    storedJson(models, keys.latest, latestSchema),
    storedJson(models, keys.champions, championsSchema),
    lastExecution(access, deployment, 'retrain'),
    lastExecution(access, deployment, 'backfill'),
  ]);
  const seen = {
    name: deployment.name,
    region: deployment.region,
    at,
    lastPoll: lastPoll ?? null,
    forecast: latest === undefined ? null : { issuedAt: latest.issuedAt, targetHour: latest.targetHour },
    retraining,
    backfill,
    places: await placesOf(deployment, at, latest, champions),
  };
  return { ...seen, problems: problemsOf(seen) };
}

/**
 * The minute in the key of the newest polled object. Today's objects are minute by minute: compaction joins those of
 * days that are over.
 */
async function newestPoll(raw: Bucket, at: string): Promise<string | undefined> {
  for (let back = 0; back < POLL_HOURS; back += 1) {
    const hour = addHours(hourStart(at), -back);
    const prefix = keys.rawHour(hour.slice(0, 10), hour.slice(11, 13));
    const minutes = (await listObjects(raw, prefix)).flatMap(
      ({ key }) => /^\d{2}(\d{2})-/.exec(key.slice(prefix.length))?.[1] ?? [],
    );
    const newest = minutes.sort().at(-1);
    if (newest !== undefined) return `${hour.slice(0, 14)}${newest}:00Z`;
  }
  return undefined;
}

async function lastExecution(
  { sfn }: Access,
  deployment: Deployment,
  machine: MachineName,
): Promise<ExecutionStatus | null> {
  const { executions } = await sfn.send(
    new ListExecutionsCommand({ stateMachineArn: deployment.machineArn(machine), maxResults: 1 }),
  );
  const [last] = executions ?? [];
  if (last?.name === undefined || last.status === undefined || last.startDate === undefined) return null;
  return { execution: last.name, status: last.status, startedAt: utcSecond(last.startDate) };
}

async function placesOf(
  { processed, models }: Deployment,
  at: string,
  latest: z.infer<typeof latestSchema> | undefined,
  champions: z.infer<typeof championsSchema> | undefined,
): Promise<PlaceStatus[]> {
  const forecasts = new Map(latest?.forecasts.map((one) => [one.locationId, one]));
  const without = new Map(latest?.withoutForecast.map((one) => [one.locationId, one.reason]));
  const runs = new Map(champions?.locations.map((one) => [one.location, one]));
  const ids = latest === undefined ? [...runs.keys()] : [...forecasts.keys(), ...without.keys()].sort();
  const limit = limitConcurrency(READERS);
  const [days, verification, pointers] = await Promise.all([
    readDays(processed, at),
    readVerification(processed, at, 2),
    Promise.all(ids.map((id) => limit(() => readPointer(models, id)))),
  ]);
  return ids.map((id, index): PlaceStatus => {
    const forecast = forecasts.get(id);
    const pointer = pointers[index];
    const gaps = gapsOf(days, hourStart(at), [id]);
    const week = verification.get(id)?.findLast(({ windowDays }) => windowDays === SKILL_DAYS);
    const last = runs.get(id)?.lastRun;
    return {
      location: id,
      name: forecast?.name ?? runs.get(id)?.name ?? null,
      probability: forecast?.probability ?? null,
      willRain: forecast?.willRain ?? null,
      withoutForecast: without.get(id) ?? null,
      champion:
        pointer?.status === 'valid' ? { version: pointer.entry.version, since: pointer.entry.since } : null,
      championDamaged: pointer?.status === 'damaged' ? pointer.reason : null,
      skill: week?.skill ?? null,
      missingHours: gaps.missingHours,
      missingDays: gaps.dates,
      lastRetraining: last ? { run: last.run, asOf: last.asOf, outcome: last.outcome } : null,
    };
  });
}

async function readDays(processed: Bucket, at: string): Promise<{ date: string; present: DayHours }[]> {
  const today = at.slice(0, 10);
  return Promise.all(
    datesBetween(addDays(today, -MISSING_DAYS), today).map(async (date) => {
      const stored = await getObject(processed, keys.hourlyDay(date));
      return { date, present: stored === undefined ? new Map() : await readDayHours(date, stored.bytes) };
    }),
  );
}

/** What somebody should look at, each with what helps. */
function problemsOf(seen: Omit<SystemStatus, 'problems'>): string[] {
  const { at, lastPoll, forecast, places, retraining, backfill } = seen;
  const problems: string[] = [];
  if (lastPoll === null || Date.parse(at) - Date.parse(lastPoll) > SILENT_MS) {
    const since = lastPoll === null ? `for ${POLL_HOURS} hours` : `since ${utcTime(lastPoll)}`;
    problems.push(`No poll has been stored ${since}: see ingest-stored-nothing in the runbook.`);
  }
  if (forecast === null)
    problems.push('No hour has been closed yet: hourly does that a few minutes after each.');
  else if (addHours(forecast.targetHour, 2) < at) {
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
  const worse = having(({ skill }) => skill !== null && skill < 0);
  if (worse.length > 0) {
    problems.push(`Worse than persistence over ${SKILL_DAYS} days: ${named(worse)}.`);
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
      `${count(hours, 'hour')} of the last ${MISSING_DAYS} days and today are missing: ${remedy}.`,
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

/** Places beyond these are left to `--json` and the report. */
const SHOWN = 40;

function format(seen: SystemStatus): string {
  const { name, region, at, lastPoll, forecast, places, problems } = seen;
  const rows = places
    .slice(0, SHOWN)
    .map((place) => [
      place.location,
      place.willRain === null ? 'none' : place.willRain ? 'rain' : 'dry',
      place.probability === null ? '–' : percent(place.probability),
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
    `Polling     ${lastPoll === null ? `nothing stored for ${POLL_HOURS} hours` : `last stored ${utcTime(lastPoll)}, ${ago(lastPoll, at)}`}`,
    `Forecast    ${forecast === null ? 'none yet' : `of the hour from ${utcTime(forecast.targetHour)}, issued ${ago(forecast.issuedAt, at)}`}`,
    ...executionLine('Retraining', seen.retraining, at),
    ...executionLine('Backfill', seen.backfill, at),
    ...(rows.length === 0
      ? []
      : [
          '',
          formatTable(
            ['location', 'forecast', '', 'champion', 'skill 7 d', 'missing h', 'last retraining'],
            rows,
          ),
        ]),
    ...(places.length > SHOWN ? [`… and ${places.length - SHOWN} more (--json has them all)`] : []),
    '',
    ...(problems.length === 0 ? ['All is well.'] : problems.map((problem) => `! ${problem}`)),
  ].join('\n');
}

/** Step Functions remembers executions for 90 days; of none there is nothing to say. */
function executionLine(label: string, last: ExecutionStatus | null, at: string): string[] {
  return last === null
    ? []
    : [
        `${label.padEnd(12)}${last.status.toLowerCase()}, started ${ago(last.startedAt, at)}: ${last.execution}`,
      ];
}
