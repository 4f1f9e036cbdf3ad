import * as z from 'zod';
import type { Placed } from './identities';
import { UnresolvedTemplate } from './intrinsics';
import type { TemplateReader } from './reader';
import type { AlarmResource } from './resources';

const dimensions = z
  .array(z.object({ Name: z.string(), Value: z.string() }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ Name, Value }) => [Name, Value])));

/** The part of an alarm's properties that decides when it rings. */
export const alarmProperties = z.object({
  AlarmName: z.string(),
  ComparisonOperator: z.enum([
    'GreaterThanOrEqualToThreshold',
    'GreaterThanThreshold',
    'LessThanThreshold',
    'LessThanOrEqualToThreshold',
  ]),
  Threshold: z.number(),
  EvaluationPeriods: z.int().positive(),
  DatapointsToAlarm: z.int().positive().optional(),
  TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore', 'missing']).default('missing'),
  EvaluationWindow: z
    .strictObject({ WallClockWindow: z.strictObject({ Timezone: z.literal('UTC').default('UTC') }) })
    .optional(),
  AlarmActions: z.array(z.string()).default([]),
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions: dimensions,
  Statistic: z.string().optional(),
  Period: z.int().positive().optional(),
  Metrics: z
    .array(
      z.looseObject({
        Id: z.string(),
        Expression: z.string().optional(),
        ReturnData: z.boolean().default(true),
        MetricStat: z
          .looseObject({
            Metric: z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: dimensions }),
            Period: z.int().positive(),
            Stat: z.string(),
          })
          .optional(),
      }),
    )
    .optional(),
});

/** CloudWatch's own limits: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
const HOUR = 3_600;
const DAY = 86_400;
const MOST_METRICS = 10;

/** The periods that a wall clock's window may have, in seconds. */
const WALL_CLOCK_PERIODS = [60, 300, HOUR, DAY, 7 * DAY];

export function readAlarm(template: TemplateReader, placed: Placed): AlarmResource {
  return alarmOf(template.properties(placed, alarmProperties));
}

/** @throws UnresolvedTemplate for what CloudWatch would refuse, or what can't be evaluated here. */
export function alarmOf(properties: z.infer<typeof alarmProperties>): AlarmResource {
  const { AlarmName: name, EvaluationPeriods: evaluationPeriods, TreatMissingData, Threshold } = properties;
  const refuse = (reason: string): UnresolvedTemplate => new UnresolvedTemplate(`Alarm ${name}: ${reason}`);
  const { metrics, expression } = watched(properties, refuse);
  const periods = new Set(metrics.map(({ metric }) => metric.periodSeconds));
  const [periodSeconds] = periods;
  if (periodSeconds === undefined || periods.size > 1) throw refuse('its metrics must have one period');
  if (metrics.length > MOST_METRICS) throw refuse(`it has more than ${MOST_METRICS} metrics`);
  if (periodSeconds % 60 !== 0) throw refuse(`a period of ${periodSeconds} s is not evaluated here`);
  const datapointsToAlarm = properties.DatapointsToAlarm ?? evaluationPeriods;
  if (datapointsToAlarm > evaluationPeriods) throw refuse('it wants more points than it judges');
  if (periodSeconds * evaluationPeriods > (periodSeconds < HOUR ? DAY : 7 * DAY)) {
    throw refuse('it looks back further than CloudWatch does');
  }
  const wallClock = properties.EvaluationWindow !== undefined;
  if (wallClock && !WALL_CLOCK_PERIODS.includes(periodSeconds)) {
    throw refuse(`a wall clock's window has no period of ${periodSeconds} s`);
  }
  return {
    name,
    metrics,
    ...(expression !== undefined && { expression }),
    periodSeconds,
    comparison: properties.ComparisonOperator,
    threshold: Threshold,
    evaluationPeriods,
    datapointsToAlarm,
    treatMissingData: TreatMissingData,
    wallClock,
    tells: properties.AlarmActions,
  };
}

function watched(
  { Metrics, Namespace, MetricName, Dimensions, Statistic, Period }: z.infer<typeof alarmProperties>,
  refuse: (reason: string) => UnresolvedTemplate,
): Pick<AlarmResource, 'metrics' | 'expression'> {
  if (Metrics === undefined) {
    if (
      Namespace === undefined ||
      MetricName === undefined ||
      Statistic === undefined ||
      Period === undefined
    ) {
      throw refuse('it names no metric, statistic and period');
    }
    const metric = {
      namespace: Namespace,
      name: MetricName,
      dimensions: Dimensions,
      statistic: Statistic,
      periodSeconds: Period,
    };
    return { metrics: [{ id: 'metric', metric }] };
  }
  const returned = Metrics.filter(({ ReturnData }) => ReturnData);
  const [judged] = returned;
  if (judged === undefined || returned.length > 1) throw refuse('one of its metrics must return data');
  if (judged.Expression === undefined) throw refuse('what returns data must be an expression');
  const metrics = Metrics.filter((metric) => metric !== judged).map(({ Id, MetricStat }) => {
    if (MetricStat === undefined) throw refuse(`the expression ${Id} within another is not evaluated here`);
    const { Metric, Period: periodSeconds, Stat } = MetricStat;
    return {
      id: Id,
      metric: {
        namespace: Metric.Namespace,
        name: Metric.MetricName,
        dimensions: Metric.Dimensions,
        statistic: Stat,
        periodSeconds,
      },
    };
  });
  return { metrics, expression: judged.Expression };
}
