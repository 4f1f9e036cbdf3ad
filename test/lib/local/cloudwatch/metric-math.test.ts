import { evaluateMath, type Series } from '../../../../lib/local/cloudwatch/metric-math';

const _ = undefined;
const math = (expression: string, metrics: Readonly<Record<string, Series>>) =>
  evaluateMath(expression, new Map(Object.entries(metrics)));

describe("the examples of CloudWatch's guide", () => {
  const compared = { metric1: [30, 20, 0, 0], metric2: [20, _, 20, _] };
  it.each([
    ['metric1 < metric2', [0, 0, 1, 0]],
    ['metric1 >= 30', [1, 0, 0, 0]],
    ['metric1 > 15 AND metric2 > 15', [1, 0, 0, 0]],
  ])('%s', (expression, expected) => {
    expect(math(`(${expression})`, compared)).toEqual(expected);
  });

  const chosen = { metric1: [1, 1, 0, 0, _], metric2: [30, _, 0, 0, 30], metric3: [0, 0, 20, _, 20] };
  it.each([
    ['IF(metric1, metric2, metric3)', [30, 0, 20, _, _]],
    ['IF(metric1, 5, metric3)', [5, 5, 20, _, _]],
    ['IF(metric1, metric2, 5)', [30, 0, 5, 5, _]],
    ['IF(metric1, metric2)', [30, 0, _, _, _]],
  ])('%s', (expression, expected) => {
    expect(math(expression, chosen)).toEqual(expected);
  });
});

describe('metric math', () => {
  it.each([
    ['100 * errors / runs', [50, 0, _, _]],
    ['SUM(METRICS())', [6, 3, 1, _]],
    ['SUM([errors, runs])', [6, 3, 1, _]],
    ['2 * runs ^ 2 + -1', [31, 17, _, _]],
    ['runs - 1 - 1 > 1 || errors == 2', [1, 0, 0, _]],
  ])(
    '%s keeps the order of operations, counts a gap as 0 beside a value, and drops what divides by 0',
    (expression, expected) => {
      expect(math(expression, { errors: [2, 0, 1, _], runs: [4, 3, _, _] })).toEqual(expected);
    },
  );

  it.each([
    ['FILL(runs, 0)', 'FILL'],
    ['SUM(runs)', 'several series'],
    ['other', 'no metric other'],
    ['runs +', 'ends too early'],
    ['runs 1', '"1" is not expected'],
    ['(runs', '")" is missing'],
    ['5', 'one time series'],
    ['runs ? 1', 'not understood'],
  ])('%s is refused, and what is wrong is named', (expression, reason) => {
    expect(() => math(expression, { runs: [1] })).toThrow(reason);
  });
});
