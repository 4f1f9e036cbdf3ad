/**
 * Names of the tables that a CTAS makes on the way to a commit. They tell when they were made, so that the
 * sweeper can tell a run that is under way from one that died.
 */
const STAGING = 'staging_';
const STAGED_TABLE = /^staging_[a-z]+_(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})_/;

/** Start of a staging table's name, such as `staging_hourly_20261123t1105`. `now` is the run's own time. */
export function stagingPrefix(kind: 'hourly' | 'training', now: string): string {
  return `${STAGING}${kind}_${now.slice(0, 16).replaceAll(/[-:]/g, '').toLowerCase()}`;
}

/** When a staging table was made, to the minute; undefined for every other table. */
export function stagedAt(table: string): string | undefined {
  const match = STAGED_TABLE.exec(table);
  return match === null ? undefined : `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:00Z`;
}
