import { selectRows } from '../../../lambdas/model/matrix';
import { modelOf, parseModel, predictProbability } from '../../../lambdas/model/model-file';
import { splitDevelopmentTest } from '../../../lambdas/model/protocol';
import { candidateRecipes, knownGroups, type Recipe, refinedRecipes } from '../../../lambdas/model/recipe';
import { type CandidateScore, chooseRecipe, Scorer } from '../../../lambdas/model/search';
import {
  align,
  fitClassifier,
  fitDecision,
  fitPersistence,
  outOfFoldValues,
  persistenceProbability,
  testRecipe,
} from '../../../lambdas/model/train';
import type { TrainingSet } from '../../../lambdas/model/training-set';
import { HourlyTable, trainingSetOf } from './hourly-table';
import { seededUniform } from './smo/seeded';

let set: TrainingSet;
let year: TrainingSet;
beforeAll(async () => {
  const table = await HourlyTable.open();
  await table.fillFromRecording();
  const locationIds = ['ewr', 'jfk', 'lga'];
  const rows = await table.features({
    locationIds,
    regions: new Map(locationIds.map((id) => [id, 'ewr'])),
    fromHour: '2013-01-01T00:00:00Z',
    toHour: '2013-12-31T23:00:00Z',
    withLabel: true,
  });
  table.close();
  year = trainingSetOf('lga', rows);
  set = rowsOf(year, 0, 2_400);
});

function rowsOf(whole: TrainingSet, start: number, end: number): TrainingSet {
  return {
    ...whole,
    hours: whole.hours.slice(start, end),
    x: selectRows(
      whole.x,
      Array.from({ length: end - start }, (_, i) => start + i),
    ),
    y: whole.y.slice(start, end),
    wetNow: whole.wetNow.slice(start, end),
  };
}

const recipe: Recipe = {
  featureGroups: ['state', 'rain', 'change', 'clock', 'neighbours'],
  windowRows: 12_000,
  kernel: 'laplacian',
  members: [
    { c: 0.3, gammaScale: 0.5, positiveWeight: 1 },
    { c: 0.3, gammaScale: 0.5, positiveWeight: 8 },
  ],
  calibration: 'logistic-by-present',
};

const unhurried = () => 60_000;

/** A short search in two rounds and the test of the chosen recipe, as the steps of a retraining do it. */
function searchAndTest(of: TrainingSet) {
  const split = splitDevelopmentTest(of);
  const scorer = new Scorer(of, unhurried);
  const score = (candidate: Recipe) => scorer.score(candidate);
  const scored = candidateRecipes(2, knownGroups(of, split.development), split.development.end).map(score);
  const best = chooseRecipe(scored.map(({ score }) => score))?.recipe ?? recipe;
  const tried = scored.map(({ score }) => score.recipe);
  scored.push(...refinedRecipes(1, best, tried, 3, split.development.end).map(score));
  const chosen = chooseRecipe(scored.map(({ score }) => score));
  const outOfFold = scored.find(({ score }) => score === chosen)?.outOfFold;
  if (chosen === undefined || outOfFold === undefined) throw new Error('nothing chosen');
  return {
    chosen,
    outOfFold,
    result: testRecipe(of, chosen.recipe, split, outOfFold, unhurried),
    tested: {
      classifier: fitClassifier(of, chosen.recipe, split.development, unhurried),
      decision: fitDecision(of, chosen.recipe, outOfFold),
    },
  };
}

