import fc from 'fast-check';
import { averagePrecision, confusion } from '../../../lambdas/model/evaluation';
import {
  precisionRecallCurve,
  scoreBins,
  skillByHourOfDay,
  skillByMonth,
  type TestForecast,
} from '../../../lambdas/pages/test-curves';
import { testForecasts } from './content';

const forecasts = fc.array(
  fc.record({
    hour: fc.integer({ min: 0, max: 20_000 }).map((hour) => hour * 3_600_000),
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
    outcome: fc.constantFrom<0 | 1>(0, 1),
    persistenceProbability: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  }),
  { minLength: 1, maxLength: 80 },
);

describe('the precision-recall curve', () => {
  it('encloses the average precision', () => {
    fc.assert(
      fc.property(forecasts, (rows) => {
        const curve = precisionRecallCurve(rows);
        let area = 0;
        curve.forEach(({ recall, precision }, i) => {
          area += (recall - (curve[i - 1]?.recall ?? 0)) * precision;
        });
        const expected = averagePrecision(
          Uint8Array.from(rows, ({ outcome }) => outcome),
          Float64Array.from(rows, ({ probability }) => probability),
        );
        expect(area).toBeCloseTo(expected ?? 0, 10);
      }),
    );
  });

  it('is empty when it never rained', () => {
    expect(precisionRecallCurve(testForecasts.map((row): TestForecast => ({ ...row, outcome: 0 })))).toEqual(
      [],
    );
  });

  it('passes through the point that a threshold chooses', () => {
    const [[, fp], [fn, tp]] = confusion(
      Uint8Array.from(testForecasts, ({ outcome }) => outcome),
      Float64Array.from(testForecasts, ({ probability }) => probability),
      0.6,
    );
    const point = { recall: tp / (tp + fn), precision: tp / (tp + fp) };
    expect(precisionRecallCurve(testForecasts)).toContainEqual(point);
  });
});

describe('score bins', () => {
  it('count each hour once', () => {
    fc.assert(
      fc.property(forecasts, (rows) => {
        const bins = scoreBins(rows);
        expect(bins.reduce((sum, { dry, wet }) => sum + dry + wet, 0)).toBe(rows.length);
      }),
    );
  });
});

describe('skill by group', () => {
  it('leaves out hours for which persistence is unknown', () => {
    const months = skillByMonth(testForecasts);
    const comparable = testForecasts.filter(({ persistenceProbability }) => persistenceProbability !== null);
    expect(months.map(({ label }) => label)).toEqual(['2013-10', '2013-11']);
    expect(months.reduce((sum, { hours }) => sum + hours, 0)).toBe(comparable.length);
  });

  it('does not speak of groups without rain', () => {
    const dry = testForecasts.map((row): TestForecast => ({ ...row, outcome: 0 }));
    expect(skillByMonth(dry).every(({ skill }) => skill === null)).toBe(true);
  });

  it('groups by the hour of the place, not of UTC', () => {
    const [first] = skillByHourOfDay(
      [
        {
          hour: Date.parse('2013-10-01T03:00:00Z'),
          probability: 0.1,
          outcome: 0,
          persistenceProbability: 0.1,
        },
      ],
      'America/New_York',
    );
    expect(first?.label).toBe('23');
  });
});
