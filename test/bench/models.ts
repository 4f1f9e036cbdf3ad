import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { keys } from '../../lambdas/lake/layout';
import type { Bucket } from '../../lambdas/lake/s3';
import { parseModel, type RainModel } from '../../lambdas/model/model-file';
import { PREPARED_UNIT } from '../../lambdas/model/preprocessing';
import { promote } from '../../lambdas/model/registry';
import { openLocalBucket } from '../lambdas/lake/local-bucket';
import { floats, modelFile } from '../lambdas/model/model-file-fixture';
import { seededUniform } from '../lambdas/model/smo/seeded';
import { type Asked, asked } from './models-asked';
import { median, shown, writeResults } from './report';

/** A champion of a long history: twenty megabytes, whichever way its numbers are written. */
const VECTORS = 60_000;
const COLUMNS = 60;
const MEMBERS = 4;

const CHAMPIONS = 300;
const RUNS = 5;

/** How fast champions of long histories are read and asked: the file format beside the one before it, and 300 of them. */
export async function bench(): Promise<void> {
  writeResults('models-loading', loading());
  writeResults('models-asked', [await asking()]);
}

/** One file, parsed as float32 and as the lists of whole numbers that were written before. */
function loading(): Record<string, unknown>[] {
  const { model, units, coefficients } = champion();
  const ours = JSON.stringify(model);
  const before = JSON.stringify({ supportVectors: units, members: coefficients });
  const seconds = (parse: () => unknown) =>
    median(
      Array.from({ length: RUNS }, () => {
        const started = process.cpuUsage();
        parse();
        const { user, system } = process.cpuUsage(started);
        return (user + system) / 1e6;
      }),
    );
  const lists = z.object({
    supportVectors: z.array(z.array(z.int())),
    members: z.array(z.array(z.number())),
  });
  const float32 = seconds(() => parseModel(JSON.parse(ours)));
  const numbers = seconds(() => {
    const { supportVectors, members } = lists.parse(JSON.parse(before));
    return [
      Float64Array.from(supportVectors.flat(), (value) => value * PREPARED_UNIT),
      members.map((member) => Float64Array.from(member)),
    ];
  });
  return [
    { format: 'lists of numbers', megabytes: shown(before.length / 1e6), 'CPU seconds': shown(numbers) },
    { format: 'float32', megabytes: shown(ours.length / 1e6), 'CPU seconds': shown(float32) },
    { format: 'float32 / lists', 'CPU seconds': shown(float32 / numbers) },
  ];
}

/** Each champion read and asked for one hour, as the hourly function does, in a process with a memory of its own. */
async function asking(): Promise<Record<string, unknown>> {
  const { bucket, store, url, close } = await openLocalBucket();
  try {
    const body = Buffer.from(JSON.stringify(champion().model));
    for (let i = 0; i < CHAMPIONS; i++) await appoint(bucket, store, `place-${i}`, body);
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...process.execArgv,
      join(__dirname, 'models-asked.ts'),
      JSON.stringify({ url, champions: CHAMPIONS } satisfies Asked),
    ]);
    const { seconds, cpuSeconds, peakMegabytes, answers } = asked.parse(JSON.parse(stdout));
    return {
      champions: CHAMPIONS,
      'megabytes each': shown(body.length / 1e6),
      answers,
      seconds: shown(seconds),
      'CPU seconds': shown(cpuSeconds),
      'peak MB': shown(peakMegabytes),
    };
  } finally {
    await close();
  }
}

async function appoint(
  bucket: Bucket,
  store: { put(bucket: string, key: string, body: Buffer): unknown },
  location: string,
  body: Buffer,
): Promise<void> {
  const version = '20130501T000000Z-01234567';
  const text = body.toString('latin1').replace('"location":"place"', `"location":"${location}"`);
  store.put(bucket.name, keys.model(location, version), Buffer.from(text, 'latin1'));
  await promote(bucket, {
    location,
    version,
    at: '2013-05-01T00:00:00Z',
    outcome: 'promoted',
    reason: 'bench',
    run: null,
  });
}

/** A model as large as years of weather make it, and its numbers as they were written before. */
function champion(): {
  readonly model: RainModel;
  readonly units: readonly number[][];
  readonly coefficients: readonly number[][];
} {
  const uniform = seededUniform(1);
  const units = Array.from({ length: VECTORS }, () =>
    Array.from({ length: COLUMNS }, () => Math.round(3_000 * (uniform() - 0.5))),
  );
  const coefficients = Array.from({ length: MEMBERS }, () =>
    Array.from({ length: VECTORS }, () => Math.fround(uniform() - 0.5)),
  );
  const small = modelFile('place', '20130501T000000Z-01234567');
  const [column] = small.preprocessing.columns;
  if (column === undefined) throw new Error('The fixture has no column.');
  return {
    units,
    coefficients,
    model: parseModel({
      ...small,
      preprocessing: {
        columns: Array.from({ length: COLUMNS }, (_, j) => ({ ...column, feature: small.featureNames[j] })),
        indicators: [],
      },
      supportVectors: {
        rows: VECTORS,
        columns: COLUMNS,
        values: floats(units.flat().map((value) => value * PREPARED_UNIT)),
      },
      members: coefficients.map((values, m) => ({
        gamma: 0.01 * 2 ** m,
        intercept: 0,
        coefficients: floats(values),
      })),
      calibration: { kind: 'logistic', always: { intercept: -1, weights: coefficients.map(() => 0.1) } },
    }),
  };
}
