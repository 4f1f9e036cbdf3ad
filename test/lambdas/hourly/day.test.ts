import fc from 'fast-check';
import {
  countRows,
  DayRefused,
  hourSpan,
  hoursBefore,
  readDayHours,
  subtractHours,
} from '../../../lambdas/hourly/day';
import { HOURLY_OBSERVATIONS } from '../../../lambdas/lake/layout';
import { encodeParquet, ParquetRefused } from '../../../lambdas/lake/parquet';

const columns = HOURLY_OBSERVATIONS.columns.filter(({ name }) => name === 'location_id' || name === 'hour');
const file = (rows: readonly (readonly [string, string])[]) =>
  encodeParquet(
    columns,
    rows.map(([location_id, hour]) => ({ location_id, hour })),
  );

describe("a day's file", () => {
  it('tells which hours each location has', async () => {
    const bytes = file([
      ['a', '2026-11-23T00:00:00Z'],
      ['a', '2026-11-23T23:00:00Z'],
      ['b', '2026-11-23T05:00:00Z'],
    ]);
    const hours = await readDayHours('2026-11-23', bytes);
    expect([...hours]).toEqual([
      ['a', (1 << 23) | 1],
      ['b', 1 << 5],
    ]);
    expect(countRows(hours)).toBe(3);
    expect(hourSpan(hours)).toEqual({ first: 0, last: 23 });
  });

  it.each([
    ['an hour of another day', '2026-11-24T00:00:00Z'],
    ['half an hour', '2026-11-23T00:30:00Z'],
  ])('with %s is refused', async (_, hour) => {
    await expect(readDayHours('2026-11-23', file([['a', hour]]))).rejects.toThrow(DayRefused);
  });

  it('with a row that is there twice is refused', async () => {
    const twice = file([
      ['a', '2026-11-23T07:00:00Z'],
      ['b', '2026-11-23T07:00:00Z'],
      ['a', '2026-11-23T07:00:00Z'],
    ]);
    await expect(readDayHours('2026-11-23', twice)).rejects.toThrow('a has more than one row');
  });

  it('that is no Parquet file is refused', async () => {
    await expect(readDayHours('2026-11-23', new Uint8Array(20))).rejects.toThrow(ParquetRefused);
  });
});

describe('hours of a day', () => {
  it('before an instant are those that have begun', () => {
    expect(countRows(hoursBefore('2026-11-23', '2026-11-23T05:00:00Z', ['a', 'b']))).toBe(10);
    expect(countRows(hoursBefore('2026-11-23', '2026-11-24T05:00:00Z', ['a']))).toBe(24);
    expect(countRows(hoursBefore('2026-11-23', '2026-11-22T05:00:00Z', ['a']))).toBe(0);
    expect(hourSpan(new Map())).toBeUndefined();
  });

  it('come apart into what others have and what is left, whatever they are', () => {
    const day = fc
      .dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 2 ** 24 - 1 }))
      .map((hours) => new Map(Object.entries(hours)));
    fc.assert(
      fc.property(day, day, (all, some) => {
        const rest = subtractHours(all, some);
        const shared = subtractHours(all, rest);
        expect(countRows(rest) + countRows(shared)).toBe(countRows(all));
        expect(countRows(subtractHours(shared, some))).toBe(0);
      }),
    );
  });
});
