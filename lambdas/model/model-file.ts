import * as z from 'zod';
import { type Calibration, calibrate, calibrationSchema } from './calibration';
import { FEATURE_NAMES, WET_NOW_FEATURE } from './features';
import type { Matrix } from './matrix';
import { applyPreprocessing, PREPARED_UNIT, preprocessingSchema } from './preprocessing';
import { recipeSchema } from './recipe';
import { decisionValues, joinMembers, type SvcEnsemble } from './svc';
import type { Classifier, Persistence } from './train';

/** Raised whenever the meaning of a stored field changes; other versions are refused. */
const MODEL_SCHEMA_VERSION = 1;

const utc = z.iso.datetime();
const probability = z.number().min(0).max(1);

/** Measures of the test part, kept with the model so that a reader need not open a second file. */
const metricsSummary = z.strictObject({
  hours: z.int().nonnegative(),
  rainHours: z.int().nonnegative(),
  averagePrecision: z.number().nullable(),
  onsetAveragePrecision: z.number().nullable(),
  brier: z.number(),
  persistenceBrier: z.number(),
});

/** `model.json`: all that is needed to forecast, and where it came from. */
export const modelSchema = z.strictObject({
  schemaVersion: z.literal(MODEL_SCHEMA_VERSION),
  location: z.string(),
  version: z.string(),
  /** Identifies the code that made it. */
  codeVersion: z.string(),
  /** Raw features in the order in which rows are given. */
  featureNames: z.array(z.string()),
  recipe: recipeSchema,
  preprocessing: preprocessingSchema,
  /** Rows of prepared values in units of PREPARED_UNIT: whole numbers. */
  supportVectors: z.array(z.array(z.int())).min(1),
  members: z
    .array(
      z.strictObject({
        gamma: z.number().positive(),
        intercept: z.number(),
        /** One for each support vector; 0 where this member does not use it. */
        coefficients: z.array(z.number()),
      }),
    )
    .min(1),
  calibration: calibrationSchema,
  threshold: probability,
  persistence: z.strictObject({
    probabilityAfterWet: probability,
    probabilityAfterDry: probability,
    probability: probability,
  }),
  training: z.strictObject({
    from: utc,
    to: utc,
    rows: z.int().positive(),
    rainRows: z.int().positive(),
    /** SHA-256 of the rows it was trained on. */
    dataFingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  metrics: metricsSummary,
});
export type RainModel = z.infer<typeof modelSchema>;

/** A stored model that this code can't use, with the reason. */
export class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
}

/**
 * Reads a model file.
 * @throws ModelRefused naming what is wrong: not the schema, another feature list, parts that do not fit together.
 */
export function parseModel(json: unknown): RainModel {
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    throw new ModelRefused(
      `Not a model file of schema ${MODEL_SCHEMA_VERSION}: ${z.prettifyError(parsed.error)}`,
    );
  }
  const model = parsed.data;
  const differing = FEATURE_NAMES.findIndex((name, j) => model.featureNames[j] !== name);
  if (differing >= 0 || model.featureNames.length !== FEATURE_NAMES.length) {
    throw new ModelRefused(
      differing >= 0
        ? `Feature ${differing} is ${model.featureNames[differing] ?? 'absent'} in the model and ${FEATURE_NAMES[differing]} in the code.`
        : `The model has ${model.featureNames.length} features, the code ${FEATURE_NAMES.length}.`,
    );
  }
  const { columns, indicators } = model.preprocessing;
  const unknown = [...columns.map(({ feature }) => feature), ...indicators].find(
    (feature) => !FEATURE_NAMES.includes(feature),
  );
  if (unknown !== undefined) {
    throw new ModelRefused(`Preprocessing speaks of ${unknown}, which is no feature.`);
  }
  const width = columns.length + indicators.length;
  const wrongVector = model.supportVectors.findIndex((vector) => vector.length !== width);
  if (wrongVector >= 0) {
    throw new ModelRefused(`Support vector ${wrongVector} does not have ${width} columns.`);
  }
  const wrongMember = model.members.findIndex(
    ({ coefficients }) => coefficients.length !== model.supportVectors.length,
  );
  if (wrongMember >= 0) {
    throw new ModelRefused(`Member ${wrongMember} does not have a coefficient for each support vector.`);
  }
  const curves =
    model.calibration.kind === 'logistic'
      ? [model.calibration.always]
      : [model.calibration.wet, model.calibration.dry];
  if (curves.some(({ weights }) => weights.length !== model.members.length)) {
    throw new ModelRefused(
      `The calibration does not have a weight for each of ${model.members.length} members.`,
    );
  }
  return model;
}

/** What a fitted recipe adds to a model file; the retrain function names the rest. */
export interface FittedParts {
  readonly classifier: Classifier;
  readonly calibration: Calibration;
  readonly threshold: number;
  readonly persistence: Persistence;
}

/** A model file's content from what was fitted. */
export function modelOf(
  { classifier, calibration, threshold, persistence }: FittedParts,
  origin: Pick<RainModel, 'location' | 'version' | 'codeVersion' | 'recipe' | 'training' | 'metrics'>,
): RainModel {
  const { supportVectors, members } = joinMembers(classifier.models);
  return {
    schemaVersion: MODEL_SCHEMA_VERSION,
    ...origin,
    featureNames: [...FEATURE_NAMES],
    preprocessing: classifier.preprocessing,
    supportVectors: Array.from({ length: supportVectors.rows }, (_, s) =>
      Array.from(
        supportVectors.values.subarray(s * supportVectors.columns, (s + 1) * supportVectors.columns),
        (value) => Math.round(value / PREPARED_UNIT),
      ),
    ),
    members: members.map(({ gamma, intercept, coefficients }) => ({
      gamma,
      intercept,
      coefficients: Array.from(coefficients),
    })),
    calibration,
    threshold,
    persistence: { ...persistence },
  };
}

/**
 * Probability of rain in hour t + 1 for each row of raw features (FEATURES order, NaN = missing).
 * @throws RangeError when the width differs or a value is infinite.
 */
export function predictProbability(model: RainModel, x: Matrix): Float64Array {
  if (x.columns !== model.featureNames.length) {
    throw new RangeError(`Rows have ${x.columns} features, the model ${model.featureNames.length}.`);
  }
  const infinite = x.values.findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
  if (infinite >= 0) {
    throw new RangeError(`Feature ${model.featureNames[infinite % x.columns]} is infinite.`);
  }
  const prepared = applyPreprocessing(model.preprocessing, x, model.featureNames);
  const present = model.featureNames.indexOf(WET_NOW_FEATURE);
  const wetNow = Float64Array.from(
    { length: x.rows },
    (_, i) => x.values[i * x.columns + present] ?? Number.NaN,
  );
  return calibrate(model.calibration, decisionValues(ensembleOf(model), prepared), wetNow);
}

function ensembleOf(model: RainModel): SvcEnsemble {
  const columns = model.supportVectors[0]?.length ?? 0;
  return {
    kernel: model.recipe.kernel,
    supportVectors: {
      rows: model.supportVectors.length,
      columns,
      values: Float64Array.from(model.supportVectors.flat(), (units) => units * PREPARED_UNIT),
    },
    members: model.members.map(({ gamma, intercept, coefficients }) => ({
      gamma,
      intercept,
      coefficients: Float64Array.from(coefficients),
    })),
  };
}
