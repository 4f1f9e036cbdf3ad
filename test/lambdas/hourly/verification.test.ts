import fc from 'fast-check';
import {
  addScores,
  brierOf,
  NOTHING_VERIFIED,
  type Score,
  scoreForecasts,
  skillOf,
  truthKey,
  windowRows,
} from '../../../lambdas/hourly/verification';
import type { Forecast } from '../../../lambdas/lake/forecasts';
import { addDays, addHours } from '../../../lambdas/runtime/time';

const start = '2026-11-23T00:00:00Z';

function forecast(hour: number, probability: number, given: Partial<Forecast> = {}): Forecast {
  const target = addHours(start, hour);
  return {
    location_id: 'a',
    issued_at: addHours(target, -1),
    base_hour: addHours(target, -1),
    target_hour: target,
    probability,
    will_rain: probability >= 0.5,
    threshold: 0.5,
    model_version: 'v1',
    persistence_probability: 0.25,
    plain_probability: probability,
    joined_probability: null,
    voice: 'plain',
    provider_probability: null,
    provider_precip_mm: null,
    provider_recalibrated: null,
    ...given,
  };
}

const truth = (...hours: readonly (readonly [number, boolean, string?])[]) =>
  new Map(hours.map(([hour, rained, id = 'a']) => [truthKey(id, addHours(start, hour)), rained]));

describe('a day of forecasts', () => {
  it('is scored by what came: errors, hits, misses and false alarms', () => {
    const scores = scoreForecasts(
      [forecast(1, 0.75), forecast(2, 0.25), forecast(3, 0.5), forecast(4, 0)],
      truth([1, true], [2, true], [3, false], [4, false]),
    );
    expect(scores.get('a')).toEqual({
      ...NOTHING_VERIFIED,
      hours: 4,
      rainHours: 2,
      squaredError: 0.0625 + 0.5625 + 0.25,
      comparedHours: 4,
      comparedSquaredError: 0.0625 + 0.5625 + 0.25,
      persistenceSquaredError: 0.5625 * 2 + 0.0625 * 2,
      hits: 1,
      misses: 1,
      falseAlarms: 1,
      correctNegatives: 1,
    });
  });

  it('leaves out hours that are not known, and takes them in once they are', () => {
    const forecasts = [forecast(1, 0.75), forecast(2, 0.25)];
    expect(scoreForecasts(forecasts, truth([1, true])).get('a')?.hours).toBe(1);
    expect(scoreForecasts(forecasts, truth([1, true], [2, false])).get('a')?.hours).toBe(2);
    expect(scoreForecasts(forecasts, new Map()).size).toBe(0);
  });

  it('compares with persistence only where persistence had a probability', () => {
    const scores = scoreForecasts(
      [forecast(1, 1), forecast(2, 0.5, { persistence_probability: null })],
      truth([1, true], [2, true]),
    );
    const score = scores.get('a');
    expect(score).toMatchObject({ hours: 2, squaredError: 0.25, comparedHours: 1, comparedSquaredError: 0 });
    expect(score && skillOf(score)).toBe(1);
    expect(score && brierOf(score)).toBe(0.125);
  });

  it('keeps locations apart', () => {
    const scores = scoreForecasts(
      [forecast(1, 1), forecast(1, 0, { location_id: 'b' })],
      truth([1, true], [1, true, 'b']),
    );
    expect(scores.get('a')?.hits).toBe(1);
    expect(scores.get('b')?.misses).toBe(1);
  });

  it('has the same score in whatever order its forecasts are read', () => {
    const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 2,
      maxLength: 24,
    });
    fc.assert(
      fc.property(probabilities, (values) => {
        const forecasts = values.map((probability, hour) => forecast(hour, probability));
        const known = truth(...values.map((_, hour) => [hour, hour % 3 === 0] as const));
        expect(scoreForecasts([...forecasts].reverse(), known)).toEqual(scoreForecasts(forecasts, known));
      }),
    );
  });
});

describe("the provider's forecast", () => {
  it('is judged on the hours that have it: recalibrated and as issued beside ours, joined beside plain', () => {
    const scores = scoreForecasts(
      [
        forecast(1, 0.75, {
          plain_probability: 0.5,
          joined_probability: 0.75,
          voice: 'joined',
          provider_probability: 1,
          provider_recalibrated: 0.25,
        }),
        forecast(2, 0.5),
      ],
      truth([1, true], [2, false]),
    );
    expect(scores.get('a')).toMatchObject({
      providerHours: 1,
      providerComparedSquaredError: 0.0625,
      providerSquaredError: 0.5625,
      rawHours: 1,
      rawSquaredError: 0,
      joinedHours: 1,
      joinedRainHours: 1,
      joinedSquaredError: 0.0625,
      plainSquaredError: 0.25,
    });
  });
});

describe('windows', () => {
  const one: Score = {
    ...NOTHING_VERIFIED,
    hours: 1,
    rainHours: 1,
    squaredError: 0.25,
    comparedHours: 1,
    comparedSquaredError: 0.25,
    persistenceSquaredError: 0.5,
    hits: 1,
  };
  const date = '2026-03-15';

  it('add up the last 1, 7 and 30 days, the day itself included', () => {
    const days = new Map(
      Array.from({ length: 40 }, (_, back) => [addDays(date, -back), new Map([['a', one]])] as const),
    );
    expect(windowRows(date, days).map(({ windowDays, score }) => [windowDays, score.hours])).toEqual([
      [1, 1],
      [7, 7],
      [30, 30],
    ]);
  });

  it('of a day without forecasts speak of the days before, as far as there are any', () => {
    const days = new Map([[addDays(date, -7), new Map([['a', one]])]]);
    expect(windowRows(date, days).map(({ windowDays }) => windowDays)).toEqual([30]);
    expect(windowRows(addDays(date, 23), days)).toEqual([]);
  });

  it('have no skill where persistence made no error', () => {
    expect(skillOf({ ...one, persistenceSquaredError: 0 })).toBeNull();
    expect(skillOf(addScores(one, one))).toBe(0.5);
    expect(skillOf({ ...one, comparedSquaredError: 1 })).toBe(-1);
  });
});
