import type { BootstrapDifference } from './evaluation';

/**
 * Weeks that a comparison of two recipes must span. A recipe that is no better wins every one of n weeks by chance
 * once in 2ⁿ: with fewer than five, that is more often than the 95% interval promises.
 */
const MINIMUM_WEEKS = 5;

/** What the gate weighs: recipes fitted on the same development rows, measured on the same test hours. */
export interface GateEvidence {
  readonly rainHours: number;
  readonly minimumRainEvents: number;
  readonly challenger: RecipeEvidence;
  /** The champion's recipe; absent when there is no champion, or none whose recipe this code can fit. */
  readonly champion?: ChampionEvidence;
  readonly persistence: { readonly brier: number };
}

export interface RecipeEvidence {
  readonly brier: number;
}

export interface ChampionEvidence extends RecipeEvidence {
  /** The search came to the champion's recipe again. */
  readonly sameRecipe: boolean;
  /** Squared errors of the champion's recipe less the challenger's, in weekly blocks. */
  readonly challengerImprovement: BootstrapDifference;
}

export interface GateDecision {
  /** `promote` the challenger's recipe, `refresh` the champion's with the new data, or `keep` what is there. */
  readonly decision: 'promote' | 'refresh' | 'keep';
  /** Whose recipe is the better one, whether or not it passed. */
  readonly winner: 'challenger' | 'champion';
  /** Sentences for people, in the order in which the gate asked. */
  readonly reasons: readonly string[];
}

/**
 * Decides which recipe goes to work. The challenger's has to beat the champion's beyond doubt (the whole 95%
 * interval of the paired weekly bootstrap lies above 0, over enough weeks), since every change of recipe is a risk; whoever wins has
 * to have a lower Brier score than persistence, over enough rain hours to mean something.
 */
export function decide(evidence: GateEvidence): GateDecision {
  const { challenger, champion, persistence } = evidence;
  const { winner, reason } = compareRecipes(champion);
  const brier = winner === 'champion' && champion !== undefined ? champion.brier : challenger.brier;
  const name = winner === 'challenger' ? "The challenger's recipe" : "The champion's recipe";

  const failures: string[] = [];
  if (evidence.rainHours < evidence.minimumRainEvents) {
    failures.push(
      `The test part holds ${evidence.rainHours} rain hours; ${evidence.minimumRainEvents} are needed to judge.`,
    );
  }
  if (!(brier < persistence.brier)) {
    failures.push(
      `${name} does not beat persistence: Brier ${number(brier)} against ${number(persistence.brier)}.`,
    );
  }
  if (failures.length > 0) return { decision: 'keep', winner, reasons: [reason, ...failures] };
  return {
    decision: winner === 'challenger' ? 'promote' : 'refresh',
    winner,
    reasons: [
      reason,
      `${name} beats persistence: Brier ${number(brier)} against ${number(persistence.brier)} over ${evidence.rainHours} rain hours.`,
    ],
  };
}

function compareRecipes(champion: ChampionEvidence | undefined): {
  readonly winner: GateDecision['winner'];
  readonly reason: string;
} {
  if (champion === undefined) {
    return { winner: 'challenger', reason: 'There is no champion whose recipe could be fitted.' };
  }
  if (champion.sameRecipe) {
    return { winner: 'champion', reason: "The search came to the champion's recipe again." };
  }
  const { improvement, lower, upper, blocks } = champion.challengerImprovement;
  const figures = `Brier lower by ${number(improvement)}, 95% interval ${number(lower)} to ${number(upper)} over ${blocks} weeks`;
  if (blocks < MINIMUM_WEEKS) {
    return {
      winner: 'champion',
      reason: `The test part spans too few weeks to tell two recipes apart: ${figures}; ${MINIMUM_WEEKS} are needed.`,
    };
  }
  return lower > 0
    ? { winner: 'challenger', reason: `The challenger's recipe beats the champion's: ${figures}.` }
    : {
        winner: 'champion',
        reason: `The challenger's recipe does not clearly beat the champion's: ${figures}.`,
      };
}

function number(value: number): string {
  return value.toFixed(5);
}
