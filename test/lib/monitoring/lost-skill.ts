import { concludeUpkeep } from '../../../lambdas/hourly/outcome';
import { NOTHING_VERIFIED, type Score } from '../../../lambdas/hourly/verification';
import { METRIC_NAMESPACE, metrics } from '../../../lambdas/runtime/metrics';
import { alarmChanges } from '../../../lib/local/cloudwatch/alarms';
import { MetricData } from '../../../lib/local/cloudwatch/metric-data';
import type { Deployment } from '../../mutants/deployment';

const DAY_MS = 86_400_000;
const FIRST = Date.parse('2026-11-01T00:25:00Z');

/** A week's score of a place, whose forecasts lost so much where persistence lost 10. */
const score = (squaredError: number): Score => ({
  ...NOTHING_VERIFIED,
  hours: 168,
  rainHours: 12,
  squaredError,
  comparedHours: 168,
  comparedSquaredError: squaredError,
  persistenceSquaredError: 10,
  hits: 6,
  misses: 6,
  falseAlarms: 6,
  correctNegatives: 150,
});

/** What the upkeeps of some days send, by what two places lost in the week before each. */
function sent(days: readonly (readonly [number, number])[]): MetricData {
  const data = new MetricData();
  const added = jest.spyOn(metrics, 'addMetric').mockImplementation();
  days.forEach((lost, day) => {
    const time = new Date(FIRST + day * DAY_MS).toISOString();
    const rows = lost.map((error, place) => ({
      locationId: `place-${place}`,
      windowDays: 7 as const,
      score: score(error),
    }));
    added.mockClear();
    concludeUpkeep(
      { kind: 'upkeep', date: time.slice(0, 10), now: time },
      {
        settled: undefined,
        agreement: undefined,
        gaps: undefined,
        compaction: undefined,
        swept: undefined,
        silenced: undefined,
        failures: [],
        verified: { rows, verified: 336, days: new Map() },
      },
      [],
    );
    for (const [name, , value] of added.mock.calls) {
      const metric = { namespace: METRIC_NAMESPACE, name, dimensions: { service: 'garoa-dev' } };
      data.add(metric, Date.parse(time), value);
    }
  });
  added.mockRestore();
  return data;
}

/** The alarm of lost skill over what upkeeps send; `stacks.test.ts` synthesises it. */
export function lostSkillTests({ resources }: Deployment): void {
  const alarm = resources.alarms.find(({ name }) => name.endsWith('-worse-than-persistence'));
  /** Days after the first upkeep at which it rings and goes back. */
  const rings = (looks: readonly (readonly [number, number])[]): number[] => {
    const to = new Date(FIRST + looks.length * DAY_MS);
    const changes =
      alarm === undefined ? [] : alarmChanges(alarm, sent(looks), { from: new Date(FIRST), to });
    return changes
      .filter(({ state }, index) => state === 'ALARM' || changes[index - 1]?.state === 'ALARM')
      .map(({ at }) => (Date.parse(at) - FIRST) / DAY_MS);
  };
  const lost = [8, 13] as const;
  const won = [8, 11] as const;
  const days = <Day>(count: number, day: Day): Day[] => Array.from({ length: count }, () => day);

  it('rings once seven daily looks in a row found the places together worse, and goes back with the first that did not', () => {
    const [rung = 0, back = 0, ...more] = rings([...days(9, lost), won, won]);
    expect(more).toEqual([]);
    expect(rung).toBeCloseTo(7, 1);
    expect(back).toBeCloseTo(10, 1);
  });

  it('does not ring for six such looks, nor for a place that others make up for', () => {
    expect(rings([won, ...days(6, lost), won, won])).toEqual([]);
    expect(rings(days(10, [13, 5]))).toEqual([]);
  });
}
