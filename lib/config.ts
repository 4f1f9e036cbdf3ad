import * as z from 'zod';
import { type Settings, settingsSchema, trainingSchema } from '../lambdas/settings';
import { isTimezone, locationSchema } from '../lambdas/weather/location';
import type { Plan } from '../lambdas/weather/provider';
import { PROVIDERS } from '../lambdas/weather/providers';

const days = z.int().min(1).max(36_500);

/** The retentions that CloudWatch Logs offers, in days. */
const logDays = z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653]);

/** A time of the week, UTC. Semantic rather than cron text, which only a deployment could refuse. */
const weekly = z.strictObject({
  day: z.enum(['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN']),
  time: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'use a UTC time such as "03:30"'),
});
export type Weekly = z.infer<typeof weekly>;

const schedulesSchema = z.strictObject({
  /** Minute of each hour at which the hour before is closed; late enough for the last poll to have arrived. */
  hourlyMinute: settingsSchema.shape.hourlyMinute,
  /** When all locations are retrained. */
  retrain: weekly.default({ day: 'SUN', time: '03:30' }),
  /** When the crawler looks at what the provider's replies contain by now. */
  crawl: weekly.default({ day: 'MON', time: '04:30' }),
});

const retentionSchema = z.strictObject({
  /** Days until raw observations are deleted; kept for ever when absent, so that every hour can be recomputed. */
  rawDays: days.min(35).optional(),
  /** Days until a version of a model that something else replaced under the same key is deleted. */
  supersededModelDays: days.default(365),
  /** Days that query results, staged tables and training sets of a run stay. */
  queryResultDays: days.min(2).default(7),
  /** Days that the logs of functions and state machines stay. */
  logDays: logDays.default(30),
});

/** Also part of function, bucket and database names: short, lower-case, no punctuation. */
export const stageSchema = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,15}$/, 'use up to 16 lower-case letters and digits, as in "dev"')
  // Its database would be the one in which the stage prod keeps what its crawler finds.
  .refine((stage) => stage !== 'discovery', 'is the name of a part of every stage; choose another');

/** Reanalysis goes back to here, and no provider further. */
const FIRST_OF_ALL_DAYS = '1940-01-01';

const SAO_PAULO = [
  { id: 'sao-paulo', name: 'São Paulo', query: 'Sao Paulo, Brazil', timezone: 'America/Sao_Paulo' },
];

