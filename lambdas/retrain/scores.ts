import type { Bucket } from '../lake/s3';
import { chooseBy, type GateEvidence } from '../model/gate';
import type { Recipe } from '../model/recipe';
import type { CandidateScore } from '../model/search';
import { type Candidates, runFiles, type ScoreFile } from './run-files';

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

/** A candidate that could be fitted, and its number. */
export interface Scored {
  readonly candidate: number;
  readonly recipe: Recipe;
  readonly score: CandidateScore;
}

/** The candidate of a number; undefined when it could not be fitted. */
export function scoredCandidate(scores: readonly ScoreFile[], candidate: number): Scored | undefined {
  const file = scores[candidate];
  return file?.status === 'scored' ? { candidate, recipe: file.score.recipe, score: file.score } : undefined;
}

/** What the gate compares: losses by week, and which candidates came with which round. */
export function evidenceOf(
  { rounds, baselines }: Candidates,
  scores: readonly ScoreFile[],
): Pick<GateEvidence, 'rounds' | 'losses' | 'hours'> {
  const aside = new Set([...baselines.logisticRegression, ...baselines.plainSvc]);
  let first = 0;
  const numbered = rounds.map((recipes) => {
    const numbers = recipes.map((_, i) => first + i).filter((number) => !aside.has(number));
    first += recipes.length;
    return { recipes: numbers };
  });
  const weeks = scores.flatMap((file) => (file.status === 'scored' ? [file.score.weeks] : []))[0] ?? [];
  return {
    rounds: numbered,
    losses: scores.map((file) =>
      file.status === 'scored' ? file.score.weeks.map(({ loss }) => loss) : undefined,
    ),
    hours: weeks.map(({ hours }) => hours),
  };
}

/** The recipe that the search would go on with; undefined when none could be fitted. */
export function bestCandidate(candidates: Candidates, scores: readonly ScoreFile[]): Scored | undefined {
  const evidence = evidenceOf(candidates, scores);
  return scoredCandidate(scores, chooseBy(evidence, evidence.hours.length));
}

/** Of a baseline's recipes, the one with the lowest Brier score, without the provider's forecasts; undefined when none could be fitted. */
export function bestBaseline(scores: readonly ScoreFile[], numbers: readonly number[]): Scored | undefined {
  return numbers
    .flatMap((number) => scoredCandidate(scores, number) ?? [])
    .reduce<Scored | undefined>(
      (best, scored) => (best === undefined || plainLoss(scored) < plainLoss(best) ? scored : best),
      undefined,
    );
}

function plainLoss({ score }: Scored): number {
  return score.plainWeeks.reduce((sum, { loss }) => sum + loss, 0);
}
