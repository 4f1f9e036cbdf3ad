/** Dense row-major matrix; missing values are NaN until preprocessing has imputed them. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Length rows × columns. */
  readonly values: Float64Array;
}
