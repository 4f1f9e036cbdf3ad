import { join } from 'node:path';
import { projectRoot } from '../../../lib/project-root';
import { readRecording } from '../../../lib/recorded-weather/observation-file/read';
import type { Recording, Series } from '../../../lib/recorded-weather/recording';

/** So many places that tell the weather of three recorded stations in turn. */
export interface PlacesRecording extends Recording {
  readonly stations: readonly Series[];
}

const ROWS_OF_PLACES = 100;
const FIRST_LATITUDE = 25;
const FIRST_LONGITUDE = -124;
/** About fifty kilometres: so near to one another lie five thousand places of a country, and each has neighbours. */
const APART_DEGREES = 0.5;

export async function recordingOf(places: number): Promise<PlacesRecording> {
  const recorded = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  const stations = [...recorded.series.values()];
  const locations = Array.from({ length: places }, (_, i) => ({
    id: `place-${i}`,
    name: `Place ${i}`,
    query: `place-${i}`,
    latitude: FIRST_LATITUDE + APART_DEGREES * Math.floor(i / ROWS_OF_PLACES),
    longitude: FIRST_LONGITUDE + APART_DEGREES * (i % ROWS_OF_PLACES),
    timezone: 'America/New_York',
    pollEveryMinutes: 60 as const,
    forecast: true,
  }));
  return {
    ...recorded,
    title: `${places} places`,
    locations,
    stations,
    series: new Map(
      locations.flatMap(({ id }, i) => {
        const series = stations[i % stations.length];
        return series === undefined ? [] : [[id, series] as const];
      }),
    ),
  };
}
