import { HOURLY_OBSERVATIONS } from '../lake/layout';
import { sqlDouble, sqlIdentifier, sqlString, sqlTimestamp } from '../lake/sql/literals';
import { type FeaturesQuery, featuresSql, OWN_FEATURE_NAMES } from '../model/features';
import { NEIGHBOUR_SLOTS, SPOKEN } from '../model/neighbours';
import { PROVIDER_COLUMNS } from '../model/provider-forecast';

/** Neighbours of locations by id, in order. */
export type Neighbours = ReadonlyMap<string, readonly string[]>;

/** Column of the training set that holds the ids of the neighbours, in order, parted by commas. */
export const NEIGHBOURS_COLUMN = 'neighbours';

/** Column of the training set that holds what the neighbour of a slot (from 0) said. */
export function spokenColumn(slot: number, name: (typeof SPOKEN)[number]): string {
  return `neighbour_${slot + 1}_said_${name}`;
}

const SLOTS = Array.from({ length: NEIGHBOUR_SLOTS }, (_, slot) => slot);
const SPOKEN_COLUMNS = SLOTS.flatMap((slot) =>
  SPOKEN.map((name) => ({ slot, name, column: spokenColumn(slot, name) })),
);

/** Columns of a training set but for `hour`, which comes first, and the partition, which comes last. */
export const TRAINING_SET_COLUMNS: readonly string[] = [
  'wet_now',
  ...OWN_FEATURE_NAMES,
  ...PROVIDER_COLUMNS,
  'label',
  NEIGHBOURS_COLUMN,
  ...SPOKEN_COLUMNS.map(({ column }) => column),
];

type TrainingSetQuery = Omit<FeaturesQuery, 'withLabel'>;

/**
 * The training sets of some locations: what the feature query gives for each labelled hour, beside what each neighbour
 * said of the same hour. A neighbour speaks when it has a row of its own, labelled or not, as it does in forecasting.
 */
export function trainingSetSql(query: TrainingSetQuery, neighbours: Neighbours): string {
  const speakers = query.locationIds.flatMap((id) => [id, ...(neighbours.get(id) ?? [])]);
  const features = featuresSql({ ...query, locationIds: [...new Set(speakers)], withLabel: true });
  const said = SPOKEN_COLUMNS.map(
    ({ slot, name, column }) => `max(CASE WHEN slot = ${slot + 1} THEN ${name} END) AS ${column}`,
  );
  // A CTAS writes timestamps of milliseconds only, and wants its partition columns last.
  return `WITH told AS (
${features}
),
${namesSql(query.locationIds, neighbours)},
heard AS (
  SELECT names.location_id, told.hour,
    ${said.join(',\n    ')}
  FROM names
  CROSS JOIN ${slotsSql(NEIGHBOUR_SLOTS)}
  JOIN told ON told.location_id = split_part(names.neighbours, ',', slot)
  GROUP BY names.location_id, told.hour
)
SELECT CAST(told.hour AS timestamp(3)) AS "hour", ${TRAINING_SET_COLUMNS.map(sqlIdentifier).join(', ')},
  told.location_id AS location_id
FROM told
JOIN names ON names.location_id = told.location_id
LEFT JOIN heard ON heard.location_id = told.location_id AND heard.hour = told.hour
WHERE label IS NOT NULL`;
}

/**
 * How many hours each location has in the window, and how many of them it shares with each neighbour:
 * `location_id, speaker, hours`, where a location is its own first speaker.
 */
export function sharedHoursSql(query: TrainingSetQuery, neighbours: Neighbours): string {
  const withSelf = new Map(query.locationIds.map((id) => [id, [id, ...(neighbours.get(id) ?? [])]]));
  const slots = Math.max(...Array.from(withSelf.values(), ({ length }) => length));
  const ids = [...new Set([...withSelf.values()].flat())];
  const { fromHour, toHour } = query;
  return `WITH known AS (
  SELECT location_id, hour
  FROM ${sqlIdentifier(query.database)}.${sqlIdentifier(HOURLY_OBSERVATIONS.name)}
  WHERE rain_threshold_mm = ${sqlDouble(query.rainThresholdMm)}
    AND dt BETWEEN ${sqlString(fromHour.slice(0, 10))} AND ${sqlString(toHour.slice(0, 10))}
    AND hour BETWEEN ${sqlTimestamp(fromHour)} AND ${sqlTimestamp(toHour)}
    AND location_id IN (${ids.map(sqlString).join(', ')})
    AND temp_c IS NOT NULL AND known_precip_mm IS NOT NULL
),
${namesSql(query.locationIds, withSelf)}
SELECT names.location_id, split_part(names.neighbours, ',', slot) AS speaker, count(*) AS hours
FROM names
CROSS JOIN ${slotsSql(slots)}
JOIN known AS own ON own.location_id = names.location_id
JOIN known AS other ON other.location_id = split_part(names.neighbours, ',', slot) AND other.hour = own.hour
GROUP BY names.location_id, split_part(names.neighbours, ',', slot)`;
}

/**
 * One row `location_id, other_threshold, old_shape` for each location that has rows in the range which `featuresSql` does
 * not see: made for another rain threshold, or before there were thresholds in them.
 */
export function passedOverSql(query: TrainingSetQuery): string {
  const { database, locationIds, fromHour, toHour, rainThresholdMm } = query;
  return `SELECT location_id, count(rain_threshold_mm) AS other_threshold, count(*) - count(rain_threshold_mm) AS old_shape
FROM ${sqlIdentifier(database)}.${sqlIdentifier(HOURLY_OBSERVATIONS.name)}
WHERE (rain_threshold_mm IS NULL OR rain_threshold_mm <> ${sqlDouble(rainThresholdMm)})
  AND dt BETWEEN ${sqlString(fromHour.slice(0, 10))} AND ${sqlString(toHour.slice(0, 10))}
  AND hour BETWEEN ${sqlTimestamp(fromHour)} AND ${sqlTimestamp(toHour)}
  AND location_id IN (${locationIds.map(sqlString).join(', ')})
GROUP BY location_id`;
}

/** A hundred locations with a dozen neighbours of long names each make two thirds of a statement that Athena takes. */
function namesSql(locationIds: readonly string[], neighbours: Neighbours): string {
  const rows = locationIds.map(
    (id) => `(${sqlString(id)}, ${sqlString((neighbours.get(id) ?? []).join(','))})`,
  );
  return `names (location_id, neighbours) AS (
  VALUES ${rows.join(',\n    ')}
)`;
}

function slotsSql(slots: number): string {
  return `UNNEST(sequence(1, ${slots})) AS slots (slot)`;
}
