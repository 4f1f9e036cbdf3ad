import type { Matrix } from '../../../../lambdas/model/matrix';
import type { SvcOptions } from '../../../../lambdas/model/svc';

/** K of all pairs of rows, in double precision. */
export function kernelMatrix({ rows, columns, values }: Matrix, { kernel, gamma }: SvcOptions): number[][] {
  const row = (i: number) => values.subarray(i * columns, (i + 1) * columns);
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_, j) => {
      const b = row(j);
      const distance = row(i).reduce((sum, value, k) => {
        const difference = value - (b[k] ?? 0);
        return sum + (kernel === 'rbf' ? difference * difference : Math.abs(difference));
      }, 0);
      return Math.exp(-gamma * distance);
    }),
  );
}

/** yα of each row, by LIBSVM on the precomputed kernel matrix, so that both kernels have a reference. */
export async function trainReference(
  matrix: readonly (readonly number[])[],
  y: Uint8Array,
  options: SvcOptions,
): Promise<Float64Array> {
  // Imported when needed: the package begins to load at once, and a run without this reference would not wait for it.
  const { default: loading } = await import('libsvm-js');
  const Svm = await loading;
  const machine = new Svm({
    type: Svm.SVM_TYPES.C_SVC,
    kernel: Svm.KERNEL_TYPES.PRECOMPUTED,
    cost: options.c,
    gamma: options.gamma,
    tolerance: options.tolerance,
    cacheSize: options.cacheMegabytes,
    weight: { 1: options.positiveWeight },
    shrinking: true,
    probabilityEstimates: false,
    quiet: true,
  });
  // Each row of a precomputed kernel starts with its own number, from 1.
  machine.train(
    matrix.map((row, i) => [i + 1, ...row]),
    y,
  );
  const text = machine.serializeModel();
  const indices = machine.getSVIndices();
  machine.free();
  const lines = text.slice(text.indexOf('\nSV\n') + 4).split('\n');
  // LIBSVM counts as positive whichever class came first in the data.
  const sign = y[0] === 1 ? 1 : -1;
  const beta = new Float64Array(y.length);
  indices.forEach((row, s) => {
    beta[row] = sign * Number.parseFloat(lines[s] ?? '');
  });
  return beta;
}

/** Decision values and dual objective that follow from multipliers, in double precision. */
export function consequences(
  matrix: readonly (readonly number[])[],
  y: Uint8Array,
  beta: Float64Array,
  intercept: number,
): { decisions: Float64Array; objective: number } {
  const sums = Float64Array.from(matrix, (row) => row.reduce((sum, k, j) => sum + k * (beta[j] ?? 0), 0));
  return {
    decisions: sums.map((sum) => sum + intercept),
    objective: sums.reduce(
      (total, sum, i) => total + ((beta[i] ?? 0) * (sum - (y[i] === 1 ? 2 : -2))) / 2,
      0,
    ),
  };
}
