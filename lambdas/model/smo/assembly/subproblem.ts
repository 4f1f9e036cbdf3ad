/**
 * Sequential minimal optimisation (Platt 1998) of a working set whose kernel matrix is at hand, the rest of the
 * multipliers being fixed; the pair is chosen with second-order information (Fan, Chen and Lin 2005, WSS 2).
 *
 * Each round moves β_i up and β_j down by the same λ, so Σβ = 0 stays. In one pass over the working set f is brought
 * up to date and the next i found; a second pass finds j.
 */

/** Curvature used where a pair of equal rows has none (LIBSVM's τ). */
const TAU: f64 = 1e-12;

/**
 * Arrays have `count` doubles (a multiple of eight; padding has an empty box). `square` is the kernel matrix,
 * row-major floats; `can` is scratch for 3 × count doubles. `beta` and `f` are changed in place.
 * Stops when the violation within the set is at most `tolerance`, or after `maxRounds`. Returns the rounds done.
 */
export function solveSubproblem(
  count: i32,
  square: usize,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  can: usize,
  tolerance: f64,
  maxRounds: i32,
): i32 {
  const bytes = (<usize>count) << 3;
  const stride = (<usize>count) << 2;
  const canUp = can;
  const canLow = can + bytes;
  // K(x, x) is 1, but not to the last bit of what single precision made of it: the pair's curvature is of these values.
  const diagonal = canLow + bytes;
  for (let r = 0; r < count; r++) {
    const k = load<f32>(square + stride * <usize>r + ((<usize>r) << 2));
    store<f64>(diagonal + ((<usize>r) << 3), <f64>k);
  }
  for (let o: usize = 0; o < bytes; o += 16) {
    const b = v128.load(beta + o);
    v128.store(canUp + o, f64x2.lt(b, v128.load(upper + o)));
    v128.store(canLow + o, f64x2.gt(b, v128.load(lower + o)));
  }

  const infinity = f64x2.splat(Infinity);
  const first = i64x2(0, 1);
  let lambda: f64 = 0;
  let rowI = square;
  let rowJ = square;
  let round = 0;
  while (true) {
    // f += λ(K_i − K_j); i = argmin f over I_up.
    const step = f64x2.splat(lambda);
    let least = infinity;
    let leastAt = first;
    let at = first;
    for (let o: usize = 0; o < bytes; o += 32) {
      const change = f32x4.sub(v128.load(rowI + (o >> 1)), v128.load(rowJ + (o >> 1)));
      const left = f64x2.add(v128.load(f + o), f64x2.mul(step, f64x2.promote_low_f32x4(change)));
      const right = f64x2.add(
        v128.load(f + o, 16),
        f64x2.mul(step, f64x2.promote_low_f32x4(v128.shuffle<f32>(change, change, 2, 3, 2, 3))),
      );
      v128.store(f + o, left);
      v128.store(f + o, right, 16);
      let candidate = v128.bitselect(left, infinity, v128.load(canUp + o));
      let better = f64x2.lt(candidate, least);
      least = v128.bitselect(candidate, least, better);
      leastAt = v128.bitselect(at, leastAt, better);
      at = i64x2.add(at, i64x2.splat(2));
      candidate = v128.bitselect(right, infinity, v128.load(canUp + o, 16));
      better = f64x2.lt(candidate, least);
      least = v128.bitselect(candidate, least, better);
      leastAt = v128.bitselect(at, leastAt, better);
      at = i64x2.add(at, i64x2.splat(2));
    }
    const firstBetter = f64x2.extract_lane(least, 0) <= f64x2.extract_lane(least, 1);
    const fi = firstBetter ? f64x2.extract_lane(least, 0) : f64x2.extract_lane(least, 1);
    const i = firstBetter ? i64x2.extract_lane(leastAt, 0) : i64x2.extract_lane(leastAt, 1);
    if (fi == Infinity || round == maxRounds) return round;

    // j = argmax (f_j − f_i)² / (K_ii + K_jj − 2K_ij) over I_low with f_j > f_i.
    rowI = square + stride * <usize>i;
    const fis = f64x2.splat(fi);
    const kii = load<f64>(diagonal + ((<usize>i) << 3));
    const kiis = f64x2.splat(kii);
    let mostLow = f64x2.splat(0);
    let gain = f64x2.splat(0);
    let gainAt = first;
    at = first;
    for (let o: usize = 0; o < bytes; o += 16) {
      const low = v128.load(canLow + o);
      const difference = v128.and(f64x2.sub(v128.load(f + o), fis), low);
      mostLow = f64x2.pmax(mostLow, difference);
      const positive = f64x2.pmax(difference, f64x2.splat(0));
      const k = f64x2.promote_low_f32x4(v128.load64_zero(rowI + (o >> 1)));
      const curvature = f64x2.pmax(
        f64x2.sub(f64x2.add(kiis, v128.load(diagonal + o)), f64x2.add(k, k)),
        f64x2.splat(TAU),
      );
      const candidate = f64x2.div(f64x2.mul(positive, positive), curvature);
      const better = f64x2.gt(candidate, gain);
      gain = v128.bitselect(candidate, gain, better);
      gainAt = v128.bitselect(at, gainAt, better);
      at = i64x2.add(at, i64x2.splat(2));
    }
    if (max(f64x2.extract_lane(mostLow, 0), f64x2.extract_lane(mostLow, 1)) <= tolerance) return round;
    const firstGains = f64x2.extract_lane(gain, 0) >= f64x2.extract_lane(gain, 1);
    const j = firstGains ? i64x2.extract_lane(gainAt, 0) : i64x2.extract_lane(gainAt, 1);
    rowJ = square + stride * <usize>j;

    // The two-variable problem in closed form, clipped to both boxes.
    const oi = (<usize>i) << 3;
    const oj = (<usize>j) << 3;
    const kjj = load<f64>(diagonal + ((<usize>j) << 3));
    const curvature = max(kii + kjj - 2 * <f64>load<f32>(rowI + (<usize>j << 2)), TAU);
    const betaI = load<f64>(beta + oi);
    const betaJ = load<f64>(beta + oj);
    const roomI = load<f64>(upper + oi) - betaI;
    const roomJ = betaJ - load<f64>(lower + oj);
    lambda = min((load<f64>(f + oj) - fi) / curvature, min(roomI, roomJ));
    // Bounds are met exactly, not up to rounding: whether a multiplier is at its bound decides the two sets.
    store<f64>(beta + oi, lambda == roomI ? load<f64>(upper + oi) : betaI + lambda);
    store<f64>(beta + oj, lambda == roomJ ? load<f64>(lower + oj) : betaJ - lambda);
    markSides(beta, lower, upper, canUp, canLow, oi);
    markSides(beta, lower, upper, canUp, canLow, oj);
    round++;
  }
  return round;
}

// @ts-ignore: decorator
@inline
function markSides(beta: usize, lower: usize, upper: usize, canUp: usize, canLow: usize, o: usize): void {
  const b = load<f64>(beta + o);
  store<i64>(canUp + o, b < load<f64>(upper + o) ? -1 : 0);
  store<i64>(canLow + o, b > load<f64>(lower + o) ? -1 : 0);
}
