import type { Weekly } from '../config';

/** The cron expression of EventBridge Scheduler and Glue for a time of the week, UTC. */
export function cronOf({ day, time }: Weekly): string {
  const [hour, minute] = time.split(':').map(Number);
  return `cron(${minute} ${hour} ? * ${day} *)`;
}
