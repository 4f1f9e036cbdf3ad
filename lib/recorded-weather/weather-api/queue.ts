/** How many requests of one address may wait while one is answered. */
const LONGEST_QUEUE = 6;

/**
 * Open-Meteo's free service answers one request at a time for each address, and holds a few more
 * (https://github.com/open-meteo/open-meteo/issues/1493).
 */
export class OneAtATime {
  private readonly waiting: (() => void)[] = [];
  private busy = false;

  /** Starts the work now or after the work before it; it calls `done` at its end. False: the queue is full. */
  start(work: (done: () => void) => void): boolean {
    if (this.waiting.length >= LONGEST_QUEUE) return false;
    this.waiting.push(() => work(() => this.next()));
    if (!this.busy) this.next();
    return true;
  }

  private next(): void {
    const work = this.waiting.shift();
    this.busy = work !== undefined;
    work?.();
  }
}

export const TOO_MANY_CONCURRENT = {
  status: 429,
  body: { error: true, reason: 'Too many concurrent requests', status: 429 },
} as const;
