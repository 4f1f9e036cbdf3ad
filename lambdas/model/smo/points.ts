import type { Matrix } from '../matrix';
import type { SvcOptions } from '../svc';

/** Points of a panel, see `assembly/kernel.ts`. */
export const PANEL = 8;

/** Rows that the kernel is computed for at a time. */
export const GROUP = 4;

/** The next multiple. */
export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/**
 * How rows become points of the kernel: they are centred (distances stay, single precision loses less) and scaled so
 * that log₂ K is a sum of products or minima less an offset for each, see `assembly/kernel.ts`.
 */
export interface Scaling {
  readonly kernel: SvcOptions['kernel'];
  readonly centre: Float64Array;
  readonly scale: number;
}

/** Centres on the columns' means of `x`. */
export function scalingFor(kernel: SvcOptions['kernel'], gamma: number, x: Matrix): Scaling {
  const centre = new Float64Array(x.columns);
  for (let i = 0, at = 0; i < x.rows; i++) {
    for (let k = 0; k < x.columns; k++, at++) {
      centre[k] = (centre[k] ?? 0) + (x.values[at] ?? 0) / x.rows;
    }
  }
  return {
    kernel,
    centre,
    scale: kernel === 'rbf' ? Math.sqrt(2 * gamma * Math.LOG2E) : 2 * gamma * Math.LOG2E,
  };
}

/**
 * Writes `count` rows of `x` from row `from` as points in blocks of `width` (panels, or groups of rows), with the
 * offset of each; places up to the next full block become points at the centre.
 */
export function writePoints(
  { kernel, centre, scale }: Scaling,
  x: Matrix,
  from: number,
  count: number,
  width: number,
  points: Float32Array,
  offsets: Float32Array,
): void {
  const { columns, values } = x;
  const padded = roundUp(count, width);
  points.fill(0, 0, padded * columns);
  offsets.fill(0, 0, padded);
  for (let i = 0; i < count; i++) {
    let to = (i - (i % width)) * columns + (i % width);
    let at = (from + i) * columns;
    let sum = 0;
    for (let k = 0; k < columns; k++, at++, to += width) {
      points[to] = ((values[at] ?? 0) - (centre[k] ?? 0)) * scale;
      const value = points[to] ?? 0;
      sum += kernel === 'rbf' ? value * value : value;
    }
    offsets[i] = sum / 2;
  }
}
