import { gapsOf, missingOfDay } from '../../../lambdas/hourly/gaps';

const allDay = 2 ** 24 - 1;
const without = (...hours: number[]) => hours.reduce((bits, hour) => bits & ~(1 << hour), allDay);
const from = (hour: number) => allDay & -(1 << hour);
const day = (number: number, present: Record<string, number>) => ({
  date: `2026-11-0${number}`,
  present: new Map(Object.entries(present)),
});
const closed = '2026-11-09T00:00:00Z';

it('finds nothing where every hour has its row', () => {
  const days = [day(1, { a: allDay, b: allDay }), day(2, { a: allDay, b: allDay })];
  expect(gapsOf(days, closed, ['a', 'b'])).toEqual({ missingHours: 0, dates: [], locationIds: [] });
});

it('names the days and locations with holes', () => {
  const days = [
    day(1, { a: allDay, b: allDay }),
    day(2, { a: without(3, 4), b: allDay }),
    day(3, { b: allDay }),
  ];
  expect(gapsOf(days, closed, ['a', 'b'])).toEqual({
    missingHours: 26,
    dates: ['2026-11-02', '2026-11-03'],
    locationIds: ['a'],
  });
});

it('expects a location from its first hour on', () => {
  const days = [
    day(1, { a: allDay }),
    day(2, { a: allDay, b: from(7) }),
    day(3, { a: allDay, b: without(0) }),
  ];
  expect(gapsOf(days, closed, ['a', 'b'])).toEqual({
    missingHours: 1,
    dates: ['2026-11-03'],
    locationIds: ['b'],
  });
});

it('expects a location that never reported from the first hour of any', () => {
  const days = [day(1, {}), day(2, { a: from(20) }), day(3, { a: allDay })];
  expect(gapsOf(days, closed, ['a', 'b'])).toEqual({
    missingHours: 28,
    dates: ['2026-11-02', '2026-11-03'],
    locationIds: ['b'],
  });
});

it('expects nothing before the lake began, and nothing of hours that are not closed', () => {
  expect(gapsOf([day(1, {}), day(2, {})], closed, ['a']).missingHours).toBe(0);
  expect(gapsOf([day(1, { a: 1 })], '2026-11-01T03:00:00Z', ['a']).missingHours).toBe(2);
});

it('counts the closed hours of one day that a location has no row for', () => {
  const missing = missingOfDay('2026-11-01', new Map([['a', 0b101]]), '2026-11-01T04:00:00Z', ['a', 'b']);
  expect([...missing]).toEqual([
    ['a', 0b1010],
    ['b', 0b1111],
  ]);
});
