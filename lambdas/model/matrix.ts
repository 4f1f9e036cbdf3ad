/** Dense row-major matrix; missing values are NaN until preprocessing has imputed them. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Length rows × columns. */
  readonly values: Float64Array;
}

/** A view of one row; shares memory with the matrix. */
export function row(matrix: Matrix, index: number): Float64Array {
  return matrix.values.subarray(index * matrix.columns, (index + 1) * matrix.columns);
}

/** A view of rows `start` (inclusive) to `end` (exclusive); shares memory with the matrix. */
export function rowsBetween({ columns, values }: Matrix, start: number, end: number): Matrix {
  return { rows: end - start, columns, values: values.subarray(start * columns, end * columns) };
}

/** Whether no value is NaN or infinite. A loop: `every` with a function takes ten times as long. */
export function allFinite(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    // Only of these two is the difference from itself no number.
    const value = values[i] ?? Number.NaN;
    if (value - value !== 0) return false;
  }
  return true;
}

/** Copies the named rows, in the order given. */
export function selectRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const values = new Float64Array(rows.length * matrix.columns);
  for (let i = 0; i < rows.length; i++) {
    values.set(row(matrix, rows[i] ?? 0), i * matrix.columns);
  }
  return { rows: rows.length, columns: matrix.columns, values };
}

/** Copies the named elements of a vector, in the order given. */
export function selectValues(values: Float64Array, rows: ArrayLike<number>): Float64Array {
  // Loops: `from` with a function takes ten times as long, and years of hours come by here for each column.
  const selected = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) selected[i] = values[rows[i] ?? -1] ?? Number.NaN;
  return selected;
}

/** Copies the named labels, each 0 or 1, in the order given. */
export function selectLabels(labels: Uint8Array, rows: ArrayLike<number>): Uint8Array {
  const selected = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) selected[i] = labels[rows[i] ?? -1] ?? 0;
  return selected;
}

/** The columns of one matrix, then those of another with as many rows. */
export function sideBySide(left: Matrix, right: Matrix): Matrix {
  const columns = left.columns + right.columns;
  const values = new Float64Array(left.rows * columns);
  for (let i = 0; i < left.rows; i++) {
    values.set(row(left, i), i * columns);
    values.set(row(right, i), i * columns + left.columns);
  }
  return { rows: left.rows, columns, values };
}

/** Puts vectors of equal length side by side as the columns of a matrix. */
export function fromColumns(columns: readonly ArrayLike<number>[]): Matrix {
  const rows = columns[0]?.length ?? 0;
  const values = new Float64Array(rows * columns.length);
  columns.forEach((column, j) => {
    for (let i = 0; i < rows; i++) {
      values[i * columns.length + j] = column[i] ?? Number.NaN;
    }
  });
  return { rows, columns: columns.length, values };
}
