import { gzipSync } from 'node:zlib';
import {
  type CommittedDay,
  commitDays,
  HoursWouldBeLost,
  StagedDayRefused,
} from '../../../lambdas/hourly/commit';
import { sweepStaging } from '../../../lambdas/hourly/sweep';
import { runStatement } from '../../../lambdas/lake/athena';
import { keys } from '../../../lambdas/lake/layout';
import { deleteObjects, getText, listObjects, putObject } from '../../../lambdas/lake/s3';
import { addDays, addHours, datesBetween } from '../../../lambdas/runtime/time';
import type { Observation } from '../../../lambdas/weather/observation';
import { ndjson } from '../../lib/local/support';
import {
  type HourlyCloud,
  observation,
  putHistory,
  putPoll,
  startHourlyCloud,
  wholeDay,
} from './hourly-cloud';

let local: HourlyCloud;

beforeAll(async () => {
  local = await startHourlyCloud();
});
beforeEach(() => local.forget());
afterAll(() => local.close());

const NOW = '2013-03-10T12:05:00Z';

function order(from: string, to = from, given: { closedBefore?: string; acceptLostHours?: boolean } = {}) {
  const [first = from, ...others] = datesBetween(from, to);
  return {
    dates: [first, ...others] as [string, ...string[]],
    closedBefore: '2013-03-10T12:00:00Z',
    now: NOW,
    acceptLostHours: false,
    ...given,
  };
}

const statuses = (days: readonly CommittedDay[]) => days.map(({ date, status }) => [date, status]);
const rowsOf = async (date: string) => (await local.content())[keys.hourlyDay(date)];
/** Tables and objects that are neither declared nor results of queries. */
const leftovers = async () => (await listObjects(local.results, 'tables/')).map(({ key }) => key);

it('commits the days of a range from one statement, and leaves nothing behind', async () => {
  for (const date of ['2013-03-07', '2013-03-09']) await putHistory(local.raw, date, wholeDay(date));
  const queries = local.queries.length;
  const days = await commitDays(local.access(), order('2013-03-07', '2013-03-09'));
  expect(statuses(days)).toEqual([
    ['2013-03-07', 'committed'],
    ['2013-03-08', 'empty'],
    ['2013-03-09', 'committed'],
  ]);
  expect(Object.keys(await local.content()).sort()).toEqual([
    keys.hourlyDay('2013-03-07'),
    keys.hourlyDay('2013-03-09'),
    keys.latest,
  ]);
  // The CTAS and the DROP.
  expect(local.queries.length - queries).toBe(2);
  expect(await leftovers()).toEqual([]);
});

it('gives the same rows hour by hour as at once', async () => {
  const readings = wholeDay('2013-03-09');
  for (const hour of new Set(readings.map(({ observed_at }) => observed_at))) {
    await putPoll(
      local.raw,
      hour,
      readings.filter(({ observed_at }) => observed_at === hour),
    );
  }
  for (const hour of [8, 16, 24]) {
    const closedBefore = addHours('2013-03-09T00:00:00Z', hour);
    const [day] = await commitDays(local.access(), order('2013-03-09', '2013-03-09', { closedBefore }));
    expect(day?.hours.get('ewr')).toBe(2 ** hour - 1);
  }
  const gradually = await local.content();
  await deleteObjects(local.processed, [keys.hourlyDay('2013-03-09')]);
  await commitDays(local.access(), order('2013-03-09'));
  expect(await local.content()).toEqual(gradually);
});

it('takes more days than Athena writes partitions in chunks only', async () => {
  await expect(commitDays(local.access(), order('2012-11-01', '2013-03-01'))).rejects.toThrow(
    /100 partitions/,
  );
});

