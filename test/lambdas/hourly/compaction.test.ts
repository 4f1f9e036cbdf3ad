import { gunzipSync, gzipSync } from 'node:zlib';
import { compactDays } from '../../../lambdas/hourly/compaction';
import { keys } from '../../../lambdas/lake/layout';
import { deleteObjects, getObject, listObjects, putObject } from '../../../lambdas/lake/s3';
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

const DAY = '2013-03-08';
const HOUR = keys.rawHour(DAY, '05');
const COMPACTED = keys.compacted(HOUR);

async function minutes(from: number, to: number): Promise<void> {
  for (let minute = from; minute < to; minute += 1) {
    const at = `${DAY}T05:${String(minute).padStart(2, '0')}:00Z`;
    await putPoll(local.raw, at, [
      { ...observation('ewr', at), ...{ payload: { wild: `  "${minute} ☔ ` } } },
    ]);
  }
}

const poll = (minute: number) => observation('ewr', `${DAY}T05:${String(minute % 60).padStart(2, '0')}:30Z`);

const rawKeys = async () => (await listObjects(local.raw, '')).map(({ key }) => key);

/** All lines of the day, byte for byte, in order of time. */
async function lines(): Promise<string[]> {
  const all = await Promise.all(
    (await rawKeys()).map(async (key) => {
      const stored = await getObject(local.raw, key);
      return gunzipSync(stored?.bytes ?? new Uint8Array())
        .toString('utf8')
        .split('\n');
    }),
  );
  return all
    .flat()
    .filter((line) => line !== '')
    .sort();
}

it('joins the minutes of an hour into one object, payloads byte for byte', async () => {
  await minutes(0, 12);
  const before = await lines();
  await expect(compactDays(local.raw, [DAY])).resolves.toMatchObject({ hours: 1, joined: 12 });
  expect(await rawKeys()).toEqual([COMPACTED]);
  expect(await lines()).toEqual(before);
});

it('is done once: a second pass reads one listing and changes nothing', async () => {
  await minutes(0, 3);
  await compactDays(local.raw, [DAY]);
  const access = local.access();
  await expect(compactDays(access.raw, [DAY])).resolves.toEqual({
    hours: 0,
    joined: 0,
    bytes: 0,
    setAside: [],
  });
  expect(access.changes()).toEqual([]);
});

it('adds what comes later to the hour, and keeps history apart', async () => {
  await minutes(0, 3);
  await putHistory(local.raw, DAY, wholeDay(DAY));
  await compactDays(local.raw, [DAY]);
  await minutes(3, 5);
  const before = await lines();
  await expect(compactDays(local.raw, [DAY])).resolves.toMatchObject({ joined: 2 });
  expect(await rawKeys()).toEqual([
    `${keys.rawHour(DAY, '00')}history-recording-00000000.ndjson.gz`,
    COMPACTED,
  ]);
  expect(await lines()).toEqual(before);
});

it('that died at any change is completed by the next, with every line once', async () => {
  await minutes(0, 4);
  const expected = await lines();
  const whole = local.access();
  await compactDays(whole.raw, [DAY]);
  const changes = whole.changes().length;
  expect(changes).toBe(2);
  for (let change = 1; change <= changes; change += 1) {
    for (const when of ['before', 'after'] as const) {
      await deleteObjects(local.raw, await rawKeys());
      await minutes(0, 4);
      const dying = local.access({ change, when });
      await expect(compactDays(dying.raw, [DAY])).rejects.toThrow();
      // No line is lost at any moment.
      expect(new Set(await lines())).toEqual(new Set(expected));
      await compactDays(local.raw, [DAY]);
      expect(await lines()).toEqual(expected);
      expect(await rawKeys()).toEqual([COMPACTED]);
    }
  }
});

it('of the same hours by two runs at once loses nothing', async () => {
  await minutes(0, 6);
  const expected = await lines();
  await Promise.all([compactDays(local.access().raw, [DAY]), compactDays(local.access().raw, [DAY])]);
  expect(await lines()).toEqual(expected);
  expect(await rawKeys()).toEqual([COMPACTED]);
});

it.each([
  ['is no gzip', Buffer.from('plain text'), 0, 'no whole gzip'],
  ['breaks off', ndjson(Array.from({ length: 400 }, (_, i) => ({ ...poll(i), payload: `${i}` }))), 1, 'gzip'],
  [
    'has a line that is no JSON',
    gzipSync(`${JSON.stringify(poll(1))}\n{"location_id": "ewr",\n`),
    1,
    'no JSON',
  ],
  ['has text where a number is due', ndjson([poll(1), { ...poll(2), temp_c: 'warm' }]), 1, 'temp_c'],
])(
  'sets an object aside that %s, keeps what is readable of it, and joins the others',
  async (title, bytes, kept, reason) => {
    await minutes(0, 2);
    const before = await lines();
    const key = `${HOUR}0059-odd.ndjson.gz`;
    const body = title === 'breaks off' ? bytes.subarray(0, bytes.length - 40) : bytes;
    await putObject(local.raw, key, body, 'application/gzip');
    const done = await compactDays(local.raw, [DAY]);
    expect(done.setAside).toMatchObject([{ key, reason: expect.stringContaining(reason) }]);
    expect(done.setAside[0]?.keptLines).toBeGreaterThanOrEqual(kept);
    expect(await rawKeys()).toEqual([
      COMPACTED,
      keys.quarantined(key),
      `${keys.quarantined(key)}.reason.txt`,
    ]);
    expect(Buffer.from((await getObject(local.raw, keys.quarantined(key)))?.bytes ?? [])).toEqual(body);
    const compacted = await getObject(local.raw, COMPACTED);
    const joined = gunzipSync(compacted?.bytes ?? new Uint8Array())
      .toString('utf8')
      .trimEnd()
      .split('\n');
    expect(joined).toHaveLength(before.length + (done.setAside[0]?.keptLines ?? 0));
    expect(joined).toEqual(expect.arrayContaining(before));
  },
);

it('keeps the originals when what it wrote is not what is there', async () => {
  await minutes(0, 2);
  const access = local.access();
  access.raw.client.middlewareStack.add(
    (next, context) => async (args) => {
      const reply = await next(args);
      if (context.commandName === 'PutObjectCommand') {
        await putObject(local.raw, COMPACTED, ndjson([poll(0)]), 'application/gzip');
      }
      return reply;
    },
    { step: 'initialize' },
  );
  await expect(compactDays(access.raw, [DAY])).rejects.toThrow(/not what was written/);
  expect(await rawKeys()).toHaveLength(3);
});
