import pLimit from 'p-limit';
import * as z from 'zod';
import { readAgreement } from '../lake/agreement';
import { latestSchema } from '../lake/forecasts';
import { keys } from '../lake/layout';
import { decodeParquet } from '../lake/parquet';
import { type Bucket, getObject, getText, putObject, writeIf } from '../lake/s3';
import { readSilenced } from '../lake/voices';
import { championsSchema, metricsSchema } from '../model/metrics-file';
import { readChampions } from '../model/registry';
import { messageOf } from '../runtime/errors';
import { settleAll } from '../runtime/settle';
import { addDays } from '../runtime/time';
import { forecastLocations, type Location } from '../weather/location';
import { indexPage, type PlaceOverview, redirectPage } from './index-page';
import { AGREEMENT_DAYS } from './known-and-true';
import { placePage, type TestedVersion } from './place-page';
import {
  type RecentHour,
  readDailySkill,
  readRecentHours,
  readWindows,
  SKILL_DAYS,
  type Unreadable,
} from './recent';

/** Where pages are made from and written to. */
export interface PagesAccess {
  /** All places that are configured; those that are only watched have no page and no line in the index. */
  readonly locations: readonly Location[];
  readonly processed: Bucket;
  readonly models: Bucket;
}

/** Days of forecasts and rain on a place's page. */
const PAGE_DAYS = 14;
/** Pages made side by side: their files are on the way while another is drawn. */
const PAGES_AT_ONCE = 16;
const HTML = 'text/html; charset=utf-8';

/**
 * Writes the index from what is stored now. Called by the hourly function in every run: it reads a few objects
 * that hold all places, and nothing of a place's own.
 * @param at ISO 8601 UTC; shown on the page, and the end of what it looks at.
 * @throws what S3 throws. A stored object that can't be read is named on the page instead.
 */
export async function refreshIndex(access: PagesAccess, at: string): Promise<void> {
  const { processed, models } = access;
  const locations = forecastLocations(access.locations);
  const ids = locations.map(({ id }) => id);
  const [recent, verified, latest, champions] = await Promise.all([
    readRecentHours(processed, ids, at, { days: 1, withForecasts: false }),
    readWindows(processed, at, SKILL_DAYS),
    readJson(models, keys.latest, latestSchema),
    readJson(models, keys.champions, championsSchema),
  ]);
  const forecasts = new Map(latest.value?.forecasts.map((forecast) => [forecast.locationId, forecast]));
  const reasons = new Map(
    latest.value?.withoutForecast.map(({ locationId, reason }) => [locationId, reason]),
  );
  const known = new Map(champions.value?.locations.map((champion) => [champion.location, champion]));
  const places = locations.map((location): PlaceOverview => {
    const hours = recent.hours.of(location.id);
    const newest = hours.findLast(isObserved);
    const forecast = forecasts.get(location.id);
    const champion = known.get(location.id);
    return {
      location,
      lastDay: hours.map(({ precipMm }) => precipMm),
      newestHour: newest === undefined ? null : new Date(newest.hour).toISOString(),
      forecast:
        latest.value === undefined || forecast === undefined
          ? null
          : { targetHour: latest.value.targetHour, ...forecast },
      whyNoForecast: reasons.get(location.id) ?? null,
      month: verified.windows.get(location.id) ?? null,
      // A forecast has a model, also where the list of champions is behind or lost.
      hasChampion: forecast !== undefined || champion?.champion != null,
      lastRun: champion?.lastRun ?? null,
    };
  });
  const notes = [
    ...recent.unreadable,
    ...verified.unreadable,
    ...latest.unreadable,
    ...champions.unreadable,
  ].map(noteOf);
  await putObject(models, keys.pagesIndex, indexPage({ generatedAt: at, places, notes }), HTML);
  // A visitor of the bucket's first day finds the pages; upkeep replaces an earlier version's redirection.
  await writeIf(models, keys.index, redirectPage(keys.pagesIndex), HTML, undefined);
}

/**
 * Writes the page of each of the places, and the redirect at the top of the bucket. Called by the hourly function
 * once a day for all places, and by a retraining for those that it was about.
 * @throws AggregateError naming the places whose page could not be made, after the others are written.
 */
