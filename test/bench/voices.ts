import { countEpisodes } from '../../lambdas/model/evaluation';
import { type Joined, joinedProbability, joinForecasts } from '../../lambdas/model/joined';
import { fromColumns } from '../../lambdas/model/matrix';
import { splitDevelopmentTest } from '../../lambdas/model/protocol';
import type { ProviderForecasts } from '../../lambdas/model/provider-forecast';
import type { Recipe } from '../../lambdas/model/recipe';
import { calibratedSeries, type Series, seriesAt, seriesOf } from '../../lambdas/model/series';
import { outOfFoldValues } from '../../lambdas/model/train';
import type { TrainingSet } from '../../lambdas/model/training-set';
import { hear, isRefuted, isWorseByDays, VOICE_DAYS } from '../../lambdas/model/voice';
import { DAY_MS } from '../../lambdas/runtime/time';
import { unhurried } from '../lambdas/model/search-in-process';
import { normal, seededUniform } from '../lambdas/model/smo/seeded';

/** Hours of forecasts that the joined calibration has learnt from; what comes after is live. */
const LEARNT_HOURS = 2_400;
const WEEK_HOURS = 168;
const YEAR_HOURS = 8_766;

/** What forecasts are worth as they are made up; with the lower worth the joined probability is as good as the plain one. */
const WORTH = 1;
const WORTH_OF_AN_EQUAL = 0.45;

/** Hours of a place that are live: both probabilities, the provider's forecasts, and what came. */
interface Live {
  readonly hours: Float64Array;
  readonly outcomes: Uint8Array;
  readonly plain: Float64Array;
  readonly joined: Float64Array;
  readonly forecasts: ProviderForecasts;
}

/** Faults of the provider, in the hours they last, in weeks. */
const FAULTS = {
  '30 points too high': { weeks: 2, probability: (p: number) => Math.min(p + 0.3, 1) },
  '30 points too low': { weeks: 2, probability: (p: number) => Math.max(p - 0.3, 0) },
  'stuck at 0%': { weeks: 1, probability: () => 0, precipMm: 0 },
  'stuck at 100%': { weeks: 1, probability: () => 1, precipMm: 0.5 },
} as const;

/**
 * How often the joined probability loses its voice without having deserved it, and what its faults cost before it does:
 * members of the recorded year, with forecasts that are openly made up from what came, blurred by two hours and noise.
 * @param seeds of made-up forecasts for each place.
 */
export function voiceTables(
  sets: readonly TrainingSet[],
  recipe: Recipe,
  seeds: number,
): { readonly silences: Record<string, unknown>[]; readonly faults: Record<string, unknown>[] } {
  const places = sets.map((set) => {
    const outOfFold = outOfFoldValues(set, recipe, splitDevelopmentTest(set).development, unhurried);
    const series = seriesOf(set, outOfFold.hours);
    return { series, recipe, outOfFold, plain: calibratedSeries(series, recipe, outOfFold) };
  });
  const runs = places.flatMap((place) =>
    Array.from({ length: seeds }, (_, seed) => ({ place, seed: seed + 1 })).flatMap(({ place, seed }) => {
      const joined = learn(place, madeUp(place.series, seed, WORTH));
      return joined === undefined ? [] : [{ place, seed: seed + 100, joined }];
    }),
  );
  const speak = ({ place, joined }: (typeof runs)[number], forecasts: ProviderForecasts): Live => ({
    ...place.series,
    plain: place.plain,
    joined: joinedProbability(
      joined,
      place.plain,
      fromColumns(place.outOfFold.values),
      forecasts,
      place.series.wetNow,
    ),
    forecasts,
  });
  const healthy = (worth: number) => runs.map((run) => speak(run, madeUp(run.place.series, run.seed, worth)));
  const between = runs.map((run) => {
    const live = speak(run, madeUp(run.place.series, run.seed, WORTH));
    const uniform = seededUniform(run.seed);
    const middle = live.plain.map((p, i) => (p + (live.joined[i] ?? Number.NaN)) / 2);
    return { ...live, outcomes: Uint8Array.from(middle, (p) => (uniform() < p ? 1 : 0)) };
  });
  return {
    silences: [
      silencesOf('joined is better', healthy(WORTH)),
      silencesOf('joined is as good as plain', healthy(WORTH_OF_AN_EQUAL)),
      silencesOf('the truth is halfway', between),
    ],
    faults: Object.entries(FAULTS).map(([name, fault]) => {
      const bad = runs.flatMap((run) => {
        const forecasts = madeUp(run.place.series, run.seed, WORTH);
        return rainyWeeks(run.place.series, fault.weeks).map(([from, to]) => ({
          ...speak(run, spoilt(forecasts, from, to, fault)),
          from,
          to,
        }));
      });
      return faultRow(name, fault.weeks, bad);
    }),
  };
}

