import { averagePrecision, brier, logLoss } from './evaluation';
import { spokenSeries } from './joined';
import { selectLabels, selectValues } from './matrix';
import { type RowRange, splitDevelopmentTest } from './protocol';
import type { Recipe } from './recipe';
import { type OutOfFold, seriesOf, type WeeklyLoss, weeklyLosses } from './series';
import { outOfFoldValues, type RemainingMs } from './train';
import type { TrainingSet } from './training-set';

/** How a recipe did on the series, by probabilities as they would have been issued, cross-fitted by week. Small: gate and pages read it. */
export interface CandidateScore {
  readonly recipe: Recipe;
  readonly hours: number;
  readonly averagePrecision: number;
  readonly onsetAveragePrecision: number;
  readonly brier: number;
  readonly logLoss: number;
  readonly weeks: readonly WeeklyLoss[];
  /** Without the provider's forecasts: what baselines are judged by, which do not know them. */
  readonly plainWeeks: readonly WeeklyLoss[];
}

/**
 * Scores recipes on the series of the development part, one after the other. Never looks at the test part.
 * Recipes that differ in their calibration only, or lack the linear member of one before, are fitted once.
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
    const outOfFold =
      this.known.get(keyOf(recipe)) ?? outOfFoldValues(this.set, recipe, this.development, this.remainingMs);
    this.known.set(keyOf(recipe), outOfFold);
    if (recipe.members.length > 0 && recipe.linear !== null) {
      const { hours, values } = outOfFold;
      this.known.set(keyOf({ ...recipe, linear: null }), { hours, values: values.slice(0, -1) });
    }
    return { score: scoreOf(this.set, recipe, outOfFold), outOfFold };
  }
}

function keyOf({ calibration: _, ...fitted }: Recipe): string {
  return JSON.stringify(fitted);
}

/** Measures of a recipe whose members gave these out-of-fold values. */
export function scoreOf(set: TrainingSet, recipe: Recipe, outOfFold: OutOfFold): CandidateScore {
  const series = seriesOf(set, outOfFold.hours);
  const { outcomes, wetNow } = series;
  const { probabilities, plain } = spokenSeries(series, recipe, outOfFold);
  const dry = Array.from(wetNow.keys()).filter((i) => wetNow[i] === 0);
  return {
    recipe,
    hours: outcomes.length,
    averagePrecision: averagePrecision(outcomes, probabilities) ?? 0,
    onsetAveragePrecision:
      averagePrecision(selectLabels(outcomes, dry), selectValues(probabilities, dry)) ?? 0,
    brier: outcomes.length === 0 ? 0 : brier(outcomes, probabilities),
    logLoss: outcomes.length === 0 ? 0 : logLoss(outcomes, probabilities),
    weeks: weeklyLosses(series, probabilities),
    plainWeeks: weeklyLosses(series, plain),
  };
}
