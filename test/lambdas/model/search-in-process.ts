import { FitRefused } from '../../../lambdas/model/fit';
import type { GateDecision } from '../../../lambdas/model/gate';
import { splitDevelopmentTest } from '../../../lambdas/model/protocol';
import type { Recipe } from '../../../lambdas/model/recipe';
import { Scorer } from '../../../lambdas/model/search';
import type { OutOfFold } from '../../../lambdas/model/series';
import { seriesOf } from '../../../lambdas/model/series';
import type { TrainingSet } from '../../../lambdas/model/training-set';
import { type ChampionFound, firstRound } from '../../../lambdas/retrain/inspect';
import { nextRound } from '../../../lambdas/retrain/refine';
import type { Candidates, ScoreFile } from '../../../lambdas/retrain/run-files';
import { judge } from '../../../lambdas/retrain/test-recipes';

/** Milliseconds that fits may take: more than any does. */
export const unhurried = () => 600_000;

const NO_CHAMPION: ChampionFound = { etag: null, version: null, recipe: null, reason: 'There is none.' };

/** What a search and the gate came to. */
export interface Found {
  readonly gate: GateDecision;
  readonly recipe: Recipe;
  readonly outOfFold: OutOfFold;
  readonly candidates: Candidates;
  readonly scores: readonly ScoreFile[];
  readonly values: readonly (OutOfFold | undefined)[];
}

/**
 * Search and gate as the steps of a retraining do them, without the objects in between. `loadLibsvm` comes first.
 * @param count recipes that the search may try.
 * @param champion the recipe that is at work.
 */
export function searchAndJudge(set: TrainingSet, count: number, champion?: Recipe): Found {
  const { development } = splitDevelopmentTest(set);
  const scorer = new Scorer(set, unhurried);
  const present =
    champion === undefined ? NO_CHAMPION : { ...NO_CHAMPION, version: 'present', recipe: champion };
  let candidates = firstRound(set, present, count);
  const scores: ScoreFile[] = [];
  const values: (OutOfFold | undefined)[] = [];
  for (let recipes = candidates.rounds[0] ?? []; recipes.length > 0; ) {
    for (const recipe of recipes) {
      try {
        const { score, outOfFold } = scorer.score(recipe);
        scores.push({ status: 'scored', score: { ...score, weeks: [...score.weeks] } });
        values.push(outOfFold);
      } catch (error) {
        if (!(error instanceof FitRefused || error instanceof RangeError)) throw error;
        scores.push({ status: 'refused', recipe, reason: error.message });
        values.push(undefined);
      }
    }
    recipes = nextRound(candidates, scores, count, development.end - development.start);
    if (recipes.length > 0) candidates = { ...candidates, rounds: [...candidates.rounds, recipes] };
  }
  const series = seriesOf(set, values[0]?.hours ?? []);
  const { gate, standing } = judge(series, candidates, scores);
  const outOfFold = values[gate.standing];
  if (outOfFold === undefined) throw new Error('The recipe that stands was not scored.');
  return { gate, recipe: standing.recipe, outOfFold, candidates, scores, values };
}
