/**
 * Choice of the working set: the steepest feasible direction with few non-zero entries (Joachims 1999), which are the
 * rows that violate the optimality indicator of Keerthi et al. 2001 most. First order does here; which pair of them
 * moves is chosen by second order (`subproblem.ts`).
 *
 * With β = yα each row has a box [lower, upper] and f = Σ βK − y. A row may grow (is in I_up) while β < upper, and
 * shrink (is in I_low) while β > lower. At the optimum no row that may grow has a smaller f than a row that may
 * shrink; the largest violation of that, max f(I_low) − min f(I_up), is what training drives below the tolerance.
 */

/** Writes min f over I_up and max f over I_low as two doubles to `out`. */
export function violation(
  count: i32,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  out: usize,
): void {
  let least = f64x2.splat(Infinity);
  let most = f64x2.splat(-Infinity);
  const bytes = (<usize>(count & ~1)) << 3;
  for (let o: usize = 0; o < bytes; o += 16) {
    const value = v128.load(f + o);
    const b = v128.load(beta + o);
    const up = f64x2.lt(b, v128.load(upper + o));
    const low = f64x2.gt(b, v128.load(lower + o));
    least = f64x2.pmin(least, v128.bitselect(value, f64x2.splat(Infinity), up));
    most = f64x2.pmax(most, v128.bitselect(value, f64x2.splat(-Infinity), low));
  }
  let leastUp = min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1));
  let mostLow = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
  if (count & 1) {
    const value = load<f64>(f + bytes);
    const b = load<f64>(beta + bytes);
    if (b < load<f64>(upper + bytes)) leastUp = min(leastUp, value);
    if (b > load<f64>(lower + bytes)) mostLow = max(mostLow, value);
  }
  store<f64>(out, leastUp);
  store<f64>(out + 8, mostLow);
}

/**
 * Appends to `chosen` up to `perSide` rows of I_up with the smallest f and as many of I_low with the largest,
 * among those that violate optimality and are not marked; marks them. Returns how many were added.
 */
export function selectViolators(
  count: i32,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  leastUp: f64,
  mostLow: f64,
  marks: usize,
  perSide: i32,
  chosen: usize,
  heap: usize,
): i32 {
  let added = selectSide(count, f, beta, upper, 1, mostLow, marks, perSide, chosen, heap);
  added += selectSide(
    count, f, beta, lower, -1, -leastUp, marks, perSide, chosen + ((<usize>added) << 2), heap,
  );
  return added;
}

/** The `size` smallest keys (sign · f) of one side, kept in a heap with the largest of them on top. */
function selectSide(
  count: i32,
  f: usize,
  beta: usize,
  bound: usize,
  sign: f64,
  limit: f64,
  marks: usize,
  size: i32,
  chosen: usize,
  heap: usize,
): i32 {
  let held = 0;
  let worst = limit;
  for (let i = 0; i < count; i++) {
    const o = (<usize>i) << 3;
    const key = sign * load<f64>(f + o);
    if (key >= worst) continue;
    if (load<f64>(beta + o) == load<f64>(bound + o) || load<u8>(marks + i) != 0) continue;
    if (held < size) {
      siftUp(heap, chosen, held++, key, i);
    } else {
      siftDown(heap, chosen, held, key, i);
    }
    if (held == size) worst = load<f64>(heap);
  }
  for (let r = 0; r < held; r++) store<u8>(marks + load<u32>(chosen + ((<usize>r) << 2)), 1);
  return held;
}

function siftUp(keys: usize, rows: usize, slot: i32, key: f64, row: u32): void {
  while (slot > 0) {
    const parent = (slot - 1) >> 1;
    const parentKey = load<f64>(keys + ((<usize>parent) << 3));
    if (parentKey >= key) break;
    store<f64>(keys + ((<usize>slot) << 3), parentKey);
    store<u32>(rows + ((<usize>slot) << 2), load<u32>(rows + ((<usize>parent) << 2)));
    slot = parent;
  }
  store<f64>(keys + ((<usize>slot) << 3), key);
  store<u32>(rows + ((<usize>slot) << 2), row);
}

function siftDown(keys: usize, rows: usize, size: i32, key: f64, row: u32): void {
  let slot = 0;
  while (true) {
    let child = 2 * slot + 1;
    if (child >= size) break;
    let childKey = load<f64>(keys + ((<usize>child) << 3));
    if (child + 1 < size) {
      const otherKey = load<f64>(keys + ((<usize>(child + 1)) << 3));
      if (otherKey > childKey) {
        childKey = otherKey;
        child++;
      }
    }
    if (childKey <= key) break;
    store<f64>(keys + ((<usize>slot) << 3), childKey);
    store<u32>(rows + ((<usize>slot) << 2), load<u32>(rows + ((<usize>child) << 2)));
    slot = child;
  }
  store<f64>(keys + ((<usize>slot) << 3), key);
  store<u32>(rows + ((<usize>slot) << 2), row);
}
