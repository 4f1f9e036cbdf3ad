import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { FORECASTS, HOURLY_OBSERVATIONS, OBSERVATIONS } from '../../lambdas/lake/layout';
import { decodeRows } from '../../lambdas/lake/rows';
import { getText } from '../../lambdas/lake/s3';
import {
  evaluationSchema,
  type LocationResult,
  type RunSummary,
  runSummarySchema,
} from '../../lambdas/model/metrics-file';
import { runKeys } from '../../lambdas/retrain/steps';
import { utcSecond, utcSecondSchema } from '../../lambdas/runtime/time';
import { hourSchema } from '../inspection/lake';
import type { Execution } from '../local/step-functions/execution';
import type { Recording } from '../recorded-weather/recording';
import type { LocalGaroa } from './local-garoa';

const count = z.int().min(0);
const seconds = z.number().min(0);

const evaluation = evaluationSchema
  .pick({
    hours: true,
    rainHours: true,
    averagePrecision: true,
    onsetAveragePrecision: true,
    rocAuc: true,
    brier: true,
    logLoss: true,
    f1: true,
    precision: true,
    recall: true,
    accuracy: true,
    confusion: true,
  })
  .describe(
    'Measures over the test hours; null where they hold one class only. confusion: [[tn,fp],[fn,tp]]',
  );

const retrainEntry = z.object({
  execution: z.string().describe('name of the execution of the retraining machine'),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
  location: z.string(),
  version: z.string().nullable().describe('model that became champion; null when none did'),
  outcome: z.enum(['promoted', 'refreshed', 'kept', 'failed']),
  reason: z.string(),
  test: evaluation
    .extend({ from: utcSecondSchema, to: utcSecondSchema })
    .nullable()
    .describe('null: no test was made'),
  persistence: evaluation.extend({ from: utcSecondSchema, to: utcSecondSchema }).nullable(),
  climatology: z.object({ brier: z.number() }).nullable(),
  logisticRegression: evaluation.extend({ from: utcSecondSchema, to: utcSecondSchema }).nullable(),
  overPersistence: z
    .object({ improvement: z.number(), lower: z.number().nullable(), upper: z.number().nullable() })
    .nullable()
    .describe('Brier score gained on persistence in the test, with the 90% interval over weekly blocks'),
  plainSvc: evaluation
    .extend({ from: utcSecondSchema, to: utcSecondSchema })
    .nullable()
    .describe('the plain SVC of tutorials on the same hours'),
  provider: evaluation
    .extend({ from: utcSecondSchema, to: utcSecondSchema })
    .nullable()
    .describe("the provider's own forecast, recalibrated, on those of the hours that have one"),
  verdicts: z
    .record(z.string(), z.string())
    .describe('what the recipe is beside each baseline on the hours that decided'),
});

/**
 * `.garoa/summary.json`: what one `npm start` did and how good the forecasts are. Stable, since other programs
 * read it; instants are UTC, durations seconds of real time, hours those of the recording.
 */
export const summarySchema = z.object({
  scenario: z.object({
    from: utcSecondSchema.describe('start of the first recorded hour'),
    to: utcSecondSchema.describe('end of the last hour that was closed'),
    locations: z.array(z.string()),
  }),
  ingest: z.object({
    invocations: count,
    observationsServed: count.describe('distinct (location, observed_at) that the weather API delivered'),
    observationsStored: count.describe('distinct (location, observed_at) in the raw zone'),
    failures: count.describe('invocations that ended in an error'),
  }),
  hourly: z.object({
    invocations: count,
    days: count.describe('days of hourly_observations'),
    rows: count.describe('rows of hourly_observations'),
    missingHours: count.describe('hours of a location between from and to without a row'),
    settled: count.describe('rows whose true rain is that of settled history'),
  }),
  agreement: z
    .object({ bothWet: count, onlyKnownWet: count, onlyTrueWet: count, bothDry: count })
    .describe(
      'hours with polls and settled history, by what was known when they closed and by what was true',
    ),
  retrain: z.array(retrainEntry).describe('one entry for each location of each retraining, in order'),
  forecasts: z.object({
    made: count,
    verified: count.describe('those whose target hour is known'),
    verifiedSettled: count.describe('those of them that were judged on settled history'),
    brier: z.number().nullable().describe('mean over the verified ones; null when there are none'),
    persistenceBrier: z
      .number()
      .nullable()
      .describe('of persistence, over the verified ones that it spoke of too'),
  }),
  seconds: z.object({
    synth: seconds,
    backfill: seconds,
    retrain: seconds,
    live: seconds,
    total: seconds,
  }),
});
export type Summary = z.infer<typeof summarySchema>;

