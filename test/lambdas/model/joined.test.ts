import { brier } from '../../../lambdas/model/evaluation';
import { type Joining, joinedProbability, joinForecasts, spokenSeries } from '../../../lambdas/model/joined';
import { fromColumns } from '../../../lambdas/model/matrix';
import { calibratedSeries, type Series } from '../../../lambdas/model/series';
import { type MadeUp, madeUp } from './made-up-forecasts';

const WEEK = 168;
const recipe = { calibration: 'logistic' } as const;

function join({ series, values }: MadeUp): Joining | undefined {
  return joinForecasts(series, recipe, { values }, calibratedSeries(series, recipe, { values }));
}

function joined(of: MadeUp): Joining {
  const found = join(of);
  if (found === undefined) throw new Error('nothing was joined');
  return found;
}

/** Brier score of the hours that have forecasts: of what is given, and of those who know the true probabilities. */
function scores(of: MadeUp, { rows, probabilities }: Joining) {
  const outcomes = Uint8Array.from(rows, (i) => of.series.outcomes[i] ?? 0);
  const plain = calibratedSeries(of.series, recipe, of);
  const ofRows = (values: Float64Array) => Float64Array.from(rows, (i) => values[i] ?? Number.NaN);
  return {
    joined: brier(outcomes, probabilities),
    plain: brier(outcomes, ofRows(plain)),
    best: brier(outcomes, ofRows(of.truth)),
  };
}

describe("members joined with the provider's forecasts", () => {
  it.each([
    [20, 0.1],
    [8, 0.2],
    [4, 0.45],
  ])('gain with %d weeks of forecasts all but a part of what theory says there is to gain', (weeks, left) => {
    // What the provider knows is worth 15% of the plain Brier score; its probabilities are all far too high.
    const seeds = [1, 2, 3, 4];
    const sums = seeds
      .map((seed) => madeUp(20 * WEEK, { seed, worth: 1.2, from: (20 - weeks) * WEEK }))
      .map((of) => scores(of, joined(of)))
      .reduce((a, b) => ({ joined: a.joined + b.joined, plain: a.plain + b.plain, best: a.best + b.best }));
    const gain = (sums.plain - sums.joined) / (sums.plain - sums.best);
    expect(gain).toBeGreaterThan(1 - left);
    expect(gain).toBeLessThan(1.1);
  });

  it('leave the plain probability alone where forecasts are noise, in 19 of 20 seeds', () => {
    const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
    const speaking = seeds.filter(
      (seed) => joined(madeUp(8 * WEEK, { seed, worth: 0, from: 2 * WEEK })).joined.speaks,
    );
    expect(speaking.length).toBeLessThanOrEqual(1);
  });

  it('speak once 25 days of forecasts follow years without', () => {
    const of = madeUp(60 * WEEK, { seed: 7, worth: 2, from: 60 * WEEK - 25 * 24 });
    const { rows, joined: calibration } = joined(of);
    expect(rows).toHaveLength(600);
    expect(calibration.speaks).toBe(true);
    const { probabilities, plain } = spokenSeries(of.series, recipe, of);
    const first = rows[0] ?? 0;
    expect(probabilities.subarray(0, first)).toEqual(plain.subarray(0, first));
    expect(probabilities.subarray(first).some((p, i) => p !== plain[first + i])).toBe(true);
  });

  it('are not there with fewer than 400 hours of forecasts, or fewer than four episodes of rain', () => {
    expect(join(madeUp(8 * WEEK, { seed: 1, worth: 2, from: 8 * WEEK - 399 }))).toBeUndefined();
    expect(join(madeUp(8 * WEEK, { seed: 1, worth: 2, from: 8 * WEEK - 400 }))).toBeDefined();
    const of = madeUp(8 * WEEK, { seed: 1, worth: 2, from: 5 * WEEK });
    const rainOnce = of.series.outcomes.map((y, i) => (i < 5 * WEEK ? y : i % 700 < 5 ? 1 : 0));
    expect(join({ ...of, series: { ...of.series, outcomes: rainOnce } })).toBeUndefined();
  });

  it('have nothing to say of an hour without a forecast, and nothing is made up for it', () => {
    const of = madeUp(8 * WEEK, { seed: 6, worth: 2 });
    const { joined: calibration } = joined(of);
    const plain = calibratedSeries(of.series, recipe, of);
    const members = fromColumns(of.values);
    const lost = {
      ...of.forecasts,
      precipMm: of.forecasts.precipMm.map((mm, i) => (i === 5 ? Number.NaN : mm)),
    };
    const said = joinedProbability(calibration, plain, members, lost, of.series.wetNow);
    expect(Array.from(said.keys()).filter((i) => Number.isNaN(said[i]))).toEqual([5]);
  });

  it('say nothing of an hour by the outcomes of its own week', () => {
    const of = madeUp(8 * WEEK, { seed: 5, worth: 2 });
    const turned = {
      ...of,
      series: {
        ...of.series,
        outcomes: of.series.outcomes.map((y, i) => (of.series.weeks[i] === -3 ? 1 - y : y)),
      },
    };
    const ofTheWeek = (made: MadeUp) =>
      joined(made).probabilities.filter((_, i) => made.series.weeks[i] === -3);
    const [before, after] = [ofTheWeek(of), ofTheWeek(turned)];
    expect(before).toHaveLength(WEEK);
    before.forEach((p, i) => {
      expect(after[i]).toBeCloseTo(p, 6);
    });
  });

  it('look at the error of the forecast before where that helps, and only there', () => {
    const of = madeUp(20 * WEEK, { seed: 9, worth: 1.2 });
    expect(joined(of).joined.terms).not.toContain('error');
    // An error that tells what nobody else knows: rain that was not forecast goes on.
    const told = of.series.outcomes.map((y, i) => (i % 3 === 0 ? y : 0));
    const forecasts = { ...of.forecasts, errorMm: Float64Array.from(told, (y) => y * 2) };
    expect(joined({ ...of, series: { ...of.series, forecasts } }).joined.terms).toContain('error');
  });

  it('are what the plain calibration is, to the bit, where there are no forecasts', () => {
    const { series, values } = madeUp(8 * WEEK, { seed: 3, worth: 2 });
    const without: Series = { ...series, forecasts: null };
    const spoken = spokenSeries(without, recipe, { values });
    expect(spoken.joining).toBeUndefined();
    expect(spoken.probabilities).toEqual(calibratedSeries(series, recipe, { values }));
  });
});
