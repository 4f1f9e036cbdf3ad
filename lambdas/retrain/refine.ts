import type * as z from 'zod';
import { verdictOf } from '../model/comparison';
import { splitDevelopmentTest } from '../model/protocol';
import { type BetterBaselines, type Recipe, refinedRecipes } from '../model/recipe';
import { compareWeeks } from '../model/series';
import { batchesOf } from './batches';
import { type LocationDependencies, readTrainingSet } from './inspect';
import { type Candidates, runFiles, type ScoreFile } from './run-files';
import { bestBaseline, bestCandidate, readScores, type Scored } from './scores';
import type { refineOutput, StepInput } from './steps';

/**
 * Looks closer where the search has found most so far: lists the next round's recipes, cut into batches. It looks at
 * no hour of the test part but to count rows. Repeating the step replaces the round that it made.
 */
export async function refine(
  { settings, queryResults }: Pick<LocationDependencies, 'settings' | 'queryResults'>,
  { run, location, round }: StepInput<'refine'>,
): Promise<z.infer<typeof refineOutput>> {
  const stored = await runFiles.candidates.read(queryResults, run.id, location);
  const candidates = { ...stored, rounds: stored.rounds.slice(0, round + 1) };
  const scores = await readScores(queryResults, run.id, location, candidates.rounds.flat().length);
  const { development } = splitDevelopmentTest(await readTrainingSet(queryResults, run.id, location));
  const rows = development.end - development.start;
  const recipes = nextRound(candidates, scores, settings.training.candidates, rows);
  if (recipes.length === 0) return { run, location, round, batches: [] };

  const rounds = [...candidates.rounds, recipes];
  await runFiles.candidates.write(queryResults, { ...candidates, rounds }, run.id, location);
  return { run, location, round: round + 1, batches: batchesOf(rounds, rows) };
}

/** The recipes to try after those of `candidates`, all of which have been scored; none when the search is over. */
export function nextRound(
  candidates: Candidates,
  scores: readonly ScoreFile[],
  count: number,
  rows: number,
): Recipe[] {
  const best = candidates.judgeable ? bestCandidate(candidates, scores) : undefined;
  if (best === undefined) return [];
  const tried = candidates.rounds.flat();
  // Baselines and the first rung are beside the search, not part of what it may try.
  const beside = Object.values(candidates.baselines).flat().length + 1;
  return refinedRecipes(
    candidates.rounds.length,
    best.recipe,
    tried,
    count + beside,
    rows,
    betterBaselines(candidates, scores, best),
  );
}

/** Baselines that the best recipe is worse than: their members are worth having. */
function betterBaselines(
  { baselines }: Candidates,
  scores: readonly ScoreFile[],
  best: Scored,
): BetterBaselines {
  const better = (numbers: readonly number[]): Recipe | undefined => {
    const baseline = bestBaseline(scores, numbers);
    if (baseline === undefined) return undefined;
    const verdict = verdictOf(compareWeeks(best.score.plainWeeks, baseline.score.plainWeeks));
    return verdict === 'worse' ? baseline.recipe : undefined;
  };
  const [logisticRegression, plainSvc] = [better(baselines.logisticRegression), better(baselines.plainSvc)];
  return { ...(logisticRegression && { logisticRegression }), ...(plainSvc && { plainSvc }) };
}