it('reads lines of before and after a schema addition, and takes hostile ids as the texts they are', async () => {
  const { uv: _, gust_kph: __, ...older } = observation('ewr', '2013-03-09T05:00:00Z');
  const newer = { ...observation('ewr', '2013-03-09T06:00:00Z', { uv: 3 }), pollen: 'much' };
  const hostile = observation(`x'; DROP TABLE observations; --"\n${'$'}{ewr}`, '2013-03-09T06:00:00Z');
  for (const [minute, row] of [older, newer, hostile].entries()) {
    const key = `${keys.rawHour('2013-03-09', '06')}060${minute}-recording.ndjson.gz`;
    await putObject(local.raw, key, ndjson([row]), 'application/gzip');
  }
  await commitDays(local.access(), order('2013-03-09'));
  expect((await local.content())[keys.hourlyDay('2013-03-09')]).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ location_id: 'ewr', hour: '2013-03-09T05:00:00Z', uv: null }),
      expect.objectContaining({ location_id: 'ewr', hour: '2013-03-09T06:00:00Z', uv: 3 }),
      expect.objectContaining({ location_id: hostile.location_id }),
    ]),
  );
});

/** Rows that can be told from those of `wholeDay`. */
const warm = (row: Observation): Observation => ({ ...row, temp_c: 1 });
const ids = ['ewr', 'jfk', 'lga'];

describe('a raw object that the engine can not read', () => {
  const good = observation('ewr', '2013-03-09T06:00:00Z');
  const whole = ndjson(Array.from({ length: 50 }, () => good));
  const packed = (text: string) => gzipSync(text);

  it.each([
    ['a truncated gzip', whole.subarray(0, whole.length - 20)],
    ['no gzip', Buffer.from('hello\n')],
    ['a line that is no JSON', packed(`${JSON.stringify(good)}\n{"location_id": "ewr", \n`)],
    ['text where a number is due', ndjson([{ ...good, temp_c: 'warm' }])],
    ['an object where a number is due', ndjson([{ ...good, temp_c: { value: 5 } }])],
  ])('because it is %s is set aside, and the day is committed', async (_, bytes) => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    const key = `${keys.rawHour('2013-03-09', '06')}0659-x.ndjson.gz`;
    await putObject(local.raw, key, bytes, 'application/x-ndjson');
    const warnings = local.warnings.length;
    const [day] = await commitDays(local.access(), order('2013-03-09'));
    expect(day).toMatchObject({ status: 'committed', setAside: [{ key }] });
    expect(await rowsOf('2013-03-09')).toHaveLength(72);
    expect((await listObjects(local.raw, '')).map((object) => object.key)).not.toContain(key);
    const reason = await getText(local.raw, `${keys.quarantined(key)}.reason.txt`);
    expect(local.warnings.slice(warnings)).toContainEqual(
      `${key} was set aside: ${reason?.trimEnd()}. ${day?.setAside?.[0]?.keptLines} of its lines stay.`,
    );
  });

  it.each([
    ['an empty object', '0659-x.ndjson.gz', Buffer.alloc(0)],
    ['a number as text', '0659-x.ndjson.gz', ndjson([{ ...good, temp_c: '5' }])],
    ['a note of somebody', 'README.txt', Buffer.from('Do not touch.\n')],
    ['what a file browser leaves', '.DS_Store', Buffer.from([0, 0, 0, 1])],
    ['a folder in the folder', 'sub/0659-x.ndjson.gz', whole],
  ])('or that is none of ours costs the day nothing: %s', async (_, name, bytes) => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    const key = `${keys.rawHour('2013-03-09', '06')}${name}`;
    await putObject(local.raw, key, bytes, 'application/octet-stream');
    expect(await commitDays(local.access(), order('2013-03-09'))).toMatchObject([{ status: 'committed' }]);
    expect(await rowsOf('2013-03-09')).toHaveLength(72);
  });

  it.each([
    ['with an offset', '2013-03-09T06:30:00+05:30'],
    ['of a form that sorts in', '2013-03-09T6:00:00Z'],
  ])('whole but with an instant %s counts for no hour', async (_, observed_at) => {
    const key = `${keys.rawHour('2013-03-09', '06')}0659-x.ndjson.gz`;
    await putObject(local.raw, key, ndjson([good, { ...good, observed_at }]), 'application/x-ndjson');
    await commitDays(local.access(), order('2013-03-09'));
    expect(await rowsOf('2013-03-09')).toMatchObject([
      { hour: '2013-03-09T06:00:00Z', observation_count: 1 },
    ]);
  });

  it('in a range costs no day anything', async () => {
    for (const date of ['2013-03-06', '2013-03-07', '2013-03-08', '2013-03-09'])
      await putHistory(local.raw, date, wholeDay(date));
    const key = `${keys.rawHour('2013-03-07', '06')}0659-x.ndjson.gz`;
    await putObject(local.raw, key, 'hello\n', 'application/x-ndjson');
    const days = await commitDays(local.access(), order('2013-03-06', '2013-03-09'));
    expect(days.map(({ status, setAside }) => [status, setAside?.length])).toEqual([
      ['committed', 0],
      ['committed', 1],
      ['committed', 0],
      ['committed', 0],
    ]);
  });
});

