import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { readAgreement } from '../../lambdas/lake/agreement';
import {
  addHours,
  datesBetween,
  HOUR_MS,
  hourStart,
  utcSecond,
  utcSecondSchema,
} from '../../lambdas/runtime/time';
import { settledFrom } from '../../lambdas/weather/provider';
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
import type { InvocationRecord } from '../local/cloud';
import type { Execution } from '../local/step-functions/execution';
import type { Recording } from '../recorded-weather/recording';
import { LOCAL_WEATHER_KEY } from '../recorded-weather/weather-api/weatherapi';
import type { LocalGaroa } from './local-garoa';
import { storedObservations } from './summary';
import type { Deed } from './troubles';

/** What is asked about a run that has come to its end. */
export interface AuditInput {
  readonly cloud: LocalGaroa;
  readonly recording: Recording;
  /** The hours that were lived, UTC: the first, and the end of the last. */
  readonly from: string;
  readonly to: string;
  /** What was done to the run on purpose. */
  readonly deeds: readonly Deed[];
  /** Hours after an hour's start from which on its truth is settled, once upkeep has looked at it. */
  readonly settledAfterHours: number;
  /** The folder of the run, whose logs are read too. */
  readonly directory: string;
}

const count = z.int().min(0);

const names = z.array(z.string());

/** A run in numbers. What stands under a name that begins with `unexplained` should not be. */
export const auditSchema = z.object({
  observations: z.object({
    served: count,
    stored: count,
    missing: count.describe('served and not stored'),
    unexplainedMissing: names.describe('those of them whose poll ended well, so that nothing says why'),
  }),
  hours: z.object({
    expected: count.describe('recorded hours of all places'),
    present: count,
    twice: count,
    unexplainedMissing: names.describe('missing hours whose history is due, or that were polled'),
    settlingDue: count.describe('hours whose history was settled when upkeep last looked'),
    settled: count.describe('those of them that are'),
    unexplainedUnsettled: names.describe('those that are not'),
  }),
  forecasts: z.object({
    due: count.describe('hours that an hourly run closed with success, for each place with a champion'),
    made: count,
    twice: count,
    unexplainedMissing: names.describe('due ones whose base hour was known, and that were not made'),
    known: count.describe('those made whose target hour is known'),
    verified: count.describe('those that forecast_verification counts'),
    unexplainedUnverified: count.describe(
      'known and not counted, of days that an upkeep has looked at since',
    ),
  }),
  champions: z.object({
    places: count.describe('places with a champion'),
    inconsistent: names.describe('places whose pointer is not the newest entry of a whole ledger'),
  }),
  leftovers: count.describe('staged objects that the last upkeep should have removed'),
  quarantined: count,
  unreadable: names.describe('derived objects that nobody can read'),
  deeds: z.record(z.string(), count).describe('what was done to the run on purpose'),
  deadLetters: count,
  failedInvocations: z.record(z.string(), count).describe('by error'),
  failedExecutions: z.record(z.string(), count).describe('by machine and error, those that are still failed'),
  alarmsRung: z.record(z.string(), count).describe('how often'),
  unexplained: names.describe('failures, dead letters and alarms that nothing done explains'),
  secretsFound: names.describe("objects that hold the provider's key"),
});
export type Audit = z.infer<typeof auditSchema>;

