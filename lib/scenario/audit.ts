import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { FORECAST_VERIFICATION, FORECASTS, HOURLY_OBSERVATIONS } from '../../lambdas/lake/layout';
import { decodeParquet } from '../../lambdas/lake/parquet';
import { listObjects } from '../../lambdas/lake/s3';
import { readLedger, readPointer } from '../../lambdas/model/registry';
import { addHours, HOUR_MS, utcSecond, utcSecondSchema } from '../../lambdas/runtime/time';
import { settledFrom } from '../../lambdas/weather/provider';
import type { Recording } from '../recorded-weather/recording';
import { LOCAL_WEATHER_KEY } from '../recorded-weather/weather-api/weatherapi';
import type { LocalGaroa } from './local-garoa';
import { storedObservations } from './summary';

/** What is asked about a run that has come to its end. */
export interface AuditInput {
  readonly cloud: LocalGaroa;
  readonly recording: Recording;
  /** The hours that were lived, UTC: the first, and the end of the last. */
  readonly from: string;
  readonly to: string;
  /** Hours in which schedules stood still. */
  readonly silent: ReadonlySet<string>;
  /** Hours after an hour's start from which on its truth is settled, once upkeep has looked at it. */
  readonly settledAfterHours: number;
  /** The folder of the run, whose logs are read too. */
  readonly directory: string;
}

const count = z.int().min(0);

/** A run in numbers. What is counted under a name that begins with `unexplained` should not be. */
export const auditSchema = z.object({
  observations: z.object({
    served: count,
    stored: count,
    missing: count.describe('served and not stored'),
    unexplainedMissing: count.describe('those of them whose poll ended well, so that nothing says why'),
  }),
  hours: z.object({
    expected: count.describe('recorded hours of all places'),
    present: count,
    twice: count,
    unexplainedMissing: count.describe('missing hours whose history is due, or that were polled'),
    settlingDue: count.describe('hours whose history was settled when upkeep last looked'),
    settled: count.describe('those of them that are'),
  }),
  forecasts: z.object({
    due: count.describe('hours that an hourly run closed with success, for each place with a champion'),
    made: count,
    twice: count,
    unexplainedMissing: count.describe('due ones whose base hour was known, and that were not made'),
    known: count.describe('those made whose target hour is known'),
    verified: count.describe('those that forecast_verification counts'),
  }),
  champions: z.object({
    places: count.describe('places with a champion'),
    inconsistent: z
      .array(z.string())
      .describe('places whose pointer is not the newest entry of a whole ledger'),
  }),
  leftovers: count.describe('staged objects that the last upkeep should have removed'),
  quarantined: count,
  deadLetters: z.array(z.string()).describe('reasons'),
  failedInvocations: z.record(z.string(), count).describe('by error'),
  alarmsRung: z.array(z.string()),
  secretsFound: z.array(z.string()).describe("objects that hold the provider's key"),
});
export type Audit = z.infer<typeof auditSchema>;

const hourSchema = z.object({
  location_id: z.string(),
  hour: utcSecondSchema,
  settled_at: utcSecondSchema.nullable(),
  known_rained: z.boolean().nullable(),
  rained: z.boolean().nullable(),
});
const forecastSchema = z.object({
  location_id: z.string(),
  base_hour: utcSecondSchema,
  target_hour: utcSecondSchema,
});
const verificationSchema = z.object({ window_days: z.int(), hours: z.int() });

/** Counts what a run left in the lake, and compares it with what was sent and scheduled. Changes nothing. */
export async function audit(input: AuditInput): Promise<Audit> {
  const { cloud, recording, from, to } = input;
  const lived = ({ hour }: { readonly hour: string }): boolean => hour >= from && hour < to;
  const rows = (await table(cloud, HOURLY_OBSERVATIONS.prefix, hourSchema)).filter(lived);
  const hours = new Map(rows.map((row) => [`${row.location_id} ${row.hour}`, row]));
  const made = (await table(cloud, FORECASTS.prefix, forecastSchema)).filter(
    ({ base_hour }) => base_hour >= from && base_hour < to,
  );
  const pointers = await Promise.all(
    recording.locations.map(async ({ id }) => ({ id, problem: await championProblem(cloud, id) })),
  );
  const champions = pointers.filter(({ problem }) => problem !== 'none');
  return auditSchema.parse({
    observations: auditObservations(input),
    hours: auditHours(input, rows, hours),
    forecasts: {
      ...auditForecasts(
        input,
        made,
        hours,
        champions.map(({ id }) => id),
      ),
      verified: (await table(cloud, FORECAST_VERIFICATION.prefix, verificationSchema))
        .filter(({ window_days }) => window_days === 1)
        .reduce((sum, row) => sum + row.hours, 0),
    },
    champions: {
      places: champions.length,
      inconsistent: champions.flatMap(({ id, problem }) =>
        problem === undefined ? [] : [`${id}: ${problem}`],
      ),
    },
    leftovers: await leftovers(input),
    quarantined: [...cloud.objects('raw', 'quarantine/')].length,
    deadLetters: cloud.deadLetters().map(({ reason }) => reason),
    failedInvocations: failuresByError(input),
    alarmsRung: [...cloud.alarms()].flatMap(([name, changes]) =>
      changes.some(({ state }) => state === 'ALARM') ? [name] : [],
    ),
    secretsFound: secretsIn(input),
  } satisfies Audit);
}

