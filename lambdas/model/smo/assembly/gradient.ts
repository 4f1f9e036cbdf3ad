import { kernelRows } from './kernel';

/**
 * Points worked on at a time. Their panels stay in the second-level cache; of each kernel row a page is written or read at
 * once, since short pieces of many rows wait for memory longer than their values take to compute.
 */
const CHUNK_PANELS: i32 = 128;

/** Of the values of one row for these points. */
const CHUNK_BYTES: usize = (<usize>CHUNK_PANELS) << 5;

/**
 * f(x) += Σ_r coefficient_r · K(row_r, x) for all points x: the gradient update after a subproblem (Joachims 1999), the
 * reconstruction of a gradient, and the decision function are all this sum.
 *
 * There may be several sums over the same kernel values, each with coefficients of its own: the members of an ensemble.
 * They lie one after the other, `sumBytes` and `coefficientBytes` apart.
 *
 * Rows come in groups of four. `rowValues` has a pointer for each row: the row's slot in the kernel cache, or 0
 * when there is no room for it. The first `freshGroups` groups are computed (and left in their slots), the
 * others are read from the cache.
 */
export function addKernelRows(
  arithmetic: i32,
  words: i32,
  scale: f32,
  panels: usize,
  pointOffsets: usize,
  panelCount: i32,
  f: usize,
  rowGroups: usize,
  rowOffsets: usize,
  coefficients: usize,
  rowValues: usize,
  freshGroups: i32,
  allGroups: i32,
  scratch: usize,
  sums: i32,
  sumBytes: usize,
  coefficientBytes: usize,
): void {
  const groupBytes = (<usize>words) << 4;
  for (let start = 0; start < panelCount; start += CHUNK_PANELS) {
    const count = min(CHUNK_PANELS, panelCount - start);
    const offset = (<usize>start) << 5;
    const x = panels + offset * words;
    const offsets = pointOffsets + offset;
    const target = f + (offset << 1);
    for (let g = 0; g < allGroups; g++) {
      const pointers = rowValues + ((<usize>g) << 4);
      const k0 = rowChunk(pointers, offset, scratch);
      const k1 = rowChunk(pointers + 4, offset, scratch + CHUNK_BYTES);
      const k2 = rowChunk(pointers + 8, offset, scratch + 2 * CHUNK_BYTES);
      const k3 = rowChunk(pointers + 12, offset, scratch + 3 * CHUNK_BYTES);
      const lanes = (<usize>g) << 4;
      if (g < freshGroups) {
        const group = rowGroups + groupBytes * g;
        kernelRows(arithmetic, words, scale, x, offsets, count, group, rowOffsets + lanes, k0, k1, k2, k3);
      }
      for (let s = 0; s < sums; s++) {
        addScaled(target + sumBytes * s, count, coefficients + lanes + coefficientBytes * s, k0, k1, k2, k3);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function rowChunk(pointer: usize, offset: usize, scratch: usize): usize {
  const row = <usize>load<u32>(pointer);
  return row == 0 ? scratch : row + offset;
}

/** target += c₀k₀ + c₁k₁ + c₂k₂ + c₃k₃: four products are summed in single precision, all sums in double. */
function addScaled(
  target: usize,
  panelCount: i32,
  coefficients: usize,
  k0: usize,
  k1: usize,
  k2: usize,
  k3: usize,
): void {
  const c0 = v128.load_splat<f32>(coefficients, 0);
  const c1 = v128.load_splat<f32>(coefficients, 4);
  const c2 = v128.load_splat<f32>(coefficients, 8);
  const c3 = v128.load_splat<f32>(coefficients, 12);
  for (let p = panelCount << 1; p > 0; p--) {
    const sum = f32x4.add(
      f32x4.add(f32x4.mul(c0, v128.load(k0)), f32x4.mul(c1, v128.load(k1))),
      f32x4.add(f32x4.mul(c2, v128.load(k2)), f32x4.mul(c3, v128.load(k3))),
    );
    const high = v128.shuffle<f32>(sum, sum, 2, 3, 2, 3);
    v128.store(target, f64x2.add(v128.load(target), f64x2.promote_low_f32x4(sum)));
    v128.store(target, f64x2.add(v128.load(target, 16), f64x2.promote_low_f32x4(high)), 16);
    target += 32;
    k0 += 16;
    k1 += 16;
    k2 += 16;
    k3 += 16;
  }
}
