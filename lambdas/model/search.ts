import { calibrate, fitCalibration } from './calibration';
import { averagePrecision, brier, logLoss } from './evaluation';
import { type RowRange, splitDevelopmentTest } from './protocol';
import type { Recipe } from './recipe';
import { align, type OutOfFold, outOfFoldValues, type RemainingMs } from './train';
import type { TrainingSet } from './training-set';

/** How a recipe did on the development part's folds. Small: it passes between states. */
export interface CandidateScore {
  readonly recipe: Recipe;
  readonly hours: number;
  readonly averagePrecision: number;
  readonly onsetAveragePrecision: number;
  readonly brier: number;
  readonly logLoss: number;
}

/**
 * Scores recipes on the development part by expanding-window folds, one after the other. Never looks at the test part.
 * Recipes that differ in their calibration only are fitted once.
 * The out-of-fold values are for the test step, should a recipe be chosen; store them by their size.
 */
export class Scorer {
  private readonly development: RowRange;
  private readonly known = new Map<string, OutOfFold>();

  constructor(
    private readonly set: TrainingSet,
    private readonly remainingMs: RemainingMs,
  ) {
    this.development = splitDevelopmentTest(set).development;
  }

  /** @throws FitRefused when a fold can't be fitted; the caller records the candidate as failed. */
  score(recipe: Recipe): { readonly score: CandidateScore; readonly outOfFold: OutOfFold } {
    const { calibration: _, ...fitted } = recipe;
    const key = JSON.stringify(fitted);
    const outOfFold =
      this.known.get(key) ?? outOfFoldValues(this.set, recipe, this.development, this.remainingMs);
    this.known.set(key, outOfFold);
    return { score: scoreOf(this.set, recipe, outOfFold), outOfFold };
  }
}

/** Measures of a recipe whose classifiers gave these out-of-fold values. */
export function scoreOf(set: TrainingSet, recipe: Recipe, outOfFold: OutOfFold): CandidateScore {
  const { values, outcomes, wetNow } = align(set, outOfFold);
  const probabilities = calibrate(
    fitCalibration(recipe.calibration, values, outcomes, wetNow),
    values,
    wetNow,
  );
  const dry = Array.from(wetNow.keys()).filter((i) => wetNow[i] === 0);
  return {
    recipe,
    hours: outcomes.length,
    averagePrecision: averagePrecision(outcomes, probabilities) ?? 0,
    onsetAveragePrecision:
      averagePrecision(
        Uint8Array.from(dry, (i) => outcomes[i] ?? 0),
        Float64Array.from(dry, (i) => probabilities[i] ?? 0),
      ) ?? 0,
    brier: brier(outcomes, probabilities),
    logLoss: logLoss(outcomes, probabilities),
  };
}

/**
 * What two equal recipes differ by through luck, in the sum of relative scores below: 0.01 over the 5,000 hours of a
 * year's folds, and less the more hours were measured.
 */
const LUCK_OF_ONE_HOUR = 0.7;

/**
 * The recipe to go on with. Average precision tells who ranks hours best, the Brier score whose probabilities are right;
 * each is taken relative to the best of all candidates, and the sum decides. Candidates come in the order in which they
 * are expected to do well, so a later one has to be better by a margin: the best of many equals is only the luckiest.
 */
export function chooseRecipe(scores: readonly CandidateScore[]): CandidateScore | undefined {
  const bestPrecision = Math.max(...scores.map(({ averagePrecision }) => averagePrecision));
  const bestBrier = Math.min(...scores.map(({ brier }) => brier));
  const merit = ({ averagePrecision, brier }: CandidateScore) =>
    (bestPrecision > 0 ? averagePrecision / bestPrecision : 1) + (brier > 0 ? bestBrier / brier : 1);
  const margin = ({ hours }: CandidateScore) => LUCK_OF_ONE_HOUR / Math.sqrt(hours);
  return scores.reduce<CandidateScore | undefined>(
    (best, score) => (best === undefined || merit(score) > merit(best) + margin(score) ? score : best),
    undefined,
  );
}
