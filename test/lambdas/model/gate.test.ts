import * as fc from 'fast-check';
import { decide, type GateEvidence } from '../../../lambdas/model/gate';

const interval = (lower: number, upper: number) => ({
  improvement: (lower + upper) / 2,
  lower,
  upper,
  blocks: 10,
  resamples: 2000,
});

const evidence = (changes: Partial<GateEvidence> = {}): GateEvidence => ({
  rainHours: 100,
  minimumRainEvents: 10,
  challenger: { brier: 0.03 },
  champion: { brier: 0.035, sameRecipe: false, challengerImprovement: interval(0.001, 0.009) },
  persistence: { brier: 0.04 },
  ...changes,
});

describe('the gate', () => {
  it("promotes a challenger whose recipe beats the champion's beyond doubt", () => {
    expect(decide(evidence())).toMatchObject({ decision: 'promote', winner: 'challenger' });
  });

  it('promotes the first challenger that beats persistence', () => {
    const { champion: _, ...first } = evidence();
    expect(decide(first)).toMatchObject({ decision: 'promote', winner: 'challenger' });
  });

  it("refreshes the champion's recipe when the challenger's is better only by chance", () => {
    const decision = decide(
      evidence({
        champion: { brier: 0.035, sameRecipe: false, challengerImprovement: interval(-0.0001, 0.01) },
      }),
    );
    expect(decision).toMatchObject({ decision: 'refresh', winner: 'champion' });
    expect(decision.reasons[0]).toContain('-0.00010 to 0.01000 over 10 weeks');
  });

  it("refreshes the champion's recipe when too few weeks speak for the challenger's", () => {
    const challengerImprovement = { ...interval(0.001, 0.009), blocks: 4 };
    const decision = decide(
      evidence({ champion: { brier: 0.035, sameRecipe: false, challengerImprovement } }),
    );
    expect(decision).toMatchObject({ decision: 'refresh', winner: 'champion' });
    expect(decision.reasons[0]).toContain('over 4 weeks; 5 are needed');
  });

  it("refreshes the champion's recipe when the search came to it again", () => {
    const decision = decide(
      evidence({ champion: { brier: 0.03, sameRecipe: true, challengerImprovement: interval(0, 0) } }),
    );
    expect(decision).toMatchObject({ decision: 'refresh', winner: 'champion' });
  });

  it('keeps what is there when the winner does not beat persistence, and says by how much', () => {
    const decision = decide(evidence({ persistence: { brier: 0.03 } }));
    expect(decision.decision).toBe('keep');
    expect(decision.reasons).toContain(
      "The challenger's recipe does not beat persistence: Brier 0.03000 against 0.03000.",
    );
  });

  it("keeps what is there when the champion's recipe wins and is worse than persistence", () => {
    const decision = decide(
      evidence({
        champion: { brier: 0.05, sameRecipe: false, challengerImprovement: interval(-0.001, 0.03) },
      }),
    );
    expect(decision).toMatchObject({ decision: 'keep', winner: 'champion' });
  });

  it('keeps what is there when too few rain hours speak', () => {
    const decision = decide(evidence({ rainHours: 9 }));
    expect(decision.decision).toBe('keep');
    expect(decision.reasons).toContain('The test part holds 9 rain hours; 10 are needed to judge.');
  });

  it('never lets anything pass that is not better than persistence, numbers that are none included', () => {
    const brier = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Number.NaN));
    fc.assert(
      fc.property(brier, brier, brier, fc.double({ min: -1, max: 1, noNaN: true }), (a, b, p, lower) => {
        const given = evidence({
          challenger: { brier: a },
          champion: { brier: b, sameRecipe: false, challengerImprovement: interval(lower, lower + 0.1) },
          persistence: { brier: p },
        });
        const { decision, winner } = decide(given);
        const winning = winner === 'challenger' ? a : b;
        expect(decision !== 'keep').toBe(winning < p);
      }),
    );
  });
});
