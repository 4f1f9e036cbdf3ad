import { distinctGammas, type Fit, type Fitted } from '../svc';
import { SmoSolver } from './solver';

/**
 * Fits the members of an ensemble one after the other in this thread. Those of one gamma have a solver together, since
 * kernel rows that one has computed serve the next; what another gamma does changes no bit of theirs. None starts from
 * another member: from a fourth of the class weight, as in our ensembles, the way is longer than from nothing.
 * @returns what came of each member, in the order given.
 * @throws as `SmoSolver`.
 */
export function fitByGamma({ x, y, shared, members, starts }: Fit): Fitted[] {
  const deadline = performance.now() + shared.timeBudgetMs;
  const fitted: Fitted[] = [];
  for (const gamma of distinctGammas(members)) {
    let solver: SmoSolver | undefined;
    for (const [m, member] of members.entries()) {
      if (member.gamma !== gamma) continue;
      const options = { ...shared, ...member, timeBudgetMs: Math.max(deadline - performance.now(), 0) };
      const start = starts?.[m];
      solver ??= new SmoSolver(x, y, options);
      fitted[m] = solver.fit({ ...options, ...(start && { warmStart: start }) });
    }
  }
  return fitted;
}
