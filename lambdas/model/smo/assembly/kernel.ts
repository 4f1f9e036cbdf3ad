import { exp2 } from './exponential';

/**
 * Kernel values of four rows against many points, as a register-blocked matrix product.
 *
 * Points lie in panels of eight: panel p holds feature 0 of its eight points, then feature 1, …, so that two
 * v128 loads bring one feature of eight points. Rows lie in groups of four: feature 0 of four rows, then
 * feature 1, … Both are scaled by the host so that
 *   rbf:       log2 K(a, b) = a·b − ½‖a‖² − ½‖b‖²
 *   laplacian: log2 K(a, b) = −Σ |a − b|
 * A value is computed once in four lanes for every eight loads, which keeps both vector units busy where the
 * plain row-times-matrix product waits for memory.
 */
export function kernelRows(
  laplacian: bool,
  dimension: i32,
  panels: usize,
  pointNorms: usize,
  panelCount: i32,
  rowGroup: usize,
  rowNorms: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
  if (laplacian) laplacianRows(dimension, panels, panelCount, rowGroup, out0, out1, out2, out3);
  else rbfRows(dimension, panels, pointNorms, panelCount, rowGroup, rowNorms, out0, out1, out2, out3);
}

function rbfRows(
  dimension: i32,
  panels: usize,
  pointNorms: usize,
  panelCount: i32,
  rowGroup: usize,
  rowNorms: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
  const norm0 = v128.load_splat<f32>(rowNorms, 0);
  const norm1 = v128.load_splat<f32>(rowNorms, 4);
  const norm2 = v128.load_splat<f32>(rowNorms, 8);
  const norm3 = v128.load_splat<f32>(rowNorms, 12);
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
    const leftNorm = v128.load(pointNorms);
    const rightNorm = v128.load(pointNorms, 16);
    v128.store(out0, exp2(f32x4.sub(f32x4.sub(a0, leftNorm), norm0)));
    v128.store(out0, exp2(f32x4.sub(f32x4.sub(b0, rightNorm), norm0)), 16);
    v128.store(out1, exp2(f32x4.sub(f32x4.sub(a1, leftNorm), norm1)));
    v128.store(out1, exp2(f32x4.sub(f32x4.sub(b1, rightNorm), norm1)), 16);
    v128.store(out2, exp2(f32x4.sub(f32x4.sub(a2, leftNorm), norm2)));
    v128.store(out2, exp2(f32x4.sub(f32x4.sub(b2, rightNorm), norm2)), 16);
    v128.store(out3, exp2(f32x4.sub(f32x4.sub(a3, leftNorm), norm3)));
    v128.store(out3, exp2(f32x4.sub(f32x4.sub(b3, rightNorm), norm3)), 16);
    pointNorms += 32;
    out0 += 32;
    out1 += 32;
    out2 += 32;
    out3 += 32;
  }
}

function laplacianRows(
  dimension: i32,
  panels: usize,
  panelCount: i32,
  rowGroup: usize,
  out0: usize,
  out1: usize,
  out2: usize,
  out3: usize,
): void {
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
    for (let k = 0; k < dimension; k++) {
      const left = v128.load(x);
      const right = v128.load(x, 16);
      let row = v128.load_splat<f32>(w, 0);
      a0 = f32x4.sub(a0, f32x4.abs(f32x4.sub(row, left)));
      b0 = f32x4.sub(b0, f32x4.abs(f32x4.sub(row, right)));
      row = v128.load_splat<f32>(w, 4);
      a1 = f32x4.sub(a1, f32x4.abs(f32x4.sub(row, left)));
      b1 = f32x4.sub(b1, f32x4.abs(f32x4.sub(row, right)));
      row = v128.load_splat<f32>(w, 8);
      a2 = f32x4.sub(a2, f32x4.abs(f32x4.sub(row, left)));
      b2 = f32x4.sub(b2, f32x4.abs(f32x4.sub(row, right)));
      row = v128.load_splat<f32>(w, 12);
      a3 = f32x4.sub(a3, f32x4.abs(f32x4.sub(row, left)));
      b3 = f32x4.sub(b3, f32x4.abs(f32x4.sub(row, right)));
      x += 32;
      w += 16;
    }
    v128.store(out0, exp2(a0));
    v128.store(out0, exp2(b0), 16);
    v128.store(out1, exp2(a1));
    v128.store(out1, exp2(b1), 16);
    v128.store(out2, exp2(a2));
    v128.store(out2, exp2(b2), 16);
    v128.store(out3, exp2(a3));
    v128.store(out3, exp2(b3), 16);
    out0 += 32;
    out1 += 32;
    out2 += 32;
    out3 += 32;
  }
}
