import fc from 'fast-check';
import { settingsSchema } from '../../lambdas/settings';
import { ConfigError, type GaroaBlock, parseConfig, planOf, settingsOf } from '../../lib/config';

const place = { id: 'sao-paulo', name: 'São Paulo', query: 'Sao Paulo', timezone: 'America/Sao_Paulo' };

function problem(block: unknown): string {
  try {
    parseConfig(block);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message;
    }
    throw error;
  }
  throw new Error('The configuration was accepted');
}

describe('the configuration', () => {
  it('needs nothing: the default is São Paulo on WeatherAPI.com', () => {
    const config = parseConfig(undefined);
    expect(config).toMatchObject({
      stage: 'prod',
      provider: 'weatherapi',
      rainThresholdMm: 0.1,
      locations: [{ id: 'sao-paulo', timezone: 'America/Sao_Paulo', pollEveryMinutes: 1 }],
      schedules: { hourlyMinute: 5, retrain: { day: 'SUN', time: '03:30' } },
    });
    expect(config.alarmEmail).toBeUndefined();
    expect(planOf(config)).toMatchObject({ id: 'free', limits: [{ calls: 100_000, per: 'month' }] });
  });

  it.each<[string, unknown, string]>([
    ['a key that does not exist', { locatoins: [] }, 'garoa: Unrecognized key: "locatoins"'],
    ['a stage that no bucket could be named after', { stage: 'My_Stage' }, 'garoa.stage: use up to 16'],
    ['an unknown provider', { provider: 'metar' }, 'garoa.provider: '],
    ['an empty list of locations', { locations: [] }, 'garoa.locations: '],
    [
      'an id that is no key',
      { locations: [{ ...place, id: 'São Paulo' }] },
      'garoa.locations[0].id: use lower-case letters',
    ],
    [
      'two locations of one id',
      { locations: [place, { ...place, id: 'rio' }, place] },
      'garoa.locations[2].id: "sao-paulo" is already the id of locations[0]',
    ],
    [
      'a latitude beyond the pole',
      { locations: [{ ...place, latitude: 90.5, longitude: 0 }] },
      'garoa.locations[0].latitude: ',
    ],
    [
      'a latitude without a longitude',
      { locations: [{ ...place, latitude: 9 }] },
      'garoa.locations[0].latitude: latitude and longitude go together',
    ],
    [
      'a place that can not be asked for',
      { locations: [{ id: 'x', name: 'X', timezone: 'UTC' }] },
      'garoa.locations[0].query: give a query',
    ],
    [
      'an unknown time zone',
      { locations: [{ ...place, timezone: 'Brazil/Nowhere' }] },
      'garoa.locations[0].timezone: not an IANA time zone',
    ],
    [
      'a cadence that does not divide the hour',
      { locations: [{ ...place, pollEveryMinutes: 7 }] },
      'garoa.locations[0].pollEveryMinutes: ',
    ],
    ['a threshold that is no rain', { rainThresholdMm: 0 }, 'garoa.rainThresholdMm: '],
    [
      'a time that no clock shows',
      { schedules: { retrain: { day: 'SUN', time: '24:00' } } },
      'garoa.schedules.retrain.time: ',
    ],
    [
      'a retention that CloudWatch does not offer',
      { retention: { logDays: 31 } },
      'garoa.retention.logDays: ',
    ],
    ['a training window of a day', { training: { windowDays: 1 } }, 'garoa.training.windowDays: '],
    ['an address that is none', { alarmEmail: 'me' }, 'garoa.alarmEmail: '],
    ['a stage whose database another one has', { stage: 'discovery' }, 'garoa.stage: is the name of a part'],
    ['a day before all history', { firstDay: '1939-12-31' }, 'garoa.firstDay: lies between 1940-01-01'],
    ['a day to come', { firstDay: '2999-01-01' }, 'garoa.firstDay: lies between 1940-01-01'],
    ['a date that does not exist', { firstDay: '2026-02-30' }, 'garoa.firstDay: '],
    [
      'a plan that the provider does not sell',
      { plan: 'gold' },
      'garoa.plan: WeatherAPI.com has no plan "gold"; it has "free", "starter"',
    ],
    ...(['Asia/Kolkata', 'Asia/Kathmandu', 'America/St_Johns', 'Australia/Lord_Howe'] as const).map(
      (timezone): [string, unknown, string] => [
        `WeatherAPI.com where hours begin between those of UTC, as in ${timezone},`,
        { locations: [place, { ...place, id: 'there', timezone }] },
        `garoa.locations[1].timezone: the hours of WeatherAPI.com are those of local clocks, and in ${timezone}`,
      ],
    ),
    [
      'Open-Meteo without coordinates',
      { provider: 'open-meteo', locations: [place] },
      'garoa.locations[0].latitude: Open-Meteo is asked by latitude and longitude',
    ],
  ])('refuses %s, naming path and reason on one line', (_case, block, expected) => {
    const message = problem(block);
    expect(message).toContain(expected);
    expect(message).not.toContain('\n');
  });

  it('names the way out for places whose hours begin between those of UTC, and takes it', () => {
    const delhi = { ...place, id: 'delhi', timezone: 'Asia/Kolkata', latitude: 28.6, longitude: 77.2 };
    expect(problem({ locations: [delhi] })).toContain('set garoa.provider to "open-meteo"');
    expect(parseConfig({ provider: 'open-meteo', locations: [delhi] }).locations).toHaveLength(1);
  });

  it('shows the first problems of many, and counts the rest', () => {
    const locations = Array.from({ length: 9 }, (_, index) => ({ ...place, id: `place ${index}` }));
    expect(problem({ locations })).toMatch(/^garoa\.locations\[0\]\.id: .*; and 6 more$/);
  });

  it('holds five thousand locations and no more', () => {
    const locations = Array.from({ length: 5_001 }, (_, index) => ({ ...place, id: `place-${index}` }));
    expect(parseConfig({ locations: locations.slice(0, 5_000) }).locations).toHaveLength(5_000);
    expect(problem({ locations })).toContain('garoa.locations: ');
  });

  it('takes a list of places exactly when no id comes twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c-1', 'd-2', 'e'), { minLength: 1, maxLength: 6 }),
        (ids) => {
          const block: GaroaBlock = { locations: ids.map((id) => ({ ...place, id })) };
          if (new Set(ids).size === ids.length) {
            expect(parseConfig(block).locations.map(({ id }) => id)).toEqual(ids);
          } else {
            const second = ids.findIndex((id, index) => ids.indexOf(id) < index);
            expect(problem(block)).toContain(`garoa.locations[${second}].id`);
          }
        },
      ),
    );
  });

  it('holds the calls against the plan that is named', () => {
    expect(planOf(parseConfig({ plan: 'pro-plus' })).limits).toEqual([{ calls: 5_000_000, per: 'month' }]);
  });

  it('hands each function the settings that its own schema takes', () => {
    const settings = settingsOf(parseConfig({ stage: 'dev', locations: [place] }));
    expect(settingsSchema.parse(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  });
});
