import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { MAXIMUM_DAYS } from '../../lambdas/hourly/commit';
import { parseEvent } from '../../lambdas/hourly/event';
import { parseIngestEvent } from '../../lambdas/ingest/events';
import { ASKING_SECONDS, locationsOfShard, shardsNeeded } from '../../lambdas/ingest/shards';
import { PAGES_PREFIX, TABLES } from '../../lambdas/lake/layout';
import { FITTING } from '../../lambdas/model/train';
import { parseStep } from '../../lambdas/retrain/steps';
import { Env } from '../../lambdas/runtime/env';
import { PROVIDERS } from '../../lambdas/weather/providers';
import { settingsOf } from '../../lib/config';
import { readMeasured } from '../../lib/cost/measured';
import { PRICES } from '../../lib/cost/prices';
import type { FunctionResource, ScheduleResource } from '../../lib/local/assembly/resources';
import { judge } from '../../lib/local/cloudwatch/alarms';
import { Identities } from '../../lib/local/iam/identities';
import { scheduleTimes } from '../../lib/local/scheduler/schedule-expression';
import { projectRoot } from '../../lib/project-root';
import type { Deployment } from './deployment';

/** What must hold between parts of the templates, the code that they run and what the owner decided. */
export interface Relation {
  /** The sentence that says so, and why. */
  readonly name: string;
  /** Where it does not hold. */
  readonly broken: (deployment: Deployment) => readonly string[];
}

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
const MINUTE_MS = 60_000;
/** A Sunday before which nothing is due. */
const WEEK_START = Date.UTC(2026, 10, 1);
const WEEK_MS = 7 * DAY_SECONDS * 1000;
const MEGABYTES_PER_PROCESSOR = 1_769;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, and what a new account gets. */
const LONGEST_FUNCTION_SECONDS = 900;
const MOST_MEGABYTES_OF_NEW_ACCOUNT = 3_008;
/** What a month of the default may cost. */
const BUDGET = 5;

const functionOf = ({ resources }: Deployment, name: string): FunctionResource => {
  const found = resources.functions.find((fn) => fn.name.endsWith(`-${name}`));
  if (found === undefined) throw new Error(`There is no function ${name}`);
  return found;
};
const FUNCTIONS = ['ingest', 'hourly', 'retrain'] as const;

const machineOf = ({ resources }: Deployment, name: string) => {
  const found = resources.stateMachines.find((machine) => machine.name.endsWith(`-${name}`));
  if (found === undefined) throw new Error(`There is no machine ${name}`);
  return machineSchema.parse(found.definition);
};
const stateSchema = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Arguments: z.looseObject({ FunctionName: z.string().optional() }).optional(),
  TimeoutSeconds: z.number().optional(),
  MaxConcurrency: z.number().optional(),
  ItemProcessor: z.looseObject({ States: z.record(z.string(), z.unknown()) }).optional(),
  Retry: z
    .array(
      z.looseObject({
        ErrorEquals: z.array(z.string()),
        IntervalSeconds: z.number().default(1),
        MaxAttempts: z.number().default(3),
        BackoffRate: z.number().default(2),
        MaxDelaySeconds: z.number().optional(),
        JitterStrategy: z.string().optional(),
      }),
    )
    .default([]),
});
type State = z.infer<typeof stateSchema>;
const machineSchema = z.looseObject({
  TimeoutSeconds: z.number().optional(),
  States: z.record(z.string(), z.unknown()),
});

/** All states of a machine, those within Maps included. */
function statesOf(scope: { readonly States: Readonly<Record<string, unknown>> }): [string, State][] {
  return Object.entries(scope.States).flatMap(([name, written]): [string, State][] => {
    const state = stateSchema.parse(written);
    return [[name, state], ...(state.ItemProcessor === undefined ? [] : statesOf(state.ItemProcessor))];
  });
}

const MACHINES = ['upkeep', 'backfill', 'retrain', 'retrain-on-evidence'] as const;

const tasksOf = (deployment: Deployment): { machine: string; state: string; task: State }[] =>
  MACHINES.flatMap((machine) =>
    statesOf(machineOf(deployment, machine))
      .filter(([, { Type }]) => Type === 'Task')
      .map(([state, task]) => ({ machine, state, task })),
  );

const known = new Map<string, readonly number[]>();

/** Instants of a week at which a schedule fires, and the first of the next. */
function firings(expression: string): readonly number[] {
  const before = known.get(expression);
  if (before !== undefined) return before;
  const next = scheduleTimes(expression);
  const times: number[] = [];
  known.set(expression, times);
  for (let time = next(new Date(WEEK_START - 1)); time !== undefined; time = next(time)) {
    times.push(time.getTime());
    if (time.getTime() >= WEEK_START + WEEK_MS) break;
  }
  return times;
}

