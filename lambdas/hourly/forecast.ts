import pLimit from 'p-limit';
import * as z from 'zod';
import { type AthenaAccess, runQuery } from '../lake/athena';
import { decodeForecasts, type Forecast, forecastSchema, readForecasts } from '../lake/forecasts';
import { FORECASTS, HOURLY_OBSERVATIONS, keys, PARQUET_TYPE } from '../lake/layout';
import { encodeParquet, ParquetRefused } from '../lake/parquet';
import { type Bucket, getObject, listObjects, updateObject } from '../lake/s3';
import type { Voices } from '../lake/voices';
import { FEATURE_LOOKBACK_HOURS, featuresSql, HORIZON_HOURS, OWN_FEATURE_NAMES } from '../model/features';
import { predict, type RainModel } from '../model/model-file';
import { utteranceOf, withNeighbours } from '../model/neighbours';
import type { ProviderForecasts } from '../model/provider-forecast';
import { championAt, type RefusedModel } from '../model/registry';
import { chunks } from '../runtime/chunks';
import { settleAll } from '../runtime/settle';
import { addHours, utcSecondSchema } from '../runtime/time';
import { forecastLocations, type Location } from '../weather/location';
import type { Appointed, ChampionCache } from './champions';
import { unlikeToday } from './day';
import { hearHour, presentVoices } from './voices';

export interface ForecastAccess {
  readonly athena: AthenaAccess;
  readonly processed: Bucket;
  readonly models: Bucket;
  readonly champions: ChampionCache;
  /** All that are watched; those that are not forecast are heard as neighbours. */
  readonly locations: readonly Location[];
  readonly rainThresholdMm: number;
  readonly warn: (message: string, error: unknown) => void;
}

/** Why a location has no forecast for the hour. */
export interface WithoutForecast {
  readonly locationId: string;
  readonly reason: string;
}

interface RefusedChampion {
  readonly locationId: string;
  readonly version: string;
  readonly reason: string;
}

export interface IssuedForecasts {
  /** Of the configured locations, by id: as they are in the lake. */
  readonly forecasts: readonly Forecast[];
  /** How many of them this run made. */
  readonly made: number;
  readonly without: readonly WithoutForecast[];
  readonly refused: readonly RefusedChampion[];
  /** Locations without a forecast although a model of theirs was promoted. */
  readonly silent: readonly string[];
}

/** Hours before this one that are searched for the newest forecast of a location that got none now. */
const SEARCHED_HOURS = 4;
/** Models that are read and asked side by side; each may have twenty megabytes. */
export const FORECASTS_AT_ONCE = 16;

/**
 * Forecasts the hour after `hour` for each location and stores them, one object for the hour. A forecast stays
 * as it was issued: a repeated run adds locations that have none yet, and changes nothing else.
 * @param now the run's own time, which the forecasts carry.
 * @throws what Athena throws, and S3 for what all locations share; a location whose model is missing or can't be read,
 * or that has no observation, is a value.
 */
export async function issueForecasts(
  access: ForecastAccess,
  hour: string,
  now: string,
): Promise<IssuedForecasts> {
  const targetHour = addHours(hour, HORIZON_HOURS);
  const key = keys.forecastHour(targetHour.slice(0, 10), targetHour.slice(11, 13));
  const stored = await readForecasts(access.processed, key, (damaged, error) =>
    access.warn(`${damaged} can't be read and is made anew.`, error),
  );
  const known = new Set(stored?.map(({ location_id }) => location_id));
  const open = forecastLocations(access.locations).filter(({ id }) => !known.has(id));
  // A run may be late; the model that makes the forecast must have been in office while the hour was still open.
  const latest = addHours(targetHour, 1);
  const at = now < latest ? now : targetHour;

  let voices: Promise<Voices> | undefined;
  let features: Promise<Map<string, OwnRow> | Unlike> | undefined;
  /** One location; its model is let go before others are read, since thousands would not fit side by side. */
  const forecastFor = async (id: string): Promise<Attempt> => {
    const { model, refused } = await appointedFor(access, id, at);
    if (model === undefined) {
      return refused.length === 0
        ? { id, refused, reason: 'no model yet', expected: false }
        : { id, refused, reason: 'no model that can be used', expected: true };
    }
    // Asked for by the first model, once for all locations.
    features ??= readFeatures(access, hour);
    const rows = await features;
    if ('unlike' in rows) {
      return { id, refused, reason: rows.unlike, expected: true };
    }
    const row = rows.get(id);
    if (row === undefined) {
      return { id, refused, reason: `no observation of the hour that began at ${hour}`, expected: true };
    }
    const said = model.neighbours.map((neighbour) => {
      const heard = rows.get(neighbour);
      return heard && utteranceOf(heard.own);
    });
    const times = { issuedAt: now, baseHour: hour, targetHour };
    // Of no interest where no model is joined with the provider's forecast.
    if (model.joined !== null) voices ??= hearOf(access, hour, now, rows);
    const isSilenced = Object.hasOwn((await voices)?.silenced ?? {}, id);
    const forecast = forecastOf(model, { ...row, values: withNeighbours(row.own, said) }, isSilenced, times);
    if (!forecastSchema.safeParse(forecast).success) {
      const reason = `its forecast is no probability: ${forecast.probability}`;
      return { id, refused: [...refused, { version: model.version, reason }], reason, expected: true };
    }
    return { id, refused, forecast };
  };
  const limit = pLimit(FORECASTS_AT_ONCE);
  const attempts = await settleAll(open.map(({ id }) => limit(() => forecastFor(id))));
  const made = attempts.flatMap((attempt) => ('forecast' in attempt ? [attempt.forecast] : []));
  const forecasts = made.length === 0 ? (stored ?? []) : await addForecasts(access, key, made);
  const configured = new Set(access.locations.map(({ id }) => id));
  return {
    forecasts: forecasts.filter(({ location_id }) => configured.has(location_id)),
    made: made.length,
    without: attempts.flatMap((attempt) =>
      'reason' in attempt ? [{ locationId: attempt.id, reason: attempt.reason }] : [],
    ),
    refused: attempts.flatMap(({ id, refused }) => refused.map((model) => ({ locationId: id, ...model }))),
    silent: attempts.flatMap((attempt) => ('expected' in attempt && attempt.expected ? [attempt.id] : [])),
  };
}

