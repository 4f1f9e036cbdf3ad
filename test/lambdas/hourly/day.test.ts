import fc from 'fast-check';
import {
  countRows,
  DayRefused,
  hourSpan,
  hoursBefore,
  readDayHours,
  subtractHours,
  unlikeToday,
} from '../../../lambdas/hourly/day';
import { HOURLY_OBSERVATIONS } from '../../../lambdas/lake/layout';
import { encodeParquet, ParquetRefused } from '../../../lambdas/lake/parquet';

const NAMES = ['location_id', 'hour', 'precip_mm', 'rain_threshold_mm'];
const columns = HOURLY_OBSERVATIONS.columns.filter(({ name }) => NAMES.includes(name));
const file = (rows: readonly (readonly [string, string, number?, number?])[]) =>
  encodeParquet(
    columns,
    rows.map(([location_id, hour, precip, threshold = 0.1]) => ({
      location_id,
      hour,
      precip_mm: precip ?? null,
      rain_threshold_mm: threshold,
    })),
  );

describe("a day's file", () => {
  it('tells which hours each location has', async () => {
    const bytes = file([
      ['a', '2026-11-23T00:00:00Z'],
      ['a', '2026-11-23T23:00:00Z'],
      ['b', '2026-11-23T05:00:00Z'],
    ]);
    const { hours } = await readDayHours('2026-11-23', bytes);
    expect([...hours]).toEqual([
      ['a', (1 << 23) | 1],
      ['b', 1 << 5],
    ]);
    expect(countRows(hours)).toBe(3);
    expect(hourSpan(hours)).toEqual({ first: 0, last: 23 });
  });

  it('tells in which of them the true rain is known', async () => {
    const bytes = file([
      ['a', '2026-11-23T00:00:00Z', 0],
      ['a', '2026-11-23T01:00:00Z'],
      ['b', '2026-11-23T02:00:00Z'],
    ]);
    const { hours, observed } = await readDayHours('2026-11-23', bytes);
    expect([countRows(hours), [...observed]]).toEqual([3, [['a', 1]]]);
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

describe("rows that can't be used beside those of today", () => {
  it('are those of another threshold, and say which', async () => {
    const bytes = file([
      ['a', '2026-11-23T00:00:00Z', 0, 0.1],
      ['a', '2026-11-23T01:00:00Z', 0, 0.254],
    ]);
    expect(await unlikeToday(bytes, 0.1)).toBe('its rows call 0.254 mm rain, and 0.1 mm is configured');
  });

  it('are those of the form before, which has no threshold', async () => {
    const before = columns.filter(({ name }) => name !== 'rain_threshold_mm');
    const row = { location_id: 'a', hour: '2026-11-23T00:00:00Z', precip_mm: 0 };
    expect(await unlikeToday(encodeParquet(before, [row]), 0.1)).toBe('its rows are of an older form');
  });

  it('are not those of this threshold', async () => {
    expect(await unlikeToday(file([['a', '2026-11-23T00:00:00Z', 0]]), 0.1)).toBeUndefined();
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
