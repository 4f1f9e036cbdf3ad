import { kernelRows } from './kernel';

/** Address of word 0 of the point at a position; its next word lies 32 bytes further. */
// @ts-ignore: decorator
@inline
export function pointAddress(panels: usize, words: i32, position: u32): usize {
  return panels + (((<usize>(position >> 3)) * words) << 5) + ((<usize>(position & 7)) << 2);
}

/** Copies points, by position, into groups of four rows (the layout that kernelRows reads its rows in). */
export function gatherRows(
  words: i32,
  panels: usize,
  pointOffsets: usize,
  positions: usize,
  count: i32,
  rowGroups: usize,
  rowOffsets: usize,
): void {
  for (let r = 0; r < count; r++) {
    const position = load<u32>(positions + ((<usize>r) << 2));
    let from = pointAddress(panels, words, position);
    let to = rowGroups + (((<usize>(r >> 2)) * words) << 4) + ((<usize>(r & 3)) << 2);
    for (let k = 0; k < words; k++) {
      store<u32>(to, load<u32>(from));
      from += 32;
      to += 16;
    }
    store<u32>(rowOffsets + ((<usize>r) << 2), load<u32>(pointOffsets + ((<usize>position) << 2)));
  }
}

/** Copies points, by position, into panels of eight; `count` is a multiple of eight. */
function gatherPanels(
  words: i32,
  panels: usize,
  pointOffsets: usize,
  positions: usize,
  count: i32,
  toPanels: usize,
  toOffsets: usize,
): void {
  for (let r = 0; r < count; r++) {
    const position = load<u32>(positions + ((<usize>r) << 2));
    let from = pointAddress(panels, words, position);
    let to = pointAddress(toPanels, words, r);
    for (let k = 0; k < words; k++) {
      store<u32>(to, load<u32>(from));
      from += 32;
      to += 32;
    }
    store<u32>(toOffsets + ((<usize>r) << 2), load<u32>(pointOffsets + ((<usize>position) << 2)));
  }
}

/**
 * The square matrix K(W, W) of a working set of `count` positions (a multiple of eight), row-major: its upper right
 * half is computed, the other mirrored.
 */
export function kernelSquare(
  arithmetic: i32,
  words: i32,
  scale: f32,
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
  gatherRows(words, panels, pointOffsets, positions, count, rowGroups, rowOffsets);
  gatherPanels(words, panels, pointOffsets, positions, count, squarePanels, squareOffsets);
  const stride = (<usize>count) << 2;
  for (let r = 0; r < count; r += 4) {
    const firstPanel = r >> 3;
    const skipped = (<usize>firstPanel) << 5;
    const out = square + stride * r + skipped;
    kernelRows(
      arithmetic,
      words,
      scale,
      squarePanels + skipped * words,
      squareOffsets + skipped,
      (count >> 3) - firstPanel,
      rowGroups + (((<usize>r) * words) << 2),
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
