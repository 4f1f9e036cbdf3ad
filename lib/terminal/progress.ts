/** Where the run says what it is doing. */
export interface Progress {
  /** Begins a phase of `total` steps; ends the one before. */
  phase(name: string, total?: number): void;
  /** So many steps are done; `what` is happening now. `total` when it is learnt, or grows, on the way. */
  step(done: number, what?: string, total?: number): void;
  /** A line that stays. */
  note(line: string): void;
  /** Ends the last phase, with a mark of how it went, and leaves the terminal as it was. */
  end(mark?: '✓' | '✗'): void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 80;
/** Without a terminal: a line whenever another tenth of a phase is done, and at its end. */
const PLAIN_TENTHS = 10;

/** A bar that is redrawn on a terminal; plain lines anywhere else, such as a log of a build. */
export function createProgress(output: Output, now: () => number = () => performance.now()): Progress {
  return output.isTTY === true ? new BarProgress(output, now) : new PlainProgress(output, now);
}

interface Phase {
  readonly name: string;
  readonly total: number | undefined;
  readonly started: number;
}

class BarProgress implements Progress {
  private current: Phase | undefined;
  private done = 0;
  private what = '';
  private drawn = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly output: Output,
    private readonly now: () => number,
  ) {}

  phase(name: string, total?: number): void {
    this.end();
    this.current = { name, total, started: this.now() };
    this.done = 0;
    this.what = '';
    this.draw();
  }

  step(done: number, what?: string, total?: number): void {
    this.done = done;
    if (this.current !== undefined && total !== undefined) this.current = { ...this.current, total };
    if (what !== undefined) this.what = what;
    if (this.now() - this.drawn >= REDRAW_MS) this.draw();
  }

  note(line: string): void {
    this.output.write(`\r\x1b[K${line}\n`);
    if (this.current !== undefined) this.draw();
  }

  end(mark: '✓' | '✗' = '✓'): void {
    if (this.current === undefined) return;
    const seconds = (this.now() - this.current.started) / 1000;
    this.output.write(`\r\x1b[K${ended(mark, this.current.name, seconds)}\n`);
    this.current = undefined;
  }

  private draw(): void {
    if (this.current === undefined) return;
    this.drawn = this.now();
    const { name, total, started } = this.current;
    const share = total === undefined || total === 0 ? undefined : Math.min(1, this.done / total);
    const filled = Math.round((share ?? 0) * BAR_WIDTH);
    const bar =
      share === undefined
        ? ''
        : ` ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${this.done}/${total}`;
    const line = `  ${name.padEnd(10)}${bar} ${((this.now() - started) / 1000).toFixed(0)} s  ${this.what}`;
    this.output.write(`\r\x1b[K${line.slice(0, (this.output.columns ?? 100) - 1)}`);
  }
}

class PlainProgress implements Progress {
  private current: Phase | undefined;
  private told = 0;

  constructor(
    private readonly output: Output,
    private readonly now: () => number,
  ) {}

  phase(name: string, total?: number): void {
    this.end();
    this.current = { name, total, started: this.now() };
    this.told = 0;
    this.output.write(`${name}${total === undefined ? '' : `: ${total} steps`}\n`);
  }

  step(done: number, what?: string, total = this.current?.total): void {
    if (total === undefined || done === this.told) return;
    if (done - this.told < total / PLAIN_TENTHS && done !== total) return;
    this.told = done;
    this.output.write(`  ${done}/${total}${what === undefined ? '' : ` ${what}`}\n`);
  }

  note(line: string): void {
    this.output.write(`${line}\n`);
  }

  end(mark: '✓' | '✗' = '✓'): void {
    if (this.current === undefined) return;
    this.output.write(`${ended(mark, this.current.name, (this.now() - this.current.started) / 1000)}\n`);
    this.current = undefined;
  }
}

function ended(mark: string, name: string, seconds: number): string {
  return `${mark} ${name} (${seconds.toFixed(1)} s)`;
}
