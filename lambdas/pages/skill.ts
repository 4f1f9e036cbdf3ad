import type { VerificationWindow } from './recent';
import { count, skillPercent } from './words';

/** Verified hours, and rain hours among them, below which skill says nothing yet. */
const HOURS_TO_JUDGE = 7 * 24;
const RAIN_HOURS_TO_JUDGE = 10;

/** Whether skill rests on enough hours and enough rain: over dry weeks both sides' errors are next to nothing. */
export function skillIsJudged({
  hours,
  rainHours,
}: Pick<VerificationWindow, 'hours' | 'rainHours'>): boolean {
  return hours >= HOURS_TO_JUDGE && rainHours >= RAIN_HOURS_TO_JUDGE;
}

/** Skill of a window as the index says it: the figure, or why there is none. */
export function skillInWords(
  month: Pick<VerificationWindow, 'hours' | 'rainHours' | 'skill'> | null,
): string {
  if (month === null || month.hours === 0) return 'too early';
  if (month.hours < HOURS_TO_JUDGE) return `too early: ${month.hours} h`;
  if (!skillIsJudged(month) || month.skill === null) {
    return `too little rain: ${count(month.rainHours, 'hour')}`;
  }
  return skillPercent(month.skill);
}