async function table<T extends z.ZodRawShape>(
  cloud: LocalGaroa,
  prefix: string,
  schema: z.ZodObject<T>,
): Promise<z.infer<z.ZodObject<T>>[]> {
  const rows: z.infer<z.ZodObject<T>>[] = [];
  for (const { bytes } of cloud.objects('processed', prefix)) {
    rows.push(...(await decodeParquet(bytes, Object.keys(schema.shape), schema)));
  }
  return rows;
}

/** A poll may lose what it was told when its run ends badly afterwards; nothing else may. */
function auditObservations({ cloud, from, to }: AuditInput): Audit['observations'] {
  const lived = (id: string): boolean => instantOf(id) >= from && instantOf(id) < to;
  const served = [...cloud.weather.served()].filter(lived);
  const stored = storedObservations(cloud);
  const failedAt = cloud
    .invocations()
    .filter(({ function: name, result }) => name.endsWith('-ingest') && result.functionError !== undefined)
    .map(({ at }) => Date.parse(at));
  const missing = served.filter((id) => !stored.has(id));
  const explained = (id: string): boolean => {
    const observed = Date.parse(instantOf(id));
    return failedAt.some((at) => at >= observed && at < observed + HOUR_MS);
  };
  return {
    served: served.length,
    stored: [...stored].filter(lived).length,
    missing: missing.length,
    unexplainedMissing: missing.filter((id) => !explained(id)).length,
  };
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

type HourRow = z.infer<typeof hourSchema>;

function auditHours(
  input: AuditInput,
  rows: readonly HourRow[],
  hours: ReadonlyMap<string, HourRow>,
): Audit['hours'] {
  const { recording, from, to, settledAfterHours } = input;
  const stored = storedObservations(input.cloud);
  const told = new Set(
    [...stored].map((id) => `${id.slice(0, id.lastIndexOf(' '))} ${hourStartOf(instantOf(id))}`),
  );
  const upkept = lastUpkeep(input);
  const isDue = (hour: string): boolean => settledFrom({ settledAfterHours }, hour.slice(0, 10)) <= upkept;
  const expected = recording.locations.flatMap(({ id }) =>
    (recording.series.get(id)?.between(Date.parse(from) / 1000, Date.parse(to) / 1000) ?? []).map(
      ({ time }) => ({ id, hour: hourStartOf(utcSecond(time * 1000)) }),
    ),
  );
  const keys = [...new Map(expected.map(({ id, hour }) => [`${id} ${hour}`, hour]))];
  const due = keys.filter(([, hour]) => isDue(hour));
  return {
    expected: keys.length,
    present: hours.size,
    twice: rows.length - hours.size,
    unexplainedMissing: keys.filter(([key, hour]) => !hours.has(key) && (isDue(hour) || told.has(key)))
      .length,
    settlingDue: due.length,
    settled: due.filter(([key]) => (hours.get(key)?.settled_at ?? null) !== null).length,
  };
}

function auditForecasts(
  { cloud, silent }: AuditInput,
  made: readonly z.infer<typeof forecastSchema>[],
  hours: ReadonlyMap<string, HourRow>,
  champions: readonly string[],
): Omit<Audit['forecasts'], 'verified'> {
  const keys = new Set(made.map(({ location_id, base_hour }) => `${location_id} ${base_hour}`));
  const closed = new Set(
    cloud.invocations().flatMap(({ function: name, event, result }) => {
      const scheduled = scheduledSchema.safeParse(event);
      return name.endsWith('-hourly') && scheduled.success && result.functionError === undefined
        ? [addHours(hourStartOf(scheduled.data.scheduledTime), -1)]
        : [];
    }),
  );
  const due = champions.flatMap((id) => [...closed].map((hour) => `${id} ${hour}`));
  const known = (key: string): boolean => (hours.get(key)?.known_rained ?? null) !== null;
  return {
    due: due.length,
    made: made.length,
    twice: made.length - keys.size,
    unexplainedMissing: due.filter((key) => !keys.has(key) && known(key) && !silent.has(instantOf(key)))
      .length,
    known: made.filter(
      ({ location_id, target_hour }) => (hours.get(`${location_id} ${target_hour}`)?.rained ?? null) !== null,
    ).length,
  };
}

const scheduledSchema = z.strictObject({ scheduledTime: utcSecondSchema });

/** `none` for a place without a champion; undefined when pointer and ledger agree. */
async function championProblem(cloud: LocalGaroa, location: string): Promise<string | undefined> {
  const models = cloud.bucket('models');
  const [pointer, ledger] = await Promise.all([readPointer(models, location), readLedger(models, location)]);
  if (pointer.status === 'absent') return ledger.length === 0 ? 'none' : 'a ledger without a pointer';
  if (pointer.status === 'damaged') return pointer.reason;
  const newest = ledger.at(-1);
  if (newest?.version !== pointer.entry.version) return 'the pointer is not the newest entry of the ledger';
  return ledger.every(({ sequence }, index) => sequence === index + 1) ? undefined : 'the ledger has gaps';
}

/** A day may pass until upkeep removes what a dead run left, and one more until it comes. */
const LEFTOVER_AFTER_MS = 49 * HOUR_MS;

async function leftovers({ cloud, to }: AuditInput): Promise<number> {
  const stale = Date.parse(to) - LEFTOVER_AFTER_MS;
  const staged = await listObjects(cloud.bucket('query-results'), 'tables/');
  return staged.filter(({ lastModified }) => lastModified !== undefined && lastModified.getTime() < stale)
    .length;
}

function failuresByError({ cloud }: AuditInput): Record<string, number> {
  const failures: Record<string, number> = {};
  for (const { function: name, result } of cloud.invocations()) {
    if (result.functionError === undefined) continue;
    const error = errorSchema.safeParse(result.payload).data?.errorType ?? 'unknown';
    failures[`${name}: ${error}`] = (failures[`${name}: ${error}`] ?? 0) + 1;
  }
  return failures;
}

const errorSchema = z.object({ errorType: z.string() });

/** Objects of all zones, and logs, in which the provider's key can be read. */
function secretsIn({ cloud, directory }: AuditInput): string[] {
  const logs = join(directory, 'logs');
  const open = readdirSync(logs).filter((file) => readFileSync(join(logs, file)).includes(LOCAL_WEATHER_KEY));
  const objects = ['raw', 'processed', 'models', 'query-results'].flatMap((zone) =>
    [...cloud.objects(zone, '')].flatMap(({ key, bytes }) => {
      const text = key.endsWith('.gz') ? gunzipSync(bytes) : bytes;
      return text.includes(LOCAL_WEATHER_KEY) ? [`${zone}/${key}`] : [];
    }),
  );
  return [...open.map((file) => `logs/${file}`), ...objects];
}

/** What an audit found that nothing explains, a sentence each; empty when all is well. */
export function findings(found: Audit): string[] {
  const { observations, hours, forecasts, champions } = found;
  const when = (many: number, text: string): string[] => (many === 0 ? [] : [`${many} ${text}`]);
  return [
    ...when(
      observations.unexplainedMissing,
      'observations were sent, and are not stored although no poll failed',
    ),
    ...when(hours.twice, 'rows repeat an hour'),
    ...when(hours.unexplainedMissing, 'hours are missing that the lake was told of'),
    ...when(hours.settlingDue - hours.settled, 'hours are not settled although their history is due'),
    ...when(forecasts.twice, 'forecasts were made twice'),
    ...when(forecasts.unexplainedMissing, 'forecasts are missing although their hour was known and closed'),
    ...champions.inconsistent,
    ...when(found.leftovers, 'staged objects were left behind'),
    ...found.secretsFound.map((place) => `the key can be read in ${place}`),
  ];
}

function instantOf(key: string): string {
  return key.slice(key.lastIndexOf(' ') + 1);
}

function hourStartOf(instant: string): string {
  return `${instant.slice(0, 13)}:00:00Z`;
}