function shortestInterval(expression: string): number {
  const times = firings(expression);
  return Math.min(...times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000));
}

const scheduleNamed = ({ config, resources }: Deployment, name: string): ScheduleResource => {
  const found = resources.schedules.find((one) => one.name === `garoa-${config.stage}-${name}`);
  if (found === undefined) throw new Error(`There is no schedule ${name} that is switched on`);
  return found;
};
/** The schedule of a function that fires most often. */
const scheduleOf = (deployment: Deployment, name: string): ScheduleResource => {
  const { arn } = functionOf(deployment, name);
  const [first] = deployment.resources.schedules
    .filter(({ targetArn }) => targetArn === arn)
    .toSorted((a, b) => shortestInterval(a.expression) - shortestInterval(b.expression));
  if (first === undefined) throw new Error(`Nothing starts ${name}`);
  return first;
};
const inputOf = ({ input }: ScheduleResource, time: number): unknown =>
  JSON.parse(input.replaceAll('<aws.scheduler.scheduled-time>', new Date(time).toISOString()));

/** Every poll of a day: its minute, and what the function takes it for. */
const pollsOfADay = (deployment: Deployment) => {
  const settings = settingsOf(deployment.config);
  const { arn } = functionOf(deployment, 'ingest');
  return deployment.resources.schedules
    .filter(({ targetArn }) => targetArn === arn)
    .flatMap((schedule) =>
      firings(schedule.expression)
        .filter((time) => time < WEEK_START + DAY_SECONDS * 1000)
        .map((time) => ({
          minute: (time - WEEK_START) / MINUTE_MS,
          job: parseIngestEvent(inputOf(schedule, time), settings, new Date(time)),
        })),
    );
};

const bucketSchema = z.looseObject({
  BucketEncryption: z
    .object({ ServerSideEncryptionConfiguration: z.array(z.looseObject({})).min(1) })
    .optional(),
  PublicAccessBlockConfiguration: z.record(z.string(), z.boolean()).default({}),
  OwnershipControls: z.object({ Rules: z.array(z.object({ ObjectOwnership: z.string() })) }).optional(),
  VersioningConfiguration: z.object({ Status: z.string() }).optional(),
  LifecycleConfiguration: z
    .object({
      Rules: z.array(
        z.looseObject({
          Status: z.string(),
          Prefix: z.string().optional(),
          ExpirationInDays: z.number().optional(),
          NoncurrentVersionExpiration: z.object({ NoncurrentDays: z.number() }).optional(),
          AbortIncompleteMultipartUpload: z.object({ DaysAfterInitiation: z.number() }).optional(),
        }),
      ),
    })
    .default({ Rules: [] }),
});

const buckets = (deployment: Deployment) =>
  deployment.all('AWS::S3::Bucket', bucketSchema).map(({ id, ref, deletionPolicy, properties }) => ({
    id,
    name: ref,
    deletionPolicy,
    ...properties,
    rules: properties.LifecycleConfiguration.Rules.filter(({ Status }) => Status === 'Enabled'),
  }));
const bucketNamed = (deployment: Deployment, id: string) => {
  const found = buckets(deployment).find((bucket) => bucket.id === id);
  if (found === undefined) throw new Error(`There is no bucket ${id}`);
  return found;
};
const least = (values: readonly (number | undefined)[]): number =>
  Math.min(...values.map((value) => value ?? Number.POSITIVE_INFINITY));

const workgroupSchema = z.looseObject({
  WorkGroupConfiguration: z.looseObject({
    BytesScannedCutoffPerQuery: z.number().optional(),
    EnforceWorkGroupConfiguration: z.boolean().default(true),
    PublishCloudWatchMetricsEnabled: z.boolean().default(false),
    ResultConfiguration: z.looseObject({
      EncryptionConfiguration: z.looseObject({ EncryptionOption: z.string() }).optional(),
    }),
    EngineVersion: z.looseObject({ SelectedEngineVersion: z.string() }).optional(),
  }),
});
const workgroup = (deployment: Deployment) => {
  const [found] = deployment.all('AWS::Athena::WorkGroup', workgroupSchema);
  if (found === undefined) throw new Error('There is no workgroup');
  return found.properties.WorkGroupConfiguration;
};

const when = (broken: boolean, what: string): string[] => (broken ? [what] : []);

