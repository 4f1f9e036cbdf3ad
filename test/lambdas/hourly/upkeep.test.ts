import { commitDays } from '../../../lambdas/hourly/commit';
import { gapsOf, readObservedHours } from '../../../lambdas/hourly/gaps';
import { closeHour, recomputeRange } from '../../../lambdas/hourly/run';
import { type HistoryReply, settleDays } from '../../../lambdas/hourly/settling';
import { lookAfterLake, skillEvents, type UpkeepAccess } from '../../../lambdas/hourly/upkeep';
import { NOTHING_VERIFIED } from '../../../lambdas/hourly/verification';
import { hearHour, judgeVoices, presentVoices } from '../../../lambdas/hourly/voices';
import { biasOf, readAgreement, spreadOf } from '../../../lambdas/lake/agreement';
import { keys, MODEL_METRICS } from '../../../lambdas/lake/layout';
import { deleteObjects, getText, listObjects, putObject } from '../../../lambdas/lake/s3';
import { writeEvaluationRows, writeRollbackRow } from '../../../lambdas/model/metrics-rows';
import { compactTime, promote } from '../../../lambdas/model/registry';
import { VOICE_DAYS } from '../../../lambdas/model/voice';
import { addDays, addHours } from '../../../lambdas/runtime/time';
import { ndjson } from '../../lib/local/support';
import {
  appoint,
  type HourlyCloud,
  LOCATIONS,
  observation,
  putHistory,
  putPoll,
  startHourlyCloud,
  wholeDay,
} from './hourly-cloud';

const ids = LOCATIONS.map(({ id }) => id);

let local: HourlyCloud;
beforeAll(async () => {
  local = await startHourlyCloud(LOCATIONS, { now: () => new Date('2013-04-30T00:00:00Z') });
});
beforeEach(() => local.forget());
afterAll(() => local.close());

/** The schedule's upkeep of a day. */
const upkeep = (date: string, access: UpkeepAccess = local.access()) =>
  lookAfterLake(access, { kind: 'upkeep', date, now: `${date}T00:25:00Z` });

const settle = (date: string, access: UpkeepAccess) =>
  settleDays(access, access.history, date, `${date}T00:25:00Z`);

/** Closing polls of every hour of a day: the hours' own weather, but that it is always dry. */
async function pollDay(date: string, places: readonly string[] = ids): Promise<void> {
  const rows = wholeDay(date, places).map((row) => ({ ...row, precip_mm: 0 }));
  await putPoll(local.raw, `${date}T23:50:00Z`, rows);
}

const committed = (from: string, to: string) =>
  recomputeRange(local.access(), {
    kind: 'range',
    from,
    to,
    now: `${addDays(to, 1)}T00:05:00Z`,
    acceptLostHours: false,
  });

/** A provider whose history is that of `wholeDay`, and what it was asked for. */
function provider(reply: (date: string, time: number) => HistoryReply['status'] = () => 'fetched') {
  const asked: [string, readonly string[]][] = [];
  const access: UpkeepAccess = {
    ...local.access(),
    history: {
      async fetch(date, places, at) {
        asked.push([date, places]);
        const status = reply(date, asked.filter(([day]) => day === date).length);
        if (status === 'fetched') {
          const rows = wholeDay(date, places).map((row) => ({ ...row, kind: 'history', ingested_at: at }));
          const key = `${keys.rawHour(date, '00')}history-recording-${at.slice(0, 10)}.ndjson.gz`;
          await putObject(local.raw, key, ndjson(rows), 'application/gzip');
        }
        return { status, reason: `history is ${status}` };
      },
    },
  };
  return { asked, access };
}

const rowsOf = async (date: string) => (await local.content())[keys.hourlyDay(date)];