describe('training on real weather', () => {
  it('beats persistence, climatology and logistic regression, on the newest hours of a year', () => {
    const split = splitDevelopmentTest(year);
    const { outOfFold } = new Scorer(year, unhurried).score(recipe);
    const { evaluation, baselines } = testRecipe(year, recipe, split, outOfFold, unhurried);
    expect(evaluation.brier).toBeLessThan(0.9 * baselines.persistence.brier);
    expect(evaluation.brier).toBeLessThan(baselines.climatology.brier);
    expect(evaluation.brier).toBeLessThan(baselines.logisticRegression.brier);
    expect(evaluation.averagePrecision).toBeGreaterThan(0.74);
    expect(evaluation.onsetAveragePrecision).toBeGreaterThan(0.2);
    expect(baselines.persistence.hours).toBe(evaluation.hours);
  });

  it('looks at nothing of the test part: noise there leaves the recipe and the tested model as they are', () => {
    const { test } = splitDevelopmentTest(set);
    const uniform = seededUniform(7);
    const noisy: TrainingSet = {
      ...set,
      x: {
        ...set.x,
        values: set.x.values.map((value, i) => (i >= test.start * set.x.columns ? 100 * uniform() : value)),
      },
      y: set.y.map((label, i) => (i >= test.start ? (uniform() < 0.5 ? 1 : 0) : label)),
      wetNow: set.wetNow.map((wet, i) => (i >= test.start ? (uniform() < 0.5 ? 1 : 0) : wet)),
    };
    const [honest, disturbed] = [searchAndTest(set), searchAndTest(noisy)];
    expect(disturbed.chosen).toEqual(honest.chosen);
    expect(disturbed.tested).toEqual(honest.tested);
    expect(disturbed.result.evaluation).not.toEqual(honest.result.evaluation);
  });

  it('has no skill where labels are shuffled', () => {
    const uniform = seededUniform(11);
    const y = set.y.slice();
    for (let i = y.length - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [y[i], y[j]] = [y[j] ?? 0, y[i] ?? 0];
    }
    const { evaluation, baselines } = searchAndTest({ ...set, y }).result;
    const frequency = evaluation.rainHours / evaluation.hours;
    expect(evaluation.averagePrecision).toBeLessThan(3 * frequency);
    expect(evaluation.brier).toBeGreaterThan(0.97 * baselines.climatology.brier);
  });

  it('gives the same model to the last bit, whatever was trained before it', () => {
    const { development } = splitDevelopmentTest(set);
    const first = fitClassifier(set, recipe, development, unhurried);
    fitClassifier(year, { ...recipe, kernel: 'rbf' }, { start: 0, end: 1_500 }, unhurried);
    expect(fitClassifier(set, recipe, development, unhurried)).toEqual(first);
  });

  it('sees the newest rows of the window, and no others', () => {
    const windowed = { ...recipe, windowRows: 400 };
    expect(fitClassifier(set, windowed, { start: 0, end: 1_000 }, unhurried)).toEqual(
      fitClassifier(set, recipe, { start: 600, end: 1_000 }, unhurried),
    );
  });

  it('is given up when the time is over, with the reason', () => {
    expect(() => fitClassifier(set, recipe, { start: 0, end: 1_000 }, () => 0)).toThrow(
      /not learnt within 0 ms/,
    );
  });
});

describe('the model file of what was trained', () => {
  it('forecasts what the test saw, from JSON', () => {
    const split = splitDevelopmentTest(set);
    const { outOfFold, result, chosen, tested } = searchAndTest(set);
    const model = parseModel(
      JSON.parse(
        JSON.stringify(
          modelOf(
            {
              classifier: tested.classifier,
              ...tested.decision,
              persistence: fitPersistence(set, split.development),
            },
            {
              location: set.locationId,
              version: '20130501T000000Z-01234567',
              codeVersion: 'test',
              recipe: chosen.recipe,
              training: {
                from: '2013-01-01T00:00:00Z',
                to: '2013-04-01T00:00:00Z',
                rows: split.development.end,
                rainRows: 100,
                dataFingerprint: 'a'.repeat(64),
              },
              metrics: {
                hours: result.evaluation.hours,
                rainHours: result.evaluation.rainHours,
                averagePrecision: result.evaluation.averagePrecision,
                onsetAveragePrecision: result.evaluation.onsetAveragePrecision,
                brier: result.evaluation.brier,
                persistenceBrier: result.baselines.persistence.brier,
              },
            },
          ),
        ),
      ),
    );
    const rows = Array.from({ length: split.test.end - split.test.start }, (_, i) => split.test.start + i);
    const forecast = predictProbability(model, selectRows(set.x, rows));
    forecast.forEach((probability, i) => {
      // The test classifies with single-precision kernels, forecasting in double precision.
      expect(probability).toBeCloseTo(result.forecasts.probability[i] ?? Number.NaN, 4);
    });
    expect(outOfFold.hours.length).toBeGreaterThan(1_000);
  });
});

