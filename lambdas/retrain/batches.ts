import { type Recipe, sameClassifiers } from '../model/recipe';

/** What one batch takes, by the estimate below: worth an invocation, and short beside all others together. */
const BATCH_SECONDS = 1.2;

/** Candidates `first` to `first + count − 1` of a location, for one invocation of the score step. */
interface Batch {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts the last round of a search into batches that take about as long as one another, the longest first, so that none
 * is left to be waited for. Called by the steps that begin a round.
 * @param rounds all rounds so far, since candidates are numbered through them.
 * @param rows of the development part.
 */
export function batchesOf(rounds: readonly (readonly Recipe[])[], rows: number): Batch[] {
  const recipes = rounds.at(-1) ?? [];
  const before = rounds.flat().length - recipes.length;
  const isRepeated = recipes.map((recipe, i) => {
    const previous = recipes[i - 1];
    return previous !== undefined && sameClassifiers(recipe, previous);
  });
  const costs = recipes.map((recipe, i) => estimatedSeconds(recipe, rows, isRepeated[i] ?? false));
  const whole = costs.reduce((sum, seconds) => sum + seconds, 0);
  const wanted = Math.ceil(whole / BATCH_SECONDS);
  const batches = new Map<number, Batch & { readonly seconds: number }>();
  let sum = 0;
  let share = 0;
  costs.forEach((seconds, i) => {
    // The batch that the middle of this recipe lies in. Classifiers are fitted once in one batch.
    if (!isRepeated[i]) share = Math.floor(((sum + seconds / 2) / whole) * wanted);
    const batch = batches.get(share) ?? { first: before + i, count: 0, seconds: 0 };
    batches.set(share, { ...batch, count: batch.count + 1, seconds: batch.seconds + seconds });
    sum += seconds;
  });
  return [...batches.values()]
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ first, count }) => ({ first, count }));
}

/** Of one classifier on 20,000 hours, over all folds. libsvm-js knows no SIMD. */
const CLASSIFIER_SECONDS = { smo: 0.5, libsvm: 45 } as const;

/** Of 20,000 hours: preparation, the linear member, decision values and calibration. */
const HOURS_SECONDS = 0.4;

/** Training grows with the square of the rows that a recipe looks at, the rest with all rows. */
function estimatedSeconds(
  { windowRows, members, solver }: Recipe,
  rows: number,
  areClassifiersKnown: boolean,
): number {
  const seen = Math.min(rows, windowRows) / 20_000;
  const fitted = areClassifiersKnown ? 0 : members.length;
  return seen * seen * CLASSIFIER_SECONDS[solver] * fitted + (rows / 20_000) * HOURS_SECONDS;
}
