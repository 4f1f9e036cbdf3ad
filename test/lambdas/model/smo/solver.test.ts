import fc from 'fast-check';
import { calibrate, fitCalibration } from '../../../../lambdas/model/calibration';
import { type Evaluation, evaluate } from '../../../../lambdas/model/evaluation';
import { fitLibsvm, loadLibsvm } from '../../../../lambdas/model/libsvm';
import { type Matrix, selectRows } from '../../../../lambdas/model/matrix';
import { PREPARED_UNIT } from '../../../../lambdas/model/preprocessing';
import { simdDecisionValues } from '../../../../lambdas/model/smo/decision';
import { smoSupported } from '../../../../lambdas/model/smo/kernel-module';
import { fitSmo, type SmoProgress, type SmoResult, SmoSolver } from '../../../../lambdas/model/smo/solver';
import {
  decisionFunction,
  joinMembers,
  Stagnated,
  type SvcModel,
  type SvcOptions,
  TimeBudgetExceeded,
} from '../../../../lambdas/model/svc';
import { normal, seededUniform } from './seeded';
import { weatherRows } from './weather-rows';

const OPTIONS: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.02,
  positiveWeight: 3,
  tolerance: 1e-3,
  cacheMegabytes: 64,
  timeBudgetMs: 3_600_000,
};

/**
 * What single precision may change one kernel value by: a few units in the last place of its exponent's terms, which
 * grow with the distance from the rows' centre.
 */
function kernelRounding({ rows, columns, values }: Matrix, { kernel, gamma }: SvcOptions): number {
  const power = kernel === 'rbf' ? 2 : 1;
  const centre = Array.from({ length: columns }, (_, k) =>
    values.reduce((sum, value, at) => sum + (at % columns === k ? value / rows : 0), 0),
  );
  const distances = new Float64Array(rows);
  values.forEach((value, at) => {
    const row = Math.floor(at / columns);
    distances[row] = (distances[row] ?? 0) + Math.abs(value - (centre[at % columns] ?? 0)) ** power;
  });
  return 4 * 2 ** -24 * (1 + gamma * Math.LOG2E * Math.max(...distances));
}

interface Shape {
  readonly seed: number;
  readonly rows: number;
  readonly columns: number;
  readonly noise: number;
  readonly duplicated: boolean;
  readonly prepared: boolean;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  seed: fc.nat(),
  rows: fc.integer({ min: 12, max: 240 }),
  columns: fc.integer({ min: 1, max: 13 }),
  noise: fc.double({ min: 0.3, max: 2, noNaN: true }),
  duplicated: fc.boolean(),
  prepared: fc.boolean(),
});

const hyperparameters: fc.Arbitrary<SvcOptions> = fc.record({
  kernel: fc.constantFrom<SvcOptions['kernel']>('rbf', 'laplacian'),
  c: fc.constantFrom(0.1, 1, 10),
  gamma: fc.constantFrom(0.02, 0.05, 0.3, 1.5),
  positiveWeight: fc.constantFrom(1, 3, 13),
  tolerance: fc.constant(1e-5),
  cacheMegabytes: fc.constantFrom(0, 64),
  timeBudgetMs: fc.constant(3_600_000),
});

/**
 * Two overlapping clouds far from the origin, the first row of either class; every other row twice when duplicated,
 * in whole units when prepared.
 */
function clouds({ seed, rows, columns, noise, duplicated, prepared }: Shape): { x: Matrix; y: Uint8Array } {
  const uniform = seededUniform(seed);
  const y = Uint8Array.from({ length: rows }, (_, i) => (i < 2 ? (seed + i) % 2 : uniform() < 0.3 ? 1 : 0));
  const values = Float64Array.from(
    { length: rows * columns },
    (_, at) => 40 + (y[Math.floor(at / columns)] === 1 ? 1 : 0) + noise * normal(uniform),
  );
  if (prepared) {
    values.forEach((value, at) => {
      values[at] = Math.round(value / PREPARED_UNIT) * PREPARED_UNIT;
    });
  }
  if (duplicated) {
    for (let i = 3; i < rows; i += 2) {
      values.copyWithin(i * columns, (i - 1) * columns, i * columns);
    }
  }
  return { x: { rows, columns, values }, y };
}

