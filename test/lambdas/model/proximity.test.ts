import { nearestOf } from '../../../lambdas/model/proximity';
import type { Location } from '../../../lambdas/weather/location';

const place = (id: string, coordinates?: readonly [number, number]): Location => ({
  id,
  name: id,
  timezone: 'UTC',
  pollEveryMinutes: 1,
  forecast: true,
  ...(coordinates === undefined ? { query: id } : { latitude: coordinates[0], longitude: coordinates[1] }),
});

const nearest = (locations: readonly Location[]) =>
  Object.fromEntries(
    nearestOf(
      locations,
      locations.map(({ id }) => id),
    ),
  );

describe('neighbours', () => {
  it('are the places within a hundred kilometres, the nearest first', () => {
    expect(
      nearest([
        place('ewr', [40.69, -74.17]),
        place('sao-paulo', [-23.55, -46.63]),
        place('jfk', [40.64, -73.78]),
        place('lga', [40.78, -73.87]),
        place('boston', [42.36, -71.06]),
      ]),
    ).toEqual({ ewr: ['lga', 'jfk'], jfk: ['lga', 'ewr'], lga: ['jfk', 'ewr'] });
  });

  it('are the nearest dozen where there are more, ties in the order of their names', () => {
    const around = Array.from({ length: 20 }, (_, i) => place(`place-${i + 10}`, [0, (i + 1) / 100]));
    const found = nearest([place('here', [0, 0]), place('elsewhere', [0, 0]), ...around]).here;
    expect(found).toHaveLength(12);
    expect(found?.slice(0, 2)).toEqual(['elsewhere', 'place-10']);
    expect(nearest([place('here', [0, 0]), place('b', [0, 0.1]), place('a', [0, 0.1])]).here).toEqual([
      'a',
      'b',
    ]);
  });

  it('are found over the date line', () => {
    expect(nearest([place('east', [-16.9, 179.9]), place('west', [-16.9, -179.9])])).toEqual({
      east: ['west'],
      west: ['east'],
    });
  });

  it('of unknown whereabouts are taken together while they are few', () => {
    const unknown = (count: number) => Array.from({ length: count }, (_, i) => place(`place-${i}`));
    expect(nearest(unknown(3))['place-1']).toEqual(['place-0', 'place-2']);
    expect(nearest(unknown(1))).toEqual({});
    expect(nearest(unknown(9))).toEqual({});
    expect(nearest([place('ewr', [40.69, -74.17]), ...unknown(2)])).toEqual({
      'place-0': ['place-1'],
      'place-1': ['place-0'],
    });
  });
});
