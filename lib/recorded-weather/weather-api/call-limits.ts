/** What Open-Meteo's free service lets an address ask for; counts begin anew with each minute, hour and day. */
const LIMITS = [
  { seconds: 60, calls: 600, said: 'Minutely API request limit exceeded. Please try again in one minute.' },
  {
    seconds: 3_600,
    calls: 5_000,
    said: 'Hourly API request limit exceeded. Please try again in the next hour.',
  },
  { seconds: 86_400, calls: 10_000, said: 'Daily API request limit exceeded. Please try again tomorrow.' },
] as const;

/** What a request takes at the real service at least, one after another. */
const SECONDS_A_REQUEST = 0.4;

/**
 * Open-Meteo's limits (https://open-meteo.com/en/terms), so that a backfill that would be refused there is refused here.
 * Virtual time stands still while a function runs, so requests bring time of their own: the service's clock is ahead by
 * what the requests would have taken there, and by what callers really waited.
 */
export class CallLimits {
  private clock = 0;
  private seenAt = 0;
  private readonly counts = LIMITS.map((limit) => ({ limit, window: 0, calls: 0 }));

  /**
   * Counts a request of so many calls.
   * @param virtualNow seconds
   * @param realNow seconds of a clock that only grows
   * @returns the service's words when a limit had been reached before.
   */
  take(calls: number, virtualNow: number, realNow: number): string | undefined {
    const passed = Math.max(SECONDS_A_REQUEST, this.clock === 0 ? 0 : realNow - this.seenAt);
    this.clock = Math.max(virtualNow, this.clock + passed);
    this.seenAt = realNow;
    for (const count of this.counts) {
      const window = Math.floor(this.clock / count.limit.seconds);
      if (window !== count.window) Object.assign(count, { window, calls: 0 });
    }
    const reached = this.counts.find((count) => count.calls >= count.limit.calls);
    if (reached !== undefined) return reached.limit.said;
    for (const count of this.counts) count.calls += calls;
    return undefined;
  }
}
