import { FitRefused } from '../model/fit';
import { scoreRecipe } from '../model/search';
import { DEFAULT_BUDGET } from '../model/train';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { runFiles } from './run-files';
import type { StepInput } from './steps';

/** Left of the invocation's time for storing what was found. */
const RESERVED_MS = 20_000;

/**
 * Scores a batch of one location's recipes on the folds of the development part. A recipe that can't be fitted
 * is noted with its reason and costs the others nothing; the test part is not looked at.
 * @param remainingMs time left in the invocation.
 */
export async function score(
  { queryResults }: Pick<LocationDependencies, 'queryResults'>,
  { run, location, batch }: StepInput<'score'>,
  remainingMs: () => number,
): Promise<{ readonly scored: number; readonly refused: number }> {
  const set = await readTrainingSet(queryResults, run.id, location);
  const { recipes } = await runFiles.candidates.read(queryResults, run.id, location);
  const tally = { scored: 0, refused: 0 };
  for (const [offset, recipe] of recipes.slice(batch.first, batch.first + batch.count).entries()) {
    const candidate = batch.first + offset;
    const timeBudgetMs = Math.min(DEFAULT_BUDGET.timeBudgetMs, Math.max(1, remainingMs() - RESERVED_MS));
    try {
      const { score, outOfFold } = await scoreRecipe(set, recipe, { ...DEFAULT_BUDGET, timeBudgetMs });
      await runFiles.values.write(queryResults, outOfFold, run.id, location, candidate);
      await runFiles.score.write(queryResults, { status: 'scored', score }, run.id, location, candidate);
      tally.scored++;
    } catch (error) {
      // RangeError: of the features that the recipe asks for, none tells hours apart at this place.
      if (!(error instanceof FitRefused || error instanceof RangeError)) throw error;
      const refusal = { status: 'refused', recipe, reason: error.message } as const;
      await runFiles.score.write(queryResults, refusal, run.id, location, candidate);
      tally.refused++;
    }
  }
  return tally;
}
