import { regionsOf } from '../../../lambdas/model/regions';
import type { Location } from '../../../lambdas/weather/location';

const place = (id: string, coordinates?: readonly [number, number]): Location => ({
  id,
  name: id,
  timezone: 'UTC',
  pollEveryMinutes: 1,
  ...(coordinates === undefined ? { query: id } : { latitude: coordinates[0], longitude: coordinates[1] }),
});

describe('regions', () => {
  it('are of places that share their weather within the hour', () => {
    const regions = regionsOf([
      place('ewr', [40.69, -74.17]),
      place('sao-paulo', [-23.55, -46.63]),
      place('jfk', [40.64, -73.78]),
      place('boston', [42.36, -71.06]),
    ]);
    expect(Object.fromEntries(regions)).toEqual({ ewr: 'ewr', jfk: 'ewr' });
  });

  it('reach over the date line', () => {
    expect(regionsOf([place('east', [-16.9, 179.9]), place('west', [-16.9, -179.9])]).size).toBe(2);
  });

  it('take a few places of unknown whereabouts together, and leave many alone', () => {
    const unknown = (count: number) => Array.from({ length: count }, (_, i) => place(`place-${i}`));
    expect(new Set(regionsOf(unknown(3)).values()).size).toBe(1);
    expect(regionsOf(unknown(1)).size).toBe(0);
    expect(regionsOf(unknown(9)).size).toBe(0);
    expect(Object.fromEntries(regionsOf([place('ewr', [40.69, -74.17]), ...unknown(2)]))).toEqual({
      'place-0': 'place-0',
      'place-1': 'place-0',
    });
  });
});
