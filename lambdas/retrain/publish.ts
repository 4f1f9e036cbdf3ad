import pLimit from 'p-limit';
import { keys } from '../lake/layout';
import { type Bucket, getText, listObjects, putObject, updateObject } from '../lake/s3';
import {
  type Champions,
  championsSchema,
  type EvaluationFile,
  evaluationFileSchema,
  type RunSummary,
  resultOf,
} from '../model/metrics-file';
import { writeEvaluationRows } from '../model/metrics-rows';
import { readPointer } from '../model/registry';
import { PLACES_PER_PART } from '../pages/parts-of-places';
import { refreshIndex, refreshPlacePages } from '../pages/refresh';
import { settleAll } from '../runtime/settle';
import { utcSecond } from '../runtime/time';
import { forecastLocations, type Location } from '../weather/location';
import type { LocationDependencies } from './inspect';
import { runFiles } from './run-files';
import { type Run, runKeys, type StepInput } from './steps';

export interface PublishDependencies extends LocationDependencies {
  readonly processed: Bucket;
}

/** Objects read side by side: five thousand locations take seconds. */
const READERS = 32;

/** Most locations that the execution's own output names one by one. */
const LOCATIONS_NAMED = 40;

/**
 * Last state of a run: gathers what came of each location, stores the rows of `model_metrics`, the run's summary, its
 * places' entries of `champions.json` and their pages. A location that left no outcome counts as failed. Repeating it writes
 * the same again.
 * @returns the summary; beyond 40 locations its `results` are in `summary.json` only.
 * @throws AggregateError naming the pages that could not be made, after all else is stored.
 */
export async function publish(
  { settings, queryResults, models, processed }: PublishDependencies,
  { run, at }: StepInput<'publish'>,
): Promise<RunSummary> {
  const limit = pLimit(READERS);
  const items = await runFiles.locations.read(queryResults, run.id);
  const evaluations = await Promise.all(
    items.map(({ location }) => limit(() => evaluationOf(queryResults, run, location))),
  );
  const summary = summaryOf(run, evaluations);
  await writeEvaluationRows(processed, run, evaluations);
  await putObject(queryResults, summary.summaryKey, JSON.stringify(summary, null, 2), 'application/json');
  const about = new Set(items.map(({ location }) => location));
  const places = settings.locations.filter(({ id }) => about.has(id));
  const entries = await settleAll(places.map((place) => limit(() => championOf(models, place))));
  await mergeChampions(models, forecastLocations(settings.locations), entries, at);
  const access = { locations: settings.locations, processed, models };
  await refreshIndex(access, at);
  // Those of thousands of places are made by the next upkeep.
  if (places.length <= PLACES_PER_PART) await refreshPlacePages(access, at, places);
  return items.length <= LOCATIONS_NAMED ? summary : { ...summary, results: [] };
}

async function evaluationOf(queryResults: Bucket, run: Run, location: string): Promise<EvaluationFile> {
  const found = await runFiles.outcome.find(queryResults, run.id, location);
  return (
    found ?? {
      schemaVersion: 2,
      location,
      run: run.id,
      asOf: run.asOf,
      cause: run.reason,
      outcome: 'failed',
      reasons: ['The run ended before anything was recorded; its execution history says why.'],
      version: null,
      since: null,
      assessment: null,
    }
  );
}

function summaryOf(run: Run, evaluations: readonly EvaluationFile[]): RunSummary {
  const count = (outcome: EvaluationFile['outcome']) =>
    evaluations.filter((evaluation) => evaluation.outcome === outcome).length;
  return {
    schemaVersion: 1,
    run: run.id,
    asOf: run.asOf,
    locations: evaluations.length,
    promoted: count('promoted'),
    refreshed: count('refreshed'),
    kept: count('kept'),
    failed: count('failed'),
    summaryKey: runKeys.summary(run.id),
    results: evaluations.map(resultOf),
  };
}

/**
 * Puts the entries of some places into `champions.json`; those of other places stay, those of places that are not
 * configured any more go. A list that can't be read is begun anew: it is made of stored evaluations.
 */
async function mergeChampions(
  models: Bucket,
  configured: readonly Location[],
  entries: Champions['locations'],
  at: string,
): Promise<void> {
  await updateObject(models, keys.champions, 'application/json', (stored) => {
    const known = new Map(championsIn(stored?.bytes)?.locations.map((entry) => [entry.location, entry]));
    for (const entry of entries) known.set(entry.location, entry);
    const champions: Champions = {
      schemaVersion: 1,
      generatedAt: at,
      locations: configured.flatMap(({ id }) => known.get(id) ?? []),
    };
    return { body: JSON.stringify(champions), result: undefined };
  });
}

function championsIn(stored: Uint8Array | undefined): Champions | undefined {
  if (stored === undefined) return undefined;
  try {
    return championsSchema.parse(JSON.parse(new TextDecoder().decode(stored)));
  } catch {
    return undefined;
  }
}

/** Who forecasts for a place now, and what the last run that looked at it found; the run need not be this one. */
async function championOf(models: Bucket, { id, name }: Location): Promise<Champions['locations'][number]> {
  const pointer = await readPointer(models, id);
  const newest = (await listObjects(models, keys.evaluations(id))).at(-1);
  const text = newest && (await getText(models, newest.key));
  // An older version of this code wrote evaluations of another form; the next run writes one that can be read.
  const evaluation = text === undefined ? undefined : evaluationFileSchema.safeParse(JSON.parse(text)).data;
  return {
    location: id,
    name,
    champion:
      pointer.status === 'valid' ? { version: pointer.entry.version, since: pointer.entry.since } : null,
    lastRun:
      evaluation === undefined
        ? null
        : {
            outcome: evaluation.outcome,
            reason: evaluation.reasons.join(' '),
            run: evaluation.run,
            asOf: utcSecond(evaluation.asOf),
          },
  };
}
