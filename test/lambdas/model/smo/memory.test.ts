import { fitSmo } from '../../../../lambdas/model/smo/solver';
import type { SvcOptions } from '../../../../lambdas/model/svc';
import { memoryGrowth } from '../memory-growth';
import { weatherRows } from './weather-rows';

const OPTIONS: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.02,
  positiveWeight: 3,
  tolerance: 1e-3,
  cacheMegabytes: 8,
  timeBudgetMs: 3_600_000,
};

const MEBIBYTE = 2 ** 20;

// A file of tests has a solver of its own, with no memory yet.
it('takes what the cache may, the points and a working set; fits after it take nothing more', () => {
  const { x, y } = weatherRows(6_000);
  const training = (options: SvcOptions) => () => fitSmo(x, y, options);
  const points = (x.rows * x.columns * Float32Array.BYTES_PER_ELEMENT) / MEBIBYTE;

  // The kernel matrix would take 137.
  const first = memoryGrowth(training(OPTIONS));
  expect(first).toBeGreaterThan(OPTIONS.cacheMegabytes + points);
  expect(first).toBeLessThan(OPTIONS.cacheMegabytes + points + 3);
  expect(memoryGrowth(training({ ...OPTIONS, kernel: 'laplacian', positiveWeight: 13 }))).toBe(0);
  expect(memoryGrowth(training({ ...OPTIONS, cacheMegabytes: 9 }))).toBeCloseTo(1, 0);
});

it('takes no more than all kernel rows of few hours need', () => {
  const { x, y } = weatherRows(200);

  expect(memoryGrowth(() => fitSmo(x, y, { ...OPTIONS, cacheMegabytes: 5_000 }))).toBe(0);
});

it('is refused with a reason where so much memory cannot be had', () => {
  const rows = 40_000;
  const x = { rows, columns: 1, values: new Float64Array(rows) };
  const y = Uint8Array.from({ length: rows }, (_, i) => i % 2);

  expect(() => fitSmo(x, y, { ...OPTIONS, cacheMegabytes: 5_000 })).toThrow(RangeError);
});
