/**
 * Paired comparison of two forecasts of the same hours, in blocks of time: weather has a memory of days, so hours are
 * not independent, and days or weeks nearly are. Gate, baselines, live skill and the provider's voice all judge by it.
 */

/** Losses of both sides over one block, added up over its hours. */
export interface BlockLoss {
  readonly hours: number;
  readonly candidate: number;
  readonly reference: number;
}

export interface Comparison {
  /** Mean loss of the reference less that of the candidate: positive where the candidate is better. */
  readonly improvement: number;
  /** Its standard error from the spread of the blocks; infinite with fewer than two of them. */
  readonly error: number;
  /** Mean loss of the reference. */
  readonly reference: number;
  readonly blocks: number;
  readonly hours: number;
}

/** Ratio estimate of the mean difference per hour: a block with fewer hours weighs less. */
export function compareBlocks(blocks: readonly BlockLoss[]): Comparison {
  const seen = blocks.filter(({ hours }) => hours > 0);
  const hours = sumOf(seen, (block) => block.hours);
  const difference = (block: BlockLoss) => block.reference - block.candidate;
  const improvement = hours === 0 ? 0 : sumOf(seen, difference) / hours;
  const squares = sumOf(seen, (block) => (difference(block) - improvement * block.hours) ** 2);
  const n = seen.length;
  return {
    improvement,
    error: n < 2 ? Number.POSITIVE_INFINITY : Math.sqrt((n / (n - 1)) * squares) / hours,
    reference: hours === 0 ? 0 : sumOf(seen, (block) => block.reference) / hours,
    blocks: n,
    hours,
  };
}

/**
 * Losses of hours, added up by block: `length` ms each, counted from `origin` (ms since the epoch) in both directions.
 * @param hours ms since the epoch of each loss, ascending.
 */
export function blocksOf(
  hours: Float64Array,
  candidateLoss: Float64Array,
  referenceLoss: Float64Array,
  { length, origin }: { readonly length: number; readonly origin: number },
): BlockLoss[] {
  const blocks = new Map<number, { hours: number; candidate: number; reference: number }>();
  hours.forEach((hour, i) => {
    const number = Math.floor((hour - origin) / length);
    const block = blocks.get(number) ?? { hours: 0, candidate: 0, reference: 0 };
    block.hours++;
    block.candidate += candidateLoss[i] ?? Number.NaN;
    block.reference += referenceLoss[i] ?? Number.NaN;
    blocks.set(number, block);
  });
  return [...blocks.values()];
}

/** Whether the candidate is better at a one-sided level, by Student's t over the blocks. */
export function isBetter(comparison: Comparison, level: number): boolean {
  return comparison.blocks > 1 && lowerBound(comparison, level) > 0;
}

/** Whether the candidate is worse at a one-sided level. */
export function isWorse(comparison: Comparison, level: number): boolean {
  return comparison.blocks > 1 && upperBound(comparison, level) < 0;
}

/** The improvement is above it but for the level, one-sided. */
export function lowerBound({ improvement, error, blocks }: Comparison, level: number): number {
  return blocks < 2 ? Number.NEGATIVE_INFINITY : improvement - studentQuantile(1 - level, blocks - 1) * error;
}

/** The improvement is below it but for the level, one-sided. */
export function upperBound({ improvement, error, blocks }: Comparison, level: number): number {
  return blocks < 2 ? Number.POSITIVE_INFINITY : improvement + studentQuantile(1 - level, blocks - 1) * error;
}

/** Level of each side of what pages and files say of a recipe beside a baseline. */
const VERDICT_LEVEL = 0.05;

/** A Brier score that is higher by no more than this share is as good for all purposes. */
const EQUIVALENCE_SHARE = 0.03;

export const VERDICTS = ['better', 'not worse by more than 3%', 'not decided', 'worse'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The comparison in one of four words. */
export function verdictOf(comparison: Comparison): Verdict {
  if (isBetter(comparison, VERDICT_LEVEL)) return 'better';
  if (isWorse(comparison, VERDICT_LEVEL)) return 'worse';
  const lower = lowerBound(comparison, VERDICT_LEVEL);
  return lower >= -EQUIVALENCE_SHARE * comparison.reference ? 'not worse by more than 3%' : 'not decided';
}

/** The improvement and its two-sided interval of 90%, as files and pages keep it; null where there is none. */
export function intervalOf(comparison: Comparison) {
  const { improvement, blocks } = comparison;
  const known = blocks > 1;
  return {
    improvement,
    lower: known ? lowerBound(comparison, VERDICT_LEVEL) : null,
    upper: known ? upperBound(comparison, VERDICT_LEVEL) : null,
    blocks,
  };
}

/** Where Student's t with `freedom` degrees of freedom lies below with probability `p` (0.5 ≤ p < 1). */
export function studentQuantile(p: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentProbability(high, freedom) < p) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (studentProbability(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return high;
}

/** P(T ≤ t) for t ≥ 0 and whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4). */
function studentProbability(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const central = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return (1 + central) / 2;
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
