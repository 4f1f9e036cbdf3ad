import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import * as z from 'zod';
import { decodeForecasts, type Forecast, latestSchema } from '../../lambdas/lake/forecasts';
import { FORECASTS, HOURLY_OBSERVATIONS, keys } from '../../lambdas/lake/layout';
import { decodeRows } from '../../lambdas/lake/rows';
import { getObject, getText } from '../../lambdas/lake/s3';
import { evaluate } from '../../lambdas/model/evaluation';
import { type ModelMetrics, metricsSchema } from '../../lambdas/model/metrics-file';
import { readLedger } from '../../lambdas/model/registry';
import { addHours, utcSecond, utcSecondSchema } from '../../lambdas/runtime/time';
import { parseConfig } from '../../lib/config';
import type { Execution } from '../../lib/local/step-functions/execution';
import { readRecording } from '../../lib/recorded-weather/observation-file/read';
import type { Recording } from '../../lib/recorded-weather/recording';
import { REAL_MANNERS } from '../../lib/recorded-weather/weather-api/manners';
import { type LocalGaroa, startLocalGaroa } from '../../lib/scenario/local-garoa';
import { runScenario } from '../../lib/scenario/scenario';
import { takeScreenshots } from '../../lib/scenario/screenshots';
import { spanOf } from '../../lib/scenario/span';
import { type Summary, storedObservations, summarySchema } from '../../lib/scenario/summary';
import { createProgress } from '../../lib/terminal/progress';
import { cellsOf, describeInBrowser, faultsOf, NOTHING_WRONG } from '../lambdas/pages/browser';
import { PATIENCE } from '../patience';
import { madeUpForecast, withKeptForecasts, withMadeUpForecasts } from './made-up-forecasts';
import { synthesise } from './synthesise';

/**
 * What `npm start` does, on forty days of the recording. The live part begins on a Sunday, so that the weekly
 * retraining falls into it and the forecasts go on under the model that comes of it.
 */
const LIVE_HOURS = 5;
const scenario = {
  backfillDays: 40,
  liveHours: LIVE_HOURS,
  retrainAtEnd: false,
  faults: 0,
  // The live part is too short for anything to settle, so that all of yesterday has to be there at once.
  manners: { ...REAL_MANNERS, latestHoursLacking: 0 },
};

const directory = mkdtempSync(join(tmpdir(), 'garoa-pipeline-'));
const assemblyDirectory = join(directory, 'cdk.out');
let recording: Recording;
let cloud: LocalGaroa;
let summary: Summary;
let span: ReturnType<typeof spanOf>;

beforeAll(async () => {
  recording = await readRecording('lib/recorded-weather/recordings/nyc-2013.csv.gz');
  span = spanOf({ recording, ...scenario });
  const config = parseConfig({
    plan: 'business',
    locations: recording.locations,
    firstDay: span.firstDay,
    training: { candidates: 2 },
  });
  await synthesise(config, assemblyDirectory);
  const place = {
    assemblyDirectory,
    directory: join(directory, 'run'),
    hourlyMinute: config.schedules.hourlyMinute,
    accountConcurrency: config.accountConcurrency,
    synthSeconds: 0,
    patience: PATIENCE,
    onStarted: (running: LocalGaroa) => {
      cloud = running;
    },
  };
  const silent = createProgress({ write: () => true });
  ({ summary } = await runScenario({ recording, ...scenario }, place, silent));
});

afterAll(async () => {
  await cloud.close();
  rmSync(directory, { recursive: true });
});

const hourRow = z.object({ location_id: z.string(), hour: z.string(), rained: z.boolean().nullable() });
const forecastRow = z.object({
  location_id: z.string(),
  base_hour: z.string(),
  target_hour: z.string(),
  probability: z.number(),
  model_version: z.string(),
});
const verificationRow = z.object({
  location_id: z.string(),
  window_days: z.int(),
  hours: z.int(),
  squared_error: z.number(),
});
const testRow = z.object({
  hour: z.string(),
  probability: z.number(),
  outcome: z.union([z.literal(0), z.literal(1)]),
  wet_now: z.number().nullable(),
  persistence_probability: z.number(),
});

const keptRow = z.object({
  location_id: z.string(),
  hour: utcSecondSchema,
  provider_probability: z.number().nullable(),
  provider_precip_mm: z.number().nullable(),
  provider_issued_at: utcSecondSchema.nullable(),
});
const MEMBERS = ['preprocessing', 'supportVectors', 'members', 'linear', 'calibration'] as const;
const modelJson = z.object({
  recipe: z.unknown(),
  preprocessing: z.unknown(),
  supportVectors: z.unknown(),
  members: z.unknown(),
  linear: z.unknown(),
  calibration: z.unknown(),
  joined: z.object({ speaks: z.boolean() }).nullable(),
});

