import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { FORECASTS, HOURLY_OBSERVATIONS, keys } from '../../lambdas/lake/layout';
import { decodeParquet } from '../../lambdas/lake/parquet';
import { putObject } from '../../lambdas/lake/s3';
import { promote } from '../../lambdas/model/registry';
import { addDays, addHours, datesBetween, utcSecond, utcSecondSchema } from '../../lambdas/runtime/time';
import { parseConfig } from '../../lib/config';
import type { InvocationRecord } from '../../lib/local/cloud';
import { projectRoot } from '../../lib/project-root';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../lib/recorded-weather/recording';
import { type Manners, REAL_MANNERS } from '../../lib/recorded-weather/weather-api/manners';
import { hourOf } from '../../lib/recorded-weather/weather-api/recorded-weather';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { modelFile } from '../lambdas/model/model-file-fixture';
import { PATIENCE } from '../patience';
import { synthesise } from './synthesise';

/** A month with a change to summer time, on March 10th. */
const FROM = '2013-02-18';
const DAYS = 30;
const TO = addDays(FROM, DAYS - 1);
/** Days after which history of a day is settled, and an upkeep has looked at it. */
const SETTLED_AFTER_DAYS = 3;
const PLACE = 'jfk';
/** The poll that closes an hour; it is the only one of a place that is polled once an hour. */
const CLOSING_MINUTE = 56;

/** Every third hour is polled, so that each day is served by halves until its history is settled. */
const POLLED_HOURS = [2, 5, 8, 11, 14, 17, 20, 23];
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour);
/** Nobody polls after its first hour, and its history is asked for while it still lacks hours. */
const SILENT_DAY = '2013-02-25';

const directory = mkdtempSync(join(tmpdir(), 'garoa-month-'));
const assemblyDirectory = join(directory, 'cdk.out');
let recording: Recording;

beforeAll(async () => {
  const all = await readRecording(join(projectRoot, 'lib/recorded-weather/recordings/nyc-2013.csv.gz'));
  recording = { ...all, locations: all.locations.filter(({ id }) => id === PLACE) };
  const config = parseConfig({
    plan: 'business',
    firstDay: FROM,
    locations: recording.locations.map((location) => ({ ...location, pollEveryMinutes: 60 })),
  });
  await synthesise(config, assemblyDirectory);
});

const started: LocalGaroa[] = [];
afterAll(async () => {
  await Promise.all(started.map((cloud) => cloud.close()));
  rmSync(directory, { recursive: true });
});

interface Month {
  readonly cloud: LocalGaroa;
  /** Requests for history by virtual date. */
  readonly historyAsked: ReadonlyMap<string, number>;
  /** Requests by path. */
  readonly asked: ReadonlyMap<string, number>;
  readonly failures: readonly InvocationRecord[];
}

async function liveMonth(
  manners: Manners,
  name: string,
  polledHours: (date: string) => readonly number[],
  /** What happens after the day's first hourly minute, before upkeep. */
  eachDay: (cloud: LocalGaroa, date: string) => Promise<void>,
): Promise<Month> {
  const historyAsked = new Map<string, number>();
  const asked = new Map<string, number>();
  const cloud = await startLocalGaroa({
    patience: PATIENCE,
    assemblyDirectory,
    directory: join(directory, name),
    recording,
    manners,
    start: new Date(`${FROM}T00:00:00Z`),
    weatherFaults: ({ path, at }) => {
      const date = utcSecond(at).slice(0, 10);
      asked.set(path, (asked.get(path) ?? 0) + 1);
      if (path === '/history.json') historyAsked.set(date, (historyAsked.get(date) ?? 0) + 1);
      return undefined;
    },
  });
  started.push(cloud);
  const version = '20130217T000000Z-00000001';
  const models = cloud.bucket('models');
  await putObject(
    models,
    keys.model(PLACE, version),
    JSON.stringify(modelFile(PLACE, version)),
    'application/json',
  );
  await promote(models, {
    location: PLACE,
    version,
    at: `${FROM}T00:00:00Z`,
    outcome: 'promoted',
    reason: 'test',
    run: null,
  });
  for (const date of datesBetween(FROM, addDays(TO, SETTLED_AFTER_DAYS))) {
    if (date <= TO) await pollDay(cloud, date, polledHours(date));
    const next = addDays(date, 1);
    await at(cloud, `${next}T00:05:00Z`);
    await eachDay(cloud, date);
    await at(cloud, `${next}T00:25:00Z`);
    await cloud.execute(cloud.name('stateMachines', '-upkeep'), {
      upkeep: true,
      scheduledTime: `${next}T00:25:00Z`,
    });
  }
  return {
    cloud,
    historyAsked,
    asked,
    failures: cloud.invocations().filter(({ result }) => result.functionError !== undefined),
  };
}

