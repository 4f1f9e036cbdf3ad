import { measureAgreement } from '../../lambdas/hourly/agreement';
import { closeHour, recomputeRange } from '../../lambdas/hourly/run';
import { sweepStaging } from '../../lambdas/hourly/sweep';
import { writeEvaluationRows, writeRollbackRow } from '../../lambdas/model/metrics-rows';
import { promote } from '../../lambdas/model/registry';
import { plan } from '../../lambdas/retrain/plan';
import { prepare } from '../../lambdas/retrain/prepare';
import { addDays, addHours } from '../../lambdas/runtime/time';
import { settingsSchema } from '../../lambdas/settings';
import type { Observation } from '../../lambdas/weather/observation';
import { shapeOf } from '../../lib/local/athena/statement';
import {
  appoint,
  type HourlyCloud,
  LOCATIONS,
  observation,
  putHistory,
  putPoll,
  startHourlyCloud,
} from '../lambdas/hourly/hourly-cloud';
import { LAKE } from './lake';

/** History, then hours lived one by one; up to the days that the README's queries ask about. */
export const FIRST_DAY = '2013-12-24';
const LIVED_FROM = '2013-12-29T22:00:00Z';
const LIVED_HOURS = 5;
export const LIVED_NOW = new Date('2013-12-30T03:30:00Z');

/**
 * The functions' own code on the local cloud for some days: what they asked of Athena, and the lake that they left.
 * Made anew for each check, so that no statement is an old one.
 */
export async function live(): Promise<{
  readonly local: HourlyCloud;
  readonly statements: readonly string[];
}> {
  const local = await startHourlyCloud(LOCATIONS, { ...LAKE, now: () => LIVED_NOW });
  const access = local.access();
  const lastDay = LIVED_FROM.slice(0, 10);
  for (let date = FIRST_DAY; date < lastDay; date = addDays(date, 1)) {
    const hours = readings(`${date}T00:00:00Z`, 24);
    // Half of the days were polled as well, so that known and true can be compared.
    if (Number(date.slice(-1)) % 2 === 0) await putPoll(local.raw, `${date}T23:55:00Z`, hours);
    const settled = readings(`${date}T00:00:00Z`, 24, 1);
    await putHistory(
      local.raw,
      date,
      settled.map((reading) => ({ ...reading, ingested_at: LIVED_FROM })),
    );
  }
  const from = addDays(lastDay, -1);
  await recomputeRange(access, {
    ...{ kind: 'range', from: FIRST_DAY, to: from, now: addHours(LIVED_FROM, -1), acceptLostHours: false },
  });
  await appoint(local.models, `${from}T00:00:00Z`);
  for (let hour = 0; hour < LIVED_HOURS; hour += 1) {
    const start = addHours(LIVED_FROM, hour);
    await putPoll(local.raw, start, readings(start, 1));
    await closeHour(access, {
      kind: 'hour',
      hour: start,
      now: addHours(start, 1).replace(':00:00', ':05:00'),
    });
  }
  await measureAgreement(access, FIRST_DAY, from, LIVED_FROM);
  await sweepStaging(access.athena, local.results, `${lastDay}T12:00:00Z`);
  await retrain(local, access.athena);
  const kinds = new Map<string, { readonly first: string; readonly last: string }>();
  for (const { sql, state } of local.cloud.endpoints.queries()) {
    // DROP goes through Athena's own reader of Hive's DDL, which Trino has not.
    if (state === 'SUCCEEDED' && !/^DROP/.test(sql)) {
      const kind = kindOf(sql);
      kinds.set(kind, { first: kinds.get(kind)?.first ?? sql, last: sql });
    }
  }
  // The first of a kind asks for the backfilled days, the last for the newest.
  return { local, statements: [...new Set([...kinds.values()].flatMap(({ first, last }) => [first, last]))] };
}

/** Statements of one kind differ in their literals and in the names of their tables. */
function kindOf(sql: string): string {
  return shapeOf(sql)
    .replace(/staging_(hourly|training)_\w+/, 'staging_$1')
    .replace(/\(''(, '')*\)/g, "('')");
}

async function retrain(local: HourlyCloud, athena: Parameters<typeof sweepStaging>[0]): Promise<void> {
  const settings = settingsSchema.parse({
    stage: 'test',
    provider: 'weatherapi',
    locations: LOCATIONS.map(({ id, name, query, timezone }) => ({ id, name, query, timezone })),
    rainThresholdMm: 0.1,
    training: { windowDays: 30 },
  });
  const startedAt = '2013-12-30T03:00:00Z';
  const { run, chunks } = await plan(
    { settings, queryResults: local.results },
    { step: 'plan', execution: 'run-1', startedAt, request: {} },
  );
  for (const chunk of chunks) {
    await prepare({ settings, queryResults: local.results, athena }, { step: 'prepare', run, chunk });
  }
  const version = '20131229T000000Z-aaaaaaaa';
  const order = { location: 'jfk', version, at: '2013-12-29T00:00:00Z', reason: 'better' } as const;
  const restored = await promote(local.models, { ...order, outcome: 'restored', run: null });
  if (restored.status !== 'promoted') throw new Error('Nobody else promotes here.');
  await writeRollbackRow(local.processed, restored.entry);
  await writeEvaluationRows(local.processed, { id: 'run-1', asOf: startedAt }, [
    {
      ...{ schemaVersion: 2, run: 'run-1', asOf: startedAt, cause: 'scheduled', assessment: null },
      ...{ location: 'jfk', outcome: 'kept', reasons: ['worse'], version: null, since: null },
    },
  ]);
}

/** Weather with decimals that no binary number is equal to, and every kind of gap. */
function readings(from: string, hours: number, telling = 0): Observation[] {
  return Array.from({ length: hours }, (_, index) => addHours(from, index)).flatMap((hour) =>
    LOCATIONS.flatMap(({ id }, place) => {
      const random = seeded(Date.parse(hour) / 3_600_000 + place * 7919 + telling * 104_729);
      const tenth = (least: number, most: number) =>
        Math.round((least + random() * (most - least)) * 10) / 10;
      const orNull = (value: number) => (random() < 0.1 ? null : value);
      return [10, 25, 50].map((minute) =>
        observation(id, hour.replace(':00:00Z', `:${minute}:00Z`), {
          temp_c: orNull(tenth(-9, 12)),
          dewpoint_c: orNull(tenth(-15, 5)),
          humidity_pct: orNull(tenth(30, 100)),
          pressure_mb: orNull(tenth(990, 1035)),
          wind_kph: orNull(random() < 0.2 ? 0 : tenth(1, 60)),
          wind_degree: orNull(tenth(0, 360)),
          gust_kph: orNull(tenth(10, 90)),
          precip_mm: random() < 0.7 ? 0 : tenth(0, 9),
          cloud_pct: orNull(tenth(0, 100)),
          visibility_km: tenth(1, 16),
          uv: orNull(tenth(0, 3)),
        }),
      );
    }),
  );
}

/** Numbers in [0, 1) that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
