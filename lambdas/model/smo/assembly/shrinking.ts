import { pointAddress } from './points';

/**
 * Shrinking (Joachims 1999; rule of Chang and Lin's LIBSVM, section 5.1): a row at its bound that could only take
 * part as the wrong half of a pair is left out until the rest is solved. Rows left out are moved behind the active
 * ones, so that all work runs over a dense front part.
 */

/**
 * Moves the rows to leave out behind the others. Returns how many stay active. `moves` gets the number of swaps,
 * then for each the active position and the left-out one: caches keyed by position follow with them.
 */
export function shrink(
  count: i32,
  words: i32,
  panels: usize,
  offsets: usize,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  index: usize,
  leastUp: f64,
  mostLow: f64,
  moves: usize,
): i32 {
  let pairs: u32 = 0;
  let end = count;
  for (let i = 0; i < end; i++) {
    if (!idle(i, f, beta, lower, upper, leastUp, mostLow)) continue;
    do end--;
    while (end > i && idle(end, f, beta, lower, upper, leastUp, mostLow));
    if (end <= i) break;
    swapPoints(words, panels, offsets, f, beta, lower, upper, index, i, end);
    const pair = moves + 4 + ((<usize>pairs) << 3);
    store<u32>(pair, i);
    store<u32>(pair + 4, end);
    pairs++;
  }
  store<u32>(moves, pairs);
  return end;
}

/** How many rows `shrink` would leave out. */
export function countIdle(
  count: i32,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  leastUp: f64,
  mostLow: f64,
): i32 {
  let found = 0;
  for (let i = 0; i < count; i++) {
    if (idle(i, f, beta, lower, upper, leastUp, mostLow)) found++;
  }
  return found;
}

// @ts-ignore: decorator
@inline
function idle(
  i: i32,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  leastUp: f64,
  mostLow: f64,
): bool {
  const o = (<usize>i) << 3;
  const value = load<f64>(f + o);
  const b = load<f64>(beta + o);
  if (b == load<f64>(lower + o)) return value > mostLow;
  if (b == load<f64>(upper + o)) return value < leastUp;
  return false;
}

function swapPoints(
  words: i32,
  panels: usize,
  offsets: usize,
  f: usize,
  beta: usize,
  lower: usize,
  upper: usize,
  index: usize,
  a: u32,
  b: u32,
): void {
  let pa = pointAddress(panels, words, a);
  let pb = pointAddress(panels, words, b);
  for (let k = 0; k < words; k++) {
    swap<u32>(pa, pb);
    pa += 32;
    pb += 32;
  }
  const a4 = (<usize>a) << 2;
  const b4 = (<usize>b) << 2;
  swap<u32>(offsets + a4, offsets + b4);
  swap<u32>(index + a4, index + b4);
  const a8 = (<usize>a) << 3;
  const b8 = (<usize>b) << 3;
  swap<f64>(f + a8, f + b8);
  swap<f64>(beta + a8, beta + b8);
  swap<f64>(lower + a8, lower + b8);
  swap<f64>(upper + a8, upper + b8);
}

// @ts-ignore: decorator
@inline
function swap<T>(a: usize, b: usize): void {
  const held = load<T>(a);
  store<T>(a, load<T>(b));
  store<T>(b, held);
}

/** Brings the columns of one cached kernel row in line with the moves of `shrink`. */
export function swapColumns(row: usize, moves: usize): void {
  const pairs = load<u32>(moves);
  for (let p: u32 = 0; p < pairs; p++) {
    const pair = moves + 4 + ((<usize>p) << 3);
    swap<f32>(row + ((<usize>load<u32>(pair)) << 2), row + ((<usize>load<u32>(pair + 4)) << 2));
  }
}
