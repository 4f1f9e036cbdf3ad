import pLimit from 'p-limit';
import * as z from 'zod';
import {
  type AthenaAccess,
  AthenaQueryFailed,
  createTableAs,
  dropTable,
  type S3Address,
  type StagedTable,
} from '../lake/athena';
import { HOURLY_OBSERVATIONS, keys, PARQUET_TYPE } from '../lake/layout';
import { decodeParquet, encodeParquet } from '../lake/parquet';
import { type Bucket, copyIfUnchanged, deleteObjects, getObject, writeIf } from '../lake/s3';
import { hourlyObservationsSql } from '../lake/sql/hourly-observations';
import { stagingPrefix } from '../lake/staging';
import { settleAll } from '../runtime/settle';
import { addHours, utcSecondSchema } from '../runtime/time';
import {
  countRows,
  type DayHours,
  type DayOfHours,
  hourSpan,
  isUnreadable,
  readDayHours,
  subtractHours,
  unlikeToday,
} from './day';
import { quarantineDay, type SetAside } from './quarantine';

/** What the commit works with. `warn` is told of leftovers that the sweeper will have to remove. */
export interface CommitAccess {
  readonly athena: AthenaAccess;
  readonly raw: Bucket;
  readonly processed: Bucket;
  readonly queryResults: Bucket;
  readonly rainThresholdMm: number;
  readonly hourlyMinute: number;
  readonly settledAfterHours: number;
  readonly warn: (message: string, error: unknown) => void;
}

export interface CommitOrder {
  /** Consecutive days (UTC), at most `MAXIMUM_DAYS`. */
  readonly dates: readonly [string, ...string[]];
  /** Start of the first hour that is not closed yet: from it on, nothing is aggregated. */
  readonly closedBefore: string;
  /** The run's own time. */
  readonly now: string;
  /** Commit a day although hours that the lake has are not in the raw zone any more. */
  readonly acceptLostHours: boolean;
}

/** A day as the lake has it after the run. */
export interface CommittedDay {
  readonly date: string;
  /**
   * `committed`: replaced by what the raw zone says. `empty`: neither raw zone nor lake has a row of it.
   * `superseded`: a run that closed later hours was here first, and its day stays. `kept`: the raw zone knows nothing of
   * the day any more, and it stays.
   */
  readonly status: 'committed' | 'empty' | 'superseded' | 'kept';
  readonly hours: DayHours;
  /** The hours among them whose true rain is known. */
  readonly observed: DayHours;
  /** Raw objects that were set aside so that the day could be read. */
  readonly setAside?: readonly SetAside[];
}

/** What Athena wrote is not what was planned; the query's id is in the message, and the committed day stays. */
export class StagedDayRefused extends Error {
  override readonly name = 'StagedDayRefused';
}

/** Hours of the lake are missing in the raw zone, and can't be carried over: committing would delete them. */
export class HoursWouldBeLost extends Error {
  override readonly name = 'HoursWouldBeLost';
}

/** Athena failed on a day's data, and nothing was found that could be set aside. */
class DayUnreadable extends Error {
  override readonly name = 'DayUnreadable';
}

/** Some days could not be committed, each for the reason in `errors`; the others are, and stand in `committed`. */
export class DaysRefused extends AggregateError {
  override readonly name = 'DaysRefused';

  constructor(
    errors: readonly Error[],
    readonly committed: readonly CommittedDay[],
  ) {
    super(errors, errors.map(({ message }) => message).join('\n'));
  }
}

/** Athena writes at most 100 partitions in one statement. */
export const MAXIMUM_DAYS = 100;
const S3_CONCURRENCY = 16;
/** Each time, somebody else has committed the day between our first look and our copy. */
const MAXIMUM_ATTEMPTS = 4;

/**
 * Recomputes days from the raw zone: one CTAS for all, one copy a day, which is that day's commit. Whoever
 * reads sees the old day or the new one, and a run that dies anywhere leaves a lake that the next run completes.
 * A day that another run replaces meanwhile is done again on top of it. Days are independent: one that is
 * refused keeps its old content and does not stop the others. Where the engine fails on data, raw objects that can't be
 * read are set aside; hours that the raw zone tells of no more are carried over from the committed day.
 *
 * @throws what `createTableAs` throws, but for failures on data; DaysRefused with the reason for each refused day, after
 * the others are committed.
 */
