import type * as z from 'zod';
import { type Bucket, getObject } from '../lake/s3';
import { countEpisodes } from '../model/evaluation';
import { seriesIsEnough } from '../model/gate';
import { selectLabels, selectValues } from '../model/matrix';
import { expandingFolds, type RowRange, splitDevelopmentTest, weekOf } from '../model/protocol';
import {
  type BaselineRecipes,
  baselineRecipes,
  candidateRecipes,
  FIRST_RUNG,
  knownGroups,
  type Recipe,
  sameRecipe,
} from '../model/recipe';
import { readModel, readPointer } from '../model/registry';
import type { TrainingSet } from '../model/training-set';
import type { Settings } from '../settings';
import { batchesOf } from './batches';
import { type Candidates, runFiles } from './run-files';
import { type inspectOutput, runKeys, type StepInput } from './steps';
import { parsedOnce } from './training-set-cache';
import { parseTrainingSet } from './training-set-file';

export interface LocationDependencies {
  readonly settings: Settings;
  readonly queryResults: Bucket;
  readonly models: Bucket;
  /** Writes a line of the log. */
  readonly note: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Ten days: fewer hours say nothing about weather, and leave folds of a day. */
const MINIMUM_HOURS = 240;

/**
 * Looks at what one location has to train on, finds the champion that a challenger has to beat, and lists the
 * recipes of the search's first round, cut into batches. It looks at no hour of the test part but to count rows.
 * @throws TrainingSetDamaged when the training set can't be read.
 */
export async function inspect(
  { settings, queryResults, models, note }: LocationDependencies,
  { run, location }: StepInput<'inspect'>,
): Promise<z.infer<typeof inspectOutput>> {
  const set = await findTrainingSet(queryResults, run.id, location);
  const passedOver = await findPassedOver(queryResults, run.id, location);
  const hours = set?.hours.length ?? 0;
  note('training set', {
    location,
    hours,
    polledHours: set === undefined ? 0 : polledHours(set),
    passedOver,
  });
  const champion = await findChampion(models, location);
  const reasons = whyUntrainable(set, settings.training.minimumRainEvents, champion.recipe !== null);
  if (reasons.length > 0) reasons.push(...passedOverInWords(passedOver));
  if (set === undefined || reasons.length > 0) {
    return { run, location, trainable: false, reasons, round: 0, batches: [] };
  }
  const candidates = firstRound(set, champion, settings.training.candidates);
  await runFiles.candidates.write(queryResults, candidates, run.id, location);
  const { development } = splitDevelopmentTest(set);
  const batches = batchesOf(candidates.rounds, development.end - development.start);
  return { run, location, trainable: true, reasons, round: 0, batches };
}

/**
 * The first round of a location's search: the first rung and, where the series can judge them, full recipes, at most
 * `count`; the champion's recipe and the baselines beside them.
 */
export function firstRound(set: TrainingSet, champion: ChampionFound, count: number): Candidates {
  const { development } = splitDevelopmentTest(set);
  const judgeable = isJudgeable(set, development);
  const groups = knownGroups(set, development);
  const rows = development.end - development.start;
  const recipes = judgeable ? candidateRecipes(count, groups, rows) : [FIRST_RUNG];
  return { ...candidatesOf(recipes, champion, baselineRecipes(groups)), judgeable };
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

/** What training did not see of a location's rows. */
export async function findPassedOver(queryResults: Bucket, run: string, location: string) {
  return (await runFiles.passedOver.find(queryResults, run, location)) ?? { otherThreshold: 0, oldShape: 0 };
}

/** Hours of which polls told what was known. */
export function polledHours({ polled }: TrainingSet): number {
  return polled.reduce((sum, one) => sum + one, 0);
}

function passedOverInWords({
  otherThreshold,
  oldShape,
}: Awaited<ReturnType<typeof findPassedOver>>): string[] {
  const rows = otherThreshold + oldShape;
  return rows === 0
    ? []
    : [
        `${rows} hours were passed over (${otherThreshold} of another rain threshold, ${oldShape} of an older shape): invoke the hourly function with {"from": …, "to": …} to make them anew.`,
      ];
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

/**
 * Sentences that say why nothing can be learnt; none when it can. A champion's recipe gets new data whatever they hold.
 */
function whyUntrainable(
  set: TrainingSet | undefined,
  minimumRainEvents: number,
  hasChampion: boolean,
): string[] {
  if (set === undefined || set.hours.length === 0) {
    return ['There is no hour to train on: none has both an observation and a known next hour.'];
  }
  if (set.hours.length < MINIMUM_HOURS) {
    return [`There are ${set.hours.length} hours to train on; ${MINIMUM_HOURS} are needed.`];
  }
  const episodes = countEpisodes(set.hours, set.y);
  if (!hasChampion && episodes < minimumRainEvents) {
    return [`There are ${episodes} rain episodes to learn from; ${minimumRainEvents} are needed.`];
  }
  const rain = rainHours(set, { start: 0, end: set.hours.length });
  return rain === 0 || rain === set.hours.length ? ['All hours are of one class.'] : [];
}

/** Whether the series has the weeks and the rain that a choice among full recipes takes. */
function isJudgeable(set: TrainingSet, development: RowRange): boolean {
  const judged = expandingFolds(set, development).flatMap(({ validation: { start, end } }) =>
    Array.from({ length: end - start }, (_, i) => start + i),
  );
  const hours = selectValues(set.hours, judged);
  const outcomes = selectLabels(set.y, judged);
  const weeks = new Set(Array.from(hours, (hour) => weekOf(set, hour)));
  return seriesIsEnough(weeks.size, countEpisodes(hours, outcomes));
}

function rainHours(set: TrainingSet, { start, end }: RowRange): number {
  return set.y.subarray(start, end).reduce((sum, y) => sum + y, 0);
}

/** The champion that a challenger is up against. */
export interface ChampionFound {
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

/** The champion's recipe and the baselines are scored like any other, so that the test finds their values as well. */
function candidatesOf(
  recipes: readonly Recipe[],
  champion: ChampionFound,
  baselines: BaselineRecipes,
): Omit<Candidates, 'judgeable'> {
  const all = [...recipes];
  const placeOf = (recipe: Recipe) => {
    const known = all.findIndex((candidate) => sameRecipe(candidate, recipe));
    return known < 0 ? all.push(recipe) - 1 : known;
  };
  return {
    championCandidate: champion.recipe === null ? null : placeOf(champion.recipe),
    baselines: {
      logisticRegression: baselines.logisticRegression.map(placeOf),
      plainSvc: baselines.plainSvc.map(placeOf),
    },
    rounds: [all],
    championEtag: champion.etag,
    championVersion: champion.version,
    championReason: champion.reason,
  };
}
