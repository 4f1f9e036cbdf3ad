import * as z from 'zod';
import { DAY_MS } from '../runtime/time';
import { blocksOf, type Comparison, compareBlocks, isBetter } from './comparison';
import { countEpisodes, squaredErrors } from './evaluation';
import { calibrateKnown, fitKnown, type KnownCalibration } from './known-calibration';
import {
  fitScaled,
  type Logistic,
  logisticProbability,
  logisticSchema,
  logits,
  smoothedTargets,
} from './logistic';
import { fromColumns, type Matrix, selectLabels, selectRows, selectValues, sideBySide } from './matrix';
import {
  FORECAST_TERMS,
  offeredTerms,
  type ProviderForecasts,
  rowsWith,
  type Term,
  termsOf,
} from './provider-forecast';
import type { Recipe } from './recipe';
import { calibratedSeries, crossFitted, type OutOfFold, type Series, seriesAt } from './series';

/**
 * The members joined with the provider's forecast: its terms and corrections of the members' weights are added to the
 * logit that the plain calibration gives, so that few hours change little of what years have said.
 */
export const joinedSchema = z.strictObject({
  terms: z.array(z.enum(FORECAST_TERMS)).min(1),
  /** Added to the logit of the plain probability: weights of the members' decision values, then of the terms. */
  logistic: logisticSchema,
  /** Whether training found it better than the plain probability; if not, it is only watched. */
  speaks: z.boolean(),
});
export type Joined = z.infer<typeof joinedSchema>;

/** A joined calibration, and how it did on hours of weeks that it was not fitted on. */
export interface Joining {
  readonly joined: Joined;
  /** Numbers of the series' hours that have all terms. */
  readonly rows: Uint32Array;
  /** Of these hours, each by what was fitted on other weeks. */
  readonly probabilities: Float64Array;
  /** Against the plain probability of the same hours, by days. */
  readonly comparison: Comparison;
  readonly episodes: number;
}

/** Hours with forecasts, and rain episodes among them, without which nothing is joined. */
const JOINED_HOURS = 400;
const JOINED_EPISODES = 4;

/** One-sided level at which the joined probability has to be better before it speaks, and the error before it is used. */
const LEVEL = 0.05;

/** Draws every weight, in standard deviations of its input, to what the plain calibration says. */
const RIDGE = 1;

/**
 * Joins a recipe's members with the provider's forecasts, on the hours of the series that have them, wherever they lie.
 * The error of the forecast before is among the terms where it makes the probability better.
 * @param plain probabilities of the series' hours, cross-fitted.
 * @returns undefined where these hours are fewer than 400 or hold fewer than four rain episodes.
 */
export function joinForecasts(
  series: Series,
  { calibration }: Pick<Recipe, 'calibration'>,
  { values }: Pick<OutOfFold, 'values'>,
  plain: Float64Array,
): Joining | undefined {
  const { forecasts } = series;
  if (forecasts === null) return undefined;
  const material = { series, forecasts, calibration, members: fromColumns(values), plain };
  const own = joinWith(material, offeredTerms(forecasts));
  const withError = own && joinWith(material, [...own.joined.terms, 'error']);
  if (own === undefined || withError === undefined) return own;
  const without = new Map(Array.from(own.rows, (row, i) => [row, own.probabilities[i] ?? Number.NaN]));
  const reference = Float64Array.from(withError.rows, (row) => without.get(row) ?? Number.NaN);
  const gain = compareDays(series, withError.rows, withError.probabilities, reference);
  return isBetter(gain, LEVEL) ? withError : own;
}

/** What would have been issued for each hour of a series. */
export interface Spoken {
  /** Joined where the hour had a forecast and the joined probability speaks, else plain. */
  readonly probabilities: Float64Array;
  readonly plain: Float64Array;
  readonly joining: Joining | undefined;
}

