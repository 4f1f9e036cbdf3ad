import fc from 'fast-check';
import {
  averagePrecision,
  brier,
  countEpisodes,
  decisionThreshold,
  evaluate,
  logLoss,
  quantileOfSorted,
  reliabilityBins,
  rocAuc,
  squaredErrors,
} from '../../../lambdas/model/evaluation';
import { PREPARED_UNIT } from '../../../lambdas/model/preprocessing';
import { HOUR_MS } from '../../../lambdas/runtime/time';
import { golden, judged } from './golden/golden';
import { normal, seededUniform } from './smo/seeded';
import { searchedThreshold, spreadOf } from './threshold-search';

const { evaluation, calibration } = golden;

describe('measures of forecasts', () => {
  const { outcomes, wetNow } = judged;
  const probabilities = Float64Array.from(evaluation.probabilities);
  const ours = evaluate(outcomes, probabilities, wetNow, evaluation.threshold);

  it.each([
    'averagePrecision',
    'onsetAveragePrecision',
    'rocAuc',
    'brier',
    'logLoss',
    'accuracy',
    'precision',
    'recall',
    'f1',
  ] as const)("agree with scikit-learn's, ties and all: %s", (name) => {
    expect(ours[name]).toBeCloseTo(evaluation[name], 12);
  });

  it('count the same confusion', () => {
    expect(ours.confusion).toEqual(evaluation.confusion);
    expect(ours.hours).toBe(outcomes.length);
    expect(ours.rainHours).toBe(outcomes.reduce((sum, y) => sum + y, 0));
  });

  it('fill the same reliability bins', () => {
    const bins = reliabilityBins(outcomes, Float64Array.from(calibration.probabilities));
    const filled = bins.filter(({ hours }) => hours > 0);
    expect(filled.map(({ forecast }) => forecast)).toEqual(
      evaluation.reliability.map(([forecast]) => expect.closeTo(forecast, 12)),
    );
    expect(filled.map(({ observed }) => observed)).toEqual(
      evaluation.reliability.map(([, observed]) => expect.closeTo(observed, 12)),
    );
  });

  it('interpolate quantiles as numpy does', () => {
    const columns = golden.prepared[0]?.length ?? 0;
    const first = Float64Array.from(
      golden.prepared.slice(0, golden.trainingRows),
      (row) => (row[0] ?? 0) * PREPARED_UNIT,
    );
    expect(columns).toBeGreaterThan(0);
    first.sort();
    expect([0.025, 0.5, 0.9].map((q) => quantileOfSorted(first, q))).toEqual(
      golden.quantiles.map((value) => expect.closeTo(value, 12)),
    );
  });

  it('are silent where one class says nothing', () => {
    const dry = Uint8Array.of(0, 0, 0);
    const said = Float64Array.of(0.1, 0.2, 0.3);
    expect(averagePrecision(dry, said)).toBeNull();
    expect(rocAuc(dry, said)).toBeNull();
    expect(rocAuc(Uint8Array.of(1, 1, 1), said)).toBeNull();
    const { f1, precision, recall } = evaluate(dry, said, Float64Array.of(0, 0, 0), 0.5);
    expect([f1, precision, recall]).toEqual([0, 0, 0]);
  });

  it('keep a wrong certainty finite', () => {
    expect(logLoss(Uint8Array.of(1), Float64Array.of(0))).toBeCloseTo(-Math.log(1e-15), 6);
  });

  it.each([
    ['no hour', new Uint8Array(0), new Float64Array(0), /Nothing to evaluate/],
    ['unequal lengths', Uint8Array.of(1), Float64Array.of(0.5, 0.5), /1 outcomes, 2 probabilities/],
    ['a probability above 1', Uint8Array.of(1), Float64Array.of(1.5), /Probability 0 is 1\.5/],
    [
      'a probability that is no number',
      Uint8Array.of(1),
      Float64Array.of(Number.NaN),
      /Probability 0 is NaN/,
    ],
  ])('refuse %s', (_, outcomes, probabilities, reason) => {
    expect(() => evaluate(outcomes, probabilities, new Float64Array(outcomes.length), 0.5)).toThrow(reason);
  });
});

/** Outcomes of both classes with scores that have ties. */
const scored = fc
  .array(fc.record({ y: fc.constantFrom(0, 1), score: fc.integer({ min: 0, max: 10 }) }), {
    minLength: 2,
    maxLength: 60,
  })
  .map((hours) => ({
    outcomes: Uint8Array.from([0, 1, ...hours.map(({ y }) => y)]),
    scores: Float64Array.from([3, 7, ...hours.map(({ score }) => score)], (score) => score / 10),
  }));

