import * as z from 'zod';
import { type Calibration, calibrate, calibrationSchema } from './calibration';
import { WET_NOW_FEATURE } from './features';
import { type Joined, joinedProbability, joinedSchema } from './joined';
import type { Matrix } from './matrix';
import { featureNames, NEIGHBOUR_SLOTS } from './neighbours';
import type { Persistence } from './persistence';
import { applyPreprocessing, preprocessingSchema } from './preprocessing';
import {
  type ProviderForecasts,
  type Recalibration,
  recalibrate,
  recalibrationSchema,
} from './provider-forecast';
import { recipeSchema } from './recipe';
import { decisionValues, joinMembers, type SvcEnsemble } from './svc';
import { type Classifier, withLinear } from './train';

/** Raised whenever the meaning of a stored field changes; other versions are refused. */
const MODEL_SCHEMA_VERSION = 3;

const utc = z.iso.datetime();
const probability = z.number().min(0).max(1);

/**
 * Numbers as little-endian float32 in base64: a champion of years has millions of them, and they load in an instant.
 * Zod's own check would take as long as all else; `floatCount` finds what is damaged.
 */
const floats = z.string();

const persistenceSchema = z.strictObject({
  probabilityAfterWet: probability,
  probabilityAfterDry: probability,
  probability,
});

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
  /** Locations whose hours it looks at beside its own, in the order in which features number them. */
  neighbours: z.array(z.string()).max(NEIGHBOUR_SLOTS),
  /** Raw features in the order in which rows are given. */
  featureNames: z.array(z.string()),
  recipe: recipeSchema,
  preprocessing: preprocessingSchema,
  /** Prepared values, row by row; no rows where the recipe has no support vector classifier. */
  supportVectors: z.strictObject({
    rows: z.int().nonnegative(),
    columns: z.int().positive(),
    values: floats,
  }),
  members: z.array(
    z.strictObject({
      gamma: z.number().positive(),
      intercept: z.number(),
      /** One for each support vector; 0 where this member does not use it. */
      coefficients: floats,
    }),
  ),
  /** Logistic regression on the same prepared columns, added to the logit of this persistence: the last member. */
  linear: z
    .strictObject({
      persistence: persistenceSchema,
      logistic: z.strictObject({ intercept: z.number(), weights: z.array(z.number()).min(1) }),
    })
    .nullable(),
  /** Of the members alone: what speaks where there is no forecast of the provider's, or no joined calibration. */
  calibration: calibrationSchema,
  /** The members joined with the provider's forecast; null where too few hours had one. */
  joined: joinedSchema.nullable(),
  /** The provider's forecast alone, for live comparison; null where too few hours had one. */
  recalibration: recalibrationSchema.nullable(),
  threshold: probability,
  persistence: persistenceSchema,
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

const versionSchema = z.object({ schemaVersion: z.int() });

/** A stored model that this code can't use, with the reason. */
export class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
}

/**
 * Reads a model file.
 * @throws ModelRefused naming what is wrong: not the schema, another feature list, parts that do not fit together.
 */
export function parseModel(json: unknown): RainModel {
  const found = versionSchema.safeParse(json);
  if (found.success && found.data.schemaVersion < MODEL_SCHEMA_VERSION) {
    throw new ModelRefused(
      `Written by an older version of this code (schema ${found.data.schemaVersion}, now ${MODEL_SCHEMA_VERSION}). The next retraining replaces it; start one by hand to have it sooner.`,
    );
  }
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    throw new ModelRefused(
      `Not a model file of schema ${MODEL_SCHEMA_VERSION}: ${z.prettifyError(parsed.error)}`,
    );
  }
  const model = parsed.data;
  const names = featureNames(model.neighbours.length);
  const differing = names.findIndex((name, j) => model.featureNames[j] !== name);
  if (differing >= 0 || model.featureNames.length !== names.length) {
    throw new ModelRefused(
      differing >= 0
        ? `Feature ${differing} is ${model.featureNames[differing] ?? 'absent'} in the model and ${names[differing]} in the code.`
        : `The model has ${model.featureNames.length} features, the code ${names.length}.`,
    );
  }
  const { columns, indicators } = model.preprocessing;
  const unknown = [...columns.map(({ feature }) => feature), ...indicators].find(
    (feature) => !names.includes(feature),
  );
  if (unknown !== undefined) {
    throw new ModelRefused(`Preprocessing speaks of ${unknown}, which is no feature.`);
  }
  const width = columns.length + indicators.length;
  const { supportVectors, members, linear, calibration } = model;
  if (supportVectors.columns !== width || floatCount(supportVectors.values) !== supportVectors.rows * width) {
    throw new ModelRefused(`The support vectors are not ${supportVectors.rows} rows of ${width} columns.`);
  }
  const wrongMember = members.findIndex(
    ({ coefficients }) => floatCount(coefficients) !== supportVectors.rows,
  );
  if (wrongMember >= 0) {
    throw new ModelRefused(`Member ${wrongMember} does not have a coefficient for each support vector.`);
  }
  if (linear !== null && linear.logistic.weights.length !== width) {
    throw new ModelRefused(`The logistic regression does not have ${width} weights.`);
  }
  const count = members.length + (linear === null ? 0 : 1);
  if (count === 0 || curvesOf(calibration).some(({ weights }) => weights.length !== count)) {
    throw new ModelRefused(`The calibration does not have a weight for each of ${count} members.`);
  }
  const { joined, recalibration } = model;
  if (joined !== null && joined.logistic.weights.length !== count + joined.terms.length) {
    throw new ModelRefused(
      `The joined calibration does not have a weight for each of ${count} members and ${joined.terms.length} terms.`,
    );
  }
  if (recalibration !== null && recalibration.logistic.weights.length !== recalibration.terms.length) {
    throw new ModelRefused('The recalibration of the provider does not have a weight for each term.');
  }
  return model;
}

