import type { Svm as LibsvmClass } from 'libsvm-js';
import type { Matrix } from './matrix';
import { distance, type SvcModel, type SvcOptions } from './svc';

/**
 * LIBSVM compiled to WebAssembly: the engine where the machine's WebAssembly has no SIMD. Slower by an order of
 * magnitude than `smo/`, with the same optimum. It guards what the package does not: values and labels are checked
 * by `fit.ts` before they come here, its process-ending listener is removed, every model is freed, and the time is
 * kept by `fit-thread.ts`.
 */

/**
 * LIBSVM has no Laplacian kernel of its own, and a precomputed kernel matrix of so many rows takes 200 MB here and 400
 * among LIBSVM's nodes.
 */
const MAXIMUM_LAPLACIAN_ROWS = 5_000;

/** Larger caches make libsvm-js throw. */
const MAXIMUM_CACHE_MEGABYTES = 2_000;

/** The rows are too many for this engine. */
export class TooManyRows extends Error {
  override readonly name = 'TooManyRows';
}

let Svm: typeof LibsvmClass | undefined;

/** Loads the package. Called before the first fit; repeating it costs nothing. */
export async function loadLibsvm(): Promise<void> {
  if (Svm !== undefined) return;
  const before = new Set(process.listeners('unhandledRejection'));
  try {
    const { loading } = await import('./libsvm-package');
    Svm = await loading;
  } finally {
    // The package ends the process, without a word, on any rejection that nobody handles.
    for (const listener of process.listeners('unhandledRejection')) {
      if (!before.has(listener)) process.removeListener('unhandledRejection', listener);
    }
  }
}

/**
 * Trains one classifier to LIBSVM's optimum, in this thread and however long it takes.
 * @param y 1 and 0, one for each row; both occur, and all values of `x` are finite (`fit.ts` has checked).
 * @throws TooManyRows when memory would not do; Error when `loadLibsvm` was not called.
 */
export function fitLibsvm(x: Matrix, y: Uint8Array, options: SvcOptions): SvcModel {
  if (Svm === undefined) throw new Error('libsvm-js is not loaded: loadLibsvm() comes before the first fit.');
  refuseTooManyRows(x.rows, options);
  const precomputed = options.kernel === 'laplacian';
  const machine = new Svm({
    type: Svm.SVM_TYPES.C_SVC,
    kernel: precomputed ? Svm.KERNEL_TYPES.PRECOMPUTED : Svm.KERNEL_TYPES.RBF,
    cost: options.c,
    gamma: options.gamma,
    tolerance: options.tolerance,
    cacheSize: Math.min(options.cacheMegabytes, MAXIMUM_CACHE_MEGABYTES),
    weight: { 1: options.positiveWeight },
    shrinking: true,
    probabilityEstimates: false,
    quiet: true,
  });
  try {
    machine.train(precomputed ? laplacianRows(x, options.gamma) : rowsOf(x), y);
    return modelOf(x, y, options, machine.getSVIndices(), machine.serializeModel());
  } finally {
    machine.free();
  }
}

/** @throws TooManyRows when the kernel matrix of so many rows would not fit into memory. */
export function refuseTooManyRows(rows: number, { kernel }: Pick<SvcOptions, 'kernel'>): void {
  if (kernel === 'laplacian' && rows > MAXIMUM_LAPLACIAN_ROWS) {
    throw new TooManyRows(
      `Without SIMD a Laplacian kernel takes at most ${MAXIMUM_LAPLACIAN_ROWS} rows, not ${rows}.`,
    );
  }
}

function rowsOf({ rows, columns, values }: Matrix): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => values.subarray(i * columns, (i + 1) * columns));
}

/** Rows of the kernel matrix, each led by its own number from 1, as LIBSVM takes them. */
function laplacianRows({ rows, columns, values }: Matrix, gamma: number): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => {
    const kernel = new Float64Array(rows + 1);
    kernel[0] = i + 1;
    for (let j = 0; j < rows; j++) {
      kernel[j + 1] = Math.exp(
        -gamma * distance('laplacian', values, i * columns, values, j * columns, columns),
      );
    }
    return kernel;
  });
}

/** Coefficients and intercept stand in the text of the model; support vectors are taken from the rows themselves. */
function modelOf(
  x: Matrix,
  y: Uint8Array,
  { kernel, gamma }: SvcOptions,
  indices: readonly number[],
  text: string,
): SvcModel {
  // LIBSVM counts as positive whichever class came first in the data.
  const sign = y[0] === 1 ? 1 : -1;
  const rho = Number.parseFloat(/^rho (\S+)$/m.exec(text)?.[1] ?? '');
  const lines = text.slice(text.indexOf('\nSV\n') + 4).split('\n');
  const coefficients = Float64Array.from(indices, (_, s) => sign * Number.parseFloat(lines[s] ?? ''));
  if (!Number.isFinite(rho) || coefficients.some((value) => !Number.isFinite(value))) {
    throw new Error('libsvm-js gave a model that can not be read.');
  }
  const values = new Float64Array(indices.length * x.columns);
  indices.forEach((row, s) => {
    values.set(x.values.subarray(row * x.columns, (row + 1) * x.columns), s * x.columns);
  });
  return {
    kernel,
    gamma,
    supportVectors: { rows: indices.length, columns: x.columns, values },
    coefficients,
    intercept: -sign * rho,
  };
}
