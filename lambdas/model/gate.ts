import {
  type BlockLoss,
  type Comparison,
  compareBlocks,
  isBetter,
  isWorse,
  lowerBound,
  upperBound,
} from './comparison';

/**
 * One-sided level at which the search's recipe replaces the champion's. Ten percent, since a change for an equal recipe
 * costs nothing but the change, and a better one that is refused costs skill for as long as it is refused.
 */
export const GATE_LEVEL = 0.1;

/** One-sided level at which a recipe counts as worse than persistence, and is refused. */
const PERSISTENCE_LEVEL = 0.05;

/** Weeks that the series must have before a full recipe is chosen by it. */
const MINIMUM_WEEKS = 5;

/** Rain episodes that the series must hold before a full recipe is chosen by it. */
const MINIMUM_EPISODES = 8;

/** Squared errors of a recipe added up by week of the series, oldest first; all recipes have the same weeks. */
export type Losses = readonly number[];

/** What one round of the search tried. */
export interface Round {
  /** Places of the recipes that came with this round among all candidates. */
  readonly recipes: readonly number[];
}

/** What the gate weighs. Candidates are told by their places. */
export interface GateEvidence {
  /** Hours of each week. */
  readonly hours: readonly number[];
  /** Losses of each candidate; undefined where it could not be fitted. */
  readonly losses: readonly (Losses | undefined)[];
  /** The rounds of the search in order; the first holds the first rung and the champion's recipe. */
  readonly rounds: readonly Round[];
  /** The champion's recipe; null when there is none, or none that this code can fit. */
  readonly champion: number | null;
  readonly firstRung: number;
  readonly persistence: Losses;
  /** Rain episodes of the series. */
  readonly episodes: number;
}

export interface GateDecision {
  /** `promote` another recipe, `refresh` the champion's with the new data, or `keep` what is there. */
  readonly decision: 'promote' | 'refresh' | 'keep';
  /** The candidate that the decision is about. */
  readonly standing: number;
  readonly winner: 'challenger' | 'champion' | 'first rung';
  /** The candidate that all weeks would choose. */
  readonly chosen: number;
  /** The choice of earlier weeks against the champion's recipe, week by week; null where nothing was compared. */
  readonly forward: Comparison | null;
  /** Sentences for people, in the order in which the gate asked. */
  readonly reasons: readonly string[];
}

/**
 * Decides which recipe goes to work.
 * 1. With too little rain to judge, the champion's recipe gets the new data; without a champion the first rung begins.
 * 2. The recipe that the series chooses replaces the champion's if choosing so, forward in time, would have paid.
 * 3. A recipe that is significantly worse than persistence makes place for the first rung, which may be refused too.
 * @throws RangeError when the first rung has no losses.
 */
export function decide(evidence: GateEvidence): GateDecision {
  const { losses, firstRung, champion } = evidence;
  if (losses[firstRung] === undefined) throw new RangeError('The first rung was not measured.');
  const chosen = chooseBy(evidence, evidence.hours.length);
  const { standing, forward, reason } = compareRecipes(evidence, chosen);

  const reasons = [reason];
  const accepted = [...new Set([standing, firstRung])].find((candidate) => {
    const comparison = againstPersistence(evidence, candidate);
    const refused = !Number.isFinite(comparison.improvement) || isWorse(comparison, PERSISTENCE_LEVEL);
    const name = candidate === firstRung ? 'The first rung' : 'This recipe';
    reasons.push(
      `${name} is ${refused ? '' : 'not '}significantly worse than persistence: ${figures(comparison)}.`,
    );
    return !refused;
  });
  const outcome = accepted ?? standing;
  const winner = outcome === champion ? 'champion' : outcome === firstRung ? 'first rung' : 'challenger';
  const decision = accepted === undefined ? 'keep' : winner === 'champion' ? 'refresh' : 'promote';
  return { decision, standing: outcome, winner, chosen, forward, reasons };
}

/** Whether a series can judge full recipes. Before that, the first rung is all there is. */
export function seriesIsEnough(weeks: number, episodes: number): boolean {
  return weeks >= MINIMUM_WEEKS && episodes >= MINIMUM_EPISODES;
}