export interface SummaryInput {
  readonly cloud: LocalGaroa;
  readonly recording: Recording;
  /** End of the last closed hour, UTC seconds. */
  readonly to: number;
  readonly seconds: Summary['seconds'];
}

/** Forecasts of one location held against what came. */
export interface LiveScore {
  readonly made: number;
  readonly verified: number;
  readonly verifiedSettled: number;
  readonly squaredError: number;
  readonly compared: number;
  readonly persistenceSquaredError: number;
}

/** Reads what the run left in the lake, counts it afresh, and puts it together with what the cloud has seen. */
export async function summarize({ cloud, recording, to, seconds: spent }: SummaryInput): Promise<{
  summary: Summary;
  live: ReadonlyMap<string, LiveScore>;
}> {
  const hours = await readHours(cloud);
  const live = await scoreForecasts(cloud, hours);
  const ingest = cloud.invocations().filter((record) => record.function.endsWith('-ingest'));
  const hourly = cloud.invocations().filter((record) => record.function.endsWith('-hourly'));
  const closed = [...hours.truth.keys()].filter((key) => instantOf(key) < utcSecond(to * 1000)).length;
  const all = [...live.values()];
  const sum = (pick: (score: LiveScore) => number): number =>
    all.reduce((total, one) => total + pick(one), 0);
  const verified = sum((score) => score.verified);
  const compared = sum((score) => score.compared);
  const summary = summarySchema.parse({
    scenario: {
      from: utcSecond(recording.from * 1000),
      to: utcSecond(to * 1000),
      locations: recording.locations.map(({ id }) => id),
    },
    ingest: {
      invocations: ingest.length,
      observationsServed: cloud.weather.served().size,
      observationsStored: storedObservations(cloud).size,
      failures: ingest.filter(({ result }) => result.functionError !== undefined).length,
    },
    hourly: {
      invocations: hourly.length,
      days: hours.days,
      rows: hours.rows,
      missingHours: ((to - recording.from) / 3600) * recording.locations.length - closed,
      settled: hours.settled.size,
    },
    agreement: hours.agreement,
    retrain: await retrainings(cloud, recording),
    forecasts: {
      made: sum((score) => score.made),
      verified,
      verifiedSettled: sum((score) => score.verifiedSettled),
      brier: verified === 0 ? null : sum((score) => score.squaredError) / verified,
      persistenceBrier: compared === 0 ? null : sum((score) => score.persistenceSquaredError) / compared,
    },
    seconds: spent,
  });
  return { summary, live };
}

const observationLine = z.object({
  location_id: z.string(),
  observed_at: utcSecondSchema,
  kind: z.string(),
});

/**
 * Distinct `location observed_at` of the raw zone, as `WeatherApi.served` spells them; hours that a poll listed beside its
 * own reading are none.
 */
export function storedObservations(cloud: LocalGaroa): Set<string> {
  const stored = new Set<string>();
  for (const { bytes } of cloud.objects('raw', OBSERVATIONS.prefix)) {
    for (const line of gunzipSync(bytes).toString('utf8').split('\n')) {
      if (line === '') continue;
      const { location_id, observed_at, kind } = observationLine.parse(JSON.parse(line));
      if (kind !== 'listed') stored.add(`${location_id} ${observed_at}`);
    }
  }
  return stored;
}

interface Hours {
  readonly days: number;
  readonly rows: number;
  /** Whether it rained, by `location hour`; null when that is unknown. */
  readonly truth: ReadonlyMap<string, boolean | null>;
  /** Those whose truth is that of settled history. */
  readonly settled: ReadonlySet<string>;
  readonly agreement: Summary['agreement'];
}

/** The hours of the lake. Rows that repeat an hour count in `rows` and only once in `truth`. */
async function readHours(cloud: LocalGaroa): Promise<Hours> {
  const truth = new Map<string, boolean | null>();
  const settled = new Set<string>();
  const agreement = { bothWet: 0, onlyKnownWet: 0, onlyTrueWet: 0, bothDry: 0 };
  let days = 0;
  let rows = 0;
  for (const { bytes } of cloud.objects('processed', HOURLY_OBSERVATIONS.prefix)) {
    const read = await decodeRows(bytes, hourSchema);
    days += 1;
    rows += read.length;
    for (const row of read) {
      const key = `${row.location_id} ${row.hour}`;
      truth.set(key, row.rained);
      if (row.settled_at !== null) settled.add(key);
      if (row.kind !== 'both' || row.known_rained === null || row.rained === null) continue;
      if (row.known_rained) agreement[row.rained ? 'bothWet' : 'onlyKnownWet'] += 1;
      else agreement[row.rained ? 'onlyTrueWet' : 'bothDry'] += 1;
    }
  }
  return { days, rows, truth, settled, agreement };
}

const forecastRow = z.object({
  location_id: z.string(),
  target_hour: utcSecondSchema,
  probability: z.number(),
  persistence_probability: z.number().nullable(),
});