describe('upkeep', () => {
  it('finds gaps of the week, joins the minutes of older days, and asks for what is missing of young ones', async () => {
    await putHistory(local.raw, '2013-03-07', wholeDay('2013-03-07', ['ewr', 'lga']));
    await putHistory(local.raw, '2013-03-08', wholeDay('2013-03-08'));
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09', ['ewr', 'lga']));
    for (const hour of ['2013-03-08T07:00:00Z', '2013-03-08T08:00:00Z'])
      await putPoll(local.raw, hour, [observation('ewr', hour)]);
    await committed('2013-03-07', '2013-03-09');
    const run = await upkeep('2013-03-10');
    expect(run.failures).toEqual([]);
    expect(run).toMatchObject({ gaps: { missingHours: 24 }, compaction: { hours: 2, joined: 2 } });
    expect(local.events.map(({ event }) => [event['detail-type'], event.detail])).toEqual([
      [
        'GapsFound',
        {
          version: 1,
          stage: 'test',
          from: '2013-03-09',
          to: '2013-03-09',
          missingHours: 24,
          locationIds: ['jfk'],
        },
      ],
    ]);
  });

  it('takes in what was polled of the last hour of a day after it had been closed', async () => {
    const late = { ingested_at: '2013-03-10T00:13:00Z', precip_mm: 7 };
    await putPoll(local.raw, '2013-03-09T22:50:00Z', [observation('ewr', '2013-03-09T22:50:00Z')]);
    await closeHour(local.access(), {
      kind: 'hour',
      hour: '2013-03-09T23:00:00Z',
      now: '2013-03-10T00:05:00Z',
    });
    await putPoll(local.raw, '2013-03-10T00:13:00Z', [observation('ewr', '2013-03-09T23:45:00Z', late)]);
    await upkeep('2013-03-10');
    expect(await rowsOf('2013-03-09')).toMatchObject([
      { hour: '2013-03-09T22:00:00Z' },
      { hour: '2013-03-09T23:00:00Z', known_precip_mm: null, precip_mm: 7 },
    ]);
  });

  it('does its other parts when one of them fails, and tells of the failure', async () => {
    await pollDay('2013-03-09');
    const access = local.access();
    access.raw.client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'DeleteObjectsCommand') throw new Error('S3 deletes nothing today');
        return next(args);
      },
      { step: 'initialize' },
    );
    await putPoll(local.raw, '2013-03-08T07:00:00Z', [observation('ewr', '2013-03-08T07:00:00Z')]);
    const run = await upkeep('2013-03-10', access);
    expect(run.failures.map(({ message }) => message)).toContain(
      'Compaction failed: S3 deletes nothing today',
    );
    expect(run.gaps).toBeDefined();
    expect(await rowsOf('2013-03-09')).toHaveLength(72);
    expect(await getText(local.models, keys.index)).toContain('<html');
  });

  it('tells of places whose forecasts were worse than persistence beyond doubt, and of no dry ones', async () => {
    const days = (rainHours: number, squaredError: number) =>
      Array.from({ length: 28 }, (_, day) => ({
        ...NOTHING_VERIFIED,
        date: addDays('2013-02-11', day),
        hours: 24,
        rainHours,
        squaredError,
        comparedHours: 24,
        comparedSquaredError: squaredError + 0.1 * Math.sin(day),
        persistenceSquaredError: 1,
        correctNegatives: 24,
      }));
    const verified = {
      verified: 0,
      rows: [],
      days: new Map([
        ['ewr', days(3, 1.5)],
        ['jfk', days(3, 0.8)],
        ['lga', days(0, 20)],
      ]),
    };
    expect(skillEvents('test', '2013-03-10', verified)).toEqual([
      {
        type: 'SkillBelowPersistence',
        detail: { version: 1, stage: 'test', date: '2013-03-10', windowDays: 28, locationIds: ['ewr'] },
      },
    ]);
    expect(skillEvents('test', '2013-03-10', undefined)).toEqual([]);
  });
});

