import fc from 'fast-check';
import { limitConcurrency } from '../../../lambdas/runtime/limit';

describe('limited concurrency', () => {
  it('runs every task, never more than allowed at once, and starts them in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.record({ turns: fc.nat(3), fails: fc.boolean() }), { maxLength: 30 }),
        async (places, tasks) => {
          const limit = limitConcurrency(places);
          const started: number[] = [];
          let running = 0;
          let most = 0;
          const results = await Promise.allSettled(
            tasks.map(({ turns, fails }, index) =>
              limit(async () => {
                started.push(index);
                running++;
                most = Math.max(most, running);
                for (let turn = 0; turn < turns; turn++) await Promise.resolve();
                running--;
                if (fails) throw new Error('failed');
              }),
            ),
          );
          expect(most).toBeLessThanOrEqual(places);
          expect(started).toEqual(tasks.map((_, index) => index));
          expect(results.map(({ status }) => status === 'rejected')).toEqual(tasks.map(({ fails }) => fails));
        },
      ),
    );
  });
});
