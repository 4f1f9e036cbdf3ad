import type { Svm } from 'libsvm-js';
import { type Matrix, row } from './matrix';
import { smoSupported } from './smo/kernel-module';
import { fitSmo, TimeBudgetExceeded } from './smo/solver';
import type { SvcModel, SvcOptions } from './svc';

/** Training refused or abandoned, with the reason; the caller counts the recipe or the location as failed. */
export class FitRefused extends Error {
  override readonly name = 'FitRefused';
}

/** libsvm-js throws beyond this. */
const CACHE_LIMIT_MEGABYTES = 2047;

/** libsvm-js can't be interrupted: more rows than this could outlast any time budget. */
const LIBSVM_ROW_LIMIT = 15_000;

/**
 * Trains a C-support vector classifier on prepared rows: with our own solver, or with libsvm-js where WebAssembly has
 * no SIMD. Both stop at the same optimum.
 * @param y 1 and 0, one for each row.
 * @throws FitRefused when there are no rows, lengths differ, a value is not finite, only one class is present, or the
 *   time budget runs out.
 */
export async function fitSvc(x: Matrix, y: Uint8Array, options: SvcOptions): Promise<SvcModel> {
  refuseUntrainable(x, y, options);
  return smoSupported() ? trainWithSmo(x, y, options) : trainWithLibsvm(x, y, options);
}

function trainWithSmo(x: Matrix, y: Uint8Array, options: SvcOptions): SvcModel {
  try {
    return fitSmo(x, y, options).model;
  } catch (error) {
    if (error instanceof TimeBudgetExceeded) {
      throw new FitRefused(error.message, { cause: error });
    }
    throw error;
  }
}

function refuseUntrainable(x: Matrix, y: Uint8Array, options: SvcOptions): void {
  if (x.rows === 0 || x.columns === 0 || x.values.length !== x.rows * x.columns || y.length !== x.rows) {
    throw new FitRefused(
      `${x.rows} rows of ${x.columns} columns, ${x.values.length} values and ${y.length} labels do not go together.`,
    );
  }
  const wrong = x.values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new FitRefused(
      `Row ${Math.floor(wrong / x.columns)}, column ${wrong % x.columns} is ${x.values[wrong]}.`,
    );
  }
  const positives = y.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === y.length) {
    throw new FitRefused(`All ${y.length} rows are of one class.`);
  }
  const { c, gamma, positiveWeight, tolerance } = options;
  if (![c, gamma, positiveWeight, tolerance].every((value) => Number.isFinite(value) && value > 0)) {
    throw new FitRefused(
      `C ${c}, gamma ${gamma}, weight ${positiveWeight} and tolerance ${tolerance} must all be positive.`,
    );
  }
}

async function trainWithLibsvm(x: Matrix, y: Uint8Array, options: SvcOptions): Promise<SvcModel> {
  if (options.kernel !== 'rbf') {
    throw new FitRefused(`LIBSVM has no ${options.kernel} kernel.`);
  }
  if (x.rows > LIBSVM_ROW_LIMIT) {
    throw new FitRefused(`${x.rows} rows are too many for LIBSVM, which can not be stopped.`);
  }
  const libsvm = await loadLibsvm();
  const machine = new libsvm({
    type: libsvm.SVM_TYPES.C_SVC,
    kernel: libsvm.KERNEL_TYPES.RBF,
    cost: options.c,
    gamma: options.gamma,
    tolerance: options.tolerance,
    cacheSize: Math.min(options.cacheMegabytes, CACHE_LIMIT_MEGABYTES),
    weight: { 1: options.positiveWeight },
    shrinking: true,
    probabilityEstimates: false,
    quiet: true,
  });
  try {
    machine.train(
      Array.from({ length: x.rows }, (_, i) => row(x, i)),
      y,
    );
    return readModel(machine, x, y, options);
  } finally {
    machine.free();
  }
}

/** LIBSVM's text holds the coefficients to 16 digits but the vectors to 8: those are taken from the training rows. */
function readModel(machine: Svm, x: Matrix, y: Uint8Array, options: SvcOptions): SvcModel {
  const text = machine.serializeModel();
  const body = text.indexOf('\nSV\n');
  const rho = Number(/^rho (\S+)$/m.exec(text)?.[1]);
  const coefficients = Float64Array.from(
    text
      .slice(body + 4)
      .trimEnd()
      .split('\n'),
    (line) => Number(line.slice(0, line.indexOf(' '))),
  );
  const indices = machine.getSVIndices();
  if (
    body < 0 ||
    !Number.isFinite(rho) ||
    coefficients.length !== indices.length ||
    !coefficients.every(Number.isFinite)
  ) {
    throw new FitRefused('LIBSVM gave a model that can not be read.');
  }
  // LIBSVM counts as positive whichever class came first in the data.
  const sign = y[0] === 1 ? 1 : -1;
  const values = new Float64Array(indices.length * x.columns);
  indices.forEach((index, s) => {
    values.set(row(x, index), s * x.columns);
  });
  return {
    kernel: options.kernel,
    gamma: options.gamma,
    supportVectors: { rows: indices.length, columns: x.columns, values },
    coefficients: coefficients.map((value) => sign * value),
    intercept: -sign * rho,
  };
}

async function loadLibsvm(): Promise<typeof Svm> {
  const listeners = process.listeners('unhandledRejection');
  const { default: loading } = await import('libsvm-js');
  const libsvm = await loading;
  // It installs a listener that ends the process without a word.
  for (const listener of process.listeners('unhandledRejection')) {
    if (!listeners.includes(listener)) {
      process.removeListener('unhandledRejection', listener);
    }
  }
  return libsvm;
}
