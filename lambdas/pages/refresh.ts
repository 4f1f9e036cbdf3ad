import pLimit from 'p-limit';
import * as z from 'zod';
import { latestSchema } from '../lake/forecasts';
import { keys } from '../lake/layout';
import { decodeParquet } from '../lake/parquet';
import { type Bucket, getObject, getText, putObject } from '../lake/s3';
import { championsSchema, metricsSchema } from '../model/metrics-file';
import { readModel, readPointer, readPromotions } from '../model/registry';
import { addDays, datesBetween, hourStart } from '../runtime/time';
import type { Location } from '../weather/location';
import { indexPage, type PlaceOverview } from './index-page';
import { type ModelPageContent, modelPage } from './model-page';
import { type RecentHour, readRecentHours, readVerification, type VerificationWindow } from './recent';

/** Where pages are made from and written to. */
export interface PagesAccess {
  readonly locations: readonly Location[];
  readonly processed: Bucket;
  readonly models: Bucket;
}

/** Days of forecasts and rain on a model's page. */
const PAGE_DAYS = 14;
/** Days that the index looks at for the newest hour and for gaps, and over which it shows skill. */
const GAP_DAYS = 7;
const SKILL_DAYS = 30;
/** As long after a succession the page of the version before is made anew, so that it says that it was succeeded. */
const SUCCESSION_MS = 2 * 86_400_000;
/** Places whose hours are held in memory at once. */
const PLACES_AT_ONCE = 100;
const READERS = 16;
const HTML = 'text/html; charset=utf-8';

/**
 * Writes the index and, when asked for, the page of each champion, from what is stored now. The hourly function
 * refreshes the index each hour and the pages, whose charts take longer, once a day; retraining refreshes both when
 * it is done. All read the same files, so it does not matter which comes last.
 * @param at ISO 8601 UTC; shown on the page, and the end of what it looks at.
 * @throws AggregateError naming the pages that could not be made, after the others are written.
 */
export async function refreshPages(
  access: PagesAccess,
  at: string,
  { withModelPages }: { readonly withModelPages: boolean },
): Promise<void> {
  const failures = withModelPages ? await refreshModelPages(access, at) : [];
  await refreshIndex(access, at);
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
  }
}

async function refreshIndex(access: PagesAccess, at: string): Promise<void> {
  const { locations, processed, models } = access;
  const ids = locations.map(({ id }) => id);
  const limit = pLimit(READERS);
  const [recent, verification, latest, champions, pointers] = await Promise.all([
    readRecentHours(processed, ids, at, GAP_DAYS),
    readVerification(processed, at, SKILL_DAYS),
    readJson(models, keys.latest, latestSchema),
    readJson(models, keys.champions, championsSchema),
    Promise.all(ids.map((id) => limit(() => readPointer(models, id)))),
  ]);
  const forecasts = new Map(latest?.forecasts.map((forecast) => [forecast.locationId, forecast]));
  const reasons = new Map(latest?.withoutForecast.map(({ locationId, reason }) => [locationId, reason]));
  const runs = new Map(champions?.locations.map(({ location, lastRun }) => [location, lastRun]));
  const places = locations.map((location, i): PlaceOverview => {
    const pointer = pointers[i];
    const forecast = forecasts.get(location.id);
    return {
      location,
      now: newestHour(recent.get(location.id) ?? []),
      forecast:
        latest === undefined || forecast === undefined
          ? null
          : { targetHour: latest.targetHour, ...forecast },
      whyNoForecast: reasons.get(location.id) ?? null,
      ...skillOf(verification.get(location.id) ?? [], at),
      champion: pointer?.status === 'valid' ? pointer.entry : null,
      championDamage: pointer?.status === 'damaged' ? pointer.reason : null,
      lastRun: runs.get(location.id) ?? null,
      gaps: gapsOf(recent.get(location.id) ?? []),
    };
  });
  await putObject(models, keys.index, indexPage({ generatedAt: at, places }), HTML);
}

/**
 * Writes `report.html` of each place's champion, and of the version that it has just succeeded; a place without a
 * champion has no page. Pages of older versions stay as they are.
 * @returns an error for each place whose files can't be read.
 */
