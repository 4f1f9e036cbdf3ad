import { FIRST_RUNG } from '../../../lambdas/model/recipe';
import { Scorer } from '../../../lambdas/model/search';
import { type Decision, fitDecision } from '../../../lambdas/model/train';
import { whyUnsound } from '../../../lambdas/retrain/refit';
import { between, recordedYear } from '../model/recorded-year';
import { unhurried } from '../model/search-in-process';

const DAY_MS = 86_400_000;

let decision: Decision;
beforeAll(async () => {
  const [year] = await recordedYear();
  if (year === undefined) throw new Error('The recording has no station.');
  const start = year.hours[0] ?? 0;
  const set = between(year, start, start + 120 * DAY_MS);
  decision = fitDecision(set, FIRST_RUNG, new Scorer(set, unhurried).score(FIRST_RUNG).outOfFold);
});

describe('a refit', () => {
  it('is sound when it knows the hours that it has learnt better than strangers do', () => {
    const { series, probabilities } = decision;
    const learnt = probabilities.map((p, i) => p + 0.2 * ((series.outcomes[i] ?? 0) - p));
    expect(whyUnsound(decision, learnt)).toBeUndefined();
    expect(whyUnsound(decision, probabilities)).toBeUndefined();
  });

  it('is broken when it is worse than they are by more than noise', () => {
    const worse = decision.probabilities.map((p, i) => Math.min(Math.max(p + (i % 2 ? 0.15 : -0.15), 0), 1));
    expect(whyUnsound(decision, worse)).toMatch(
      /Brier 0\.\d+ on hours that it has learnt, where the tested models/,
    );
  });

  it('is broken when it gives no probability', () => {
    const silent = decision.probabilities.map((p, i) => (i === 7 ? Number.NaN : p));
    expect(whyUnsound(decision, silent)).toContain('gives no probability');
  });

  it('is broken when it says rain far less often than it rained', () => {
    const { series, probabilities } = decision;
    // Never worse in any hour, and wrong about how often: only dry hours are improved.
    const shy = probabilities.map((p, i) => (series.outcomes[i] === 1 ? p : 0)).map((p) => 0.5 * p);
    expect(whyUnsound(decision, shy)).toMatch(/it says rain in \d\.\d% of the hours .* it rained in \d\.\d%/);
  });
});
