import { compareBlocks, isWorse } from './comparison';

/** One day of a place: forecasts that could be held against a rival, and what both sides lost. */
export interface LiveDay {
  readonly hours: number;
  readonly rainHours: number;
  /** Squared errors, added up over the hours that both spoke of. */
  readonly squaredError: number;
  readonly rivalSquaredError: number;
}

/** Days that skill is judged over: long enough to hold several rains, short enough to notice within weeks. */
export const SKILL_DAYS = 28;

/** Rainy days and rain hours without which nothing is said: a dry month proves nothing. */
const MINIMUM_RAINY_DAYS = 4;
const MINIMUM_RAIN_HOURS = 10;

/**
 * One-sided level of each day's judgement. It is asked every day of overlapping weeks, so it is small: a champion that is
 * just as good as persistence is called worse less than once a year (simulated in the test).
 */
const SKILL_LEVEL = 0.002;

/**
 * Whether a champion's own live forecasts are worse than persistence beyond doubt: worth a retraining. Upkeep asks it
 * once a day; it is the comparison that the gate uses, in daily blocks.
 * @param days the last SKILL_DAYS days; days without a verified forecast may be missing.
 */
export function hasLostSkill(days: readonly LiveDay[]): boolean {
  return (
    days.filter(({ rainHours }) => rainHours > 0).length >= MINIMUM_RAINY_DAYS &&
    days.reduce((sum, { rainHours }) => sum + rainHours, 0) >= MINIMUM_RAIN_HOURS &&
    isWorse(compareDays(days), SKILL_LEVEL)
  );
}

/** Paired by days: weather has a memory of less. */
export function compareDays(days: readonly LiveDay[]) {
  return compareBlocks(
    days.map(({ hours, squaredError, rivalSquaredError }) => ({
      hours,
      candidate: squaredError,
      reference: rivalSquaredError,
    })),
  );
}
