import * as z from 'zod';
import { type Bucket, getObject, putObject } from '../lake/s3';
import { assessmentSchema, evaluationFileSchema, passedOverSchema } from '../model/metrics-file';
import { recipeSchema } from '../model/recipe';
import { runKeys } from './steps';

/** What the steps of one run leave for each other in the query-results bucket. */

const JSON_TYPE = 'application/json';

const locationsFile = z.array(z.object({ location: z.string() }));

/** The recipes that one location's search tries, and the champion that they are up against. */
const candidatesFile = z.object({
  /**
   * Recipes of each round; candidates are numbered through all rounds. The first of all is the first rung; the first
   * round ends with the champion's recipe and the baselines.
   */
  rounds: z.array(z.array(recipeSchema).min(1)).min(1),
  /** Numbers of the candidates that are measured beside the others, and never chosen. */
  baselines: z.object({ logisticRegression: z.array(z.int().min(0)), plainSvc: z.array(z.int().min(0)) }),
  /** Whether the series can judge full recipes; else there is nothing to refine. */
  judgeable: z.boolean(),
  /** ETag of `champion.json` when the run looked; null when there was none. */
  championEtag: z.string().nullable(),
  championVersion: z.string().nullable(),
  /** Number of the champion's recipe among the candidates; null when it has no part, for the reason given. */
  championCandidate: z.int().min(0).nullable(),
  championReason: z.string().nullable(),
});
export type Candidates = z.infer<typeof candidatesFile>;

const weeklyLosses = z.array(z.object({ week: z.int(), hours: z.int(), loss: z.number() })).readonly();

/** Measures of one recipe over the folds of the development part, or why it has none. */
const scoreFile = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('scored'),
    score: z.object({
      recipe: recipeSchema,
      hours: z.int(),
      averagePrecision: z.number(),
      onsetAveragePrecision: z.number(),
      brier: z.number(),
      logLoss: z.number(),
      /** Of the series, oldest first: the same weeks for all recipes. */
      weeks: weeklyLosses,
      plainWeeks: weeklyLosses,
    }),
  }),
  z.object({ status: z.literal('refused'), recipe: recipeSchema, reason: z.string() }),
]);
export type ScoreFile = z.infer<typeof scoreFile>;

/** Out-of-fold decision values: large, so they lie beside the scores and are read for the chosen recipe only. */
const valuesFile = z.object({
  hours: z.array(z.number()).readonly(),
  values: z.array(z.array(z.number()).readonly()).min(1).readonly(),
});

/** Typed objects of one run. Reading one that is absent is an error: a step before did not do its work. */
export const runFiles = {
  locations: file(runKeys.locations, locationsFile),
  /** Absent where training sees every row. */
  passedOver: file(runKeys.passedOver, passedOverSchema),
  candidates: file(runKeys.candidates, candidatesFile),
  score: file(runKeys.score, scoreFile),
  values: file(runKeys.values, valuesFile),
  /** The winner's out-of-fold values with those of the test part: what its refit is calibrated on. */
  testedValues: file(runKeys.testedValues, valuesFile),
  assessment: file(runKeys.assessment, assessmentSchema),
  outcome: file(runKeys.outcome, evaluationFileSchema),
} as const;

interface RunFile<A extends readonly unknown[], T> {
  readonly write: (bucket: Bucket, content: T, ...of: A) => Promise<void>;
  /** @throws Error when the object is absent or of another form. */
  readonly read: (bucket: Bucket, ...of: A) => Promise<T>;
  readonly find: (bucket: Bucket, ...of: A) => Promise<T | undefined>;
}

function file<A extends readonly unknown[], T>(
  keyOf: (...of: A) => string,
  schema: z.ZodType<T>,
): RunFile<A, T> {
  const find = async (bucket: Bucket, ...of: A): Promise<T | undefined> => {
    const stored = await getObject(bucket, keyOf(...of));
    return stored && schema.parse(JSON.parse(new TextDecoder().decode(stored.bytes)));
  };
  return {
    find,
    read: async (bucket, ...of) => {
      const found = await find(bucket, ...of);
      if (found === undefined) {
        throw new Error(`s3://${bucket.name}/${keyOf(...of)} is not there: a step of the run is missing.`);
      }
      return found;
    },
    write: (bucket, content, ...of) => putObject(bucket, keyOf(...of), JSON.stringify(content), JSON_TYPE),
  };
}
