import { brier } from '../../../lambdas/model/evaluation';
import {
  calibratedSeries,
  climatologySeries,
  persistenceSeries,
  type Series,
} from '../../../lambdas/model/series';
import { normal, seededUniform } from './smo/seeded';

const WEEKS = 8;
const HOUR_MS = 3_600_000;
const HOURS = WEEKS * 168;

/** Weeks in which it rains now and then, whatever anybody says. */
function noise(seed: number): { readonly series: Series; readonly values: number[][] } {
  const uniform = seededUniform(seed);
  const outcomes = Uint8Array.from({ length: HOURS }, () => (uniform() < 0.1 ? 1 : 0));
  return {
    series: {
      hours: Float64Array.from({ length: HOURS }, (_, i) => i * HOUR_MS),
      outcomes,
      wetNow: Float64Array.from(outcomes, (_, i) => (i === 0 ? Number.NaN : (outcomes[i - 1] ?? 0))),
      polled: new Uint8Array(HOURS),
      weeks: Int32Array.from({ length: HOURS }, (_, i) => Math.floor(i / 168) - WEEKS),
      forecasts: null,
    },
    values: Array.from({ length: 5 }, () => Array.from({ length: HOURS }, () => normal(uniform))),
  };
}

describe('a calibration that is judged', () => {
  it('gains nothing by having more to fit, where there is nothing to be known', () => {
    const seeds = [1, 2, 3, 4];
    const excess = seeds.map((seed) => {
      const { series, values } = noise(seed);
      const said = calibratedSeries(series, { calibration: 'logistic-by-present' }, { values });
      return brier(series.outcomes, said) - brier(series.outcomes, climatologySeries(series));
    });
    // Eleven weights on noise: fitted on the hours that judge them they would come out below climatology every time.
    for (const each of excess) expect(each).toBeGreaterThan(0);
  });

  it('says of an hour what it would say had the outcomes of its week been others', () => {
    const { series, values } = noise(5);
    const week = -3;
    const turned = {
      ...series,
      outcomes: series.outcomes.map((y, i) => (series.weeks[i] === week ? 1 - y : y)),
    };
    const said = (of: Series) =>
      [
        calibratedSeries(of, { calibration: 'logistic' }, { values }),
        persistenceSeries(of),
        climatologySeries(of),
      ].map((all) => all.filter((_, i) => of.weeks[i] === week));
    const [before, after] = [said(series), said(turned)];
    before.forEach((probabilities, b) => {
      probabilities.forEach((p, i) => {
        expect(after[b]?.[i]).toBeCloseTo(p, 6);
      });
    });
    expect(before[0]).toHaveLength(168);
  });
});