/** Forecasts of each hour of a series by what came in it and beside it, with noise that has a memory of hours. */
function madeUp({ outcomes }: Series, seed: number, worth: number): ProviderForecasts {
  const uniform = seededUniform(seed);
  let noise = 0;
  const signal = Float64Array.from(outcomes, (came, i) => {
    noise = 0.85 * noise + Math.sqrt(1 - 0.85 ** 2) * normal(uniform);
    return worth * (came + 0.4 * (outcomes[i - 1] ?? 0) + 0.6 * (outcomes[i + 1] ?? 0)) + noise;
  });
  const precipMm = signal.map((s) => Math.max(0, Math.round(6 * (s - 1.4)) / 10));
  return {
    // What is said to be below 5% is said to be 0.
    probability: signal
      .map((s) => Math.round(100 / (1 + Math.exp(4 - 2.2 * s))) / 100)
      .map((p) => (p < 0.05 ? 0 : p)),
    precipMm,
    reaches: precipMm.map((mm) => (mm >= 0.1 ? 1 : 0)),
    errorMm: precipMm.map(() => Number.NaN),
  };
}

function spoilt(
  forecasts: ProviderForecasts,
  from: number,
  to: number,
  fault: { readonly probability: (p: number) => number; readonly precipMm?: number },
): ProviderForecasts {
  const within = (values: Float64Array, change: (value: number) => number) =>
    values.map((value, i) => (i >= from && i < to ? change(value) : value));
  const { precipMm: stuck } = fault;
  const precipMm = within(forecasts.precipMm, (mm) => stuck ?? mm);
  return {
    ...forecasts,
    probability: within(forecasts.probability, fault.probability),
    precipMm,
    reaches: precipMm.map((mm) => (mm >= 0.1 ? 1 : 0)),
  };
}

interface Place {
  readonly series: Series;
  readonly recipe: Recipe;
  readonly outOfFold: { readonly values: readonly (readonly number[])[] };
  readonly plain: Float64Array;
}

function learn(
  { series, recipe, outOfFold, plain }: Place,
  forecasts: ProviderForecasts,
): Joined | undefined {
  const learnt = seriesAt(
    { ...series, forecasts },
    Uint32Array.from({ length: LEARNT_HOURS }, (_, i) => i),
  );
  const values = outOfFold.values.map((member) => member.slice(0, LEARNT_HOURS));
  return joinForecasts(learnt, recipe, { values }, plain.slice(0, LEARNT_HOURS))?.joined;
}

/** Live spans of so many weeks, one after the other, with two rain episodes in each week. */
function rainyWeeks({ hours, outcomes }: Series, weeks: number): [number, number][] {
  const length = weeks * WEEK_HOURS;
  const spans: [number, number][] = [];
  for (let from = LEARNT_HOURS + 2 * 24; from + length <= hours.length; from += length) {
    const rainy = Array.from({ length: weeks }, (_, week) => from + week * WEEK_HOURS).every(
      (start) =>
        countEpisodes(hours.slice(start, start + WEEK_HOURS), outcomes.slice(start, start + WEEK_HOURS)) >= 2,
    );
    if (rainy) spans.push([from, from + length]);
  }
  return spans;
}

