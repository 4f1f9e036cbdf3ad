import type * as z from 'zod';
import { type Bucket, putObject } from '../lake/s3';
import { HORIZON_HOURS } from '../model/features';
import { HOUR_MS, utcSecond } from '../runtime/time';
import type { Settings } from '../settings';
import { forecastLocations } from '../weather/location';
import { type planOutput, Refused, type Run, runKeys, type StepInput } from './steps';

/** Athena writes at most a hundred partitions in one query. */
export const PLACES_PER_TRAINING_QUERY = 100;

export interface PlanDependencies {
  readonly settings: Settings;
  readonly queryResults: Bucket;
}

/**
 * Decides what the run covers: which locations, which hours, which chunks of training sets. First state of an
 * execution; everything after it follows from what it returns.
 * @throws Refused for an unknown location, one that is only watched, or an `asOf` in the future.
 */
export async function plan(
  { settings, queryResults }: PlanDependencies,
  { execution, startedAt, request }: StepInput<'plan'>,
): Promise<z.infer<typeof planOutput>> {
  const locations = chooseLocations(settings, request.locations);
  const run: Run = {
    id: execution,
    ...windowOf(request.asOf ?? request.scheduledTime ?? startedAt, startedAt, settings.training.windowDays),
    reason: request.reason ?? (request.scheduledTime === undefined ? 'ordered' : 'scheduled'),
  };
  const items = locations.map((location) => ({ location }));
  const locationsKey = runKeys.locations(run.id);
  await putObject(queryResults, locationsKey, JSON.stringify(items), 'application/json');
  return {
    run,
    locationsKey,
    chunks: chunksOf(items.length),
  };
}

function chooseLocations(settings: Settings, wanted: readonly string[] | undefined): readonly string[] {
  const configured = forecastLocations(settings.locations).map(({ id }) => id);
  if (wanted === undefined) return configured;
  const unknown = wanted.filter((location) => !configured.includes(location));
  if (unknown.length > 0) {
    const watched = settings.locations.filter(({ id }) => unknown.includes(id)).map(({ id }) => id);
    if (watched.length > 0) {
      throw new Refused(`Only watched, so without models: ${watched.join(', ')}.`);
    }
    throw new Refused(
      `Unknown location ${unknown.join(', ')}; configured are ${configured.slice(0, 10).join(', ')}${configured.length > 10 ? ', …' : ''}.`,
    );
  }
  return [...new Set(wanted)];
}

/**
 * Hours that may be trained on: the last one's label belongs to an hour that is over at `asOf`.
 * @throws Refused when `asOf` lies after the start of the execution.
 */
function windowOf(
  asOf: string,
  startedAt: string,
  windowDays: number,
): Pick<Run, 'asOf' | 'fromHour' | 'toHour'> {
  const end = Date.parse(asOf);
  if (end > Date.parse(startedAt)) {
    throw new Refused(`asOf ${asOf} lies in the future: the execution started at ${startedAt}.`);
  }
  const closed = Math.floor(end / HOUR_MS) * HOUR_MS;
  const toHour = closed - (1 + HORIZON_HOURS) * HOUR_MS;
  return {
    asOf: utcSecond(end),
    fromHour: utcSecond(closed - windowDays * 24 * HOUR_MS),
    toHour: utcSecond(toHour),
  };
}

function chunksOf(locations: number): { first: number; count: number }[] {
  return Array.from({ length: Math.ceil(locations / PLACES_PER_TRAINING_QUERY) }, (_, chunk) => ({
    first: chunk * PLACES_PER_TRAINING_QUERY,
    count: Math.min(PLACES_PER_TRAINING_QUERY, locations - chunk * PLACES_PER_TRAINING_QUERY),
  }));
}
