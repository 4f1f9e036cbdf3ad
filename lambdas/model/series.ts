import { DAY_MS } from '../runtime/time';
import { type Comparison, compareBlocks } from './comparison';
import { squaredErrors } from './evaluation';
import { calibrateKnown, fitKnown } from './known-calibration';
import { fromColumns, selectLabels, selectRows, selectValues } from './matrix';
import { fitPersistence, type Persistence, persistenceProbability } from './persistence';
import { weekOf } from './protocol';
import {
  fitRecalibration,
  forecastsAt,
  offeredTerms,
  type ProviderForecasts,
  recalibrate,
  rowsWith,
  termsOf,
} from './provider-forecast';
import type { Recipe } from './recipe';
import type { TrainingSet } from './training-set';

/**
 * Decision values of rows by members that were fitted without them and before them. Plain JSON: the score step stores
 * it, test and refit calibrate on it.
 */
export interface OutOfFold {
  /** Base hour of each row, ms since the epoch. */
  readonly hours: readonly number[];
  /** One array per member, the linear one last, each as long as `hours`. */
  readonly values: readonly (readonly number[])[];
}

/**
 * The one series to judge by: hours of the development part that recipes were measured on by models fitted on earlier
 * hours. Choice of the recipe, gate and baselines look at these hours and at no others.
 */
export interface Series {
  readonly hours: Float64Array;
  readonly outcomes: Uint8Array;
  /** 1 wet, 0 dry, NaN unknown at the base hour. */
  readonly wetNow: Float64Array;
  /** 1 where polls told what was known of the hour, else 0. */
  readonly polled: Uint8Array;
  /** Number of each hour's week, ascending. */
  readonly weeks: Int32Array;
  /** The provider's own; null where it forecast none of the set's hours. */
  readonly forecasts: ProviderForecasts | null;
}

/** The row of a base hour, ms since the epoch; undefined where there is none. */
export function rowOfHour({ hours }: Pick<TrainingSet, 'hours'>, hour: number): number | undefined {
  let [low, high] = [0, hours.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hours[middle] ?? Number.NaN) < hour) low = middle + 1;
    else high = middle;
  }
  return hours[low] === hour ? low : undefined;
}

/** Hours of out-of-fold values, with what the set knows of them. @throws RangeError when an hour is not in the set. */
export function seriesOf(set: TrainingSet, hours: ArrayLike<number>): Series {
  const rows = Array.from(hours, (hour) => {
    const row = rowOfHour(set, hour);
    if (row === undefined) {
      throw new RangeError(
        `Hour ${new Date(hour).toISOString()} has decision values but is not in the training set.`,
      );
    }
    return row;
  });
  return {
    hours: Float64Array.from(hours),
    outcomes: selectLabels(set.y, rows),
    wetNow: selectValues(set.wetNow, rows),
    polled: selectLabels(set.polled, rows),
    weeks: Int32Array.from(hours, (hour) => weekOf(set, hour)),
    forecasts: set.forecasts && forecastsAt(set.forecasts, rows),
  };
}

/** Some hours of a series, in their order. */
export function seriesAt(
  { hours, outcomes, wetNow, polled, weeks, forecasts }: Series,
  rows: Uint32Array,
): Series {
  return {
    hours: selectValues(hours, rows),
    outcomes: selectLabels(outcomes, rows),
    wetNow: selectValues(wetNow, rows),
    polled: selectLabels(polled, rows),
    weeks: Int32Array.from(rows, (i) => weeks[i] ?? Number.NaN),
    forecasts: forecasts && forecastsAt(forecasts, rows),
  };
}

/** Parts that weeks are dealt out to: with ten weeks or fewer, each is judged by all others. */
const PARTS = 10;

/**
 * Probabilities of each hour by what was fitted on other weeks: nothing that is judged has seen its own outcome, and
 * whoever has more to fit gains nothing by it. A series of less than two weeks is dealt out by days.
 * @param learn gives, from some hours, the probabilities of others; both are numbers of hours in the series.
 */
export function crossFitted(
  { hours, weeks }: Pick<Series, 'hours' | 'weeks'>,
  learn: (rows: Uint32Array, others: Uint32Array) => Float64Array,
): Float64Array {
  const severalWeeks = weeks.some((week) => week !== weeks[0]);
  const block = severalWeeks ? weeks : Int32Array.from(hours, (hour) => Math.floor(hour / DAY_MS));
  const part = block.map((number) => ((number % PARTS) + PARTS) % PARTS);
  const places = Uint32Array.from(part.keys());
  const probabilities = new Float64Array(hours.length).fill(Number.NaN);
  for (const judged of new Set(part)) {
    const rows = places.filter((i) => part[i] !== judged);
    const others = places.filter((i) => part[i] === judged);
    learn(rows, others).forEach((probability, i) => {
      probabilities[others[i] ?? Number.NaN] = probability;
    });
  }
  return probabilities;
}

