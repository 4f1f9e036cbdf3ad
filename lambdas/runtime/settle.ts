/**
 * The results of all promises, once every one has come to its end: no work goes on behind the caller's back.
 * @throws the one reason, or an AggregateError of all of them.
 */
export async function settleAll<T>(promises: Iterable<Promise<T>>): Promise<T[]> {
  const results: T[] = [];
  /** Work that shares something fails with it for one and the same reason. */
  const reasons = new Set<unknown>();
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'fulfilled') {
      results.push(outcome.value);
    } else {
      reasons.add(outcome.reason);
    }
  }
  const [first, ...others] = reasons;
  if (others.length > 0) {
    throw new AggregateError(reasons, [...reasons].map(String).join('\n'));
  }
  if (reasons.size > 0) {
    throw first;
  }
  return results;
}
