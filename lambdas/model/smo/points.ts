import type { Matrix } from '../matrix';
import { PREPARED_UNIT } from '../preprocessing';
import type { SvcOptions } from '../svc';

/** Points of a panel, see `assembly/kernel.ts`. */
export const PANEL = 8;

/** Rows that the kernel is computed for at a time. */
export const GROUP = 4;

/** The next multiple. */
export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** As `assembly/kernel.ts` numbers them. */
const ARITHMETIC = { rbf: 0, laplacian: 1, laplacianUnits: 2 } as const;

/**
 * The largest distance of a point from the origin in units: two such points are 2¹⁷ − 2 apart, and distances below 2¹⁷
 * come out exact. Of 73 features, all may be seven standard deviations off.
 */
const MOST_UNITS = 2 ** 16 - 1;

/**
 * How rows become points of the kernel, which knows a point as words of 32 bits and an offset. A word is a feature in
 * single precision: centred (distances stay, single precision loses less) and scaled so that log₂ K is a sum of products
 * or minima less both offsets. Or, for the Laplacian kernel of rows that preprocessing has made, it is two features as
 * 16-bit numbers of its unit: half the work, and distances are exact.
 */
export interface PointFormat {
  readonly arithmetic: (typeof ARITHMETIC)[keyof typeof ARITHMETIC];
  /** Of one point. */
  readonly words: number;
  /** Of the rows' columns. */
  readonly centre: Float64Array;
  /** What a feature less the centre is multiplied by. */
  readonly factor: number;
  /** Of a distance in units: −log₂ K of one. */
  readonly scale: number;
}

/**
 * The format for the rows of all these matrices: numbers of units wherever each row is whole ones and near enough to
 * the origin, which prepared rows lie around; else centred on the columns' means of the first.
 */
export function pointFormat(
  { kernel, gamma }: Pick<SvcOptions, 'kernel' | 'gamma'>,
  x: Matrix,
  ...others: readonly Matrix[]
): PointFormat {
  if (kernel === 'laplacian' && [x, ...others].every(areUnits)) {
    return {
      arithmetic: ARITHMETIC.laplacianUnits,
      words: Math.ceil(x.columns / 2),
      centre: new Float64Array(x.columns),
      factor: 1 / PREPARED_UNIT,
      scale: gamma * Math.LOG2E * PREPARED_UNIT,
    };
  }
  const factor = kernel === 'rbf' ? Math.sqrt(2 * gamma * Math.LOG2E) : 2 * gamma * Math.LOG2E;
  return { arithmetic: ARITHMETIC[kernel], words: x.columns, centre: meansOf(x), factor, scale: 1 };
}

/** Of the columns. */
function meansOf({ rows, columns, values }: Matrix): Float64Array {
  const sums = new Float64Array(columns);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++, at++) sums[k] = (sums[k] ?? 0) + (values[at] ?? 0);
  }
  return sums.map((sum) => sum / rows);
}

/** Whether all values are 16-bit numbers of units and no row is too far from the origin. */
function areUnits({ columns, values }: Matrix): boolean {
  for (let at = 0; at < values.length; ) {
    let distance = 0;
    for (let k = 0; k < columns; k++, at++) {
      const units = (values[at] ?? 0) / PREPARED_UNIT;
      if ((units << 16) >> 16 !== units) return false;
      distance += Math.abs(units);
    }
    if (distance > MOST_UNITS) return false;
  }
  return true;
}

/**
 * Writes `count` rows of `x` from row `from` as points in blocks of `width` (panels, or groups of rows), with the
 * offset of each; places up to the next full block become points at the centre.
 */
export function writePoints(
  { arithmetic, words, centre, factor }: PointFormat,
  x: Matrix,
  from: number,
  count: number,
  width: number,
  points: Uint32Array,
  offsets: Uint32Array,
): void {
  const { columns, values } = x;
  const padded = roundUp(count, width);
  points.fill(0, 0, padded * words);
  offsets.fill(0, 0, padded);
  const inUnits = arithmetic === ARITHMETIC.laplacianUnits;
  const [numbers, sums] = inUnits
    ? [
        new Int16Array(points.buffer, points.byteOffset, 2 * points.length),
        new Int32Array(offsets.buffer, offsets.byteOffset, offsets.length),
      ]
    : [
        new Float32Array(points.buffer, points.byteOffset, points.length),
        new Float32Array(offsets.buffer, offsets.byteOffset, offsets.length),
      ];
  for (let i = 0; i < count; i++) {
    const first = (i - (i % width)) * words + (i % width);
    let at = (from + i) * columns;
    let sum = 0;
    for (let k = 0; k < columns; k++, at++) {
      const to = inUnits ? 2 * (first + width * (k >> 1)) + (k & 1) : first + width * k;
      numbers[to] = ((values[at] ?? 0) - (centre[k] ?? 0)) * factor;
      const value = numbers[to] ?? 0;
      sum += arithmetic === ARITHMETIC.rbf ? value * value : value;
    }
    sums[i] = inUnits ? sum : sum / 2;
  }
}
