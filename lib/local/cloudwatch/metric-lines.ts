import * as z from 'zod';

/** One value of a metric that a function emitted, dated by the virtual clock. */
export interface MetricRecord {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly dimensions: Readonly<Record<string, string>>;
  readonly function: string;
  readonly time: string;
}

/** The embedded metric format: a log line that CloudWatch turns into metrics. */
const embedded = z.object({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string().default('None') })),
      }),
    ),
  }),
});
const numbers = z.union([z.number().transform((value) => [value]), z.array(z.number())]);

/** The metrics of one JSON log line; none when it carries no embedded metrics. */
export function readMetrics(
  line: Readonly<Record<string, unknown>>,
): Omit<MetricRecord, 'function' | 'time'>[] {
  const parsed = embedded.safeParse(line);
  if (!parsed.success) return [];
  return parsed.data._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Metrics.flatMap(({ Name, Unit }) => {
      const values = numbers.safeParse(line[Name]);
      if (!values.success) return [];
      const dimensions = Object.fromEntries((Dimensions[0] ?? []).map((name) => [name, String(line[name])]));
      return [{ namespace: Namespace, name: Name, unit: Unit, values: values.data, dimensions }];
    }),
  );
}
