import type { AlarmResource } from '../assembly/resources';
import type { MetricData } from './metric-data';
import { evaluateMath, type Series } from './metric-math';

export type AlarmState = 'INSUFFICIENT_DATA' | 'OK' | 'ALARM';

/** A change of an alarm's state. */
export interface AlarmChange {
  readonly at: string;
  readonly state: AlarmState;
}

/**
 * CloudWatch fetches more points than it judges, so that late ones or gaps don't decide. How many is not written
 * down but for one example of three and five.
 */
const EXTRA_POINTS = 2;

/** Standard alarms are evaluated once a minute. */
const MINUTE_MS = 60_000;

export interface Evaluation {
  /** When the alarm was made, and the present. */
  readonly from: Date;
  readonly to: Date;
  /** Points that are fetched beyond those that are judged. */
  readonly extraPoints?: number;
}

/**
 * The life of an alarm, in changes of its state; it begins with INSUFFICIENT_DATA. Follows
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
 * …/alarms-and-missing-data.html and …/alarm-evaluation-window.html: a sliding window moves on by the minute, a wall
 * clock's is judged when its period is over. Data count as soon as they are there: CloudWatch's delay of a minute or
 * two is not imitated.
 * @throws UnknownMetric for a statistic or a function that is not computed here.
 */
export function alarmChanges(
  alarm: AlarmResource,
  data: MetricData,
  { from, to, extraPoints = EXTRA_POINTS }: Evaluation,
): AlarmChange[] {
  const changes: AlarmChange[] = [];
  const step = alarm.wallClock ? alarm.periodSeconds * 1000 : MINUTE_MS;
  let state: AlarmState = 'INSUFFICIENT_DATA';
  const first = (Math.floor(from.getTime() / step) + 1) * step;
  const pointsAt = points(alarm, data, alarm.evaluationPeriods + extraPoints);
  for (let time = first; time <= to.getTime(); time += step) {
    const judged = judge(alarm, pointsAt(time), state);
    if (judged !== state) changes.push({ at: new Date(time).toISOString(), state: judged });
    state = judged;
  }
  return changes;
}

/** The points that an alarm looks at, by the time of looking; the newest first. */
function points(alarm: AlarmResource, data: MetricData, count: number): (time: number) => Series {
  const period = alarm.periodSeconds * 1000;
  const statistics = alarm.metrics.map(({ id, metric }) => ({ id, of: data.statisticOf(metric) }));
  const { expression } = alarm;
  // From minute to minute the figures are most often the same.
  let known: { readonly figures: readonly Series[]; readonly points: Series } | undefined;
  return (time) => {
    const figures = statistics.map(({ of }) =>
      Array.from({ length: count }, (_, index) => of(time - (index + 1) * period, time - index * period)),
    );
    if (expression === undefined) return figures[0] ?? [];
    if (known === undefined || !sameFigures(known.figures, figures)) {
      const series = new Map(statistics.map(({ id }, index) => [id, figures[index] ?? []]));
      known = { figures, points: evaluateMath(expression, series) };
    }
    return known.points;
  };
}

function sameFigures(some: readonly Series[], others: readonly Series[]): boolean {
  return some.every((series, index) => series.every((value, at) => value === others[index]?.[at]));
}

const COMPARISONS: Readonly<Record<AlarmResource['comparison'], (a: number, b: number) => boolean>> = {
  GreaterThanOrEqualToThreshold: (a, b) => a >= b,
  GreaterThanThreshold: (a, b) => a > b,
  LessThanThreshold: (a, b) => a < b,
  LessThanOrEqualToThreshold: (a, b) => a <= b,
};

/**
 * What the points say, the newest first. Real ones are preferred, wherever in the range they lie; what is then still
 * missing is filled as the alarm says.
 */
export function judge(alarm: AlarmResource, points: Series, state: AlarmState): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData, threshold } = alarm;
  const breaches = (value: number) => COMPARISONS[alarm.comparison](value, threshold);
  const real = points.filter((value) => value !== undefined).slice(0, evaluationPeriods);
  const breaching = real.filter(breaches).length;
  const missing = evaluationPeriods - real.length;
  if (missing === 0 || treatMissingData === 'notBreaching') {
    return breaching >= datapointsToAlarm ? 'ALARM' : 'OK';
  }
  if (treatMissingData === 'breaching') {
    return breaching + missing >= datapointsToAlarm ? 'ALARM' : 'OK';
  }
  if (breaching >= datapointsToAlarm) return 'ALARM';
  if (real.length > breaching) return 'OK';
  if (treatMissingData === 'ignore') return state;
  // Only breaches and gaps: an alarm once the oldest breach is as old as it takes to alarm.
  const oldest = points.findLastIndex((value) => value !== undefined);
  return oldest + 1 >= datapointsToAlarm ? 'ALARM' : 'INSUFFICIENT_DATA';
}