async function table<T extends z.ZodRawShape>(
  prefix: string,
  schema: z.ZodObject<T>,
): Promise<z.infer<z.ZodObject<T>>[]> {
  const rows: z.infer<z.ZodObject<T>>[] = [];
  for (const { bytes } of cloud.objects('processed', prefix)) {
    rows.push(...(await decodeRows(bytes, schema)));
  }
  return rows;
}

async function metricsOf(location: string, version: string): Promise<ModelMetrics> {
  const text = await getText(cloud.bucket('models'), keys.metrics(location, version));
  return metricsSchema.parse(JSON.parse(text ?? 'null'));
}

const hoursOf = (location: string, from: string, to: string): string[] => {
  const readings =
    recording.series.get(location)?.between(Date.parse(from) / 1000, Date.parse(to) / 1000) ?? [];
  return readings.map(({ time }) => new Date(time * 1000).toISOString().replace('.000Z', 'Z'));
};

/** A location's first model of the run, and the one that the Sunday's retraining made. */
const versionsOf = (location: string): string[] =>
  summary.retrain.flatMap((entry) =>
    entry.location === location && entry.version !== null ? [entry.version] : [],
  );

/** Which figures of `metrics.json` a model's page shows, and to how many digits. */
const MEASURES = [
  ['Brier score', 'brier', 4],
  ['Log loss', 'logLoss', 4],
  ['Average precision', 'averagePrecision', 3],
  ['Onset average precision', 'onsetAveragePrecision', 3],
  ['ROC AUC', 'rocAuc', 3],
  ['F1', 'f1', 3],
  ['Precision', 'precision', 3],
  ['Recall', 'recall', 3],
  ['Accuracy', 'accuracy', 3],
] as const;

/** The number of a cell such as `1,527 correct`. */
const numberIn = (cell: string): number => Number(cell.replaceAll(/\D/g, ''));

const withFirstChampion = (): string[] =>
  summary.retrain.flatMap(({ execution, version, location }) =>
    execution === 'run-0001' && version !== null ? [location] : [],
  );

