import { FitThread, threadsSupported } from './fit-thread';
import { fitLibsvm, refuseTooManyRows, TooManyRows } from './libsvm';
import { allFinite, type Matrix } from './matrix';
import { fitByGamma } from './smo/ensemble';
import { smoSupported } from './smo/kernel-module';
import {
  distinctGammas,
  type Fit,
  type Fitted,
  type SvcModel,
  type SvcOptions,
  TimeBudgetExceeded,
} from './svc';

/** Training refused or abandoned, with the reason; the caller counts the recipe or the location as failed. */
export class FitRefused extends Error {
  override readonly name = 'FitRefused';
}

/**
 * Trains C-support vector classifiers on the same prepared rows.
 * @returns one model for each member, in the order given; the same to the last bit with one core or several.
 * @throws FitRefused when there are no rows, lengths differ, a value is not finite, only one class is present, a
 *   hyperparameter is not positive, or the time budget runs out.
 */
export function fitMembers(fit: Fit): SvcModel[] {
  return fitMeanwhile(fit, () => undefined).fitted.map(({ model }) => model);
}

/**
 * As `fitMembers`; where another thread has part of the work, this one does something else before it waits.
 * @throws FitRefused as `fitMembers`, and what `meanwhile` throws.
 */
export function fitMeanwhile<T>(
  fit: Fit,
  meanwhile: () => T,
): { readonly fitted: Fitted[]; readonly result: T } {
  const { x, y, shared, members } = fit;
  refuseUntrainable(x, y);
  for (const member of members) refuseHyperparameters({ ...shared, ...member });
  try {
    if (fit.solver === 'libsvm') {
      const fitted = members.map((member) => ({ model: fitLibsvm(x, y, { ...shared, ...member }) }));
      return { fitted, result: meanwhile() };
    }
    if (smoSupported() && x.rows > ALONE_ROWS && threadsSupported) return fitSideBySide(fit, meanwhile);
    const fitted = smoSupported() ? fitByGamma(fit) : fitWithLibsvm(fit);
    return { fitted, result: meanwhile() };
  } catch (error) {
    if (error instanceof TimeBudgetExceeded || error instanceof TooManyRows) {
      throw new FitRefused(error.message, { cause: error });
    }
    throw error;
  }
}

/** Up to a year and a half a fit takes less than a second, and the search has other recipes for the other core. */
const ALONE_ROWS = 12_000;

/** Longer than a thread takes to notice that its own time is up. */
const PATIENCE_MS = 5_000;

/** Kept from fit to fit: it has loaded the bundle and its memory has grown. */
let helper: FitThread | undefined;

/** The first gamma's members here, all others in one more thread. */
function fitSideBySide<T>(fit: Fit, meanwhile: () => T) {
  const { shared, members } = fit;
  const [first] = distinctGammas(members);
  const own = partOf(fit, (gamma) => gamma === first);
  const others = partOf(fit, (gamma) => gamma !== first);
  if (others.places.length === 0) return { fitted: fitByGamma(fit), result: meanwhile() };

  const deadline = performance.now() + shared.timeBudgetMs;
  const thread = helper ?? new FitThread();
  // Kept again when it has answered: else it may be at work in vain.
  helper = undefined;
  try {
    thread.start({ ...others.fit, engine: 'smo' });
    const ownFitted = fitByGamma(own.fit);
    const result = meanwhile();
    const otherFitted = thread.wait(Math.max(deadline - performance.now(), 0) + PATIENCE_MS);
    helper = thread;
    const fitted: Fitted[] = [];
    for (const [{ places }, found] of [[own, ownFitted] as const, [others, otherFitted] as const]) {
      for (const [i, each] of found.entries()) fitted[places[i] ?? Number.NaN] = each;
    }
    return { fitted, result };
  } finally {
    if (helper !== thread) thread.end();
  }
}

/** The members of some gammas, and their places among all. */
function partOf(fit: Fit, belongs: (gamma: number) => boolean) {
  const members = Array.from(fit.members.entries()).filter(([, { gamma }]) => belongs(gamma));
  const places = members.map(([m]) => m);
  const starts = places.map((m) => fit.starts?.[m]);
  return { places, fit: { ...fit, members: members.map(([, member]) => member), starts } };
}

/** One after the other, in a thread that is ended when the time is over. @throws TimeBudgetExceeded, TooManyRows. */
function fitWithLibsvm(fit: Fit): Fitted[] {
  const { x, shared } = fit;
  refuseTooManyRows(x.rows, shared);
  const thread = new FitThread();
  try {
    thread.start({ ...fit, engine: 'libsvm' });
    return thread.wait(shared.timeBudgetMs);
  } finally {
    thread.end();
  }
}

function refuseUntrainable(x: Matrix, y: Uint8Array): void {
  const { rows, columns, values } = x;
  if (rows === 0 || columns === 0 || values.length !== rows * columns || y.length !== rows) {
    throw new FitRefused(
      `${rows} rows of ${columns} columns, ${values.length} values and ${y.length} labels do not go together.`,
    );
  }
  if (!allFinite(values)) {
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
