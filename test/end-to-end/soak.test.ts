import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keys } from '../../lambdas/lake/layout';
import { putObject } from '../../lambdas/lake/s3';
import { promote } from '../../lambdas/model/registry';
import { parseConfig } from '../../lib/config';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import { type Audit, findings } from '../../lib/scenario/audit';
import type { LocalGaroa } from '../../lib/scenario/local-garoa';
import { soak } from '../../lib/scenario/soak';
import { createProgress } from '../../lib/terminal/progress';
import { modelFile } from '../lambdas/model/model-file-fixture';
import { synthesise } from './synthesise';

/** The short form of `npm run soak`: twelve hours of one place, with faults four times as frequent. */
const PLACE = 'jfk';

const directory = mkdtempSync(join(tmpdir(), 'garoa-soak-'));
const started: LocalGaroa[] = [];
let found: Audit;

beforeAll(async () => {
  const all = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  const recording = { ...all, locations: all.locations.filter(({ id }) => id === PLACE) };
  const config = parseConfig({
    plan: 'business',
    firstDay: '2013-01-01',
    locations: recording.locations.map((location) => ({ ...location, pollEveryMinutes: 15 })),
    training: { candidates: 1 },
  });
  const assemblyDirectory = join(directory, 'cdk.out');
  await synthesise(config, assemblyDirectory);
  const options = {
    recording,
    assemblyDirectory,
    directory: join(directory, 'run'),
    hourlyMinute: config.schedules.hourlyMinute,
    historyDays: 1,
    days: 0.5,
    rate: 0.2,
    seed: 'short',
    onStarted: async (cloud: LocalGaroa) => {
      started.push(cloud);
      const version = '20130101T000000Z-00000001';
      const models = cloud.bucket('models');
      const model = JSON.stringify(modelFile(PLACE, version));
      await putObject(models, keys.model(PLACE, version), model, 'application/json');
      const order = { location: PLACE, version, at: '2013-01-01T00:00:00Z', reason: 'test', run: null };
      await promote(models, { ...order, outcome: 'promoted' });
    },
  };
  found = await soak(options, createProgress({ write: () => true }));
});

afterAll(async () => {
  await Promise.all(started.map((cloud) => cloud.close()));
  rmSync(directory, { recursive: true });
});

describe('half a day under faults', () => {
  it('loses nothing, repeats nothing, and leaves nothing unexplained', () => {
    expect({ found, findings: findings(found) }).toEqual({ found, findings: [] });
  });

  it('has lived through something', () => {
    expect(found.observations.served).toBeGreaterThan(30);
    expect(found.hours.expected).toBe(12);
    expect(found.hours.present).toBeGreaterThan(6);
    expect(found.forecasts.made).toBeGreaterThan(6);
    expect(found.champions.places).toBe(1);
    // The schedules stand still at first, and that is told (seed c1).
    expect(found.deeds.silence).toBeGreaterThan(0);
  });
});

describe('findings', () => {
  it.each<[string, (audit: Audit) => Audit]>([
    [
      'observations were sent',
      (audit) => ({ ...audit, observations: { ...audit.observations, unexplainedMissing: ['jfk x'] } }),
    ],
    ['rows repeat an hour', (audit) => ({ ...audit, hours: { ...audit.hours, twice: 1 } })],
    [
      'hours are not settled',
      (audit) => ({ ...audit, hours: { ...audit.hours, unexplainedUnsettled: ['jfk x'] } }),
    ],
    ['forecasts were made twice', (audit) => ({ ...audit, forecasts: { ...audit.forecasts, twice: 1 } })],
    ['the key can be read in raw/x', (audit) => ({ ...audit, secretsFound: ['raw/x'] })],
  ])('say that %s', (sentence, spoil) => {
    expect(findings(spoil(found)).join()).toContain(sentence);
  });
});
