import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { HOURLY_OBSERVATIONS, keys } from '../../lambdas/lake/layout';
import { type Cell, encodeParquet } from '../../lambdas/lake/parquet';
import { type RunSummary, runSummarySchema } from '../../lambdas/model/metrics-file';
import { runKeys } from '../../lambdas/retrain/steps';
import { addDays, HOUR_MS } from '../../lambdas/runtime/time';
import { type Measured, type Measurement, NOTHING_MEASURED } from '../../lambdas/weather/observation';
import { parseConfig } from '../../lib/config';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Reading } from '../../lib/recorded-weather/recording';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { synthesise } from '../../lib/scenario/synth';
import { normal, seededUniform } from '../lambdas/model/smo/seeded';

const YEAR_HOURS = 8_736;
const RAIN_THRESHOLD_MM = 0.1;

/** Synthetic stations: the recorded year over and over, shifted and perturbed, so that no two are alike. */
export interface Stations {
  readonly count: number;
  readonly firstDay: string;
  readonly days: number;
  /** Recipes that the search tries for each. */
  readonly candidates: number;
  /**
   * Index of the station that has a champion from a run before, and whose training set is then overwritten with
   * garbage: it must fail alone, and keep its champion.
   */
  readonly corrupt?: number;
}

/** Seconds on the wall, and of all threads' CPU: the latter tell more on a machine that has other work. */
export interface Times {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface Retraining {
  readonly status: string;
  readonly summary: RunSummary;
  /** The whole execution: cold starts, feature SQL, search, test, refit and report. */
  readonly whole: Times;
  /** From the end of the last inspection to the end of the last refit: the search, the test and the refit. */
  readonly learning: Times;
}

export const locationId = (station: number): string => `place-${station}`;

/**
 * One retraining as deployed, on the local cloud: bundles in threads, two environments of the function at once.
 * @param look reads what the run left before the cloud is gone.
 */
export async function retrainAsDeployed<T>(
  stations: Stations,
  look: (cloud: LocalGaroa, retraining: Retraining) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'garoa-bench-'));
  const ids = Array.from({ length: stations.count }, (_, i) => locationId(i));
  const config = parseConfig({
    // A degree apart: no two are neighbours of one another, as with places all over a country.
    locations: ids.map((id, i) => ({
      id,
      name: id,
      latitude: -60 + 2 * (i % 60),
      longitude: 4 * Math.floor(i / 60),
      timezone: 'UTC',
    })),
    training: { candidates: stations.candidates },
    firstDay: '1990-01-01',
  });
  let cloud: LocalGaroa | undefined;
  let corrupting = false;
  /** When the last invocation of each step ended. */
  const ended = new Map<string, Times>();
  try {
    await synthesise(config, join(directory, 'cdk.out'));
    const recording = await readRecording(
      join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'),
    );
    cloud = await startLocalGaroa({
      assemblyDirectory: join(directory, 'cdk.out'),
      directory,
      recording,
      start: new Date(`${addDays(stations.firstDay, stations.days)}T00:10:00Z`),
      onInvocation: ({ event }) => {
        const { step, run } = stepOf.parse(event);
        ended.set(step, now());
        if (corrupting && stations.corrupt !== undefined && run !== undefined && step === 'prepare') {
          const key = runKeys.trainingSet(run.id, locationId(stations.corrupt));
          cloud?.services.objects.put(cloud.name('buckets', 'query-results'), key, 'garbage');
        }
      },
    });
    const year = [...recording.series.values()].map((series) =>
      series.between(recording.from, recording.to).slice(0, YEAR_HOURS),
    );
    for (let day = 0; day < stations.days; day++) {
      const date = addDays(stations.firstDay, day);
      const rows = ids.flatMap((id, i) => dayOf(id, i, year[i % year.length] ?? [], date, day));
      const file = Buffer.from(encodeParquet(HOURLY_OBSERVATIONS.columns, rows));
      cloud.services.objects.put(cloud.name('buckets', 'processed'), keys.hourlyDay(date), file);
    }
    const machine = cloud.name('stateMachines', '-retrain');
    if (stations.corrupt !== undefined) {
      await cloud.execute(machine, { locations: [locationId(stations.corrupt)] });
      corrupting = true;
    }
    const started = now();
    const execution = await cloud.execute(machine, {});
    return await look(cloud, {
      status: execution.status,
      summary: runSummarySchema.parse(execution.output),
      whole: between(started, now()),
      learning: between(ended.get('inspect') ?? started, ended.get('refit') ?? started),
    });
  } finally {
    await cloud?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const stepOf = z.object({ step: z.string(), run: z.object({ id: z.string() }).optional() });

/** Times since the process started. */
export function now(): Times {
  const { user, system } = process.cpuUsage();
  return { seconds: performance.now() / 1_000, cpuSeconds: (user + system) / 1e6 };
}

export function between(from: Times, to: Times): Times {
  return { seconds: to.seconds - from.seconds, cpuSeconds: to.cpuSeconds - from.cpuSeconds };
}

/** Standard deviations of what repeated years are perturbed by: about a sixth of each measurement's own. */
const PERTURBATION: Partial<Record<Measurement, number>> = {
  temp_c: 1.5,
  dewpoint_c: 1.5,
  humidity_pct: 3,
  pressure_mb: 1.2,
};

/** One day of one station: recorded hours from another part of the year, a little warmer or wetter. */
function dayOf(id: string, station: number, year: readonly Reading[], date: string, day: number) {
  const uniform = seededUniform(station * 10_000 + day);
  return Array.from({ length: 24 }, (_, hour): Record<string, Cell> => {
    const at = day * 24 + hour + station * 97;
    const values = year[at % year.length]?.values;
    const repetition = Math.floor(at / year.length);
    const value = (name: Measurement) => values?.[name] ?? null;
    const near = (name: Measurement) => {
      const recorded = value(name);
      const spread = repetition === 0 ? 0 : (PERTURBATION[name] ?? 0);
      return recorded === null ? null : recorded + Math.sin(station + repetition) + spread * normal(uniform);
    };
    const humidity = near('humidity_pct');
    return hourlyRow(id, Date.parse(`${date}T00:00:00Z`) + hour * HOUR_MS, {
      ...NOTHING_MEASURED,
      ...values,
      temp_c: near('temp_c'),
      dewpoint_c: near('dewpoint_c'),
      humidity_pct: humidity === null ? null : Math.min(Math.max(humidity, 0), 100),
      pressure_mb: near('pressure_mb'),
    });
  });
}

/** A row of `hourly_observations` in which known and true are what was recorded. */
export function hourlyRow(id: string, hour: number, values: Measured): Record<string, Cell> {
  const { precip_mm, wind_kph, wind_degree } = values;
  const wind = (part: (radians: number) => number) =>
    wind_kph === null || wind_degree === null ? null : -wind_kph * part((wind_degree * Math.PI) / 180);
  const rained = precip_mm === null ? null : precip_mm >= RAIN_THRESHOLD_MM;
  return {
    location_id: id,
    hour: new Date(hour).toISOString(),
    kind: 'settled',
    observation_count: 1,
    covered_minutes: 60,
    settled_at: null,
    temp_c: values.temp_c,
    dewpoint_c: values.dewpoint_c,
    humidity_pct: values.humidity_pct,
    pressure_mb: values.pressure_mb,
    wind_u_kph: wind(Math.sin),
    wind_v_kph: wind(Math.cos),
    gust_kph: values.gust_kph,
    rain_threshold_mm: RAIN_THRESHOLD_MM,
    known_precip_mm: precip_mm,
    known_rained: rained,
    precip_mm,
    rained,
    cloud_pct: values.cloud_pct,
    visibility_km: values.visibility_km,
    uv: values.uv,
    provider_probability: null,
    provider_precip_mm: null,
    provider_issued_at: null,
    source: 'recording',
  };
}
