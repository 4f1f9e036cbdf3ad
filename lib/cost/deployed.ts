import * as z from 'zod';
import { HOURS_PER_MONTH } from './prices';

/** What of a deployment costs by its being there, and how often its schedules start something. */
export interface Deployed {
  readonly alarmMetrics: number;
  readonly customMetrics: number;
  readonly dashboards: number;
  readonly secrets: number;
  readonly crawlersAWeek: number;
  /** Megabytes by the end of a function's name. */
  readonly memory: Readonly<Record<string, number>>;
  /** Runs a month by the end of the schedule's name, such as `hourly`; polls by shard are one sum. */
  readonly runs: Readonly<Record<string, number>>;
}

const resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});
const templateSchema = z.looseObject({ Resources: z.record(z.string(), resource) });

const alarm = z.looseObject({
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Metrics: z
    .array(
      z.looseObject({
        MetricStat: z.looseObject({ Metric: z.looseObject({ Namespace: z.string() }) }).optional(),
      }),
    )
    .optional(),
});
const schedule = z.looseObject({ Name: z.string(), ScheduleExpression: z.string() });
const fn = z.looseObject({ FunctionName: z.string(), MemorySize: z.number() });

/** Metrics of our own that alarms watch and that are sent every day; the others come with faults alone. */
const SENT_EVERY_DAY = ['SkillAgainstPersistence'];

/** @param application such as `garoa-prod`, which names begin with. */
export function deployed(templates: readonly unknown[], application: string): Deployed {
  const resources = templates.flatMap((template) => Object.values(templateSchema.parse(template).Resources));
  const all = <T extends z.ZodType>(type: string, schema: T): z.infer<T>[] =>
    resources.filter(({ Type }) => Type === type).map(({ Properties }) => schema.parse(Properties));
  const short = (name: string) => name.slice(application.length + 1);
  const alarms = all('AWS::CloudWatch::Alarm', alarm);
  const runs: Record<string, number> = {};
  for (const { Name, ScheduleExpression } of all('AWS::Scheduler::Schedule', schedule)) {
    const kind = short(Name).startsWith('ingest-') ? 'poll' : short(Name);
    runs[kind] = (runs[kind] ?? 0) + firingsPerMonth(ScheduleExpression);
  }
  return {
    alarmMetrics: alarms.reduce(
      (sum, { Metrics }) => sum + (Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1),
      0,
    ),
    customMetrics: alarms.filter(({ MetricName }) => SENT_EVERY_DAY.includes(MetricName ?? '')).length,
    dashboards: all('AWS::CloudWatch::Dashboard', z.unknown()).length,
    secrets: all('AWS::SecretsManager::Secret', z.unknown()).length,
    crawlersAWeek: all('AWS::Glue::Crawler', z.unknown()).length,
    memory: Object.fromEntries(
      all('AWS::Lambda::Function', fn).map(({ FunctionName, MemorySize }) => [
        short(FunctionName),
        MemorySize,
      ]),
    ),
    runs,
  };
}

/**
 * How often a schedule of ours fires: cron with lists of minutes only by step, an hour or none, a weekday or none.
 * @throws Error for what is written otherwise.
 */
function firingsPerMonth(expression: string): number {
  const [, minute = '', hour = '', day, month, weekday = '', year] =
    /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression) ?? [];
  const everyMinutes = minute === '*' ? 1 : Number(minute.split('/')[1] ?? 60);
  const known =
    /^(\*|\d+(\/\d+)?)$/.test(minute) &&
    /^(\*|\d+)$/.test(hour) &&
    /^(\*|\?|[A-Z]{3})$/.test(weekday) &&
    ['*', '?'].includes(day ?? '') &&
    month === '*' &&
    year === '*';
  if (!known) throw new Error(`${expression}: how often this fires is not known here`);
  const hours = hour === '*' ? HOURS_PER_MONTH : HOURS_PER_MONTH / 24;
  return ((60 / everyMinutes) * hours) / (/^[A-Z]{3}$/.test(weekday) ? 7 : 1);
}
