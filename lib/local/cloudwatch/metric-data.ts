import { type MetricName, type MetricStatistic, metricKey, UnknownMetric } from './metric';

const STATISTICS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
  Average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  Minimum: (values) => values.reduce((least, value) => Math.min(least, value)),
  Maximum: (values) => values.reduce((most, value) => Math.max(most, value)),
  SampleCount: (values) => values.length,
};

interface Values {
  /** Milliseconds, ascending once `sorted`. */
  times: number[];
  values: number[];
  sorted: boolean;
}

/** Values of metrics by time, and their statistics over any stretch of it. */
export class MetricData {
  private readonly metrics = new Map<string, Values>();

  add(metric: MetricName, time: number, value: number): void {
    const found = this.metrics.get(metricKey(metric)) ?? { times: [], values: [], sorted: true };
    this.metrics.set(metricKey(metric), found);
    found.sorted &&= time >= (found.times.at(-1) ?? time);
    found.times.push(time);
    found.values.push(value);
  }

  /** The statistic of what has its time in [from, to), in milliseconds; undefined when nothing has. */
  statistic(metric: MetricStatistic, from: number, to: number): number | undefined {
    return this.statisticOf(metric)(from, to);
  }

  /** The same for who asks often. What is added later is not known to it. */
  statisticOf(metric: MetricStatistic): (from: number, to: number) => number | undefined {
    const { statistic } = metric;
    const compute = STATISTICS[statistic];
    if (compute === undefined) throw new UnknownMetric(`The statistic ${statistic} is not computed here`);
    const found = this.metrics.get(metricKey(metric));
    if (found === undefined) return () => undefined;
    sort(found);
    return (from, to) => {
      const first = firstFrom(found.times, from);
      const end = firstFrom(found.times, to);
      return first === end ? undefined : compute(found.values.slice(first, end));
    };
  }
}

function sort(found: Values): void {
  if (found.sorted) return;
  const order = found.times.map((_, index) => index).sort((a, b) => at(found.times, a) - at(found.times, b));
  found.values = order.map((index) => at(found.values, index));
  found.times = order.map((index) => at(found.times, index));
  found.sorted = true;
}

function at(list: readonly number[], index: number): number {
  return list[index] ?? Number.NaN;
}

/** Index of the first time that is not before `time`. */
function firstFrom(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(times, middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
