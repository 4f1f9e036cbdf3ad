import { partsOfPlaces } from '../../../lambdas/pages/parts-of-places';
import { aLocation } from './content';

const places = (count: number) => Array.from({ length: count }, (_, i) => aLocation({ id: `place-${i}` }));

it('a thousand places are one part, and one more makes a second', () => {
  expect(partsOfPlaces(places(1_000))).toHaveLength(1);
  expect(partsOfPlaces(places(1_001)).map((part) => part.length)).toEqual([1_000, 1]);
});

it('places that are only watched have no page, and count for nothing', () => {
  const [first, ...others] = places(3);
  expect(partsOfPlaces([...others, { ...aLocation(first), forecast: false }]).flat()).toEqual(others);
  expect(partsOfPlaces([])).toEqual([]);
});