describe('for all forecasts', () => {
  it('the area under the ROC curve is the share of pairs in the right order', () => {
    fc.assert(
      fc.property(scored, ({ outcomes, scores }) => {
        let [right, pairs] = [0, 0];
        outcomes.forEach((wet, i) => {
          outcomes.forEach((dry, j) => {
            if (wet === 1 && dry === 0) {
              const [a, b] = [scores[i] ?? 0, scores[j] ?? 0];
              right += a > b ? 1 : a === b ? 0.5 : 0;
              pairs++;
            }
          });
        });
        expect(rocAuc(outcomes, scores)).toBeCloseTo(right / pairs, 10);
      }),
    );
  });

  it('ranking measures see only the order of the scores', () => {
    fc.assert(
      fc.property(scored, ({ outcomes, scores }) => {
        const stretched = scores.map((score) => Math.exp(3 * score));
        expect(averagePrecision(outcomes, stretched)).toBe(averagePrecision(outcomes, scores));
        expect(rocAuc(outcomes, stretched)).toBe(rocAuc(outcomes, scores));
      }),
    );
  });

  it('the threshold is half of the largest F1 that calibrated probabilities promise', () => {
    fc.assert(
      fc.property(scored, ({ scores }) => {
        const all = Array.from(scores);
        const total = all.reduce((sum, p) => sum + p, 0);
        // Expected F1 of saying "rain" at or above each of the probabilities.
        const promised = all.map((cut) => {
          const said = all.filter((p) => p >= cut);
          return (2 * said.reduce((sum, p) => sum + p, 0)) / (said.length + total);
        });
        expect(decisionThreshold(scores)).toBeCloseTo(Math.max(...promised) / 2, 12);
      }),
    );
  });

  it('the threshold of weekly refits varies by half of what a search for the best F1 did', () => {
    const [first, refits, week] = [25, 20, 168];
    const [rain, apart] = [0.07, 1.6];
    const places = Array.from({ length: 5 }, (_, seed) => {
      const uniform = seededUniform(seed + 1);
      const outcomes = Uint8Array.from({ length: (first + refits) * week }, () => (uniform() < rain ? 1 : 0));
      // Decision values of two classes that overlap as those of a forecast do, calibrated as Bayes would.
      const probabilities = Float64Array.from(outcomes, (y) => {
        const value = apart * y + normal(uniform);
        return 1 / (1 + ((1 - rain) / rain) * Math.exp(apart * (apart / 2 - value)));
      });
      const ends = Array.from({ length: refits }, (__, refit) => (first + refit) * week);
      return {
        ours: spreadOf(ends.map((end) => decisionThreshold(probabilities.slice(0, end)))),
        before: spreadOf(
          ends.map((end) => searchedThreshold(outcomes.slice(0, end), probabilities.slice(0, end))),
        ),
      };
    });
    const sum = (which: 'ours' | 'before') => places.reduce((total, place) => total + place[which], 0);
    expect(sum('ours')).toBeLessThan(sum('before') / 2);
  });

  it('the threshold is where a miss costs as much as a false alarm, if costs are named', () => {
    const scores = Float64Array.of(0.1, 0.9);
    expect(decisionThreshold(scores, { miss: 9, falseAlarm: 1 })).toBeCloseTo(0.1, 12);
    expect(decisionThreshold(scores, { miss: 1, falseAlarm: 1 })).toBe(0.5);
  });

  it('the Brier score is the mean of the squared errors', () => {
    fc.assert(
      fc.property(scored, ({ outcomes, scores }) => {
        const errors = squaredErrors(outcomes, scores);
        expect(brier(outcomes, scores)).toBeCloseTo(
          errors.reduce((sum, error) => sum + error, 0) / errors.length,
          12,
        );
      }),
    );
  });
});

describe('rain episodes', () => {
  const hoursOf = (wet: readonly number[]) => {
    const last = Math.max(...wet);
    return {
      hours: Float64Array.from({ length: last + 1 }, (_, i) => i * HOUR_MS),
      outcomes: Uint8Array.from({ length: last + 1 }, (_, i) => (wet.includes(i) ? 1 : 0)),
    };
  };
  it.each([
    ['one spell, however long', [3, 4, 5, 6, 7], 1],
    ['spells with five dry hours between', [3, 9], 1],
    ['spells with six dry hours between', [3, 10], 2],
    ['three of them', [0, 20, 21, 40], 3],
  ])('are counted: %s', (_, wet, episodes) => {
    const { hours, outcomes } = hoursOf(wet);
    expect(countEpisodes(hours, outcomes)).toBe(episodes);
  });
});
