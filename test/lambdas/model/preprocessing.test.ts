import fc from 'fast-check';
import { fromColumns } from '../../../lambdas/model/matrix';
import {
  applyPreprocessing,
  fitPreprocessing,
  type LearntColumns,
  PREPARED_UNIT,
  preprocessingSchema,
} from '../../../lambdas/model/preprocessing';
import { golden, matrixOf } from './golden/golden';

const all = (names: readonly string[]) => new Set(names);

describe('preprocessing', () => {
  const x = matrixOf(golden.x);
  const training = matrixOf(golden.x.slice(0, golden.trainingRows));
  const fitted = fitPreprocessing(training, golden.columns, all(golden.columns));

  it("prepares real rows as scikit-learn's imputer, clipping, indicators and scaler do", () => {
    const prepared = applyPreprocessing(fitted, x, golden.columns);
    expect(fitted.indicators).toEqual(golden.missing);
    expect(Array.from(prepared.values.subarray(0, prepared.columns * x.rows))).toEqual(
      golden.prepared.flat().map((units) => units * PREPARED_UNIT),
    );
  });

  it('learns nothing from rows that it is applied to', () => {
    const twice = matrixOf([...golden.x.slice(golden.trainingRows), ...golden.x.slice(golden.trainingRows)]);
    const once = applyPreprocessing(fitted, matrixOf(golden.x.slice(golden.trainingRows)), golden.columns);
    const both = applyPreprocessing(fitted, twice, golden.columns);
    expect(both.values.slice(0, once.values.length)).toEqual(once.values);
  });

  it('survives being written and read', () => {
    expect(preprocessingSchema.parse(JSON.parse(JSON.stringify(fitted)))).toEqual(fitted);
  });

  it('takes only what is wanted, wherever it stands', () => {
    const some = fitPreprocessing(training, golden.columns, all(['precip_mm', 'temp_c']));
    expect(some.columns.map(({ feature }) => feature)).toEqual(['temp_c', 'precip_mm']);
    const reversed = matrixOf(golden.x.map((row) => [...row].reverse()));
    expect(applyPreprocessing(some, reversed, [...golden.columns].reverse())).toEqual(
      applyPreprocessing(some, x, golden.columns),
    );
  });

  it('comes to the same with what other recipes have learnt of these rows', () => {
    const learnt: LearntColumns = new Map();
    const features = fc.subarray([...golden.columns], { minLength: 1 });
    fc.assert(
      fc.property(features, (wanted) => {
        const fresh = () => fitPreprocessing(training, golden.columns, all(wanted));
        const shared = () => fitPreprocessing(training, golden.columns, all(wanted), learnt);
        expect(shared()).toEqual(fresh());
      }),
    );
  });

  it('drops what is constant or missing altogether, and gives features that miss together one indicator', () => {
    const missing = [1, Number.NaN, 3, Number.NaN, 5];
    const rows = fromColumns([
      [7, 7, 7, 7, 7],
      missing.map(() => Number.NaN),
      missing,
      missing.map((value) => 2 * value),
      [1, 2, 3, 4, 5],
    ]);
    const names = ['constant', 'absent', 'gappy', 'gappy_too', 'whole'];
    const { columns, indicators } = fitPreprocessing(rows, names, all(names));
    expect(columns.map(({ feature }) => feature)).toEqual(['gappy', 'gappy_too', 'whole']);
    expect(indicators).toEqual(['gappy']);
  });

  it('keeps a flag that is rarer than the clipped share', () => {
    const flag = Array.from({ length: 5000 }, (_, i) => (i === 77 ? 1 : 0));
    const { columns } = fitPreprocessing(fromColumns([flag]), ['flag'], all(['flag']));
    expect(columns[0]).toMatchObject({ lower: 0, upper: 1 });
  });

  it('draws an absurd value in to the bounds of the training rows', () => {
    const wild = matrixOf([golden.x[0]?.map((value, j) => (j === 4 ? 1e9 : value)) ?? []]);
    const prepared = applyPreprocessing(fitted, wild, golden.columns);
    const bound = fitted.columns[4];
    expect(prepared.values[4]).toBeCloseTo(
      ((bound?.upper ?? 0) - (bound?.mean ?? 0)) / (bound?.deviation ?? 1),
      2,
    );
  });

  it.each([
    [
      'only missing and constant features',
      fromColumns([
        [1, 1],
        [Number.NaN, Number.NaN],
      ]),
      /nothing to learn from/,
    ],
    [
      'an infinite value',
      fromColumns([
        [1, Number.POSITIVE_INFINITY],
        [1, 2],
      ]),
      /Feature a is infinite in some row/,
    ],
  ])('refuses %s', (_, rows, reason) => {
    expect(() => fitPreprocessing(rows, ['a', 'b'], all(['a', 'b']))).toThrow(reason);
  });

  it('refuses rows without a feature that it knows', () => {
    expect(() =>
      applyPreprocessing(
        fitted,
        x,
        golden.columns.map((name) => `other_${name}`),
      ),
    ).toThrow('Feature temp_c is not among the columns given.');
  });

  it('gives finite whole multiples of the unit, whatever the rows', () => {
    const value = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN));
    const rows = fc.array(fc.tuple(value, value), { minLength: 3, maxLength: 40 });
    fc.assert(
      fc.property(rows, rows, (learnt, given) => {
        const names = ['a', 'b', 'c'];
        const counted = learnt.map((row, i) => [...row, i]);
        const preprocessing = fitPreprocessing(matrixOf(counted), names, all(names));
        const prepared = applyPreprocessing(
          preprocessing,
          matrixOf(given.map((row) => [...row, Number.NaN])),
          names,
        );
        expect(prepared.values.every((each) => Number.isInteger(each / PREPARED_UNIT))).toBe(true);
      }),
    );
  });
});
