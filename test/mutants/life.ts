import { METRIC_NAMESPACE, Metric } from '../../lambdas/runtime/metrics';
import type {
  DeployedResources,
  FunctionResource,
  ScheduleResource,
} from '../../lib/local/assembly/resources';
import { type Happenings, measured } from '../../lib/local/cloudwatch/measured';
import type { MetricData } from '../../lib/local/cloudwatch/metric-data';
import { scheduleTimes } from '../../lib/local/scheduler/schedule-expression';
import type { Execution } from '../../lib/local/step-functions/execution';

const HOUR_MS = 3_600_000;

/** All times are hours since the alarms were made. What is not told goes well. */
export interface Life {
  readonly start: Date;
  readonly hours: number;
  /** Polls are thinned out where every single one of weeks would only cost time. */
  readonly pollEveryMinutes?: number;
  readonly pollFails?: (hour: number) => boolean;
  /** @param attempt 0 for the first */
  readonly hourlyFails?: (hour: number, attempt: number) => boolean;
  /** How the execution that a schedule starts ends, by the end of the machine's name. */
  readonly ends?: (machine: string, hour: number) => Execution['status'];
  /** Executions that somebody or an event starts. */
  readonly started?: readonly {
    readonly machine: string;
    readonly hour: number;
    readonly status: Execution['status'];
  }[];
  /** Whether a schedule, by the end of its name, stands still. */
  readonly silent?: (schedule: string, hour: number) => boolean;
  /** Minutes by which a schedule's start comes late, because it had to be tried again. */
  readonly late?: (schedule: string, hour: number) => number;
  /** Whether the target of a schedule can't be reached. */
  readonly unreachable?: (schedule: string) => boolean;
  /** What an hourly run that ends well finds, besides whether anybody had polled. */
  readonly found?: (hour: number) => readonly (readonly [keyof typeof Metric, number])[];
  /** What an upkeep that ends well finds. */
  readonly skill?: (hour: number) => number;
}

/** Until an execution ends, and before a failed one does. */
const MACHINE_MINUTES = 4;
const FAILING_MINUTES = 10;

/**
 * All that CloudWatch would measure of a life, told by the schedules, retries and queues of the templates: a small model
 * of when the functions run and which metrics they send. `alarms.test.ts` lives some of the same stories in the local
 * cloud, with the real functions, and expects the same alarms of them.
 */
