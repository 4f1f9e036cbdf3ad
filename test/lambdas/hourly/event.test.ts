import { EventRefused, parseEvent } from '../../../lambdas/hourly/event';

const FIRST_DAY = '2010-01-01';
const invokedAt = new Date('2026-11-23T11:20:42.123Z');

describe('the schedule', () => {
  it('closes the hour before its own', () => {
    expect(parseEvent({ scheduledTime: '2026-11-23T11:05:00Z' }, invokedAt, FIRST_DAY)).toEqual({
      kind: 'hour',
      hour: '2026-11-23T10:00:00Z',
      now: '2026-11-23T11:05:00Z',
    });
  });

  it('closes the last hour of the year just after midnight', () => {
    expect(parseEvent({ scheduledTime: '2027-01-01T00:05:00Z' }, invokedAt, FIRST_DAY)).toMatchObject({
      hour: '2026-12-31T23:00:00Z',
    });
  });
});

describe('upkeep', () => {
  it('is of the day on which its machine starts it', () => {
    expect(parseEvent({ upkeep: true, scheduledTime: '2026-11-23T00:25:00Z' }, invokedAt, FIRST_DAY)).toEqual(
      {
        kind: 'upkeep',
        date: '2026-11-23',
        now: '2026-11-23T00:25:00Z',
      },
    );
  });

  it('makes the pages of one part of thousands of places, when the machine asks for it', () => {
    const event = { upkeep: true, scheduledTime: '2026-11-23T00:25:00Z', pages: 4 };
    expect(parseEvent(event, invokedAt, FIRST_DAY)).toEqual({
      kind: 'pages',
      part: 4,
      now: '2026-11-23T00:25:00Z',
    });
  });

  it('is of a day that people name, at the time of the invocation', () => {
    expect(parseEvent({ upkeep: '2026-11-20' }, invokedAt, FIRST_DAY)).toEqual({
      kind: 'upkeep',
      date: '2026-11-20',
      now: '2026-11-23T11:20:42Z',
    });
  });

  it.each([
    [{ upkeep: '2026-11-24' }, 'upkeep: 2026-11-24 has not come yet'],
    [{ upkeep: true }, 'upkeep: '],
    [{ upkeep: 'today' }, 'upkeep: '],
    [{ upkeep: true, scheduledTime: '2026-11-23T00:25:00Z', hour: '2026-11-22T10' }, 'hour'],
  ])('refuses %j', (event, reason) => {
    expect(() => parseEvent(event, invokedAt, FIRST_DAY)).toThrow(reason);
  });
});

describe('people', () => {
  it('name an hour, and the invocation says what time it is', () => {
    expect(parseEvent({ hour: '2026-11-23T10' }, invokedAt, FIRST_DAY)).toEqual({
      kind: 'hour',
      hour: '2026-11-23T10:00:00Z',
      now: '2026-11-23T11:20:42Z',
    });
  });

  it('name a range up to today', () => {
    expect(parseEvent({ from: '2026-11-01', to: '2026-11-23' }, invokedAt, FIRST_DAY)).toEqual({
      kind: 'range',
      from: '2026-11-01',
      to: '2026-11-23',
      now: '2026-11-23T11:20:42Z',
      acceptLostHours: false,
    });
  });

  it('may say themselves what time it is', () => {
    const event = { from: '2013-01-01', to: '2013-12-31', at: '2014-01-01T00:00:00.000Z' };
    expect(parseEvent(event, invokedAt, FIRST_DAY)).toMatchObject({ now: '2014-01-01T00:00:00Z' });
  });

  it('may ask for three years and no more', () => {
    expect(parseEvent({ from: '2023-11-23', to: '2026-11-23' }, invokedAt, FIRST_DAY)).toMatchObject({
      kind: 'range',
    });
    expect(() => parseEvent({ from: '2023-11-01', to: '2026-11-23' }, invokedAt, FIRST_DAY)).toThrow(
      /from: .*three years/,
    );
  });
});

describe('refused', () => {
  it.each([
    ['no object', 'hour', /no object/],
    ['null', null, /no object/],
    ['a list', [{ hour: '2026-11-23T10' }], /no object/],
    ['nothing', {}, /from: /],
    ['an unknown key', { scheduledTime: '2026-11-23T11:05:00Z', force: true }, /force/],
    ['an unknown key beside an hour', { hour: '2026-11-23T10', to: '2026-11-23' }, /to/],
    ['a misspelt range', { from: '2026-11-01', until: '2026-11-02' }, /until/],
    ['a time without a zone', { scheduledTime: '2026-11-23T11:05:00' }, /^scheduledTime: use an instant/],
    ['an hour with minutes', { hour: '2026-11-23T10:00' }, /^hour: use an hour/],
    ['an hour past 23', { hour: '2026-11-23T24' }, /^hour: use an hour/],
    ['an hour of no date', { hour: '2026-02-29T10' }, /^hour: no calendar/],
    ['a date of no calendar', { from: '2026-02-29', to: '2026-03-01' }, /^from: use a date/],
    ['an hour that is not over', { hour: '2026-11-23T11' }, /^hour: .*not over/],
    ['an hour to come', { hour: '2026-11-24T03' }, /^hour: .*not over/],
    ['from after to', { from: '2026-11-02', to: '2026-11-01' }, /^from: .*after/],
    ['a day to come', { from: '2026-11-01', to: '2026-11-24' }, /^to: .*not come/],
    [
      'a range before the first day',
      { from: '2009-12-31', to: '2010-01-02' },
      /^from: 2009-12-31 lies before garoa.firstDay/,
    ],
    ['an hour before the first day', { hour: '2009-12-31T23' }, /^hour: .*before garoa.firstDay/],
    ['an upkeep before the first day', { upkeep: '2009-12-31' }, /^upkeep: .*before garoa.firstDay/],
  ])('%s, with path and reason', (_, event, reason) => {
    expect(() => parseEvent(event, invokedAt, FIRST_DAY)).toThrow(EventRefused);
    expect(() => parseEvent(event, invokedAt, FIRST_DAY)).toThrow(reason);
  });
});
