import type { Outcome, Reading } from '../../../lambdas/weather/provider';

/** All outcomes of a history, in the order they came. */
export async function collected(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const all: Outcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

/** `reason: message`; undefined when there are readings. */
export function failureOf(outcome: Outcome | undefined): string | undefined {
  return outcome && 'failure' in outcome
    ? `${outcome.failure.reason}: ${outcome.failure.message}`
    : undefined;
}

/** Undefined when the location failed. */
export function readingsOf(outcome: Outcome | undefined): readonly Reading[] | undefined {
  return outcome && 'readings' in outcome ? outcome.readings : undefined;
}
