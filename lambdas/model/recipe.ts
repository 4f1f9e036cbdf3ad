import * as z from 'zod';
import { CALIBRATION_KINDS } from './calibration';
import { FEATURE_GROUPS, FEATURES, type FeatureGroup } from './features';
import type { RowRange } from './protocol';
import type { TrainingSet } from './training-set';

/** Everything about a model that is chosen. Two recipes are compared by fitting both on the same rows. */
export const recipeSchema = z.strictObject({
  featureGroups: z.array(z.enum(FEATURE_GROUPS)).min(1),
  /** The newest rows that a fit sees, at most. */
  windowRows: z.int().positive(),
  kernel: z.enum(['rbf', 'laplacian']),
  /** One classifier each; their decision values are joined by the calibration. */
  members: z
    .array(
      z.strictObject({
        c: z.number().positive(),
        /** γ times the number of prepared columns, so that it means the same for any number of features. */
        gammaScale: z.number().positive(),
        positiveWeight: z.number().positive(),
      }),
    )
    .min(1)
    .max(5),
  calibration: z.enum(CALIBRATION_KINDS),
});
export type Recipe = z.infer<typeof recipeSchema>;

/** What the candidates depend on besides their number. */
export interface RecipeContext {
  /** Development rows of the location. */
  readonly rows: number;
  /** Groups with at least one feature that is known in some row. */
  readonly featureGroups: readonly FeatureGroup[];
}

/** Reads the context off a training set's development part; the test part is not looked at. */
export function recipeContext(set: TrainingSet, development: RowRange): RecipeContext {
  const { columns, values } = set.x;
  const part = values.subarray(development.start * columns, development.end * columns);
  const known = new Set<FeatureGroup>();
  FEATURES.forEach(({ name, group }) => {
    const j = set.featureNames.indexOf(name);
    if (j >= 0 && !known.has(group) && part.some((value, i) => i % columns === j && !Number.isNaN(value))) {
      known.add(group);
    }
  });
  return {
    rows: development.end - development.start,
    featureGroups: FEATURE_GROUPS.filter((group) => known.has(group)),
  };
}

/** A year and a half, which four folds of three classifiers learn in seconds; longer histories may use more. */
const USUAL_WINDOW_ROWS = 12_000;
const LONG_WINDOW_ROWS = 40_000;

/**
 * Class weights of an ensemble. Each classifier sees best near its own balance of misses and false alarms; together
 * they draw the whole curve. Weight 1 is no oversampling; 16 about balances a climate with 6% of rain.
 */
const WIDE_LADDER = [0.5, 2, 8, 32] as const;
const NARROW_LADDER = [1, 4, 16] as const;

interface Candidate {
  readonly kernel?: Recipe['kernel'];
  readonly c: number;
  readonly gammaScale: number;
  readonly weights?: readonly number[];
  readonly windowRows?: number;
  readonly without?: FeatureGroup;
  readonly calibration?: Recipe['calibration'];
}

/**
 * Around γ = 1/(2d), C = 0.3: with standardised features that is a kernel as wide as the data, and the smooth side of
 * every station tried. The most promising first, so that a short search is a good one.
 */
const CANDIDATES: readonly Candidate[] = [
  { c: 0.3, gammaScale: 0.5 },
  { c: 0.3, gammaScale: 0.5, windowRows: LONG_WINDOW_ROWS },
  { c: 0.3, gammaScale: 0.5, without: 'neighbours' },
  { c: 1, gammaScale: 0.25 },
  { c: 0.3, gammaScale: 1 },
  { c: 0.3, gammaScale: 0.5, weights: NARROW_LADDER },
  { c: 0.1, gammaScale: 0.5 },
  { c: 0.3, gammaScale: 0.5, without: 'clock' },
  { c: 1, gammaScale: 0.25, windowRows: LONG_WINDOW_ROWS },
  { c: 0.3, gammaScale: 0.5, without: 'change' },
  { c: 1, gammaScale: 0.5 },
  { kernel: 'rbf', c: 0.3, gammaScale: 0.1 },
  { c: 0.3, gammaScale: 0.5, weights: NARROW_LADDER, calibration: 'logistic' },
  { c: 0.3, gammaScale: 0.5, weights: [1], calibration: 'logistic' },
];

/**
 * The recipes to try, at most `count`, the most promising first; the same for the same arguments. Candidates that
 * come to the same for this location (no neighbours, no more rows than the usual window) are there once.
 * The inspect step calls it, and passes each recipe to a score step.
 */
export function candidateRecipes(count: number, { rows, featureGroups }: RecipeContext): Recipe[] {
  const recipes = CANDIDATES.map(
    ({ c, gammaScale, weights = WIDE_LADDER, windowRows = USUAL_WINDOW_ROWS, without, ...rest }): Recipe => ({
      featureGroups: featureGroups.filter((group) => group !== without),
      windowRows: rows <= USUAL_WINDOW_ROWS ? USUAL_WINDOW_ROWS : windowRows,
      kernel: rest.kernel ?? 'laplacian',
      members: weights.map((positiveWeight) => ({ c, gammaScale, positiveWeight })),
      calibration: rest.calibration ?? 'logistic-by-present',
    }),
  ).filter((recipe) => recipe.featureGroups.length > 0);
  const distinct = new Map(recipes.map((recipe) => [JSON.stringify(recipe), recipe]));
  return [...distinct.values()].slice(0, count);
}
