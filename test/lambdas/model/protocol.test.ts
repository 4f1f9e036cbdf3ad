import fc from 'fast-check';
import { FEATURE_LOOKBACK_HOURS, HORIZON_HOURS } from '../../../lambdas/model/features';
import { EMBARGO_HOURS, expandingFolds, splitDevelopmentTest } from '../../../lambdas/model/protocol';
import { HOUR_MS } from '../../../lambdas/runtime/time';

/** Hours with gaps in them, labelled wet and dry by turns of `period`. */
function hoursWith(gaps: readonly number[], period = 3) {
  let hour = 0;
  const hours = Float64Array.from(gaps, (gap) => {
    hour += gap * HOUR_MS;
    return hour;
  });
  return { hours, y: Uint8Array.from(gaps, (_, i) => (i % period === 0 ? 1 : 0)) };
}

const anyHours = fc
  .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 400 })
  .map((gaps) => hoursWith(gaps));

const at = (hours: Float64Array, row: number) => hours[row] ?? Number.NaN;

describe('the protocol, for any history', () => {
  it('tests on the newest fifth, and keeps the embargo before it', () => {
    fc.assert(
      fc.property(anyHours, (set) => {
        const { development, test } = splitDevelopmentTest(set);
        expect(test.end).toBe(set.hours.length);
        expect(test.start).toBe(Math.floor(set.hours.length * 0.8));
        expect(development.start).toBe(0);
        for (let row = 0; row < test.start; row++) {
          const distance = (at(set.hours, test.start) - at(set.hours, row)) / HOUR_MS;
          expect(row < development.end).toBe(distance > EMBARGO_HOURS);
        }
      }),
    );
  });

  it('folds go forward in time, each row measured at most once, with the embargo before each', () => {
    fc.assert(
      fc.property(anyHours, (set) => {
        const range = { start: 0, end: set.hours.length };
        let end = 0;
        for (const { training, validation } of expandingFolds(set, range)) {
          expect(validation.start).toBeGreaterThanOrEqual(end);
          end = validation.end;
          expect(training.start).toBe(0);
          const last = at(set.hours, training.end - 1);
          expect(at(set.hours, validation.start) - last).toBeGreaterThan(EMBARGO_HOURS * HOUR_MS);
          const labels = set.y.subarray(0, training.end);
          expect([labels.includes(0), labels.includes(1)]).toEqual([true, true]);
        }
        expect(end).toBeLessThanOrEqual(range.end);
      }),
    );
  });
});

describe('the protocol', () => {
  it('holds as much apart as features look back and labels look ahead', () => {
    expect(EMBARGO_HOURS).toBe(FEATURE_LOOKBACK_HOURS + HORIZON_HOURS);
  });

  it('measures on the newest seven tenths of a year, in four parts', () => {
    const set = hoursWith(Array.from({ length: 8_000 }, () => 1));
    const folds = expandingFolds(set, { start: 0, end: 8_000 });
    expect(folds.map(({ validation }) => [validation.start, validation.end])).toEqual([
      [2_400, 3_800],
      [3_800, 5_200],
      [5_200, 6_600],
      [6_600, 8_000],
    ]);
    expect(folds.map(({ training }) => training.end)).toEqual([2_375, 3_775, 5_175, 6_575]);
  });

  it('measures on the newest years of a long history, in two parts', () => {
    const partsOf = (rows: number) =>
      expandingFolds(hoursWith(Array.from({ length: rows }, () => 1)), { start: 0, end: rows }).map(
        ({ validation }) => [validation.start, validation.end],
      );
    expect(partsOf(30_000)).toHaveLength(4);
    expect(partsOf(35_000)).toEqual([
      [11_000, 23_000],
      [23_000, 35_000],
    ]);
    expect(partsOf(120_000)).toEqual([
      [96_000, 108_000],
      [108_000, 120_000],
    ]);
  });

  it('begins after a dry season that has nothing to teach', () => {
    const set = hoursWith(Array.from({ length: 1_000 }, () => 1));
    set.y.fill(0, 0, 600);
    const folds = expandingFolds(set, { start: 0, end: 1_000 });
    expect(folds).toHaveLength(2);
    expect(expandingFolds({ ...set, y: new Uint8Array(1_000) }, { start: 0, end: 1_000 })).toEqual([]);
  });
});
