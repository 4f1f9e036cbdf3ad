import fc from 'fast-check';
import { ASKING_SECONDS, locationsOfShard, shardsNeeded } from '../../../lambdas/ingest/shards';
import { place } from '../weather/places';

describe('shards', () => {
  it.each([
    [0, 0],
    [1, 1],
    [1_000, 1],
    [5_000, 3],
  ])('of %d locations are %d', (count, shards) => {
    expect(shardsNeeded(count)).toBe(shards);
  });

  it('hold each location of a cadence once, whatever the order of the configuration, and differ by one at most', () => {
    const locations = fc.uniqueArray(fc.tuple(fc.nat(2_000), fc.constantFrom(1 as const, 5 as const)), {
      selector: ([id]) => id,
      maxLength: 200,
    });
    fc.assert(
      fc.property(locations, fc.integer({ min: 1, max: 7 }), (drawn, shards) => {
        const places = drawn.map(([id, pollEveryMinutes]) => place(`p${id}`, { pollEveryMinutes }));
        const parts = Array.from({ length: shards }, (_, shard) =>
          locationsOfShard(places, { everyMinutes: 5, shard, shards }),
        );
        const expected = places.filter(({ pollEveryMinutes }) => pollEveryMinutes === 5);
        expect(new Set(parts.flat())).toEqual(new Set(expected));
        expect(parts.flat()).toHaveLength(expected.length);
        const sizes = parts.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(locationsOfShard([...places].reverse(), { everyMinutes: 5, shard: 0, shards })).toEqual(
          parts[0],
        );
      }),
    );
  });

  it('leave time to write within the minute', () => {
    expect(ASKING_SECONDS).toBeLessThanOrEqual(50);
  });
});
