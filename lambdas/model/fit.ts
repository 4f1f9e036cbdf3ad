import { loadLibsvm, TooManyRows } from './libsvm';
import { fitLibsvmInThread } from './libsvm-thread';
import type { Matrix } from './matrix';
import { smoSupported } from './smo/kernel-module';
import { type SmoResult, SmoSolver } from './smo/solver';
import { type SvcModel, type SvcOptions, TimeBudgetExceeded } from './svc';

/** Training refused or abandoned, with the reason; the caller counts the recipe or the location as failed. */
export class FitRefused extends Error {
  override readonly name = 'FitRefused';
}

/** What the members of one ensemble have in common. */
export type SharedOptions = Omit<SvcOptions, 'c' | 'gamma' | 'positiveWeight'>;
export type MemberOptions = Pick<SvcOptions, 'c' | 'gamma' | 'positiveWeight'>;

/** Called once before the first fit of a process: fails at once where no engine can run. */
export async function prepareEngine(): Promise<void> {
  if (!smoSupported()) await loadLibsvm();
}

/**
 * Trains C-support vector classifiers on the same prepared rows, each started from the one before: neighbouring
 * hyperparameters have neighbouring solutions. Where a fit starts does not change where it ends but for the tolerance.
 * The time budget is for all of them together.
 * @param y 1 and 0, one for each row.
 * @returns one model for each member, in the order given.
 * @throws FitRefused when there are no rows, lengths differ, a value is not finite, only one class is present, a
 *   hyperparameter is not positive, or the time budget runs out.
 */
export function fitMembers(
  x: Matrix,
  y: Uint8Array,
  shared: SharedOptions,
  members: readonly MemberOptions[],
): SvcModel[] {
  refuseUntrainable(x, y);
  const deadline = performance.now() + shared.timeBudgetMs;
  const simd = smoSupported();
  let last: { readonly solver: SmoSolver; readonly gamma: number; readonly result: SmoResult } | undefined;
  return members.map((member) => {
    refuseHyperparameters({ ...shared, ...member });
    const options = { ...shared, ...member, timeBudgetMs: Math.max(deadline - performance.now(), 0) };
    try {
      if (!simd) return fitLibsvmInThread(x, y, options);
      // A solver keeps the kernel rows that it has computed, which are those of one gamma.
      const solver = last?.gamma === member.gamma ? last.solver : new SmoSolver(x, y, options);
      const result = solver.fit(last === undefined ? options : { ...options, warmStart: last.result });
      last = { solver, gamma: member.gamma, result };
      return result.model;
    } catch (error) {
      if (error instanceof TimeBudgetExceeded || error instanceof TooManyRows) {
        throw new FitRefused(error.message, { cause: error });
      }
      throw error;
    }
  });
}

function refuseUntrainable(x: Matrix, y: Uint8Array): void {
  const { rows, columns, values } = x;
  if (rows === 0 || columns === 0 || values.length !== rows * columns || y.length !== rows) {
    throw new FitRefused(
      `${rows} rows of ${columns} columns, ${values.length} values and ${y.length} labels do not go together.`,
    );
  }
  if (!values.every(Number.isFinite)) {
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    throw new FitRefused(
      `Row ${Math.floor(wrong / columns)}, column ${wrong % columns} is ${values[wrong]}.`,
    );
  }
  const unlabelled = y.findIndex((label) => label !== 0 && label !== 1);
  if (unlabelled >= 0) {
    throw new FitRefused(`Row ${unlabelled} is labelled ${y[unlabelled]}, not 1 or 0.`);
  }
  const positives = y.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === rows) {
    throw new FitRefused(`All ${rows} rows are of one class.`);
  }
}

function refuseHyperparameters({ c, gamma, positiveWeight, tolerance, cacheMegabytes }: SvcOptions): void {
  const positive = { C: c, gamma, positiveWeight, tolerance, cacheMegabytes };
  for (const [name, value] of Object.entries(positive)) {
    if (!(Number.isFinite(value) && value > 0)) {
      throw new FitRefused(`${name} is ${value}; it has to be positive.`);
    }
  }
}
