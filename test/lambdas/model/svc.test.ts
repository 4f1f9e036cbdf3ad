import { FitRefused, fitMembers } from '../../../lambdas/model/fit';
import { type Matrix, selectRows } from '../../../lambdas/model/matrix';
import { PREPARED_UNIT } from '../../../lambdas/model/preprocessing';
import { decisionFunction, decisionValues, joinMembers } from '../../../lambdas/model/svc';
import { golden, matrixOf } from './golden/golden';
import { weatherRows } from './smo/weather-rows';

const shared = { kernel: 'rbf', tolerance: 1e-6, cacheMegabytes: 20, timeBudgetMs: 3_600_000 } as const;
const member = { c: 1, gamma: 0.1, positiveWeight: 4 };

const prepared = matrixOf(golden.prepared.map((row) => row.map((units) => units * PREPARED_UNIT)));
const rows = Array.from({ length: golden.trainingRows }, (_, i) => i);
const training = selectRows(prepared, rows);
const labels = Uint8Array.from(golden.y.slice(0, golden.trainingRows));

describe.each(golden.machines)('the $kernel classifier', (machine) => {
  it("has LIBSVM's decision values on LIBSVM's support vectors", () => {
    const ours = decisionFunction(
      {
        kernel: machine.kernel,
        gamma: machine.gamma,
        supportVectors: selectRows(training, machine.support),
        coefficients: Float64Array.from(machine.coefficients),
        intercept: machine.intercept,
      },
      prepared,
    );
    machine.decisions.forEach((decision, i) => {
      expect(ours[i]).toBeCloseTo(decision, 9);
    });
  });

  it("is fitted to LIBSVM's decision values", () => {
    const [model] = fitMembers({
      x: training,
      y: labels,
      shared: { ...shared, kernel: machine.kernel },
      members: [machine],
    });
    if (model === undefined) throw new Error('no model');
    const ours = decisionFunction(model, prepared);
    machine.decisions.forEach((decision, i) => {
      expect(Math.abs((ours[i] ?? Number.NaN) - decision)).toBeLessThan(2e-4);
    });
  });
});

describe('oversampling', () => {
  it('as a class weight is the same as copies of the minority rows, on real weather', () => {
    const { x, y } = weatherRows(800);
    const copies = 4;
    const order = Array.from(y).flatMap((label, i) => (label === 1 ? Array<number>(copies).fill(i) : [i]));
    const options = { c: 0.5, gamma: 0.02 };
    const [weighted] = fitMembers({ x, y, shared, members: [{ ...options, positiveWeight: copies }] });
    const [copied] = fitMembers({
      x: selectRows(x, order),
      y: Uint8Array.from(order, (i) => y[i] ?? 0),
      shared,
      members: [{ ...options, positiveWeight: 1 }],
    });
    if (weighted === undefined || copied === undefined) throw new Error('no model');
    const others = weatherRows(2_000).x;
    const [a, b] = [decisionFunction(weighted, others), decisionFunction(copied, others)];
    expect(Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))))).toBeLessThan(5e-4);
    expect(Math.max(...a.map(Math.abs))).toBeGreaterThan(0.5);
  });
});

describe('an ensemble', () => {
  const members = [1, 4, 16].map((positiveWeight) => ({ ...member, positiveWeight }));
  const models = fitMembers({ x: training, y: labels, shared, members });

  it('has the decision values of its members, over support vectors that are kept once', () => {
    const ensemble = joinMembers(models);
    const values = decisionValues(ensemble, prepared);
    models.forEach((model, m) => {
      decisionFunction(model, prepared).forEach((value, i) => {
        expect(values.values[i * members.length + m]).toBeCloseTo(value, 12);
      });
    });
    const counted = models.reduce((sum, { supportVectors }) => sum + supportVectors.rows, 0);
    expect(ensemble.supportVectors.rows).toBeLessThan(counted);
  });

  it('gives members that know nothing of each other but shared kernel rows', () => {
    const last = members.slice(2);
    const [alone] = fitMembers({ x: training, y: labels, shared, members: last });
    const [, , together] = models;
    if (alone === undefined || together === undefined) throw new Error('no model');
    const [a, b] = [decisionFunction(alone, prepared), decisionFunction(together, prepared)];
    expect(Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))))).toBeLessThan(1e-4);
  });

  it('of no member is refused', () => {
    expect(() => joinMembers([])).toThrow(RangeError);
  });

  it('refuses rows of another width', () => {
    expect(() =>
      decisionValues(joinMembers(models), { rows: 1, columns: 1, values: Float64Array.of(0) }),
    ).toThrow(/1 columns/);
  });
});

describe('a fit is refused', () => {
  const two: Matrix = { rows: 2, columns: 1, values: Float64Array.of(0, 1) };
  const y = Uint8Array.of(0, 1);

  it.each([
    [
      'without rows',
      { rows: 0, columns: 1, values: new Float64Array(0) },
      new Uint8Array(0),
      /do not go together/,
    ],
    ['without columns', { rows: 2, columns: 0, values: new Float64Array(0) }, y, /do not go together/],
    ['when values are missing from a row', { ...two, columns: 2 }, y, /2 rows of 2 columns, 2 values/],
    ['when labels are missing', two, Uint8Array.of(1), /1 labels/],
    ['for a NaN', { ...two, values: Float64Array.of(0, Number.NaN) }, y, /Row 1, column 0 is NaN/],
    [
      'for an infinity',
      { ...two, values: Float64Array.of(Number.POSITIVE_INFINITY, 0) },
      y,
      /Row 0, column 0/,
    ],
    ['for one class', two, Uint8Array.of(1, 1), /All 2 rows are of one class/],
    ['for another label', two, Uint8Array.of(0, 2), /Row 1 is labelled 2/],
  ])('%s', (_, x, labelled, reason) => {
    const attempt = () => fitMembers({ x, y: labelled, shared, members: [member] });
    expect(attempt).toThrow(FitRefused);
    expect(attempt).toThrow(reason);
  });

  it.each(['c', 'gamma', 'positiveWeight'] as const)('when %s is not positive', (name) => {
    expect(() => fitMembers({ x: two, y, shared, members: [{ ...member, [name]: 0 }] })).toThrow(
      /is 0; it has to be positive/,
    );
    expect(() => fitMembers({ x: two, y, shared, members: [{ ...member, [name]: Number.NaN }] })).toThrow(
      /is NaN/,
    );
  });

  it('when the time budget runs out, and says after how much', () => {
    const { x, y: wet } = weatherRows(3_000);
    const attempt = () =>
      fitMembers({ x, y: wet, shared: { ...shared, timeBudgetMs: 0 }, members: [member] });
    expect(attempt).toThrow(FitRefused);
    expect(attempt).toThrow(/3000 rows were not learnt within 0 ms/);
  });
});
