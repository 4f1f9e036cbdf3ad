import fc from 'fast-check';
import {
  type BlockLoss,
  blocksOf,
  compareBlocks,
  intervalOf,
  isBetter,
  isWorse,
  lowerBound,
  studentQuantile,
  upperBound,
  verdictOf,
} from '../../../lambdas/model/comparison';
import { normal, seededUniform } from './smo/seeded';

const WEEK_MS = 168 * 3_600_000;

/** Blocks of one hour whose reference loses 1 each and whose candidate gains what is given. */
const gains = (values: readonly number[]): BlockLoss[] =>
  values.map((gain) => ({ hours: 1, candidate: 1 - gain, reference: 1 }));

describe("Student's quantiles", () => {
  // scipy 1.17.1: stats.t.ppf(p, df)
  it.each([
    [1, [3.0776835371752544, 6.313751514675037, 12.706204736174694, 63.656741162871526]],
    [2, [1.8856180831641272, 2.9199855803537242, 4.302652729749462, 9.92484320091826]],
    [9, [1.3830287383966329, 1.833112932656237, 2.262157162798205, 3.249835541592126]],
    [142, [1.2875418328935893, 1.6556551725807873, 1.9768109936328597, 2.6108952946763013]],
  ])('are those of scipy at %i degrees of freedom', (freedom, expected) => {
    expect([0.9, 0.95, 0.975, 0.995].map((p) => studentQuantile(p, freedom))).toEqual(
      expected.map((value) => expect.closeTo(value, 9)),
    );
  });
});

describe('a comparison in blocks', () => {
  it('is the one-sample t interval of scipy where blocks are equal', () => {
    // scipy 1.17.1: stats.t.interval(0.9, 4, mean(d), sem(d)) of d = [.3, -.1, .2, .4, .1]
    const comparison = compareBlocks(gains([0.3, -0.1, 0.2, 0.4, 0.1]));
    expect(comparison.improvement).toBeCloseTo(0.18, 12);
    expect(lowerBound(comparison, 0.05)).toBeCloseTo(-0.0033883948, 8);
    expect(upperBound(comparison, 0.05)).toBeCloseTo(0.3633883948, 8);
  });

  it('weighs a block by its hours', () => {
    const { improvement, reference, hours } = compareBlocks([
      { hours: 3, candidate: 0, reference: 3 },
      { hours: 1, candidate: 1, reference: 1 },
      { hours: 0, candidate: 0, reference: 0 },
    ]);
    expect([improvement, reference, hours]).toEqual([0.75, 1, 4]);
  });

  it('says nothing with fewer than two blocks', () => {
    const one = compareBlocks(gains([0.5]));
    expect([isBetter(one, 0.1), isWorse(one, 0.1), verdictOf(one)]).toEqual([false, false, 'not decided']);
    expect(intervalOf(one)).toEqual({ improvement: 0.5, lower: null, upper: null, blocks: 1 });
    expect(verdictOf(compareBlocks([]))).toBe('not decided');
  });

  it('adds hours up to weeks that are counted from an instant, in both directions', () => {
    const hours = Float64Array.from({ length: 6 }, (_, i) => (i - 3) * (WEEK_MS / 3));
    const blocks = blocksOf(
      hours,
      hours.map(() => 1),
      hours.map(() => 2),
      { length: WEEK_MS, origin: 0 },
    );
    expect(blocks).toEqual([
      { hours: 3, candidate: 3, reference: 6 },
      { hours: 3, candidate: 3, reference: 6 },
    ]);
  });

  it('turns its sign when the sides change places', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 20 }),
        (values) => {
          const there = compareBlocks(gains(values));
          const back = compareBlocks(
            gains(values).map(({ hours, candidate, reference }) => ({
              hours,
              candidate: reference,
              reference: candidate,
            })),
          );
          expect(back.improvement).toBeCloseTo(-there.improvement, 12);
          expect(lowerBound(back, 0.05)).toBeCloseTo(-upperBound(there, 0.05), 9);
        },
      ),
    );
  });

  it('calls equals better about as often as its level says', () => {
    const uniform = seededUniform(5);
    const runs = 1_000;
    const called = Array.from({ length: runs }, () =>
      isBetter(compareBlocks(gains(Array.from({ length: 8 }, () => normal(uniform)))), 0.1),
    ).filter((better) => better).length;
    expect(called / runs).toBeGreaterThan(0.07);
    expect(called / runs).toBeLessThan(0.13);
  });
});

describe('the verdict', () => {
  const around = (mean: number, spread: number) =>
    gains([mean - spread, mean + spread, mean - spread, mean + spread]);
  it.each([
    ['better', around(0.1, 0.02)],
    ['worse', around(-0.1, 0.02)],
    ['not worse by more than 3%', around(0, 0.01)],
    ['not decided', around(0, 0.2)],
    ['not decided', around(-0.02, 0.03)],
  ])('is "%s" where the interval says so', (verdict, blocks) => {
    expect(verdictOf(compareBlocks(blocks))).toBe(verdict);
  });
});
