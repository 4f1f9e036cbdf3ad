import { hasLostSkill, type LiveDay, SKILL_DAYS } from '../../../lambdas/model/drift';
import { normal, seededUniform } from './smo/seeded';

/** Days of a climate with two rainy days in seven; the loss of a day is small where it stays dry. */
function daysOf(count: number, seed: number, disadvantage: number): LiveDay[] {
  const uniform = seededUniform(seed);
  let wet = false;
  return Array.from({ length: count }, () => {
    wet = uniform() < (wet ? 0.5 : 0.2);
    // A rainy day costs a hundred times what a dry one does, and some rainy days ten times as much as others.
    const rival = wet ? 1.5 * Math.exp(0.8 * normal(uniform)) : 0.03 * Math.exp(0.5 * normal(uniform));
    const gain = 0.35 * rival * normal(uniform);
    return {
      hours: 24,
      rainHours: wet ? 1 + Math.floor(uniform() * 10) : 0,
      squaredError: Math.max(0, rival * (1 + disadvantage) - gain),
      rivalSquaredError: rival,
    };
  });
}

/** How often a year it is said anew, if each saying silences the next `rest` days. */
function saidPerYear(
  judge: (days: readonly LiveDay[]) => boolean,
  window: number,
  rest: number,
  disadvantage: number,
): number {
  const years = 60;
  const days = daysOf(years * 365 + window, 11, disadvantage);
  let said = 0;
  for (let day = window; day < days.length; day++) {
    if (judge(days.slice(day - window, day))) {
      said++;
      day += rest - 1;
    }
  }
  return said / years;
}

describe('lost skill', () => {
  it('is said of an equal of persistence at most once a year, asked every day', () => {
    expect(saidPerYear(hasLostSkill, SKILL_DAYS, 7, 0)).toBeLessThanOrEqual(1);
  });

  it('is said within months where forecasts are half as bad again', () => {
    expect(saidPerYear(hasLostSkill, SKILL_DAYS, 7, 0.5)).toBeGreaterThan(4);
  });

  it('is never said of dry weeks, however badly they went', () => {
    const dry = { hours: 24, rainHours: 0, squaredError: 0.2, rivalSquaredError: 0.01 };
    expect(
      hasLostSkill(Array.from({ length: SKILL_DAYS }, (_, i) => ({ ...dry, squaredError: 0.2 + i / 100 }))),
    ).toBe(false);
    expect(hasLostSkill([])).toBe(false);
  });

  it('is not said of a single bad day among good ones', () => {
    const days = daysOf(SKILL_DAYS, 3, -0.3);
    expect(
      hasLostSkill([...days.slice(1), { hours: 24, rainHours: 9, squaredError: 9, rivalSquaredError: 2 }]),
    ).toBe(false);
  });
});