const NO_SCORE: LiveScore = {
  made: 0,
  verified: 0,
  verifiedSettled: 0,
  squaredError: 0,
  compared: 0,
  persistenceSquaredError: 0,
};

async function scoreForecasts(
  cloud: LocalGaroa,
  { truth, settled }: Pick<Hours, 'truth' | 'settled'>,
): Promise<Map<string, LiveScore>> {
  const scores = new Map<string, LiveScore>();
  for (const { bytes } of cloud.objects('processed', FORECASTS.prefix)) {
    for (const row of await decodeRows(bytes, forecastRow)) {
      const score = scores.get(row.location_id) ?? NO_SCORE;
      const target = `${row.location_id} ${row.target_hour}`;
      scores.set(row.location_id, added(score, row, truth.get(target) ?? null, settled.has(target)));
    }
  }
  return scores;
}

function added(
  score: LiveScore,
  row: z.infer<typeof forecastRow>,
  rained: boolean | null,
  isSettled: boolean,
): LiveScore {
  if (rained === null) return { ...score, made: score.made + 1 };
  const outcome = rained ? 1 : 0;
  const persistence = row.persistence_probability;
  return {
    made: score.made + 1,
    verified: score.verified + 1,
    verifiedSettled: score.verifiedSettled + (isSettled ? 1 : 0),
    squaredError: score.squaredError + (row.probability - outcome) ** 2,
    compared: score.compared + (persistence === null ? 0 : 1),
    persistenceSquaredError:
      score.persistenceSquaredError + (persistence === null ? 0 : (persistence - outcome) ** 2),
  };
}

type RetrainEntry = Summary['retrain'][number];

async function retrainings(cloud: LocalGaroa, recording: Recording): Promise<RetrainEntry[]> {
  const entries: RetrainEntry[] = [];
  for (const execution of cloud.executions()) {
    if (!execution.machine.endsWith('-retrain')) continue;
    const run = await runSummaryOf(cloud, execution);
    if (run === undefined) {
      const reason =
        execution.error === undefined ? 'still running' : `${execution.error}: ${execution.cause}`;
      entries.push(...recording.locations.map(({ id }) => failedEntry(execution, id, reason)));
    } else {
      entries.push(...run.results.map((result) => entryOf(execution, result)));
    }
  }
  return entries;
}

/** A run's summary is its execution's output; in full, and after a failure, it is the object that the run left. */
async function runSummaryOf(cloud: LocalGaroa, execution: Execution): Promise<RunSummary | undefined> {
  const output = runSummarySchema.safeParse(execution.output);
  if (output.success && output.data.results.length > 0) return output.data;
  const text = await getText(cloud.bucket('query-results'), runKeys.summary(execution.name));
  return text === undefined ? undefined : runSummarySchema.parse(JSON.parse(text));
}

const functionCause = z.object({ errorMessage: z.string() });

/** Why an execution failed, in one line; undefined when it did not. A function's error comes as JSON. */
export function failureOf({ error, cause = '' }: Execution): string | undefined {
  if (error === undefined) return undefined;
  let message = cause;
  if (cause.startsWith('{')) {
    const parsed = functionCause.safeParse(JSON.parse(cause));
    if (parsed.success) message = parsed.data.errorMessage;
  }
  return `${error}: ${message}`.split('\n')[0];
}

function failedEntry({ name, status }: Execution, location: string, reason: string): RetrainEntry {
  return {
    execution: name,
    status,
    location,
    version: null,
    outcome: 'failed',
    reason,
    test: null,
    persistence: null,
    climatology: null,
    logisticRegression: null,
    plainSvc: null,
    provider: null,
    overPersistence: null,
    verdicts: {},
  };
}

function entryOf({ name, status }: Execution, result: LocationResult): RetrainEntry {
  const { location, version, outcome, reason, test, climatology, overPersistence } = result;
  // All speak of the hours of the test.
  const ofTheTest = (measures: LocationResult['persistence']) =>
    measures === null || test === null ? null : { ...measures, from: test.from, to: test.to };
  return {
    execution: name,
    status,
    location,
    version,
    outcome,
    reason,
    test,
    persistence: ofTheTest(result.persistence),
    climatology,
    logisticRegression: ofTheTest(result.logisticRegression),
    plainSvc: ofTheTest(result.plainSvc),
    provider: ofTheTest(result.provider),
    overPersistence,
    verdicts: Object.fromEntries(
      Object.entries(result.comparisons ?? {}).flatMap(([baseline, compared]) =>
        compared === null ? [] : [[baseline, compared.verdict]],
      ),
    ),
  };
}

function instantOf(key: string): string {
  return key.slice(key.lastIndexOf(' ') + 1);
}
