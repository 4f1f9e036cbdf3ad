import type * as z from 'zod';
import { splitDevelopmentTest } from '../model/protocol';
import { refinedRecipes } from '../model/recipe';
import { batchesOf } from './batches';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { runFiles } from './run-files';
import { bestCandidate, readScores } from './scores';
import type { refineOutput, StepInput } from './steps';

/**
 * Looks closer where the search has found most so far: lists the next round's recipes, cut into batches. It looks at
 * no hour of the test part but to count rows. Repeating the step replaces the round that it made.
 */
export async function refine(
  { settings, queryResults }: Pick<LocationDependencies, 'settings' | 'queryResults'>,
  { run, location, round }: StepInput<'refine'>,
): Promise<z.infer<typeof refineOutput>> {
  const candidates = await runFiles.candidates.read(queryResults, run.id, location);
  const scored = candidates.rounds.slice(0, round + 1);
  const tried = scored.flat();
  const next = round + 1;
  const best = bestCandidate(await readScores(queryResults, run.id, location, tried.length))?.recipe;
  if (best === undefined) return { run, location, round, batches: [] };

  const { development } = splitDevelopmentTest(await readTrainingSet(queryResults, run.id, location));
  const rows = development.end - development.start;
  const recipes = refinedRecipes(next, best, tried, settings.training.candidates, rows);
  if (recipes.length === 0) return { run, location, round, batches: [] };

  const rounds = [...scored, recipes];
  await runFiles.candidates.write(queryResults, { ...candidates, rounds }, run.id, location);
  return { run, location, round: next, batches: batchesOf(rounds, rows) };
}
