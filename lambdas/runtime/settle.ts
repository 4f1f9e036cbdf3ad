/**
 * The results of all promises, once every one has come to its end: no work goes on behind the caller's back.
 * @throws the one reason, or an AggregateError of all of them.
 */
export async function settleAll<T>(promises: Iterable<Promise<T>>): Promise<T[]> {
  const results: T[] = [];
  const reasons: unknown[] = [];
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'fulfilled') {
      results.push(outcome.value);
    } else {
      reasons.push(outcome.reason);
    }
  }
  if (reasons.length === 1) {
    throw reasons[0];
  }
  if (reasons.length > 1) {
    throw new AggregateError(reasons, reasons.map(String).join('\n'));
  }
  return results;
}