describe('objects for people and pages that nobody can read', () => {
  const damage = (key: string) => putObject(local.processed, key, 'PAR1 {"location_id":', 'text/plain');

  it('agreement of known and true is named and measured anew, or becomes empty', async () => {
    await pollDay('2013-03-07');
    await committed('2013-03-07', '2013-03-07');
    const { access } = provider();
    await upkeep('2013-03-10', access);
    const before = await readAgreement(local.processed, '2013-03-07', '2013-03-07');
    const [known, unknown] = ['2013-03-07', '2013-03-05'].map((day) => keys.agreementDay(day));
    for (const key of [known, unknown]) await damage(key ?? '');
    const warnings = local.warnings.length;
    const run = await upkeep('2013-03-11', access);
    expect(run.failures).toEqual([]);
    expect(local.warnings.slice(warnings).sort()).toEqual(
      [unknown, known].map((key) => `${key} can't be read and is made anew.`),
    );
    const after = await readAgreement(local.processed, '2013-03-01', '2013-03-11');
    expect(after.unreadable).toEqual([]);
    expect(after.of('jfk')).toEqual(before.of('jfk'));
    expect(after.of('jfk')).toHaveLength(8);
  });

  it('metrics are made anew from evaluations and ledgers; what these know nothing of is set aside', async () => {
    const asOf = '2013-03-09T00:00:00Z';
    const evaluation = {
      schemaVersion: 2,
      location: 'jfk',
      run: 'run-1',
      asOf,
      cause: 'scheduled',
      outcome: 'kept',
      reasons: ['worse'],
      version: null,
      since: null,
      assessment: null,
    } as const;
    const evaluationKey = keys.evaluation('jfk', compactTime(asOf), 'run-1');
    await putObject(local.models, evaluationKey, JSON.stringify(evaluation), 'application/json');
    const order = {
      location: 'ewr',
      version: 'v1',
      at: asOf,
      outcome: 'restored',
      reason: 'r',
      run: null,
    } as const;
    const result = await promote(local.models, order);
    if (result.status !== 'promoted') throw new Error('superseded');
    await writeEvaluationRows(local.processed, { id: 'run-1', asOf }, [evaluation]);
    await writeRollbackRow(local.processed, result.entry);
    const stored = (await listObjects(local.processed, MODEL_METRICS.prefix)).map(({ key }) => key);
    const texts = () => Promise.all(stored.map((key) => getText(local.processed, key)));
    const before = await texts();
    const unknown = keys.modelMetrics('2013-03-08', 'run-0');
    for (const key of [...stored, unknown]) await damage(key);
    const warnings = local.warnings.length;
    expect((await upkeep('2013-03-10')).failures).toEqual([]);
    expect(await texts()).toEqual(before);
    expect(await getText(local.processed, unknown)).toBe('');
    expect(await getText(local.processed, keys.quarantined(unknown))).toContain('PAR1');
    expect(local.warnings.slice(warnings).sort()).toEqual([
      `${unknown} could not be made anew and lies in ${keys.quarantined(unknown)} now.`,
      ...stored.map((key) => `${key} could not be read and was made anew.`),
    ]);
  });
});

describe('the voice', () => {
  /** A week in which the joined probability of a place costs so much more than the plain one, every day. */
  const week = (cost: number) =>
    Array.from({ length: VOICE_DAYS }, (_, day) => ({
      ...NOTHING_VERIFIED,
      date: addDays('2013-03-04', day),
      joinedHours: 24,
      joinedSquaredError: 1 + cost + 0.02 * (day % 2),
      plainSquaredError: 1,
    }));
  const access = () => ({ processed: local.processed, warn: () => {} });
  const silenced = async () => Object.entries((await presentVoices(access())).silenced);

  it('is lost while the joined probability is worse, remembers since when, and comes back', async () => {
    const of = (cost: number) => ({
      days: new Map([
        ['ewr', week(cost)],
        ['jfk', week(-0.1)],
      ]),
    });
    await judgeVoices(access(), of(0.5), '2013-03-10', '2013-03-11T00:20:00Z');
    expect(await silenced()).toEqual([['ewr', '2013-03-11T00:20:00Z']]);
    await judgeVoices(access(), of(0.5), '2013-03-10', '2013-03-12T00:20:00Z');
    expect(await silenced()).toEqual([['ewr', '2013-03-11T00:20:00Z']]);
    // Days that lie further back no longer count.
    await judgeVoices(access(), of(0.5), '2013-03-16', '2013-03-17T00:20:00Z');
    expect(await silenced()).toEqual([]);
  });

  /** A dry hour of which ewr's joined probability was sure that it would rain. */
  const dry = (hour: string) => ({
    hour,
    forecasts: ['ewr', 'jfk', 'lga'].map((id) => ({
      location_id: id,
      plain_probability: 0.1,
      joined_probability: id === 'lga' ? null : id === 'ewr' ? 0.9 : 0.1,
      provider_probability: 0.8,
      provider_precip_mm: null,
    })),
    rained: new Map([
      ['ewr', false],
      ['lga', false],
    ]),
  });

  it('is lost by the hours before the day is over, one hour counting once, and stays lost when upkeep judges', async () => {
    const hours = Array.from({ length: 12 }, (_, i) => addHours('2013-03-18T00:00:00Z', i));
    for (const hour of hours.slice(0, 6)) {
      for (let run = 0; run < 3; run += 1) await hearHour(access(), dry(hour), addHours(hour, 1));
    }
    expect(await silenced()).toEqual([]);
    for (const hour of hours.slice(6)) await hearHour(access(), dry(hour), addHours(hour, 1));
    const since = [['ewr', '2013-03-18T07:00:00Z']];
    expect(await silenced()).toEqual(since);
    await judgeVoices(access(), { days: new Map() }, '2013-03-18', '2013-03-19T00:20:00Z');
    expect(await silenced()).toEqual(since);
    expect(Object.keys((await presentVoices(access())).heard)).toEqual(['ewr']);
  });

  it('is everybody’s where its file can’t be read', async () => {
    await putObject(local.processed, keys.voices, '{"silenced":', 'application/json');
    const warned: string[] = [];
    const voices = await presentVoices({
      processed: local.processed,
      warn: (message) => warned.push(message),
    });
    expect(voices.silenced).toEqual({});
    expect(warned).toEqual(["voices.json can't be read and is made anew."]);
  });
});