/** Probabilities of a recipe whose members gave these values, its calibration cross-fitted. */
export function calibratedSeries(
  series: Series,
  { calibration }: Pick<Recipe, 'calibration'>,
  { values }: { readonly values: readonly (readonly number[])[] },
): Float64Array {
  const members = fromColumns(values);
  const near = fitKnown(calibration, members, series);
  return crossFitted(series, (rows, others) => {
    const fitted = fitKnown(calibration, selectRows(members, rows), seriesAt(series, rows), near);
    return calibrateKnown(fitted, selectRows(members, others), seriesAt(series, others));
  });
}

/** Squared errors of each week, added up, and its hours: what recipes are compared by. */
export interface WeeklyLoss {
  readonly week: number;
  readonly hours: number;
  readonly loss: number;
}

/** Losses by week, oldest first. */
export function weeklyLosses({ outcomes, weeks }: Series, probabilities: Float64Array): WeeklyLoss[] {
  const losses = squaredErrors(outcomes, probabilities);
  const byWeek = new Map<number, { week: number; hours: number; loss: number }>();
  weeks.forEach((week, i) => {
    const sum = byWeek.get(week) ?? { week, hours: 0, loss: 0 };
    sum.hours++;
    sum.loss += losses[i] ?? Number.NaN;
    byWeek.set(week, sum);
  });
  return [...byWeek.values()];
}

/** Two forecasts of the same weeks. */
export function compareWeeks(candidate: readonly WeeklyLoss[], reference: readonly WeeklyLoss[]): Comparison {
  return compareBlocks(
    candidate.map(({ hours, loss }, i) => ({
      hours,
      candidate: loss,
      reference: reference[i]?.loss ?? Number.NaN,
    })),
  );
}

/** What persistence said of each hour of the series, by how often rain followed in the other weeks. */
export function persistenceSeries(series: Series): Float64Array {
  return frequencySeries(series, (persistence, wetNow) => persistenceProbability(persistence, wetNow));
}

/** How often it rained in the other weeks. */
export function climatologySeries(series: Series): Float64Array {
  return frequencySeries(series, ({ probability }, wetNow) => wetNow.map(() => probability));
}

function frequencySeries(
  series: Series,
  say: (persistence: Persistence, wetNow: Float64Array) => Float64Array,
): Float64Array {
  const { outcomes, wetNow } = series;
  return crossFitted(series, (rows, others) => {
    const seen = {
      y: selectLabels(outcomes, rows),
      wetNow: selectValues(wetNow, rows),
    };
    const persistence = fitPersistence(seen, { start: 0, end: rows.length });
    return say(persistence, selectValues(wetNow, others));
  });
}

/** The hours in which the provider's forecast is known, and what it said of them. */
export interface ProviderSeries {
  /** Numbers of these hours in the series. */
  readonly rows: Uint32Array;
  readonly series: Series;
  /** Recalibrated by the other weeks. */
  readonly recalibrated: Float64Array;
  /** As issued; NaN where the provider gives amounts only. */
  readonly raw: Float64Array;
}

/** The provider as a rival; undefined where too few hours have its forecasts to recalibrate them. */
export function providerSeries(series: Series): ProviderSeries | undefined {
  const { forecasts, wetNow } = series;
  if (forecasts === null) return undefined;
  const rows = rowsWith(termsOf(offeredTerms(forecasts), forecasts, wetNow));
  const known = seriesAt(series, rows);
  const recalibrated = crossFitted(known, (seen, others) => {
    const [learnt, judged] = [seriesAt(known, seen), seriesAt(known, others)];
    const fitted = learnt.forecasts && fitRecalibration(learnt.forecasts, learnt.outcomes, learnt.wetNow);
    return fitted && judged.forecasts
      ? recalibrate(fitted, judged.forecasts, judged.wetNow)
      : judged.wetNow.map(() => Number.NaN);
  });
  return recalibrated.length === 0 || recalibrated.some(Number.isNaN)
    ? undefined
    : { rows, series: known, recalibrated, raw: forecastsAt(forecasts, rows).probability };
}
