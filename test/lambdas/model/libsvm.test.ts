import { fitLibsvm, loadLibsvm, TooManyRows } from '../../../lambdas/model/libsvm';
import type { Matrix } from '../../../lambdas/model/matrix';
import { fitSmo } from '../../../lambdas/model/smo/solver';
import { decisionFunction, type SvcOptions } from '../../../lambdas/model/svc';
import { memoryGrowth } from './memory-growth';

const options: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.2,
  positiveWeight: 3,
  tolerance: 1e-5,
  cacheMegabytes: 50,
  timeBudgetMs: 3_600_000,
};

/** Two overlapping clouds, one in five points positive; the same numbers each time. */
function clouds(rows: number, columns = 4): { x: Matrix; y: Uint8Array } {
  const y = Uint8Array.from({ length: rows }, (_, i) => (i % 5 === 2 ? 1 : 0));
  const values = Float64Array.from({ length: rows * columns }, (_, i) => {
    const shift = y[Math.floor(i / columns)] === 1 ? 0.8 : 0;
    return Math.sin(i * 12.9898) * 1.5 + Math.cos(i * 4.1414) + shift;
  });
  return { x: { rows, columns, values }, y };
}

beforeAll(loadLibsvm);

describe('the engine for machines without SIMD', () => {
  it.each(['rbf', 'laplacian'] as const)(
    'comes to the same decision function as our solver: %s',
    (kernel) => {
      const { x, y } = clouds(300);
      const ours = decisionFunction(fitSmo(x, y, { ...options, kernel }).model, x);
      const theirs = decisionFunction(fitLibsvm(x, y, { ...options, kernel }), x);
      ours.forEach((value, i) => {
        expect(Math.abs(value - (theirs[i] ?? Number.NaN))).toBeLessThan(1e-3);
      });
    },
  );

  it('speaks of rain as positive whichever class comes first', () => {
    const { x, y } = clouds(300);
    const turned = { x: { ...x, values: x.values.slice(2 * x.columns), rows: 298 }, y: y.slice(2) };
    expect(turned.y[0]).toBe(1);
    const first = decisionFunction(fitLibsvm(turned.x, turned.y, options), turned.x);
    const ours = decisionFunction(fitSmo(turned.x, turned.y, options).model, turned.x);
    expect(first.filter((value, i) => value > 0 === (ours[i] ?? 0) > 0).length).toBe(298);
  });

  it('refuses a Laplacian kernel matrix that memory would not hold', () => {
    const { x, y } = clouds(5_001);
    const attempt = () => fitLibsvm(x, y, { ...options, kernel: 'laplacian' });
    expect(attempt).toThrow(TooManyRows);
    expect(attempt).toThrow(/at most 5000 rows/);
  });

  it('leaves no listener behind that would end the process', () => {
    expect(process.listeners('unhandledRejection').map(String).join()).not.toContain('exit');
  });
});

describe("LIBSVM's memory", () => {
  it('does not grow with the number of fits', () => {
    const { x, y } = clouds(300, 200);
    const train = () => fitLibsvm(x, y, options);
    train();
    // A problem takes 1 MiB of nodes, a model nearly as much.
    expect(memoryGrowth(() => Array.from({ length: 15 }, train))).toBe(0);
  });

  it('is bounded by the cache, and a cache that is larger than the package takes is cut to what it does', () => {
    const { x, y } = clouds(3_000);
    // Nodes, the gradient and the model take a few MiB; all kernel rows would take 34.
    expect(memoryGrowth(() => fitLibsvm(x, y, { ...options, cacheMegabytes: 1 }))).toBeLessThan(8);
    expect(memoryGrowth(() => fitLibsvm(x, y, { ...options, cacheMegabytes: 4_000 }))).toBeGreaterThan(0);
  });
});
