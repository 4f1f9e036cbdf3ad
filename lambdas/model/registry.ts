import * as z from 'zod';
import { keys } from '../lake/layout';
import {
  type Bucket,
  getObject,
  getText,
  listObjects,
  type StoredObject,
  updateObject,
  writeIf,
} from '../lake/s3';
import { utcSecond, utcSecondSchema } from '../runtime/time';
import { ModelRefused, parseModel, type RainModel } from './model-file';

/**
 * Who forecasts for a location, now and at any time before. Two kinds of objects hold it: `champion.json`,
 * the pointer, replaced only on the condition that nobody else replaced it meanwhile; and the ledger, one
 * object a promotion, never changed. The pointer carries its own ledger entry, and whoever replaces it first
 * sees to it that this entry is in the ledger: a writer that dies between the two leaves no gap.
 */

/** One promotion: what `champion.json` holds, and the ledger keeps. */
const ledgerEntrySchema = z.object({
  schemaVersion: z.literal(1),
  location: z.string(),
  version: z.string(),
  /** From this instant on the version forecasts; strictly later than the promotion before. */
  since: utcSecondSchema,
  /** 1 for a location's first champion, then without gaps. */
  sequence: z.int().min(1),
  outcome: z.enum(['promoted', 'refreshed', 'restored']),
  reason: z.string(),
  /** The retraining run that decided it; null when a person did. */
  run: z.string().nullable(),
  /** Id of the order that a person gave; null for a run's promotion, and in entries of before orders had ids. */
  order: z.string().nullable().default(null),
  previousVersion: z.string().nullable(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** The pointer as found: its entry unless it can't be read, and the ETag that a replacement must name. */
export type Pointer =
  | { readonly status: 'absent'; readonly etag: null }
  | { readonly status: 'valid'; readonly etag: string; readonly entry: LedgerEntry }
  | { readonly status: 'damaged'; readonly etag: string; readonly reason: string };

/** A version that could not be used, and why; worth an alarm. */
export interface RefusedModel {
  readonly version: string;
  readonly reason: string;
}

/** The model that forecasts for a location, or none, and the models that were refused before it. */
export interface Champion {
  readonly current: { readonly version: string; readonly model: RainModel } | undefined;
  /** Empty in the ordinary case; `current` is then the version that `champion.json` names. */
  readonly refused: readonly RefusedModel[];
}

export interface PromotionOrder {
  readonly location: string;
  readonly version: string;
  /** ISO 8601 UTC, fractions of a second allowed. */
  readonly at: string;
  readonly outcome: LedgerEntry['outcome'];
  readonly reason: string;
  readonly run: string | null;
  /** Tells a person's order from the next one, so that one whose reply was lost can be given again. */
  readonly order?: string;
  /**
   * ETag of the champion that the decision was made against, null for none. The promotion is dropped when
   * another champion stands there. Absent: replace whatever stands there.
   */
  readonly expected?: string | null;
}

export type PromotionResult =
  | { readonly status: 'promoted'; readonly entry: LedgerEntry }
  /** Another promotion came first; the champion is the other one. */
  | { readonly status: 'superseded'; readonly champion: string };

const JSON_TYPE = 'application/json';

/** Reads `champion.json`. A damaged pointer is a value, not an error: forecasting goes on without it. */
export async function readPointer(models: Bucket, location: string): Promise<Pointer> {
  return pointerOf(location, await getObject(models, keys.champion(location)));
}

function pointerOf(location: string, stored: StoredObject | undefined): Pointer {
  if (stored === undefined) return { status: 'absent', etag: null };
  const parsed = ledgerEntrySchema.safeParse(parseJson(stored.bytes));
  if (!parsed.success) {
    return {
      status: 'damaged',
      etag: stored.etag,
      reason: `champion.json: ${z.prettifyError(parsed.error)}`,
    };
  }
  if (parsed.data.location !== location) {
    return { status: 'damaged', etag: stored.etag, reason: `champion.json is of ${parsed.data.location}` };
  }
  return { status: 'valid', etag: stored.etag, entry: parsed.data };
}

/**
 * The model that is to forecast for `location`: the champion's, or, when that can't be used, the one that was
 * champion before it and can. Called by the hourly function.
 * @param read the pointer, when the caller has read it.
 * @throws only when S3 fails; damaged objects are reported in `refused`.
 */
export async function readChampion(models: Bucket, location: string, read?: Pointer): Promise<Champion> {
  const pointer = read ?? (await readPointer(models, location));
  if (pointer.status === 'absent') return { current: undefined, refused: [] };

  const refused: RefusedModel[] = [];
  const tried = new Set<string>();
  if (pointer.status === 'valid') {
    const { version } = pointer.entry;
    tried.add(version);
    const found = await readModel(models, location, version);
    if ('model' in found) return { current: { version, model: found.model }, refused };
    refused.push({ version, reason: found.refused });
  } else {
    refused.push({ version: 'champion.json', reason: pointer.reason });
  }
  for (const { version } of (await readLedger(models, location)).reverse()) {
    if (tried.has(version)) continue;
    tried.add(version);
    const found = await readModel(models, location, version);
    if ('model' in found) return { current: { version, model: found.model }, refused };
    refused.push({ version, reason: found.refused });
  }
  return { current: undefined, refused };
}

/** The model of one version, or why it can't be used. */
export async function readModel(
  models: Bucket,
  location: string,
  version: string,
): Promise<{ readonly model: RainModel } | { readonly refused: string }> {
  const stored = await getObject(models, keys.model(location, version));
  if (stored === undefined) return { refused: `there is no ${keys.model(location, version)}` };
  try {
    const model = parseModel(parseJson(stored.bytes));
    if (model.location !== location) return { refused: `it is a model of ${model.location}` };
    return { model };
  } catch (error) {
    if (error instanceof ModelRefused) return { refused: error.message };
    throw error;
  }
}

/** All promotions of a location, oldest first. Entries that can't be read are left out: they decide nothing. */
export async function readLedger(models: Bucket, location: string): Promise<LedgerEntry[]> {
  return readEntries(models, location, await listObjects(models, keys.ledger(location)));
}

async function readEntries(
  models: Bucket,
  location: string,
  listed: readonly { readonly key: string }[],
): Promise<LedgerEntry[]> {
  const entries = await Promise.all(
    listed.map(async ({ key }) => {
      const text = await getText(models, key);
      const parsed = ledgerEntrySchema.safeParse(text === undefined ? undefined : parseJson(text));
      return parsed.success && parsed.data.location === location ? parsed.data : undefined;
    }),
  );
  return entries.filter((entry) => entry !== undefined).sort((a, b) => a.since.localeCompare(b.since));
}

/**
 * Which version was champion of `location` at `time` (ISO 8601 UTC): the promotion in force then, or undefined
 * before the first one. The same question in SQL is in `lambdas/lake/README.md`, over `model_metrics`.
 */
export async function championAt(
  models: Bucket,
  location: string,
  time: string,
): Promise<LedgerEntry | undefined> {
  const instant = Date.parse(time);
  const promotions = await readPromotions(models, location);
  return promotions.filter(({ since }) => Date.parse(since) <= instant).at(-1);
}

/** A champion of a place for its page: entries long past are told by their keys alone. */
export interface ChampionEntry {
  readonly version: string;
  readonly since: string;
  /** Null for the older ones, and for an entry that can't be read. */
  readonly told: Pick<LedgerEntry, 'outcome' | 'reason'> | null;
}

/** Promotions that are read whole for a page; a weekly retraining makes so many in a quarter of a year. */
const TOLD_PROMOTIONS = 12;

/**
 * All champions of a location, oldest first, in a bounded number of requests however long the ledger is. Called for
 * pages; whoever decides something asks `readPromotions`.
 */
export async function readChampions(
  models: Bucket,
  location: string,
): Promise<{
  readonly champions: readonly ChampionEntry[];
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[];
}> {
  const pointer = await readPointer(models, location);
  if (pointer.status === 'absent') return { champions: [], unreadable: [] };
  const listed = await listObjects(models, keys.ledger(location));
  const unreadable: { key: string; reason: string }[] =
    pointer.status === 'damaged' ? [{ key: keys.champion(location), reason: pointer.reason }] : [];
  const champions = await Promise.all(
    listed.flatMap(({ key }, index) => {
      const [, time, version] = /(\d{8}T\d{6}Z)-([^/]+)\.json$/.exec(key) ?? [];
      if (time === undefined || version === undefined) return [];
      const since = time.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z');
      const entry = async (): Promise<ChampionEntry> => {
        if (index < listed.length - TOLD_PROMOTIONS) return { version, since, told: null };
        const text = await getText(models, key);
        const parsed = ledgerEntrySchema.safeParse(text === undefined ? undefined : parseJson(text));
        if (!parsed.success) unreadable.push({ key, reason: z.prettifyError(parsed.error) });
        return { version, since, told: parsed.success ? parsed.data : null };
      };
      return [entry()];
    }),
  );
  champions.sort((a, b) => a.since.localeCompare(b.since));
  if (pointer.status === 'valid' && champions.at(-1)?.since !== pointer.entry.since) {
    champions.push({ version: pointer.entry.version, since: pointer.entry.since, told: pointer.entry });
  }
  return { champions, unreadable };
}

/** The ledger with the newest promotion, which may still be on its way into it: the pointer has it. */
export async function readPromotions(models: Bucket, location: string): Promise<LedgerEntry[]> {
  const [pointer, ledger] = await Promise.all([readPointer(models, location), readLedger(models, location)]);
  if (pointer.status === 'valid' && ledger.at(-1)?.since !== pointer.entry.since) ledger.push(pointer.entry);
  return ledger;
}

/**
 * Makes a version the champion. Of any number of concurrent promotions with the same `expected`, one wins;
 * the ledger has an entry for each that won. Repeating an order of the same run or id and version changes nothing,
 * whatever has been promoted since.
 * It does not look at the model: whoever orders a promotion has read it before.
 */
export async function promote(models: Bucket, order: PromotionOrder): Promise<PromotionResult> {
  const { location, version } = order;
  const result = await updateObject<PromotionResult>(
    models,
    keys.champion(location),
    JSON_TYPE,
    async (stored) => {
      const pointer = pointerOf(location, stored);
      if (pointer.status === 'valid') {
        await writeLedgerEntry(models, pointer.entry);
      }
      const done = await carriedOut(models, order, pointer);
      if (done !== undefined) return { result: { status: 'promoted', entry: done } };
      if (order.expected !== undefined && order.expected !== pointer.etag) {
        const champion = pointer.status === 'valid' ? pointer.entry.version : pointer.status;
        return { result: { status: 'superseded', champion } };
      }
      const previous =
        pointer.status === 'valid' ? pointer.entry : (await readLedger(models, location)).at(-1);
      const entry: LedgerEntry = {
        schemaVersion: 1,
        location,
        version,
        since: laterOf(order.at, previous?.since),
        sequence: (previous?.sequence ?? 0) + 1,
        outcome: order.outcome,
        reason: order.reason,
        run: order.run,
        order: order.order ?? null,
        previousVersion: previous?.version ?? null,
      };
      return { body: JSON.stringify(entry, null, 2), result: { status: 'promoted', entry } };
    },
  );
  if (result.status === 'promoted') {
    await writeLedgerEntry(models, result.entry);
  }
  return result;
}

/** The entry that the order has made already, if it has. */
async function carriedOut(
  models: Bucket,
  order: PromotionOrder,
  pointer: Pointer,
): Promise<LedgerEntry | undefined> {
  const isOfOrder = (entry: LedgerEntry): boolean =>
    entry.version === order.version &&
    (order.order === undefined ? order.run !== null && entry.run === order.run : entry.order === order.order);
  if (pointer.status === 'valid' && isOfOrder(pointer.entry)) return pointer.entry;
  if (order.order === undefined && order.run === null) return undefined;
  const ofVersion = (await listObjects(models, keys.ledger(order.location))).filter(({ key }) =>
    key.endsWith(`-${order.version}.json`),
  );
  const entries = await readEntries(models, order.location, ofVersion);
  return entries.find(isOfOrder);
}

/** A version's name: the instant it knows the weather up to, and eight digits of what is in it. */
export function versionOf(asOf: string, contentSha256Hex: string): string {
  return `${compactTime(asOf)}-${contentSha256Hex.slice(0, 8)}`;
}

/** `2013-12-01T00:00:00Z` as `20131201T000000Z`: sorts as text, and is safe in keys. */
export function compactTime(utc: string): string {
  return utc.replaceAll(/[-:]/g, '');
}

async function writeLedgerEntry(models: Bucket, entry: LedgerEntry): Promise<void> {
  const key = keys.ledgerEntry(entry.location, compactTime(entry.since), entry.version);
  await writeIf(models, key, JSON.stringify(entry, null, 2), JSON_TYPE, undefined);
}

/** The instant to the second, or one second after the promotion before when that is not earlier. */
function laterOf(at: string, previous: string | undefined): string {
  const wanted = Math.floor(Date.parse(at) / 1_000);
  const earliest = previous === undefined ? wanted : Date.parse(previous) / 1_000 + 1;
  return utcSecond(Math.max(wanted, earliest) * 1_000);
}

/** The value, or undefined for a text that is no JSON: a schema refuses that with its own words. */
function parseJson(content: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof content === 'string' ? content : new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}
