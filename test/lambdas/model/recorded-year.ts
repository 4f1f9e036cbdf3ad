import { selectRows } from '../../../lambdas/model/matrix';
import type { TrainingSet } from '../../../lambdas/model/training-set';
import { HourlyTable, trainingSetOf } from './hourly-table';

const STATIONS = ['ewr', 'jfk', 'lga'] as const;

/** Nearest first. */
const NEIGHBOURS = new Map<string, readonly string[]>([
  ['ewr', ['lga', 'jfk']],
  ['jfk', ['lga', 'ewr']],
  ['lga', ['jfk', 'ewr']],
]);

/**
 * The recorded year of the three airports, each the others' neighbour, as retraining would get it.
 * @param polledFrom hours from here on (ms since the epoch) were polled; all others come from history.
 * @param estimator what is known of a polled hour's state: its last reading, or as `HourlyTable.averageFrom` says.
 */
export async function recordedYear(
  polledFrom = Number.POSITIVE_INFINITY,
  estimator: 'last reading' | 'mean of readings' = 'last reading',
): Promise<TrainingSet[]> {
  const table = await HourlyTable.open();
  await table.fillFromRecording();
  if (Number.isFinite(polledFrom)) await table.pollFrom(polledFrom);
  if (estimator === 'mean of readings') await table.averageFrom(polledFrom);
  const rows = await table.labelled(
    { locationIds: STATIONS, fromHour: '2013-01-01T00:00:00Z', toHour: '2013-12-31T23:00:00Z' },
    NEIGHBOURS,
  );
  table.close();
  return STATIONS.map((id) => {
    const set = trainingSetOf(id, rows, NEIGHBOURS.get(id) ?? []);
    return { ...set, polled: Uint8Array.from(set.hours, (hour) => (hour >= polledFrom ? 1 : 0)) };
  });
}

/** Some consecutive rows of a set. */
export function rowsOf(whole: TrainingSet, start: number, end: number): TrainingSet {
  return {
    ...whole,
    hours: whole.hours.slice(start, end),
    x: selectRows(
      whole.x,
      Array.from({ length: end - start }, (_, i) => start + i),
    ),
    y: whole.y.slice(start, end),
    wetNow: whole.wetNow.slice(start, end),
    polled: whole.polled.slice(start, end),
  };
}

/** The rows of some instants: from `start` on, before `end`, ms since the epoch. */
export function between(whole: TrainingSet, start: number, end: number): TrainingSet {
  const first = whole.hours.findIndex((hour) => hour >= start);
  const after = whole.hours.findIndex((hour) => hour >= end);
  return rowsOf(whole, first < 0 ? whole.hours.length : first, after < 0 ? whole.hours.length : after);
}