/** The block `garoa` in cdk.json: all that an owner decides. Every field has a default. */
export const configSchema = z
  .strictObject({
    stage: stageSchema.default('prod'),
    provider: settingsSchema.shape.provider.default('weatherapi'),
    /** Id of the provider's plan that the calls of a month are held against; the smallest when absent. */
    plan: z.string().optional(),
    locations: z.array(locationSchema).min(1).max(5_000).prefault(SAO_PAULO),
    /** Precipitation of an hour from which on it counts as rain, in millimetres. */
    rainThresholdMm: settingsSchema.shape.rainThresholdMm.max(50).default(0.1),
    schedules: schedulesSchema.prefault({}),
    training: trainingSchema.prefault({}),
    retention: retentionSchema.prefault({}),
    /** Days that must lie between two retrainings that lost skill has started, beside the weekly ones. */
    retrainOnEvidenceEveryDays: z.int().min(1).max(90).default(7),
    /** First UTC day that the lake's tables cover; earlier partitions are invisible to queries. */
    firstDay: settingsSchema.shape.firstDay.refine(
      (day) => day >= FIRST_OF_ALL_DAYS && day <= new Date().toISOString().slice(0, 10),
      `lies between ${FIRST_OF_ALL_DAYS}, when the histories of weather begin, and today`,
    ),
    /** Executions of functions that the account may run at once; ten in a new one. */
    accountConcurrency: z.int().min(5).max(100_000).default(10),
    /** Receives every alarm, once the subscription mail is confirmed. */
    alarmEmail: z.email().optional(),
    /** Whether CloudWatch gets a dashboard, which costs $3 a month. */
    dashboard: z.boolean().default(false),
  })
  .superRefine((config, context) => {
    const seen = new Map<string, number>();
    config.locations.forEach(({ id }, index) => {
      const first = seen.get(id);
      if (first === undefined) {
        seen.set(id, index);
      } else {
        context.addIssue({
          code: 'custom',
          path: ['locations', index, 'id'],
          message: `"${id}" is already the id of locations[${first}]`,
        });
      }
    });
    if (!config.locations.some(({ forecast }) => forecast)) {
      context.addIssue({
        code: 'custom',
        path: ['locations'],
        message: 'none of them is forecast: leave "forecast" out for one at least',
      });
    }
    const { plans, needsCoordinates, needsWholeHourZones, title } = PROVIDERS[config.provider];
    if (config.plan !== undefined && !plans.some(({ id }) => id === config.plan)) {
      const ids = plans.map(({ id }) => `"${id}"`).join(', ');
      context.addIssue({
        code: 'custom',
        path: ['plan'],
        message: `${title} has no plan "${config.plan}"; it has ${ids}`,
      });
    }
    if (needsWholeHourZones) {
      const offsets = new Map(config.locations.map(({ timezone }) => [timezone, 0]));
      for (const timezone of offsets.keys()) {
        // A zone that does not exist has its own complaint.
        const known = isTimezone(timezone) ? offsetsOf(timezone) : [];
        offsets.set(timezone, known.find((minutes) => minutes % 60 !== 0) ?? 0);
      }
      config.locations.forEach(({ timezone }, index) => {
        const offset = offsets.get(timezone) ?? 0;
        if (offset !== 0) {
          context.addIssue({
            code: 'custom',
            path: ['locations', index, 'timezone'],
            message:
              `the hours of ${title} are those of local clocks, and in ${timezone} they begin ` +
              `${Math.abs(offset % 60)} minutes off the UTC hours of the lake; set garoa.provider to ` +
              `"${wholeHourProvider}", whose hours are UTC, and give latitude and longitude`,
          });
        }
      });
    }
    if (needsCoordinates) {
      config.locations.forEach(({ latitude }, index) => {
        if (latitude === undefined) {
          context.addIssue({
            code: 'custom',
            path: ['locations', index, 'latitude'],
            message: `${title} is asked by latitude and longitude`,
          });
        }
      });
    }
  });

/** The way out for places whose clocks are a part of an hour from UTC. */
const wholeHourProvider = Object.entries(PROVIDERS).find(([, one]) => !one.needsWholeHourZones)?.[0];

/** Minutes that a zone's clocks are ahead of UTC in the middle of either half of a year. */
function offsetsOf(timeZone: string): number[] {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)].map((instant) => {
    const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours = 0, minutes = 0] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (60 * Number(hours) + Number(minutes));
  });
}

export type GaroaConfig = z.infer<typeof configSchema>;
/** The block as it is written down, defaults left out. */
export type GaroaBlock = z.input<typeof configSchema>;

/** The configuration is wrong; the message names each place and what to do about it, on one line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** More problems than a reader repairs in one go only hide the first ones. */
const PROBLEMS_SHOWN = 3;

/**
 * Parses the block `garoa` of cdk.json; an absent block gives the default, São Paulo on WeatherAPI.com.
 * @throws ConfigError naming path and reason, such as `garoa.locations[1].id: …`.
 */
export function parseConfig(block: unknown): GaroaConfig {
  const parsed = configSchema.safeParse(block ?? {});
  if (parsed.success) {
    return parsed.data;
  }
  const problems = parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`);
  const more = problems.length > PROBLEMS_SHOWN ? `; and ${problems.length - PROBLEMS_SHOWN} more` : '';
  throw new ConfigError(problems.slice(0, PROBLEMS_SHOWN).join('; ') + more);
}

/** The part of the configuration that travels with each function. */
export function settingsOf(config: GaroaConfig): Settings {
  const { stage, provider, locations, rainThresholdMm, firstDay, training } = config;
  const { hourlyMinute } = config.schedules;
  return { stage, provider, locations, rainThresholdMm, hourlyMinute, firstDay, training };
}

/** The plan that the calls of a month are held against. */
export function planOf({ provider, plan }: Pick<GaroaConfig, 'provider' | 'plan'>): Plan {
  const { plans } = PROVIDERS[provider];
  return plans.find(({ id }) => id === plan) ?? plans[0];
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    'garoa',
  );
}
