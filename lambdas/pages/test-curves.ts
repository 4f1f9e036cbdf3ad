import type { CurvePoint, ScoreBin, SkillBar } from './charts';

/** One hour of a version's test part, as `test-forecasts.parquet` keeps it. */
export interface TestForecast {
  /** Start of the base hour, ms since the epoch. */
  readonly hour: number;
  readonly probability: number;
  readonly outcome: 0 | 1;
  readonly persistenceProbability: number | null;
}

const SCORE_BINS = 20;
/** Enough for a smooth line; a curve over thousands of rain hours would only make the page heavy. */
const MAX_CURVE_POINTS = 400;
/** Fewer hours than this, or none with rain, say nothing about skill. */
const MIN_HOURS = 24;

/** Precision at every recall that some threshold gives, from the strictest threshold on; long curves are thinned evenly. */
export function precisionRecallCurve(forecasts: readonly TestForecast[]): CurvePoint[] {
  const rain = forecasts.reduce((sum, { outcome }) => sum + outcome, 0);
  if (rain === 0) return [];
  const ordered = [...forecasts].sort((a, b) => b.probability - a.probability);
  const curve: CurvePoint[] = [];
  let hits = 0;
  ordered.forEach(({ outcome, probability }, i) => {
    hits += outcome;
    if (ordered[i + 1]?.probability !== probability) {
      curve.push({ recall: hits / rain, precision: hits / (i + 1) });
    }
  });
  // Between its ends, a drop at one recall is a straight line: most hours are dry, and would add nothing to see.
  const corners = curve.filter(
    ({ recall }, i) => recall !== curve[i - 1]?.recall || recall !== curve[i + 1]?.recall,
  );
  const step = Math.max(1, Math.ceil(corners.length / MAX_CURVE_POINTS));
  return corners.filter((_, i) => i % step === 0 || i === corners.length - 1);
}

/** Hours by probability in 20 equal bins, dry and wet apart. */
export function scoreBins(forecasts: readonly TestForecast[]): ScoreBin[] {
  const bins = Array.from({ length: SCORE_BINS }, (_, i) => ({
    from: i / SCORE_BINS,
    to: (i + 1) / SCORE_BINS,
    dry: 0,
    wet: 0,
  }));
  for (const { probability, outcome } of forecasts) {
    const bin = bins[Math.min(SCORE_BINS - 1, Math.floor(probability * SCORE_BINS))];
    if (bin !== undefined) bin[outcome === 1 ? 'wet' : 'dry']++;
  }
  return bins;
}

/** A group of hours with both Brier scores: a bar of a skill chart and its row in the table. */
export interface SkillGroup extends SkillBar {
  readonly hours: number;
  readonly rainHours: number;
  readonly brier: number | null;
  readonly persistenceBrier: number | null;
}

/** Skill of each calendar month (UTC) of the test part, in order. */
export function skillByMonth(forecasts: readonly TestForecast[]): SkillGroup[] {
  return skillBy(forecasts, ({ hour }) => new Date(hour).toISOString().slice(0, 7));
}

/** Skill of each hour of the day, in the location's own time. */
export function skillByHourOfDay(forecasts: readonly TestForecast[], timezone: string): SkillGroup[] {
  const hourOfDay = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hour: '2-digit',
    hourCycle: 'h23',
  });
  return skillBy(forecasts, ({ hour }) => hourOfDay.format(hour));
}

function skillBy(
  forecasts: readonly TestForecast[],
  labelOf: (forecast: TestForecast) => string,
): SkillGroup[] {
  const groups = new Map<string, { hours: number; rainHours: number; error: number; persistence: number }>();
  for (const forecast of forecasts) {
    // Only hours that both can be judged on count, or the comparison would be of different weather.
    if (forecast.persistenceProbability === null) continue;
    const label = labelOf(forecast);
    const group = groups.get(label) ?? { hours: 0, rainHours: 0, error: 0, persistence: 0 };
    group.hours++;
    group.rainHours += forecast.outcome;
    group.error += (forecast.probability - forecast.outcome) ** 2;
    group.persistence += (forecast.persistenceProbability - forecast.outcome) ** 2;
    groups.set(label, group);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([label, { hours, rainHours, error, persistence }]) => ({
      label,
      hours,
      rainHours,
      brier: hours === 0 ? null : error / hours,
      persistenceBrier: hours === 0 ? null : persistence / hours,
      skill: hours < MIN_HOURS || rainHours === 0 || persistence === 0 ? null : 1 - error / persistence,
    }));
}
