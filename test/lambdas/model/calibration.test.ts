import fc from 'fast-check';
import { calibrate, calibrationSchema, fitCalibration } from '../../../lambdas/model/calibration';
import { fitLogistic, logisticProbability } from '../../../lambdas/model/logistic';
import { fromColumns } from '../../../lambdas/model/matrix';
import { golden, judged } from './golden/golden';

const { calibration, machines, trainingRows } = golden;
const { outcomes, wetNow } = judged;
const decisions = machines.map((machine) => machine.decisions.slice(trainingRows));
const close = (values: readonly number[], digits = 6) => values.map((value) => expect.closeTo(value, digits));

describe('calibration', () => {
  it('of one classifier is the one of Lin, Lin and Weng', () => {
    const [one = []] = decisions;
    const fitted = fitCalibration('logistic', fromColumns([one]), outcomes, wetNow);
    if (fitted.kind !== 'logistic') throw new Error('another kind');
    const [intercept = 0, ...weights] = calibration.platt;
    expect(fitted.always.intercept).toBeCloseTo(intercept, 6);
    expect(fitted.always.weights).toEqual(close(weights));
    expect(Array.from(calibrate(fitted, fromColumns([one]), wetNow))).toEqual(
      close(calibration.probabilities),
    );
  });

  it('of several classifiers is the minimum that another minimiser finds', () => {
    const fitted = fitCalibration('logistic', fromColumns(decisions), outcomes, wetNow);
    if (fitted.kind !== 'logistic') throw new Error('another kind');
    expect([fitted.always.intercept, ...fitted.always.weights]).toEqual(close(calibration.joined, 5));
  });

  it('by present has a curve for wet and a curve for dry hours, fitted together', () => {
    const fitted = fitCalibration('logistic-by-present', fromColumns(decisions), outcomes, wetNow);
    if (fitted.kind !== 'logistic-by-present') throw new Error('another kind');
    const [intercept = 0, a = 0, b = 0, wet = 0, wetA = 0, wetB = 0] = calibration.byPresent;
    expect([fitted.dry.intercept, ...fitted.dry.weights]).toEqual(close([intercept, a, b]));
    expect([fitted.wet.intercept, ...fitted.wet.weights]).toEqual(
      close([intercept + wet, a + wetA, b + wetB]),
    );
  });

  it('takes an hour whose present is unknown for a dry one', () => {
    const values = fromColumns(decisions);
    const fitted = fitCalibration('logistic-by-present', values, outcomes, wetNow);
    const unknown = calibrate(
      fitted,
      values,
      wetNow.map(() => Number.NaN),
    );
    expect(unknown).toEqual(
      calibrate(
        fitted,
        values,
        wetNow.map(() => 0),
      ),
    );
    expect(unknown).not.toEqual(calibrate(fitted, values, wetNow));
  });

  it('survives being written and read', () => {
    const fitted = fitCalibration('logistic-by-present', fromColumns(decisions), outcomes, wetNow);
    expect(calibrationSchema.parse(JSON.parse(JSON.stringify(fitted)))).toEqual(fitted);
  });

  it('stays finite where rain and its absence are perfectly told apart', () => {
    const fitted = fitCalibration(
      'logistic',
      fromColumns([[-2, -1, 1, 2]]),
      Uint8Array.of(0, 0, 1, 1),
      new Float64Array(4),
    );
    const probabilities = calibrate(fitted, fromColumns([[-2, -1, 1, 2]]), new Float64Array(4));
    expect(probabilities.every((p) => p > 0 && p < 1)).toBe(true);
  });

  it.each([
    ['no rows', fromColumns([[]]), new Uint8Array(0)],
    ['a value that is not finite', fromColumns([[0, Number.NaN]]), Uint8Array.of(0, 1)],
    ['more outcomes than rows', fromColumns([[0]]), Uint8Array.of(0, 1)],
  ])('refuses %s', (_, values, labels) => {
    expect(() => fitCalibration('logistic', values, labels, new Float64Array(labels.length))).toThrow(
      RangeError,
    );
  });

  it('on true outcomes has the mean of what happened, for any decision values', () => {
    const hours = fc.array(
      fc.record({ f: fc.double({ min: -3, max: 3, noNaN: true }), y: fc.constantFrom(0, 1) }),
      {
        minLength: 5,
        maxLength: 80,
      },
    );
    fc.assert(
      fc.property(hours, (rows) => {
        const values = fromColumns([rows.map(({ f }) => f)]);
        const targets = Float64Array.from(rows, ({ y }) => (y === 1 ? 0.9 : 0.1));
        const probabilities = logisticProbability(fitLogistic(values, targets, 0.01), values);
        const mean = (of: Float64Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
        expect(mean(probabilities)).toBeCloseTo(mean(targets), 6);
      }),
    );
  });
});
