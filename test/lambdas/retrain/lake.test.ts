import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type AthenaAccess, runQuery } from '../../../lambdas/lake/athena';
import { HOURLY_OBSERVATIONS, keys } from '../../../lambdas/lake/layout';
import { type Cell, encodeParquet } from '../../../lambdas/lake/parquet';
import { type Bucket, getObject, listObjects, putObject } from '../../../lambdas/lake/s3';
import { OWN_FEATURE_NAMES } from '../../../lambdas/model/features';
import { writeEvaluationRows, writeRollbackRow } from '../../../lambdas/model/metrics-rows';
import { championAt, promote } from '../../../lambdas/model/registry';
import { findPassedOver, inspect } from '../../../lambdas/retrain/inspect';
import { plan } from '../../../lambdas/retrain/plan';
import { prepare } from '../../../lambdas/retrain/prepare';
import { runKeys } from '../../../lambdas/retrain/steps';
import { fingerprintOf, parseTrainingSet } from '../../../lambdas/retrain/training-set-file';
import { addDays } from '../../../lambdas/runtime/time';
import { settingsSchema } from '../../../lambdas/settings';
import { projectRoot } from '../../../lib/project-root';
import { startTestCloud, type TestCloud } from '../../lib/local/support';

const settings = settingsSchema.parse({
  stage: 'test',
  provider: 'weatherapi',
  locations: ['ewr', 'jfk', 'lga'].map((id) => ({ id, name: id, query: id, timezone: 'UTC' })),
  rainThresholdMm: 0.1,
  training: { windowDays: 30 },
});

let cloud: TestCloud;
let athena: AthenaAccess;
let bucket: (name: string) => Bucket;

beforeEach(async () => {
  cloud = await startTestCloud();
  bucket = (name) => ({ client: cloud.s3, name });
  athena = {
    client: cloud.athena,
    s3: cloud.s3,
    workgroup: 'garoa-prod',
    database: 'garoa',
    remainingMs: () => 3_600_000,
  };
});
afterEach(() => cloud.close());

describe('preparing training sets', () => {
  /** Days of hours in which the temperature is the hour's number and it rains every fifth hour; one hour is missing. */
  async function putHours(locations: readonly string[], days: number, first = 0): Promise<void> {
    for (let day = first; day < days; day++) {
      const date = addDays('2013-03-01', day);
      const rows = locations.flatMap((location) =>
        Array.from({ length: 24 }, (_, hour) => hour)
          .filter((hour) => !(day === 2 && hour === 7))
          .map((hour): Record<string, Cell> => {
            const precip = (day * 24 + hour) % 5 === 0 ? 1.2 : 0;
            return {
              ...Object.fromEntries(HOURLY_OBSERVATIONS.columns.map(({ name }) => [name, null])),
              location_id: location,
              hour: `${date}T${String(hour).padStart(2, '0')}:00:00Z`,
              observation_count: 1,
              rain_threshold_mm: 0.1,
              temp_c: day * 24 + hour,
              known_precip_mm: precip,
              known_rained: precip > 0,
              precip_mm: precip,
              rained: precip > 0,
              source: 'recording',
            };
          }),
      );
      const file = encodeParquet(HOURLY_OBSERVATIONS.columns, rows);
      await putObject(bucket('processed'), keys.hourlyDay(date), file, 'application/octet-stream');
    }
  }

  const planned = () =>
    plan(
      { settings, queryResults: bucket('results') },
      {
        step: 'plan',
        execution: 'run-1',
        startedAt: '2013-03-10T12:00:00Z',
        request: { asOf: '2013-03-05T18:30:00Z' },
      },
    );

  async function prepareAll() {
    const { run, chunks } = await planned();
    const results = [];
    for (const chunk of chunks) {
      results.push(
        await prepare({ settings, queryResults: bucket('results'), athena }, { step: 'prepare', run, chunk }),
      );
    }
    return { run, results };
  }

  it('makes one for each location that has hours, up to the last hour whose next one is known', async () => {
    await putHours(['ewr', 'jfk'], 6);
    const { run, results } = await prepareAll();
    expect(results).toEqual([{ prepared: 2, passedOver: 0 }]);
    const stored = await getObject(bucket('results'), runKeys.trainingSet(run.id, 'ewr'));
    const set = await parseTrainingSet('ewr', stored?.bytes ?? new Uint8Array());
    expect(set.neighbours).toEqual(['jfk']);

    const instants = Array.from(set.hours, (hour) => new Date(hour).toISOString().slice(0, 13));
    expect(instants[0]).toBe('2013-03-01T00');
    // asOf 18:30: the hour from 17 is the last one over, so 16 is the last base hour.
    expect(instants.at(-1)).toBe('2013-03-05T16');
    // The missing hour is no row, and the one before it has no label.
    expect(instants).not.toContain('2013-03-03T07');
    expect(instants).not.toContain('2013-03-03T06');
    expect(set.hours.length).toBe(4 * 24 + 17 - 2);

    const temperature = OWN_FEATURE_NAMES.indexOf('temp_c');
    set.hours.forEach((hour, i) => {
      const number = (hour - Date.parse('2013-03-01T00:00:00Z')) / 3_600_000;
      expect(set.x.values[i * set.x.columns + temperature]).toBe(number);
      expect(set.wetNow[i]).toBe(number % 5 === 0 ? 1 : 0);
      expect(set.y[i]).toBe((number + 1) % 5 === 0 ? 1 : 0);
    });
    expect(await getObject(bucket('results'), runKeys.trainingSet(run.id, 'lga'))).toBeUndefined();
  });

  it('leaves nothing but the training sets, and makes the same ones again', async () => {
    await putHours(['ewr'], 4);
    await putHours(['ewr', 'jfk'], 4, 3);
    const fingerprint = async (run: { id: string }) => {
      const stored = await getObject(bucket('results'), runKeys.trainingSet(run.id, 'ewr'));
      const set = await parseTrainingSet('ewr', stored?.bytes ?? new Uint8Array());
      // A quarter of the hours is too little to be named for.
      expect(set.neighbours).toEqual([]);
      return fingerprintOf(set);
    };
    const first = await fingerprint((await prepareAll()).run);
    expect(await fingerprint((await prepareAll()).run)).toBe(first);
    expect(await listObjects(bucket('results'), 'tables/')).toEqual([]);
    const named = (statement: RegExp) =>
      cloud.endpoints.queries().flatMap(({ sql }) => statement.exec(sql.replaceAll('"', ''))?.[1] ?? []);
    expect(named(/^CREATE TABLE garoa\.(staging_\w+)/)).toHaveLength(2);
    expect(named(/^DROP TABLE IF EXISTS garoa\.(\w+)/)).toEqual(named(/^CREATE TABLE garoa\.(\w+)/));
  });

  it('counts the rows that it does not see, by what is wrong with them', async () => {
    await putHours(['ewr'], 4);
    const row = (day: number, hour: number): Record<string, Cell> => ({
      ...Object.fromEntries(HOURLY_OBSERVATIONS.columns.map(({ name }) => [name, null])),
      location_id: 'jfk',
      hour: `2013-03-0${day}T${String(hour).padStart(2, '0')}:00:00Z`,
      kind: 'settled',
      observation_count: 1,
      covered_minutes: 60,
      rain_threshold_mm: day === 1 ? 0.5 : null,
      source: 'recording',
    });
    for (const [day, hours] of [
      [1, 3],
      [2, 2],
    ] as const) {
      const rows = Array.from({ length: hours }, (_, hour) => row(day, hour));
      const file = encodeParquet(HOURLY_OBSERVATIONS.columns, rows);
      await putObject(
        bucket('processed'),
        keys.hourlyDay(`2013-03-0${day}`),
        file,
        'application/octet-stream',
      );
    }
    const { run, results } = await prepareAll();
    expect(results).toEqual([{ prepared: 1, passedOver: 5 }]);
    expect(await findPassedOver(bucket('results'), run.id, 'jfk')).toEqual({
      otherThreshold: 3,
      oldShape: 2,
    });
    expect(await findPassedOver(bucket('results'), run.id, 'ewr')).toEqual({
      otherThreshold: 0,
      oldShape: 0,
    });
    const notes: unknown[] = [];
    const { reasons } = await inspect(
      {
        settings,
        queryResults: bucket('results'),
        models: bucket('models'),
        note: (...line) => notes.push(line),
      },
      { step: 'inspect', run, location: 'jfk' },
    );
    expect(reasons.join(' ')).toContain(
      '5 hours were passed over (3 of another rain threshold, 2 of an older shape)',
    );
    expect(notes).toEqual([
      [
        'training set',
        { location: 'jfk', hours: 0, polledHours: 0, passedOver: { otherThreshold: 3, oldShape: 2 } },
      ],
    ]);
  });

  it('makes none, and no error, when the lake is empty', async () => {
    expect((await prepareAll()).results).toEqual([{ prepared: 0, passedOver: 0 }]);
  });
});

