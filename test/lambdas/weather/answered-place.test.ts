import { requirePlace } from '../../../lambdas/weather/answered-place';
import { place } from './places';

const NOW = Date.parse('2026-11-23T10:15:00Z');
const check = (
  ...[location, answered]: [Parameters<typeof requirePlace>[0], Parameters<typeof requirePlace>[1]]
) => requirePlace(location, answered, NOW, 'weather of x');

describe('the place that a reply is about', () => {
  const jfk = place('jfk');
  const paris = place('paris', {
    query: 'Paris',
    latitude: undefined,
    longitude: undefined,
    timezone: 'Europe/Paris',
    country: 'France',
  });

  it.each([
    ['says nothing of it', jfk, {}],
    ['lies within 50 km', jfk, { latitude: 40.9, longitude: -73.5, timezone: 'America/New_York' }],
    ['gives the zone by another of its names', jfk, { timezone: 'US/Eastern' }],
    [
      'gives the neighbour’s zone near a border, whose clocks are the same',
      place('kehl', { latitude: 48.57, longitude: 7.81, timezone: 'Europe/Berlin' }),
      { latitude: 48.58, longitude: 7.75, timezone: 'Europe/Paris' },
    ],
    ['gives a zone that no clock knows', jfk, { timezone: 'Mars/Olympus' }],
    ['names no country', paris, { country: '', timezone: 'Europe/Paris' }],
    [
      'lies near, and its country has another name',
      place('jfk', { country: 'United States of America' }),
      { country: 'USA', latitude: 40.64, longitude: -73.78, timezone: 'America/New_York' },
    ],
    ['spells the country otherwise', paris, { country: 'FRANCE', timezone: 'Europe/Paris' }],
  ])('is taken when it %s', (_, location, answered) => {
    expect(() => check(location, answered)).not.toThrow();
  });

  it.each([
    [
      'lies beyond 50 km',
      jfk,
      { name: 'Jamaica', country: 'Jamaica', latitude: 18.1, longitude: -77.3 },
      /the answer is for Jamaica, Jamaica at 18.1, -77.3, 25\d\d km from 40.64, -73.78, where jfk is/,
    ],
    [
      'is in another zone',
      paris,
      { name: 'Paris', country: 'France', timezone: 'America/Chicago' },
      /for Paris, France in the zone America\/Chicago, while paris is in Europe\/Paris/,
    ],
    [
      'is in another zone with the same clocks, and nothing says that it is near',
      paris,
      { name: 'Paris', timezone: 'Africa/Lagos' },
      /Africa\/Lagos, while paris is in Europe\/Paris/,
    ],
    [
      'is in another country',
      paris,
      { name: 'Paris', country: 'United States of America' },
      /for Paris, United States of America, while paris is in France/,
    ],
    [
      'is near and in a zone of other clocks',
      jfk,
      { latitude: 40.6, longitude: -73.8, timezone: 'America/Chicago' },
      /America\/Chicago, while jfk is in America\/New_York/,
    ],
  ])('is refused when it %s, and both are named', (_, location, answered, expected) => {
    expect(() => check(location, answered)).toThrow(expect.objectContaining({ reason: 'wrong-place' }));
    expect(() => check(location, answered)).toThrow(expected);
  });
});
