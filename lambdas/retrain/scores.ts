import type { Bucket } from '../lake/s3';
import type { Recipe } from '../model/recipe';
import { chooseRecipe } from '../model/search';
import { runFiles, type ScoreFile } from './run-files';

/** Scores of a location's candidates, in the order of their numbers. @throws Error when one was not scored. */
export function readScores(
  queryResults: Bucket,
  run: string,
  location: string,
  candidates: number,
): Promise<ScoreFile[]> {
  return Promise.all(
    Array.from({ length: candidates }, (_, candidate) =>
      runFiles.score.read(queryResults, run, location, candidate),
    ),
  );
}

/** The recipe that the search would go on with, and its number; undefined when none could be fitted. */
export function bestCandidate(
  scores: readonly ScoreFile[],
): { readonly candidate: number; readonly recipe: Recipe } | undefined {
  const best = chooseRecipe(scores.flatMap((score) => (score.status === 'scored' ? [score.score] : [])));
  const candidate = scores.findIndex((score) => score.status === 'scored' && score.score === best);
  return best && { candidate, recipe: best.recipe };
}
