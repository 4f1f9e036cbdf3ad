/**
 * Why a provider did not give what it was asked for.
 *
 * - `key`: missing, wrong or disabled key; `quota`: the plan's calls are used up. Both hold for every other call
 *   of the run as well, so the run stops asking.
 * - `unknown-place`: the provider does not know the location. `day-not-available`: it has no history of that day,
 *   or the plan does not reach so far back. `refused`: it rejects the request itself. Asking again changes nothing.
 * - `unreachable`: no connection, no answer in time, 429 or 5xx. `malformed`: an answer that can't be read.
 *   Both are tried again.
 * - `no-time`: the run's time was up before the call could be made.
 */
export type FailureReason =
  | 'key'
  | 'quota'
  | 'unknown-place'
  | 'day-not-available'
  | 'refused'
  | 'unreachable'
  | 'malformed'
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
