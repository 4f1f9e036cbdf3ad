import { FEATURE_GROUPS } from '../../../lambdas/model/features';
import { FEATURES, featureNames, NEIGHBOUR_SLOTS } from '../../../lambdas/model/neighbours';
import {
  baselineRecipes,
  candidateRecipes,
  FIRST_RUNG,
  featuresOf,
  knownGroups,
  recipeSchema,
  refinedRecipes,
} from '../../../lambdas/model/recipe';
import type { TrainingSet } from '../../../lambdas/model/training-set';

/** A set of a few rows in which `known` says which features have a value. */
function setWith(known: (feature: (typeof FEATURES)[number], row: number) => boolean): TrainingSet {
  const rows = 10;
  return {
    locationId: 'somewhere',
    hours: Float64Array.from({ length: rows }, (_, i) => i * 3_600_000),
    neighbours: Array.from({ length: NEIGHBOUR_SLOTS }, (_, n) => `neighbour-${n}`),
    featureNames: featureNames(NEIGHBOUR_SLOTS),
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
    polled: new Uint8Array(rows),
    forecasts: null,
  };
}

describe('the first round', () => {
  it('is of distinct recipes, the same each time', () => {
    const recipes = candidateRecipes(500, FEATURE_GROUPS, 7_000);
    expect(recipes.length).toBeGreaterThan(8);
    expect(new Set(recipes.map((recipe) => JSON.stringify(recipe))).size).toBe(recipes.length);
    expect(recipes.map((recipe) => recipeSchema.parse(recipe))).toEqual(recipes);
    expect(candidateRecipes(500, FEATURE_GROUPS, 7_000)).toEqual(recipes);
  });

  it('begins with the first rung, and is of no more recipes than asked for beside it', () => {
    expect(candidateRecipes(3, FEATURE_GROUPS, 7_000)[0]).toBe(FIRST_RUNG);
    expect(candidateRecipes(3, FEATURE_GROUPS, 7_000)).toEqual(
      candidateRecipes(500, FEATURE_GROUPS, 7_000).slice(0, 1 + 3),
    );
  });

  it('sees less of a history that the later rounds see more of', () => {
    const windows = (rows: number) =>
      new Set(
        candidateRecipes(500, FEATURE_GROUPS, rows)
          .slice(1)
          .map(({ windowRows }) => windowRows),
      );
    expect([...windows(12_000)]).toEqual([12_000]);
    expect([...windows(28_000)]).toEqual([8_000]);
  });

  it('names no group of which nothing is known, and is shorter then', () => {
    const alone = candidateRecipes(500, ['state', 'rain', 'change', 'past', 'clock', 'season'], 7_000);
    expect(alone.some(({ featureGroups }) => featureGroups.includes('neighbours'))).toBe(false);
    expect(alone.length).toBeLessThan(candidateRecipes(500, FEATURE_GROUPS, 7_000).length);
  });
});

describe('later rounds', () => {
  const [, best] = candidateRecipes(1, FEATURE_GROUPS, 7_000);
  if (best === undefined) throw new Error('no first candidate');
  const next = (round: number, rows: number, tried = [best], count = 500) =>
    refinedRecipes(round, best, tried, count, rows);

  it('look at the neighbours of the best recipe in C and γ first', () => {
    const neighbours = next(1, 7_000);
    expect(neighbours).toHaveLength(4);
    expect(neighbours.map((recipe) => recipeSchema.parse(recipe))).toEqual(neighbours);
    for (const { members, windowRows } of neighbours) {
      expect(windowRows).toBe(best.windowRows);
      const moved = members.map(({ c, gammaScale, positiveWeight }, m) => [
        c === best.members[m]?.c,
        gammaScale === best.members[m]?.gammaScale,
        positiveWeight === best.members[m]?.positiveWeight,
      ]);
      expect(new Set(moved.map((flags) => flags.join())).size).toBe(1);
      expect(moved[0]?.filter((same) => same)).toHaveLength(2);
      expect(moved[0]?.[2]).toBe(true);
    }
  });

  it('then look further back, as far as there is history', () => {
    const windows = (round: number, rows: number) => next(round, rows).map(({ windowRows }) => windowRows);
    expect([windows(2, 7_000), windows(3, 7_000)]).toEqual([[], []]);
    expect([windows(2, 28_000), windows(3, 28_000)]).toEqual([[48_000, 48_000], []]);
    expect([windows(2, 120_000), windows(3, 120_000)]).toEqual([[48_000, 48_000], [200_000]]);
    expect(windows(4, 120_000)).toEqual([]);
  });

  it('try all the features that there are, and a narrower kernel, on the longer window', () => {
    const all = { ...best, featureGroups: [...FEATURE_GROUPS] };
    const gammas = best.members.map(({ gammaScale }) => Number(gammaScale));
    const tried = next(2, 28_000, [best, all]).map(({ featureGroups, members }) => [
      featureGroups,
      members.map(({ gammaScale }) => gammaScale),
    ]);
    expect(tried).toEqual([
      [best.featureGroups, gammas],
      [FEATURE_GROUPS, gammas],
      [best.featureGroups, gammas.map((gamma) => 2 * gamma)],
    ]);
    expect(next(2, 28_000, [best])).toHaveLength(2);
  });

  it('take the members of a baseline that did better, first of all', () => {
    const baselines = baselineRecipes(FEATURE_GROUPS);
    const [logisticRegression] = baselines.logisticRegression;
    const [plainSvc] = baselines.plainSvc;
    if (logisticRegression === undefined || plainSvc === undefined) throw new Error('no baselines');
    const [joined, plain] = refinedRecipes(1, best, [best], 500, 7_000, { logisticRegression, plainSvc });
    expect(joined).toEqual({ ...best, linear: logisticRegression.linear });
    expect(plain?.kernel).toBe('rbf');
    expect(plain?.members).toContainEqual(plainSvc.members[0]);
  });

  it('are none of the first rung', () => {
    expect(refinedRecipes(1, FIRST_RUNG, [FIRST_RUNG], 500, 7_000)).toEqual([]);
  });

  it('try nothing twice, and no more than the search may', () => {
    const [one, ...others] = next(1, 7_000);
    if (one === undefined) throw new Error('no neighbour');
    expect(next(1, 7_000, [best, one])).toEqual(others);
    expect(next(1, 7_000, [best], 3)).toEqual([one, others[0]]);
    expect(next(1, 7_000, [best], 1)).toEqual([]);
  });
});

describe('what the first round depends on', () => {
  it('is the groups that are known in the development part', () => {
    const set = setWith(({ group }, row) => group !== 'neighbours' || row >= 8);
    expect(knownGroups(set, { start: 0, end: 8 })).toEqual(
      FEATURE_GROUPS.filter((group) => group !== 'neighbours'),
    );
    expect(knownGroups(set, { start: 0, end: 9 })).toEqual([...FEATURE_GROUPS]);
  });
});

describe('the first rung', () => {
  it('looks at a dozen features that there are', () => {
    const few = featuresOf(FIRST_RUNG);
    expect(few.size).toBe(12);
    for (const name of few) expect(featureNames(0)).toContain(name);
  });
});
