import { FEATURE_GROUPS, FEATURE_NAMES, FEATURES } from '../../../lambdas/model/features';
import { candidateRecipes, recipeContext, recipeSchema } from '../../../lambdas/model/recipe';
import type { TrainingSet } from '../../../lambdas/model/training-set';

const all = { rows: 7_000, featureGroups: [...FEATURE_GROUPS] };
const long = { ...all, rows: 120_000 };

/** A set of a few rows in which `known` says which features have a value. */
function setWith(known: (feature: (typeof FEATURES)[number], row: number) => boolean): TrainingSet {
  const rows = 10;
  return {
    locationId: 'somewhere',
    hours: Float64Array.from({ length: rows }, (_, i) => i * 3_600_000),
    featureNames: FEATURE_NAMES,
    x: {
      rows,
      columns: FEATURES.length,
      values: Float64Array.from({ length: rows * FEATURES.length }, (_, i) => {
        const feature = FEATURES[i % FEATURES.length];
        return feature !== undefined && known(feature, Math.floor(i / FEATURES.length)) ? 1 : Number.NaN;
      }),
    },
    y: new Uint8Array(rows),
    wetNow: new Float64Array(rows),
  };
}

describe('candidate recipes', () => {
  it.each([all, long])('are distinct recipes, the same each time', (context) => {
    const recipes = candidateRecipes(500, context);
    expect(recipes.length).toBeGreaterThan(8);
    expect(new Set(recipes.map((recipe) => JSON.stringify(recipe))).size).toBe(recipes.length);
    expect(recipes.map((recipe) => recipeSchema.parse(recipe))).toEqual(recipes);
    expect(candidateRecipes(500, context)).toEqual(recipes);
  });

  it('are no more than asked for, the first ones of a longer list', () => {
    expect(candidateRecipes(3, all)).toEqual(candidateRecipes(500, all).slice(0, 3));
  });

  it('look at longer windows only where the history is longer', () => {
    const windows = (context: typeof all) =>
      new Set(candidateRecipes(500, context).map(({ windowRows }) => windowRows));
    expect(windows(all).size).toBe(1);
    expect(windows(long).size).toBe(2);
  });

  it('do not name groups of which nothing is known, and are fewer then', () => {
    const alone = candidateRecipes(500, { ...all, featureGroups: ['state', 'rain', 'change', 'clock'] });
    expect(alone.some(({ featureGroups }) => featureGroups.includes('neighbours'))).toBe(false);
    expect(alone.length).toBeLessThan(candidateRecipes(500, all).length);
  });
});

describe('what candidates depend on', () => {
  it('is the length of the development part and the groups that are known in it', () => {
    const set = setWith(({ group }, row) => group !== 'neighbours' || row >= 8);
    expect(recipeContext(set, { start: 0, end: 8 })).toEqual({
      rows: 8,
      featureGroups: ['state', 'rain', 'change', 'clock'],
    });
    expect(recipeContext(set, { start: 0, end: 9 }).featureGroups).toEqual([...FEATURE_GROUPS]);
  });
});