/** yα of each training row. */
function betaOf(result: SmoResult, y: Uint8Array, { c, positiveWeight }: SvcOptions): Float64Array {
  return result.multiplierShares.map((share, i) => (y[i] === 1 ? share * c * positiveWeight : -share * c));
}

/** ½βᵀKβ − Σ|β|, which training minimises, in double precision. */
function objectiveOf({ coefficients, intercept, ...rest }: SvcModel): number {
  const products = decisionFunction({ coefficients, intercept: 0, ...rest }, rest.supportVectors);
  return coefficients.reduce(
    (sum, beta, s) => sum + (beta * (products[s] ?? Number.NaN)) / 2 - Math.abs(beta),
    0,
  );
}

/** Whether a multiplier lies between its bounds: without one, a range of intercepts is right. */
function hasFree({ coefficients }: SvcModel, { c, positiveWeight }: SvcOptions): boolean {
  return coefficients.some((beta) => beta > -c && beta < c * positiveWeight);
}

/** Largest violation of the KKT conditions, from decision values in double precision. */
function violation(decisions: Float64Array, y: Uint8Array, beta: Float64Array, options: SvcOptions): number {
  let leastUp = Number.POSITIVE_INFINITY;
  let mostLow = Number.NEGATIVE_INFINITY;
  decisions.forEach((decision, i) => {
    const positive = y[i] === 1;
    const f = decision - (positive ? 1 : -1);
    const b = beta[i] ?? 0;
    if (b < (positive ? options.c * options.positiveWeight : 0)) {
      leastUp = Math.min(leastUp, f);
    }
    if (b > (positive ? 0 : -options.c)) {
      mostLow = Math.max(mostLow, f);
    }
  });
  return mostLow - leastUp;
}

