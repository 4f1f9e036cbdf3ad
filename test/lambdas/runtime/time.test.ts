import {
  addDays,
  addHours,
  datesBetween,
  hourStart,
  utcSecond,
  utcSecondSchema,
} from '../../../lambdas/runtime/time';

describe('time', () => {
  it('is spelt to the second in UTC, fractions cut off, whatever it was given as', () => {
    const spelt = '2026-02-28T23:59:59Z';
    const instant = new Date('2026-02-28T20:59:59.999-03:00');
    expect([utcSecond(instant), utcSecond(instant.getTime()), utcSecond(instant.toISOString())]).toEqual([
      spelt,
      spelt,
      spelt,
    ]);
    expect(utcSecondSchema.parse(spelt)).toBe(spelt);
    expect(() => utcSecond('yesterday')).toThrow(RangeError);
  });

  it('crosses hours, days and years in both directions', () => {
    expect(addHours('2026-12-31T23:15:00Z', 1)).toBe('2027-01-01T00:15:00Z');
    expect(hourStart('2026-12-31T23:15:00Z')).toBe('2026-12-31T23:00:00Z');
    expect(addDays('2024-03-01', -1)).toBe('2024-02-29');
  });

  it('lists the dates of a range with both ends, and none of a range that ends before it begins', () => {
    expect(datesBetween('2026-12-30', '2027-01-02')).toEqual([
      '2026-12-30',
      '2026-12-31',
      '2027-01-01',
      '2027-01-02',
    ]);
    expect(datesBetween('2026-12-30', '2026-12-29')).toEqual([]);
  });
});
