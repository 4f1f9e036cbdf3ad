import { hasLostSkill, SKILL_DAYS } from '../model/drift';
import { partsOfPlaces } from '../pages/parts-of-places';
import { refreshIndex, refreshPlacePages } from '../pages/refresh';
import { chunks } from '../runtime/chunks';
import { addDays, datesBetween, hourStart } from '../runtime/time';
import { settledFrom } from '../weather/provider';
import { measureAgreement, type RainAgreement } from './agreement';
import { commitDays } from './commit';
import { type Compaction, compactDays } from './compaction';
import type { PagesTask, UpkeepTask } from './event';
import { type GaroaEvent, LOCATIONS_PER_EVENT, putEvents } from './events';
import { type Gaps, gapsOf, readObservedHours } from './gaps';
import { mendAgreement, mendDays, mendMetrics, verifyMended } from './mending';
import { parts } from './parts';
import type { HourlyAccess } from './run';
import { type HistorySource, type Settled, settleDays } from './settling';
import { type Swept, sweepStaging } from './sweep';
import { type VerifiedForecasts, verifyForecasts } from './verification';
import { judgeVoices } from './voices';

export interface UpkeepAccess extends HourlyAccess {
  readonly history: HistorySource;
}

/** What an upkeep did; undefined where a part failed, which `failures` tells of. */
export interface UpkeepRun {
  readonly settled: Settled | undefined;
  /** Of the days that were settled; undefined as well when none were. */
  readonly agreement: RainAgreement | undefined;
  /** Of the last whole day. */
  readonly verified: VerifiedForecasts | undefined;
  /** Places whose joined probability has lost its voice, and since when. */
  readonly silenced: ReadonlyMap<string, string> | undefined;
  readonly gaps: Gaps | undefined;
  readonly compaction: Compaction | undefined;
  readonly swept: Swept | undefined;
  readonly failures: readonly Error[];
}

/** Days behind today that are searched for gaps: as long as a provider's free history may reach. */
const GAP_DAYS = 7;
/** Raw days are compacted once they are so old, and looked at again as long in case a run was missed. */
const COMPACTED_AFTER_DAYS = 2;
const COMPACTION_LOOKBACK_DAYS = 7;

/**
 * Once a day, after the day's first hourly run: what came late for the day before, history that is settled by now, gaps
 * of the last week, judgement of the champions, compaction of older raw hours, leftovers of dead runs, pages. Each part
 * stands alone, and none of it is needed for a forecast. Repeating it changes nothing more.
 */
export async function lookAfterLake(access: UpkeepAccess, task: UpkeepTask): Promise<UpkeepRun> {
  const { date, now } = task;
  const { attempt, failures } = parts();
  const yesterday = addDays(date, -1);
  const closedBefore = hourStart(now);
  const settled = await attempt('Settling', () => settleDays(access, access.history, date, now));
  const [first] = settled?.asked ?? [];
  const last = settled?.asked.at(-1);
  const agreement =
    first === undefined || last === undefined
      ? undefined
      : await attempt('Measuring agreement', () => measureAgreement(access, first, last, now));
  await attempt('Mending agreement', () => mendAgreement(access, addDays(date, -GAP_DAYS), yesterday, now));
  await attempt('Mending metrics', () => mendMetrics(access, date));
  // The last readings of a day may come when its last hour has been closed.
  await attempt('The day before', () =>
    commitDays(access, { dates: [yesterday], closedBefore, now, acceptLostHours: false }),
  );
  await attempt('Mending days', () => mendDays(access, datesBetween(addDays(date, -GAP_DAYS), date), now));
  // All days that may have got other truth since, so that a verification that failed once is made good.
  const [eldest, ...younger] = datesBetween(addDays(date, -GAP_DAYS), yesterday);
  const verified = await attempt('Verification', () =>
    verifyMended(access, now, (mending) => verifyForecasts(mending, [eldest ?? yesterday, ...younger])),
  );
  const gaps = await attempt('Looking for gaps', async () => {
    const dates = datesBetween(addDays(date, -GAP_DAYS), yesterday);
    const ids = access.locations.map(({ id }) => id);
    const days = await readObservedHours(access.processed, dates);
    const found = gapsOf(days, closedBefore, ids);
    // Of days that are settled by now, settling has asked for what they lack; a plan without history has none.
    const young = dates.find((day) => settledFrom(access, day) > now);
    if (young !== undefined && settled?.withoutHistory !== true) {
      const open = gapsOf(days, closedBefore, ids, young);
      await putEvents(access.bus, now, gapEvents(access.stage, open));
    }
    return found;
  });
  await attempt('Judging champions', () =>
    putEvents(access.bus, now, skillEvents(access.stage, yesterday, verified)),
  );
  const silenced =
    verified && (await attempt('Judging voices', () => judgeVoices(access, verified, yesterday, now)));
  const youngest = addDays(date, -COMPACTED_AFTER_DAYS);
  const compaction = await attempt('Compaction', () =>
    compactDays(access.raw, datesBetween(addDays(youngest, 1 - COMPACTION_LOOKBACK_DAYS), youngest)),
  );
  const swept = await attempt('Sweeping', () => sweepStaging(access.athena, access.queryResults, now));
  await attempt('The index', () => refreshIndex(access, now));
  const [places = [], ...others] = partsOfPlaces(access.locations);
  // Of more places they are invocations of their own.
  if (others.length === 0) await attempt('The pages', () => refreshPlacePages(access, now, places));
  return { settled, agreement, verified, silenced, gaps, compaction, swept, failures };
}

/** What is replied of one part's pages. */
export interface PagesResult {
  readonly pages: number;
}

/** The pages of one part of thousands of places. @throws AggregateError naming those that could not be made. */
export async function makePages(access: UpkeepAccess, { part, now }: PagesTask): Promise<PagesResult> {
  const places = partsOfPlaces(access.locations)[part] ?? [];
  await refreshPlacePages(access, now, places);
  return { pages: places.length };
}

function gapEvents(stage: string, { dates, missingHours, locationIds }: Gaps): GaroaEvent[] {
  const [from] = dates;
  const to = dates.at(-1);
  if (from === undefined || to === undefined) {
    return [];
  }
  return chunks(locationIds, LOCATIONS_PER_EVENT).map((ids) => ({
    type: 'GapsFound',
    detail: { version: 1, stage, from, to, missingHours, locationIds: ids },
  }));
}

/** Locations whose champion's forecasts of the last weeks were worse than persistence beyond doubt. */
export function skillEvents(
  stage: string,
  date: string,
  verified: VerifiedForecasts | undefined,
): GaroaEvent[] {
  const worse = [...(verified?.days ?? [])].flatMap(([locationId, days]) => {
    const live = days.map((day) => ({
      hours: day.comparedHours,
      rainHours: day.rainHours,
      squaredError: day.comparedSquaredError,
      rivalSquaredError: day.persistenceSquaredError,
    }));
    return hasLostSkill(live) ? [locationId] : [];
  });
  return chunks(worse, LOCATIONS_PER_EVENT).map((locationIds) => ({
    type: 'SkillBelowPersistence',
    detail: { version: 1, stage, date, windowDays: SKILL_DAYS, locationIds },
  }));
}
