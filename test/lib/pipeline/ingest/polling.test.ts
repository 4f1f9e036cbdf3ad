import fc from 'fast-check';
import { locationsOfShard } from '../../../../lambdas/ingest/shards';
import { PROVIDERS } from '../../../../lambdas/weather/providers';
import { callsPerMonth, pollingCron, pollShards, quotaReport } from '../../../../lib/pipeline/ingest/polling';

const everyMinute = (count: number) =>
  Array.from({ length: count }, () => ({ pollEveryMinutes: 1 }) as const);
const cadence = fc.constantFrom(1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60);

describe('polling', () => {
  it('gives each location to exactly one schedule, of its own cadence', () => {
    const group = fc.record({ pollEveryMinutes: cadence, count: fc.integer({ min: 1, max: 2_500 }) });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 3 }), (groups) => {
        const locations = groups.flatMap(({ pollEveryMinutes, count }, number) =>
          Array.from({ length: count }, (_, index) => ({ id: `p-${number}-${index}`, pollEveryMinutes })),
        );
        const shards = pollShards(locations);
        const polled = shards.flatMap((shard) => locationsOfShard(locations, shard));
        expect(new Set(polled.map(({ id }) => id)).size).toBe(locations.length);
        expect(polled).toHaveLength(locations.length);
        expect(new Set(shards.map(({ everyMinutes }) => everyMinutes))).toEqual(
          new Set(groups.map(({ pollEveryMinutes }) => pollEveryMinutes)),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('cuts five thousand locations into parts that a minute holds, and leaves a few in one', () => {
    expect(pollShards(everyMinute(3))).toEqual([{ everyMinutes: 1, shard: 0, shards: 1 }]);
    expect(pollShards(everyMinute(5_000)).length).toBeGreaterThanOrEqual(2);
  });

  it('polls at the end of each interval, the last time in the last minute of the hour', () => {
    expect([1, 2, 15, 60].map(pollingCron)).toEqual([
      'cron(* * * * ? *)',
      'cron(1/2 * * * ? *)',
      'cron(14/15 * * * ? *)',
      'cron(59 * * * ? *)',
    ]);
  });

  it('counts the calls of the longest month', () => {
    expect(callsPerMonth(everyMinute(1))).toBe(44_640);
    expect(callsPerMonth([{ pollEveryMinutes: 1 }, { pollEveryMinutes: 15 }])).toBe(44_640 + 2_976);
  });

  it('holds the calls against every plan, and is content with two locations on the free one', () => {
    const { plans } = PROVIDERS.weatherapi;
    const report = quotaReport(PROVIDERS.weatherapi, plans[0], everyMinute(2));
    expect(report.text).toBe(
      '2 locations: 89,280 calls a month to WeatherAPI.com. ' +
        'Plans: Free 100,000 (90%), Starter 3,000,000 (3%), Pro+ 5,000,000 (2%), Business 10,000,000 (1%).',
    );
    expect(report.warning).toBeUndefined();
  });

  it('warns of a plan that is too small, and names the smallest that is not', () => {
    const { plans } = PROVIDERS.weatherapi;
    const report = quotaReport(PROVIDERS.weatherapi, plans[0], everyMinute(3));
    expect(report.text).toContain('Free 100,000 (134%, too small)');
    expect(report.warning).toContain(
      `${report.text} The plan Free holds 100,000: set garoa.plan to "starter"`,
    );
  });

  it('offers no plan where none is large enough', () => {
    const { plans } = PROVIDERS.weatherapi;
    expect(quotaReport(PROVIDERS.weatherapi, plans[0], everyMinute(5_000)).warning).not.toContain(
      'garoa.plan',
    );
  });
});
