import { FitRefused } from '../model/fit';
import { loadLibsvm } from '../model/libsvm';
import { Scorer } from '../model/search';
import type { RemainingMs } from '../model/train';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { runFiles } from './run-files';
import type { StepInput } from './steps';

/**
 * Scores a batch of one location's recipes on the folds of the development part. A recipe that can't be fitted
 * is noted with its reason and costs the others nothing; the test part is not looked at.
 * @param remainingMs for fits in this invocation.
 */
export async function score(
  { queryResults }: Pick<LocationDependencies, 'queryResults'>,
  { run, location, batch }: StepInput<'score'>,
  remainingMs: RemainingMs,
): Promise<{ readonly scored: number; readonly refused: number }> {
  const set = await readTrainingSet(queryResults, run.id, location);
  const { rounds } = await runFiles.candidates.read(queryResults, run.id, location);
  await loadLibsvm();
  const scorer = new Scorer(set, remainingMs);
  const tally = { scored: 0, refused: 0 };
  for (const [offset, recipe] of rounds
    .flat()
    .slice(batch.first, batch.first + batch.count)
    .entries()) {
    const candidate = batch.first + offset;
    try {
      const { score, outOfFold } = scorer.score(recipe);
      await Promise.all([
        runFiles.values.write(queryResults, outOfFold, run.id, location, candidate),
        runFiles.score.write(queryResults, { status: 'scored', score }, run.id, location, candidate),
      ]);
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
