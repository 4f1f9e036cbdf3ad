import type { Heard } from '../../../lambdas/lake/voices';
import { type HeardHour, hear, isRefuted, isWorseByDays } from '../../../lambdas/model/voice';
import { seededUniform } from './smo/seeded';

const uncertain: HeardHour = {
  plain: 0.2,
  joined: 0.2,
  provider: { probability: 0.4, precipMm: 0.1 },
  rained: false,
};

/** What is heard of some hours, one after the other. */
function hearAll(hours: readonly HeardHour[], before?: Heard): Heard | undefined {
  return hours.reduce<Heard | undefined>((heard, hour) => hear(heard, hour), before);
}

/** Times a year that a voice is lost where `truth` says how probable the rain of each hour was. */
function lossesPerYear(truth: (plain: number, joined: number) => number, seed: number): number {
  const uniform = seededUniform(seed);
  const years = 20;
  let heard: Heard | undefined;
  let [losses, silent] = [0, false];
  for (let hour = 0; hour < years * 8_766; hour++) {
    const plain = uniform() < 0.9 ? 0.03 * uniform() : uniform();
    const joined = Math.min(Math.max(plain + 0.2 * (uniform() - 0.5), 0.01), 0.99);
    const rained = uniform() < truth(plain, joined);
    heard = hear(heard, { ...uncertain, plain, joined, rained });
    if (isRefuted(heard) && !silent) losses++;
    silent = isRefuted(heard);
  }
  return losses / years;
}

describe('the voice, hour by hour', () => {
  it('is lost at most twice a year where the truth lies between both probabilities, and once where the joined one is true', () => {
    expect(lossesPerYear((plain, joined) => (plain + joined) / 2, 1)).toBeLessThanOrEqual(2);
    expect(lossesPerYear((_, joined) => joined, 2)).toBeLessThanOrEqual(1);
  });

  it('is lost within a day where the plain probability is true and the joined one is 30 points above it', () => {
    const bad = { ...uncertain, plain: 0.02, joined: 0.32 };
    const lost = Array.from({ length: 48 }, (_, i) => i + 1).find((hours) =>
      isRefuted(hearAll(Array.from({ length: hours }, () => bad))),
    );
    expect(lost).toBeLessThanOrEqual(24);
    expect(lost).toBeGreaterThan(6);
  });

  it('is not lost by one hour, however wrong, and comes back when the joined probability is better again', () => {
    const wrong = { ...uncertain, plain: 0.01, joined: 0.99 };
    const once = hearAll([wrong]);
    expect(isRefuted(once)).toBe(false);
    const lost = hearAll(Array.from({ length: 10 }, () => wrong));
    expect(isRefuted(lost)).toBe(true);
    const right = { ...uncertain, plain: 0.5, joined: 0.05 };
    const back = Array.from({ length: 48 }, (_, i) => i + 1).find(
      (hours) =>
        !isRefuted(
          hearAll(
            Array.from({ length: hours }, () => right),
            lost,
          ),
        ),
    );
    expect(back).toBeLessThanOrEqual(24);
  });

  it('gains nothing and loses nothing by hours in which both probabilities are one', () => {
    const heard = hearAll([{ ...uncertain, plain: 0.1, joined: 0.6 }]);
    expect(
      hearAll(
        Array.from({ length: 50 }, () => uncertain),
        heard,
      )?.evidence,
    ).toBeCloseTo(heard?.evidence ?? 0);
  });

  const standing = (probability: number, hours: number, rained: boolean): HeardHour[] =>
    Array.from({ length: hours }, () => ({
      ...uncertain,
      provider: { probability, precipMm: 0 },
      rained,
    }));

  it('is lost at the second hour of rain after thirty hours at 0%, and kept until the forecasts move again', () => {
    const day = standing(0, 28, false);
    expect(isRefuted(hearAll([...day, ...standing(0, 1, true)]))).toBe(false);
    const lost = hearAll([...day, ...standing(0, 2, true)]);
    expect(isRefuted(lost)).toBe(true);
    const still = hearAll(standing(0, 30, false), lost);
    expect(isRefuted(still)).toBe(true);
    expect(isRefuted(hearAll([uncertain], still))).toBe(false);
  });

  it('is not lost by two hours of rain that 0% did not see when the forecasts have just come to it', () => {
    expect(isRefuted(hearAll([uncertain, ...standing(0, 20, false), ...standing(0, 2, true)]))).toBe(false);
    expect(
      isRefuted(
        hearAll([
          ...standing(0, 40, false),
          ...standing(0, 1, true),
          ...standing(0, 1, false),
          ...standing(0, 1, true),
        ]),
      ),
    ).toBe(false);
  });

  it('is lost where 100% has stood for four hours and the last three were dry, but not where the amount moves', () => {
    const wet = standing(1, 1, true);
    expect(isRefuted(hearAll([...wet, ...standing(1, 2, false)]))).toBe(false);
    expect(isRefuted(hearAll([...wet, ...standing(1, 3, false)]))).toBe(true);
    const moving = standing(1, 12, false).map((hour, i) => ({
      ...hour,
      provider: { probability: 1, precipMm: i % 4 },
    }));
    expect(isRefuted(hearAll(moving))).toBe(false);
  });
});

describe('the voice, by days', () => {
  const bad = { hours: 24, rainHours: 2, squaredError: 1, rivalSquaredError: 0.5 };

  it('takes days to be lost, and comes back when they are over', () => {
    const days = [bad, { ...bad, squaredError: 1.1 }, { ...bad, squaredError: 0.9 }];
    expect(isWorseByDays(days)).toBe(false);
    expect(isWorseByDays([...days, { ...bad, squaredError: 1.05 }])).toBe(true);
    const good = { ...bad, squaredError: 0.5 };
    expect(isWorseByDays([...days.slice(2), good, good, good, { ...good, squaredError: 0.4 }])).toBe(false);
  });

  it('is not lost by one bad day among equal ones', () => {
    const equal = Array.from({ length: 6 }, (_, i) => ({ ...bad, squaredError: 0.5 + 0.02 * ((i % 3) - 1) }));
    expect(isWorseByDays([...equal, { ...bad, squaredError: 3 }])).toBe(false);
  });
});
