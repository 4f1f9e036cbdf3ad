import type { RowRange } from './protocol';
import type { TrainingSet } from './training-set';

/** Persistence as a probability: how often rain followed a wet, a dry and any hour. */
export interface Persistence {
  readonly probabilityAfterWet: number;
  readonly probabilityAfterDry: number;
  /** Climatology, and what persistence says when the present hour is unknown. */
  readonly probability: number;
}

/** Frequencies with one half added to each count, so that none is 0 or 1. */
export function fitPersistence(set: Pick<TrainingSet, 'y' | 'wetNow'>, range: RowRange): Persistence {
  const counts = { wet: [0, 0], dry: [0, 0], all: [0, 0] } satisfies Record<string, [number, number]>;
  for (let i = range.start; i < range.end; i++) {
    const y = set.y[i] === 1 ? 1 : 0;
    counts.all[y]++;
    if (set.wetNow[i] === 1) {
      counts.wet[y]++;
    } else if (set.wetNow[i] === 0) {
      counts.dry[y]++;
    }
  }
  const frequency = ([dry, wet]: readonly [number, number]) => (wet + 0.5) / (dry + wet + 1);
  return {
    probabilityAfterWet: frequency(counts.wet),
    probabilityAfterDry: frequency(counts.dry),
    probability: frequency(counts.all),
  };
}

/** Persistence's probabilities for hours whose present is wet (1), dry (0) or unknown (NaN). */
export function persistenceProbability(persistence: Persistence, wetNow: Float64Array): Float64Array {
  return wetNow.map((wet) =>
    wet === 1
      ? persistence.probabilityAfterWet
      : wet === 0
        ? persistence.probabilityAfterDry
        : persistence.probability,
  );
}

/** What persistence says, as a logit. */
export function persistenceLogits(persistence: Persistence, wetNow: Float64Array): Float64Array {
  return persistenceProbability(persistence, wetNow).map((p) => Math.log(p / (1 - p)));
}
