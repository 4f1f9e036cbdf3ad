import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { keys } from '../../lambdas/lake/layout';
import { decodeParquet } from '../../lambdas/lake/parquet';
import { getObject } from '../../lambdas/lake/s3';
import { addHours, utcSecond } from '../../lambdas/runtime/time';
import { parseConfig } from '../../lib/config';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../lib/recorded-weather/recording';
import { NO_ERRORS } from '../../lib/recorded-weather/weather-api/manners';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/** The afternoon on which the rain of 29 December began. */
const START = '2013-12-29T14:00:00Z';
const HOURS = [0, 1, 2, 3].map((hour) => addHours(START, hour));

const hourRow = z.object({
  location_id: z.string(),
  hour: z.string(),
  kind: z.string(),
  covered_minutes: z.number(),
  temp_c: z.number().nullable(),
  known_precip_mm: z.number().nullable(),
  precip_mm: z.number().nullable(),
});

describe('an afternoon of polls to Open-Meteo, four an hour', () => {
  let directory: string;
  let cloud: LocalGaroa;
  let recording: Recording;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'garoa-open-meteo-'));
    recording = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
    const config = parseConfig({
      provider: 'open-meteo',
      locations: recording.locations.map((location) => ({ ...location, pollEveryMinutes: 15 })),
    });
    const assemblyDirectory = join(directory, 'cdk.out');
    await synthesise(config, assemblyDirectory);
    const start = new Date(START);
    cloud = await startLocalGaroa({
      patience: PATIENCE,
      assemblyDirectory,
      directory,
      recording,
      manners: NO_ERRORS,
      start,
    });
    for (const hour of HOURS) await cloud.advanceTo(new Date(`${addHours(hour, 1).slice(0, 14)}06:00Z`));
    await cloud.settle();
  });

  afterAll(async () => {
    await cloud.close();
    rmSync(directory, { recursive: true });
  });

  it('closes each hour in time with its own rain and the air of its end, as they were recorded', async () => {
    const stored = await getObject(cloud.bucket('processed'), keys.hourlyDay(START.slice(0, 10)));
    const columns = Object.keys(hourRow.shape);
    const rows = await decodeParquet(stored?.bytes ?? new Uint8Array(), columns, hourRow);
    const expected = recording.locations.flatMap(({ id }) =>
      (
        recording.series.get(id)?.between(Date.parse(START) / 1_000, Date.parse(START) / 1_000 + 4 * 3_600) ??
        []
      ).map(({ time, values: { temp_c, precip_mm } }) => ({
        location_id: id,
        hour: utcSecond(time * 1_000),
        kind: 'polled',
        covered_minutes: 60,
        temp_c,
        known_precip_mm: precip_mm,
        precip_mm,
      })),
    );
    expect(rows.filter(({ hour }) => HOURS.includes(hour))).toEqual(expected);
    expect(expected).toHaveLength(12);
    expect(expected.some(({ precip_mm }) => (precip_mm ?? 0) > 0)).toBe(true);
  });

  it('counts as one call for each place and poll, with the forecast of the next hour in it', () => {
    const polls = cloud.invocations().filter((record) => record.function.endsWith('-ingest'));
    expect(polls.length).toBeGreaterThanOrEqual(16);
    expect(cloud.weather.requests()).toBe(polls.length);
    expect(cloud.weather.calls()).toBe(3 * polls.length);
  });
});
