/**
 * Why a provider did not give what it was asked for.
 *
 * - `key`: missing, wrong or disabled key; `quota`: the plan's calls are used up. Both hold for every other call
 *   of the run as well, so the run stops asking.
 * - `not-in-plan`: the plan does not hold what was asked for; of history, a state of the account and no failure.
 * - `unknown-place`: the provider does not know the location. `wrong-place`: it answered for another one.
 * - `day-not-available`: it has no history of that day. `refused`: it rejects the request itself.
 * - `nothing-measured`: an answer without temperature and without rain. `malformed`: an answer that can't be read;
 *   one that is no JSON was no JSON the second time either. Asking again changes nothing about any of these.
 * - `unreachable`: no connection, no answer in time, an answer of something in between, 429 or 5xx. Tried again.
 * - `no-time`: the run's time was up before the call could be made.
 */
export type FailureReason =
  | 'key'
  | 'quota'
  | 'not-in-plan'
  | 'unknown-place'
  | 'wrong-place'
  | 'day-not-available'
  | 'refused'
  | 'nothing-measured'
  | 'malformed'
  | 'unreachable'
  | 'no-time';

/**
 * A call that failed, in words that can be logged and stored: made of the provider's error code and our own
 * text, never of an address or of an underlying error, since those may carry the key.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';

  constructor(
    readonly reason: FailureReason,
    message: string,
    /** Seconds the provider asked us to wait. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}