async function at(cloud: LocalGaroa, instant: string): Promise<void> {
  await cloud.settle(new Date(instant));
}

async function pollDay(cloud: LocalGaroa, date: string, hours: readonly number[]): Promise<void> {
  for (const hour of hours) {
    const scheduledTime = `${addHours(`${date}T00:00:00Z`, hour).slice(0, 14)}${CLOSING_MINUTE}:00Z`;
    await at(cloud, scheduledTime);
    const event = { scheduledTime, everyMinutes: 60, shard: 0, shards: 1 };
    await cloud.invoke(cloud.name('functions', '-ingest'), event);
  }
}

function hoursPolled(date: string): readonly number[] {
  return date === SILENT_DAY ? POLLED_HOURS.slice(0, 1) : POLLED_HOURS;
}

const rowSchema = z.object({
  hour: utcSecondSchema,
  kind: z.enum(['polled', 'settled', 'both', 'listed']),
  settled_at: utcSecondSchema.nullable(),
  known_precip_mm: z.number().nullable(),
  precip_mm: z.number().nullable(),
});
type Row = z.infer<typeof rowSchema>;

async function hoursOf(cloud: LocalGaroa): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { bytes } of cloud.objects('processed', HOURLY_OBSERVATIONS.prefix)) {
    rows.push(...(await decodeParquet(bytes, Object.keys(rowSchema.shape), rowSchema)));
  }
  return rows.filter(({ hour }) => hour <= `${TO}T23:59:59Z`).sort((a, b) => a.hour.localeCompare(b.hour));
}

const forecastSchema = z.object({ target_hour: utcSecondSchema, probability: z.number() });

describe('thirty days of a provider that revises its history', () => {
  let month: Month;
  /** By date, how many hours of at least three days ago were not settled after that day's upkeep. */
  const unsettled = new Map<string, string[]>();

  beforeAll(async () => {
    month = await liveMonth(REAL_MANNERS, 'revised', hoursPolled, async (cloud, date) => {
      const scheduledTime = `${addDays(date, 1)}T00:05:00Z`;
      await cloud.invoke(cloud.name('functions', '-hourly'), { scheduledTime });
      if (date === SILENT_DAY) {
        const fetched = await cloud.invoke(cloud.name('functions', '-ingest'), {
          backfill: { date },
          at: cloud.now().toISOString(),
        });
        expect(fetched.functionError).toBeUndefined();
      }
      const due = addDays(date, -SETTLED_AFTER_DAYS);
      const open = (await hoursOf(cloud)).filter(
        ({ hour, settled_at }) => hour.slice(0, 10) < due && settled_at === null,
      );
      unsettled.set(
        date,
        open.map(({ hour }) => hour),
      );
    });
  });

  it('fails nowhere', () => {
    expect(month.failures.map(({ function: name, event, result }) => ({ name, event, result }))).toEqual([]);
    expect(new Set(month.cloud.executions().map(({ status }) => status))).toEqual(new Set(['SUCCEEDED']));
  });

  it('has every recorded hour settled, the silent day and the day of summer time included, as history has it', async () => {
    const rows = await hoursOf(month.cloud);
    const from = Date.parse(`${FROM}T00:00:00Z`) / 1000;
    const recorded = recording.series.get(PLACE)?.between(from, from + DAYS * 86_400) ?? [];
    expect(rows.filter(({ settled_at }) => settled_at === null)).toEqual([]);
    expect(rows.map(({ hour, precip_mm }) => [hour, precip_mm])).toEqual(
      recorded.map(({ time, values }) => [utcSecond(time * 1000), values.precip_mm]),
    );
  });

  it('leaves no hour provisional for longer than three days', () => {
    expect([...unsettled].filter(([, hours]) => hours.length > 0)).toEqual([]);
  });

  it('keeps what was known apart from what was true', async () => {
    const rows = await hoursOf(month.cloud);
    const isPolled = ({ hour }: Row): boolean =>
      hoursPolled(hour.slice(0, 10)).includes(Number(hour.slice(11, 13)));
    const polled = rows.filter(isPolled);
    const others = rows.filter((row) => !isPolled(row));
    expect(new Set(polled.map(({ kind }) => kind))).toEqual(new Set(['both']));
    expect(new Set(others.map(({ kind }) => kind))).toEqual(new Set(['settled']));
    const wet = (amount: number | null): boolean => (amount ?? 0) >= 0.1;
    const disagree = polled.filter((row) => wet(row.known_precip_mm) !== wet(row.precip_mm));
    expect(disagree.length).toBeGreaterThan(0);
    expect(disagree.length).toBeLessThan(0.1 * polled.length);
  });

  it('asks for one settled day and two younger ones with gaps each time, and three times for what is never there', async () => {
    const days = datesBetween(FROM, TO);
    const recordedHours = (date: string): number => {
      const start = Date.parse(`${date}T00:00:00Z`) / 1000;
      return recording.series.get(PLACE)?.hoursBetween(start, start + 86_400) ?? 0;
    };
    const incomplete = days.filter((date) => recordedHours(date) < 24).length;
    const asked = [...month.historyAsked.values()].reduce((sum, count) => sum + count, 0);
    // Each day of history is two local dates; the silent day is asked for by hand as well.
    const runs = DAYS + SETTLED_AFTER_DAYS;
    expect(asked).toBeLessThanOrEqual(2 * (3 * runs + 2 * incomplete + 1));
  });

  it('has judged every forecast on settled truth', async () => {
    const rows = new Map((await hoursOf(month.cloud)).map((row) => [row.hour, row]));
    let judged = 0;
    for (const { bytes } of month.cloud.objects('processed', FORECASTS.prefix)) {
      for (const { target_hour } of await decodeParquet(
        bytes,
        Object.keys(forecastSchema.shape),
        forecastSchema,
      )) {
        const target = rows.get(target_hour);
        if (target === undefined) continue;
        expect(target.settled_at).not.toBeNull();
        judged += 1;
      }
    }
    expect(judged).toBeGreaterThanOrEqual(DAYS - 2);
  });
});

