import * as z from 'zod';
import { FEATURE_GROUPS, type FeatureGroup } from './features';

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
  calibration: z.enum(['logistic']),
});
export type Recipe = z.infer<typeof recipeSchema>;

/** What the first candidates depend on besides their number. */
export interface RecipeContext {
  /** Development rows of the location. */
  readonly rows: number;
}

const ALL_GROUPS: readonly FeatureGroup[] = FEATURE_GROUPS;

/** Beyond this many rows a fit takes minutes. */
const WINDOW_ROWS = 12_000;

/**
 * The first `n` recipes to try, the most promising first; the same for the same arguments.
 * The plan step calls it, and passes each recipe to a score step.
 */
export function candidateRecipes(n: number, context: RecipeContext): Recipe[] {
  const windowRows = Math.min(WINDOW_ROWS, Math.max(1, context.rows));
  const grid = [
    { kernel: 'laplacian', c: 0.3, gammaScale: 0.35, weights: [1, 3, 10] },
    { kernel: 'laplacian', c: 1, gammaScale: 0.25, weights: [1, 3, 10] },
    { kernel: 'laplacian', c: 1, gammaScale: 0.5, weights: [1, 3, 10] },
    { kernel: 'rbf', c: 0.3, gammaScale: 0.1, weights: [1, 3, 10] },
    { kernel: 'laplacian', c: 0.1, gammaScale: 0.35, weights: [1, 3, 10] },
    { kernel: 'laplacian', c: 0.3, gammaScale: 0.35, weights: [1] },
  ] as const;
  return grid.slice(0, n).map(({ kernel, c, gammaScale, weights }) => ({
    featureGroups: [...ALL_GROUPS],
    windowRows,
    kernel,
    members: weights.map((positiveWeight) => ({ c, gammaScale, positiveWeight })),
    calibration: 'logistic' as const,
  }));
}
