import * as z from 'zod';
import { compareBlocks, isWorse } from '../../lambdas/model/comparison';
import { countEpisodes, squaredErrors } from '../../lambdas/model/evaluation';
import { loadLibsvm } from '../../lambdas/model/libsvm';
import { fitPersistence, persistenceProbability } from '../../lambdas/model/persistence';
import { splitDevelopmentTest } from '../../lambdas/model/protocol';
import { fitClassifier, fitDecision, probabilitiesOf, testRecipe } from '../../lambdas/model/train';
import type { TrainingSet } from '../../lambdas/model/training-set';
import { DAY_MS } from '../../lambdas/runtime/time';
import { between, recordedYear } from '../lambdas/model/recorded-year';
import { searchAndJudge, unhurried } from '../lambdas/model/search-in-process';
import { writeResults } from './report';

const FIRST_DAY = Date.parse('2013-01-01T00:00:00Z');
/** Days that a model forecasts after its start, and the blocks that they are judged in. */
const FORECAST_DAYS = 30;
const BLOCK_DAYS = 5;
const LEARNT_DAYS = [30, 60, 90] as const;
const STARTS_OF_STATION = 21;
const MINIMUM_EPISODES = 4;

interface Start {
  readonly model: 'none' | 'first rung' | 'full';
  readonly episodes: number;
  readonly hours: number;
  readonly loss: number;
  readonly persistenceLoss: number;
  readonly worse: boolean;
}

export const options = { every: { type: 'string' }, days: { type: 'string' } } as const;

const commandLine = z.object({
  every: z.string().default('1').transform(Number).pipe(z.int().min(1).max(STARTS_OF_STATION)),
  days: z.string().transform(Number).pipe(z.literal(LEARNT_DAYS)).optional(),
});

/**
 * Retraining with little history: 21 starts at each recorded airport, each with nothing but the 30, 60 or 90 days
 * before it; then 30 days are forecast, and held against persistence fitted on the same days.
 * `--every 3` takes one start in three, `--days 60` one of the three lengths.
 */
export async function bench(given: unknown): Promise<void> {
  const { every, days: only } = commandLine.parse(given);
  await loadLibsvm();
  const stations = await recordedYear();
  const table = LEARNT_DAYS.filter((days) => only === undefined || days === only).map((days) => {
    const starts = stations.flatMap((station) => startsOf(station, days, every));
    return rowOf(days, starts);
  });
  writeResults('rolling', table);
}

/** Starts spread evenly over what the year leaves, so that each has its days before and after it. */
function startsOf(station: TrainingSet, days: number, every: number): Start[] {
  const room = 365 - days - FORECAST_DAYS;
  return Array.from({ length: STARTS_OF_STATION }, (_, i) => i)
    .filter((i) => i % every === 0)
    .map((i) => {
      const start = FIRST_DAY + (days + Math.round((i * room) / (STARTS_OF_STATION - 1))) * DAY_MS;
      return judgeStart(
        between(station, start - days * DAY_MS, start),
        between(station, start, start + FORECAST_DAYS * DAY_MS),
        start,
      );
    });
}

function judgeStart(learnt: TrainingSet, coming: TrainingSet, start: number): Start {
  const episodes = countEpisodes(learnt.hours, learnt.y);
  const persistence = fitPersistence(learnt, { start: 0, end: learnt.hours.length });
  const reference = squaredErrors(coming.y, persistenceProbability(persistence, coming.wetNow));
  const nothing = { episodes, hours: 0, loss: 0, persistenceLoss: 0, worse: false };
  if (episodes < MINIMUM_EPISODES) return { model: 'none', ...nothing };
  const { gate, recipe, outOfFold } = searchAndJudge(learnt, 24);
  if (gate.decision === 'keep') return { model: 'none', ...nothing };

  const split = splitDevelopmentTest(learnt);
  const tested = testRecipe(learnt, recipe, split, outOfFold, unhurried);
  const { calibration } = fitDecision(learnt, recipe, tested.outOfFold);
  const classifier = fitClassifier(learnt, recipe, { start: 0, end: learnt.hours.length }, unhurried);
  const all = { start: 0, end: coming.hours.length };
  const losses = squaredErrors(coming.y, probabilitiesOf(classifier, calibration, coming, all));
  const blocks = new Map<number, { hours: number; candidate: number; reference: number }>();
  coming.hours.forEach((hour, i) => {
    const number = Math.floor((hour - start) / (BLOCK_DAYS * DAY_MS));
    const block = blocks.get(number) ?? { hours: 0, candidate: 0, reference: 0 };
    block.hours++;
    block.candidate += losses[i] ?? Number.NaN;
    block.reference += reference[i] ?? Number.NaN;
    blocks.set(number, block);
  });
  const sum = (of: Float64Array) => of.reduce((total, value) => total + value, 0);
  return {
    model: recipe.members.length === 0 ? 'first rung' : 'full',
    episodes,
    hours: coming.hours.length,
    loss: sum(losses),
    persistenceLoss: sum(reference),
    worse: isWorse(compareBlocks([...blocks.values()]), 0.05),
  };
}

function rowOf(days: number, starts: readonly Start[]): Record<string, unknown> {
  const able = starts.filter(({ episodes }) => episodes >= MINIMUM_EPISODES);
  const modelled = able.filter(({ model }) => model !== 'none');
  const total = (of: (start: Start) => number) => modelled.reduce((sum, start) => sum + of(start), 0);
  const hours = total((start) => start.hours);
  return {
    days,
    starts: starts.length,
    'with four episodes': able.length,
    'of these with a model': `${((100 * modelled.length) / able.length).toFixed(0)}%`,
    'full recipes': modelled.filter(({ model }) => model === 'full').length,
    Brier: (total((start) => start.loss) / hours).toFixed(5),
    persistence: (total((start) => start.persistenceLoss) / hours).toFixed(5),
    'worse at 5%': modelled.filter(({ worse }) => worse).length,
  };
}
