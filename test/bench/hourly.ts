import { commitDays } from '../../lambdas/hourly/commit';
import { compactDays } from '../../lambdas/hourly/compaction';
import { countRows } from '../../lambdas/hourly/day';
import { issueForecasts } from '../../lambdas/hourly/forecast';
import { verifyForecasts } from '../../lambdas/hourly/verification';
import { keys } from '../../lambdas/lake/layout';
import { deleteObjects, listObjects } from '../../lambdas/lake/s3';
import { addDays, addHours, datesBetween } from '../../lambdas/runtime/time';
import {
  appoint,
  type HourlyCloud,
  LOCATIONS,
  observation,
  putHistory,
  putPoll,
  startHourlyCloud,
  wholeDay,
} from '../lambdas/hourly/hourly-cloud';
import { ndjson, RESOURCES } from '../lib/local/support';

const FIRST_DAY = '2013-01-01';
const MEASURED_DAYS = [2, 30, 90, 180, 270, 364];
const RUNS = 5;
/** Days of minute data that are read before and after compaction. */
const MINUTE_DAYS = [10, 100];

/** One hourly run as the lake grows; a year at once; minute data before and after compaction. */
export async function bench(): Promise<void> {
  await withCloud(growth);
  await withCloud(year);
  for (const days of MINUTE_DAYS) {
    await withCloud((local) => minuteData(local, days));
  }
}

async function withCloud(measure: (local: HourlyCloud) => Promise<void>): Promise<void> {
  const [workgroup, ...others] = RESOURCES.workgroups;
  const workgroups =
    workgroup === undefined ? others : [{ ...workgroup, bytesScannedCutoff: 1_000_000_000 }, ...others];
  const local = await startHourlyCloud(LOCATIONS, {
    now: () => new Date('2014-01-02T00:00:00Z'),
    resources: { ...RESOURCES, workgroups },
  });
  try {
    await measure(local);
  } finally {
    await local.close();
  }
}

/** Closes hours of one day after more and more days of history: commit, forecast, verification. */
async function growth(local: HourlyCloud): Promise<void> {
  await appoint(local.models, `${FIRST_DAY}T00:00:00Z`);
  const rows = [];
  let done = FIRST_DAY;
  for (const day of MEASURED_DAYS) {
    const date = addDays(FIRST_DAY, day);
    for (const earlier of datesBetween(done, addDays(date, -1))) {
      await putHistory(local.raw, earlier, wholeDay(earlier));
    }
    await commitRange(local, done, addDays(date, -1));
    done = addDays(date, 1);
    const access = local.access();
    const times: number[] = [];
    let bytes = 0;
    let queries = 0;
    for (let run = 0; run <= RUNS; run += 1) {
      const hour = addHours(`${date}T00:00:00Z`, run);
      await putPoll(
        local.raw,
        hour,
        LOCATIONS.map(({ id }) => observation(id, hour)),
      );
      const now = addHours(hour, 1);
      const before = local.queries.length;
      const started = performance.now();
      await commitDays(access, { dates: [date], closedBefore: now, now, acceptLostHours: false });
      await issueForecasts(access, hour, now);
      await verifyForecasts(access, [date]);
      if (run > 0) {
        times.push(performance.now() - started);
        const own = local.queries.slice(before);
        queries += own.length;
        bytes += own.reduce((sum, { bytesScanned }) => sum + bytesScanned, 0);
      }
    }
    rows.push({
      'day of the replay': day,
      'bytes scanned a run': Math.round(bytes / RUNS),
      'statements a run': queries / RUNS,
      'median ms a run': Math.round(median(times)),
    });
  }
  console.log(`\nOne hourly run (${LOCATIONS.length} locations) as the lake grows`);
  console.table(rows);
}

/** Recomputes a year. */
async function year(local: HourlyCloud): Promise<void> {
  for (const date of datesBetween(FIRST_DAY, '2013-12-31')) {
    await putHistory(local.raw, date, wholeDay(date));
  }
  const queries = local.queries.length;
  const started = performance.now();
  const rows = await commitRange(local, FIRST_DAY, '2013-12-31');
  const statements = (local.queries.length - queries) / 2;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `\n365 days × ${LOCATIONS.length} locations: ${rows} rows from ${statements} CTAS in ${seconds} s`,
  );
}

/** Aggregates days of minute polls, compacts them, aggregates them again. */
async function minuteData(local: HourlyCloud, count: number): Promise<void> {
  const last = addDays(FIRST_DAY, count - 1);
  for (const date of datesBetween(FIRST_DAY, last)) {
    for (let minute = 0; minute < 1440; minute += 1) {
      const at = new Date(Date.parse(`${date}T00:00:00Z`) + minute * 60_000).toISOString();
      const hour = at.slice(11, 13);
      local.cloud.endpoints.objects.put(
        'raw',
        `${keys.rawHour(date, hour)}${hour}${at.slice(14, 16)}-recording.ndjson.gz`,
        ndjson([observation('ewr', `${at.slice(0, 19)}Z`)]),
      );
    }
  }
  const objects = async () => (await listObjects(local.raw, '')).length;
  const timed = async (work: () => Promise<unknown>) => {
    const started = performance.now();
    await work();
    return ((performance.now() - started) / 1000).toFixed(1);
  };
  const before = {
    objects: await objects(),
    seconds: await timed(() => commitRange(local, FIRST_DAY, last)),
  };
  await deleteObjects(
    local.processed,
    (await listObjects(local.processed, '')).map(({ key }) => key),
  );
  const compaction = await timed(() => compactDays(local.access().raw, datesBetween(FIRST_DAY, last)));
  const after = { objects: await objects(), seconds: await timed(() => commitRange(local, FIRST_DAY, last)) };
  console.log(`\n${count} days of minute polls, one CTAS; compaction took ${compaction} s`);
  console.table({ 'as polled': before, compacted: after });
}

async function commitRange(local: HourlyCloud, from: string, to: string): Promise<number> {
  let rows = 0;
  const all = datesBetween(from, to);
  for (let start = 0; start < all.length; start += 100) {
    const [first = from, ...others] = all.slice(start, start + 100);
    const days = await commitDays(local.access(), {
      dates: [first, ...others],
      closedBefore: '2014-01-01T00:00:00Z',
      now: '2014-01-01T00:05:00Z',
      acceptLostHours: false,
    });
    rows += days.reduce((sum, { hours }) => sum + countRows(hours), 0);
  }
  return rows;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