describe('out-of-fold values', () => {
  it('are of hours after everything that made them, and belong to their hours', () => {
    const { development } = splitDevelopmentTest(set);
    const values = outOfFoldValues(set, recipe, development, unhurried);
    expect(values.values).toHaveLength(recipe.members.length);
    expect([...values.hours].sort((a, b) => a - b)).toEqual(values.hours);
    const aligned = align(set, values);
    const place = set.hours.indexOf(values.hours[10] ?? Number.NaN);
    expect(aligned.outcomes[10]).toBe(set.y[place]);
    expect(aligned.values.values[10 * recipe.members.length]).toBe(values.values[0]?.[10]);
  });

  it('are the same for recipes that differ in their calibration only, and fitted once', () => {
    let fits = 0;
    const scorer = new Scorer(set, () => {
      fits++;
      return 60_000;
    });
    const byPresent = scorer.score(recipe);
    const fitted = fits;
    const always = scorer.score({ ...recipe, calibration: 'logistic' });
    expect(fits).toBe(fitted);
    expect(always.outOfFold).toBe(byPresent.outOfFold);
    expect(always.score.brier).not.toBe(byPresent.score.brier);
  });

  it('of an hour that the set does not have are refused', () => {
    expect(() => align(set, { hours: [0], values: [[1]] })).toThrow(
      /1970-01-01T00:00:00.000Z has decision values/,
    );
  });
});

describe('persistence', () => {
  it('says how often rain followed wet, dry and any hours', () => {
    const hours = Float64Array.from({ length: 8 }, (_, i) => i);
    const small: TrainingSet = {
      ...set,
      hours,
      y: Uint8Array.of(1, 1, 0, 0, 0, 0, 1, 0),
      wetNow: Float64Array.of(1, 1, 1, 0, 0, 0, 0, Number.NaN),
    };
    const persistence = fitPersistence(small, { start: 0, end: 8 });
    expect(persistence).toEqual({
      probabilityAfterWet: 2.5 / 4,
      probabilityAfterDry: 1.5 / 5,
      probability: 3.5 / 9,
    });
    expect(Array.from(persistenceProbability(persistence, Float64Array.of(1, 0, Number.NaN)))).toEqual([
      2.5 / 4,
      1.5 / 5,
      3.5 / 9,
    ]);
  });
});

describe('the choice among candidates', () => {
  const score = (averagePrecision: number, brier: number, hours = 5_000): CandidateScore => ({
    recipe,
    hours,
    averagePrecision,
    onsetAveragePrecision: 0.2,
    brier,
    logLoss: 0.1,
  });

  it('weighs ranking and calibration', () => {
    const [ranks, calibrated, both] = [score(0.7, 0.05), score(0.5, 0.03), score(0.69, 0.031)];
    expect(chooseRecipe([ranks, calibrated, both])).toBe(both);
  });

  it('keeps the earlier one unless a later one is better by more than noise', () => {
    const [first, luckier, better] = [score(0.6, 0.03), score(0.603, 0.03), score(0.63, 0.03)];
    expect(chooseRecipe([first, luckier])).toBe(first);
    expect(chooseRecipe([first, luckier, better])).toBe(better);
  });

  it('needs less to be convinced, the more hours were measured', () => {
    const [first, better] = [score(0.6, 0.03, 24_000), score(0.6036, 0.03, 24_000)];
    expect(chooseRecipe([first, better])).toBe(better);
  });

  it('is nothing where there is nothing to choose from', () => {
    expect(chooseRecipe([])).toBeUndefined();
  });
});
