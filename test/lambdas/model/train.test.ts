import { brier } from '../../../lambdas/model/evaluation';
import { loadLibsvm } from '../../../lambdas/model/libsvm';
import { selectRows } from '../../../lambdas/model/matrix';
import { modelOf, parseModel, predict } from '../../../lambdas/model/model-file';
import { fitPersistence, persistenceProbability } from '../../../lambdas/model/persistence';
import { splitDevelopmentTest } from '../../../lambdas/model/protocol';
import { baselineRecipes, knownGroups, type Recipe } from '../../../lambdas/model/recipe';
import { Scorer } from '../../../lambdas/model/search';
import { seriesOf } from '../../../lambdas/model/series';
import { fitClassifier, fitDecision, outOfFoldValues, testRecipe } from '../../../lambdas/model/train';
import type { TrainingSet } from '../../../lambdas/model/training-set';
import { recordedYear, rowsOf } from './recorded-year';
import { searchAndJudge, unhurried } from './search-in-process';
import { seededUniform } from './smo/seeded';

let set: TrainingSet;
let year: TrainingSet;
beforeAll(async () => {
  await loadLibsvm();
  year = (await recordedYear()).at(-1) ?? raise();
  set = rowsOf(year, 0, 2_400);
});

function raise(): never {
  throw new Error('The recording has no station.');
}

const recipe: Recipe = {
  featureGroups: ['state', 'rain', 'change', 'clock', 'neighbours'],
  windowRows: 12_000,
  kernel: 'laplacian',
  members: [
    { c: 0.3, gammaScale: 0.5, positiveWeight: 1 },
    { c: 0.3, gammaScale: 0.5, positiveWeight: 8 },
  ],
  linear: null,
  calibration: 'logistic-by-present',
  solver: 'smo',
};

/** A short search, the gate, and the test of the recipe that stands. */
function searchAndTest(of: TrainingSet) {
  const split = splitDevelopmentTest(of);
  const { gate, recipe, outOfFold, scores } = searchAndJudge(of, 2);
  return {
    gate,
    scores,
    recipe,
    outOfFold,
    result: testRecipe(of, recipe, split, outOfFold, unhurried),
    tested: {
      classifier: fitClassifier(of, recipe, split.development, unhurried),
      decision: fitDecision(of, recipe, outOfFold),
    },
  };
}

/** Persistence on the test part, by the development part. */
function persistenceBrier(of: TrainingSet): number {
  const { development, test } = splitDevelopmentTest(of);
  const persistence = fitPersistence(of, development);
  return brier(of.y.slice(test.start), persistenceProbability(persistence, of.wetNow.slice(test.start)));
}

describe('training on real weather', () => {
  it('beats persistence, logistic regression and the plain SVC on the newest hours of a year', () => {
    const split = splitDevelopmentTest(year);
    const test = (candidate: Recipe) => {
      const { outOfFold } = new Scorer(year, unhurried).score(candidate);
      return testRecipe(year, candidate, split, outOfFold, unhurried).evaluation;
    };
    const baselines = baselineRecipes(knownGroups(year, split.development));
    const evaluation = test(recipe);
    expect(evaluation.brier).toBeLessThan(0.9 * persistenceBrier(year));
    for (const baseline of [...baselines.logisticRegression, ...baselines.plainSvc]) {
      expect(evaluation.brier).toBeLessThan(test(baseline).brier);
    }
    expect(evaluation.averagePrecision).toBeGreaterThan(0.74);
    expect(evaluation.onsetAveragePrecision).toBeGreaterThan(0.2);
  });

  it('looks at nothing of the test part: noise there leaves choice, gate and tested model as they are', () => {
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
    expect(disturbed.gate).toEqual(honest.gate);
    expect(disturbed.scores).toEqual(honest.scores);
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
    const { result, scores } = searchAndTest({ ...set, y });
    const { evaluation } = result;
    const frequency = evaluation.rainHours / evaluation.hours;
    expect(evaluation.averagePrecision).toBeLessThan(3 * frequency);
    expect(evaluation.brier).toBeGreaterThan(0.97 * frequency * (1 - frequency));
    // Neither had the folds: a classifier that has seen an hour remembers its label.
    for (const score of scores) {
      if (score.status === 'scored') expect(score.score.averagePrecision).toBeLessThan(3 * frequency);
    }
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
    const { scorer, linear } = { scorer: new Scorer(set, unhurried), linear: { ridge: 100 } };
    const joined = { ...recipe, linear };
    const { outOfFold } = scorer.score(joined);
    const result = testRecipe(set, joined, split, outOfFold, unhurried);
    const classifier = fitClassifier(set, joined, split.development, unhurried);
    const { calibration, threshold } = fitDecision(set, joined, outOfFold);
    const model = parseModel(
      JSON.parse(
        JSON.stringify(
          modelOf(
            {
              classifier,
              calibration: calibration.polled,
              joined: null,
              recalibration: null,
              threshold,
              persistence: fitPersistence(set, split.development),
            },
            {
              location: set.locationId,
              version: '20130501T000000Z-01234567',
              codeVersion: 'test',
              neighbours: [...set.neighbours],
              recipe: joined,
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
                persistenceBrier: persistenceBrier(set),
              },
            },
          ),
        ),
      ),
    );
    const rows = Array.from({ length: split.test.end - split.test.start }, (_, i) => split.test.start + i);
    const forecast = predict(model, selectRows(set.x, rows), null).plain;
    forecast.forEach((probability, i) => {
      // The test classifies with single-precision kernels, forecasting in double precision.
      expect(probability).toBeCloseTo(result.probability[i] ?? Number.NaN, 4);
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
    const series = seriesOf(set, values.hours);
    const place = set.hours.indexOf(values.hours[10] ?? Number.NaN);
    expect(series.outcomes[10]).toBe(set.y[place]);
    expect(series.wetNow[10]).toBe(set.wetNow[place]);
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

  it('of a recipe without the linear member are those of one that has it, less the last column', () => {
    const withLinear: Recipe = { ...recipe, linear: { ridge: 100 } };
    const alone = new Scorer(set, unhurried).score(recipe);
    let fits = 0;
    const scorer = new Scorer(set, () => {
      fits++;
      return 60_000;
    });
    scorer.score(withLinear);
    const fitted = fits;
    expect(scorer.score(recipe)).toEqual(alone);
    expect(fits).toBe(fitted);
  });

  it('of an hour that the set does not have are refused', () => {
    expect(() => seriesOf(set, [0])).toThrow(/1970-01-01T00:00:00.000Z has decision values/);
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
