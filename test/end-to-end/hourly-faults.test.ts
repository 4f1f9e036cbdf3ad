import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { HOURLY_OBSERVATIONS } from '../../lambdas/lake/layout';
import { decodeParquet } from '../../lambdas/lake/parquet';
import { deleteObjects } from '../../lambdas/lake/s3';
import { parseConfig } from '../../lib/config';
import type { Fault } from '../../lib/local/wire/calls';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../lib/recorded-weather/recording';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/** Two days of the recording, one of which lacks an hour of one airport. */
const FROM = '2013-01-01';
const TO = '2013-01-02';

/** The fault that the n-th matching call of the hourly function meets, once. */
let planned: { readonly operation: string; readonly call: number; readonly fault: Fault } | undefined;
let matching = 0;

let directory: string;
let recording: Recording;
let cloud: LocalGaroa;
let expected: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'garoa-hourly-faults-'));
  recording = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  const assemblyDirectory = join(directory, 'cdk.out');
  await synthesise(
    parseConfig({ plan: 'business', locations: recording.locations, firstDay: FROM }),
    assemblyDirectory,
  );
  cloud = await startLocalGaroa({
    patience: PATIENCE,
    assemblyDirectory,
    directory,
    recording,
    start: new Date('2013-01-04T00:00:00Z'),
    faults: ({ operation, caller }) => {
      if (planned?.operation !== operation || !caller.endsWith('-hourly')) return undefined;
      matching += 1;
      const { call, fault } = planned;
      if (matching < call) return undefined;
      planned = undefined;
      return fault;
    },
  });
  for (const date of [FROM, TO]) {
    await cloud.invoke(cloud.name('functions', '-ingest'), { backfill: { date } });
  }
  expect((await recompute()).functionError).toBeUndefined();
  expected = await content();
});

afterAll(async () => {
  await cloud.close();
  rmSync(directory, { recursive: true, force: true });
});

function plan(operation: string, fault: Fault, call = 1): void {
  planned = { operation, call, fault };
  matching = 0;
}

const recompute = () =>
  cloud.invoke(cloud.name('functions', '-hourly'), { from: FROM, to: TO, at: cloud.now().toISOString() });

/** What readers see of the days: every row. */
async function content(): Promise<Record<string, unknown>> {
  const columns = HOURLY_OBSERVATIONS.columns.map(({ name }) => name);
  const rows: Record<string, unknown> = {};
  for (const { key, bytes } of cloud.objects('processed', HOURLY_OBSERVATIONS.prefix)) {
    rows[key] = await decodeParquet(bytes, columns, z.record(z.string(), z.unknown()));
  }
  return rows;
}

async function forget(): Promise<void> {
  const keys = [...cloud.objects('processed', HOURLY_OBSERVATIONS.prefix)].map(({ key }) => key);
  await deleteObjects(cloud.bucket('processed'), keys);
}

it('has each hour of the recording once', () => {
  const rows = Object.values(expected).flat();
  expect(Object.keys(expected)).toHaveLength(2);
  expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(rows.length);
  const span = [Date.parse(`${FROM}T00:00:00Z`) / 1000, Date.parse(`${TO}T24:00:00Z`) / 1000] as const;
  const recorded = [...recording.series.values()].map((series) => series.hoursBetween(...span));
  expect(rows).toHaveLength(recorded.reduce((sum, hours) => sum + hours, 0));
});

describe('the deployed function', () => {
  it.each([
    // The CTAS, the copies that commit, and the statement and call that clean up.
    ['StartQueryExecution', 1],
    ['GetQueryExecution', 1],
    ['CopyObject', 1],
    ['CopyObject', 2],
    ['StartQueryExecution', 2],
    ['DeleteObjects', 1],
  ] as const)('that dies at %s number %i is made good by the next run', async (operation, call) => {
    for (const when of ['before', 'after'] as const) {
      await forget();
      plan(operation, { kind: 'crash', when }, call);
      expect((await recompute()).functionError).toBeDefined();
      expect((await recompute()).functionError).toBeUndefined();
      expect(await content()).toEqual(expected);
    }
  });

  it.each([
    ['StartQueryExecution', { kind: 'lostReply' }],
    ['StartQueryExecution', { kind: 'throttle' }],
    ['GetQueryExecution', { kind: 'throttle' }],
    ['CopyObject', { kind: 'lostReply' }],
    ['CopyObject', { kind: 'serverError' }],
    ['GetObject', { kind: 'serverError' }],
  ] as const)('whose %s meets %j does its work all the same', async (operation, fault) => {
    await forget();
    plan(operation, fault);
    const result = await recompute();
    expect(planned).toBeUndefined();
    expect(result.functionError).toBeUndefined();
    expect(await content()).toEqual(expected);
  });

  it('run twice at once commits the same days', async () => {
    await forget();
    const results = await Promise.all([recompute(), recompute()]);
    expect(results.map(({ functionError }) => functionError)).toEqual([undefined, undefined]);
    expect(await content()).toEqual(expected);
  });
});
