import { calibrate, fitCalibration } from '../../../lambdas/model/calibration';
import { brier } from '../../../lambdas/model/evaluation';
import { calibrateKnown, fitKnown } from '../../../lambdas/model/known-calibration';
import { fromColumns, selectRows } from '../../../lambdas/model/matrix';
import { seriesAt } from '../../../lambdas/model/series';
import { madeUp } from './made-up-forecasts';

const WEEK = 168;
const WEEKS = 24;

/** Hours of which the newest were told by polls: rain is less sure there, so that a decision value means less. */
function withPolls(weeks: number, seed = 1) {
  const { series, values } = madeUp(WEEKS * WEEK, { seed, worth: 0 });
  const first = (WEEKS - weeks) * WEEK;
  const members = fromColumns([(values[0] ?? []).map((value, i) => (i < first ? value : 2.5 * value + 1))]);
  return {
    series: { ...series, polled: series.outcomes.map((_, i) => (i < first ? 0 : 1)) },
    members,
    first,
  };
}

describe('the calibration of hours that polls told', () => {
  it.each(['logistic', 'logistic-by-present', 'none'] as const)(
    'is fitted on them, and better on hours to come than that of all hours (%s)',
    (kind) => {
      const { series, members, first } = withPolls(16);
      const learnt = Uint32Array.from(series.hours.keys()).filter((i) => i < first + 8 * WEEK);
      const coming = Uint32Array.from(series.hours.keys()).filter((i) => i >= first + 8 * WEEK);
      const [before, after] = [seriesAt(series, learnt), seriesAt(series, coming)];
      const fitted = fitKnown(kind, selectRows(members, learnt), before);
      const x = selectRows(members, coming);
      const score = (of: typeof fitted.polled) => brier(after.outcomes, calibrate(of, x, after.wetNow));
      expect(score(fitted.polled)).toBeLessThan(0.98 * score(fitted.settled));
      expect(calibrateKnown(fitted, x, after)).toEqual(calibrate(fitted.polled, x, after.wetNow));
    },
  );

  it('is that of all hours, to the bit, until polled hours hold 40 rain hours in eight episodes', () => {
    const { series, members, first } = withPolls(1);
    const little = series.outcomes.map((y, i) => (i < first ? y : i - first < 39 ? 1 : 0));
    const { settled, polled } = fitKnown('logistic', members, { ...series, outcomes: little });
    expect(polled).toBe(settled);
    expect(settled).toEqual(fitCalibration('logistic', members, little, series.wetNow));
  });

  it('leaves hours that history told to their own calibration', () => {
    const { series, members, first } = withPolls(16);
    const fitted = fitKnown('logistic', members, series);
    const said = calibrateKnown(fitted, members, series);
    const bySettled = calibrate(fitted.settled, members, series.wetNow);
    expect(said.subarray(0, first)).toEqual(bySettled.subarray(0, first));
    expect(said[first]).not.toBe(bySettled[first]);
  });
});
