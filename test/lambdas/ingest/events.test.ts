import { parseIngestEvent } from '../../../lambdas/ingest/events';
import { settingsSchema } from '../../../lambdas/settings';
import { place } from '../weather/places';

const settings = settingsSchema.parse({
  stage: 'prod',
  provider: 'weatherapi',
  locations: [place('ewr', { pollEveryMinutes: 5 }), place('jfk'), place('lga')],
  rainThresholdMm: 0.1,
  training: {},
});
const invokedAt = new Date('2026-11-23T10:15:42.500Z');
const parse = (event: unknown) => parseIngestEvent(event, settings, invokedAt);
const ids = (event: unknown) => {
  const job = parse(event);
  return job.kind === 'describe' ? [] : job.locations.map(({ id }) => id);
};

describe('an ingest event', () => {
  it('of a schedule stands for its minute, whenever it is delivered', () => {
    expect(parse({ scheduledTime: '2026-11-23T10:14:00Z' })).toMatchObject({
      kind: 'poll',
      minute: '2026-11-23T10:14:00Z',
      origin: { type: 'schedule' },
    });
    expect(ids({ scheduledTime: '2026-11-23T10:14:00Z' })).toEqual(['ewr', 'jfk', 'lga']);
  });

  it('of a schedule polls the locations of its cadence and shard', () => {
    const event = { scheduledTime: '2026-11-23T10:14:00Z', everyMinutes: 1, shard: 1, shards: 2 };
    expect(ids(event)).toEqual(['lga']);
    expect(ids({ ...event, everyMinutes: 5, shard: 0, shards: 1 })).toEqual(['ewr']);
  });

  it('of a person takes the minute of its invocation unless it names one', () => {
    expect(parse({ locations: ['jfk'] })).toMatchObject({
      kind: 'poll',
      minute: '2026-11-23T10:15:00Z',
      origin: { type: 'adhoc' },
    });
    expect(parse({ locations: ['jfk'], scheduledTime: '2026-11-23T11:00:00+02:00' })).toMatchObject({
      minute: '2026-11-23T09:00:00Z',
    });
  });

  it('asks for the history of a day, of every location unless it names some', () => {
    expect(parse({ backfill: { date: '2026-11-22' } })).toMatchObject({
      kind: 'backfill',
      date: '2026-11-22',
      force: false,
      at: '2026-11-23T10:15:42Z',
    });
    expect(ids({ backfill: { date: '2026-11-22' } })).toEqual(['ewr', 'jfk', 'lga']);
    expect(ids({ backfill: { date: '2026-11-22', locations: ['lga'] } })).toEqual(['lga']);
    expect(
      parse({ backfill: { date: '2026-11-22', force: true }, at: '2026-11-24T00:00:00Z' }),
    ).toMatchObject({
      force: true,
      at: '2026-11-24T00:00:00Z',
    });
  });

  it.each([
    ['nothing', null, 'event: Invalid input: expected object, received null'],
    ['no time', {}, 'scheduledTime: Invalid input: expected string, received undefined'],
    ['a time that is none', { scheduledTime: 'now' }, 'scheduledTime: Invalid ISO datetime'],
    ['an unknown field', { scheduledTime: '2026-11-23T10:14:00Z', foo: 1 }, 'event: Unrecognized key: "foo"'],
    [
      'a shard beyond the last',
      { scheduledTime: '2026-11-23T10:14:00Z', everyMinutes: 1, shard: 2, shards: 2 },
      'shard: must be less than shards',
    ],
    [
      'a shard without locations',
      { scheduledTime: '2026-11-23T10:14:00Z', everyMinutes: 30, shard: 0, shards: 1 },
      'shard: no location is in it; the schedule is of another configuration',
    ],
    ['a description of something else', { describe: 'key' }, 'describe: Invalid input: expected "settings"'],
    ['no location', { locations: [] }, 'locations: name at least one location'],
    [
      'an unknown location',
      { locations: ['jfk', 'lax'] },
      'locations[1]: unknown location "lax"; configured are ewr, jfk, lga',
    ],
    ['a location twice', { locations: ['jfk', 'jfk'] }, 'locations[1]: "jfk" is named twice'],
    ['a date that does not exist', { backfill: { date: '2026-02-30' } }, 'backfill.date: Invalid ISO date'],
    ['a future date', { backfill: { date: '2026-11-24' } }, 'backfill.date: 2026-11-24 lies in the future'],
    [
      'a day that no query would see',
      { backfill: { date: '2009-12-31' } },
      'backfill.date: 2009-12-31 lies before garoa.firstDay (2010-01-01): no query would ever see it',
    ],
    [
      'a day that is not over',
      { backfill: { date: '2026-11-23' } },
      'backfill.date: 2026-11-23 is not over yet (UTC)',
    ],
    [
      'an empty list of locations to fill',
      { backfill: { date: '2026-11-22', locations: [] } },
      'backfill.locations: name at least one location',
    ],
    [
      'an unknown location to fill',
      { backfill: { date: '2026-11-22', locations: ['lax'] } },
      'backfill.locations[0]: unknown location "lax"; configured are ewr, jfk, lga',
    ],
  ])('is refused with path and reason when it gives %s', (_, event, reason) => {
    expect(() => parse(event)).toThrow(`The event was refused. ${reason}`);
  });

  it('shows a few of many configured locations when one is unknown', () => {
    const many = { ...settings, locations: Array.from({ length: 5_000 }, (_, index) => place(`p${index}`)) };
    expect(() => parseIngestEvent({ locations: ['x'] }, many, invokedAt)).toThrow(/p9 and 4990 more$/);
  });
});