export async function commitDays(access: CommitAccess, order: CommitOrder): Promise<CommittedDay[]> {
  if (order.dates.length > MAXIMUM_DAYS) {
    throw new RangeError(
      `${order.dates.length} days are over Athena's ${MAXIMUM_DAYS} partitions a statement.`,
    );
  }
  const done = new Map<string, CommittedDay>();
  const refused: Error[] = [];
  let pending = [...order.dates];
  for (let attempt = 1; pending.length > 0; attempt += 1) {
    if (attempt > MAXIMUM_ATTEMPTS) {
      throw new Error(`Other runs kept replacing ${pending.join(', ')} while this one was to commit them.`);
    }
    const outcomes = await stageReadable(access, order, pending);
    pending = [];
    for (const [date, outcome] of outcomes) {
      if (outcome === 'overtaken') {
        pending.push(date);
      } else if (outcome instanceof Error) {
        refused.push(outcome);
      } else {
        done.set(date, outcome);
      }
    }
  }
  const days = [...done.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
  if (refused.length > 0) {
    throw new DaysRefused(refused, days);
  }
  return days;
}

/**
 * Stages and copies days; where the engine fails on their data, the bad objects are looked for day by day, set aside, and
 * the query runs once more. A hundred days are halved until the failing one stands alone.
 */
async function stageReadable(
  access: CommitAccess,
  order: CommitOrder,
  dates: readonly string[],
  cleaned: readonly SetAside[] = [],
): Promise<Map<string, Outcome>> {
  let failure: AthenaQueryFailed;
  try {
    return await stageAndCopy(access, order, dates, cleaned);
  } catch (error) {
    if (!(error instanceof AthenaQueryFailed) || error.kind !== 'data') throw error;
    failure = error;
  }
  const [first = '', ...others] = dates;
  if (others.length > 0) {
    const middle = Math.ceil(dates.length / 2);
    const halves = [dates.slice(0, middle), dates.slice(middle)];
    const outcomes = new Map<string, Outcome>();
    for (const half of halves) {
      for (const [date, outcome] of await stageReadable(access, order, half)) outcomes.set(date, outcome);
    }
    return outcomes;
  }
  const setAside = cleaned.length > 0 ? [] : await quarantineDay(access.raw, first);
  if (setAside.length === 0) {
    const error = new DayUnreadable(`${first} could not be read: ${failure.message}`, { cause: failure });
    return new Map([[first, error]]);
  }
  for (const { key, reason, keptLines } of setAside) {
    access.warn(`${key} was set aside: ${reason}. ${keptLines} of its lines stay.`, failure);
  }
  return stageReadable(access, order, dates, setAside);
}

type Outcome = CommittedDay | 'overtaken' | Error;

async function stageAndCopy(
  access: CommitAccess,
  order: CommitOrder,
  dates: readonly string[],
  cleaned: readonly SetAside[],
): Promise<Map<string, Outcome>> {
  const limit = pLimit(S3_CONCURRENCY);
  // Looked at before the raw zone is read: a commit that happens after this will be noticed by its ETag.
  const before = new Map(
    await settleAll(
      dates.map((date) => limit(async () => [date, await readCommitted(access, date)] as const)),
    ),
  );
  const staged = await createTableAs(access.athena, {
    namePrefix: stagingPrefix('hourly', order.now),
    select: hourlyObservationsSql({
      database: access.athena.database,
      from: dates[0] ?? '',
      to: dates.at(-1) ?? '',
      closedBefore: order.closedBefore,
      rainThresholdMm: access.rainThresholdMm,
      hourlyMinute: access.hourlyMinute,
      settledAfterHours: access.settledAfterHours,
    }),
    partitionedBy: ['dt'],
    bucketedBy: { column: { name: 'location_id', type: 'string' }, buckets: 1 },
  });
  try {
    const files = filesByDay(staged, dates);
    const outcomes = await settleAll(
      dates.map((date) =>
        limit(async (): Promise<[string, Outcome]> => {
          try {
            const day = files.get(date) ?? [];
            const outcome = await commitDay(access, order, staged, date, day, before.get(date));
            return [date, outcome === 'overtaken' ? outcome : { ...outcome, setAside: cleaned }];
          } catch (error) {
            if (error instanceof StagedDayRefused || error instanceof HoursWouldBeLost) {
              return [date, error];
            }
            throw error;
          }
        }),
      ),
    );
    return new Map(outcomes);
  } finally {
    await discard(access, staged);
  }
}

const NO_HOURS: DayOfHours = { hours: new Map(), observed: new Map() };

interface LakeDay extends DayOfHours {
  readonly etag: string;
  readonly bytes: Uint8Array;
}

async function readCommitted(access: CommitAccess, date: string): Promise<LakeDay | undefined> {
  const stored = await getObject(access.processed, keys.hourlyDay(date));
  if (stored === undefined) {
    return undefined;
  }
  try {
    return { ...stored, ...(await readDayHours(date, stored.bytes)) };
  } catch (error) {
    if (isUnreadable(error)) {
      // The raw zone has the rows; to keep an unreadable object would keep the day broken.
      access.warn(`${keys.hourlyDay(date)} can't be read and is made anew.`, error);
      return { ...stored, ...NO_HOURS };
    }
    throw error;
  }
}

async function commitDay(
  access: CommitAccess,
  order: CommitOrder,
  staged: StagedTable,
  date: string,
  files: readonly S3Address[],
  before: LakeDay | undefined,
): Promise<CommittedDay | 'overtaken'> {
  const [file, ...others] = files;
  if (others.length > 0) {
    throw new StagedDayRefused(
      `${date}: Athena query ${staged.queryId} wrote ${files.length} files where one was due; the day stays as it was.`,
    );
  }
  const stagedDay = file === undefined ? undefined : await readStaged(access, staged, order, date, file);
  const { hours, observed } = stagedDay ?? NO_HOURS;
  const lost = before === undefined ? new Map<string, number>() : subtractHours(before.hours, hours);
  const span = hourSpan(lost);
  if (before !== undefined && span !== undefined) {
    if (addHours(`${date}T00:00:00Z`, span.last) >= order.closedBefore) {
      return { date, status: 'superseded', hours: before.hours, observed: before.observed };
    }
    const told =
      `${date}: the lake has ${countRows(lost)} rows that the raw zone no longer tells of, such as ` +
      `${[...lost.keys()][0]} between ${span.first} and ${span.last} o'clock.`;
    if (file === undefined) {
      if (order.acceptLostHours) {
        throw new HoursWouldBeLost(`${told} It has nothing of the day at all; the day stays as it was.`);
      }
      access.warn(`${told} The day stays as it was.`, undefined);
      return { date, status: 'kept', hours: before.hours, observed: before.observed };
    }
    if (!order.acceptLostHours && stagedDay !== undefined) {
      const carried = await carryOver(access, date, stagedDay, before, lost, told);
      access.warn(`${told} They are carried over.`, undefined);
      return carried;
    }
  }
  if (file === undefined || stagedDay === undefined) {
    return { date, status: 'empty', hours, observed };
  }
  const copied = await copyIfUnchanged(file, access.processed, keys.hourlyDay(date), before?.etag);
  if (copied === 'changed' && !(await isCopied(access, date, stagedDay.bytes))) {
    return 'overtaken';
  }
  return { date, status: 'committed', hours, observed };
}

/**
 * Writes what was staged together with the rows that would be lost.
 * @throws HoursWouldBeLost for rows of another form or threshold, which are mixed with none.
 */
async function carryOver(
  access: CommitAccess,
  date: string,
  staged: StagedDay,
  before: LakeDay,
  lost: DayHours,
  told: string,
): Promise<CommittedDay | 'overtaken'> {
  const unlike = await unlikeToday(before.bytes, access.rainThresholdMm);
  if (unlike !== undefined) {
    throw new HoursWouldBeLost(
      `${told} They can't be carried over, since ${unlike}. The day stays as it was; ` +
        '{"from", "to", "acceptLostHours": true} commits it without them.',
    );
  }
  const names = HOURLY_OBSERVATIONS.columns.map(({ name }) => name);
  const rowsOf = (bytes: Uint8Array) => decodeParquet(bytes, names, hourlyRow);
  const kept = (await rowsOf(before.bytes)).filter(
    ({ location_id, hour }) => ((lost.get(location_id) ?? 0) & (1 << Number(hour.slice(11, 13)))) !== 0,
  );
  const rows = [...(await rowsOf(staged.bytes)), ...kept].sort(
    (a, b) => compare(a.location_id, b.location_id) || compare(a.hour, b.hour),
  );
  const bytes = encodeParquet(HOURLY_OBSERVATIONS.columns, rows);
  const key = keys.hourlyDay(date);
  const written = await writeIf(access.processed, key, bytes, PARQUET_TYPE, before.etag);
  if (written === 'changed' && !(await isCopied(access, date, bytes))) return 'overtaken';
  return { date, status: 'committed', ...(await readDayHours(date, bytes)) };
}

const hourlyRow = z
  .object({ location_id: z.string(), hour: utcSecondSchema })
  .catchall(z.union([z.string(), z.number(), z.boolean()]).nullable());

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface StagedDay extends DayOfHours {
  readonly bytes: Uint8Array;
}

async function readStaged(
  access: CommitAccess,
  staged: StagedTable,
  order: CommitOrder,
  date: string,
  file: S3Address,
): Promise<StagedDay> {
  const refuse = (reason: string): never => {
    throw new StagedDayRefused(
      `${date}: what Athena query ${staged.queryId} wrote is refused: ${reason} The day stays as it was.`,
    );
  };
  const stored = await getObject({ client: access.queryResults.client, name: file.bucket }, file.key);
  if (stored === undefined) {
    return refuse(`${file.key}, which its manifest lists, is not there.`);
  }
  const read = await readDayHours(date, stored.bytes).catch((error: unknown) => {
    if (isUnreadable(error)) {
      return refuse(error.message);
    }
    throw error;
  });
  const span = hourSpan(read.hours);
  if (span === undefined) {
    return refuse('a file without a row.');
  }
  if (addHours(`${date}T00:00:00Z`, span.last) >= order.closedBefore) {
    return refuse(`it has a row for ${span.last} o'clock, an hour that is not closed.`);
  }
  return { bytes: stored.bytes, ...read };
}

/** A copy whose reply was lost is made again by the SDK, and finds what it wrote itself. */
async function isCopied(access: CommitAccess, date: string, bytes: Uint8Array): Promise<boolean> {
  const stored = await getObject(access.processed, keys.hourlyDay(date));
  return stored !== undefined && Buffer.compare(stored.bytes, bytes) === 0;
}

/** @throws StagedDayRefused when a file lies in none of the partitions that were asked for. */
function filesByDay(staged: StagedTable, dates: readonly string[]): Map<string, S3Address[]> {
  const files = new Map<string, S3Address[]>();
  for (const file of staged.files) {
    const date = /\/dt=(\d{4}-\d{2}-\d{2})\/[^/]+$/.exec(file.key)?.[1];
    if (date === undefined || date < (dates[0] ?? '') || date > (dates.at(-1) ?? '')) {
      throw new StagedDayRefused(
        `Athena query ${staged.queryId} wrote ${file.key}, which is of no day asked for.`,
      );
    }
    files.set(date, [...(files.get(date) ?? []), file]);
  }
  return files;
}

/** Leftovers are harmless, since nobody reads them. A failure here is told, and the sweeper tries again. */
async function discard(access: CommitAccess, staged: StagedTable): Promise<void> {
  const staging = [...staged.files, ...(staged.manifest === undefined ? [] : [staged.manifest])];
  const results = await Promise.allSettled([
    dropTable(access.athena, staged.table),
    deleteObjects(
      access.queryResults,
      staging.map(({ key }) => key),
    ),
  ]);
  for (const result of results) {
    if (result.status === 'rejected') {
      access.warn(`Staging table ${staged.table} could not be removed; the sweeper will.`, result.reason);
    }
  }
}
