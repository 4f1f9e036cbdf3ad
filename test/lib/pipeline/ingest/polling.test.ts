import fc from 'fast-check';
import { locationsOfShard } from '../../../../lambdas/ingest/shards';
import { PROVIDERS } from '../../../../lambdas/weather/providers';
import {
  callsPer,
  closingWarning,
  pollingCron,
  pollShards,
  quotaNote,
} from '../../../../lib/pipeline/ingest/polling';

const everyMinute = (count: number) =>
  Array.from({ length: count }, () => ({ pollEveryMinutes: 1 }) as const);
const cadence = fc.constantFrom(1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60);

describe('polling', () => {
  it('gives each location to exactly one schedule, of its own cadence', () => {
    const group = fc.record({ pollEveryMinutes: cadence, count: fc.integer({ min: 1, max: 2_500 }) });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 3 }), (groups) => {
        const locations = groups.flatMap(({ pollEveryMinutes, count }, number) =>
          Array.from({ length: count }, (_, index) => ({ id: `p-${number}-${index}`, pollEveryMinutes })),
        );
        const shards = pollShards(locations);
        const polled = shards.flatMap((shard) => locationsOfShard(locations, shard));
        expect(new Set(polled.map(({ id }) => id)).size).toBe(locations.length);
        expect(polled).toHaveLength(locations.length);
        expect(new Set(shards.map(({ everyMinutes }) => everyMinutes))).toEqual(
          new Set(groups.map(({ pollEveryMinutes }) => pollEveryMinutes)),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('cuts five thousand locations into parts that a minute holds, and leaves a few in one', () => {
    expect(pollShards(everyMinute(3))).toEqual([{ everyMinutes: 1, shard: 0, shards: 1 }]);
    expect(pollShards(everyMinute(5_000)).length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['weatherapi', ['* * * * ? *', '0/2 * * * ? *', '11/15 * * * ? *', '56 * * * ? *']],
    ['open-meteo', ['* * * * ? *', '1/2 * * * ? *', '1/15 * * * ? *', '1 * * * ? *']],
  ] as const)('polls %s in steps that meet at its closing minute', (name, expected) => {
    const crons = [1, 2, 15, 60].map((everyMinutes) => pollingCron(everyMinutes, PROVIDERS[name]));
    expect(crons).toEqual(expected.map((fields) => `cron(${fields})`));
  });

  it('has a poll of every cadence that closes the hour', () => {
    const cadences = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60];
    for (const provider of Object.values(PROVIDERS)) {
      for (const everyMinutes of cadences) {
        const [, minutes = ''] = /^cron\(([^ ]+) /.exec(pollingCron(everyMinutes, provider)) ?? [];
        const [first = '*', step] = minutes.split('/');
        const polled = Array.from({ length: 60 }, (_, minute) => minute).filter((minute) =>
          first === '*' || step === undefined
            ? first === '*' || minute === Number(first)
            : minute >= Number(first) && (minute - Number(first)) % Number(step) === 0,
        );
        expect(polled).toHaveLength(60 / everyMinutes);
        expect(polled).toContain(provider.closingPoll.minute);
      }
    }
    // A later one would speak of the next hour, an earlier one not of the last quarter.
    expect(PROVIDERS.weatherapi.closingPoll).toMatchObject({ of: 'hour' });
    expect(PROVIDERS.weatherapi.closingPoll.minute).toBeGreaterThanOrEqual(46);
  });

  it.each([
    ['open-meteo', 5, undefined],
    ['open-meteo', 4, undefined],
    ['open-meteo', 3, 'has no minute to spare. Set hourlyMinute to 4 or more.'],
    ['open-meteo', 2, 'comes too late to be known then. Set hourlyMinute to 4 or more.'],
    ['weatherapi', 2, undefined],
  ] as const)(
    'says of %s, with the hour closed at minute %d, whether there is time',
    (name, minute, expected) => {
      const warning = closingWarning(PROVIDERS[name], minute);
      if (expected === undefined) expect(warning).toBeUndefined();
      else expect(warning).toContain(expected);
    },
  );

  it('counts the calls of the longest month, and the settling of each day', () => {
    expect(callsPer('month', everyMinute(1), PROVIDERS.weatherapi)).toBe(44_640 + 31 * 2);
    const two = [{ pollEveryMinutes: 1 }, { pollEveryMinutes: 15 }] as const;
    expect(callsPer('month', two, PROVIDERS.weatherapi)).toBe(44_640 + 2_976 + 31 * 4);
    expect(callsPer('day', two, PROVIDERS['open-meteo'])).toBe(1_440 + 96 + 2);
    expect(callsPer('hour', two, PROVIDERS['open-meteo'])).toBe(60 + 4 + 2);
    expect(callsPer('minute', two, PROVIDERS['open-meteo'])).toBe(2);
  });

  it('holds the calls against every plan, and is content with two locations on the free one', () => {
    const { plans } = PROVIDERS.weatherapi;
    const note = quotaNote(PROVIDERS.weatherapi, plans[0], everyMinute(2));
    expect(note.text).toBe(
      '2 locations: 89,404 calls a month to WeatherAPI.com, settling included. ' +
        'Plans: Free 100,000 a month (90%), Starter 3,000,000 a month (3%), Pro+ 5,000,000 a month (2%), ' +
        'Business 10,000,000 a month (1%).',
    );
    expect(note.warning).toBeUndefined();
  });

  it.each([
    [
      6,
      '6 locations: 8,646 calls a day to Open-Meteo, settling included. Plans: Free 10,000 a day (87%).',
      false,
    ],
    [7, 'Free 10,000 a day (101%, too small)', true],
  ])('counts as Open-Meteo does, by the limit that is used up first: %d places', (count, text, tooMany) => {
    const note = quotaNote(PROVIDERS['open-meteo'], PROVIDERS['open-meteo'].plans[0], everyMinute(count));
    expect(note.text).toContain(text);
    expect(note.warning !== undefined).toBe(tooMany);
  });

  it('sees the minute in which all cadences meet', () => {
    const hourly = Array.from({ length: 601 }, () => ({ pollEveryMinutes: 60 }) as const);
    const note = quotaNote(PROVIDERS['open-meteo'], PROVIDERS['open-meteo'].plans[0], hourly);
    expect(note.warning).toContain('10,000 a day (151%, too small)');
    expect(callsPer('minute', hourly, PROVIDERS['open-meteo'])).toBe(601);
  });

  it('warns of a plan that is too small, and names the smallest that is not', () => {
    const { plans } = PROVIDERS.weatherapi;
    const note = quotaNote(PROVIDERS.weatherapi, plans[0], everyMinute(3));
    expect(note.text).toContain('Free 100,000 a month (135%, too small)');
    expect(note.warning).toContain(
      `${note.text} The plan Free holds 100,000 a month: set garoa.plan to "starter"`,
    );
  });

  it('offers no plan where none is large enough', () => {
    const { plans } = PROVIDERS.weatherapi;
    expect(quotaNote(PROVIDERS.weatherapi, plans[0], everyMinute(5_000)).warning).not.toContain('garoa.plan');
  });
});
