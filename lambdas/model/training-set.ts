import type { Matrix } from './matrix';
import type { ProviderForecasts } from './provider-forecast';

/**
 * Feature rows of one location in time order, as the feature SQL made them.
 * Row i describes base hour `hours[i]` (t) and is labelled by what happened in hour t + 1.
 */
export interface TrainingSet {
  readonly locationId: string;
  /** Start of each base hour, ms since the epoch, strictly increasing; hours may be missing. */
  readonly hours: Float64Array;
  /** Locations that the model may hear, in the order in which its features number them. */
  readonly neighbours: readonly string[];
  readonly featureNames: readonly string[];
  /** rows × features, NaN where a feature is null. */
  readonly x: Matrix;
  /** 1 when it rained in hour t + 1, else 0. Rows with an unknown label are not here. */
  readonly y: Uint8Array;
  /** 1 when it rained in hour t, 0 when not, NaN when unknown: what persistence and onset look at. */
  readonly wetNow: Float64Array;
  /** 1 where polls told what was known of hour t, 0 where history stands in for them. */
  readonly polled: Uint8Array;
  /** The provider's own forecasts of hour t + 1; null where no row has any. No model's features look at them. */
  readonly forecasts: ProviderForecasts | null;
}
