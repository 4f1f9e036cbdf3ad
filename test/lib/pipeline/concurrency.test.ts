import { concurrency } from '../../../lib/pipeline/concurrency';

const account = (accountConcurrency: number, locationCount: number, pollSchedules = 1) =>
  concurrency({ accountConcurrency, locationCount, pollSchedules, providerDaysAtOnce: 4 });

describe('concurrency', () => {
  it.each([
    [10, 1, { daysAtOnce: 2, placesAtOnce: 1, batchesAtOnce: 5 }],
    [10, 3, { daysAtOnce: 2, placesAtOnce: 3, batchesAtOnce: 1 }],
    [10, 100, { daysAtOnce: 2, placesAtOnce: 5, batchesAtOnce: 1 }],
    [5, 100, { daysAtOnce: 1, placesAtOnce: 1, batchesAtOnce: 1 }],
    [1_000, 5_000, { daysAtOnce: 4, placesAtOnce: 200, batchesAtOnce: 4 }],
  ])('of an account of %d for %d places', (accountConcurrency, locations, expected) => {
    expect(account(accountConcurrency, locations)).toEqual(expected);
  });

  it('leaves an execution to every poll, to the hourly run and to upkeep, at any size', () => {
    for (let limit = 5; limit <= 2_000; limit += 1) {
      for (const locations of [1, 2, 7, 40, 300, 5_000]) {
        const { daysAtOnce, placesAtOnce, batchesAtOnce } = account(limit, locations);
        expect(daysAtOnce + placesAtOnce * batchesAtOnce + 3).toBeLessThanOrEqual(limit);
        expect(Math.min(daysAtOnce, placesAtOnce, batchesAtOnce)).toBeGreaterThan(0);
      }
    }
  });

  it('refuses an account that has too few for the polls', () => {
    expect(() => account(6, 5_000, 3)).toThrow(
      'garoa.accountConcurrency: 6 executions at once leave none for retraining and backfill; 5000 locations need 7 at least',
    );
  });
});