describe('the whole pipeline on forty days of recorded weather', () => {
  it('stores every observation that the provider delivered', () => {
    expect(storedObservations(cloud)).toEqual(new Set(cloud.weather.served().keys()));
    expect(summary.ingest.observationsStored).toBe(summary.ingest.observationsServed);
    expect(summary.ingest.failures).toBe(0);
  });

  it('polls in every live minute and closes every live hour once', () => {
    const polls = cloud
      .invocations()
      .filter(({ source, function: name }) => source === 'asynchronous' && name.endsWith('-ingest'));
    const closings = cloud
      .invocations()
      .filter(({ source, function: name }) => source === 'asynchronous' && name.endsWith('-hourly'));
    expect(polls).toHaveLength(LIVE_HOURS * 60);
    expect(closings).toHaveLength(LIVE_HOURS);
    expect(closings.flatMap(({ result }) => result.functionError ?? [])).toEqual([]);
  });

  it('has exactly one row for each location and hour that was recorded', async () => {
    const rows = await table(HOURLY_OBSERVATIONS.prefix, hourRow);
    const expected = recording.locations.flatMap(({ id }) =>
      hoursOf(id, summary.scenario.from, summary.scenario.to).map((hour) => `${id} ${hour}`),
    );
    expect(rows.map(({ location_id, hour }) => `${location_id} ${hour}`).sort()).toEqual(expected.sort());
    expect(summary.hourly.rows).toBe(expected.length);
  });

  it('trains every location twice and promotes what passes the gate', async () => {
    for (const { id } of recording.locations) {
      const runs = summary.retrain.filter(({ location }) => location === id);
      expect(runs.map(({ execution, status }) => ({ execution, status }))).toEqual([
        { execution: 'run-0001', status: 'SUCCEEDED' },
        { execution: 'run-0002', status: 'SUCCEEDED' },
      ]);
      for (const { outcome, test, persistence } of runs) {
        expect(['promoted', 'refreshed', 'kept']).toContain(outcome);
        if (outcome === 'promoted') expect(test?.brier).toBeLessThan(persistence?.brier ?? 0);
      }
      const ledger = await readLedger(cloud.bucket('models'), id);
      expect(ledger.map(({ version }) => version)).toEqual(versionsOf(id));
    }
    expect(withFirstChampion().length).toBeGreaterThan(0);
    const latest = latestSchema.parse(
      JSON.parse((await getText(cloud.bucket('models'), keys.latest)) ?? 'null'),
    );
    for (const { locationId, modelVersion } of latest.forecasts) {
      expect(modelVersion).toBe(versionsOf(locationId).at(-1));
    }
  });

  it('has a forecast for every hour that was closed, by the champion of that time', async () => {
    const forecasts = await table(FORECASTS.prefix, forecastRow);
    const expected = withFirstChampion().flatMap((id) =>
      hoursOf(id, span.liveFrom, span.liveTo).map((hour) => `${id} ${hour} ${addHours(hour, 1)}`),
    );
    const found = forecasts
      .filter(({ location_id }) => withFirstChampion().includes(location_id))
      .map(({ location_id, base_hour, target_hour }) => `${location_id} ${base_hour} ${target_hour}`);
    expect(found.sort()).toEqual(expected.sort());
    for (const { location_id, base_hour, model_version } of forecasts) {
      const ledger = await readLedger(cloud.bucket('models'), location_id);
      // Issued at minute 5 of the hour after the base hour.
      const issued = addHours(base_hour, 1).replace(':00:00Z', ':05:00Z');
      expect(model_version).toBe(ledger.filter(({ since }) => since <= issued).at(-1)?.version);
    }
    const announced = cloud.events().filter((event) => event['detail-type'] === 'RainForecast');
    expect(announced).toHaveLength(forecasts.length);
  });

  it('has verified every forecast whose hour is known', async () => {
    const truth = new Map(
      (await table(HOURLY_OBSERVATIONS.prefix, hourRow)).map((row) => [
        `${row.location_id} ${row.hour}`,
        row.rained,
      ]),
    );
    const all = await table(FORECASTS.prefix, forecastRow);
    const known = all.flatMap((row) => {
      const rained = truth.get(`${row.location_id} ${row.target_hour}`) ?? null;
      return rained === null ? [] : [{ ...row, error: (row.probability - Number(rained)) ** 2 }];
    });
    expect(known.length).toBeGreaterThan(0);
    const verified = (await table('forecast_verification/', verificationRow)).filter(
      (row) => row.window_days === 1,
    );
    for (const { id } of recording.locations) {
      const mine = known.filter((row) => row.location_id === id);
      const rows = verified.filter((row) => row.location_id === id);
      expect(rows.reduce((sum, { hours }) => sum + hours, 0)).toBe(mine.length);
      expect(rows.reduce((sum, row) => sum + row.squared_error, 0)).toBeCloseTo(
        mine.reduce((sum, { error }) => sum + error, 0),
        12,
      );
    }
    expect(summary.forecasts).toMatchObject({ made: all.length, verified: known.length });
  });

  it('keeps what each test metric can be recomputed from', async () => {
    for (const { location, version, test } of summary.retrain) {
      if (version === null) continue;
      const metrics = await metricsOf(location, version);
      const stored = await getObject(cloud.bucket('models'), keys.testForecasts(location, version));
      const rows = await decodeRows(stored?.bytes ?? new Uint8Array(), testRow);
      const outcomes = Uint8Array.from(rows, ({ outcome }) => outcome);
      const wetNow = Float64Array.from(rows, ({ wet_now }) => wet_now ?? Number.NaN);
      const again = (probability: (row: z.infer<typeof testRow>) => number, threshold: number): unknown =>
        evaluate(outcomes, Float64Array.from(rows, probability), wetNow, threshold);
      expect(metrics.test).toMatchObject(Object(again((row) => row.probability, metrics.test.threshold)));
      expect(metrics.persistence).toMatchObject(
        Object(again((row) => row.persistence_probability, metrics.persistence.threshold)),
      );
      expect(test).toMatchObject({ brier: metrics.test.brier, confusion: metrics.test.confusion });
    }
  });

  it('writes a page for every place, and an index', async () => {
    const models = cloud.bucket('models');
    for (const { id } of recording.locations) {
      expect(await getText(models, keys.page(id))).toContain('<svg');
    }
    expect(await getText(models, keys.pagesIndex)).toContain('Newark');
  });

  it('gives a summary that its schema takes back from JSON', () => {
    expect(summarySchema.parse(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
  });
});

describeInBrowser('the pages of the run in a browser', (browser) => {
  const addressOf = (key: string): string =>
    pathToFileURL(join(directory, 'run', 's3', cloud.bucket('models').name, key)).href;
  let page: Page;
  beforeAll(async () => {
    page = await browser().newPage();
  });

  it('hold what every page must hold: light, dark, wide, narrow, printed, and for screen readers', async () => {
    const [id = ''] = withFirstChampion();
    for (const key of [keys.pagesIndex, keys.page(id)]) {
      expect({ key, ...(await faultsOf(browser(), addressOf(key))) }).toEqual({ key, ...NOTHING_WRONG });
    }
  });

  it('show the forecasts of latest.json', async () => {
    const text = await getText(cloud.bucket('models'), keys.latest);
    const { forecasts } = latestSchema.parse(JSON.parse(text ?? 'null'));
    expect(forecasts.length).toBeGreaterThan(0);
    await page.goto(addressOf(keys.pagesIndex));
    for (const { locationId, probability, willRain } of forecasts) {
      const row = page.locator('#places tr', { has: page.locator(`a[href="places/${locationId}.html"]`) });
      const chance = probability < 0.005 ? '<1%' : `${Math.round(probability * 100)}%`;
      expect(await row.locator('td').first().innerText()).toBe(`${willRain ? '☂ ' : ''}${chance}`);
    }
  });

  it('show the windows of forecast_verification', async () => {
    const windows = new Map(
      (await table('forecast_verification/', verificationRow))
        .filter(({ window_days }) => window_days === 30)
        .map((row) => [row.location_id, row]),
    );
    await page.goto(addressOf(keys.pagesIndex));
    for (const { id } of recording.locations) {
      const { hours = 0 } = windows.get(id) ?? {};
      const row = page.locator('#places tr', { has: page.locator(`a[href="places/${id}.html"]`) });
      const skill = hours === 0 ? 'too early' : `too early: ${hours} h`;
      expect(await row.locator('td').last().innerText()).toBe(skill);
    }
  });

  it('show the numbers of metrics.json, for every champion', async () => {
    for (const { id } of recording.locations) {
      for (const version of versionsOf(id).slice(-1)) {
        const { test, persistence, climatology, logisticRegression, ...metrics } = await metricsOf(
          id,
          version,
        );
        await page.goto(addressOf(keys.page(id)));
        const [head = [], ...measures] = await cellsOf(page, 'Measures on the test part');
        const shown = measures.map((cells) =>
          Object.fromEntries(cells.map((cell, i) => [head[i] ?? '', cell])),
        );
        expect(shown).toEqual(
          MEASURES.map(([label, measure, digits]) =>
            expect.objectContaining({
              Measure: label,
              'This recipe': test[measure]?.toFixed(digits) ?? 'not known',
              Persistence: persistence[measure]?.toFixed(digits) ?? 'not known',
              Climatology: climatology[measure]?.toFixed(digits) ?? 'not known',
              'Logistic regression': logisticRegression?.[measure]?.toFixed(digits) ?? 'not known',
            }),
          ),
        );
        const [, ...confusion] = await cellsOf(page, `probability of ${(test.threshold * 100).toFixed(1)}%`);
        expect(confusion.map(([, ...cells]) => cells.map(numberIn))).toEqual(test.confusion);
        const [, ...reliability] = await cellsOf(page, 'Hours by forecast probability');
        expect(reliability.slice(0, test.reliability.length).map(([, hours]) => Number(hours))).toEqual(
          test.reliability.map(({ hours }) => hours),
        );
        const [, ...candidates] = await cellsOf(page, 'Recipes tried');
        // The best first, and those that were refused last.
        const scores = metrics.candidates.map((tried) => (tried.status === 'scored' ? tried.brier : 1));
        expect(candidates.map(([, score]) => score)).toEqual(
          scores.sort((a, b) => a - b).map((score) => (score < 1 ? score.toFixed(4) : '')),
        );
      }
    }
  });

  it('lead from the index to each champion, and back', async () => {
    await page.goto(addressOf(keys.pagesIndex));
    const [id = ''] = withFirstChampion();
    await page.locator(`#places a[href="places/${id}.html"]`).click();
    expect(page.url()).toBe(addressOf(keys.page(id)));
    await page.getByRole('link', { name: 'All places' }).click();
    expect(page.url()).toBe(addressOf(keys.pagesIndex));
  });

  it('can be photographed', async () => {
    const files = await takeScreenshots(join(directory, 'run'));
    expect(files.map((file) => basename(file))).toEqual(
      ['index', 'place'].flatMap((name) =>
        ['1280-light', '1280-dark', '390-light', '390-dark'].map((view) => `${name}-${view}.png`),
      ),
    );
    // A PNG says its width in the header, after signature and chunk name.
    expect(files.map((file) => readFileSync(file).readUInt32BE(16))).toEqual(
      files.map((file) => (file.includes('1280') ? 1280 : 390)),
    );
  });
});

describe('another run, on the observations of the first', () => {
  const again = join(directory, 'again');
  let second: LocalGaroa;
  let execution: Execution;
  const askedFor: string[] = [];
  beforeAll(async () => {
    const observations = join('s3', cloud.name('buckets', '-processed'), HOURLY_OBSERVATIONS.prefix);
    cpSync(join(directory, 'run', observations), join(again, observations), { recursive: true });
    // A version begins with the instant of its retraining, which came after what the backfill had to ask for twice.
    const [version = ''] = withFirstChampion().flatMap(versionsOf);
    const [, day, hh, mm, ss] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z/.exec(version) ?? [];
    const start = new Date(`${day?.replace(/(....)(..)(..)/, '$1-$2-$3')}T${hh}:${mm}:${ss}Z`);
    second = await startLocalGaroa({
      patience: PATIENCE,
      assemblyDirectory,
      directory: again,
      recording: withMadeUpForecasts(recording),
      weatherFaults: ({ path }) => {
        askedFor.push(path);
        return undefined;
      },
      start,
    });
    execution = await second.execute(second.name('stateMachines', '-retrain'), {
      reason: 'First training on the backfilled history.',
    });
  });
  afterAll(() => second.close());

  it('makes the same models, to the last digit', async () => {
    expect(execution.status).toBe('SUCCEEDED');
    for (const id of withFirstChampion()) {
      const [version = ''] = versionsOf(id);
      for (const key of [keys.model(id, version), keys.metrics(id, version)]) {
        const first = await getText(cloud.bucket('models'), key);
        expect(first).toBeDefined();
        expect(await getText(second.bucket('models'), key)).toBe(first);
      }
    }
  });

  it('says on its pages that there is no forecast yet, and invents none', async () => {
    const index = await getText(second.bucket('models'), keys.pagesIndex);
    expect(index).toContain('Not known: there is no forecast for this hour.');
    expect(index).toContain('no forecast of the last 30 days has been verified');
    expect(index).not.toMatch(/NaN|undefined/);
    for (const id of withFirstChampion()) {
      const page = await getText(second.bucket('models'), keys.page(id));
      expect(page).toContain('No forecast was issued in the last 14 days');
      expect(page).not.toMatch(/NaN|undefined/);
    }
  });

  /** Hours of a new day, whose polls and closings are lived one after the other. */
  const LIVED = ['00', '01'];

  describe('that goes on with forecasts of the provider', () => {
    let id: string;
    let version: string;
    let day: string;
    let kept: z.infer<typeof keptRow>[];
    let issued: Forecast[];

    beforeAll(async () => {
      [id = ''] = withFirstChampion();
      const processed = second.name('buckets', '-processed');
      for (const { key, bytes } of second.objects('processed', HOURLY_OBSERVATIONS.prefix)) {
        second.services.objects.put(processed, key, Buffer.from(await withKeptForecasts(bytes, recording)));
      }
      const joining = await second.execute(second.name('stateMachines', '-retrain'), { locations: [id] });
      expect(joining.status).toBe('SUCCEEDED');
      version = (await readLedger(second.bucket('models'), id)).at(-1)?.version ?? '';
      day = addHours(utcSecond(second.now()), 24).slice(0, 10);
      askedFor.splice(0);
      for (const hour of LIVED) {
        for (const minute of ['30', '57']) {
          const scheduledTime = `${day}T${hour}:${minute}:00Z`;
          await second.settle(new Date(scheduledTime));
          await second.invoke(second.name('functions', '-ingest'), {
            scheduledTime,
            everyMinutes: 1,
            shard: 0,
            shards: 1,
          });
        }
        const scheduledTime = `${addHours(`${day}T${hour}:00:00Z`, 1).slice(0, 14)}05:00Z`;
        await second.settle(new Date(scheduledTime));
        const closed = await second.invoke(second.name('functions', '-hourly'), { scheduledTime });
        expect(closed.functionError).toBeUndefined();
      }
      const bytesOf = async (key: string) =>
        (await getObject(second.bucket('processed'), key))?.bytes ?? new Uint8Array();
      kept = (await decodeRows(await bytesOf(keys.hourlyDay(day)), keptRow)).filter(
        ({ location_id }) => location_id === id,
      );
      const hours = LIVED.map((hour) => keys.forecastHour(day, String(Number(hour) + 1).padStart(2, '0')));
      issued = (await Promise.all(hours.map(async (key) => decodeForecasts(await bytesOf(key))))).flatMap(
        (forecasts) => forecasts.filter(({ location_id }) => location_id === id),
      );
    });

    /** What had been made up of the hour. */
    const saidOf = (hour: string) => {
      const series = recording.series.get(id);
      const said = series && madeUpForecast(series, Date.parse(`${day}T${hour}:00:00Z`) / 1_000);
      return { probability: (said?.probabilityPct ?? Number.NaN) / 100, precipMm: said?.precipMm };
    };

    it('asks for them with the polls that close an hour, and with no other', () => {
      const places = recording.locations.length;
      expect(askedFor).toHaveLength(2 * LIVED.length * places);
      for (let poll = 0; poll < 2 * LIVED.length; poll++) {
        const asked = askedFor.slice(poll * places, (poll + 1) * places);
        expect(new Set(asked)).toEqual(new Set([poll % 2 === 0 ? '/current.json' : '/forecast.json']));
      }
    });

    it('keeps them as issued beside what was known of the hour', () => {
      expect(kept.map(({ hour }) => hour.slice(11, 13))).toEqual(LIVED);
      for (const row of kept) {
        const said = saidOf(String(Number(row.hour.slice(11, 13)) + 1).padStart(2, '0'));
        expect(row.provider_probability).toBe(said.probability);
        expect(row.provider_precip_mm).toBe(said.precipMm);
        expect(row.provider_issued_at).toBe(row.hour.replace(':00:00Z', ':57:00Z'));
      }
    });

    it('joins them, by what they have been worth, with members that they change nothing of', async () => {
      const modelOf = async (of: string) =>
        modelJson.parse(JSON.parse((await getText(second.bucket('models'), keys.model(id, of))) ?? 'null'));
      const [joined, plain] = [await modelOf(version), await modelOf(versionsOf(id)[0] ?? '')];
      expect(joined.joined?.speaks).toBe(true);
      expect(plain.joined).toBeNull();
      expect(joined.recipe).toEqual(plain.recipe);
      for (const part of MEMBERS) expect({ [part]: joined[part] }).toEqual({ [part]: plain[part] });
      const text = await getText(second.bucket('models'), keys.metrics(id, version));
      const { joining, comparisons } = metricsSchema.parse(JSON.parse(text ?? 'null'));
      // Seven hours in eight are told: what is left of the Brier score is far less than the members leave.
      expect(joining?.improvement).toBeGreaterThan(0.15 * (joining?.plainBrier ?? Number.NaN));
      expect(comparisons.provider?.hours).toBeGreaterThan(400);
    });

    it('speaks with them, and tells them on in the event and in latest.json', async () => {
      expect(issued.map(({ target_hour }) => target_hour.slice(11, 13))).toEqual(['01', '02']);
      const events = second.events().filter((event) => event['detail-type'] === 'RainForecast');
      for (const forecast of issued) {
        const said = saidOf(forecast.target_hour.slice(11, 13));
        expect(forecast).toMatchObject({
          model_version: version,
          voice: 'joined',
          probability: forecast.joined_probability,
          provider_probability: said.probability,
          provider_precip_mm: said.precipMm,
        });
        expect(forecast.plain_probability).not.toBe(forecast.joined_probability);
        expect(events).toContainEqual(
          expect.objectContaining({
            detail: expect.objectContaining({
              locationId: id,
              targetHour: forecast.target_hour,
              providerProbability: said.probability,
            }),
          }),
        );
      }
      const latest = latestSchema.parse(
        JSON.parse((await getText(second.bucket('models'), keys.latest)) ?? 'null'),
      );
      expect(latest.forecasts.find(({ locationId }) => locationId === id)?.providerProbability).toBe(
        saidOf('02').probability,
      );
    });

    it('holds what came against what was said of it, before it speaks again', async () => {
      const text = await getText(second.bucket('processed'), keys.voices);
      expect(JSON.parse(text ?? 'null')).toMatchObject({ heardHour: `${day}T01:00:00Z`, silenced: {} });
      expect(Object.keys(JSON.parse(text ?? 'null').heard)).toEqual([id]);
    });
  });
});