describe('what Athena wrote', () => {
  it('is refused when a day is in two files; the committed day stays, the others are committed', async () => {
    await putHistory(local.raw, '2013-03-08', wholeDay('2013-03-08'));
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    await commitDays(local.access(), order('2013-03-08', '2013-03-09'));
    const before = await local.content();
    await putHistory(
      local.raw,
      '2013-03-08',
      wholeDay('2013-03-08').map((row) => ({ ...row, temp_c: 1 })),
    );
    await putHistory(
      local.raw,
      '2013-03-09',
      wholeDay('2013-03-09').map((row) => ({ ...row, temp_c: 1 })),
    );

    const access = local.access();
    // A bucket may come in several files: the manifest lists one more before it is read.
    access.athena.s3.middlewareStack.add(
      (next) => async (args) => {
        const { input } = args;
        if ('Key' in input && typeof input.Key === 'string' && input.Key.endsWith('-manifest.csv')) {
          const manifest = (await getText(local.results, input.Key)) ?? '';
          const longer = manifest.replace(/^(.*dt=2013-03-08.*)$/m, '$1\n$1-2');
          await putObject(local.results, input.Key, longer, 'text/csv');
        }
        return next(args);
      },
      { step: 'initialize' },
    );
    const failure = commitDays(access, order('2013-03-08', '2013-03-09'));
    await expect(failure).rejects.toMatchObject({ errors: [expect.any(StagedDayRefused)] });
    await expect(failure).rejects.toThrow(/2013-03-08: Athena query [0-9a-f-]{36} wrote 2 files/);
    const after = await local.content();
    expect(after[keys.hourlyDay('2013-03-08')]).toEqual(before[keys.hourlyDay('2013-03-08')]);
    expect(after[keys.hourlyDay('2013-03-09')]).not.toEqual(before[keys.hourlyDay('2013-03-09')]);
  });
});

describe('hours that the lake has', () => {
  beforeEach(async () => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    await commitDays(local.access(), order('2013-03-09'));
  });

  it('are carried over when the raw zone forgot them, and named, unless it is asked to forget them too', async () => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09', ['ewr', 'lga']).map(warm));
    const warnings = local.warnings.length;
    const [day] = await commitDays(local.access(), order('2013-03-09'));
    expect([...(day?.hours.keys() ?? [])].sort()).toEqual(ids);
    expect(local.warnings.slice(warnings)).toEqual([
      expect.stringMatching(/2013-03-09: the lake has 24 rows .* jfk .* They are carried over/),
    ]);
    const rows = (await local.content())[keys.hourlyDay('2013-03-09')];
    expect(rows).toHaveLength(72);
    expect(rows).toContainEqual(expect.objectContaining({ location_id: 'ewr', temp_c: 1 }));
    expect(rows).not.toContainEqual(expect.objectContaining({ location_id: 'jfk', temp_c: 1 }));

    const days = await commitDays(
      local.access(),
      order('2013-03-09', '2013-03-09', { acceptLostHours: true }),
    );
    expect([...(days[0]?.hours.keys() ?? [])].sort()).toEqual(['ewr', 'lga']);
  });

  it('are not carried over into rows of another threshold', async () => {
    const before = await local.content();
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09', ['ewr', 'lga']));
    const failure = commitDays({ ...local.access(), rainThresholdMm: 0.254 }, order('2013-03-09'));
    await expect(failure).rejects.toMatchObject({ errors: [expect.any(HoursWouldBeLost)] });
    await expect(failure).rejects.toThrow(/since its rows call 0.1 mm rain/);
    expect(await local.content()).toEqual(before);
  });

  it('are never deleted altogether', async () => {
    const before = await local.content();
    await deleteObjects(
      local.raw,
      (await listObjects(local.raw, '')).map(({ key }) => key),
    );
    expect(statuses(await commitDays(local.access(), order('2013-03-09')))).toEqual([['2013-03-09', 'kept']]);
    const all = order('2013-03-09', '2013-03-09', { acceptLostHours: true });
    await expect(commitDays(local.access(), all)).rejects.toThrow(/nothing of the day/);
    expect(await local.content()).toEqual(before);
  });

  it('stay when a run that closes an earlier hour comes late', async () => {
    const before = await local.content();
    const late = order('2013-03-09', '2013-03-09', { closedBefore: '2013-03-09T20:00:00Z' });
    expect(statuses(await commitDays(local.access(), late))).toEqual([['2013-03-09', 'superseded']]);
    expect(await local.content()).toEqual(before);
  });
});