/** As `decisionFunction`, by the kernel module. */
function simdDecisionFunction(model: SvcModel, x: Matrix): Float64Array {
  return simdDecisionValues({ ...model, members: [model] }, x).values;
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

beforeAll(loadLibsvm);

it('is built and runs on this machine', () => {
  expect(smoSupported()).toBe(true);
});

describe('the optimum', () => {
  it("is LIBSVM's, whatever the rows, kernel, C, gamma and class weight", () => {
    let withFree = 0;
    fc.assert(
      fc.property(shape, hyperparameters, (rows, options) => {
        const { x, y } = clouds(rows);
        const reference = fitLibsvm(x, y, options);
        const { model, objective, violation } = fitSmo(x, y, options);
        const wanted = objectiveOf(reference);

        expect(violation).toBeLessThanOrEqual(options.tolerance);
        expect(Math.abs(objectiveOf(model) / wanted - 1)).toBeLessThan(1e-4);
        expect(Math.abs(objective / wanted - 1)).toBeLessThan(1e-4);
        const unique = hasFree(model, options) && hasFree(reference, options);
        withFree += unique ? 1 : 0;
        const decisions = (of: SvcModel) => decisionFunction(unique ? of : { ...of, intercept: 0 }, x);
        expect(largestDifference(decisions(model), decisions(reference))).toBeLessThan(1e-3);
      }),
      { numRuns: 60 },
    );
    expect(withFree).toBeGreaterThan(30);
  });

  it.each(['rbf', 'laplacian'] as const)(
    "gives the metrics of LIBSVM's to three digits on real weather, at the tolerance of retraining: %s",
    (kernel) => {
      const { x, y } = weatherRows(4_000);
      const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
      const [training, later] = [range(0, 1_200), range(1_200, 4_000)];
      const trainingX = selectRows(x, training);
      const laterX = selectRows(x, later);
      const outcomes = y.slice(1_200);
      const unknown = new Float64Array(outcomes.length).fill(Number.NaN);
      const metrics = (model: SvcModel): Evaluation => {
        const values = { rows: laterX.rows, columns: 1, values: decisionFunction(model, laterX) };
        const calibration = fitCalibration('logistic', values, outcomes, unknown);
        return evaluate(outcomes, calibrate(calibration, values, unknown), unknown, 0.3);
      };
      const options = { ...OPTIONS, kernel };
      const ours = metrics(fitSmo(trainingX, y.slice(0, 1_200), options).model);
      const theirs = metrics(fitLibsvm(trainingX, y.slice(0, 1_200), options));

      for (const name of ['averagePrecision', 'rocAuc', 'brier', 'logLoss', 'accuracy', 'f1'] as const) {
        expect(ours[name]).toBeCloseTo(theirs[name] ?? Number.NaN, 3);
      }
      expect(ours.averagePrecision).toBeGreaterThan(0.3);
    },
  );

  it('keeps every multiplier within its bounds, their signed sum at zero, and the KKT conditions', () => {
    fc.assert(
      fc.property(shape, hyperparameters, (rows, options) => {
        const { x, y } = clouds(rows);
        const result = fitSmo(x, y, options);
        const beta = betaOf(result, y, options);
        const decisions = decisionFunction(result.model, x);

        expect(result.multiplierShares.every((share) => share >= 0 && share <= 1)).toBe(true);
        expect(Math.abs(beta.reduce((sum, value) => sum + value, 0))).toBeLessThan(
          1e-9 * options.c * y.length,
        );
        // A violation is the difference of two gradients, each a sum of |β| times a rounded kernel value.
        const rounding =
          2 * kernelRounding(x, options) * beta.reduce((sum, value) => sum + Math.abs(value), 0);
        expect(violation(decisions, y, beta, options)).toBeLessThan(options.tolerance + rounding);
      }),
      { numRuns: 60 },
    );
  });

  it.each<[number, Partial<SvcOptions>]>([
    [9_000, {}],
    [3_000, { kernel: 'laplacian', c: 10, cacheMegabytes: 1 }],
    [3_000, { c: 10, gamma: 0.1, positiveWeight: 13, cacheMegabytes: 4 }],
  ])('satisfies the KKT conditions on %i rows of real weather with %o, after shrinking', (rows, changed) => {
    const { x, y } = weatherRows(rows);
    const options = { ...OPTIONS, ...changed };
    const result = fitSmo(x, y, options);

    expect(result.workingSets).toBeGreaterThan(5);
    expect(
      violation(simdDecisionFunction(result.model, x), y, betaOf(result, y, options), options),
    ).toBeLessThan(options.tolerance + 2e-4);
  });

  it('is the same with rows of class 1 thrice as with three times their weight', () => {
    const { x, y } = weatherRows(1_200);
    const copies = Array.from(y.keys()).flatMap((i) => (y[i] === 1 ? [i, i, i] : [i]));
    const options = { ...OPTIONS, tolerance: 1e-5 };
    const weighted = fitSmo(x, y, { ...options, positiveWeight: 3 });
    const oversampled = fitSmo(
      selectRows(x, copies),
      Uint8Array.from(copies, (i) => y[i] ?? 0),
      { ...options, positiveWeight: 1 },
    );

    expect(
      largestDifference(decisionFunction(weighted.model, x), decisionFunction(oversampled.model, x)),
    ).toBeLessThan(1e-3);
  });

  it('does not depend on the cache, and is the same to the last bit when repeated', () => {
    const { x, y } = weatherRows(2_000);
    const first = fitSmo(x, y, OPTIONS);

    expect(fitSmo(x, y, OPTIONS).model).toEqual(first.model);
    expect(
      Math.abs(fitSmo(x, y, { ...OPTIONS, cacheMegabytes: 0 }).objective / first.objective - 1),
    ).toBeLessThan(1e-6);
  });
});

describe('a warm start', () => {
  it('reaches the same optimum from the solution for another C and class weight, in fewer iterations', () => {
    const { x, y } = weatherRows(2_500);
    const options = { ...OPTIONS, tolerance: 1e-5, c: 4, positiveWeight: 5 };
    const before = fitSmo(x, y, { ...options, c: 3, positiveWeight: 4 });
    const cold = fitSmo(x, y, options);
    const warm = fitSmo(x, y, { ...options, warmStart: before.multiplierShares });

    expect(Math.abs(warm.objective / cold.objective - 1)).toBeLessThan(1e-4);
    expect(largestDifference(decisionFunction(warm.model, x), decisionFunction(cold.model, x))).toBeLessThan(
      1e-3,
    );
    expect(warm.iterations).toBeLessThan(cold.iterations);
  });

  it('changes nothing when started from its own solution', () => {
    const { x, y } = weatherRows(1_500);
    const cold = fitSmo(x, y, OPTIONS);
    const again = fitSmo(x, y, { ...OPTIONS, tolerance: 2e-3, warmStart: cold.multiplierShares });

    expect(again.iterations).toBe(0);
    expect(largestDifference(again.multiplierShares, cold.multiplierShares)).toBeLessThan(1e-9);
  });

  it('reaches the same optimum from the solution for the first rows, in fewer iterations', () => {
    const { x, y } = weatherRows(2_500);
    const options = { ...OPTIONS, tolerance: 1e-5, kernel: 'laplacian' as const };
    const first = { ...x, rows: 2_000, values: x.values.subarray(0, 2_000 * x.columns) };
    const before = fitSmo(first, y.subarray(0, 2_000), options);
    const cold = fitSmo(x, y, options);
    const warm = fitSmo(x, y, { ...options, warmStart: before.multiplierShares });

    expect(Math.abs(warm.objective / cold.objective - 1)).toBeLessThan(1e-4);
    expect(warm.multiplierShares).toHaveLength(2_500);
    expect(warm.iterations).toBeLessThan(cold.iterations);
  });

  it('is refused when it has more rows', () => {
    const { x, y } = weatherRows(200);
    const more = weatherRows(300);
    const { multiplierShares } = fitSmo(more.x, more.y, OPTIONS);

    expect(() => fitSmo(x, y, { ...OPTIONS, warmStart: multiplierShares })).toThrow(RangeError);
  });
});

describe('a solver that is used again', () => {
  it.each([64, 1])(
    'finds for each C and class weight what a new one finds: cache of %i MB',
    (cacheMegabytes) => {
      const { x, y } = weatherRows(1_500);
      const options = { ...OPTIONS, kernel: 'laplacian' as const, tolerance: 1e-5, cacheMegabytes };
      const solver = new SmoSolver(x, y, options);
      let last: SmoResult | undefined;
      const results = [0.5, 3, 20].map((positiveWeight) => {
        const start = last && { warmStart: last.multiplierShares };
        last = solver.fit({ ...options, positiveWeight, ...start });
        return { positiveWeight, result: last };
      });

      for (const { positiveWeight, result } of results) {
        const alone = fitSmo(x, y, { ...options, positiveWeight });
        expect(Math.abs(result.objective / alone.objective - 1)).toBeLessThan(1e-4);
        expect(
          largestDifference(decisionFunction(result.model, x), decisionFunction(alone.model, x)),
        ).toBeLessThan(1e-3);
      }
    },
  );

  it('computes few kernel rows again: what was found is in its cache', () => {
    const { x, y } = weatherRows(1_500);
    const solver = new SmoSolver(x, y, OPTIONS);
    const first = solver.fit(OPTIONS);
    const heavier = { ...OPTIONS, positiveWeight: 5 };

    expect(solver.fit({ ...heavier, warmStart: first.multiplierShares }).kernelRows).toBeLessThan(
      first.kernelRows / 5,
    );
    expect(fitSmo(x, y, { ...heavier, warmStart: first.multiplierShares }).kernelRows).toBeGreaterThan(
      first.kernelRows / 2,
    );
  });

  it('is refused for another gamma, and when another computation has used the memory', () => {
    const { x, y } = weatherRows(300);
    const solver = new SmoSolver(x, y, OPTIONS);

    expect(() => solver.fit({ ...OPTIONS, gamma: 1 })).toThrow(/another kernel, gamma or cache/);
    simdDecisionFunction(solver.fit(OPTIONS).model, x);
    expect(() => solver.fit(OPTIONS)).toThrow(/memory was taken over/);
  });
});

describe('time', () => {
  it.each([
    ['rbf', 100],
    ['laplacian', 10_000],
  ] as const)('ends with a %s kernel so narrow that each row knows itself alone: γ %i', (kernel, gamma) => {
    const uniform = seededUniform(41);
    const rows = 600;
    const x = { rows, columns: 8, values: Float64Array.from({ length: rows * 8 }, () => normal(uniform)) };
    const y = Uint8Array.from({ length: rows }, () => (uniform() < 0.2 ? 1 : 0));
    const { model, violation, workingSets } = fitSmo(x, y, {
      ...OPTIONS,
      kernel,
      gamma,
      timeBudgetMs: 60_000,
    });
    expect(violation).toBeLessThanOrEqual(OPTIONS.tolerance);
    expect(workingSets).toBeLessThan(200);
    expect(model.supportVectors.rows).toBe(rows);
  });

  it('is not waited for when single precision can come no nearer: the fit ends with the reason', () => {
    const uniform = seededUniform(43);
    const rows = 600;
    // So far from one another that the terms of a kernel value leave no digit of it.
    const values = Float64Array.from({ length: rows * 4 }, () => 10_000 * normal(uniform));
    const y = Uint8Array.from({ length: rows }, () => (uniform() < 0.3 ? 1 : 0));
    const fit = () => fitSmo({ rows, columns: 4, values }, y, { ...OPTIONS, c: 1_000, gamma: 1 });
    expect(fit).toThrow(Stagnated);
    expect(fit).toThrow(/600 rows can't be learnt: after \d+ working sets the optimum is no nearer/);
  });

  it('ends a fit when it is up, saying how far it came', () => {
    const { x, y } = weatherRows(2_000);

    expect(() => fitSmo(x, y, { ...OPTIONS, timeBudgetMs: 0 })).toThrow(TimeBudgetExceeded);
    expect(() => fitSmo(x, y, { ...OPTIONS, timeBudgetMs: 0 })).toThrow(
      /2000 rows.*within 0 ms.*violation was 2\.00/s,
    );
  });

  it('is reported with the violation that is left, at least at the end', () => {
    const { x, y } = weatherRows(500);
    const seen: SmoProgress[] = [];
    const result = fitSmo(x, y, { ...OPTIONS, onProgress: (progress) => seen.push(progress) });

    expect(seen.at(-1)).toMatchObject({
      iterations: result.iterations,
      violation: result.violation,
      activeRows: 500,
    });
  });
});

describe('decision values', () => {
  it("are the plain decision function's, for any number of rows and members", () => {
    fc.assert(
      fc.property(
        shape,
        hyperparameters,
        fc.nat(40),
        fc.array(fc.tuple(fc.constantFrom(1, 2), fc.constantFrom(0.5, 8)), { maxLength: 3 }),
        (rows, options, count, more) => {
          const { x, y } = clouds(rows);
          const others = more.map(([gammas, weights]) => ({
            ...options,
            gamma: options.gamma * gammas,
            positiveWeight: options.positiveWeight * weights,
          }));
          const models = [options, ...others].map((each) => fitSmo(x, y, each).model);
          const few = { rows: count, columns: x.columns, values: x.values.slice(0, count * x.columns) };
          const asked = count < x.rows ? few : x;
          const found = simdDecisionValues(joinMembers(models), asked);

          expect(found).toMatchObject({ rows: asked.rows, columns: models.length });
          models.forEach((model, m) => {
            const own = found.values.filter((_, at) => at % models.length === m);
            const scale = model.coefficients.reduce((sum, value) => sum + Math.abs(value), 0);
            expect(largestDifference(own, decisionFunction(model, asked))).toBeLessThan(1e-4 + 1e-6 * scale);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('of rows with another width are refused', () => {
    const { x, y } = weatherRows(300);
    const { model } = fitSmo(x, y, OPTIONS);

    expect(() => simdDecisionFunction(model, { rows: 1, columns: 2, values: new Float64Array(2) })).toThrow(
      /2 columns/,
    );
  });
});
