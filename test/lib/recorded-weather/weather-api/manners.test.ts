import {
  MODEL_ERROR,
  modelledRain,
  NO_ERRORS,
  REAL_MANNERS,
} from '../../../../lib/recorded-weather/weather-api/manners';

const HOURS = Array.from({ length: 4000 }, (_, index) => `place:${index}`);
const modelled = (truth: number, before: number | null): number[] =>
  HOURS.map((hour) => modelledRain(truth, before, hour, REAL_MANNERS));
const shareWet = (amounts: readonly number[]): number =>
  amounts.filter((amount) => amount >= 0.1).length / amounts.length;

describe("the provider's model of a running hour", () => {
  it('misses rain, and sees it where none falls, as often as is documented', () => {
    expect(modelled(2, 0).filter((amount) => amount === 0).length / HOURS.length).toBeCloseTo(
      MODEL_ERROR.missed,
      1,
    );
    expect(shareWet(modelled(0, 2))).toBeCloseTo(MODEL_ERROR.falseAfterRain, 1);
    expect(shareWet(modelled(0, 0))).toBeLessThan(0.02);
    expect(shareWet(modelled(0, 0))).toBeGreaterThan(0.005);
  });

  it('spreads amounts around the truth, none of them biased in the median', () => {
    const amounts = modelled(2, 0)
      .filter((amount) => amount > 0)
      .sort((a, b) => a - b);
    const at = (share: number): number => amounts[Math.floor(share * amounts.length)] ?? 0;
    expect(at(0.5)).toBeCloseTo(2, 1);
    expect(Math.log(at(0.84) / at(0.5))).toBeCloseTo(MODEL_ERROR.spread, 1);
  });

  it('errs in the same way in every run, and otherwise under another seed', () => {
    expect(modelled(0.3, 0)).toEqual(modelled(0.3, 0));
    const other = HOURS.map((hour) => modelledRain(0.3, 0, hour, { ...REAL_MANNERS, seed: 'other' }));
    expect(other).not.toEqual(modelled(0.3, 0));
  });

  it('says what history says when it is told not to err', () => {
    expect(HOURS.map((hour) => modelledRain(0.3, 5, hour, NO_ERRORS))).toEqual(HOURS.map(() => 0.3));
  });
});
