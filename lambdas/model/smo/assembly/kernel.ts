import { exp2 } from './exponential';

/** What makes a sum from the features of two points, as the host's `PointFormat` numbers it. */
const RBF: i32 = 0;
const LAPLACIAN: i32 = 1;

/** The same as types, so that each gets loops of its own that do not ask which. */
class Rbf {}
class Laplacian {}
class LaplacianUnits {}

/** Distances in units are known modulo 2¹⁷: a sum modulo 2¹⁶, counted twice. */
const UNITS_MASK: i32 = 0x1ffff;

/**
 * Kernel values of four rows against many points, as a register-blocked matrix product (Goto and van de Geijn 2008,
 * Anatomy of high-performance matrix multiplication).
 *
 * Points lie in panels of eight, `words` of 32 bits each: panel p holds word 0 of its eight points, then word 1, …, so
 * that two v128 loads bring one word of eight points. Rows lie in groups of four: word 0 of four rows, then word 1, …
 * The host has computed an offset for each. A word is a feature in single precision, scaled so that
 *   rbf:       log₂ K(a, b) = Σ a·b − offset(a) − offset(b),       offset(a) = ½‖a‖²
 *   laplacian: log₂ K(a, b) = Σ min(a, b) − offset(a) − offset(b), offset(a) = ½Σa
 * (|a − b| = a + b − 2 min(a, b): one operation and one sum for each feature, like a product). Or it is two features
 * that are 16-bit numbers of units, two sums in one lane, at half the work:
 *   laplacian: log₂ K(a, b) = −scale · (offset(a) + offset(b) − 2 Σ min(a, b)), offset(a) = Σa, in integers
 * Such sums may overflow: distances below 2¹⁷ units, which the host vouches for, come out exact all the same.
 *
 * Thirty-two values grow in registers while a word's six loads serve them all; the plain product of one row
 * with all points would wait for memory.
 */
export function kernelRows(
  arithmetic: i32,
  words: i32,
  scale: f32,
  panels: usize,
  pointOffsets: usize,
  panelCount: i32,
  rowGroup: usize,
  rowOffsets: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
  if (arithmetic == RBF) {
    blocks<Rbf>(words, scale, panels, pointOffsets, panelCount, rowGroup, rowOffsets, out0, out1, out2, out3);
  } else if (arithmetic == LAPLACIAN) {
    blocks<Laplacian>(words, scale, panels, pointOffsets, panelCount, rowGroup, rowOffsets, out0, out1, out2, out3);
  } else {
    blocks<LaplacianUnits>(
      words, scale, panels, pointOffsets, panelCount, rowGroup, rowOffsets, out0, out1, out2, out3,
    );
  }
}

function blocks<Arithmetic>(
  words: i32,
  scale: f32,
  x: usize,
  pointOffsets: usize,
  panelCount: i32,
  rowGroup: usize,
  rowOffsets: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
  const offset0 = v128.load32_splat(rowOffsets, 0);
  const offset1 = v128.load32_splat(rowOffsets, 4);
  const offset2 = v128.load32_splat(rowOffsets, 8);
  const offset3 = v128.load32_splat(rowOffsets, 12);
  const scales = f32x4.splat(-scale);
  for (let p = 0; p < panelCount; p++) {
    let a0 = i32x4.splat(0);
    let b0 = a0;
    let a1 = a0;
    let b1 = a0;
    let a2 = a0;
    let b2 = a0;
    let a3 = a0;
    let b3 = a0;
    let w = rowGroup;
    for (let k = 0; k < words; k++) {
      const left = v128.load(x);
      const right = v128.load(x, 16);
      let row = v128.load32_splat(w, 0);
      a0 = add<Arithmetic>(a0, row, left);
      b0 = add<Arithmetic>(b0, row, right);
      row = v128.load32_splat(w, 4);
      a1 = add<Arithmetic>(a1, row, left);
      b1 = add<Arithmetic>(b1, row, right);
      row = v128.load32_splat(w, 8);
      a2 = add<Arithmetic>(a2, row, left);
      b2 = add<Arithmetic>(b2, row, right);
      row = v128.load32_splat(w, 12);
      a3 = add<Arithmetic>(a3, row, left);
      b3 = add<Arithmetic>(b3, row, right);
      x += 32;
      w += 16;
    }
    const left = v128.load(pointOffsets);
    const right = v128.load(pointOffsets, 16);
    v128.store(out0, exp2(exponent<Arithmetic>(a0, left, offset0, scales)));
    v128.store(out0, exp2(exponent<Arithmetic>(b0, right, offset0, scales)), 16);
    v128.store(out1, exp2(exponent<Arithmetic>(a1, left, offset1, scales)));
    v128.store(out1, exp2(exponent<Arithmetic>(b1, right, offset1, scales)), 16);
    v128.store(out2, exp2(exponent<Arithmetic>(a2, left, offset2, scales)));
    v128.store(out2, exp2(exponent<Arithmetic>(b2, right, offset2, scales)), 16);
    v128.store(out3, exp2(exponent<Arithmetic>(a3, left, offset3, scales)));
    v128.store(out3, exp2(exponent<Arithmetic>(b3, right, offset3, scales)), 16);
    pointOffsets += 32;
    out0 += 32;
    out1 += 32;
    out2 += 32;
    out3 += 32;
  }
}

// @ts-ignore: decorator
@inline
function add<Arithmetic>(sum: v128, row: v128, points: v128): v128 {
  if (idof<Arithmetic>() == idof<LaplacianUnits>()) return i16x8.add(sum, i16x8.min_s(row, points));
  return f32x4.add(sum, idof<Arithmetic>() == idof<Laplacian>() ? f32x4.pmin(row, points) : f32x4.mul(row, points));
}

/** log₂ K of four points. */
// @ts-ignore: decorator
@inline
function exponent<Arithmetic>(sum: v128, points: v128, row: v128, scales: v128): v128 {
  if (idof<Arithmetic>() != idof<LaplacianUnits>()) return f32x4.sub(f32x4.sub(sum, points), row);
  const common = i32x4.dot_i16x8_s(sum, i16x8.splat(-2));
  const units = v128.and(i32x4.add(i32x4.add(common, points), row), i32x4.splat(UNITS_MASK));
  return f32x4.mul(f32x4.convert_i32x4_s(units), scales);
}
