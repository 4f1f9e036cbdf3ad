import { HOUR_MS } from '../runtime/time';
import { selectLabels, selectValues } from './matrix';

/**
 * Measures of forecasts against what happened. Pure functions of (outcomes, probabilities): outcomes are 1 (it
 * rained) or 0, probabilities lie in [0, 1]. Definitions are scikit-learn's, so that numbers can be compared.
 */

/** Probabilities are kept this far from 0 and 1 in the log loss: one wrong certainty is bad, not infinite. */
const LOG_LOSS_CLIP = 1e-15;

const RELIABILITY_BINS = 10;

export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly hours: number;
  /** Means over the bin's hours; null when it has none. */
  readonly forecast: number | null;
  readonly observed: number | null;
}

/** `[[true negatives, false positives], [false negatives, true positives]]` */
export type Confusion = readonly [readonly [number, number], readonly [number, number]];

/** Everything said about one set of forecasts. A measure that the hours can't give (one class only) is null. */
export interface Evaluation {
  readonly hours: number;
  readonly rainHours: number;
  /** Hours that were dry at the base hour, and those of them that rain followed: what onset is measured on. */
  readonly onsetHours: number;
  readonly onsetRainHours: number;
  readonly averagePrecision: number | null;
  readonly onsetAveragePrecision: number | null;
  readonly rocAuc: number | null;
  readonly brier: number;
  readonly logLoss: number;
  readonly threshold: number;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly accuracy: number;
  readonly confusion: Confusion;
  readonly reliability: readonly ReliabilityBin[];
}

/**
 * All measures at once.
 * @param wetNow 1 wet, 0 dry, NaN unknown at the base hour; onset counts the hours that were known to be dry.
 * @param threshold probabilities at or above it say "rain".
 * @throws RangeError when there are no hours, lengths differ or a probability is not in [0, 1].
 */
export function evaluate(
  outcomes: Uint8Array,
  probabilities: Float64Array,
  wetNow: Float64Array,
  threshold: number,
): Evaluation {
  if (
    outcomes.length === 0 ||
    outcomes.length !== probabilities.length ||
    outcomes.length !== wetNow.length
  ) {
    throw new RangeError(
      `Nothing to evaluate, or lengths differ: ${outcomes.length} outcomes, ${probabilities.length} probabilities, ${wetNow.length} wet-now flags.`,
    );
  }
  const wrong = probabilities.findIndex((p) => !(p >= 0 && p <= 1));
  if (wrong >= 0) {
    throw new RangeError(`Probability ${wrong} is ${probabilities[wrong]}, not a number in [0, 1].`);
  }
  const onset = Array.from(wetNow.keys()).filter((i) => wetNow[i] === 0);
  const onsetOutcomes = selectLabels(outcomes, onset);
  const onsetProbabilities = selectValues(probabilities, onset);
  const table = confusion(outcomes, probabilities, threshold);
  const [[tn, fp], [fn, tp]] = table;
  return {
    hours: outcomes.length,
    rainHours: sum(outcomes),
    onsetHours: onset.length,
    onsetRainHours: sum(onsetOutcomes),
    averagePrecision: averagePrecision(outcomes, probabilities),
    onsetAveragePrecision: averagePrecision(onsetOutcomes, onsetProbabilities),
    rocAuc: rocAuc(outcomes, probabilities),
    brier: brier(outcomes, probabilities),
    logLoss: logLoss(outcomes, probabilities),
    threshold,
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    accuracy: ratio(tp + tn, outcomes.length),
    confusion: table,
    reliability: reliabilityBins(outcomes, probabilities),
  };
}

/** Mean squared error of the probabilities. */
export function brier(outcomes: Uint8Array, probabilities: Float64Array): number {
  return meanOf(outcomes, (y, i) => ((probabilities[i] ?? Number.NaN) - y) ** 2);
}

/** Mean negative log-likelihood, in nats. */
export function logLoss(outcomes: Uint8Array, probabilities: Float64Array): number {
  return meanOf(outcomes, (y, i) => {
    const p = Math.min(Math.max(probabilities[i] ?? Number.NaN, LOG_LOSS_CLIP), 1 - LOG_LOSS_CLIP);
    return -Math.log(y === 1 ? p : 1 - p);
  });
}

/**
 * Area under the precision-recall steps, Σ (Rₙ − Rₙ₋₁) Pₙ over distinct scores from high to low; scores may be any
 * numbers. Null without a positive.
 */
export function averagePrecision(outcomes: Uint8Array, scores: Float64Array): number | null {
  const positives = sum(outcomes);
  if (positives === 0) {
    return null;
  }
  let area = 0;
  for (const { truePositives, falsePositives, newTruePositives } of descendingSteps(outcomes, scores)) {
    area += (newTruePositives / positives) * (truePositives / (truePositives + falsePositives));
  }
  return area;
}

