import type { Recipe } from '../model/recipe';

/** What one batch takes, by the estimate below: worth an invocation, and short beside the others that it waits for. */
const BATCH_SECONDS = 6;

/** Candidates `first` to `first + count − 1` of a location, for one invocation of the score step. */
interface Batch {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts the last round of a search into batches. Called by the steps that begin a round.
 * @param rounds all rounds so far, since candidates are numbered through them.
 * @param rows of the development part.
 */
export function batchesOf(rounds: readonly (readonly Recipe[])[], rows: number): Batch[] {
  const recipes = rounds.at(-1) ?? [];
  const before = rounds.flat().length - recipes.length;
  const batches: { first: number; count: number }[] = [];
  let seconds = 0;
  recipes.forEach((recipe, i) => {
    const cost = estimatedSeconds(recipe, rows);
    const batch = batches.at(-1);
    if (batch === undefined || seconds + cost > BATCH_SECONDS) {
      batches.push({ first: before + i, count: 1 });
      seconds = cost;
    } else {
      batch.count++;
      seconds += cost;
    }
  });
  return batches;
}

/** Training grows with the square of the rows: about a second for one classifier on 20,000, four folds each at most. */
function estimatedSeconds(recipe: Recipe, rows: number): number {
  const seen = Math.min(rows, recipe.windowRows) / 20_000;
  return seen * seen * 4 * recipe.members.length;
}
