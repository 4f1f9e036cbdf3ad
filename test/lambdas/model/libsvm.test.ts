import { fitLibsvm, loadLibsvm, TooManyRows } from '../../../lambdas/model/libsvm';
import type { Matrix } from '../../../lambdas/model/matrix';
import { fitSmo } from '../../../lambdas/model/smo/solver';
import { decisionFunction, type SvcOptions } from '../../../lambdas/model/svc';

const options: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.2,
  positiveWeight: 3,
  tolerance: 1e-5,
  cacheMegabytes: 50,
  timeBudgetMs: 60_000,
};

/** Two overlapping clouds, one in five points positive; the same numbers each time. */
function clouds(rows: number): { x: Matrix; y: Uint8Array } {
  const columns = 4;
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

  it('refuses rows that would train longer than there is time, since it can not be interrupted', () => {
    const { x, y } = clouds(5_000);
    expect(() => fitLibsvm(x, y, { ...options, timeBudgetMs: 100 })).toThrow(TooManyRows);
  });

  it('refuses a Laplacian kernel matrix that memory would not hold', () => {
    const { x, y } = clouds(5_001);
    expect(() => fitLibsvm(x, y, { ...options, kernel: 'laplacian' })).toThrow(/at most 5000 rows/);
  });

  it('leaves no listener behind that would end the process', async () => {
    const before = process.listenerCount('unhandledRejection');
    await loadLibsvm();
    expect(process.listenerCount('unhandledRejection')).toBe(before);
    expect(process.listeners('unhandledRejection').map(String).join()).not.toContain('exit');
  });
});
