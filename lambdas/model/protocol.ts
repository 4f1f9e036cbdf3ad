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

const DEVELOPMENT_SHARE = 0.8;
const FOLDS = 4;
/** Where years precede what is measured, a fold more changes little of what a classifier knows, and takes as long as a recipe more. */
const LONG_HISTORY_ROWS = 30_000;
const FOLDS_OF_LONG_HISTORY = 2;
/** Share of the development part that the first fold trains on at least; the rest is measured on in equal parts. */
const FIRST_TRAINING_SHARE = 0.3;
/** Rows that are measured on at most, the newest: beyond two to three years, more would only cost time. */
const MEASURED_ROWS = 24_000;
export interface Split {
  readonly development: RowRange;
  readonly test: RowRange;
}

export interface Fold {
  readonly training: RowRange;
  readonly validation: RowRange;
}

/**
 * Oldest 80% of the rows for development, newest 20% for the test, less the development rows within
 * EMBARGO_HOURS of the first test hour.
 * Called by search, test and refit alike, so that all speak of the same hours.
 */
export function splitDevelopmentTest(set: Pick<TrainingSet, 'hours'>): Split {
  const start = Math.floor(set.hours.length * DEVELOPMENT_SHARE);
  return {
    development: { start: 0, end: endBeforeEmbargo(set.hours, start) },
    test: { start, end: set.hours.length },
  };
}

/**
 * Expanding-window folds of a range, in time order: each trains on everything before its validation part less
 * the embargo. The first part is only trained on. A fold whose training rows are of one class is left out: where a year
 * begins with its dry season, the folds begin after it.
 */
export function expandingFolds({ hours, y }: Pick<TrainingSet, 'hours' | 'y'>, range: RowRange): Fold[] {
  const length = range.end - range.start;
  const measured = Math.min(length * (1 - FIRST_TRAINING_SHARE), MEASURED_ROWS);
  const folds = length > LONG_HISTORY_ROWS ? FOLDS_OF_LONG_HISTORY : FOLDS;
  const edge = (fold: number) => range.end - Math.floor((measured * (folds - fold)) / folds);
  return Array.from({ length: folds }, (_, fold) => ({
    training: { start: range.start, end: endBeforeEmbargo(hours, edge(fold)) },
    validation: { start: edge(fold), end: edge(fold + 1) },
  })).filter(({ training, validation }) => {
    const labels = y.subarray(training.start, training.end);
    return labels.includes(0) && labels.includes(1) && validation.end > validation.start;
  });
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
