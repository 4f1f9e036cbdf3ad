/** Ends a wait early: what waited goes on as if it had been told to stop. */
export interface StopSignal {
  readonly stopped: boolean;
  onStop(listener: () => void): void;
}

interface Timer {
  readonly time: number;
  readonly order: number;
  readonly fire: () => void;
  cancelled: boolean;
}

/**
 * Virtual time for the local cloud. It stands still while anything is at work and jumps to the next timer
 * when all is quiet, so a week of waiting takes no time and two runs see the same instants.
 *
 * Work that really takes time (a function, a file) is announced with `track`; waits go through `sleep`.
 */
export class VirtualClock {
  private time: number;
  private busy = 0;
  private order = 0;
  private timers: Timer[] = [];
  private idle: (() => void)[] = [];

  constructor(start: Date) {
    this.time = start.getTime();
  }

  now(): Date {
    return new Date(this.time);
  }

  /** Keeps time standing still until the work settles. */
  track<T>(work: Promise<T>): Promise<T> {
    this.busy += 1;
    const done = (): void => {
      this.busy -= 1;
      if (this.busy > 0) return;
      const waiting = this.idle;
      this.idle = [];
      for (const resume of waiting) resume();
    };
    work.then(done, done);
    return work;
  }

  /** Calls `fire` once virtual time has come to `time`; returns what cancels it. */
  at(time: number, fire: () => void): () => void {
    const timer: Timer = { time, order: this.order, fire, cancelled: false };
    this.order += 1;
    this.timers.push(timer);
    this.timers.sort((a, b) => a.time - b.time || a.order - b.order);
    return () => {
      timer.cancelled = true;
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Waits virtual seconds; returns at once when told to stop. */
  sleep(seconds: number, signal?: StopSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.at(this.time + seconds * 1000, resolve);
      signal?.onStop(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Returns once nothing is at work at the present instant. */
  async quiet(): Promise<void> {
    do {
      if (this.busy > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
      // What finished may be about to start more work in a promise's continuation: let all of them run.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.busy > 0);
  }

  /**
   * Fires timers before `until` in time order, each instant settling before the next, until none is left
   * or `done` says so. Without an end, time stops at the last timer fired; with one, it arrives there.
   */
  async run(until?: Date, done: () => boolean = () => false): Promise<void> {
    const end = until?.getTime() ?? Number.POSITIVE_INFINITY;
    for (;;) {
      await this.quiet();
      if (done()) return;
      const next = this.timers[0];
      if (next === undefined || next.time >= end) break;
      this.timers.shift();
      this.time = Math.max(this.time, next.time);
      if (!next.cancelled) next.fire();
    }
    if (until !== undefined) this.time = Math.max(this.time, end);
  }
}
