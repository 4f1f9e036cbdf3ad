/**
 * The rule before: the threshold whose F1 on these outcomes is best, half-way between the two probabilities that it
 * parts. What `decisionThreshold` is held against.
 */
export function searchedThreshold(outcomes: Uint8Array, probabilities: Float64Array): number {
  const order = Array.from(probabilities.keys()).sort(
    (a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0),
  );
  const positives = outcomes.reduce((sum, y) => sum + y, 0);
  let [truePositives, best, threshold] = [0, 0, 0.5];
  order.forEach((row, said) => {
    truePositives += outcomes[row] ?? 0;
    const [here, next] = [probabilities[row] ?? 0, probabilities[order[said + 1] ?? row] ?? 0];
    const f1 = (2 * truePositives) / (said + 1 + positives);
    if (here !== next && f1 > best) [best, threshold] = [f1, (here + next) / 2];
  });
  return threshold;
}

/** Standard deviation. */
export function spreadOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
