import * as z from 'zod';
import { type AthenaAccess, dropTable, runQuery } from '../lake/athena';
import { type Bucket, deleteObjects, listObjects } from '../lake/s3';
import { sqlName } from '../lake/sql/literals';
import { stagedAt } from '../lake/staging';
import { addHours } from '../runtime/time';

export interface Swept {
  readonly tables: number;
  readonly objects: number;
}

/** No run lives that long: an older table was left by one that died. */
const STALE_AFTER_HOURS = 24;
/** Where a workgroup that enforces its output location puts the tables of CTAS statements. */
const STAGED_OBJECTS = 'tables/';

/**
 * Removes what dead runs left: staging tables from the catalogue, staged objects and manifests from the
 * query-results bucket. Called once a day.
 * @param now the run's own time.
 */
export async function sweepStaging(athena: AthenaAccess, queryResults: Bucket, now: string): Promise<Swept> {
  const staleBefore = addHours(now, -STALE_AFTER_HOURS);
  const listed = await runQuery(athena, {
    sql: `SHOW TABLES IN ${sqlName(athena.database)}`,
    row: z.object({ tab_name: z.string() }),
  });
  const tables = listed
    .map(({ tab_name }) => tab_name)
    .filter((table) => {
      const made = stagedAt(table);
      return made !== undefined && made < staleBefore;
    });
  for (const table of tables) {
    await dropTable(athena, table);
  }
  const objects = (await listObjects(queryResults, STAGED_OBJECTS)).filter(
    ({ lastModified }) => lastModified !== undefined && lastModified.getTime() < Date.parse(staleBefore),
  );
  await deleteObjects(
    queryResults,
    objects.map(({ key }) => key),
  );
  return { tables: tables.length, objects: objects.length };
}