function compareRecipes(
  evidence: GateEvidence,
  chosen: number,
): { readonly standing: number; readonly forward: Comparison | null; readonly reason: string } {
  const { champion, firstRung, hours, episodes } = evidence;
  if (!seriesIsEnough(hours.length, episodes)) {
    const little = `Too little rain to judge recipes by: ${episodes} episodes in ${hours.length} weeks, of ${MINIMUM_EPISODES} in ${MINIMUM_WEEKS}`;
    return champion === null
      ? { standing: firstRung, forward: null, reason: `${little}; the first rung begins.` }
      : { standing: champion, forward: null, reason: `${little}; the champion's recipe gets the new data.` };
  }
  if (champion === null) {
    return { standing: chosen, forward: null, reason: 'There is no champion whose recipe could be fitted.' };
  }
  if (chosen === champion) {
    return { standing: champion, forward: null, reason: "The search came to the champion's recipe again." };
  }
  const forward = compareForward(evidence, champion);
  return isBetter(forward, GATE_LEVEL)
    ? { standing: chosen, forward, reason: `The search's recipe beats the champion's: ${figures(forward)}.` }
    : {
        standing: champion,
        forward,
        reason: `The search's recipe does not clearly beat the champion's: ${figures(forward)}.`,
      };
}

/**
 * The choice is the best of many, so its own weeks flatter it. Judged forward in time they do not: each week counts with
 * the recipe that all earlier weeks would have chosen, from the third week on, or after the first quarter.
 */
function compareForward(evidence: GateEvidence, champion: number): Comparison {
  const { hours, losses } = evidence;
  const first = Math.max(2, Math.ceil(hours.length / 4));
  const blocks: BlockLoss[] = [];
  for (let week = first; week < hours.length; week++) {
    const chosen = chooseBy(evidence, week);
    blocks.push({
      hours: hours[week] ?? 0,
      candidate: losses[chosen]?.[week] ?? Number.NaN,
      reference: losses[champion]?.[week] ?? Number.NaN,
    });
  }
  return compareBlocks(blocks);
}

/**
 * The candidate to go on with, by the first weeks alone, as the search would have come to it: a later round was made
 * around the best of the rounds before, by all weeks. Where these weeks alone would have gone on from another recipe,
 * that round would not have been there. Without this, what all weeks know would leak into the earlier ones.
 */
export function chooseBy({ rounds, losses }: Pick<GateEvidence, 'rounds' | 'losses'>, weeks: number): number {
  let tried: readonly number[] = rounds[0]?.recipes ?? [];
  let chosen = lowest(losses, tried, weeks);
  for (const { recipes } of rounds.slice(1)) {
    if (chosen !== lowest(losses, tried, Number.POSITIVE_INFINITY)) break;
    tried = [...tried, ...recipes];
    chosen = lowest(losses, tried, weeks);
  }
  return chosen;
}

/**
 * Standard errors of the weekly difference by which a later candidate has to be better than an earlier one. The luckiest
 * of a dozen equals is ahead of the first by one in most searches, and by two in few.
 */
const LUCK = 2;

/**
 * The candidate of the lowest Brier score over the first weeks. They come in the order in which they are expected to do
 * well, so a later one has to be better by a margin: the best of many equals is only the luckiest. The first rung leads
 * them as what there is to fall back on, and makes place to whatever is better.
 */
function lowest(losses: GateEvidence['losses'], candidates: readonly number[], weeks: number): number {
  return candidates.reduce((best, candidate) => {
    const [ours, theirs] = [losses[candidate], losses[best]];
    if (ours === undefined) return best;
    if (theirs === undefined) return candidate;
    const count = Math.min(weeks, ours.length);
    let [sum, squares] = [0, 0];
    for (let week = 0; week < count; week++) {
      const gain = (theirs[week] ?? Number.NaN) - (ours[week] ?? Number.NaN);
      sum += gain;
      squares += gain * gain;
    }
    const variance = count < 2 ? 0 : (squares - (sum * sum) / count) / (count - 1);
    const margin = best === candidates[0] ? 0 : LUCK;
    return sum > margin * Math.sqrt(Math.max(variance, 0) * count) ? candidate : best;
  });
}

function againstPersistence({ hours, losses, persistence }: GateEvidence, candidate: number): Comparison {
  return compareBlocks(
    hours.map((count, week) => ({
      hours: count,
      candidate: losses[candidate]?.[week] ?? Number.NaN,
      reference: persistence[week] ?? Number.NaN,
    })),
  );
}

/** A comparison for people: `Brier lower by 0.00100, 90% interval 0.00020 to 0.00180 over 30 weeks`. */
function figures(comparison: Comparison): string {
  const { improvement, blocks } = comparison;
  const [lower, upper] = [lowerBound(comparison, 0.05), upperBound(comparison, 0.05)];
  const direction = improvement < 0 ? 'higher' : 'lower';
  const interval =
    blocks < 2 ? 'too few weeks for an interval' : `90% interval ${lower.toFixed(5)} to ${upper.toFixed(5)}`;
  return `Brier ${direction} by ${Math.abs(improvement).toFixed(5)} (gain: ${interval}) over ${blocks} weeks`;
}
