import * as z from 'zod';
import {
  type AthenaAccess,
  createTableAs,
  dropTable,
  runQuery,
  type S3Address,
  type StagedTable,
} from '../lake/athena';
import { type Bucket, copyObject, deleteObjects } from '../lake/s3';
import { stagingPrefix } from '../lake/staging';
import { NEIGHBOUR_SLOTS } from '../model/neighbours';
import { nearestOf } from '../model/proximity';
import type { Settings } from '../settings';
import { runFiles } from './run-files';
import { runKeys, type StepInput } from './steps';
import { type Neighbours, passedOverSql, sharedHoursSql, trainingSetSql } from './training-set-sql';

export interface PrepareDependencies {
  readonly settings: Settings;
  readonly queryResults: Bucket;
  readonly athena: AthenaAccess;
}

/** Share of a location's own hours in the window that a neighbour must know too, to be named by its model. */
const ENOUGH_SHARE = 0.5;

const passedOverRow = z.object({ location_id: z.string(), other_threshold: z.int(), old_shape: z.int() });
const sharedHoursRow = z.object({ location_id: z.string(), speaker: z.string(), hours: z.number() });

/**
 * Makes the training sets of up to a hundred locations in one query, and copies each to its key in the run.
 * A location without any hour gets none; inspecting it says so. Repeating the step replaces the copies.
 * @returns how many locations have a training set, and how many rows of theirs were made for another rain threshold or in
 * an older shape: those are counted, and not trained on.
 * @throws when Athena fails, or wrote something else than one file for each location it was asked for.
 */
export async function prepare(
  { settings, queryResults, athena }: PrepareDependencies,
  { run, chunk }: StepInput<'prepare'>,
): Promise<{ readonly prepared: number; readonly passedOver: number }> {
  const all = await runFiles.locations.read(queryResults, run.id);
  const locations = all.slice(chunk.first, chunk.first + chunk.count).map(({ location }) => location);
  const query = {
    database: athena.database,
    locationIds: locations,
    fromHour: run.fromHour,
    toHour: run.toHour,
    rainThresholdMm: settings.rainThresholdMm,
  };
  let passedOver = 0;
  for (const counted of await runQuery(athena, { sql: passedOverSql(query), row: passedOverRow })) {
    const { location_id: location, other_threshold: otherThreshold, old_shape: oldShape } = counted;
    passedOver += otherThreshold + oldShape;
    await runFiles.passedOver.write(queryResults, { otherThreshold, oldShape }, run.id, location);
  }
  const staged = await createTableAs(athena, {
    namePrefix: stagingPrefix('training', run.asOf),
    select: trainingSetSql(query, await neighboursOf(athena, settings, query)),
    partitionedBy: ['location_id'],
    // One bucket makes one file a location; which column it goes by is all the same.
    bucketedBy: { column: { name: 'wet_now', type: 'int' }, buckets: 1 },
  });
  try {
    const files = fileOfEachLocation(staged, new Set(locations));
    for (const [location, file] of files) {
      await copyObject(file, queryResults, runKeys.trainingSet(run.id, location));
    }
    return { prepared: files.size, passedOver };
  } finally {
    await dropTable(athena, staged.table);
    await deleteObjects(queryResults, [
      ...staged.files.map(({ key }) => key),
      ...(staged.manifest === undefined ? [] : [staged.manifest.key]),
    ]);
  }
}

/**
 * The neighbours that each location's model will name: the nearest that share enough hours with it. Nothing is asked of
 * the lake where no location is near another.
 */
async function neighboursOf(
  athena: AthenaAccess,
  settings: Settings,
  query: Parameters<typeof trainingSetSql>[0],
): Promise<Neighbours> {
  const nearest = nearestOf(settings.locations, query.locationIds);
  if (nearest.size === 0) return nearest;
  const shared = await runQuery(athena, { sql: sharedHoursSql(query, nearest), row: sharedHoursRow });
  const hours = new Map(shared.map((row) => [`${row.location_id} ${row.speaker}`, row.hours]));
  return new Map(
    Array.from(nearest, ([id, others]) => {
      const needed = ENOUGH_SHARE * (hours.get(`${id} ${id}`) ?? 0);
      const named = others.filter((other) => {
        const known = hours.get(`${id} ${other}`) ?? 0;
        return known > 0 && known >= needed;
      });
      return [id, named.slice(0, NEIGHBOUR_SLOTS)];
    }),
  );
}

/** The one file that the query wrote for each location; `location_id=…/` in its key says for which. */
function fileOfEachLocation(staged: StagedTable, wanted: ReadonlySet<string>): Map<string, S3Address> {
  const files = new Map<string, S3Address>();
  for (const file of staged.files) {
    const location = /\/location_id=([^/]+)\/[^/]+$/.exec(file.key)?.[1];
    if (location === undefined || !wanted.has(location)) {
      throw new Error(
        `Query ${staged.queryId} wrote ${file.key}, which belongs to no location of this chunk.`,
      );
    }
    if (files.has(location)) {
      throw new Error(`Query ${staged.queryId} wrote more than one file for ${location}.`);
    }
    files.set(location, file);
  }
  return files;
}
