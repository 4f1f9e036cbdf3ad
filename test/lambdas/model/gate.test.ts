import fc from 'fast-check';
import { chooseBy, decide, GATE_LEVEL, type GateEvidence } from '../../../lambdas/model/gate';
import { promotions } from './equal-recipes';

const WEEKS = 20;

/** Losses that go up and down with the weather, the same for all but for a share and some noise of their own. */
const losses = (share: number, noise = 0.02): number[] =>
  Array.from(
    { length: WEEKS },
    (_, week) => 4 * share * (1 + 0.5 * Math.sin(week)) + 4 * noise * Math.cos(7 * share * week),
  );

const [RUNG, CHAMPION, CHALLENGER] = [0, 1, 2];

const evidence = (changes: Partial<GateEvidence> = {}): GateEvidence => ({
  hours: Array.from({ length: WEEKS }, () => 168),
  losses: [losses(1.1), losses(1), losses(0.9)],
  rounds: [{ recipes: [RUNG, CHAMPION, CHALLENGER] }],
  champion: CHAMPION,
  firstRung: RUNG,
  persistence: losses(1.2),
  episodes: 60,
  ...changes,
});

describe('the gate', () => {
  it("promotes the search's recipe when choosing so would have paid all along", () => {
    const { decision, standing, winner, reasons } = decide(evidence());
    expect({ decision, standing, winner }).toEqual({
      decision: 'promote',
      standing: CHALLENGER,
      winner: 'challenger',
    });
    expect(reasons[0]).toMatch(
      /beats the champion's: Brier lower by 0\.0\d+ \(gain: 90% interval .* over 15 weeks/,
    );
  });

  it('promotes the best recipe where there is no champion', () => {
    expect(decide(evidence({ champion: null }))).toMatchObject({ decision: 'promote', standing: CHALLENGER });
  });

  it("refreshes the champion's recipe when the difference is noise", () => {
    const noisy = evidence({ losses: [losses(1.1), losses(1, 0.2), losses(0.99, 0.2)] });
    expect(decide(noisy)).toMatchObject({ decision: 'refresh', standing: CHAMPION, winner: 'champion' });
  });

  it("refreshes the champion's recipe when the search came to it again", () => {
    const again = evidence({ losses: [losses(1.1), losses(0.8), losses(0.9)] });
    const { decision, reasons } = decide(again);
    expect(decision).toBe('refresh');
    expect(reasons[0]).toContain("came to the champion's recipe again");
  });

  it('never counts a week for a recipe that only later weeks would have chosen', () => {
    // One recipe was far better before anybody counts, the other is in the last weeks. Who knew which would come?
    const turning = (week: number, early: number, late: number) =>
      losses(1).map((loss, i) => loss * (i < week ? early : late));
    const swapped = evidence({
      losses: [losses(1.1), losses(1), turning(WEEKS / 4, 0.7, 1.2), turning(WEEKS - 5, 1, 0.8)],
    });
    const { forward } = decide({ ...swapped, rounds: [{ recipes: [0, 1, 2, 3] }] });
    expect(forward?.improvement).toBeLessThan(0);
  });

  it('opens a later round only to weeks that would have come to it', () => {
    // By all weeks the search goes on from 1, by the first ten from 2: recipe 3 was not there for them.
    const first = losses(1).map((loss, i) => (i < 10 ? loss : 0.5 * loss));
    const second = losses(1).map((loss, i) => (i < 10 ? 0.8 * loss : loss));
    const search = {
      losses: [losses(1.1), first, second, losses(0.1)],
      rounds: [{ recipes: [0, 1, 2] }, { recipes: [3] }],
    };
    expect(chooseBy(search, WEEKS)).toBe(3);
    expect(chooseBy(search, 10)).toBe(2);
  });

  it.each([
    ['weeks', { hours: [168, 168, 168, 168] }],
    ['rain episodes', { episodes: 7 }],
  ])('gives the champion the new data when there are too few %s to judge', (_, little) => {
    const { decision, reasons } = decide(evidence(little));
    expect(decision).toBe('refresh');
    expect(reasons[0]).toContain('Too little rain to judge');
    expect(decide(evidence({ ...little, champion: null }))).toMatchObject({
      decision: 'promote',
      standing: RUNG,
      winner: 'first rung',
    });
  });

  it('lets the first rung stand where the recipe is worse than persistence', () => {
    const worse = evidence({ losses: [losses(0.9), losses(1.2), losses(1.3)], persistence: losses(1) });
    const bad = { ...worse, rounds: [{ recipes: [CHAMPION, CHALLENGER] }] };
    expect(decide(bad)).toMatchObject({ decision: 'promote', standing: RUNG, winner: 'first rung' });
  });

  it('keeps what is there where the first rung is worse than persistence as well, and says by how much', () => {
    const { decision, reasons } = decide(evidence({ persistence: losses(0.5) }));
    expect(decision).toBe('keep');
    expect(reasons.at(-1)).toMatch(/The first rung is significantly worse than persistence: Brier higher by/);
  });

  it('never lets numbers pass that are none', () => {
    const broken = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(broken, fc.integer({ min: 0, max: WEEKS - 1 }), (value, at) => {
        const spoilt = losses(0.5).map((loss, i) => (i === at ? value : loss));
        expect(decide(evidence({ losses: [spoilt, spoilt, spoilt] })).decision).toBe('keep');
      }),
    );
  });
});

describe('the size and the power of the gate', () => {
  const RUNS = 200;
  // Three standard errors of a share of 200 runs: a fault of the gate doubles or trebles the rate.
  const luck = 3 * Math.sqrt((GATE_LEVEL * (1 - GATE_LEVEL)) / RUNS);

  it.each([5, 11, 40].flatMap((weeks) => [0, 0.6, 0.9].map((correlation) => [weeks, correlation] as const)))(
    'promotes equals hardly more often than it says: %i weeks, correlation %f',
    (weeks, correlation) => {
      const size = promotions({ weeks, correlation, gain: 0 }, RUNS);
      expect(size).toBeLessThanOrEqual(1.5 * GATE_LEVEL);
      expect(size).toBeLessThanOrEqual(GATE_LEVEL + luck);
    },
  );

  it.each([0, 0.6, 0.9])('sees a true gain of 7%% in 40 weeks: correlation %f', (correlation) => {
    expect(promotions({ weeks: 40, correlation, gain: 0.07 }, RUNS)).toBeGreaterThan(2 * GATE_LEVEL);
  });
});
