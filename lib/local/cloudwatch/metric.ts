/** What names a metric: two that differ in a dimension are two metrics. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface MetricStatistic extends MetricName {
  readonly statistic: string;
  readonly periodSeconds: number;
}

/** The alarm needs a metric that is not measured here, or a function that is not computed; the message names it. */
export class UnknownMetric extends Error {
  override readonly name = 'UnknownMetric';
}

/** One text for one metric, in whatever order its dimensions come. */
export function metricKey({ namespace, name, dimensions }: MetricName): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).toSorted()]);
}