/** Who may speak, once what came in the hour itself has been held against what had been said of it. */
async function hearOf(
  access: ForecastAccess,
  hour: string,
  now: string,
  rows: ReadonlyMap<string, OwnRow>,
): Promise<Voices> {
  const key = keys.forecastHour(hour.slice(0, 10), hour.slice(11, 13));
  const forecasts = await readForecasts(access.processed, key, (damaged, error) =>
    access.warn(`${damaged} can't be read, and nothing is learnt from it.`, error),
  );
  if (forecasts === undefined) return presentVoices(access);
  const rained = new Map<string, boolean>();
  for (const [id, { wetNow }] of rows) if (wetNow !== null) rained.set(id, wetNow === 1);
  return hearHour(access, { hour, forecasts, rained }, now);
}

/** One location's model that can't be read is named, and costs no other location its forecast. */
async function appointedFor(
  { champions, models }: ForecastAccess,
  id: string,
  at: string,
): Promise<Appointed> {
  try {
    return await champions.appointed(models, id, at);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return {
      model: undefined,
      refused: [{ version: keys.champion(id), reason: `it or its model can't be read: ${reason}` }],
    };
  }
}

/**
 * How old the newest forecasts are that locations have after a run for `hour`: the base hour of the oldest of them.
 * An hour before all that are searched when a location has none among them, unless it had no champion then. Undefined
 * when no location is left. The alarm on it waits for less than is searched.
 */
export async function stalestBaseHour(
  { processed, models }: Pick<ForecastAccess, 'processed' | 'models'>,
  { forecasts, silent }: Pick<IssuedForecasts, 'forecasts' | 'silent'>,
  hour: string,
): Promise<string | undefined> {
  const waiting = new Set(silent);
  let stalest = forecasts.length === 0 ? undefined : hour;
  for (let back = 1; waiting.size > 0 && back <= SEARCHED_HOURS; back += 1) {
    const target = addHours(hour, HORIZON_HOURS - back);
    const key = keys.forecastHour(target.slice(0, 10), target.slice(11, 13));
    const unreadable = () => undefined;
    for (const { location_id } of (await readForecasts(processed, key, unreadable)) ?? []) {
      if (waiting.delete(location_id)) stalest = addHours(hour, -back);
    }
  }
  const begin = addHours(hour, -SEARCHED_HOURS);
  for (const ids of chunks([...waiting], FORECASTS_AT_ONCE)) {
    const inOffice = await Promise.all(ids.map((id) => championAt(models, id, begin)));
    if (inOffice.some((champion) => champion !== undefined)) return addHours(begin, -1);
  }
  return stalest;
}

/** What came of one location: a forecast, or why there is none, and whether its champion should have made one. */
type Attempt = { readonly id: string; readonly refused: readonly RefusedModel[] } & (
  | { readonly forecast: Forecast }
  | { readonly reason: string; readonly expected: boolean }
);

/** @returns the forecasts of the hour as they are stored then: one that was there before stays as it was issued. */
function addForecasts(
  access: ForecastAccess,
  key: string,
  made: readonly Forecast[],
): Promise<readonly Forecast[]> {
  return updateObject(access.processed, key, PARQUET_TYPE, async (stored) => {
    // What can't be read has been named, and is replaced.
    const known = stored === undefined ? [] : await decodeForecasts(stored.bytes).catch(noneIfDamaged);
    const ids = new Set(known.map(({ location_id }) => location_id));
    const all = [...known, ...made.filter(({ location_id }) => !ids.has(location_id))].sort((a, b) =>
      a.location_id < b.location_id ? -1 : 1,
    );
    return { body: encodeParquet(FORECASTS.columns, all), result: all };
  });
}

