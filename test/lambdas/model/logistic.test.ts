import fc from 'fast-check';
import { fitLogistic, logisticLogits, logisticProbability } from '../../../lambdas/model/logistic';
import { PREPARED_UNIT } from '../../../lambdas/model/preprocessing';
import { golden, matrixOf } from './golden/golden';
import { seededUniform } from './smo/seeded';

const LOGISTIC = '../../../lambdas/model/logistic';
const KERNEL_MODULE = '../../../lambdas/model/smo/kernel-module';

const { trainingRows } = golden;
const close = (values: readonly number[], digits = 6) => values.map((value) => expect.closeTo(value, digits));

describe('logistic regression', () => {
  it("is scikit-learn's", () => {
    const prepared = matrixOf(
      golden.prepared.slice(0, trainingRows).map((row) => row.map((units) => units * PREPARED_UNIT)),
    );
    const labels = Float64Array.from(golden.y.slice(0, trainingRows));
    const { intercept, weights } = fitLogistic(prepared, labels, 1);
    expect(intercept).toBeCloseTo(golden.logisticRegression.intercept, 5);
    expect(weights).toEqual(close(golden.logisticRegression.weights, 5));
  });

  it('is the same where the machine has no SIMD', () => {
    jest.resetModules();
    jest.doMock(KERNEL_MODULE, () => ({ smoSupported: () => false }));
    try {
      const plain = jest.requireActual<typeof import('../../../lambdas/model/logistic')>(LOGISTIC);
      const x = matrixOf(golden.prepared.slice(0, trainingRows));
      const targets = Float64Array.from(golden.y.slice(0, trainingRows));
      const { intercept, weights } = plain.fitLogistic(x, targets, 1e5);
      const found = fitLogistic(x, targets, 1e5);
      expect([intercept, ...weights]).toEqual(close([found.intercept, ...found.weights], 9));
    } finally {
      jest.dontMock(KERNEL_MODULE);
    }
  });

  it('comes to the same minimum from wherever it starts', () => {
    const size = 4;
    const number = fc.double({ min: -3, max: 3, noNaN: true });
    const vector = fc.array(number, { minLength: size, maxLength: size });
    const rows = fc.array(fc.record({ x: vector, y: fc.constantFrom(0, 1) }), {
      minLength: 10,
      maxLength: 60,
    });
    fc.assert(
      fc.property(rows, vector, number, (given, weights, intercept) => {
        const x = matrixOf(given.map((row) => row.x));
        const targets = Float64Array.from(given, ({ y }) => (y === 1 ? 0.9 : 0.1));
        const [fromZero, fromThere] = [{}, { start: { intercept, weights } }].map((options) => {
          const found = fitLogistic(x, targets, 0.5, options);
          return [found.intercept, ...found.weights];
        });
        expect(fromThere).toEqual(close(fromZero ?? [], 5));
      }),
    );
  });

  it('is where the slope of its loss is nothing, for any numbers of rows and inputs', () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 1, max: 150 }),
      columns: fc.integer({ min: 1, max: 24 }),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(sizes, ({ rows, columns, seed }) => {
        const uniform = seededUniform(seed);
        const inputs = Array.from({ length: rows }, () =>
          Array.from({ length: columns }, () => 4 * uniform() - 2),
        );
        const targets = Float64Array.from(inputs, () => uniform());
        const offset = Float64Array.from(inputs, () => 2 * uniform() - 1);
        const ridge = 0.5;
        const { intercept, weights } = fitLogistic(matrixOf(inputs), targets, ridge, { offset });
        const residuals = inputs.map((row, i) => {
          const logit = row.reduce(
            (sum, value, j) => sum + value * (weights[j] ?? 0),
            intercept + (offset[i] ?? 0),
          );
          return 1 / (1 + Math.exp(-logit)) - (targets[i] ?? 0);
        });
        const slope = weights.map((weight, j) =>
          residuals.reduce((sum, residual, i) => sum + residual * (inputs[i]?.[j] ?? 0), ridge * weight),
        );
        expect(residuals.reduce((sum, residual) => sum + residual, 0)).toBeCloseTo(0, 6);
        for (const each of slope) expect(each).toBeCloseTo(0, 6);
      }),
    );
  });

  it('says of any number of rows what their sums say', () => {
    const x = matrixOf(golden.prepared.slice(0, 11));
    const weights = Array.from({ length: x.columns }, (_, j) => Math.sin(j) / 100);
    for (let rows = 0; rows <= 11; rows++) {
      const some = { ...x, rows, values: x.values.slice(0, rows * x.columns) };
      const offset = Float64Array.from({ length: rows }, (_, i) => i / 10);
      const expected = golden.prepared
        .slice(0, rows)
        .map((row, i) => row.reduce((sum, value, j) => sum + value * (weights[j] ?? 0), 0.25 + i / 10));
      const logits = logisticLogits({ intercept: 0.25, weights }, some, offset);
      expect(Array.from(logits)).toEqual(close(expected, 9));
      const probabilities = logisticProbability({ intercept: 0.25, weights }, some, offset);
      expect(Array.from(probabilities)).toEqual(
        close(
          expected.map((z) => 1 / (1 + Math.exp(-z))),
          9,
        ),
      );
    }
  });
});
