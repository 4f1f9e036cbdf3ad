import fc from 'fast-check';
import { RowCache } from '../../../../lambdas/model/smo/row-cache';

const ROWS = 12;

const command = fc.oneof(
  fc.record({ kind: fc.constant('use' as const), row: fc.nat(ROWS - 1) }),
  fc.record({ kind: fc.constant('swap' as const), row: fc.nat(ROWS - 1), other: fc.nat(ROWS - 1) }),
  fc.record({ kind: fc.constant('round' as const) }),
);

it('always finds a row in the slot that was filled for it, through evictions and swaps of positions', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(command, { maxLength: 80 }),
      (capacity, commands) => {
        const cache = new RowCache(ROWS, capacity);
        /** The row in each slot, as a plain list. */
        const slots: number[] = [];
        cache.startRound();
        for (const each of commands) {
          if (each.kind === 'round') {
            cache.startRound();
          } else if (each.kind === 'swap') {
            cache.swap(each.row, each.other);
            slots.forEach((row, slot) => {
              slots[slot] = row === each.row ? each.other : row === each.other ? each.row : row;
            });
          } else {
            const found = cache.find(each.row);
            expect(found ?? -1).toBe(slots.indexOf(each.row));
            if (found === undefined) {
              const slot = cache.claim(each.row, true);
              if (slot !== undefined) slots[slot] = each.row;
            }
          }
        }
        expect(slots.length).toBeLessThanOrEqual(capacity);
      },
    ),
  );
});

it('gives up the row that was used longest ago, and none of this round', () => {
  const cache = new RowCache(ROWS, 2);
  cache.startRound();
  cache.claim(1, true);
  cache.startRound();
  cache.claim(2, true);
  cache.startRound();
  cache.find(1);
  const slot = cache.claim(3, true);

  expect(cache.find(2)).toBeUndefined();
  expect(cache.find(3)).toBe(slot);
  expect(cache.claim(4, true)).toBeUndefined();
  expect(cache.find(1)).toBe(0);
});

it('moves rows of active points to lower slots when compacted, and forgets the others', () => {
  const cache = new RowCache(ROWS, 4);
  cache.startRound();
  for (const row of [9, 3, 8, 5]) cache.claim(row, true);

  expect(cache.compact(6, 8)).toEqual([
    { fromSlot: 1, toSlot: 0 },
    { fromSlot: 3, toSlot: 1 },
  ]);
  expect([9, 3, 8, 5].map((row) => cache.find(row))).toEqual([undefined, 0, undefined, 1]);
  expect(cache.isWhole(0)).toBe(false);
  expect(cache.full).toBe(false);
});

it('forgets rows that lack the values of left-out points when all are active again', () => {
  const cache = new RowCache(ROWS, 4);
  cache.startRound();
  cache.claim(1, true);
  cache.claim(2, false);
  const completed = cache.claim(3, false) ?? -1;
  cache.complete(completed);
  cache.keepWhole();

  expect([1, 2, 3].map((row) => cache.find(row))).toEqual([0, undefined, completed]);
});