describe('two runs at once', () => {
  it('of the same days leave the lake that one leaves', async () => {
    await putHistory(local.raw, '2013-03-08', wholeDay('2013-03-08'));
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    const both = order('2013-03-08', '2013-03-09');
    await commitDays(local.access(), both);
    const expected = await local.content();
    await deleteObjects(
      local.processed,
      (await listObjects(local.processed, '')).map(({ key }) => key),
    );
    const runs = await Promise.all([1, 2].map(() => commitDays(local.access(), both)));
    for (const run of runs) expect(run.map(({ status }) => status)).toEqual(['committed', 'committed']);
    expect(await local.content()).toEqual(expected);
    expect(await leftovers()).toEqual([]);
  });

  it('never lose what the other committed after both had looked', async () => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09', ['ewr']));
    const slow = local.access();
    // Between this run's statement and its copy, another one commits what has arrived by then.
    let overtaken = false;
    slow.processed.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'CopyObjectCommand' && !overtaken) {
          overtaken = true;
          await putPoll(local.raw, '2013-03-09T05:00:00Z', [observation('jfk', '2013-03-09T05:00:00Z')]);
          await commitDays(local.access(), order('2013-03-09'));
        }
        return next(args);
      },
      { step: 'initialize' },
    );
    const [day] = await commitDays(slow, order('2013-03-09'));
    expect([...(day?.hours.keys() ?? [])].sort()).toEqual(['ewr', 'jfk']);
    expect((await local.content())[keys.hourlyDay('2013-03-09')]).toHaveLength(25);
  });
});

describe('a death', () => {
  it('leaves what the sweeper takes away a day later, and nothing else', async () => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    await commitDays(local.access({ change: 2, when: 'before' }), order('2013-03-09')).catch(() => undefined);
    expect(await leftovers()).not.toEqual([]);
    const sweep = (now: string) => sweepStaging(local.access().athena, local.results, now);
    expect(await sweep(addHours(NOW, 23))).toEqual({ tables: 0, objects: 0 });
    const swept = await sweep(`${addDays('2013-03-10', 1)}T13:05:00Z`);
    expect(swept.tables).toBeGreaterThan(0);
    expect(swept.objects).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
    // The declared tables are still there.
    await runStatement(local.access().athena, 'SELECT count(*) FROM hourly_observations');
  });

  it('of the clean-up alone is told and fails nothing', async () => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    const warnings = local.warnings.length;
    const days = await commitDays(local.access({ change: 3, when: 'before' }), order('2013-03-09'));
    expect(statuses(days)).toEqual([['2013-03-09', 'committed']]);
    expect(local.warnings.length).toBeGreaterThan(warnings);
  });
});

it('replaces a committed object that nobody can read any more', async () => {
  await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
  await putObject(local.processed, keys.hourlyDay('2013-03-09'), 'not parquet', 'text/plain');
  const warnings = local.warnings.length;
  expect(statuses(await commitDays(local.access(), order('2013-03-09')))).toEqual([
    ['2013-03-09', 'committed'],
  ]);
  expect((await local.content())[keys.hourlyDay('2013-03-09')]).toHaveLength(72);
  expect(local.warnings.length).toBe(warnings + 1);
});
