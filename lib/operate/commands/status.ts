import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import type * as z from 'zod';
import { gapsOf, readObservedHours } from '../../../lambdas/hourly/gaps';
import { JUDGED_WINDOW_DAYS } from '../../../lambdas/hourly/verification';
import { latestSchema } from '../../../lambdas/lake/forecasts';
import { keys } from '../../../lambdas/lake/layout';
import { type Bucket, listObjects } from '../../../lambdas/lake/s3';
import { readSilenced } from '../../../lambdas/lake/voices';
import { championsSchema } from '../../../lambdas/model/metrics-file';
import { readPointer } from '../../../lambdas/model/registry';
import { readWindows, SKILL_DAYS } from '../../../lambdas/pages/recent';
import { besideProvider } from '../../../lambdas/pages/skill';
import { addDays, addHours, datesBetween, hourStart, utcSecond } from '../../../lambdas/runtime/time';
import { BadArguments } from '../../terminal/arguments';
import type { Access } from '../access';
import { command } from '../command';
import { formatDeepStatus, lookDeep } from '../deep-status';
import { type Deployment, findDeployment, type MachineName } from '../deployment';
import { askSettings } from '../places';
import { FileDamaged, storedJson } from '../stored';
import {
  type ExecutionStatus,
  formatStatus,
  MISSING_DAYS,
  type PlaceStatus,
  POLL_HOURS,
  problemsOf,
  type SystemStatus,
} from '../system-status';

const DEEP_DAYS = 30;
/** Each day takes some thirty requests. */
const MOST_DEEP_DAYS = 400;

export const status = command({
  name: 'status',
  summary: 'does it poll and forecast, how well, and what is missing?',
  details: `Reads what the functions left in the buckets, so it answers when they fail as well. Places are those of the
last closed hour. Problems are listed at the end with what helps; they do not make the command fail.
With --deep every object of the last days is read, and hours, forecasts, settled truth, champions and ledgers,
leftovers, what was set aside and what was given up are counted afresh and held against each other.`,
  operands: [],
  options: {
    deep: { type: 'boolean', meaning: 'count afresh what the lake holds' },
    days: { type: 'string', placeholder: 'N', meaning: `days that --deep looks back (${DEEP_DAYS})` },
  },
  prepare(given) {
    const days = daysOf(given.value('days') ?? String(DEEP_DAYS));
    if (given.has('days') && !given.has('deep')) throw new BadArguments('--days goes with --deep.');
    return async ({ access }) => {
      const deployment = await findDeployment(access);
      const found = await look(access, deployment);
      if (!given.has('deep')) return { text: formatStatus(found), data: found };
      const { provider, locations: places } = await askSettings(access);
      const deep = await lookDeep(access, deployment, { provider, places }, found.at, days);
      return { text: `${formatStatus(found)}\n\n${formatDeepStatus(deep)}`, data: { ...found, deep } };
    };
  },
});

function daysOf(text: string): number {
  const days = /^\d+$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > MOST_DEEP_DAYS) {
    throw new BadArguments(`--days needs a whole number from 1 to ${MOST_DEEP_DAYS}, not "${text}".`);
  }
  return days;
}

const READERS = 16;

async function look(access: Access, deployment: Deployment): Promise<SystemStatus> {
  const at = utcSecond(access.now());
  const { raw, processed, models } = deployment;
  const damaged: string[] = [];
  const readable = async <T>(key: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    try {
      return await storedJson(models, key, schema);
    } catch (error) {
      if (!(error instanceof FileDamaged)) throw error;
      damaged.push(error.message);
      return undefined;
    }
  };
  const [lastPoll, latest, champions, month, retraining, backfill] = await Promise.all([
    newestPoll(raw, at),
    readable(keys.latest, latestSchema),
    readable(keys.champions, championsSchema),
    readWindows(processed, at, SKILL_DAYS),
    lastExecution(access, deployment, 'retrain'),
    lastExecution(access, deployment, 'backfill'),
  ]);
  const seen = {
    name: deployment.name,
    region: deployment.region,
    at,
    lastPoll: lastPoll ?? null,
    forecast: latest === undefined ? null : { issuedAt: latest.issuedAt, targetHour: latest.targetHour },
    besideProvider: besideProvider([...month.windows.values()], SKILL_DAYS) ?? null,
    retraining,
    backfill,
    places: await placesOf(deployment, at, latest, champions),
    damaged,
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
  const limit = pLimit(READERS);
  const [days, { windows }, silenced, pointers] = await Promise.all([
    readObservedHours(processed, lastDays(at)),
    readWindows(processed, at, JUDGED_WINDOW_DAYS),
    // One that can't be read silences nobody; the hourly function names it.
    readSilenced(processed, () => {}),
    Promise.all(ids.map((id) => limit(() => readPointer(models, id)))),
  ]);
  return ids.map((id, index): PlaceStatus => {
    const forecast = forecasts.get(id);
    const pointer = pointers[index];
    const gaps = gapsOf(days, hourStart(at), [id]);
    const week = windows.get(id);
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
      skillHours: week?.hours ?? 0,
      silencedSince: silenced.get(id) ?? null,
      missingHours: gaps.missingHours,
      missingDays: gaps.dates,
      lastRetraining: last ? { run: last.run, asOf: last.asOf, outcome: last.outcome } : null,
    };
  });
}

function lastDays(at: string): string[] {
  const today = at.slice(0, 10);
  return datesBetween(addDays(today, -MISSING_DAYS), today);
}
