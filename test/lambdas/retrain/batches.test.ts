import fc from 'fast-check';
import { FEATURE_GROUPS } from '../../../lambdas/model/features';
import {
  baselineRecipes,
  candidateRecipes,
  type Recipe,
  refinedRecipes,
  sameClassifiers,
} from '../../../lambdas/model/recipe';
import { batchesOf } from '../../../lambdas/retrain/batches';

/** As the first step of a search lists them. */
function firstRound(count: number, rows: number): Recipe[] {
  const { logisticRegression, plainSvc } = baselineRecipes(FEATURE_GROUPS);
  return [...candidateRecipes(count, FEATURE_GROUPS, rows), ...logisticRegression, ...plainSvc];
}

const rowCounts = fc.integer({ min: 200, max: 150_000 });
const counts = fc.integer({ min: 1, max: 24 });

describe('batches of a round', () => {
  it('have each of its recipes once, whatever the history and the search', () => {
    fc.assert(
      fc.property(counts, rowCounts, (count, rows) => {
        const recipes = firstRound(count, rows);
        const numbers = batchesOf([recipes], rows).flatMap(({ first, count }) =>
          Array.from({ length: count }, (_, i) => first + i),
        );
        expect(numbers.sort((a, b) => a - b)).toEqual(Array.from(recipes.keys()));
      }),
    );
  });

  it('keep recipes of the same classifiers together, so that these are fitted once', () => {
    fc.assert(
      fc.property(counts, rowCounts, (count, rows) => {
        const recipes = firstRound(count, rows);
        for (const { first, count } of batchesOf([recipes], rows)) {
          const [last, next] = [recipes[first + count - 1], recipes[first + count]];
          if (last !== undefined && next !== undefined) expect(sameClassifiers(last, next)).toBe(false);
        }
      }),
    );
  });

  it('number the recipes of a later round after those before it', () => {
    const first = firstRound(24, 7_000);
    const second = refinedRecipes(1, first[1] ?? raise(), first, 99, 7_000);
    const batches = batchesOf([first, second], 7_000);
    expect(Math.min(...batches.map(({ first }) => first))).toBe(first.length);
    expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(second.length);
  });

  it('are one where days are learnt, several where a year is, and one a recipe where decades are', () => {
    const batches = (rows: number) => batchesOf([firstRound(24, rows)], rows);
    expect(batches(500)).toHaveLength(1);
    expect(batches(7_000).length).toBeGreaterThan(3);
    expect(batches(7_000).every(({ count }) => count < 6)).toBe(true);
    const decades = firstRound(24, 120_000);
    const fitted = decades.filter(
      (recipe, i) => !sameClassifiers(recipe, decades[i - 1] ?? recipe) || i === 0,
    );
    expect(batches(120_000)).toHaveLength(fitted.length);
  });

  it('begin with the one that takes longest: libsvm-js, whose classifier has a batch of its own', () => {
    const recipes = firstRound(24, 7_000);
    const [longest] = batchesOf([recipes], 7_000);
    expect(longest).toEqual({ first: recipes.findIndex(({ solver }) => solver === 'libsvm'), count: 1 });
  });
});

function raise(): never {
  throw new Error('The round has no full recipe.');
}
