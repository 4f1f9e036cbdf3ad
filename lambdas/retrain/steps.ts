import * as z from 'zod';
import { SEARCH_ROUNDS } from '../model/recipe';
import { utcSecondSchema } from '../runtime/time';

/**
 * What the retraining state machine and the retrain function say to each other. Each state's output schema
 * is the next state's input schema; data travels through objects of the run (`runKeys`), never through states,
 * so that five thousand locations stay far below the 256 KiB a state may carry.
 */

/** An instant as EventBridge, Step Functions and people write it; UTC, with or without fractions of a second. */
const instant = z.iso.datetime();

/** Also a folder name: Step Functions gives it to the execution, and it is unique for 90 days. */
const runId = z
  .string()
  .regex(/^[\w.+=@!()'-]{1,80}$/, 'not the name of an execution: letters, digits and ._-+=@!() only');

const locationId = z.string().min(1).max(64);

/** Versions are folder names made by `versionOf`; nothing else may get into a key. */
const versionSchema = z
  .string()
  .regex(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/, 'not a version such as 20131201T000000Z-0123abcd');

/** The frame of one run: everything in it follows from the request, so a repeated state does the same work. */
const runSchema = z.strictObject({
  id: runId,
  /** The run knows nothing that was observed at or after this instant. */
  asOf: utcSecondSchema,
  /** First and last base hour that training sets may hold. */
  fromHour: utcSecondSchema,
  toHour: utcSecondSchema,
  reason: z.string(),
});
export type Run = z.infer<typeof runSchema>;

/** What starts an execution: the weekly schedule, evidence of lost skill, or a person. */
export const requestSchema = z.strictObject({
  scheduledTime: instant.optional(),
  /** All configured locations when absent. */
  locations: z.array(locationId).min(1).optional(),
  reason: z.string().max(500).optional(),
  /** Trains as if it were this instant; the scheduled time, or else the start of the execution, when absent. */
  asOf: instant.optional(),
});

const planInput = z.strictObject({
  step: z.literal('plan'),
  execution: runId,
  startedAt: instant,
  request: requestSchema,
});

/** One training-set query: `count` locations of the run's list, from place `first` on. */
const chunkSchema = z.strictObject({ first: z.int().min(0), count: z.int().min(1).max(100) });

export const planOutput = z.strictObject({
  run: runSchema,
  /** JSON array of `{"location"}` in the query-results bucket: the items of the Map over places. */
  locationsKey: z.string(),
  chunks: z.array(chunkSchema),
});

const prepareInput = z.strictObject({ step: z.literal('prepare'), run: runSchema, chunk: chunkSchema });

/** What the states of one location pass on. */
const place = { run: runSchema, location: locationId };

const inspectInput = z.strictObject({ step: z.literal('inspect'), ...place });

/** Candidates `first` to `first + count − 1` of the location's list; small enough for one invocation. */
const batchSchema = z.strictObject({ first: z.int().min(0), count: z.int().min(1) });

/** Rounds of the search are counted from 0. */
const round = z
  .int()
  .min(0)
  .max(SEARCH_ROUNDS - 1);

export const inspectOutput = z.strictObject({
  ...place,
  /** False when no challenger can be made; `reasons` say why. */
  trainable: z.boolean(),
  reasons: z.array(z.string()),
  round,
  batches: z.array(batchSchema),
});

const scoreInput = z.strictObject({ step: z.literal('score'), ...place, batch: batchSchema });

/** `round` is the one that has been scored. */
const refineInput = z.strictObject({ step: z.literal('refine'), ...place, round });

/** The next round and its batches; without any, the search is over, and `round` the last that was scored. */
export const refineOutput = z.strictObject({ ...place, round, batches: z.array(batchSchema) });

const testInput = z.strictObject({ step: z.literal('test'), ...place });

/**
 * The champion that a decision was made against, by the ETag of its pointer; null when there was none.
 * Promotion is refused when another one stands there by then.
 */
const expectedChampion = z.string().nullable();

export const testOutput = z.strictObject({
  ...place,
  decision: z.enum(['promote', 'refresh', 'keep']),
  reasons: z.array(z.string()),
  expectedChampion,
});

const refitInput = z.strictObject({
  step: z.literal('refit'),
  ...place,
  decision: z.enum(['promote', 'refresh']),
  expectedChampion,
});

export const refitOutput = z.strictObject({
  ...place,
  version: versionSchema,
  outcome: z.enum(['promoted', 'refreshed']),
  expectedChampion,
});

/** A refit that is broken: nothing was stored, and the reasons are for `keep`. */
export const unsoundOutput = z.strictObject({
  ...place,
  outcome: z.literal('kept'),
  reasons: z.array(z.string()).min(1),
});

/**
 * `{"step":"promote","location":…,"version":…}` is the rollback that a person orders: it has no `decision`.
 * The machine's promotions carry the decision that they execute.
 */
const promoteInput = z.strictObject({
  step: z.literal('promote'),
  location: locationId,
  version: versionSchema,
  reason: z.string().max(500).optional(),
  /** Id of a person's order: given again after a lost reply, it makes no second entry. */
  order: z.string().min(1).max(100).optional(),
  /** When the promotion takes effect; the invocation's own time when absent. */
  at: instant.optional(),
  decision: z
    .strictObject({ run: runSchema, outcome: z.enum(['promoted', 'refreshed']), expectedChampion })
    .optional(),
});

/** Ends a location whose present champion stays, for the reasons given. */
const keepInput = z.strictObject({
  step: z.literal('keep'),
  ...place,
  reasons: z.array(z.string()).min(1),
});

/** The catch path: what Step Functions says of the error that ended a location. */
const failInput = z.strictObject({
  step: z.literal('fail'),
  ...place,
  error: z.object({ Error: z.string(), Cause: z.string().optional() }),
});

const publishInput = z.strictObject({
  step: z.literal('publish'),
  run: runSchema,
  /** When the pages are made; shown on them. */
  at: instant,
});

/** Every event that the retrain function accepts. */
const stepEvent = z.discriminatedUnion('step', [
  planInput,
  prepareInput,
  inspectInput,
  scoreInput,
  refineInput,
  testInput,
  refitInput,
  promoteInput,
  keepInput,
  failInput,
  publishInput,
]);
export type StepEvent = z.infer<typeof stepEvent>;
export type StepInput<S extends StepEvent['step']> = Extract<StepEvent, { step: S }>;

/** Objects of one run in the query-results bucket, where they expire within days. */
export const runKeys = {
  locations: (run: string) => `retrain/${run}/locations.json`,
  trainingSet: (run: string, location: string) => `retrain/${run}/${location}/training-set.parquet`,
  passedOver: (run: string, location: string) => `retrain/${run}/${location}/passed-over.json`,
  candidates: (run: string, location: string) => `retrain/${run}/${location}/candidates.json`,
  score: (run: string, location: string, candidate: number) =>
    `retrain/${run}/${location}/scores/${candidate}.json`,
  values: (run: string, location: string, candidate: number) =>
    `retrain/${run}/${location}/values/${candidate}.json`,
  assessment: (run: string, location: string) => `retrain/${run}/${location}/assessment.json`,
  testedValues: (run: string, location: string) => `retrain/${run}/${location}/tested-values.json`,
  testForecasts: (run: string, location: string) => `retrain/${run}/${location}/test-forecasts.parquet`,
  outcome: (run: string, location: string) => `retrain/${run}/${location}/outcome.json`,
  summary: (run: string) => `retrain/${run}/summary.json`,
} as const;

/** Bad input: repeating the same call can't help, so the state machine does not retry it. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/**
 * Parses the event of one invocation.
 * @throws Refused naming the path and the reason.
 */
export function parseStep(event: unknown): StepEvent {
  const parsed = stepEvent.safeParse(event);
  if (!parsed.success) {
    throw new Refused(`The event is not a retraining step:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