describe('the query of the page of the lake for the champion of a time', () => {
  it('says what the ledger says', async () => {
    const [A, B] = ['20130201T000000Z-aaaaaaaa', '20130208T000000Z-bbbbbbbb'];
    const promotions = [
      { version: A, at: '2013-02-01T00:10:00Z', run: 'run-1' },
      { version: B, at: '2013-02-08T00:10:00Z', run: 'run-2' },
      { version: A, at: '2013-02-10T09:00:00Z', run: null },
    ];
    for (const { version, at, run } of promotions) {
      const outcome = run === null ? 'restored' : 'promoted';
      const order = { location: 'ewr', version, at, outcome, reason: 'better', run } as const;
      const result = await promote(bucket('models'), order);
      if (result.status !== 'promoted') throw new Error('superseded');
      if (run === null) {
        await writeRollbackRow(bucket('processed'), result.entry);
      } else {
        const common = { schemaVersion: 2, run, asOf: at, cause: 'scheduled', assessment: null } as const;
        await writeEvaluationRows(bucket('processed'), { id: run, asOf: at }, [
          { ...common, location: 'ewr', outcome: 'promoted', reasons: ['better'], version, since: at },
          { ...common, location: 'jfk', outcome: 'kept', reasons: ['worse'], version: null, since: null },
        ]);
      }
    }
    const readme = readFileSync(join(projectRoot, 'lambdas/lake/README.md'), 'utf8');
    const query = /```sql\n(SELECT version, champion_since[\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(query).toContain("location_id = 'jfk'");
    for (const time of [
      '2013-02-01T00:10:00Z',
      '2013-02-08T00:09:59Z',
      '2013-02-09T00:00:00Z',
      '2013-02-10T09:00:00Z',
    ]) {
      const sql = query
        .replace("location_id = 'jfk'", "location_id = 'ewr'")
        .replace(/dt >= '[^']*'/, "dt >= '2013-01-01'")
        .replace(/champion_since <= '[^']*'/, `champion_since <= '${time}'`);
      const rows = await runQuery(athena, { sql, row: z.looseObject({ version: z.string() }) });
      expect(rows.map(({ version }) => version)).toEqual([
        (await championAt(bucket('models'), 'ewr', time))?.version,
      ]);
    }
  });
});