/** Bucket of the zone, as the tables of the catalogue name it. */
const bucketOfZone = ({ resources }: Deployment, zone: 'raw' | 'processed'): string | undefined => {
  const names = new Set(TABLES.filter((table) => table.zone === zone).map(({ name }) => name));
  const table = resources.databases.flatMap(({ tables }) => tables).find(({ name }) => names.has(name));
  return /^s3:\/\/([^/]+)\//.exec(table?.location ?? '')?.[1];
};

/** What each variable must hold for the parts to find each other. */
const variables = (deployment: Deployment): Readonly<Record<string, string | undefined>> => {
  const { config, resources } = deployment;
  const { addresses } = PROVIDERS[config.provider];
  const [group] = resources.workgroups;
  return {
    [Env.rawBucket]: bucketOfZone(deployment, 'raw'),
    [Env.processedBucket]: bucketOfZone(deployment, 'processed'),
    [Env.modelsBucket]: buckets(deployment).find(({ VersioningConfiguration }) => VersioningConfiguration)
      ?.name,
    [Env.queryResultsBucket]: /^s3:\/\/([^/]+)\//.exec(group?.outputLocation ?? '')?.[1],
    [Env.database]: resources.databases.find(({ tables }) => tables.length > 0)?.name,
    [Env.workgroup]: group?.name,
    [Env.apiKeySecret]: resources.secrets[0]?.name,
    [Env.weatherApiUrl]: addresses.api,
    [Env.archiveApiUrl]: addresses.archive,
    [Env.eventBus]: resources.rules[0]?.busName,
    [Env.ingestFunction]: functionOf(deployment, 'ingest').name,
    POWERTOOLS_SERVICE_NAME: resources.alarms
      .flatMap(({ metrics }) => metrics)
      .find(({ metric }) => metric.namespace === 'Garoa')?.metric.dimensions.service,
  };
};

/** Variables that a handler can't do without, as its source says. */
const requiredBy = (name: string): string[] => {
  const source = readFileSync(join(projectRoot, 'lambdas', name, 'handler.ts'), 'utf8');
  const known: Readonly<Record<string, string>> = Env;
  return [...source.matchAll(/(?:requireEnv|bucket)\(Env\.(\w+)\)/g)].map(
    ([, key = '']) => known[key] ?? key,
  );
};

/** Measured processor time of the largest run that one schedule polls, on what a function has of a processor. */
const pollSeconds = (megabytes: number): number => {
  const { fixed, perPlace } = readMeasured(projectRoot).runs.poll;
  let places = 1;
  while (shardsNeeded(places + 100) === 1) places += 100;
  const share = Math.min(1, megabytes / MEGABYTES_PER_PROCESSOR);
  return (fixed.cpuMs + places * perPlace.cpuMs) / share / 1000;
};

/** Bytes of the largest statement that Garoa makes by itself: a range of days, all of whose polls it reads. */
const largestStatementBytes = (places: number): number => {
  const { fixed, perPlace } = readMeasured(projectRoot).runs.poll;
  return MAXIMUM_DAYS * 24 * 60 * (fixed.storedBytes + places * perPlace.storedBytes);
};
/** The largest deployment that the cost is told for. */
const MANY_PLACES = 1_000;

