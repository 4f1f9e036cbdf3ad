import { kernelRows } from './kernel';

/** Address of feature 0 of the point at a position; its next feature lies 32 bytes further. */
// @ts-ignore: decorator
@inline
export function pointAddress(panels: usize, dimension: i32, position: u32): usize {
  return panels + (((<usize>(position >> 3)) * dimension) << 5) + ((<usize>(position & 7)) << 2);
}

/** Copies points, by position, into groups of four rows (the layout that kernelRows reads its rows in). */
export function gatherRows(
  dimension: i32,
  panels: usize,
  pointNorms: usize,
  positions: usize,
  count: i32,
  rowGroups: usize,
  rowNorms: usize,
): void {
  for (let r = 0; r < count; r++) {
    const position = load<u32>(positions + ((<usize>r) << 2));
    let from = pointAddress(panels, dimension, position);
    let to = rowGroups + (((<usize>(r >> 2)) * dimension) << 4) + ((<usize>(r & 3)) << 2);
    for (let k = 0; k < dimension; k++) {
      store<f32>(to, load<f32>(from));
      from += 32;
      to += 16;
    }
    store<f32>(rowNorms + ((<usize>r) << 2), load<f32>(pointNorms + ((<usize>position) << 2)));
  }
}

/** Copies points, by position, into panels of eight; `count` is a multiple of eight. */
function gatherPanels(
  dimension: i32,
  panels: usize,
  pointNorms: usize,
  positions: usize,
  count: i32,
  toPanels: usize,
  toNorms: usize,
): void {
  for (let r = 0; r < count; r++) {
    const position = load<u32>(positions + ((<usize>r) << 2));
    let from = pointAddress(panels, dimension, position);
    let to = pointAddress(toPanels, dimension, r);
    for (let k = 0; k < dimension; k++) {
      store<f32>(to, load<f32>(from));
      from += 32;
      to += 32;
    }
    store<f32>(toNorms + ((<usize>r) << 2), load<f32>(pointNorms + ((<usize>position) << 2)));
  }
}

/** The square matrix K(W, W) of a working set of `count` positions (a multiple of eight), row-major. */
export function kernelSquare(
  laplacian: bool,
  dimension: i32,
  panels: usize,
  pointNorms: usize,
  positions: usize,
  count: i32,
  square: usize,
  rowGroups: usize,
  rowNorms: usize,
  squarePanels: usize,
  squareNorms: usize,
): void {
  gatherRows(dimension, panels, pointNorms, positions, count, rowGroups, rowNorms);
  gatherPanels(dimension, panels, pointNorms, positions, count, squarePanels, squareNorms);
  const stride = (<usize>count) << 2;
  for (let r = 0; r < count; r += 4) {
    const out = square + stride * r;
    kernelRows(
      laplacian,
      dimension,
      squarePanels,
      squareNorms,
      count >> 3,
      rowGroups + (((<usize>r) * dimension) << 2),
      rowNorms + ((<usize>r) << 2),
      out,
      out + stride,
      out + 2 * stride,
      out + 3 * stride,
    );
  }
}
