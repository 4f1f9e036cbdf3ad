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

/** A fitted classifier: f(x) = Σ coefficients[i] · K(supportVectors[i], x) + intercept; rain when positive. */
export interface SvcModel {
  readonly kernel: SvcOptions['kernel'];
  readonly gamma: number;
  readonly supportVectors: Matrix;
  readonly coefficients: Float64Array;
  readonly intercept: number;
}
