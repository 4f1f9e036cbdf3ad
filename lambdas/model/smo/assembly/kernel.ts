import { exp2 } from './exponential';

/**
 * Kernel values of four rows against many points, as a register-blocked matrix product (Goto and van de Geijn 2008,
 * Anatomy of high-performance matrix multiplication).
 *
 * Points lie in panels of eight: panel p holds feature 0 of its eight points, then feature 1, …, so that two
 * v128 loads bring one feature of eight points. Rows lie in groups of four: feature 0 of four rows, then
 * feature 1, … The host has scaled both and computed an offset for each, so that
 *   rbf:       log₂ K(a, b) = Σ a·b − offset(a) − offset(b),       offset(a) = ½‖a‖²
 *   laplacian: log₂ K(a, b) = Σ min(a, b) − offset(a) − offset(b), offset(a) = ½Σa
 * (|a − b| = a + b − 2 min(a, b): one operation and one sum for each feature, like a product).
 * Thirty-two values grow in registers while a feature's six loads serve them all; the plain product of one row
 * with all points would wait for memory.
 */
export function kernelRows(
  laplacian: bool,
  dimension: i32,
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
  const offset0 = v128.load_splat<f32>(rowOffsets, 0);
  const offset1 = v128.load_splat<f32>(rowOffsets, 4);
  const offset2 = v128.load_splat<f32>(rowOffsets, 8);
  const offset3 = v128.load_splat<f32>(rowOffsets, 12);
  let x = panels;
  for (let p = 0; p < panelCount; p++) {
    let a0 = f32x4.splat(0);
    let b0 = a0;
    let a1 = a0;
    let b1 = a0;
    let a2 = a0;
    let b2 = a0;
    let a3 = a0;
    let b3 = a0;
    let w = rowGroup;
    if (laplacian) {
      for (let k = 0; k < dimension; k++) {
        const left = v128.load(x);
        const right = v128.load(x, 16);
        let row = v128.load_splat<f32>(w, 0);
        a0 = f32x4.add(a0, f32x4.pmin(row, left));
        b0 = f32x4.add(b0, f32x4.pmin(row, right));
        row = v128.load_splat<f32>(w, 4);
        a1 = f32x4.add(a1, f32x4.pmin(row, left));
        b1 = f32x4.add(b1, f32x4.pmin(row, right));
        row = v128.load_splat<f32>(w, 8);
        a2 = f32x4.add(a2, f32x4.pmin(row, left));
        b2 = f32x4.add(b2, f32x4.pmin(row, right));
        row = v128.load_splat<f32>(w, 12);
        a3 = f32x4.add(a3, f32x4.pmin(row, left));
        b3 = f32x4.add(b3, f32x4.pmin(row, right));
        x += 32;
        w += 16;
      }
    } else {
      for (let k = 0; k < dimension; k++) {
        const left = v128.load(x);
        const right = v128.load(x, 16);
        let row = v128.load_splat<f32>(w, 0);
        a0 = f32x4.add(a0, f32x4.mul(row, left));
        b0 = f32x4.add(b0, f32x4.mul(row, right));
        row = v128.load_splat<f32>(w, 4);
        a1 = f32x4.add(a1, f32x4.mul(row, left));
        b1 = f32x4.add(b1, f32x4.mul(row, right));
        row = v128.load_splat<f32>(w, 8);
        a2 = f32x4.add(a2, f32x4.mul(row, left));
        b2 = f32x4.add(b2, f32x4.mul(row, right));
        row = v128.load_splat<f32>(w, 12);
        a3 = f32x4.add(a3, f32x4.mul(row, left));
        b3 = f32x4.add(b3, f32x4.mul(row, right));
        x += 32;
        w += 16;
      }
    }
    const leftOffset = v128.load(pointOffsets);
    const rightOffset = v128.load(pointOffsets, 16);
    v128.store(out0, exp2(f32x4.sub(f32x4.sub(a0, leftOffset), offset0)));
    v128.store(out0, exp2(f32x4.sub(f32x4.sub(b0, rightOffset), offset0)), 16);
    v128.store(out1, exp2(f32x4.sub(f32x4.sub(a1, leftOffset), offset1)));
    v128.store(out1, exp2(f32x4.sub(f32x4.sub(b1, rightOffset), offset1)), 16);
    v128.store(out2, exp2(f32x4.sub(f32x4.sub(a2, leftOffset), offset2)));
    v128.store(out2, exp2(f32x4.sub(f32x4.sub(b2, rightOffset), offset2)), 16);
    v128.store(out3, exp2(f32x4.sub(f32x4.sub(a3, leftOffset), offset3)));
    v128.store(out3, exp2(f32x4.sub(f32x4.sub(b3, rightOffset), offset3)), 16);
    pointOffsets += 32;
    out0 += 32;
    out1 += 32;
    out2 += 32;
    out3 += 32;
  }
}
