import { sharedHoursSql, trainingSetSql } from '../../../lambdas/retrain/training-set-sql';

/** The longest statement that Athena takes, in bytes. */
const LONGEST = 262_144;

it('a hundred locations with as many neighbours as may be, all of long names, make statements that Athena takes', () => {
  const id = (place: number, neighbour: number) => `place-${place}-${neighbour}`.padEnd(64, '-x');
  const locationIds = Array.from({ length: 100 }, (_, place) => id(place, 0));
  const nearest = (count: number) =>
    new Map(
      locationIds.map((location, place) => [
        location,
        Array.from({ length: count }, (_, neighbour) => id(place, neighbour + 1)),
      ]),
    );
  const query = {
    database: 'garoa',
    locationIds,
    fromHour: '2013-01-01T00:00:00Z',
    toHour: '2013-12-31T23:00:00Z',
    rainThresholdMm: 0.1,
  };
  expect(Buffer.byteLength(sharedHoursSql(query, nearest(12)))).toBeLessThan(LONGEST);
  // Athena is given a name and properties beside the query.
  expect(Buffer.byteLength(trainingSetSql(query, nearest(8)))).toBeLessThan(LONGEST - 2_000);
});