/** The curves that a calibration is made of. */
function curvesOf(calibration: Calibration) {
  switch (calibration.kind) {
    case 'logistic':
      return [calibration.always];
    case 'logistic-by-present':
      return [calibration.wet, calibration.dry];
    case 'none':
      return [];
  }
}

/** What a fitted recipe adds to a model file; the retrain function names the rest. */
export interface FittedParts {
  readonly classifier: Classifier;
  readonly calibration: Calibration;
  readonly joined: Joined | null;
  readonly recalibration: Recalibration | null;
  readonly threshold: number;
  readonly persistence: Persistence;
}

/** A model file's content from what was fitted. */
export function modelOf(
  { classifier, calibration, joined, recalibration, threshold, persistence }: FittedParts,
  origin: Pick<
    RainModel,
    'location' | 'version' | 'codeVersion' | 'neighbours' | 'recipe' | 'training' | 'metrics'
  >,
): RainModel {
  const { preprocessing, models, linear } = classifier;
  const columns = preprocessing.columns.length + preprocessing.indicators.length;
  const { supportVectors, members } =
    models.length === 0
      ? { supportVectors: { rows: 0, columns, values: [] }, members: [] }
      : joinMembers(models);
  return {
    schemaVersion: MODEL_SCHEMA_VERSION,
    ...origin,
    featureNames: [...featureNames(origin.neighbours.length)],
    preprocessing,
    supportVectors: { ...supportVectors, values: encodeFloats(supportVectors.values) },
    members: members.map(({ gamma, intercept, coefficients }) => ({
      gamma,
      intercept,
      coefficients: encodeFloats(coefficients),
    })),
    linear: linear && { persistence: { ...linear.persistence }, logistic: linear.logistic },
    calibration,
    joined,
    recalibration,
    threshold,
    persistence: { ...persistence },
  };
}

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

function encodeFloats(values: ArrayLike<number>): string {
  const bytes = Buffer.alloc(values.length * FLOAT_BYTES);
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i] ?? Number.NaN, i * FLOAT_BYTES);
  return bytes.toString('base64');
}

/** Of those that can be decoded: at a character that is none of base64's, decoding leaves something out. */
function floatCount(base64: string): number {
  return Buffer.from(base64, 'base64').byteLength / FLOAT_BYTES;
}

/** The machines that this runs on are little-endian, as the file is. */
function decodeFloats(base64: string): Float32Array {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** What a model says of rain in hour t + 1, for each row. */
export interface Predicted {
  readonly plain: Float64Array;
  /** NaN where the model has no joined calibration, or the provider's forecast is missing. */
  readonly joined: Float64Array;
  /** What the provider's forecast alone is worth; NaN where it can't be told. */
  readonly recalibrated: Float64Array;
}

/**
 * Probabilities of rain in hour t + 1 for each row of raw features (`featureNames` order, NaN = missing).
 * @param forecasts the provider's, one for each row; null where it made none.
 * @throws RangeError when the width differs or a value is infinite.
 */
export function predict(model: RainModel, x: Matrix, forecasts: ProviderForecasts | null): Predicted {
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
  const machines = model.members.length === 0 ? undefined : decisionValues(ensembleOf(model), prepared);
  const members = withLinear(machines, model.linear, prepared, wetNow);
  const plain = calibrate(model.calibration, members, wetNow);
  const nothing = new Float64Array(x.rows).fill(Number.NaN);
  const { joined, recalibration } = model;
  return {
    plain,
    joined:
      joined === null || forecasts === null
        ? nothing
        : joinedProbability(joined, plain, members, forecasts, wetNow),
    recalibrated:
      recalibration === null || forecasts === null ? nothing : recalibrate(recalibration, forecasts, wetNow),
  };
}

function ensembleOf({ recipe, supportVectors, members }: RainModel): SvcEnsemble<Float32Array> {
  const { rows, columns, values } = supportVectors;
  return {
    kernel: recipe.kernel,
    supportVectors: { rows, columns, values: decodeFloats(values) },
    members: members.map(({ gamma, intercept, coefficients }) => ({
      gamma,
      intercept,
      coefficients: decodeFloats(coefficients),
    })),
  };
}
