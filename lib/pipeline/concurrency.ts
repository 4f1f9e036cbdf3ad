import { ConfigError } from '../config';

export interface ConcurrencyProps {
  /** Executions of functions that the account may run at once. */
  readonly accountConcurrency: number;
  /** Schedules that may poll in the same minute. */
  readonly pollSchedules: number;
  readonly locationCount: number;
  /** Days that the provider's limits allow to be fetched side by side. */
  readonly providerDaysAtOnce: number;
}

export interface Concurrency {
  readonly daysAtOnce: number;
  readonly placesAtOnce: number;
  /** Batches of recipes of one place. */
  readonly batchesAtOnce: number;
}

/** The hourly run and upkeep: each may be at work when anything else is. */
const HOURLY_SLOTS = 2;
/** More would only wait for one another's results. */
const MOST_BATCHES = 5;
/** Objects and queries of so many places at once stay far from what S3 and Athena take. */
const MOST_PLACES = 200;

/**
 * How wide the maps of the machines may be, so that polls, hourly run and upkeep always find a free execution although
 * a retraining and a backfill run at the same time. A third of what these three leave is for backfill, the rest
 * for retraining: first for places side by side, since they wait for nothing, then for batches of one place.
 * @throws ConfigError when nothing is left.
 */
export function concurrency(props: ConcurrencyProps): Concurrency {
  const { accountConcurrency, pollSchedules, locationCount, providerDaysAtOnce } = props;
  const least = pollSchedules + HOURLY_SLOTS + 2;
  if (accountConcurrency < least) {
    throw new ConfigError(
      `garoa.accountConcurrency: ${accountConcurrency} executions at once leave none for retraining and backfill; ` +
        `${locationCount} locations need ${least} at least`,
    );
  }
  const free = accountConcurrency - pollSchedules - HOURLY_SLOTS;
  const daysAtOnce = Math.max(1, Math.min(providerDaysAtOnce, Math.floor(free / 3)));
  const training = free - daysAtOnce;
  const placesAtOnce = Math.min(locationCount, training, MOST_PLACES);
  return {
    daysAtOnce,
    placesAtOnce,
    batchesAtOnce: Math.min(MOST_BATCHES, Math.floor(training / placesAtOnce)),
  };
}
