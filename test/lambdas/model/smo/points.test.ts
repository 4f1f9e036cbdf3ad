import fc from 'fast-check';
import { PREPARED_UNIT } from '../../../../lambdas/model/preprocessing';
import { simdDecisionValues } from '../../../../lambdas/model/smo/decision';
import { pointFormat } from '../../../../lambdas/model/smo/points';
import { decisionFunction, type SvcModel } from '../../../../lambdas/model/svc';
import { seededUniform } from './seeded';

/** Farthest from the origin that a row of whole units may be, and its largest feature. */
const FARTHEST = 65_535;
const LARGEST = 32_767;

const laplacian = { kernel: 'laplacian', gamma: 0.01 } as const;

/** Each row, in units, and its mirror image: the columns' means are 0, too. */
function mirrored(...units: readonly (readonly number[])[]) {
  const rows = units.flatMap((row) => [row, row.map((value) => -value)]);
  const values = Float64Array.from(rows.flat(), (value) => value * PREPARED_UNIT);
  return { rows: rows.length, columns: units[0]?.length ?? 0, values };
}

describe('points are pairs of 16-bit numbers', () => {
  it.each([
    ['whole units that are near enough to the origin', mirrored([LARGEST, LARGEST, 1])],
    ['an odd number of features', mirrored([1, 2, 3, 4, 5])],
  ])('for %s', (_, x) => {
    expect(pointFormat(laplacian, x).words).toBe(Math.ceil(x.columns / 2));
  });

  const near = mirrored([1, 2, 3]);

  it.each<[string, Parameters<typeof pointFormat>]>([
    ['a feature of another size', [laplacian, mirrored([LARGEST + 1, 0, 0])]],
    ['a row farther from the origin', [laplacian, mirrored([LARGEST, LARGEST, 2])]],
    ['parts of units', [laplacian, mirrored([1, 2, 0.5])]],
    ['asked rows that are too far', [laplacian, near, mirrored([LARGEST, LARGEST, 2])]],
    ['another kernel', [{ kernel: 'rbf', gamma: 0.01 }, near]],
  ])('but single precision for %s', (_, parameters) => {
    expect(pointFormat(...parameters).words).toBe(3);
  });
});

it('decision values are those of doubles, up to the farthest rows that units can tell and beyond', () => {
  const runs = 100;
  let inUnits = 0;
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 2, max: 90 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(0.01, 0.5, 1, 1.001, 2),
      (seed, columns, count, reach) => {
        const uniform = seededUniform(seed);
        const farthest = Math.round(FARTHEST * reach);
        const row = () => {
          const shares = Array.from({ length: columns }, () => uniform() - 0.5);
          const sum = shares.reduce((total, share) => total + Math.abs(share), 0);
          const [first = 0, ...others] = shares.map((share) => Math.trunc((share / sum) * farthest));
          const rest = others.reduce((left, value) => left - Math.abs(value), farthest);
          return [first < 0 ? -rest : rest, ...others];
        };
        const rows = mirrored(...Array.from({ length: count }, row));
        const model: SvcModel = {
          kernel: 'laplacian',
          // The kernel value of the farthest pairs is e⁻².
          gamma: 1 / (farthest * PREPARED_UNIT),
          supportVectors: rows,
          coefficients: Float64Array.from({ length: rows.rows }, () => uniform() - 0.5),
          intercept: 0,
        };
        if (pointFormat(model, rows).words < columns) inUnits++;

        const wanted = decisionFunction(model, rows);
        const found = simdDecisionValues({ ...model, members: [model] }, rows).values;
        found.forEach((value, i) => {
          expect(Math.abs(value - (wanted[i] ?? Number.NaN))).toBeLessThan(5e-7 * rows.rows);
        });
      },
    ),
    { numRuns: runs },
  );
  expect(inUnits).toBeGreaterThan(runs / 4);
  expect(inUnits).toBeLessThan(runs);
});