describe('settling', () => {
  it('replaces polled by settled truth once the provider has settled it, and verifies anew', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    await pollDay('2013-03-07');
    for (const hour of ['2013-03-07T09:00:00Z', '2013-03-07T10:00:00Z']) {
      await closeHour(local.access(), { kind: 'hour', hour, now: addHours(hour, 1) });
    }
    await committed('2013-03-07', '2013-03-07');
    const verification = async () =>
      JSON.stringify((await local.content())[keys.verificationDay('2013-03-07')], [
        'window_days',
        'hours',
        'rain_hours',
      ]);
    expect(await verification()).toContain('"rain_hours":0');

    const { asked, access } = provider();
    expect((await upkeep('2013-03-08', access)).settled).toMatchObject({ asked: [], hours: 0 });
    expect((await upkeep('2013-03-09', access)).settled).toMatchObject({ asked: [], hours: 0 });
    const run = await upkeep('2013-03-10', access);
    expect(run.settled).toEqual({ asked: ['2013-03-07'], hours: 72, withoutHistory: false });
    expect(asked).toEqual([['2013-03-07', ids]]);
    expect(await rowsOf('2013-03-07')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'both', known_rained: false, settled_at: '2013-03-10T00:25:00Z' }),
      ]),
    );
    const wet = wholeDay('2013-03-07', ['ewr']).filter(({ precip_mm }) => precip_mm !== 0).length;
    const agreement = {
      hours: 72,
      bothWet: 0,
      onlyKnownWet: 0,
      onlyTrueWet: 3 * wet,
      bothDry: 3 * (24 - wet),
    };
    expect(run.agreement).toEqual(agreement);
    const measured = await readAgreement(local.processed, '2013-03-01', '2013-03-10');
    expect(ids.map((id) => measured.of(id).length)).toEqual([8, 8, 8]);
    const rain = measured.of('jfk').find(({ measurement }) => measurement === 'precip_mm');
    expect(rain).toMatchObject({ source: 'recording', hours: 24, only_true_wet: wet, both_dry: 24 - wet });
    expect(rain && biasOf(rain)).toBeCloseTo((-1.5 * wet) / 24, 9);
    expect(rain && spreadOf(rain)).toBeCloseTo(1.5 * Math.sqrt((wet / 24) * (1 - wet / 24)), 9);
    const air = measured.of('jfk').find(({ measurement }) => measurement === 'temp_c');
    expect(air && [biasOf(air), spreadOf(air)]).toEqual([0, 0]);
    // The wet hours of the recording's day fall on 01, 06, 11: the second forecast was of one of them.
    expect(await verification()).toContain('"rain_hours":1');

    // A verification that failed that day is made good by the next upkeep, although nothing is asked for any more.
    await deleteObjects(local.processed, [keys.verificationDay('2013-03-07')]);
    // The day after it lacks everything by now, and is what the next upkeep asks for.
    expect((await upkeep('2013-03-11', access)).settled).toMatchObject({ asked: ['2013-03-08'] });
    expect(await verification()).toContain('"rain_hours":1');
  });

  it('completes a day that was served by halves, asking only for the place that lacks it', async () => {
    await pollDay('2013-03-07');
    await committed('2013-03-07', '2013-03-07');
    const settledAt = { ingested_at: '2013-03-10T00:01:00Z' };
    const there = wholeDay('2013-03-07')
      .filter(({ location_id, observed_at }) => location_id !== 'jfk' || observed_at < '2013-03-07T05')
      .map((row) => ({ ...row, ...settledAt }));
    await putHistory(local.raw, '2013-03-07', there);
    await committed('2013-03-07', '2013-03-07');
    const { asked, access } = provider();
    const run = await upkeep('2013-03-10', access);
    expect(asked).toEqual([['2013-03-07', ['jfk']]]);
    expect(run.settled).toMatchObject({ hours: 19 });
  });

  it('asks no more for what the provider did not have three times', async () => {
    await pollDay('2013-03-07');
    await committed('2013-03-07', '2013-03-07');
    const { asked, access } = provider(() => 'not-available');
    for (let day = 10; day < 15; day += 1) await settle(`2013-03-${day}`, access);
    const times = (date: string) => asked.filter(([day]) => day === date).length;
    expect(['2013-03-07', '2013-03-08', '2013-03-09', '2013-03-10', '2013-03-11'].map(times)).toEqual([
      3, 3, 3, 2, 1,
    ]);
  });

  it('takes a plan without history as a state: said once, asked about weekly, no failure, no request to fill gaps', async () => {
    const { asked, access } = provider(() => 'not-in-plan');
    const warnings = local.warnings.length;
    for (let day = 1; day <= 30; day += 1) {
      const date = addDays('2013-03-01', day);
      await pollDay(addDays(date, -1), day % 5 === 0 ? ['ewr'] : ids);
      await committed(addDays(date, -1), addDays(date, -1));
      expect(await settle(date, access)).toMatchObject({ hours: 0 });
    }
    expect((await upkeep('2013-03-31', access)).failures).toEqual([]);
    expect(asked.map(([date]) => date)).toEqual(['2013-03-01', '2013-03-08', '2013-03-15', '2013-03-22']);
    expect((await getText(local.processed, keys.settling)) ?? '').toContain('"since":"2013-03-04T00:25:00Z"');
    expect(local.warnings.slice(warnings).filter((text) => text.includes('no history'))).toHaveLength(1);
    expect(local.events.filter(({ event }) => event['detail-type'] === 'GapsFound')).toHaveLength(0);
  });

  it('fails where asking again may help, keeps what it got, and asks again the next day', async () => {
    await pollDay('2013-03-07');
    await committed('2013-03-07', '2013-03-07');
    const { asked, access } = provider((date, time) =>
      date === '2013-03-07' && time === 1 ? 'failed' : 'fetched',
    );
    await expect(settle('2013-03-10', access)).rejects.toThrow(
      'History of 2013-03-07 could not be fetched: history is failed',
    );
    await settle('2013-03-11', access);
    expect(asked.map(([date]) => date)).toEqual(['2013-03-07', '2013-03-08', '2013-03-07']);
    expect(await rowsOf('2013-03-07')).toContainEqual(
      expect.objectContaining({ settled_at: '2013-03-11T00:25:00Z' }),
    );
  });

  it('forgets what it can not read, and begins anew', async () => {
    await pollDay('2013-03-07');
    await committed('2013-03-07', '2013-03-07');
    await putObject(local.processed, keys.settling, '{"version":', 'application/json');
    const { access } = provider();
    expect((await upkeep('2013-03-10', access)).settled).toMatchObject({ hours: 72 });
  });

  it('gives the same day however often it is repeated', async () => {
    await pollDay('2013-03-07');
    await committed('2013-03-07', '2013-03-07');
    const { access } = provider();
    await settle('2013-03-10', access);
    const first = await local.content();
    await settle('2013-03-10', access);
    await commitDays(local.access(), {
      dates: ['2013-03-07'],
      closedBefore: '2013-03-10T00:00:00Z',
      now: '2013-03-10T00:30:00Z',
      acceptLostHours: false,
    });
    expect(await local.content()).toEqual(first);
  });
});

it('finds the gaps of a day that nobody can read to be all its hours, and reads the other days', async () => {
  for (const date of ['2013-03-07', '2013-03-08']) await putHistory(local.raw, date, wholeDay(date));
  await committed('2013-03-07', '2013-03-08');
  await putObject(local.processed, keys.hourlyDay('2013-03-08'), 'not parquet', 'text/plain');
  const days = await readObservedHours(local.processed, ['2013-03-07', '2013-03-08']);
  const found = gapsOf(days, '2013-03-09T00:00:00Z', ids);
  expect(found).toMatchObject({ missingHours: 72, dates: ['2013-03-08'] });
  const run = await upkeep('2013-03-09');
  expect(run).toMatchObject({ failures: [], gaps: { missingHours: 0 } });
});
