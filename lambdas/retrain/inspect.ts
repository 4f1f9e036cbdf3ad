import type * as z from 'zod';
import { type Bucket, getObject } from '../lake/s3';
import { EMBARGO_HOURS, expandingFolds, type RowRange, splitDevelopmentTest } from '../model/protocol';
import { candidateRecipes, knownGroups, type Recipe, sameRecipe } from '../model/recipe';
import { readModel, readPointer } from '../model/registry';
import type { TrainingSet } from '../model/training-set';
import type { Settings } from '../runtime/settings';
import { batchesOf } from './batches';
import { type Candidates, runFiles } from './run-files';
import { type inspectOutput, runKeys, type StepInput } from './steps';
import { parsedOnce } from './training-set-cache';
import { parseTrainingSet } from './training-set-file';

export interface LocationDependencies {
  readonly settings: Settings;
  readonly queryResults: Bucket;
  readonly models: Bucket;
}

/** Ten days: fewer hours say nothing about weather, and leave folds of a day. */
const MINIMUM_HOURS = 240;

/**
 * Looks at what one location has to train on, finds the champion that a challenger has to beat, and lists the
 * recipes of the search's first round, cut into batches. It looks at no hour of the test part but to count rows.
 * @throws TrainingSetDamaged when the training set can't be read.
 */
export async function inspect(
  { settings, queryResults, models }: LocationDependencies,
  { run, location }: StepInput<'inspect'>,
): Promise<z.infer<typeof inspectOutput>> {
  const set = await findTrainingSet(queryResults, run.id, location);
  const reasons = whyUntrainable(set, settings.training.minimumRainEvents);
  if (set === undefined || reasons.length > 0) {
    return { run, location, trainable: false, reasons, round: 0, batches: [] };
  }
  const { development } = splitDevelopmentTest(set);
  const rows = development.end - development.start;
  const recipes = candidateRecipes(settings.training.candidates, knownGroups(set, development), rows);
  const candidates = withChampion(recipes, await findChampion(models, location));
  await runFiles.candidates.write(queryResults, candidates, run.id, location);
  const batches = batchesOf(candidates.rounds, rows);
  return { run, location, trainable: true, reasons, round: 0, batches };
}

/** The training set that `prepare` made for a location; undefined when it found no hour to train on. */
async function findTrainingSet(
  queryResults: Bucket,
  run: string,
  location: string,
): Promise<TrainingSet | undefined> {
  const stored = await getObject(queryResults, runKeys.trainingSet(run, location));
  return stored && parsedOnce(location, stored.etag, () => parseTrainingSet(location, stored.bytes));
}

/** As `findTrainingSet`, for the steps after `inspect`. @throws Error when there is none. */
export async function readTrainingSet(
  queryResults: Bucket,
  run: string,
  location: string,
): Promise<TrainingSet> {
  const set = await findTrainingSet(queryResults, run, location);
  if (set === undefined) throw new Error(`The run has no training set of ${location}.`);
  return set;
}

/** Sentences that say why no challenger can be made; none when one can. */
function whyUntrainable(set: TrainingSet | undefined, minimumRainEvents: number): string[] {
  if (set === undefined || set.hours.length === 0) {
    return ['There is no hour to train on: none has both an observation and a known next hour.'];
  }
  if (set.hours.length < MINIMUM_HOURS) {
    return [`There are ${set.hours.length} hours to train on; ${MINIMUM_HOURS} are needed.`];
  }
  const { development } = splitDevelopmentTest(set);
  const rain = rainHours(set, development);
  const hours = development.end - development.start;
  if (rain < minimumRainEvents) {
    return [`The development part has ${rain} rain hours; ${minimumRainEvents} are needed.`];
  }
  if (rain === hours) return ['It rained in every hour of the development part.'];
  if (expandingFolds(set, development).length === 0) {
    return [
      `The oldest hours are all of one class, or lie within the embargo of ${EMBARGO_HOURS} hours: the search has nothing to compare recipes on.`,
    ];
  }
  return [];
}

function rainHours(set: TrainingSet, { start, end }: RowRange): number {
  return set.y.subarray(start, end).reduce((sum, y) => sum + y, 0);
}

interface ChampionFound {
  readonly etag: string | null;
  readonly version: string | null;
  readonly recipe: Recipe | null;
  readonly reason: string | null;
}

/** The champion's recipe, or why it can't take part: there is none, or its file is not one of this code. */
async function findChampion(models: Bucket, location: string): Promise<ChampionFound> {
  const pointer = await readPointer(models, location);
  if (pointer.status === 'absent') {
    return { etag: null, version: null, recipe: null, reason: 'There is no champion yet.' };
  }
  if (pointer.status === 'damaged') {
    return { etag: pointer.etag, version: null, recipe: null, reason: pointer.reason };
  }
  const { version } = pointer.entry;
  const read = await readModel(models, location, version);
  return 'model' in read
    ? { etag: pointer.etag, version, recipe: read.model.recipe, reason: null }
    : { etag: pointer.etag, version, recipe: null, reason: `The champion is refused: ${read.refused}` };
}

/** The champion's recipe is scored like any other, so that the test finds its out-of-fold values as well. */
function withChampion(recipes: readonly Recipe[], champion: ChampionFound): Candidates {
  const { recipe } = champion;
  const known = recipe === null ? -1 : recipes.findIndex((candidate) => sameRecipe(candidate, recipe));
  return {
    rounds: [[...recipes, ...(recipe !== null && known < 0 ? [recipe] : [])]],
    championEtag: champion.etag,
    championVersion: champion.version,
    championCandidate: recipe === null ? null : known < 0 ? recipes.length : known,
    championReason: champion.reason,
  };
}