async function refreshModelPages(access: PagesAccess, at: string): Promise<readonly Error[]> {
  const failures: Error[] = [];
  for (let start = 0; start < access.locations.length; start += PLACES_AT_ONCE) {
    const places = access.locations.slice(start, start + PLACES_AT_ONCE);
    const recent = await readRecentHours(
      access.processed,
      places.map(({ id }) => id),
      at,
      PAGE_DAYS,
    );
    for (const location of places) {
      try {
        await writePagesOf(access, location, recent.get(location.id) ?? [], at);
      } catch (error) {
        failures.push(
          new Error(`The report of ${location.id} could not be made: ${error}`, { cause: error }),
        );
      }
    }
  }
  return failures;
}

async function writePagesOf(
  { models }: PagesAccess,
  location: Location,
  recent: readonly RecentHour[],
  at: string,
): Promise<void> {
  const pointer = await readPointer(models, location.id);
  if (pointer.status !== 'valid') return;
  const { version, previousVersion, since } = pointer.entry;
  const ledger = await readPromotions(models, location.id);
  const common = { location, generatedAt: at, recent, ledger };
  await writeModelPage(models, version, common);
  if (previousVersion === null || Date.parse(at) - Date.parse(since) > SUCCESSION_MS) return;
  try {
    await writeModelPage(models, previousVersion, common);
  } catch {
    // This code may be unable to read a version that was succeeded for just that reason; its page stays as it was.
  }
}

/** @throws when the version's files are missing, or of another code version. */
async function writeModelPage(
  models: Bucket,
  version: string,
  common: Pick<ModelPageContent, 'location' | 'generatedAt' | 'recent' | 'ledger'>,
): Promise<void> {
  const { id } = common.location;
  const [metrics, testForecasts, model] = await Promise.all([
    readJson(models, keys.metrics(id, version), metricsSchema),
    getObject(models, keys.testForecasts(id, version)),
    readModel(models, id, version),
  ]);
  if (metrics === undefined || testForecasts === undefined) {
    throw new Error(`${version} has no ${metrics === undefined ? 'metrics.json' : 'test-forecasts.parquet'}`);
  }
  if (!('model' in model)) throw new Error(model.refused);
  const html = modelPage({
    ...common,
    metrics,
    testForecasts: await decodeParquet(
      testForecasts.bytes,
      ['hour', 'probability', 'outcome', 'persistence_probability'],
      testForecastSchema,
    ),
    threshold: model.model.threshold,
  });
  await putObject(models, keys.report(id, version), html, HTML);
}

const testForecastSchema = z
  .object({
    hour: z.string(),
    probability: z.number(),
    outcome: z.literal([0, 1]),
    persistence_probability: z.number().nullable(),
  })
  .transform(({ hour, persistence_probability, ...rest }) => ({
    ...rest,
    hour: Date.parse(hour),
    persistenceProbability: persistence_probability,
  }));

/** The parsed object; undefined when there is none. A file of another version is an error that says which. */
async function readJson<T>(bucket: Bucket, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await getText(bucket, key);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${key}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function newestHour(hours: readonly RecentHour[]): PlaceOverview['now'] {
  const newest = hours.findLast(({ tempC, precipMm }) => tempC !== null || precipMm !== null);
  return newest === undefined ? null : { ...newest, hour: new Date(newest.hour).toISOString() };
}

function gapsOf(hours: readonly RecentHour[]): PlaceOverview['gaps'] {
  // What lies before a place's first hour is no gap: it had not begun.
  const known = ({ tempC, precipMm }: RecentHour) => tempC !== null || precipMm !== null;
  const begun = hours.slice(Math.max(0, hours.findIndex(known)));
  return { missing: begun.filter((hour) => !known(hour)).length, expected: begun.length };
}

function skillOf(
  windows: readonly VerificationWindow[],
  at: string,
): Pick<PlaceOverview, 'dailySkill' | 'month'> {
  const today = hourStart(at).slice(0, 10);
  const daily = new Map(
    windows.filter(({ windowDays }) => windowDays === 1).map(({ date, skill }) => [date, skill]),
  );
  return {
    dailySkill: datesBetween(addDays(today, 1 - SKILL_DAYS), today).map((date) => ({
      date,
      skill: daily.get(date) ?? null,
    })),
    month: windows.findLast(({ windowDays }) => windowDays === SKILL_DAYS) ?? null,
  };
}
