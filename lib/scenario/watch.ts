import * as z from 'zod';
import type { InvocationRecord } from '../local/cloud';
import type { Progress } from '../terminal/progress';

/*
 * What invocations mean for the progress that a newcomer sees. Retries, shards and repetitions are invocations too,
 * so what is counted is what was done: days, minutes, candidates, places, each once.
 */

export type Watch = (record: InvocationRecord) => void;

const backfillEvent = z.object({ backfill: z.object({ date: z.string() }) });
const scheduledEvent = z.object({ scheduledTime: z.string() });

/** Days of history that have been fetched. */
export function watchBackfill(progress: Progress): Watch {
  const days = new Set<string>();
  return ({ function: name, event, result }) => {
    const asked = backfillEvent.safeParse(event);
    if (!name.endsWith('-ingest') || !asked.success || result.functionError !== undefined) return;
    const { date } = asked.data.backfill;
    days.add(date);
    progress.step(days.size, `history of ${date}`);
  };
}

/** Minutes from `from` up to before `until` (milliseconds of virtual time) that have been polled. */
export function watchLive(progress: Progress, from: number, until: number): Watch {
  const minutes = new Set<string>();
  return ({ function: name, event }) => {
    const polled = scheduledEvent.safeParse(event);
    if (!name.endsWith('-ingest') || !polled.success) return;
    const minute = polled.data.scheduledTime.slice(0, 16);
    const instant = Date.parse(`${minute}:00Z`);
    if (instant < from || instant >= until) return;
    minutes.add(minute);
    progress.step(minutes.size, minute.replace('T', ' '));
  };
}

const batch = z.object({ first: z.number(), count: z.number() });
const trainingEvent = z.object({
  step: z.string(),
  location: z.string().optional(),
  batch: batch.optional(),
});
const planned = z.object({ chunks: z.array(z.object({ count: z.number() })) });
const searched = z.object({ batches: z.array(batch) });
const outcomes: Readonly<Record<string, string>> = {
  promote: 'has a new model',
  keep: 'stays as it is',
  fail: 'failed, and stays as it is',
};

/** Candidates that have been tried, of those that are known so far: a search adds some when its first round is over. */
export function watchTraining(progress: Progress): Watch {
  let places = 0;
  const known = new Set<string>();
  const tried = new Set<string>();
  const ended = new Set<string>();
  return ({ function: name, event, result }) => {
    const asked = trainingEvent.safeParse(event);
    if (!name.endsWith('-retrain') || !asked.success || result.functionError !== undefined) return;
    const { step, location = '', batch: scored } = asked.data;
    const plan = planned.safeParse(result.payload);
    if (plan.success) places = plan.data.chunks.reduce((sum, { count }) => sum + count, 0);
    for (const part of searched.safeParse(result.payload).data?.batches ?? []) addAll(known, location, part);
    if (scored !== undefined) addAll(tried, location, scored);
    const outcome = outcomes[step];
    if (outcome !== undefined && !ended.has(location)) {
      ended.add(location);
      progress.note(`  ${location} ${outcome}`);
    }
    const what = [`candidates, ${ended.size}/${places} places:`, location, step].filter(
      (part) => part !== '',
    );
    progress.step(tried.size, what.join(' '), known.size);
  };
}

function addAll(candidates: Set<string>, location: string, { first, count }: z.infer<typeof batch>): void {
  for (let candidate = first; candidate < first + count; candidate += 1) {
    candidates.add(`${location} ${candidate}`);
  }
}
