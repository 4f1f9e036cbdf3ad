import * as z from 'zod';
import { utcSecondSchema } from '../runtime/time';
import { VERDICTS } from './comparison';
import { FORECAST_TERMS } from './provider-forecast';
import { recipeSchema } from './recipe';

/**
 * What retraining writes down for people, pages and programs: one `metrics.json` beside each model, one
 * evaluation for every run and location (also when no model came of it), and one summary for every run.
 */

const measure = z.number().nullable();
const count = z.int().min(0);
const pair = z.tuple([count, count]).readonly();

/** All measures of one set of forecasts over the same hours; null where the hours hold one class only. */
export const evaluationSchema = z.object({
  hours: count,
  rainHours: count,
  /** Hours that were dry at the base hour, and those of them that rain followed. */
  onsetHours: count,
  onsetRainHours: count,
  averagePrecision: measure,
  onsetAveragePrecision: measure,
  rocAuc: measure,
  brier: z.number(),
  logLoss: z.number(),
  /** Probabilities at or above it count as "rain" in the yes/no measures. */
  threshold: z.number(),
  f1: z.number(),
  precision: z.number(),
  recall: z.number(),
  accuracy: z.number(),
  /** `[[tn, fp], [fn, tp]]` */
  confusion: z.tuple([pair, pair]).readonly(),
  reliability: z
    .array(z.object({ from: z.number(), to: z.number(), hours: count, forecast: measure, observed: measure }))
    .readonly(),
});

/**
 * Brier score gained on a reference over the same hours, with the 90% interval of Student's t over weekly blocks. The
 * interval is null where there are fewer than two blocks.
 */
const improvementSchema = z.object({
  improvement: z.number(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  blocks: count,
});

/** How the recipe that stands compares with a baseline on the series. */
const comparedSchema = improvementSchema.extend({
  /** The baseline's own Brier score. */
  brier: z.number(),
  verdict: z.enum(VERDICTS),
});
export type Compared = z.infer<typeof comparedSchema>;

/** Brier score gained on the plain probability, over all hours with forecasts that were measured on, by days. */
const joiningSchema = improvementSchema.extend({
  hours: count,
  episodes: count,
  terms: z.array(z.enum(FORECAST_TERMS)),
  plainBrier: z.number(),
  /** Whether the gain is beyond doubt; if not, the plain probability speaks. */
  speaks: z.boolean(),
});

/** The provider's forecast, recalibrated, as a baseline: over the hours of the series that have it. */
const providerComparedSchema = comparedSchema.extend({
  hours: count,
  rainHours: count,
  /** Of the probability as issued, for show; null where the provider gives amounts only. */
  rawBrier: z.number().nullable(),
});

/** The baselines that the recipe is held against on the series; null where one could not be fitted. */
const comparisonsSchema = z.object({
  persistence: comparedSchema,
  climatology: comparedSchema,
  logisticRegression: comparedSchema.nullable(),
  plainSvc: comparedSchema.nullable(),
  /** Null where too few hours have a forecast of the provider's. */
  provider: providerComparedSchema.nullable().default(null),
});

/** Rows of a part of the training set, by their base hours. */
const spanSchema = z.object({ from: utcSecondSchema, to: utcSecondSchema, hours: count, rainHours: count });

/** Rows of the lake that training did not see: those of another rain threshold, and those from before rows had one. */
export const passedOverSchema = z.object({ otherThreshold: count, oldShape: count });

/** A recipe's Brier score on the series. */
const judgedRecipe = z.object({ recipe: recipeSchema, brier: z.number() });

const candidateSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('scored'),
    recipe: recipeSchema,
    hours: count,
    averagePrecision: z.number(),
    onsetAveragePrecision: z.number(),
    brier: z.number(),
    logLoss: z.number(),
    /** A baseline, which is measured and never chosen. */
    baseline: z.boolean(),
  }),
  /** The fit was refused or abandoned. */
  z.object({ status: z.literal('refused'), recipe: recipeSchema, reason: z.string() }),
]);
export type CandidateResult = z.infer<typeof candidateSchema>;

