import { alarmOf, alarmProperties } from '../../../../lib/local/assembly/alarm';
import type { AlarmResource } from '../../../../lib/local/assembly/resources';
import { alarmChanges, judge } from '../../../../lib/local/cloudwatch/alarms';
import { MetricData } from '../../../../lib/local/cloudwatch/metric-data';

const METRIC = { namespace: 'App', name: 'Runs', dimensions: { service: 'a' } };
const MINUTE = 60_000;

function alarm(more: Partial<AlarmResource> = {}): AlarmResource {
  return {
    name: 'runs',
    metrics: [{ id: 'runs', metric: { ...METRIC, statistic: 'Sum', periodSeconds: 300 } }],
    periodSeconds: 300,
    comparison: 'GreaterThanThreshold',
    threshold: 0,
    evaluationPeriods: 3,
    datapointsToAlarm: 3,
    treatMissingData: 'missing',
    wallClock: false,
    tells: [],
    ...more,
  };
}

/** `0 - X - X` of AWS's tables, whose newest point is the last. */
const points = (text: string) =>
  text
    .split(' ')
    .reverse()
    .map((point) => ({ '0': 0, X: 1 })[point]);

const RULES = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;
const RETAINED = 'OK';
const STATES = { ok: 'OK', alarm: 'ALARM', none: 'INSUFFICIENT_DATA', kept: RETAINED } as const;

describe('the tables of "How alarm state is evaluated when data is missing"', () => {
  it.each([
    ['0 - X - X', ['ok', 'ok', 'ok', 'ok']],
    ['0 - - - -', ['ok', 'ok', 'ok', 'ok']],
    ['- - - - -', ['none', 'kept', 'alarm', 'ok']],
    ['0 X X - X', ['alarm', 'alarm', 'alarm', 'alarm']],
    ['- - - - X', ['none', 'kept', 'alarm', 'ok']],
    ['X - - - -', ['alarm', 'kept', 'alarm', 'ok']],
  ] as const)('three of three: %s', (text, states) => {
    const judged = RULES.map((treatMissingData) =>
      judge(alarm({ treatMissingData }), points(text), RETAINED),
    );
    expect(judged).toEqual(states.map((state) => STATES[state]));
  });

  it.each([
    ['0 - X - X', ['alarm', 'alarm', 'alarm', 'alarm']],
    ['0 0 X 0 X', ['alarm', 'alarm', 'alarm', 'alarm']],
    ['0 - X - -', ['ok', 'ok', 'alarm', 'ok']],
    ['- - - - 0', ['ok', 'ok', 'alarm', 'ok']],
    ['- - - - X', ['none', 'kept', 'alarm', 'ok']],
  ] as const)('two of three: %s', (text, states) => {
    const judged = RULES.map((treatMissingData) =>
      judge(alarm({ treatMissingData, datapointsToAlarm: 2 }), points(text), RETAINED),
    );
    expect(judged).toEqual(states.map((state) => STATES[state]));
  });
});

describe('an alarm', () => {
  const from = new Date('2026-11-01T10:00:00Z');
  const at = (minute: number) => from.getTime() + minute * MINUTE;
  const changes = (made: AlarmResource, data: MetricData, minutes: number) =>
    alarmChanges(made, data, { from, to: new Date(at(minutes)) }).map(({ at: time, state }) => [
      time.slice(11, 16),
      state,
    ]);

  it('rings in the minute after the one that breaches, and goes back once its window holds no breach', () => {
    const data = new MetricData();
    data.add(METRIC, at(7), 1);
    const made = alarm({ treatMissingData: 'notBreaching', evaluationPeriods: 1, datapointsToAlarm: 1 });
    expect(changes(made, data, 60)).toEqual([
      ['10:01', 'OK'],
      ['10:08', 'ALARM'],
      // The breach stays the newest real point for as long as it is fetched: one judged, two more.
      ['10:23', 'OK'],
    ]);
  });

  it('on the wall clock is judged when its period is over, and the period alone counts', () => {
    const data = new MetricData();
    for (let minute = 0; minute < 120; minute += 1)
      if (minute < 30 || minute >= 90) data.add(METRIC, at(minute), 1);
    const metrics = [{ id: 'runs', metric: { ...METRIC, statistic: 'SampleCount', periodSeconds: 3_600 } }];
    const made = alarm({
      metrics,
      periodSeconds: 3_600,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      wallClock: true,
      comparison: 'LessThanThreshold',
      threshold: 30,
      treatMissingData: 'breaching',
    });
    expect(changes(made, data, 240)).toEqual([['11:00', 'OK']]);
    const sliding = { ...made, wallClock: false };
    expect(changes(sliding, data, 180)).toContainEqual(['11:01', 'ALARM']);
  });

  it('that takes silence for a fault rings at once when it is made before there was anything', () => {
    const made = alarm({ comparison: 'LessThanThreshold', threshold: 1, treatMissingData: 'breaching' });
    expect(changes(made, new MetricData(), 5)).toEqual([['10:01', 'ALARM']]);
  });

  it.each([
    ['Sum', 6],
    ['Average', 2],
    ['Minimum', 1],
    ['Maximum', 3],
    ['SampleCount', 3],
  ])('has the statistic %s over what lies in the period, its end left out', (statistic, value) => {
    const data = new MetricData();
    [3, 1, 2].forEach((one, index) => {
      data.add(METRIC, at(2 - index), one);
    });
    data.add(METRIC, at(5), 100);
    expect(data.statistic({ ...METRIC, statistic, periodSeconds: 300 }, at(0), at(5))).toBe(value);
    expect(data.statistic({ ...METRIC, statistic, periodSeconds: 300 }, at(6), at(9))).toBeUndefined();
  });

  it('with a statistic that is not computed here is refused by its name', () => {
    expect(() =>
      new MetricData().statistic({ ...METRIC, statistic: 'p99', periodSeconds: 300 }, 0, 1),
    ).toThrow('p99');
  });
});

describe('an alarm of a template', () => {
  const properties = {
    AlarmName: 'runs',
    ComparisonOperator: 'LessThanThreshold',
    Threshold: 1,
    EvaluationPeriods: 2,
    Namespace: 'App',
    MetricName: 'Runs',
    Statistic: 'Sum',
    Period: 3_600,
  };
  const read = (more: object) => alarmOf(alarmProperties.parse({ ...properties, ...more }));

  it('is read with what CloudWatch takes for granted', () => {
    expect(read({})).toMatchObject({ datapointsToAlarm: 2, treatMissingData: 'missing', wallClock: false });
  });

  it.each([
    ['looks back over more than a week', { Period: 86_400, EvaluationPeriods: 8 }, 'further'],
    ['looks back over more than a day of minutes', { Period: 300, EvaluationPeriods: 300 }, 'further'],
    ['wants more points than it judges', { DatapointsToAlarm: 3 }, 'more points'],
    [
      'has a period that no wall clock has',
      { Period: 900, EvaluationWindow: { WallClockWindow: {} } },
      'wall clock',
    ],
    ['names no metric', { MetricName: undefined }, 'no metric'],
    [
      'mixes periods',
      {
        Metrics: [
          { Id: 'e', Expression: 'a + b' },
          ...['a', 'b'].map((Id, index) => ({
            Id,
            ReturnData: false,
            MetricStat: {
              Metric: { Namespace: 'App', MetricName: Id },
              Period: 60 * (index + 1),
              Stat: 'Sum',
            },
          })),
        ],
      },
      'one period',
    ],
  ])('that %s is refused', (_, more, reason) => {
    expect(() => read(more)).toThrow(reason);
  });
});
