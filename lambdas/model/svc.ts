import type { Matrix } from './matrix';

/** Hyperparameters of one C-support vector classifier. */
export interface SvcOptions {
  readonly kernel: 'rbf' | 'laplacian';
  /** Upper bound of a multiplier before class weights. */
  readonly c: number;
  /** exp(−γ‖a−b‖²) for rbf, exp(−γ‖a−b‖₁) for laplacian. */
  readonly gamma: number;
  /** Multiplies C for rows of class 1; k copies of a row are the same optimum as weight k. */
  readonly positiveWeight: number;
  /** Largest violation of the KKT conditions at which training stops. */
  readonly tolerance: number;
  readonly cacheMegabytes: number;
  /** Milliseconds after which the fit is abandoned with an error that says so. */
  readonly timeBudgetMs: number;
}

/** What the members of one ensemble have in common, and what each has of its own. */
export type SharedOptions = Omit<SvcOptions, 'c' | 'gamma' | 'positiveWeight'>;
export type MemberOptions = Pick<SvcOptions, 'c' | 'gamma' | 'positiveWeight'>;

/** Classifiers to fit on the same prepared rows. */
export interface Fit {
  readonly x: Matrix;
  /** 1 and 0, one for each row. */
  readonly y: Uint8Array;
  /** The time budget is for all members together. */
  readonly shared: SharedOptions;
  readonly members: readonly MemberOptions[];
  /** Where each member may start: what it found on the first of these rows, when it knew no others. */
  readonly starts?: readonly (MultiplierShares | undefined)[];
  /** `libsvm`: by libsvm-js whatever the machine has; it must have been loaded. */
  readonly solver?: 'smo' | 'libsvm';
}

/** α of each row as a share of its upper bound, in the order of the rows. */
export type MultiplierShares = Float64Array;

/** LIBSVM starts nowhere but at zero, and says nothing of where it came to. */
export interface Fitted {
  readonly model: SvcModel;
  readonly multiplierShares?: MultiplierShares;
}

/** Training took longer than allowed and left no model. */
export class TimeBudgetExceeded extends Error {
  override readonly name: string = 'TimeBudgetExceeded';
}

/** Training makes no progress any more: single precision can't tell these rows' kernel values, and no time would be enough. */
export class Stagnated extends TimeBudgetExceeded {
  override readonly name = 'Stagnated';
}

/** A fitted classifier: f(x) = Σ coefficients[i] · K(supportVectors[i], x) + intercept; rain when positive. */
export interface SvcModel {
  readonly kernel: SvcOptions['kernel'];
  readonly gamma: number;
  readonly supportVectors: Matrix;
  readonly coefficients: Float64Array;
  readonly intercept: number;
}

/** Numbers as they were computed, or as a model file keeps them. */
export type Floats = Float64Array | Float32Array;

/** Several classifiers over one list of support vectors: a vector that a member does not use has coefficient 0. */
export interface SvcEnsemble<F extends Floats = Float64Array> {
  readonly kernel: SvcOptions['kernel'];
  readonly supportVectors: { readonly rows: number; readonly columns: number; readonly values: F };
  readonly members: readonly {
    readonly gamma: number;
    readonly coefficients: F;
    readonly intercept: number;
  }[];
}

/**
 * f(x) of each row, in plain TypeScript: forecasting needs no WebAssembly.
 * @throws RangeError when the width differs from the support vectors'.
 */
export function decisionFunction(model: SvcModel, x: Matrix): Float64Array {
  return decisionValues({ ...model, members: [model] }, x).values;
}

/**
 * f(x) of each row (down) and member (across). Distances are computed once for all members, kernel values once for
 * members of one gamma.
 * @throws RangeError when the width differs from the support vectors'.
 */
export function decisionValues(ensemble: SvcEnsemble<Floats>, x: Matrix): Matrix {
  const { kernel, supportVectors, members } = ensemble;
  const width = supportVectors.columns;
  if (x.columns !== width) {
    throw new RangeError(`Rows have ${x.columns} columns, the support vectors ${width}.`);
  }
  const values = new Float64Array(x.rows * members.length);
  const distances = new Float64Array(supportVectors.rows);
  const kernelValues = new Float64Array(supportVectors.rows);
  for (let i = 0; i < x.rows; i++) {
    for (let s = 0; s < supportVectors.rows; s++) {
      distances[s] = distance(kernel, x.values, i * width, supportVectors.values, s * width, width);
    }
    let gammaOfKernel = Number.NaN;
    members.forEach(({ gamma, coefficients, intercept }, m) => {
      if (gamma !== gammaOfKernel) {
        for (let s = 0; s < kernelValues.length; s++) {
          kernelValues[s] = Math.exp(-gamma * at(distances, s));
        }
        gammaOfKernel = gamma;
      }
      let sum = intercept;
      for (let s = 0; s < kernelValues.length; s++) {
        sum += at(coefficients, s) * at(kernelValues, s);
      }
      values[i * members.length + m] = sum;
    });
  }
  return { rows: x.rows, columns: members.length, values };
}

/** Each once, in the order of the members. */
export function distinctGammas(members: readonly { readonly gamma: number }[]): number[] {
  return [...new Set(members.map(({ gamma }) => gamma))];
}

/** Joins classifiers of one kernel, each support vector kept once. @throws RangeError when there are none. */
export function joinMembers(models: readonly SvcModel[]): SvcEnsemble {
  const [head] = models;
  if (head === undefined) {
    throw new RangeError('There is no classifier to join.');
  }
  const { kernel, supportVectors: first } = head;
  const places = new Map<string, number>();
  const vectors: Float64Array[] = [];
  const placed = models.map(({ supportVectors: { rows, values } }) => {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const width = first.columns * values.BYTES_PER_ELEMENT;
    return Uint32Array.from({ length: rows }, (_, s) => {
      const key = bytes.toString('latin1', s * width, (s + 1) * width);
      const known = places.get(key);
      if (known !== undefined) return known;
      places.set(key, vectors.length);
      return vectors.push(values.subarray(s * first.columns, (s + 1) * first.columns)) - 1;
    });
  });
  const values = new Float64Array(vectors.length * first.columns);
  vectors.forEach((vector, s) => {
    values.set(vector, s * first.columns);
  });
  return {
    kernel,
    supportVectors: { rows: vectors.length, columns: first.columns, values },
    members: models.map((model, m) => {
      const coefficients = new Float64Array(vectors.length);
      placed[m]?.forEach((place, s) => {
        // Added, not set: two equal training rows are two support vectors of one place.
        coefficients[place] = at(coefficients, place) + at(model.coefficients, s);
      });
      return { gamma: model.gamma, coefficients, intercept: model.intercept };
    }),
  };
}

/** ‖a−b‖² for rbf, ‖a−b‖₁ for laplacian, of `width` values from a place of each array on. */
export function distance(
  kernel: SvcOptions['kernel'],
  a: Floats,
  fromA: number,
  b: Floats,
  fromB: number,
  width: number,
): number {
  let sum = 0;
  if (kernel === 'rbf') {
    for (let j = 0; j < width; j++) {
      sum += (at(a, fromA + j) - at(b, fromB + j)) ** 2;
    }
  } else {
    for (let j = 0; j < width; j++) {
      const difference = at(a, fromA + j) - at(b, fromB + j);
      sum += difference < 0 ? -difference : difference;
    }
  }
  return sum;
}

/** An element that is known to exist: index checks would cost more than the arithmetic. */
function at(values: Floats, index: number): number {
  return values[index] ?? Number.NaN;
}