/** Hours in which the plain probability speaks, as hourly runs and the upkeep of each day decide it. */
function silentHours({ hours, outcomes, plain, joined, forecasts }: Live): Uint8Array {
  const days = new Map<
    number,
    { hours: number; rainHours: number; squaredError: number; rivalSquaredError: number }
  >();
  let heard: Parameters<typeof hear>[0];
  let [worse, day] = [false, Number.NaN];
  return Uint8Array.from(hours, (hour, i) => {
    const today = Math.floor(hour / DAY_MS);
    if (today !== day) {
      day = today;
      worse = isWorseByDays(
        Array.from({ length: VOICE_DAYS }, (_, back) => days.get(today - VOICE_DAYS + back)).filter(
          (known) => known !== undefined,
        ),
      );
    }
    const silent = worse || isRefuted(heard);
    const [p, q, came] = [plain[i] ?? Number.NaN, joined[i] ?? Number.NaN, outcomes[i] ?? 0];
    const score = days.get(today) ?? { hours: 0, rainHours: 0, squaredError: 0, rivalSquaredError: 0 };
    days.set(today, {
      hours: score.hours + 1,
      rainHours: score.rainHours + came,
      squaredError: score.squaredError + (q - came) ** 2,
      rivalSquaredError: score.rivalSquaredError + (p - came) ** 2,
    });
    const provider = {
      probability: forecasts.probability[i] ?? null,
      precipMm: forecasts.precipMm[i] ?? null,
    };
    heard = hear(heard, { plain: p, joined: q, provider, rained: came === 1 });
    return silent ? 1 : 0;
  });
}

function lossOf(probabilities: Float64Array, { outcomes }: Live, from: number, to: number): number {
  let loss = 0;
  for (let i = from; i < to; i++) loss += ((probabilities[i] ?? Number.NaN) - (outcomes[i] ?? 0)) ** 2;
  return loss;
}

const spoken = ({ plain, joined }: Live, silent: Uint8Array) =>
  joined.map((q, i) => (silent[i] === 1 ? (plain[i] ?? Number.NaN) : q));

function silencesOf(who: string, lives: readonly Live[]): Record<string, unknown> {
  let [hours, silentFor, times, joined, said, plain] = [0, 0, 0, 0, 0, 0];
  for (const live of lives) {
    const silent = silentHours(live);
    const end = silent.length;
    for (let i = LEARNT_HOURS; i < end; i++) {
      silentFor += silent[i] ?? 0;
      if (silent[i] === 1 && silent[i - 1] !== 1) times++;
    }
    hours += end - LEARNT_HOURS;
    joined += lossOf(live.joined, live, LEARNT_HOURS, end);
    said += lossOf(spoken(live, silent), live, LEARNT_HOURS, end);
    plain += lossOf(live.plain, live, LEARNT_HOURS, end);
  }
  return {
    who,
    'years and places': (hours / YEAR_HOURS).toFixed(1),
    'silences a year': (times / (hours / YEAR_HOURS)).toFixed(1),
    'silent, % of hours': ((100 * silentFor) / hours).toFixed(1),
    'Brier of joined, % of plain': ((100 * joined) / plain).toFixed(0),
    'as spoken, %': ((100 * said) / plain).toFixed(0),
  };
}

function faultRow(
  fault: string,
  weeks: number,
  bad: readonly (Live & { readonly from: number; readonly to: number })[],
): Record<string, unknown> {
  let [joined, said, plain] = [0, 0, 0];
  for (const live of bad) {
    const silent = silentHours(live);
    joined += lossOf(live.joined, live, live.from, live.to);
    said += lossOf(spoken(live, silent), live, live.from, live.to);
    plain += lossOf(live.plain, live, live.from, live.to);
  }
  return {
    fault,
    weeks,
    spans: bad.length,
    'Brier of joined, % of plain': ((100 * joined) / plain).toFixed(0),
    'as spoken, %': ((100 * said) / plain).toFixed(1),
    'cost spared, %': joined > plain ? ((100 * (joined - said)) / (joined - plain)).toFixed(0) : null,
  };
}