function noneIfDamaged(error: unknown): Forecast[] {
  if (error instanceof ParquetRefused) return [];
  throw error;
}

interface OwnRow {
  readonly wetNow: number | null;
  /** In the order of OWN_FEATURES; NaN where a feature is null. */
  readonly own: Float64Array;
  /** Of the one hour. */
  readonly provider: ProviderForecasts;
}

const ownRowSchema = z
  .object({ location_id: z.string(), hour: utcSecondSchema, wet_now: z.literal([0, 1]).nullable() })
  .catchall(z.number().nullable())
  .transform(({ location_id, wet_now, ...features }) => ({
    locationId: location_id,
    wetNow: wet_now,
    own: Float64Array.from(OWN_FEATURE_NAMES, (name) => numberOrNaN(features[name])),
    provider: {
      probability: Float64Array.of(numberOrNaN(features.provider_probability)),
      precipMm: Float64Array.of(numberOrNaN(features.provider_precip_mm)),
      reaches: Float64Array.of(numberOrNaN(features.provider_reaches)),
      errorMm: Float64Array.of(numberOrNaN(features.provider_error_mm)),
    },
  }));

/** Days that features would look at were made for another threshold or in an older form; nothing is made up of them. */
interface Unlike {
  /** What is wrong, and the event that mends it. */
  readonly unlike: string;
}

/** What all places say of one base hour, by location. Each model takes what it names. */
async function readFeatures(access: ForecastAccess, hour: string): Promise<Map<string, OwnRow> | Unlike> {
  const unlike = await unlikeDays(access, hour);
  if (unlike !== undefined) {
    return { unlike };
  }
  const ids = access.locations.map(({ id }) => id);
  const rows = await settleAll(
    chunks(ids, PLACES_PER_FEATURES_QUERY).map((locationIds) => {
      const sql = featuresSql({
        database: access.athena.database,
        locationIds,
        fromHour: hour,
        toHour: hour,
        withLabel: false,
        rainThresholdMm: access.rainThresholdMm,
      });
      return runQuery(access.athena, { sql, row: ownRowSchema });
    }),
  );
  return new Map(rows.flat().map((row) => [row.locationId, row]));
}

/** The hour's own day has just been committed; features look back into the day before. */
async function unlikeDays(
  { processed, rainThresholdMm }: ForecastAccess,
  hour: string,
): Promise<string | undefined> {
  const date = addHours(hour, -FEATURE_LOOKBACK_HOURS).slice(0, 10);
  const stored = await getObject(processed, keys.hourlyDay(date));
  const reason = stored && (await unlikeToday(stored.bytes, rainThresholdMm));
  if (reason === undefined) {
    return undefined;
  }
  const [first] = await listObjects(processed, HOURLY_OBSERVATIONS.prefix);
  const from = /dt=([^/]+)/.exec(first?.key ?? '')?.[1] ?? date;
  const to = hour.slice(0, 10);
  return `hourly_observations of ${date}: ${reason}; the event {"from":"${from}","to":"${to}"} recomputes all days`;
}

/** With names of 64 characters so many make a third of the 262,144 bytes that Athena takes. */
export const PLACES_PER_FEATURES_QUERY = 1_000;

function forecastOf(
  model: RainModel,
  row: Pick<OwnRow, 'wetNow' | 'provider'> & { readonly values: Float64Array },
  isSilenced: boolean,
  times: { readonly issuedAt: string; readonly baseHour: string; readonly targetHour: string },
): Forecast {
  const { values, provider } = row;
  const said = predict(model, { rows: 1, columns: values.length, values }, provider);
  const [plain = Number.NaN] = said.plain;
  const joined = numberOrNull(said.joined);
  const speaks = joined !== null && model.joined?.speaks === true && !isSilenced;
  const probabilityOfRain = speaks ? joined : plain;
  const { probabilityAfterWet, probabilityAfterDry } = model.persistence;
  return {
    location_id: model.location,
    issued_at: times.issuedAt,
    base_hour: times.baseHour,
    target_hour: times.targetHour,
    probability: probabilityOfRain,
    will_rain: probabilityOfRain >= model.threshold,
    threshold: model.threshold,
    model_version: model.version,
    persistence_probability:
      row.wetNow === null ? null : row.wetNow === 1 ? probabilityAfterWet : probabilityAfterDry,
    plain_probability: plain,
    joined_probability: joined,
    voice: speaks ? 'joined' : 'plain',
    provider_probability: numberOrNull(provider.probability),
    provider_precip_mm: numberOrNull(provider.precipMm),
    provider_recalibrated: numberOrNull(said.recalibrated),
  };
}

function numberOrNull([value = Number.NaN]: Float64Array): number | null {
  return Number.isNaN(value) ? null : value;
}

function numberOrNaN(value: string | number | null | undefined): number {
  return typeof value === 'number' ? value : Number.NaN;
}
