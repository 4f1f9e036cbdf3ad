import type { ProviderForecasts } from '../../../lambdas/model/provider-forecast';
import type { Series } from '../../../lambdas/model/series';
import { normal, seededUniform } from './smo/seeded';

/**
 * Hours of made-up rain whose true probability is known: its logit is the sum of what a member knows and of what the
 * provider knows, and the provider says its part in numbers of its own. With `worth` 0 its forecasts are noise.
 */
export interface MadeUp {
  readonly series: Series;
  /** Decision values of the one member. */
  readonly values: number[][];
  readonly forecasts: ProviderForecasts;
  /** The true probability of each hour. */
  readonly truth: Float64Array;
}

const HOUR_MS = 3_600_000;
const WEEK_HOURS = 168;
const BASE = -3.2;
const MEMBER_WORTH = 1.6;

/** @param options.from the first hour that has a forecast. */
export function madeUp(
  hours: number,
  { seed, worth, from = 0 }: { readonly seed: number; readonly worth: number; readonly from?: number },
): MadeUp {
  const uniform = seededUniform(seed);
  // Weather has a memory of half a day.
  const signal = () => {
    let value = normal(uniform);
    return Float64Array.from({ length: hours }, () => {
      value = 0.92 * value + Math.sqrt(1 - 0.92 ** 2) * normal(uniform);
      return value;
    });
  };
  const [member, provider] = [signal(), signal()];
  const truth = member.map((m, i) => sigmoid(BASE + MEMBER_WORTH * m + worth * (provider[i] ?? 0)));
  const outcomes = Uint8Array.from(truth, (p) => (uniform() < p ? 1 : 0));
  const known = (of: (f: number) => number) => provider.map((f, i) => (i < from ? Number.NaN : of(f)));
  // Its probability is far too high, and its amounts follow it.
  const forecasts: ProviderForecasts = {
    probability: known((f) => Math.round(100 * sigmoid(0.3 + 0.8 * f)) / 100),
    precipMm: known((f) => Math.max(0, Math.round(10 * (f - 0.5)) / 10)),
    reaches: known((f) => (f >= 0.55 ? 1 : 0)),
    errorMm: known(() => Number.NaN),
  };
  const series: Series = {
    hours: Float64Array.from({ length: hours }, (_, i) => i * HOUR_MS),
    outcomes,
    wetNow: Float64Array.from(outcomes, (_, i) => (i === 0 ? Number.NaN : (outcomes[i - 1] ?? 0))),
    polled: new Uint8Array(hours).fill(1),
    weeks: Int32Array.from({ length: hours }, (_, i) => Math.floor((i - hours) / WEEK_HOURS)),
    forecasts,
  };
  return { series, values: [Array.from(member, (m) => 2 * m - 1)], forecasts, truth };
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}
