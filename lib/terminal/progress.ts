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
const REDRAW_SECONDS = 0.08;
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

/** What both ways of telling have in common: one phase after the other, each with its time at the end. */
abstract class Phases implements Progress {
  protected current: Phase | undefined;

  constructor(
    protected readonly output: Output,
    private readonly now: () => number,
  ) {}

  abstract step(done: number, what?: string, total?: number): void;
  abstract note(line: string): void;
  protected abstract begin(phase: Phase): void;

  phase(name: string, total?: number): void {
    this.end();
    this.current = { name, total, started: this.now() };
    this.begin(this.current);
  }

  end(mark: '✓' | '✗' = '✓'): void {
    const ending = this.current;
    if (ending === undefined) return;
    this.current = undefined;
    this.note(`${mark} ${ending.name} (${this.secondsOf(ending).toFixed(1)} s)`);
  }

  protected secondsOf({ started }: Phase): number {
    return (this.now() - started) / 1000;
  }
}

class BarProgress extends Phases {
  private done = 0;
  private what = '';
  /** Seconds of the phase at which it was last drawn. */
  private drawn = 0;

  protected begin(): void {
    this.done = 0;
    this.what = '';
    this.draw();
  }

  step(done: number, what?: string, total?: number): void {
    if (this.current === undefined) return;
    this.done = done;
    if (total !== undefined) this.current = { ...this.current, total };
    if (what !== undefined) this.what = what;
    if (this.secondsOf(this.current) - this.drawn >= REDRAW_SECONDS) this.draw();
  }

  note(line: string): void {
    this.output.write(`\r\x1b[K${line}\n`);
    this.draw();
  }

  private draw(): void {
    if (this.current === undefined) return;
    const { name, total } = this.current;
    this.drawn = this.secondsOf(this.current);
    const share = total === undefined || total === 0 ? undefined : Math.min(1, this.done / total);
    const filled = Math.round((share ?? 0) * BAR_WIDTH);
    const bar =
      share === undefined
        ? ''
        : ` ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${this.done}/${total}`;
    const line = `  ${name.padEnd(10)}${bar} ${this.drawn.toFixed(0)} s  ${this.what}`;
    this.output.write(`\r\x1b[K${line.slice(0, (this.output.columns ?? 100) - 1)}`);
  }
}

class PlainProgress extends Phases {
  private told = 0;

  protected begin({ name, total }: Phase): void {
    this.told = 0;
    this.note(total === undefined ? name : `${name}: ${total} steps`);
  }

  step(done: number, what?: string, total = this.current?.total): void {
    if (total === undefined || done === this.told) return;
    if (done - this.told < total / PLAIN_TENTHS && done !== total) return;
    this.told = done;
    this.note(`  ${done}/${total}${what === undefined ? '' : ` ${what}`}`);
  }

  note(line: string): void {
    this.output.write(`${line}\n`);
  }
}