/** Everything that the test of one run and location found out, and what the gate made of it. */
export const assessmentSchema = z.object({
  schemaVersion: z.literal(2),
  location: z.string(),
  run: z.string(),
  asOf: utcSecondSchema,
  decision: z.enum(['promote', 'refresh', 'keep']),
  /** Whose recipe the decision is about: what `test` and `recipe` show. */
  winner: z.enum(['challenger', 'champion', 'first rung']),
  reasons: z.array(z.string()).readonly(),
  recipe: recipeSchema,
  trainingSet: spanSchema.extend({
    fingerprint: z.string(),
    /** Hours whose known state polls told, and not history in their place; null in files that do not say. */
    polledHours: count.nullable().default(null),
    passedOver: passedOverSchema.nullable().default(null),
  }),
  development: spanSchema,
  /** Hours that recipes were chosen and judged by; null where the development part is too short for any. */
  series: spanSchema.extend({ weeks: count, episodes: count, brier: z.number() }).nullable(),
  test: spanSchema.extend(evaluationSchema.shape),
  /** Hours between the last development row and the first test hour that no side may use. */
  embargoHours: count,
  /** On the test hours. */
  overPersistence: improvementSchema,
  /** Baselines on the test hours; null where one could not be fitted. */
  persistence: evaluationSchema,
  climatology: evaluationSchema,
  logisticRegression: evaluationSchema.nullable(),
  plainSvc: evaluationSchema.nullable(),
  /** The provider's forecast, recalibrated in the development part, on the test hours that have it. */
  provider: evaluationSchema.nullable().default(null),
  /** `test` without the provider's forecasts; null where they had no part in it. */
  plain: evaluationSchema.nullable().default(null),
  /** The provider's forecasts joined with the recipe, as the model at work does it; null where they are too few. */
  joining: joiningSchema.nullable().default(null),
  /** Baselines on the series: this is what is judged. */
  comparisons: comparisonsSchema,
  /** The recipe that the series would choose. */
  challenger: judgedRecipe,
  /**
   * The present champion's recipe on the same rows; null when there is none that this code can fit.
   * `challengerImprovement` is the search's choice week by week, forward in time; null where nothing was compared.
   */
  champion: judgedRecipe
    .extend({
      version: z.string(),
      sameRecipe: z.boolean(),
      challengerImprovement: improvementSchema.nullable(),
    })
    .nullable(),
  /** Why the present champion has no part in the gate, if it has none. */
  championReason: z.string().nullable(),
  candidates: z.array(candidateSchema),
});
export type Assessment = z.infer<typeof assessmentSchema>;

/** `metrics.json` of a version: the test that let its recipe through. The model itself saw the test part since. */
export const metricsSchema = assessmentSchema.extend({ version: z.string() });
export type ModelMetrics = z.infer<typeof metricsSchema>;

/** What came of one run for one location. */
export const evaluationFileSchema = z.object({
  schemaVersion: z.literal(2),
  location: z.string(),
  run: z.string(),
  asOf: utcSecondSchema,
  /** Why the run was made: scheduled, ordered, or the evidence that asked for it. */
  cause: z.string(),
  outcome: z.enum(['promoted', 'refreshed', 'kept', 'failed']),
  reasons: z.array(z.string()).readonly(),
  /** The version that became champion; null when the present one stays. */
  version: z.string().nullable(),
  /** From when on it is champion. */
  since: utcSecondSchema.nullable(),
  /** Null when the run did not come as far as the test. */
  assessment: assessmentSchema.nullable(),
});
export type EvaluationFile = z.infer<typeof evaluationFileSchema>;

const briefEvaluation = evaluationSchema.omit({
  reliability: true,
  threshold: true,
  onsetHours: true,
  onsetRainHours: true,
});

/** One location in a run's summary: the figures without curves, small enough for a state of the machine. */
const locationResultSchema = z.object({
  location: z.string(),
  outcome: evaluationFileSchema.shape.outcome,
  reason: z.string(),
  version: z.string().nullable(),
  test: briefEvaluation.extend({ from: utcSecondSchema, to: utcSecondSchema }).nullable(),
  persistence: briefEvaluation.nullable(),
  climatology: z.object({ brier: z.number() }).nullable(),
  logisticRegression: briefEvaluation.nullable(),
  plainSvc: briefEvaluation.nullable().default(null),
  /** Of the test hours that have a forecast of the provider's; the recalibrated one. */
  provider: briefEvaluation.nullable().default(null),
  overPersistence: improvementSchema.nullable(),
  comparisons: comparisonsSchema.nullable().default(null),
  joining: joiningSchema.nullable().default(null),
});
export type LocationResult = z.infer<typeof locationResultSchema>;

/** `summary.json` of a run, and the output of its execution (which leaves `results` empty beyond 40 locations). */
export const runSummarySchema = z.object({
  schemaVersion: z.literal(1),
  run: z.string(),
  asOf: utcSecondSchema,
  locations: count,
  promoted: count,
  refreshed: count,
  kept: count,
  failed: count,
  summaryKey: z.string(),
  results: z.array(locationResultSchema),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

/**
 * `champions.json`: who forecasts for each location now, and what the last run came to, in a few hundred bytes each: it is
 * read whole every hour. The run's figures are in its evaluation.
 */
export const championsSchema = z.object({
  schemaVersion: z.literal(1),
  generatedAt: z.iso.datetime(),
  locations: z.array(
    z.object({
      location: z.string(),
      name: z.string(),
      champion: z.object({ version: z.string(), since: utcSecondSchema }).nullable(),
      lastRun: locationResultSchema
        .pick({ outcome: true, reason: true })
        .extend({ run: z.string(), asOf: utcSecondSchema })
        .nullable(),
    }),
  ),
});
export type Champions = z.infer<typeof championsSchema>;

/** The part of an evaluation that summaries repeat. */
export function resultOf(evaluation: EvaluationFile): LocationResult {
  const { location, outcome, reasons, version, assessment } = evaluation;
  return locationResultSchema.parse({
    location,
    outcome,
    reason: reasons.join(' '),
    version,
    test: assessment?.test ?? null,
    persistence: assessment?.persistence ?? null,
    climatology: assessment?.climatology ?? null,
    logisticRegression: assessment?.logisticRegression ?? null,
    plainSvc: assessment?.plainSvc ?? null,
    provider: assessment?.provider ?? null,
    overPersistence: assessment?.overPersistence ?? null,
    comparisons: assessment?.comparisons ?? null,
    joining: assessment?.joining ?? null,
  });
}