export async function refreshPlacePages(
  { processed, models }: PagesAccess,
  at: string,
  places: readonly Location[],
): Promise<void> {
  await putObject(models, keys.index, redirectPage(keys.pagesIndex), HTML);
  const ids = places.map(({ id }) => id);
  const today = at.slice(0, 10);
  const voicesUnreadable: Unreadable[] = [];
  const [recent, skillOf, verified, agreement, silenced, latest] = await Promise.all([
    readRecentHours(processed, ids, at, { days: PAGE_DAYS, withForecasts: true }),
    readDailySkill(processed, ids, at),
    readWindows(processed, at, SKILL_DAYS),
    readAgreement(processed, addDays(today, -AGREEMENT_DAYS), today),
    readSilenced(processed, (key, error) => voicesUnreadable.push({ key, reason: String(error) })),
    readJson(models, keys.latest, latestSchema),
  ]);
  const thresholds = new Map(
    latest.value?.forecasts.map(({ locationId, modelVersion, threshold }) => [
      `${locationId} ${modelVersion}`,
      threshold,
    ]),
  );
  const common = [
    ...recent.unreadable,
    ...verified.unreadable,
    ...agreement.unreadable,
    ...voicesUnreadable,
    ...latest.unreadable,
  ];
  const limit = pLimit(PAGES_AT_ONCE);
  const failures: Error[] = [];
  await settleAll(
    places.map((location) =>
      limit(async () => {
        try {
          const { champions, unreadable } = await readChampions(models, location.id);
          const champion = champions.at(-1);
          const tested =
            champion === undefined
              ? { value: null, unreadable: [] }
              : await readTested(
                  models,
                  location.id,
                  champion.version,
                  thresholds.get(`${location.id} ${champion.version}`),
                );
          const html = placePage({
            location,
            generatedAt: at,
            recent: recent.hours.of(location.id),
            dailySkill: skillOf(location.id),
            month: verified.windows.get(location.id) ?? null,
            agreement: agreement.of(location.id),
            silencedSince: silenced.get(location.id) ?? null,
            champions,
            tested: tested.value,
            notes: [...common, ...unreadable, ...tested.unreadable].map(noteOf),
          });
          await putObject(models, keys.page(location.id), html, HTML);
        } catch (error) {
          failures.push(
            new Error(`The page of ${location.id} could not be made: ${error}`, { cause: error }),
          );
        }
      }),
    ),
  );
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
  }
}

/** The test of a version; null with the reasons when its files are missing or of another code version. */
async function readTested(
  models: Bucket,
  id: string,
  version: string,
  threshold: number | undefined,
): Promise<{ readonly value: TestedVersion | null; readonly unreadable: readonly Unreadable[] }> {
  const forecastsKey = keys.testForecasts(id, version);
  const [metrics, stored] = await Promise.all([
    readJson(models, keys.metrics(id, version), metricsSchema),
    getObject(models, forecastsKey),
  ]);
  if (metrics.value === undefined) {
    const missing = { key: keys.metrics(id, version), reason: 'there is no such object' };
    return { value: null, unreadable: metrics.unreadable.length > 0 ? metrics.unreadable : [missing] };
  }
  if (stored === undefined) {
    return { value: null, unreadable: [{ key: forecastsKey, reason: 'there is no such object' }] };
  }
  try {
    const testForecasts = await decodeParquet(
      stored.bytes,
      ['hour', 'probability', 'outcome', 'persistence_probability'],
      testForecastSchema,
    );
    // Before its first forecast the model's own threshold is not in `latest.json`.
    const own = threshold ?? metrics.value.test.threshold;
    return { value: { metrics: metrics.value, testForecasts, threshold: own }, unreadable: [] };
  } catch (error) {
    const reason = messageOf(error);
    return { value: null, unreadable: [{ key: forecastsKey, reason }] };
  }
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

/** The parsed object, undefined when there is none; one that can't be read counts as none and is named. */
async function readJson<T>(
  bucket: Bucket,
  key: string,
  schema: z.ZodType<T>,
): Promise<{ readonly value: T | undefined; readonly unreadable: readonly Unreadable[] }> {
  const text = await getText(bucket, key);
  if (text === undefined) return { value: undefined, unreadable: [] };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { value: undefined, unreadable: [{ key, reason: String(error) }] };
  }
  const parsed = schema.safeParse(json);
  return parsed.success
    ? { value: parsed.data, unreadable: [] }
    : { value: undefined, unreadable: [{ key, reason: z.prettifyError(parsed.error) }] };
}

function noteOf({ key, reason }: Unreadable): string {
  return `${key} can't be read: ${reason}`;
}

function isObserved({ tempC, precipMm }: RecentHour): boolean {
  return tempC !== null || precipMm !== null;
}
