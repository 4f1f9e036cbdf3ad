/** Rows whose products are added at a time, as the host's `CHUNK`. */
const CHUNK_BYTES: usize = 64 << 3;

/**
 * Adds the products of a chunk's inputs to `sums`, a square of `inputs` rows in double precision: the lower triangle, and
 * some of what lies above it. The values of one input stand together; the number of inputs is a multiple of four.
 * `logistic.ts` does the same where there is no SIMD.
 */
export function addProducts(sums: usize, values: usize, inputs: i32): void {
  const rowBytes = (<usize>inputs) << 3;
  for (let j = 0; j < inputs; j += 2) {
    const left = values + CHUNK_BYTES * j;
    for (let k = 0; k <= j; k += 4) {
      const right = values + CHUNK_BYTES * k;
      let a0 = f64x2.splat(0);
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      let b0 = a0;
      let b1 = a0;
      let b2 = a0;
      let b3 = a0;
      for (let o: usize = 0; o < CHUNK_BYTES; o += 16) {
        const a = v128.load(left + o);
        const b = v128.load(left + o, CHUNK_BYTES);
        const c = v128.load(right + o);
        const d = v128.load(right + o, CHUNK_BYTES);
        const e = v128.load(right + o, 2 * CHUNK_BYTES);
        const f = v128.load(right + o, 3 * CHUNK_BYTES);
        a0 = f64x2.add(a0, f64x2.mul(a, c));
        a1 = f64x2.add(a1, f64x2.mul(a, d));
        a2 = f64x2.add(a2, f64x2.mul(a, e));
        a3 = f64x2.add(a3, f64x2.mul(a, f));
        b0 = f64x2.add(b0, f64x2.mul(b, c));
        b1 = f64x2.add(b1, f64x2.mul(b, d));
        b2 = f64x2.add(b2, f64x2.mul(b, e));
        b3 = f64x2.add(b3, f64x2.mul(b, f));
      }
      const to = sums + rowBytes * j + ((<usize>k) << 3);
      addPairs(to, a0, a1);
      addPairs(to + 16, a2, a3);
      addPairs(to + rowBytes, b0, b1);
      addPairs(to + rowBytes + 16, b2, b3);
    }
  }
}

/** Two neighbouring sums, each in two halves. */
// @ts-ignore: decorator
@inline
function addPairs(to: usize, first: v128, second: v128): void {
  const halves = f64x2.add(v128.shuffle<f64>(first, second, 0, 2), v128.shuffle<f64>(first, second, 1, 3));
  v128.store(to, f64x2.add(v128.load(to), halves));
}