describe('thirty days of a plan without history', () => {
  /** Where the provider's last local hour is the fourth or the third of UTC, and once more in a day. */
  const FEW_HOURS = [3, 4, 23];
  let month: Month;
  beforeAll(async () => {
    // Upkeep closes the day before as well, so that no hourly run is needed where nothing is forecast.
    // Without gaps at first: until a day has settled, nobody knows that the plan has no history to fill them from.
    const known = addDays(FROM, SETTLED_AFTER_DAYS);
    const hours = (date: string) => (date <= known ? EVERY_HOUR : FEW_HOURS);
    month = await liveMonth({ ...REAL_MANNERS, historyDays: 0 }, 'without', hours, async () => {});
  });

  it('is a state and no failure: truth stays what polls told', async () => {
    expect(new Set(month.cloud.executions().map(({ status }) => status))).toEqual(new Set(['SUCCEEDED']));
    const rows = await hoursOf(month.cloud);
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['polled', 'listed']));
    const told = rows.filter(({ known_precip_mm }) => known_precip_mm !== null);
    expect(told.length).toBeGreaterThan(150);
    expect(told.filter(({ known_precip_mm, precip_mm }) => known_precip_mm !== precip_mm)).toEqual([]);
  });

  it('knows what was true of the hours that nobody polled from the list that each local day’s last hour brings', async () => {
    const rows = new Map((await hoursOf(month.cloud)).map((row) => [row.hour, row]));
    const from = Date.parse(`${FROM}T00:00:00Z`) / 1000;
    const recorded = recording.series.get(PLACE)?.between(from, from + (DAYS - 1) * 86_400) ?? [];
    const hours = recorded.map(({ time }) => utcSecond(hourOf(time) * 1000));
    expect(hours.filter((hour) => (rows.get(hour)?.precip_mm ?? null) === null)).toEqual([]);
    const unpolled = [...rows.values()].filter(({ known_precip_mm }) => known_precip_mm === null);
    expect(unpolled.length).toBeGreaterThan(500);
    expect(new Set(unpolled.map(({ kind, settled_at }) => `${kind} ${settled_at}`))).toEqual(
      new Set(['listed null']),
    );
    // Not a call more: each poll is one request, and it is the hour's closing poll.
    const polls = month.cloud.invocations().filter(({ event }) => 'everyMinutes' in Object(event)).length;
    expect(month.asked).toEqual(
      new Map([
        ['/forecast.json', polls],
        ['/history.json', 2 * 5],
      ]),
    );
  });

  it('is asked about once a week, and no call more', () => {
    const dates = [...month.historyAsked.keys()].sort();
    expect(dates).toEqual(dates.map((_, week) => addDays(dates[0] ?? '', 7 * week)));
    expect(dates.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...month.historyAsked.values())).toBeLessThanOrEqual(2);
    // The question itself is answered with an error; nothing else goes wrong.
    expect(month.failures.map(({ at, function: name }) => `${name} ${at.slice(0, 10)}`)).toEqual(
      dates.map((date) => `garoa-prod-ingest ${date}`),
    );
  });
});