/** Probabilities of the series' hours by members that gave these values, all cross-fitted by week. */
export function spokenSeries(
  series: Series,
  recipe: Pick<Recipe, 'calibration'>,
  outOfFold: Pick<OutOfFold, 'values'>,
): Spoken {
  const plain = calibratedSeries(series, recipe, outOfFold);
  const joining = joinForecasts(series, recipe, outOfFold, plain);
  if (joining?.joined.speaks !== true) return { probabilities: plain, plain, joining };
  const probabilities = plain.slice();
  joining.rows.forEach((row, i) => {
    probabilities[row] = joining.probabilities[i] ?? Number.NaN;
  });
  return { probabilities, plain, joining };
}

interface Material {
  readonly series: Series;
  readonly forecasts: ProviderForecasts;
  readonly calibration: Recipe['calibration'];
  readonly members: Matrix;
  readonly plain: Float64Array;
}

function joinWith(material: Material, terms: readonly Term[]): Joining | undefined {
  const { series, forecasts, calibration, members, plain } = material;
  const { outcomes, wetNow } = series;
  const given = termsOf(terms, forecasts, wetNow);
  const rows = rowsWith(given);
  const episodes = countEpisodes(selectValues(series.hours, rows), selectLabels(series.outcomes, rows));
  if (rows.length < JOINED_HOURS || episodes < JOINED_EPISODES) return undefined;

  const plainFit = (seen: Uint32Array, near?: KnownCalibration) =>
    fitKnown(calibration, selectRows(members, seen), seriesAt(series, seen), near);
  const say = (fitted: KnownCalibration, some: Uint32Array) =>
    calibrateKnown(fitted, selectRows(members, some), seriesAt(series, some));
  const inputs = (some: Uint32Array) => sideBySide(selectRows(members, some), selectRows(given, some));
  const learn = (fitted: KnownCalibration, some: Uint32Array, start?: Logistic) =>
    fitScaled(inputs(some), smoothedTargets(selectLabels(series.outcomes, some)), RIDGE, {
      start,
      offset: logits(say(fitted, some)),
    });

  const all = Uint32Array.from(outcomes.keys());
  const near = plainFit(all);
  const known = new Set(rows);
  const logistic = learn(near, rows);
  const spoken = crossFitted(series, (seen, judged) => {
    const learnt = seen.filter((i) => known.has(i));
    if (learnt.length === 0 || !judged.some((i) => known.has(i))) {
      return new Float64Array(judged.length).fill(Number.NaN);
    }
    const fitted = plainFit(seen, near);
    return addTerms(learn(fitted, learnt, logistic), say(fitted, judged), inputs(judged));
  });
  const probabilities = selectValues(spoken, rows);
  if (probabilities.some(Number.isNaN)) return undefined;
  const comparison = compareDays(series, rows, probabilities, selectValues(plain, rows));
  const joined = { terms: [...terms], logistic, speaks: isBetter(comparison, LEVEL) };
  return { joined, rows, probabilities, comparison, episodes };
}

/** The joined probability of some hours; NaN where a term is missing. */
export function joinedProbability(
  { terms, logistic }: Pick<Joined, 'terms' | 'logistic'>,
  plain: Float64Array,
  members: Matrix,
  forecasts: ProviderForecasts,
  wetNow: Float64Array,
): Float64Array {
  return addTerms(logistic, plain, sideBySide(members, termsOf(terms, forecasts, wetNow)));
}

function addTerms(logistic: Logistic, plain: Float64Array, inputs: Matrix): Float64Array {
  return logisticProbability(logistic, inputs, logits(plain));
}

function compareDays(
  series: Series,
  rows: Uint32Array,
  candidate: Float64Array,
  reference: Float64Array,
): Comparison {
  const outcomes = selectLabels(series.outcomes, rows);
  return compareBlocks(
    blocksOf(
      selectValues(series.hours, rows),
      squaredErrors(outcomes, candidate),
      squaredErrors(outcomes, reference),
      { length: DAY_MS, origin: 0 },
    ),
  );
}
