import { HOUR_MS } from '../runtime/time';
import { FEATURE_LOOKBACK_HOURS, HORIZON_HOURS } from './features';
import type { TrainingSet } from './training-set';

/** Rows `start` (inclusive) to `end` (exclusive) of a training set. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Hours that training keeps away from what it is measured on: a feature or label of one side never sees the other. */
export const EMBARGO_HOURS = FEATURE_LOOKBACK_HOURS + HORIZON_HOURS;

const TEST_SHARE = 0.2;
/**
 * Folds by the rows that a range has at most; one of a longer range. Where years precede what is measured, a fold more
 * changes little of what a classifier knows, and takes as long as a recipe more.
 */
const FOLDS = [
  { rows: 30_000, folds: 4 },
  { rows: 90_000, folds: 2 },
] as const;
/** Share of the development part that the first fold trains on at least; the weeks after it are measured on. */
const FIRST_TRAINING_SHARE = 0.3;
/** Rows that are measured on at most, the newest: beyond two to three years, more would only cost time. */
const MEASURED_ROWS = 24_000;
export const WEEK_MS = 168 * HOUR_MS;

export interface Split {
  readonly development: RowRange;
  readonly test: RowRange;
}

export interface Fold {
  readonly training: RowRange;
  readonly validation: RowRange;
}

/**
 * Number of the week that an hour belongs to. Weeks are counted back from the end of the newest hour, which ends week
 * −1: so the newest week is whole, whatever day it is.
 */
export function weekOf({ hours }: Pick<TrainingSet, 'hours'>, hour: number): number {
  return Math.floor((hour - endOf(hours)) / WEEK_MS);
}

/** End of the newest hour: where weeks are counted from. */
export function endOf(hours: Float64Array): number {
  return (hours[hours.length - 1] ?? 0) + HOUR_MS;
}

/**
 * The newest whole weeks that come nearest to 20% of the rows for the test, the rows before for development, less those
 * within EMBARGO_HOURS of the first test hour.
 * Called by search, test and refit alike, so that all speak of the same hours.
 */
export function splitDevelopmentTest(set: Pick<TrainingSet, 'hours'>): Split {
  const rows = set.hours.length;
  const starts = weekStarts(set, { start: 0, end: rows }).reverse();
  const wanted = TEST_SHARE * rows;
  const start = starts.reduce(
    (best, candidate) =>
      Math.abs(rows - candidate - wanted) < Math.abs(rows - best - wanted) ? candidate : best,
    starts[0] ?? 0,
  );
  return {
    development: { start: 0, end: endBeforeEmbargo(set.hours, start) },
    test: { start, end: rows },
  };
}

/**
 * Expanding-window folds of a range, in time order, which end where weeks end: each trains on everything before its
 * weeks less the embargo. The first weeks are only trained on. A fold whose training rows are of one class is left out:
 * where a year begins with its dry season, the folds begin after it.
 */
export function expandingFolds(set: Pick<TrainingSet, 'hours' | 'y'>, range: RowRange): Fold[] {
  const length = range.end - range.start;
  const first = Math.max(range.start + length * FIRST_TRAINING_SHARE, range.end - MEASURED_ROWS);
  const starts = weekStarts(set, range).filter((start) => start >= first);
  const wanted = FOLDS.find(({ rows }) => length <= rows)?.folds ?? 1;
  const folds = Math.min(wanted, starts.length);
  const edge = (fold: number) => starts[Math.floor((fold * starts.length) / folds)] ?? range.end;
  return Array.from({ length: folds }, (_, fold) => ({
    training: { start: range.start, end: endBeforeEmbargo(set.hours, edge(fold)) },
    validation: { start: edge(fold), end: edge(fold + 1) },
  })).filter(({ training }) => {
    const labels = set.y.subarray(training.start, training.end);
    return labels.includes(0) && labels.includes(1);
  });
}

/** The first row of each week of a range, but for a week that begins before it. */
function weekStarts(set: Pick<TrainingSet, 'hours'>, range: RowRange): number[] {
  const starts: number[] = [];
  for (let i = range.start; i < range.end; i++) {
    const week = weekOf(set, set.hours[i] ?? 0);
    const before = i > 0 ? weekOf(set, set.hours[i - 1] ?? 0) : week;
    if (week !== before) starts.push(i);
  }
  return starts;
}

/** The row after the last one that lies more than the embargo before row `start`. */
function endBeforeEmbargo(hours: Float64Array, start: number): number {
  const limit = (hours[start] ?? Number.POSITIVE_INFINITY) - EMBARGO_HOURS * HOUR_MS;
  let end = start;
  while (end > 0 && (hours[end - 1] ?? Number.NEGATIVE_INFINITY) >= limit) {
    end--;
  }
  return end;
}
