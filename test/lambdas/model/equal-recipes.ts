import { chooseBy, decide, type Round } from '../../../lambdas/model/gate';
import { normal, seededUniform } from './smo/seeded';

/** A search among recipes that are all the champion's equals, or all better than it by the same share. */
export interface Contest {
  readonly weeks: number;
  /** Of the recipes' weekly gains over the champion's. */
  readonly correlation: number;
  /** Share of the Brier score by which every recipe is truly better than the champion's. */
  readonly gain: number;
}

/** Twelve recipes in the first round, then around the best so far: 24 with the champion's. */
const FIRST_ROUND = 12;
const LATER_ROUNDS = [4, 3, 4] as const;

/** How alike the recipes of a later round are to the one they were made from. */
const LIKENESS = 0.9;

/** Mean loss of a week, and the noise of two recipes' weekly difference: a sixth of it, as on recorded stations. */
const WEEKLY_LOSS = 4;
const NOISE = WEEKLY_LOSS / 6;

/** Weeks differ: in some a front decides all. Standard deviation of the logarithm of the noise. */
const HEAVINESS = 0.8;

/** How often the gate promotes one of them. */
export function promotions({ weeks, correlation, gain }: Contest, runs: number): number {
  let promoted = 0;
  for (let run = 0; run < runs; run++) {
    const uniform = seededUniform(run * 7_919 + weeks * 31 + correlation * 1_000);
    const draw = () => Array.from({ length: weeks }, () => normal(uniform));
    const scale = draw().map((z) => NOISE * Math.exp(HEAVINESS * z - HEAVINESS ** 2 / 2));
    const shared = draw();
    const champion = scale.map(() => WEEKLY_LOSS);
    const losses: number[][] = [champion];
    const own: number[][] = [[]];
    const add = (noise: readonly number[]): number => {
      own.push([...noise]);
      return (
        losses.push(
          noise.map((z, week) => {
            const mixed = Math.sqrt(correlation) * (shared[week] ?? 0) + Math.sqrt(1 - correlation) * z;
            return WEEKLY_LOSS * (1 - gain) - (scale[week] ?? 0) * mixed;
          }),
        ) - 1
      );
    };
    const evidence = (rounds: readonly Round[]) => ({
      hours: champion.map(() => 168),
      losses,
      rounds,
      champion: 0,
      firstRung: 0,
      persistence: champion.map(() => 2 * WEEKLY_LOSS),
      episodes: 3 * weeks,
    });
    const rounds: Round[] = [{ recipes: [0, ...Array.from({ length: FIRST_ROUND }, () => add(draw()))] }];
    for (const count of LATER_ROUNDS) {
      const best = own[chooseBy({ rounds, losses }, weeks)] ?? [];
      if (best.length === 0) break;
      const near = () =>
        draw().map((z, week) => Math.sqrt(LIKENESS) * (best[week] ?? 0) + Math.sqrt(1 - LIKENESS) * z);
      rounds.push({ recipes: Array.from({ length: count }, () => add(near())) });
    }
    if (decide(evidence(rounds)).decision === 'promote') promoted++;
  }
  return promoted / runs;
}
