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
  pointOffsets: usize,
  positions: usize,
  count: i32,
  rowGroups: usize,
  rowOffsets: usize,
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
    store<f32>(rowOffsets + ((<usize>r) << 2), load<f32>(pointOffsets + ((<usize>position) << 2)));
  }
}

/** Copies points, by position, into panels of eight; `count` is a multiple of eight. */
function gatherPanels(
  dimension: i32,
  panels: usize,
  pointOffsets: usize,
  positions: usize,
  count: i32,
  toPanels: usize,
  toOffsets: usize,
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
    store<f32>(toOffsets + ((<usize>r) << 2), load<f32>(pointOffsets + ((<usize>position) << 2)));
  }
}

/**
 * The square matrix K(W, W) of a working set of `count` positions (a multiple of eight), row-major: its upper right
 * half is computed, the other mirrored.
 */
export function kernelSquare(
  laplacian: bool,
  dimension: i32,
  panels: usize,
  pointOffsets: usize,
  positions: usize,
  count: i32,
  square: usize,
  rowGroups: usize,
  rowOffsets: usize,
  squarePanels: usize,
  squareOffsets: usize,
): void {
  gatherRows(dimension, panels, pointOffsets, positions, count, rowGroups, rowOffsets);
  gatherPanels(dimension, panels, pointOffsets, positions, count, squarePanels, squareOffsets);
  const stride = (<usize>count) << 2;
  for (let r = 0; r < count; r += 4) {
    const firstPanel = r >> 3;
    const skipped = (<usize>firstPanel) << 5;
    const out = square + stride * r + skipped;
    kernelRows(
      laplacian,
      dimension,
      squarePanels + skipped * dimension,
      squareOffsets + skipped,
      (count >> 3) - firstPanel,
      rowGroups + (((<usize>r) * dimension) << 2),
      rowOffsets + ((<usize>r) << 2),
      out,
      out + stride,
      out + 2 * stride,
      out + 3 * stride,
    );
  }
  for (let r = 1; r < count; r++) {
    let from = square + ((<usize>r) << 2);
    let to = square + stride * r;
    for (let c = 0; c < r; c++) {
      store<f32>(to, load<f32>(from));
      from += stride;
      to += 4;
    }
  }
}
