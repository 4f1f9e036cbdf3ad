import { type ExchangeOptions, systemClock } from '../../../lambdas/weather/exchange';
import { NO_HURRY_MS } from '../../patience';

/** An exchange for tests of what is asked and read: no time is ever up, and none is spent on pauses. */
export const UNHURRIED: ExchangeOptions = {
  deadline: Number.POSITIVE_INFINITY,
  requestTimeoutMs: NO_HURRY_MS,
  clock: { ...systemClock, sleep: async () => undefined },
};
