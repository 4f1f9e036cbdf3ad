import fc from 'fast-check';
import { FEATURE_LOOKBACK_HOURS, HORIZON_HOURS } from '../../../lambdas/model/features';
import { EMBARGO_HOURS, expandingFolds, splitDevelopmentTest, weekOf } from '../../../lambdas/model/protocol';
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
  it('tests on the newest whole weeks, and keeps the embargo before them', () => {
    fc.assert(
      fc.property(anyHours, (set) => {
        const { development, test } = splitDevelopmentTest(set);
        expect(test.end).toBe(set.hours.length);
        const week = (row: number) => weekOf(set, at(set.hours, row));
        if (test.start > 0) expect(week(test.start - 1)).toBeLessThan(week(test.start));
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

  it('counts weeks back from the end of the newest hour', () => {
    const set = hoursWith(Array.from({ length: 400 }, () => 1));
    const week = (row: number) => weekOf(set, at(set.hours, row));
    expect([week(399), week(232), week(231), week(64), week(63)]).toEqual([-1, -1, -2, -2, -3]);
  });

  it('tests on the whole weeks that come nearest to a fifth', () => {
    const testOf = (rows: number) =>
      splitDevelopmentTest(hoursWith(Array.from({ length: rows }, () => 1))).test;
    expect(testOf(8_000)).toEqual({ start: 8_000 - 10 * 168, end: 8_000 });
    expect(testOf(720)).toEqual({ start: 720 - 168, end: 720 });
  });

  it('measures every week of the development part after the first fold, in four parts that end at weeks', () => {
    const set = hoursWith(Array.from({ length: 8_000 }, () => 1));
    const { development } = splitDevelopmentTest(set);
    const folds = expandingFolds(set, development);
    expect(folds).toHaveLength(4);
    for (const { training, validation } of folds) {
      expect((8_000 - validation.start) % 168).toBe(0);
      expect(training.end).toBe(validation.start - EMBARGO_HOURS);
    }
    const first = folds[0]?.validation.start ?? 0;
    expect(first).toBeGreaterThanOrEqual(0.3 * development.end);
    expect(first).toBeLessThan(0.3 * development.end + 168);
    expect(folds.map(({ validation }) => validation.start).slice(1)).toEqual(
      folds.map(({ validation }) => validation.end).slice(0, -1),
    );
    expect(folds.at(-1)?.validation.end).toBe(development.end);
  });

  it('measures on the newest years of a long history, in fewer parts the longer it is', () => {
    const partsOf = (rows: number) =>
      expandingFolds(hoursWith(Array.from({ length: rows }, () => 1)), { start: 0, end: rows });
    expect(partsOf(30_000)).toHaveLength(4);
    expect(partsOf(90_000)).toHaveLength(2);
    const [part, ...others] = partsOf(120_000);
    expect(others).toEqual([]);
    expect(120_000 - (part?.validation.start ?? 0)).toBeLessThanOrEqual(24_000);
    expect(120_000 - (part?.validation.start ?? 0)).toBeGreaterThan(24_000 - 168);
  });

  it('begins after a dry season that has nothing to teach', () => {
    const set = hoursWith(Array.from({ length: 1_000 }, () => 1));
    set.y.fill(0, 0, 600);
    const folds = expandingFolds(set, { start: 0, end: 1_000 });
    expect(folds.map(({ validation }) => validation.start)).toEqual([1_000 - 2 * 168, 1_000 - 168]);
    expect(expandingFolds({ ...set, y: new Uint8Array(1_000) }, { start: 0, end: 1_000 })).toEqual([]);
  });
});
