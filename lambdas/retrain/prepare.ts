import {
  type AthenaAccess,
  createTableAs,
  dropTable,
  type S3Address,
  type StagedTable,
} from '../lake/athena';
import { type Bucket, copyObject, deleteObjects } from '../lake/s3';
import { sqlIdentifier } from '../lake/sql/literals';
import { stagingPrefix } from '../lake/staging';
import { FEATURE_NAMES, type FeaturesQuery, featuresSql } from '../model/features';
import { PROVIDER_COLUMNS } from '../model/provider-forecast';
import { regionsOf } from '../model/regions';
import type { Settings } from '../runtime/settings';
import { runFiles } from './run-files';
import { runKeys, type StepInput } from './steps';

export interface PrepareDependencies {
  readonly settings: Settings;
  readonly queryResults: Bucket;
  readonly athena: AthenaAccess;
}

/**
 * Makes the training sets of up to a hundred locations in one query, and copies each to its key in the run.
 * A location without any hour gets none; inspecting it says so. Repeating the step replaces the copies.
 * @returns how many locations have a training set.
 * @throws when Athena fails, or wrote something else than one file for each location it was asked for.
 */
export async function prepare(
  { settings, queryResults, athena }: PrepareDependencies,
  { run, chunk }: StepInput<'prepare'>,
): Promise<{ readonly prepared: number }> {
  const all = await runFiles.locations.read(queryResults, run.id);
  const locations = all.slice(chunk.first, chunk.first + chunk.count).map(({ location }) => location);
  const staged = await createTableAs(athena, {
    namePrefix: stagingPrefix('training', run.asOf),
    select: trainingSetSql({
      database: athena.database,
      locationIds: locations,
      fromHour: run.fromHour,
      toHour: run.toHour,
      withLabel: true,
      rainThresholdMm: settings.rainThresholdMm,
      regions: regionsOf(settings.locations),
    }),
    partitionedBy: ['location_id'],
    // One bucket makes one file a location; which column it goes by is all the same.
    bucketedBy: { column: { name: 'wet_now', type: 'int' }, buckets: 1 },
  });
  try {
    const files = fileOfEachLocation(staged, new Set(locations));
    for (const [location, file] of files) {
      await copyObject(file, queryResults, runKeys.trainingSet(run.id, location));
    }
    return { prepared: files.size };
  } finally {
    await dropTable(athena, staged.table);
    await deleteObjects(queryResults, [
      ...staged.files.map(({ key }) => key),
      ...(staged.manifest === undefined ? [] : [staged.manifest.key]),
    ]);
  }
}

/** A CTAS wants its partition columns last, and writes timestamps of milliseconds only. */
function trainingSetSql(query: FeaturesQuery): string {
  const columns = new Set(['wet_now', ...FEATURE_NAMES, ...PROVIDER_COLUMNS, 'label', 'location_id']);
  return `SELECT CAST("hour" AS timestamp(3)) AS "hour", ${[...columns].map(sqlIdentifier).join(', ')}\nFROM (\n${featuresSql(query)}\n)`;
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