/** Counts what a run left in the lake, and compares it with what was sent, scheduled and done to it. Changes nothing. */
export async function audit(input: AuditInput): Promise<Audit> {
  const { cloud, recording, deeds, from, to } = input;
  const dates = datesBetween(from.slice(0, 10), to.slice(0, 10));
  const processed = cloud.bucket('processed');
  const days = await readLakeDays(processed, dates);
  const agreement = await readAgreement(processed, from.slice(0, 10), to.slice(0, 10));
  const pointers = await Promise.all(
    recording.locations.map(async ({ id }) => ({
      id,
      problem: await championProblem(cloud.bucket('models'), id),
    })),
  );
  const champions = pointers.filter(({ problem }) => problem !== 'none');
  const ids = champions.map(({ id }) => id);
  return auditSchema.parse({
    observations: auditObservations(input),
    hours: auditHours(input, days),
    forecasts: auditForecasts(input, days, ids),
    champions: {
      places: champions.length,
      inconsistent: champions.flatMap(({ id, problem }) =>
        problem === undefined ? [] : [`${id}: ${problem}`],
      ),
    },
    leftovers: await leftoversAt(cloud.bucket('query-results'), to),
    quarantined: await quarantined(cloud.bucket('raw')),
    unreadable: [...days.unreadable, ...agreement.unreadable.map(({ key }) => key)],
    deeds: counted(deeds.map(({ kind }) => kind)),
    deadLetters: cloud.deadLetters().length,
    failedInvocations: counted(failedInvocations(input).map(nameOfFailure)),
    failedExecutions: counted(failedExecutions(input).map(({ machine, error }) => `${machine}: ${error}`)),
    alarmsRung: counted(alarmsRung(input).map(({ name }) => name)),
    unexplained: unexplained(input),
    secretsFound: secretsIn(input),
  } satisfies Audit);
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** A poll may lose what it was told when its run ends badly afterwards; nothing else may. */
function auditObservations({ cloud, from, to }: AuditInput): Audit['observations'] {
  const lived = (id: string): boolean => instantOf(id) >= from && instantOf(id) < to;
  const ingests = cloud.invocations().filter(({ function: name }) => name.endsWith('-ingest'));
  const served = wantedOf(cloud.weather.served(), ingests).filter(lived);
  const stored = storedObservations(cloud);
  const failed = ingests.filter(({ result }) => result.functionError !== undefined);
  const missing = served.filter((id) => !stored.has(id));
  // A day's history is lost as a whole when its run fails after the provider has answered.
  const failedDays = new Set(failed.flatMap(({ event }) => dayOf(event) ?? []));
  const explained = (id: string): boolean => {
    const observed = Date.parse(instantOf(id));
    return (
      failedDays.has(instantOf(id).slice(0, 10)) ||
      failed.some(({ at }) => Date.parse(at) >= observed && Date.parse(at) < observed + HOUR_MS)
    );
  };
  return {
    served: served.length,
    stored: [...stored].filter(lived).length,
    missing: missing.length,
    unexplainedMissing: missing.filter((id) => !explained(id)),
  };
}

/**
 * Of what the provider sent, what a run had asked for and was to store. A UTC day's history comes as two local days, the
 * other hours of which are left to the runs of their own days; a poll that is delivered again stores nothing more.
 * @param served see `WeatherApi.served`
 * @param ingests in the order of their ends
 */
export function wantedOf(
  served: ReadonlyMap<string, ReadonlySet<string>>,
  ingests: readonly Pick<InvocationRecord, 'at' | 'event' | 'result'>[],
): string[] {
  const asked = new Set<string>();
  const stored = new Set<string>();
  for (const { at, event, result } of ingests) {
    const day = dayOf(event);
    const poll = JSON.stringify(event);
    if (day !== undefined || !stored.has(poll)) asked.add(askedFor(at, day));
    if (result.functionError === undefined) stored.add(poll);
  }
  return [...served].flatMap(([id, instants]) => {
    const day = instantOf(id).slice(0, 10);
    const isWanted = [...instants].some(
      (at) => asked.has(askedFor(at, undefined)) || asked.has(askedFor(at, day)),
    );
    return isWanted ? [id] : [];
  });
}

const backfillSchema = z.object({ backfill: z.object({ date: z.string() }) });

/** The UTC day whose history an event asks for; undefined for a poll. */
function dayOf(event: unknown): string | undefined {
  return backfillSchema.safeParse(event).data?.backfill.date;
}

function askedFor(at: string, day: string | undefined): string {
  return `${at} ${day ?? 'now'}`;
}
const upkeepSchema = z.object({ scheduledTime: utcSecondSchema });

/** The instant of the last upkeep that succeeded; empty when there was none. */
function lastUpkeep({ cloud }: AuditInput): string {
  const instants = cloud.executions().flatMap(({ machine, status, input }) => {
    const upkeep = upkeepSchema.safeParse(input);
    return machine.endsWith('-upkeep') && status === 'SUCCEEDED' && upkeep.success
      ? [upkeep.data.scheduledTime]
      : [];
  });
  return instants.sort().at(-1) ?? '';
}

function auditHours(input: AuditInput, days: LakeDays): Audit['hours'] {
  const { recording, from, to, settledAfterHours } = input;
  const { hours } = days;
  const stored = storedObservations(input.cloud);
  const told = new Set(
    [...stored].map((id) => placeHour(id.slice(0, id.lastIndexOf(' ')), hourStart(instantOf(id)))),
  );
  const upkept = lastUpkeep(input);
  const isDue = (hour: string): boolean => settledFrom({ settledAfterHours }, hour.slice(0, 10)) <= upkept;
  const expected = recording.locations.flatMap(({ id }) =>
    (recording.series.get(id)?.between(Date.parse(from) / 1000, Date.parse(to) / 1000) ?? []).map(
      ({ time }) => ({ id, hour: hourStart(utcSecond(time * 1000)) }),
    ),
  );
  const keys = [...new Map(expected.map(({ id, hour }) => [placeHour(id, hour), hour]))];
  const due = keys.filter(([, hour]) => isDue(hour));
  const unsettled = due.filter(([key]) => (hours.get(key)?.settled_at ?? null) === null);
  return {
    expected: keys.length,
    present: [...hours.values()].filter(({ hour }) => hour >= from && hour < to).length,
    twice: days.repeatedHours,
    unexplainedMissing: keys.flatMap(([key, hour]) =>
      !hours.has(key) && (isDue(hour) || told.has(key)) ? [key] : [],
    ),
    settlingDue: due.length,
    settled: due.length - unsettled.length,
    unexplainedUnsettled: unsettled.map(([key]) => key),
  };
}

function auditForecasts(input: AuditInput, days: LakeDays, champions: readonly string[]): Audit['forecasts'] {
  const { cloud, deeds, from } = input;
  const silent = new Set(deeds.flatMap(({ kind, from: hour }) => (kind === 'silence' ? [hour] : [])));
  const closed = new Set(
    cloud.invocations().flatMap(({ function: name, event, result }) => {
      const scheduled = scheduledSchema.safeParse(event);
      return name.endsWith('-hourly') && scheduled.success && result.functionError === undefined
        ? [addHours(hourStart(scheduled.data.scheduledTime), -1)].filter((hour) => hour >= from)
        : [];
    }),
  );
  const due = champions.flatMap((id) => [...closed].map((hour) => placeHour(id, hour)));
  const { known, verified, astray } = verificationOf(days, lastUpkeep(input).slice(0, 10));
  return {
    due: due.length,
    made: days.forecasts.size,
    twice: days.repeatedForecasts,
    unexplainedMissing: due.filter(
      (key) =>
        !days.forecasts.has(key) && wasKnownAtClose(days.hours.get(key)) && !silent.has(instantOf(key)),
    ),
    known,
    verified,
    unexplainedUnverified: astray,
  };
}

const scheduledSchema = z.strictObject({ scheduledTime: utcSecondSchema });

function failedInvocations({ cloud }: AuditInput): InvocationRecord[] {
  return cloud.invocations().filter(({ result }) => result.functionError !== undefined);
}

function nameOfFailure({ function: name, result }: InvocationRecord): string {
  return `${name}: ${result.functionError?.errorType ?? ''}`;
}

function failedExecutions({ cloud }: AuditInput): Execution[] {
  return cloud.executions().filter(({ status }) => status !== 'SUCCEEDED' && status !== 'RUNNING');
}

interface Rung {
  readonly name: string;
  readonly at: string;
}

function alarmsRung({ cloud }: AuditInput): Rung[] {
  return [...cloud.alarms()].flatMap(([name, changes]) =>
    changes.flatMap(({ state, at }) => (state === 'ALARM' ? [{ name, at: utcSecond(at) }] : [])),
  );
}

/**
 * What may be behind each alarm, and how many hours before it: its window and the periods that it waits for. Of an alarm
 * that is not named, nothing that is done here can be the cause.
 */
const CAUSES: Readonly<Record<string, { readonly hours: number; readonly kinds: readonly Deed['kind'][] }>> =
  {
    'ingest-failed': { hours: 2, kinds: ['provider down', 'key rotated', 'lasting fault', 'killed'] },
    'ingest-did-not-run': { hours: 2, kinds: ['silence'] },
    'hourly-did-not-run': { hours: 4, kinds: ['silence'] },
    'hourly-failed': { hours: 2, kinds: ['lasting fault', 'killed'] },
    // An hour that is closed once more counts once more.
    'hourly-aggregated-nothing': {
      hours: 6,
      kinds: ['silence', 'repetition', 'provider down', 'key rotated'],
    },
    'forecasts-are-old': {
      hours: 8,
      kinds: ['silence', 'provider down', 'key rotated', 'lasting fault', 'killed'],
    },
    'raw-object-set-aside': { hours: 4, kinds: ['foreign object'] },
    'upkeep-failed': {
      hours: 2,
      kinds: ['lasting fault', 'killed', 'provider down', 'key rotated', 'redrive'],
    },
    'upkeep-did-not-run': { hours: 28, kinds: ['silence', 'lasting fault', 'killed', 'provider down'] },
    'retraining-did-not-run': { hours: 8 * 24, kinds: ['silence'] },
    'retraining-failed': { hours: 2, kinds: ['lasting fault', 'killed', 'redrive'] },
    'backfill-failed': {
      hours: 2,
      kinds: ['lasting fault', 'killed', 'provider down', 'key rotated', 'redrive'],
    },
  };
/** What makes a run fail, not only a schedule or an object. */
const FAILING: readonly Deed['kind'][] = ['provider down', 'key rotated', 'lasting fault', 'killed'];
/** Of the weather, not of the run. */
const OF_THE_WEATHER = 'worse-than-persistence';

/** Whether something was done in time that may be behind an alarm, or the weather is. */
export function isExplained({ name, at }: Rung, deeds: readonly Deed[]): boolean {
  if (name.endsWith(OF_THE_WEATHER)) return true;
  const [, cause] = Object.entries(CAUSES).find(([end]) => name.endsWith(end)) ?? [];
  return cause !== undefined && wasDone(deeds, addHours(at, -cause.hours), at, cause.kinds);
}

function wasDone(deeds: readonly Deed[], from: string, to: string, kinds: readonly Deed['kind'][]): boolean {
  return deeds.some((deed) => kinds.includes(deed.kind) && deed.from <= to && deed.to >= from);
}

/** Failures, dead letters and alarms for which nothing was done in their time. */
function unexplained(input: AuditInput): string[] {
  const { cloud, deeds } = input;
  const doneBetween = (from: string, to: string, kinds: readonly Deed['kind'][]): boolean =>
    wasDone(deeds, from, to, kinds);
  const doneAt = (at: string): boolean => doneBetween(utcSecond(at), utcSecond(at), FAILING);
  const failures = failedInvocations(input).filter(({ at }) => !doneAt(at));
  const executions = failedExecutions(input).filter(
    ({ startedAt, stoppedAt, error }) =>
      !isOfTheRecording(error) &&
      !doneBetween(utcSecond(startedAt), utcSecond(stoppedAt ?? startedAt), FAILING),
  );
  // Between its attempts three minutes pass.
  const letters = cloud
    .deadLetters()
    .filter(({ at }) => !doneBetween(utcSecond(Date.parse(at) - 300_000), utcSecond(at), FAILING));
  const alarms = alarmsRung(input).filter((alarm) => !isExplained(alarm, deeds));
  return [
    ...failures.map((failure) => {
      const reason = failure.result.functionError?.errorMessage.split('\n')[0] ?? '';
      return `${failure.at} ${nameOfFailure(failure)}: ${reason}`;
    }),
    ...executions.map(
      ({ machine, startedAt, error, cause }) => `${startedAt} ${machine}: ${error}: ${cause}`,
    ),
    ...letters.map(({ at, reason }) => `${at} dead letter: ${reason}`),
    ...alarms.map(({ name, at }) => `${at} ${name} rang`),
  ];
}

/** Days of which nothing was recorded can't be filled. */
function isOfTheRecording(error: string | undefined): boolean {
  return error === 'DaysMissing';
}

/** Objects of all zones, and logs, in which the provider's key can be read. */
function secretsIn({ cloud, directory }: AuditInput): string[] {
  const logs = join(directory, 'logs');
  const open = readdirSync(logs).filter((file) => readFileSync(join(logs, file)).includes(LOCAL_WEATHER_KEY));
  const objects = ['raw', 'processed', 'models', 'query-results'].flatMap((zone) =>
    [...cloud.objects(zone, '')].flatMap(({ key, bytes }) => {
      // A broken one was set aside, and is read as far as it goes.
      const text = key.endsWith('.gz') ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes;
      return text.includes(LOCAL_WEATHER_KEY) ? [`${zone}/${key}`] : [];
    }),
  );
  return [...open.map((file) => `logs/${file}`), ...objects];
}

/** Of many, the first are named. */
const NAMED = 5;

/** What an audit found that nothing explains, a sentence each; empty when all is well. */
export function findings(found: Audit): string[] {
  const { observations, hours, forecasts, champions } = found;
  const when = (many: number, text: string): string[] => (many === 0 ? [] : [`${many} ${text}`]);
  const named = (some: readonly string[], text: string): string[] =>
    when(some.length, `${text}: ${some.slice(0, NAMED).join(', ')}`);
  return [
    ...named(
      observations.unexplainedMissing,
      'observations were sent, and are not stored although no poll failed',
    ),
    ...when(hours.twice, 'rows repeat an hour'),
    ...named(hours.unexplainedMissing, 'hours are missing that the lake was told of'),
    ...named(hours.unexplainedUnsettled, 'hours are not settled although their history is due'),
    ...when(forecasts.twice, 'forecasts were made twice'),
    ...named(forecasts.unexplainedMissing, 'forecasts are missing although their hour was known and closed'),
    ...when(
      forecasts.unexplainedUnverified,
      'forecasts are not verified, or twice, although their hour is known',
    ),
    ...champions.inconsistent,
    ...when(found.leftovers, 'staged objects were left behind'),
    ...found.unreadable.map((key) => `${key} can't be read`),
    ...found.unexplained.map((what) => `unexplained: ${what}`),
    ...found.secretsFound.map((place) => `the key can be read in ${place}`),
  ];
}

function instantOf(key: string): string {
  return key.slice(key.lastIndexOf(' ') + 1);
}
