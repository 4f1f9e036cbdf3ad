import type { ScheduleResource } from '../assembly/resources';
import type { VirtualClock } from '../clock';
import { type ScheduleTimes, scheduleTimes } from './schedule-expression';

export interface SchedulerOptions {
  readonly schedules: readonly ScheduleResource[];
  readonly clock: VirtualClock;
  /** Hands the input to the schedule's target; throws when there is none, or the schedule's role may not. */
  readonly deliver: (schedule: ScheduleResource, input: unknown) => void;
  /** Told of what could not be delivered. */
  readonly onDeadLetter: (schedule: ScheduleResource, input: unknown, reason: string) => void;
}

/**
 * EventBridge Scheduler on the virtual clock: every schedule of the templates, delivered once at its instant,
 * in the order of their names. Here a delivery only fails when there is no target, or no permission, which no
 * retry mends; what a function does with the event is the function's asynchronous invocation.
 */
export class EventScheduler {
  private readonly entries: readonly { readonly schedule: ScheduleResource; readonly times: ScheduleTimes }[];
  private readonly cancels = new Map<string, () => void>();

  /** @throws Error for an expression that is not understood. */
  constructor(private readonly options: SchedulerOptions) {
    this.entries = [...options.schedules]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((schedule) => ({ schedule, times: scheduleTimes(schedule.expression) }));
  }

  /** Arms every schedule, from the present instant on (inclusive). */
  start(): void {
    const before = new Date(this.options.clock.now().getTime() - 1);
    for (const { schedule, times } of this.entries) this.arm(schedule, times, before);
  }

  stop(): void {
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
  }

  private arm(schedule: ScheduleResource, times: ScheduleTimes, after: Date): void {
    const next = times(after);
    if (next === undefined) return;
    this.cancels.set(
      schedule.name,
      this.options.clock.at(next.getTime(), () => {
        this.arm(schedule, times, next);
        this.fire(schedule, next);
      }),
    );
  }

  private fire(schedule: ScheduleResource, scheduled: Date): void {
    const time = scheduled.toISOString().replace('.000Z', 'Z');
    const input: unknown = JSON.parse(schedule.input.replaceAll('<aws.scheduler.scheduled-time>', time));
    try {
      this.options.deliver(schedule, input);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.options.onDeadLetter(schedule, input, reason);
    }
  }
}