/** Probability that a wet hour scores above a dry one, ties counting half. Null with one class only. */
export function rocAuc(outcomes: Uint8Array, scores: Float64Array): number | null {
  const positives = sum(outcomes);
  const negatives = outcomes.length - positives;
  if (positives === 0 || negatives === 0) {
    return null;
  }
  let pairs = 0;
  for (const step of descendingSteps(outcomes, scores)) {
    pairs += step.newFalsePositives * (step.truePositives - step.newTruePositives / 2);
  }
  return pairs / (positives * negatives);
}

/** Yes/no forecasts at a threshold, counted against what happened. */
export function confusion(outcomes: Uint8Array, probabilities: Float64Array, threshold: number): Confusion {
  let [tn, fp, fn, tp] = [0, 0, 0, 0];
  outcomes.forEach((y, i) => {
    const rain = (probabilities[i] ?? Number.NaN) >= threshold;
    if (y === 1) {
      rain ? tp++ : fn++;
    } else {
      rain ? fp++ : tn++;
    }
  });
  return [
    [tn, fp],
    [fn, tp],
  ];
}

/** Equal-width bins of the probability, lower edge included, with the mean forecast and the observed frequency in each. */
export function reliabilityBins(outcomes: Uint8Array, probabilities: Float64Array): ReliabilityBin[] {
  const bins = Array.from({ length: RELIABILITY_BINS }, () => ({ hours: 0, forecast: 0, rain: 0 }));
  outcomes.forEach((y, i) => {
    const p = probabilities[i] ?? 0;
    const bin = bins[Math.min(Math.floor(p * RELIABILITY_BINS), RELIABILITY_BINS - 1)];
    if (bin !== undefined) {
      bin.hours++;
      bin.forecast += p;
      bin.rain += y;
    }
  });
  return bins.map(({ hours, forecast, rain }, i) => ({
    from: i / RELIABILITY_BINS,
    to: (i + 1) / RELIABILITY_BINS,
    hours,
    forecast: hours === 0 ? null : forecast / hours,
    observed: hours === 0 ? null : rain / hours,
  }));
}

/** The owner's costs of a missed rain hour and of a false alarm; only their ratio matters. */
export interface Costs {
  readonly miss: number;
  readonly falseAlarm: number;
}

/**
 * From which probability on to say "rain". Without costs it is half of the largest F1 that the probabilities themselves
 * promise: where they are calibrated, that is the threshold which reaches it (Lipton, Elkan and Naryanaswamy 2014). No
 * outcome is looked at, so it does not hang on a few lucky hours. With costs it is where both errors cost the same.
 */
export function decisionThreshold(probabilities: Float64Array, costs?: Costs): number {
  if (costs !== undefined) return costs.falseAlarm / (costs.falseAlarm + costs.miss);
  const descending = Float64Array.from(probabilities).sort().reverse();
  const expectedRain = descending.reduce((total, p) => total + p, 0);
  let [found, best] = [0, 0];
  descending.forEach((p, i) => {
    found += p;
    best = Math.max(best, (2 * found) / (i + 1 + expectedRain));
  });
  return best / 2;
}

/** Dry hours that part two rain episodes. */
const EPISODE_GAP_HOURS = 6;

/**
 * Wet spells parted by six dry hours or more: how often something was to be learnt. The hours of one spell are one
 * piece of evidence, not many.
 * @param hours ms since the epoch, ascending.
 */
export function countEpisodes(hours: Float64Array, outcomes: Uint8Array): number {
  let [episodes, last] = [0, Number.NEGATIVE_INFINITY];
  hours.forEach((hour, i) => {
    if (outcomes[i] !== 1) return;
    if (hour - last > EPISODE_GAP_HOURS * HOUR_MS) episodes++;
    last = hour;
  });
  return episodes;
}

/** Squared error of each probability: the loss that Brier scores are means of. */
export function squaredErrors(outcomes: Uint8Array, probabilities: Float64Array): Float64Array {
  return Float64Array.from(outcomes, (y, i) => ((probabilities[i] ?? Number.NaN) - y) ** 2);
}

/** Linear interpolation between order statistics, as numpy does by default. */
export function quantileOfSorted(sorted: Float64Array, q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low + (high - low) * (position - below);
}

/** Cumulative counts at each distinct score, from the highest down. */
function* descendingSteps(outcomes: Uint8Array, scores: Float64Array) {
  const order = Uint32Array.from(outcomes.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let [truePositives, falsePositives] = [0, 0];
  for (let i = 0; i < order.length; ) {
    const score = scores[order[i] ?? 0] ?? Number.NaN;
    let [newTruePositives, newFalsePositives] = [0, 0];
    do {
      outcomes[order[i] ?? 0] === 1 ? newTruePositives++ : newFalsePositives++;
      i++;
    } while (i < order.length && scores[order[i] ?? 0] === score);
    truePositives += newTruePositives;
    falsePositives += newFalsePositives;
    yield { score, truePositives, falsePositives, newTruePositives, newFalsePositives };
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: Uint8Array): number {
  let total = 0;
  for (const value of values) {
    total += value;
  }
  return total;
}

function meanOf(outcomes: Uint8Array, loss: (y: number, i: number) => number): number {
  let total = 0;
  outcomes.forEach((y, i) => {
    total += loss(y, i);
  });
  return total / outcomes.length;
}
