import { scheduleTimes } from '../../../../lib/local/scheduler/schedule-expression';

function next(expression: string, after: string, count = 3): string[] {
  const times = scheduleTimes(expression);
  const found: string[] = [];
  let instant: Date | undefined = new Date(after);
  while (instant !== undefined && found.length < count) {
    instant = times(instant);
    if (instant !== undefined) found.push(instant.toISOString().slice(0, 16));
  }
  return found;
}

describe('scheduleTimes', () => {
  it.each([
    ['rate(1 minute)', '2013-12-01T00:00:30Z', ['2013-12-01T00:01', '2013-12-01T00:02', '2013-12-01T00:03']],
    ['rate(7 days)', '2013-12-01T00:00:00Z', ['2013-12-05T00:00', '2013-12-12T00:00', '2013-12-19T00:00']],
    [
      'cron(5 * * * ? *)',
      '2013-12-31T23:04:59Z',
      ['2013-12-31T23:05', '2014-01-01T00:05', '2014-01-01T01:05'],
    ],
    [
      'cron(5 * * * ? *)',
      '2013-12-31T23:05:00Z',
      ['2014-01-01T00:05', '2014-01-01T01:05', '2014-01-01T02:05'],
    ],
    [
      'cron(30 3 ? * SUN *)',
      '2013-12-01T03:30:00Z',
      ['2013-12-08T03:30', '2013-12-15T03:30', '2013-12-22T03:30'],
    ],
    [
      'cron(0 0 29 2 ? *)',
      '2013-01-01T00:00:00Z',
      ['2016-02-29T00:00', '2020-02-29T00:00', '2024-02-29T00:00'],
    ],
    [
      'cron(4/5 8-9 ? * MON-FRI *)',
      '2013-12-06T09:50:00Z',
      ['2013-12-06T09:54', '2013-12-06T09:59', '2013-12-09T08:04'],
    ],
    ['cron(0 12 1 JAN,JUL ? 2014)', '2013-12-01T00:00:00Z', ['2014-01-01T12:00', '2014-07-01T12:00']],
  ])('%s fires after %s as Scheduler does', (expression, after, expected) => {
    expect(next(expression, after)).toEqual(expected);
  });

  it.each([
    'rate(0 minutes)',
    'rate(5 fortnights)',
    'cron(5 * * * *)',
    'cron(5 * * * * *)',
    'cron(60 * * * ? *)',
    'cron(5 * L * ? *)',
    'at(2013-12-01T00:00:00)',
  ])('refuses %s', (expression) => {
    expect(() => scheduleTimes(expression)).toThrow(expression);
  });
});
