import fc from 'fast-check';
import {
  averagePrecision,
  bestF1Threshold,
  brier,
  confusion,
  evaluate,
  logLoss,
  quantileOfSorted,
  reliabilityBins,
  rocAuc,
  squaredErrors,
  weeklyBootstrap,
} from '../../../lambdas/model/evaluation';
import { HOUR_MS } from '../../../lambdas/runtime/time';
import { golden, judged } from './golden/golden';

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

  it('find the threshold of the best F1, between the hours it separates', () => {
    const threshold = bestF1Threshold(outcomes, probabilities);
    expect(evaluate(outcomes, probabilities, wetNow, threshold).f1).toBeCloseTo(evaluation.bestF1, 12);
    expect(evaluation.probabilities).not.toContain(threshold);
  });

  it('interpolate quantiles as numpy does', () => {
    const columns = golden.prepared[0]?.length ?? 0;
    const first = Float64Array.from(
      golden.prepared.slice(0, golden.trainingRows),
      (row) => (row[0] ?? 0) / 1024,
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
    expect(bestF1Threshold(dry, said)).toBe(0.5);
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

  it('no threshold has a better F1 than the one that is found', () => {
    fc.assert(
      fc.property(scored, fc.double({ min: 0, max: 1, noNaN: true }), ({ outcomes, scores }, other) => {
        const f1 = (threshold: number) => {
          const [[, fp], [fn, tp]] = confusion(outcomes, scores, threshold);
          return tp === 0 ? 0 : (2 * tp) / (2 * tp + fp + fn);
        };
        expect(f1(bestF1Threshold(outcomes, scores))).toBeGreaterThanOrEqual(f1(other));
      }),
    );
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

describe('the weekly bootstrap', () => {
  const hours = Float64Array.from({ length: 60 * 24 }, (_, i) => i * HOUR_MS);
  const reference = hours.map((_, i) => 0.04 + 0.02 * Math.sin(i / 40));

  it('gives the same interval each time', () => {
    const candidate = reference.map((loss, i) => loss - 0.01 * Math.cos(i / 50) - 0.002);
    const first = weeklyBootstrap(hours, candidate, reference);
    expect(weeklyBootstrap(hours, candidate, reference)).toEqual(first);
    expect(first.lower).toBeLessThan(first.improvement);
    expect(first.upper).toBeGreaterThan(first.improvement);
  });

  it('is sure of an improvement that is the same in every hour', () => {
    const { improvement, lower, upper, blocks } = weeklyBootstrap(
      hours,
      reference.map((loss) => loss - 0.01),
      reference,
    );
    expect([improvement, lower, upper]).toEqual([0.01, 0.01, 0.01].map((value) => expect.closeTo(value, 12)));
    expect(blocks).toBe(9);
  });

  it('draws whole weeks: one extraordinary week makes the interval wide, its hours one by one would not', () => {
    const oneWeek = reference.map((loss, i) => (i < 7 * 24 ? loss - 0.09 : loss));
    const spread = reference.map((loss, i) => (i % 9 === 0 ? loss - 0.09 : loss));
    const width = ({ lower, upper }: { lower: number; upper: number }) => upper - lower;
    expect(width(weeklyBootstrap(hours, oneWeek, reference))).toBeGreaterThan(
      10 * width(weeklyBootstrap(hours, spread, reference)),
    );
  });

  it('of equal losses is zero, and so are both ends', () => {
    const { improvement, lower, upper } = weeklyBootstrap(hours, reference, reference);
    expect([improvement, lower, upper]).toEqual([0, 0, 0]);
  });

  const anyWeeks = fc.array(
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    {
      minLength: 1,
      maxLength: 30,
    },
  );
  const daily = (weeks: readonly [number, number][]) => ({
    // The epoch was a Thursday, and weeks are counted from it: seven days from hour 0 on are one block.
    days: Float64Array.from({ length: weeks.length * 7 }, (_, day) => day * 24 * HOUR_MS),
    candidate: Float64Array.from(
      { length: weeks.length * 7 },
      (_, day) => weeks[Math.floor(day / 7)]?.[0] ?? 0,
    ),
    reference: Float64Array.from(
      { length: weeks.length * 7 },
      (_, day) => weeks[Math.floor(day / 7)]?.[1] ?? 0,
    ),
  });

  it('has the difference of the mean losses within its interval, for any weeks', () => {
    fc.assert(
      fc.property(anyWeeks, (weeks) => {
        const { days, candidate, reference } = daily(weeks);
        const { improvement, lower, upper, blocks } = weeklyBootstrap(days, candidate, reference);
        const mean = weeks.reduce((sum, [ours, theirs]) => sum + theirs - ours, 0) / weeks.length;
        expect(blocks).toBe(weeks.length);
        expect(improvement).toBeCloseTo(mean, 12);
        expect(lower).toBeLessThanOrEqual(improvement + 1e-12);
        expect(upper).toBeGreaterThanOrEqual(improvement - 1e-12);
      }),
      { numRuns: 25 },
    );
  });

  it('turns its sign when candidate and reference change places, for any weeks', () => {
    fc.assert(
      fc.property(anyWeeks, (weeks) => {
        const { days, candidate, reference } = daily(weeks);
        const there = weeklyBootstrap(days, candidate, reference);
        const back = weeklyBootstrap(days, reference, candidate);
        expect(back.improvement).toBeCloseTo(-there.improvement, 12);
        expect(back.lower).toBeCloseTo(-there.upper, 12);
        expect(back.upper).toBeCloseTo(-there.lower, 12);
      }),
      { numRuns: 25 },
    );
  });
});
