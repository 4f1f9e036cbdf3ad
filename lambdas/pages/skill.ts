import type { VerificationWindow } from './recent';
import { count, percent, skillPercent } from './words';

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

/**
 * How the forecasts of some places stand to the provider's own, recalibrated; undefined where it has not been known for
 * a week of hours with rain anywhere.
 */
export function besideProvider(windows: readonly VerificationWindow[], days: number): string | undefined {
  const judged = windows.filter(
    ({ providerHours, rainHours, providerSquaredError }) =>
      skillIsJudged({ hours: providerHours, rainHours }) && providerSquaredError > 0,
  );
  if (judged.length === 0) return undefined;
  const sum = (of: (window: VerificationWindow) => number) =>
    judged.reduce((total, window) => total + of(window), 0);
  const theirs = sum(({ providerSquaredError }) => providerSquaredError);
  const gain = 1 - sum(({ providerComparedSquaredError }) => providerComparedSquaredError) / theirs;
  const better = judged.filter(
    ({ providerComparedSquaredError, providerSquaredError }) =>
      providerComparedSquaredError < providerSquaredError,
  );
  const where =
    judged.length === 1
      ? ''
      : `, better at ${better.length.toLocaleString('en')} of ${count(judged.length, 'place')}`;
  const how = gain < 0 ? 'Worse' : 'Better';
  return `${how} than the provider's own forecast by ${percent(Math.abs(gain))} over ${days} days${where}`;
}