export const RELATIONS: readonly Relation[] = [
  // Alarms
  {
    name: 'every alarm tells a topic that is there when it rings and when it goes back',
    broken: (deployment) => {
      const topics = deployment.resources.topics.map(({ arn }) => arn);
      const actions = z.looseObject({
        AlarmName: z.string(),
        AlarmActions: z.array(z.string()).default([]),
        OKActions: z.array(z.string()).default([]),
      });
      return deployment
        .all('AWS::CloudWatch::Alarm', actions)
        .filter(({ properties: { AlarmActions, OKActions } }) =>
          [AlarmActions, OKActions].some((told) => !told.some((arn) => topics.includes(arn))),
        )
        .map(({ properties }) => properties.AlarmName);
    },
  },
  {
    name: 'the period of an alarm holds at least one start of what it counts, so that a run in time never looks missed',
    broken: ({ resources }) =>
      resources.alarms.flatMap(({ name, metrics, periodSeconds, evaluationPeriods }) =>
        metrics.flatMap(({ metric }) => {
          const target = [metric.dimensions.FunctionName, metric.dimensions.StateMachineArn];
          const counted = resources.schedules.filter(({ targetArn }) =>
            target.some((one) => one !== undefined && targetArn.endsWith(one.replace(/^.*:/, ':'))),
          );
          const shortest = Math.min(...counted.map(({ expression }) => shortestInterval(expression)));
          const starts = ['Invocations', 'AsyncEventsReceived', 'ExecutionsStarted', 'ExecutionsSucceeded'];
          return name.endsWith('-did-not-run') && starts.includes(metric.name) && counted.length > 0
            ? when(periodSeconds * evaluationPeriods < shortest, `${name}: ${metric.name}`)
            : [];
        }),
      ),
  },
  {
    name: 'what rings for one failure rings for many, and for none counted it does not; what misses runs does the opposite',
    broken: ({ resources }) =>
      resources.alarms
        .filter(({ name }) => !name.endsWith('-worse-than-persistence'))
        .filter((alarm) => {
          const rings = (value: number): boolean =>
            judge(
              alarm,
              Array.from({ length: alarm.evaluationPeriods }, () => value),
              'OK',
            ) === 'ALARM';
          const missed = alarm.name.endsWith('-did-not-run');
          return rings(10 * alarm.threshold + 10) === missed || rings(0) !== missed;
        })
        .map(({ name }) => name),
  },
  // Schedules
  {
    name: 'every place is polled as often as its owner decided, and at the minute that closes an hour',
    broken: (deployment) => {
      const { config } = deployment;
      const { minute } = PROVIDERS[config.provider].closingPoll;
      const polls = pollsOfADay(deployment);
      return config.locations.flatMap(({ id, pollEveryMinutes }) => {
        const minutes = polls
          .filter(({ job }) => job.kind === 'poll' && job.locations.some((place) => place.id === id))
          .map((poll) => poll.minute);
        return [
          ...when(
            minutes.length !== (24 * 60) / pollEveryMinutes,
            `${id} is polled ${minutes.length} times a day`,
          ),
          ...when(
            minutes.filter((one) => one % 60 === minute).length !== 24,
            `${id} is not polled at minute ${minute} of each hour`,
          ),
        ];
      });
    },
  },
  {
    name: 'the hourly run begins at the minute up to which its statements take readings for known, in every hour',
    broken: (deployment) => {
      const { expression } = scheduleNamed(deployment, 'hourly');
      const times = firings(expression).slice(0, -1);
      const { hourlyMinute } = settingsOf(deployment.config);
      const minutes = new Set(times.map((time) => new Date(time).getUTCMinutes()));
      return [
        ...when(times.length !== 7 * 24, `${times.length} runs in a week`),
        ...when(minutes.size !== 1 || !minutes.has(hourlyMinute), `at minute ${[...minutes].join(', ')}`),
      ];
    },
  },
  {
    name: "upkeep comes once a day, when the day's first hourly run must have ended, and before the second",
    broken: (deployment) => {
      const upkeep = firings(scheduleNamed(deployment, 'upkeep').expression).slice(0, -1);
      const hourly = firings(scheduleNamed(deployment, 'hourly').expression);
      const longest = functionOf(deployment, 'hourly').timeoutSeconds * 1000;
      return [
        ...when(upkeep.length !== 7, `${upkeep.length} times a week`),
        ...upkeep.flatMap((time) => {
          const midnight = Math.floor(time / (DAY_SECONDS * 1000)) * DAY_SECONDS * 1000;
          const [first = 0, second = 0] = hourly.filter((one) => one >= midnight);
          return when(time < first + longest || time >= second, new Date(time).toISOString());
        }),
      ];
    },
  },
  {
    name: 'retraining comes once a week, at the day and time that the owner decided',
    broken: (deployment) => {
      const { day, time } = deployment.config.schedules.retrain;
      const [first = 0, ...more] = firings(scheduleNamed(deployment, 'retrain').expression).slice(0, -1);
      const weekday = new Date(first).toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' });
      return when(
        more.length > 0 ||
          weekday.toUpperCase() !== day ||
          new Date(first).toISOString().slice(11, 16) !== time,
        new Date(first).toISOString(),
      );
    },
  },
  {
    name: 'what a schedule sends is an event that its target takes for what it is',
    broken: (deployment) => {
      const time = WEEK_START + HOUR_SECONDS * 1000;
      const taken = (name: string, kind: (event: unknown) => string | undefined): string[] => {
        const event = inputOf(scheduleNamed(deployment, name), time);
        try {
          return when(kind(event) !== new Date(time).toISOString().replace('.000', ''), name);
        } catch (error) {
          return [`${name}: ${String(error)}`];
        }
      };
      const now = new Date(0);
      const firstDay = '1970-01-01';
      return [
        ...taken('hourly', (event) => {
          const task = parseEvent(event, now, firstDay);
          return task.kind === 'hour' ? task.now : undefined;
        }),
        ...taken('upkeep', (event) => {
          const task = parseEvent(event, now, firstDay);
          return task.kind === 'upkeep' ? task.now : undefined;
        }),
        ...taken('retrain', (event) => {
          const startedAt = new Date(time).toISOString();
          parseStep({ step: 'plan', execution: 'one', startedAt, request: event });
          return z.object({ scheduledTime: z.string() }).parse(event).scheduledTime.replace('.000', '');
        }),
        ...deployment.resources.schedules
          .filter(({ targetArn }) => targetArn === functionOf(deployment, 'ingest').arn)
          .flatMap((schedule) => {
            const settings = settingsOf(deployment.config);
            const job = parseIngestEvent(inputOf(schedule, time), settings, now);
            const shard =
              job.kind === 'poll' && job.origin.type === 'schedule' ? job.origin.shard : undefined;
            return when(
              shard === undefined || locationsOfShard(settings.locations, shard).length === 0,
              schedule.name,
            );
          }),
      ];
    },
  },
  {
    name: 'a start that could not be delivered is tried again at least once, and given up before the next is due',
    broken: ({ resources }) =>
      resources.schedules.flatMap(({ name, expression, maximumEventAgeSeconds, maximumRetryAttempts }) => [
        ...when(maximumRetryAttempts < 1, `${name} is not tried again`),
        ...when(
          maximumEventAgeSeconds > shortestInterval(expression) ||
            (maximumEventAgeSeconds === shortestInterval(expression) && maximumEventAgeSeconds > 60),
          `${name} is tried for ${maximumEventAgeSeconds} s`,
        ),
      ]),
  },
  {
    name: 'a start that comes no more often than each hour is tried for half an hour at least, so that an outage costs none; what a poll leaves, history fills',
    broken: (deployment) =>
      deployment.resources.schedules
        .filter(({ targetArn }) => targetArn !== functionOf(deployment, 'ingest').arn)
        .filter(({ expression }) => shortestInterval(expression) >= HOUR_SECONDS)
        .filter(({ maximumEventAgeSeconds }) => maximumEventAgeSeconds < HOUR_SECONDS / 2)
        .map(({ name }) => name),
  },
  {
    name: 'a poll that can not be delivered within its minute is given up: what is asked later tells of another one',
    broken: (deployment) =>
      deployment.resources.schedules
        .filter(({ targetArn }) => targetArn === functionOf(deployment, 'ingest').arn)
        .filter(({ maximumEventAgeSeconds }) => maximumEventAgeSeconds > 60)
        .map(({ name }) => name),
  },
  {
    name: 'an event that starts a machine is tried again for half an hour at least, and for less than the day after which it comes again',
    broken: (deployment) =>
      deployment
        .all(
          'AWS::Events::Rule',
          z.looseObject({
            Name: z.string(),
            Targets: z.array(
              z.looseObject({
                RetryPolicy: z.object({
                  MaximumEventAgeInSeconds: z.number(),
                  MaximumRetryAttempts: z.number(),
                }),
              }),
            ),
          }),
        )
        .flatMap(({ properties: { Name, Targets } }) =>
          Targets.flatMap(
            ({ RetryPolicy: { MaximumEventAgeInSeconds: age, MaximumRetryAttempts: attempts } }) =>
              when(age < HOUR_SECONDS / 2 || age >= DAY_SECONDS || attempts < 1, Name),
          ),
        ),
  },
  {
    name: 'both events of the hourly function start a machine',
    broken: ({ resources }) =>
      ['SkillBelowPersistence', 'GapsFound'].filter(
        (event) => !resources.rules.some(({ pattern }) => JSON.stringify(pattern).includes(`"${event}"`)),
      ),
  },
  {
    name: 'what can not be delivered or was given up lies in a queue; that of a start of a machine is watched by an alarm',
    broken: ({ resources }) => {
      const queues = new Map(resources.queues.map(({ arn, name }) => [arn, name]));
      const watched = new Set(
        resources.alarms.flatMap(({ metrics }) => metrics.map(({ metric }) => metric.dimensions.QueueName)),
      );
      const machines = new Set(resources.stateMachines.map(({ arn }) => arn));
      const starts = [
        ...resources.schedules.map(({ name, targetArn, deadLetterArn }) => ({
          name,
          targetArn,
          deadLetterArn,
        })),
        ...resources.rules.flatMap(({ name, targets }) =>
          targets.map(({ arn, deadLetterArn }) => ({ name, targetArn: arn, deadLetterArn })),
        ),
        ...resources.functions.map(({ name, asynchronous }) => ({
          name,
          targetArn: undefined,
          deadLetterArn: asynchronous.onFailureArn,
        })),
      ];
      return starts
        .filter(({ targetArn, deadLetterArn = '' }) => {
          const queue = queues.get(deadLetterArn);
          return queue === undefined || (machines.has(targetArn ?? '') && !watched.has(queue));
        })
        .map(({ name }) => name);
    },
  },
  // Functions
  {
    name: 'no function asks for more than Lambda gives, nor for more memory than a new account may have',
    broken: ({ resources }) =>
      resources.functions
        .filter(
          ({ memoryMegabytes, timeoutSeconds }) =>
            memoryMegabytes > MOST_MEGABYTES_OF_NEW_ACCOUNT || timeoutSeconds > LONGEST_FUNCTION_SECONDS,
        )
        .map(({ name }) => name),
  },
  {
    name: 'a task waits for its function as long as that may take, and less than a minute longer: then it has been lost',
    broken: (deployment) =>
      tasksOf(deployment).flatMap(({ machine, state, task }) => {
        const name = task.Arguments?.FunctionName;
        const fn = deployment.resources.functions.find((one) => one.arn === name);
        const { TimeoutSeconds = Number.POSITIVE_INFINITY } = task;
        if (fn === undefined) return when(TimeoutSeconds > 60, `${machine}: ${state}`);
        const longer = TimeoutSeconds - fn.timeoutSeconds;
        return when(longer < 0 || longer >= 60, `${machine}: ${state} waits ${longer} s longer`);
      }),
  },
  {
    name: 'a poll of as many places as one schedule may have ends within its minute, by what was measured',
    broken: (deployment) => {
      const { memoryMegabytes, timeoutSeconds } = functionOf(deployment, 'ingest');
      return [
        ...when(timeoutSeconds < ASKING_SECONDS, `time-out of ${timeoutSeconds} s`),
        ...when(pollSeconds(memoryMegabytes) > 60 - ASKING_SECONDS, `${memoryMegabytes} MB`),
      ];
    },
  },
  {
    name: 'the hourly function, which its processor holds up, has a whole one; no function but that of two solvers pays for a second',
    broken: (deployment) => [
      ...when(functionOf(deployment, 'hourly').memoryMegabytes < MEGABYTES_PER_PROCESSOR, 'hourly'),
      ...['hourly', 'ingest'].filter(
        (name) => functionOf(deployment, name).memoryMegabytes > MEGABYTES_PER_PROCESSOR,
      ),
    ],
  },
  {
    name: 'the caches of two solvers at once take no more than half of the memory of the function that trains',
    broken: (deployment) =>
      when(
        2 * FITTING.cacheMegabytes > functionOf(deployment, 'retrain').memoryMegabytes / 2,
        `${functionOf(deployment, 'retrain').memoryMegabytes} MB`,
      ),
  },
  {
    name: 'each function is told all that its handler requires',
    broken: (deployment) =>
      FUNCTIONS.flatMap((name) => {
        const { environment } = functionOf(deployment, name);
        const needed = requiredBy(name).filter(
          (variable) => variable !== Env.apiKeySecret || PROVIDERS[deployment.config.provider].needsKey,
        );
        return ['POWERTOOLS_SERVICE_NAME', ...needed]
          .filter((variable) => !environment[variable])
          .map((variable) => `${name}: ${variable}`);
      }),
  },
  {
    name: 'what a function is told is the name of a part that is there: the bucket of the tables, the bus of the rules, the dimension of the alarms',
    broken: (deployment) => {
      const expected = variables(deployment);
      return FUNCTIONS.flatMap((name) =>
        Object.entries(functionOf(deployment, name).environment)
          .filter(([variable, value]) => value !== expected[variable])
          .map(([variable, value]) => `${name}: ${variable} is ${value}`),
      );
    },
  },
  {
    name: 'an event that nobody waits for is given up before the next one makes it superfluous; only an hourly run is tried again',
    broken: (deployment) =>
      FUNCTIONS.filter((name) => {
        const { maximumEventAgeSeconds: age, maximumRetryAttempts } = functionOf(
          deployment,
          name,
        ).asynchronous;
        // The next poll asks anew, and a step of retraining is repeated by its machine alone.
        if (name !== 'hourly' && maximumRetryAttempts > 0) return true;
        const { expression } =
          name === 'retrain' ? scheduleNamed(deployment, name) : scheduleOf(deployment, name);
        return age > shortestInterval(expression);
      }),
  },
  {
    name: 'an hourly run that waits for a free execution may wait as long as its tries and their pauses take',
    broken: (deployment) => {
      const { asynchronous, timeoutSeconds } = functionOf(deployment, 'hourly');
      const { maximumEventAgeSeconds, maximumRetryAttempts } = asynchronous;
      return when(maximumEventAgeSeconds < maximumRetryAttempts * (timeoutSeconds + 120), 'hourly');
    },
  },
  // Machines
  {
    name: 'a machine may take as long as each of its tasks, tried twice, and a scheduled one ends before its next start',
    broken: (deployment) =>
      MACHINES.flatMap((name) => {
        const { TimeoutSeconds = Number.POSITIVE_INFINITY } = machineOf(deployment, name);
        const longest = Math.max(
          ...tasksOf(deployment)
            .filter(({ machine }) => machine === name)
            .map(({ task }) => task.TimeoutSeconds ?? 0),
        );
        const schedule = deployment.resources.schedules.find(({ name: one }) => one.endsWith(`-${name}`));
        const next = schedule === undefined ? 365 * DAY_SECONDS : shortestInterval(schedule.expression);
        return when(TimeoutSeconds < 2 * longest || TimeoutSeconds >= next, `${name}: ${TimeoutSeconds} s`);
      }),
  },
  {
    name: 'all maps at once leave an execution of the account to every poll, to the hourly run and to upkeep',
    broken: (deployment) => {
      const width = (machine: string, state: string): number => {
        const found = statesOf(machineOf(deployment, machine)).find(([name]) => name === state)?.[1];
        // None, or 0, is no bound at all.
        return found?.MaxConcurrency || Number.POSITIVE_INFINITY;
      };
      const polls = new Set(deployment.resources.schedules.filter(({ name }) => name.includes('-ingest-')));
      const backfill = Math.max(
        width('backfill', 'Fetch each day'),
        width('backfill', 'Recompute the hours'),
      );
      const retraining = Math.max(
        width('retrain', 'Prepare the training sets'),
        width('retrain', 'Retrain each location') * width('retrain', 'Search for the best recipe'),
      );
      const all = polls.size + 2 + backfill + retraining;
      return when(all > deployment.config.accountConcurrency, `${all} executions`);
    },
  },
  {
    name: 'tasks that are throttled together come back at different times',
    broken: (deployment) =>
      tasksOf(deployment).flatMap(({ machine, state, task }) =>
        when(
          task.Retry.some(
            ({ ErrorEquals, JitterStrategy }) =>
              ErrorEquals.some((error) => /TooManyRequests|Lambda\.ServiceException/.test(error)) &&
              JitterStrategy !== 'FULL',
          ),
          `${machine}: ${state}`,
        ),
      ),
  },
  // Buckets
  {
    name: 'every bucket is encrypted, closed to the public, owned by its account, and stays when its stack goes',
    broken: (deployment) =>
      buckets(deployment).flatMap((bucket) => {
        const open =
          Object.values(bucket.PublicAccessBlockConfiguration).filter((closed) => closed).length < 4;
        return [
          ...when(bucket.BucketEncryption === undefined, `${bucket.id} is not encrypted`),
          ...when(open, `${bucket.id} may be opened`),
          ...when(
            bucket.OwnershipControls?.Rules[0]?.ObjectOwnership !== 'BucketOwnerEnforced',
            `${bucket.id} may hold what others own`,
          ),
          ...when(bucket.deletionPolicy !== 'Retain', `${bucket.id} goes`),
        ];
      }),
  },
  {
    name: 'nobody reads, writes or lists without TLS of our days, and functions do with it',
    broken: (deployment) => {
      const { access } = new Identities(deployment.resources);
      const administrator = access.administrator();
      const asked = ['s3:GetObject', 's3:PutObject', 's3:ListBucket'] as const;
      return buckets(deployment).flatMap(({ name }) =>
        asked.flatMap((action) => {
          const arn = `arn:aws:s3:::${name}${action === 's3:ListBucket' ? '' : '/one'}`;
          const may = (context: Readonly<Record<string, string>>) =>
            administrator.allows(action, arn, context);
          return [
            ...when(may({ 'aws:SecureTransport': 'false' }), `${action} on ${name} without TLS`),
            ...when(may({ 's3:TlsVersion': '1.1' }), `${action} on ${name} with TLS 1.1`),
            ...when(!may({}), `${action} on ${name} is refused to all`),
          ];
        }),
      );
    },
  },
  {
    name: 'what bucket policies allow, they allow to nobody from outside the account',
    broken: ({ resources }) =>
      resources.resourcePolicies
        .flatMap(({ statements }) => statements)
        .filter(
          ({ effect, resources: on, concernsPrincipal }) =>
            effect === 'Allow' &&
            on.some((arn) => arn.startsWith('arn:aws:s3:::')) &&
            concernsPrincipal?.({ kind: 'AWS', name: 'arn:aws:iam::999999999999:role/stranger' }),
        )
        .map(({ id }) => id),
  },
  {
    name: 'raw observations, query results and superseded models stay as long as the owner decided',
    broken: (deployment) => {
      const { rawDays, queryResultDays, supersededModelDays } = deployment.config.retention;
      const current = (id: string) =>
        least(bucketNamed(deployment, id).rules.map(({ ExpirationInDays }) => ExpirationInDays));
      const superseded = bucketNamed(deployment, 'Models')
        .rules.filter(({ Prefix }) => Prefix === undefined)
        .map((rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays);
      return [
        ...when(current('Raw') !== (rawDays ?? Number.POSITIVE_INFINITY), `Raw: ${current('Raw')}`),
        ...when(current('QueryResults') !== queryResultDays, `QueryResults: ${current('QueryResults')}`),
        ...when(least(superseded) !== supersededModelDays, `Models: ${least(superseded)}`),
        ...['Processed', 'Models'].filter((id) => Number.isFinite(current(id))),
      ];
    },
  },
  {
    name: 'the training sets of the longest retraining outlive it, since they lie among the results of queries',
    broken: (deployment) => {
      const { rules } = bucketNamed(deployment, 'QueryResults');
      const days = least(rules.map(({ ExpirationInDays }) => ExpirationInDays));
      const { TimeoutSeconds = Number.POSITIVE_INFINITY } = machineOf(deployment, 'retrain');
      return when(days * DAY_SECONDS < TimeoutSeconds, `${days} days`);
    },
  },
  {
    name: "versions keep what a model's pointer or a mistake replaced; pages that were replaced stay for another day and go sooner",
    broken: (deployment) => {
      const { VersioningConfiguration, rules } = bucketNamed(deployment, 'Models');
      const days = (prefix: string | undefined) =>
        least(
          rules
            .filter(({ Prefix }) => Prefix === prefix)
            .map((rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays),
        );
      return [
        ...when(VersioningConfiguration?.Status !== 'Enabled', 'not versioned'),
        ...when(days(PAGES_PREFIX) >= days(undefined), 'pages stay'),
        ...when(days(PAGES_PREFIX) < 2, 'pages of yesterday are gone'),
      ];
    },
  },
  {
    name: 'parts of uploads that were given up go within a week: nobody sees them, and they are paid for',
    broken: (deployment) =>
      buckets(deployment)
        .filter(
          ({ rules }) =>
            least(rules.map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)) > 7,
        )
        .map(({ id }) => id),
  },
  // Workgroup
  {
    name: 'nothing that a client says changes where results go, or that they are encrypted',
    broken: (deployment) => {
      const { EnforceWorkGroupConfiguration: enforced, ResultConfiguration } = workgroup(deployment);
      return [
        ...when(!enforced, 'not enforced'),
        ...when(ResultConfiguration.EncryptionConfiguration === undefined, 'not encrypted'),
      ];
    },
  },
  {
    name: 'the results of queries go where they expire',
    broken: (deployment) => {
      const [group] = deployment.resources.workgroups;
      const name = bucketNamed(deployment, 'QueryResults').name;
      return when(group?.outputLocation !== `s3://${name}/`, String(group?.outputLocation));
    },
  },
  {
    name: 'the statements are of the engine that they are tested with',
    broken: (deployment) =>
      when(
        workgroup(deployment).EngineVersion?.SelectedEngineVersion !== 'Athena engine version 3',
        'another engine',
      ),
  },
  {
    name: `a query is ended before it costs what a whole month does, and no statement of ours is, up to ${MANY_PLACES} places`,
    broken: (deployment) => {
      const { BytesScannedCutoffPerQuery: most = Number.POSITIVE_INFINITY } = workgroup(deployment);
      return [
        ...when((most / 1e12) * PRICES.athenaTerabyte > BUDGET, 'too late'),
        ...when(most < largestStatementBytes(MANY_PLACES), 'too early'),
      ];
    },
  },
  {
    name: 'what a dashboard shows of Athena is measured',
    broken: (deployment) =>
      when(
        deployment.config.dashboard && !workgroup(deployment).PublishCloudWatchMetricsEnabled,
        'ProcessedBytes',
      ),
  },
];