export function live(resources: DeployedResources, life: Life): MetricData {
  const happened = {
    invocations: [] as Happenings['invocations'][number][],
    received: [] as Happenings['received'][number][],
    executions: [] as Happenings['executions'][number][],
    ended: [] as Happenings['ended'][number][],
    deadLetters: [] as Happenings['deadLetters'][number][],
    emitted: [] as Happenings['emitted'][number][],
  };
  const begin = life.start.getTime();
  const end = begin + life.hours * HOUR_MS;
  const hourOf = (time: number): number => (time - begin) / HOUR_MS;
  const text = (time: number): string => new Date(time).toISOString();
  const application = /^(.*)-ingest$/.exec(
    resources.functions.find(({ name }) => name.endsWith('-ingest'))?.name ?? '',
  )?.[1];
  const short = (name: string): string => name.slice((application ?? '').length + 1);
  const polled = new Set<number>();

  const emit = (metric: keyof typeof Metric, time: number, value: number): void => {
    happened.emitted.push({
      namespace: METRIC_NAMESPACE,
      name: Metric[metric],
      unit: 'Count',
      values: [value],
      dimensions: { service: application ?? '' },
      function: '',
      time: text(time),
    });
  };
  const invoke = (fn: FunctionResource, time: number, fails: boolean): void => {
    const functionError = fails ? 'Error' : undefined;
    happened.invocations.push({
      function: fn.name,
      at: text(time),
      result: { functionError, milliseconds: 2_000 },
    });
  };
  const fails = (fn: FunctionResource, time: number, attempt: number): boolean =>
    fn.name.endsWith('-ingest')
      ? (life.pollFails?.(hourOf(time)) ?? false)
      : (life.hourlyFails?.(hourOf(time), attempt) ?? false);
  const closeHour = (time: number): void => {
    const closed = Math.floor(time / HOUR_MS) - 1;
    // The hour before the deployment is nobody's.
    if (!polled.has(closed) && (closed + 1) * HOUR_MS > begin + HOUR_MS) emit('emptyHours', time, 1);
    for (const [metric, value] of life.found?.(hourOf(time)) ?? []) emit(metric, time, value);
  };
  /** As Lambda retries an event that nobody waits for. */
  const invokeLater = (fn: FunctionResource, received: number): void => {
    const { maximumRetryAttempts, maximumEventAgeSeconds, onFailureArn } = fn.asynchronous;
    happened.received.push({ function: fn.name, at: text(received) });
    let time = received;
    for (let attempt = 0; ; attempt += 1) {
      const failed = fails(fn, time, attempt);
      invoke(fn, time, failed);
      if (!failed) {
        if (fn.name.endsWith('-ingest')) polled.add(Math.floor(time / HOUR_MS));
        if (fn.name.endsWith('-hourly')) closeHour(time);
        return;
      }
      const wait = attempt === 0 ? 60 : 120;
      if (attempt >= maximumRetryAttempts || (time - received) / 1000 + wait > maximumEventAgeSeconds) {
        if (onFailureArn !== undefined) happened.deadLetters.push({ queueArn: onFailureArn, at: text(time) });
        return;
      }
      time += wait * 1000;
    }
  };
  const execute = (machine: string, time: number, status: Execution['status']): void => {
    const stoppedAt = text(time + (status === 'SUCCEEDED' ? MACHINE_MINUTES : FAILING_MINUTES) * 60_000);
    happened.executions.push({ machine, startedAt: text(time) });
    happened.ended.push({ machine, status, stoppedAt });
    if (short(machine) !== 'upkeep') return;
    const hourly = resources.functions.find(({ name }) => name.endsWith('-hourly'));
    if (hourly !== undefined) invoke(hourly, time, status !== 'SUCCEEDED');
    if (status === 'SUCCEEDED' && life.skill !== undefined) {
      emit('skillAgainstPersistence', time, life.skill(hourOf(time)));
    }
  };
  const deliver = (schedule: ScheduleResource, due: number): void => {
    const name = short(schedule.name);
    if (life.silent?.(name, hourOf(due))) return;
    const time = due + (life.late?.(name, hourOf(due)) ?? 0) * 60_000;
    const fn = resources.functions.find(({ arn }) => arn === schedule.targetArn);
    const machine = resources.stateMachines.find(({ arn }) => arn === schedule.targetArn);
    if (life.unreachable?.(name) || (fn === undefined && machine === undefined)) {
      happened.deadLetters.push({ queueArn: schedule.deadLetterArn, at: text(time) });
    } else if (fn !== undefined) {
      invokeLater(fn, time);
    } else if (machine !== undefined) {
      execute(machine.name, time, life.ends?.(short(machine.name), hourOf(time)) ?? 'SUCCEEDED');
    }
  };

  for (const { machine, hour, status } of life.started ?? []) {
    execute(`${application}-${machine}`, begin + hour * HOUR_MS, status);
  }
  // Polls first: an hour is closed when they have come.
  const polling = (schedule: ScheduleResource): boolean => short(schedule.name).startsWith('ingest-');
  const schedules = resources.schedules.toSorted((a, b) => Number(polling(b)) - Number(polling(a)));
  for (const schedule of schedules) {
    const next = scheduleTimes(schedule.expression);
    const step = polling(schedule) ? (life.pollEveryMinutes ?? 1) * 60_000 : 1;
    let time = next(new Date(begin - 1));
    while (time !== undefined && time.getTime() < end) {
      deliver(schedule, time.getTime());
      time = next(new Date(time.getTime() + step - 1));
    }
  }
  return measured(resources, happened);
}
