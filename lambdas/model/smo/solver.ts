import type { Matrix } from '../matrix';
import { type MultiplierShares, Stagnated, type SvcOptions, TimeBudgetExceeded } from '../svc';
import { type Change, Gradient } from './gradient';
import { isOpen } from './kernel-module';
import { SmoMemory } from './memory';
import { PANEL, roundUp } from './points';
import { type Solution, solutionOf } from './solution';

export interface SmoOptions extends SvcOptions {
  /** Where to start: the solution at another C, gamma, kernel or class weight, or for the first of these rows only. */
  readonly warmStart?: MultiplierShares;
  /** Called about once a second and at the end. */
  readonly onProgress?: (progress: SmoProgress) => void;
}

export interface SmoProgress {
  readonly seconds: number;
  /** Pairs of multipliers optimised so far. */
  readonly iterations: number;
  /** Largest violation of the KKT conditions among the active rows when last looked at: training ends when it is below the tolerance. */
  readonly violation: number;
  /** Rows not left out by shrinking. */
  readonly activeRows: number;
}

export interface SmoResult extends Solution {
  /** Pairs of multipliers optimised (Platt's joint steps). */
  readonly iterations: number;
  /** Working sets solved. */
  readonly workingSets: number;
  /** Kernel rows (of the active points) that were computed. */
  readonly kernelRows: number;
  /** Largest violation of the KKT conditions over all rows. */
  readonly violation: number;
}

/** Part of a working set that is kept for the next, so that rows that pull at one another meet again. */
const RETAINED_SHARE = 0.5;

/** A working set is solved until its violation is this part of the whole problem's. */
const INNER_ACCURACY = 0.1;

/** Working sets between two looks for rows to leave out. */
const SHRINK_INTERVAL = 5;

/** Part of the active rows that must be idle for shrinking to be worth its moves. */
const SHRINK_SHARE = 0.2;

const PROGRESS_INTERVAL_MS = 1_000;

/** Working sets without a smaller violation than before after which a fit is given up: many times what any useful one takes. */
const STAGNATION_SETS = 1_000;

/** One fit by a solver of its own. @throws as `SmoSolver`. */
export function fitSmo(x: Matrix, y: Uint8Array, options: SmoOptions): SmoResult {
  return new SmoSolver(x, y, options).fit(options);
}

/**
 * Trains C-support vector classifiers to LIBSVM's optimum and stopping rule, by decomposition of the dual [2]. Until no
 * row violates the KKT conditions by more than the tolerance:
 *
 * 1. The rows that violate them most, with some of the last round, become the working set (`chooseWorkingSet`,
 *    `assembly/working-set.ts`) [2, 3].
 * 2. Its small problem is solved by SMO with pairs chosen by second-order information (`assembly/subproblem.ts`) [1, 5].
 * 3. The gradient of all active rows takes the changed multipliers in, in one dense pass in which kernel rows are
 *    computed four at a time (`gradient.ts`, `assembly/gradient.ts`, `assembly/kernel.ts`), as on GPUs [7]; the rows
 *    last used stay in a cache (`row-cache.ts`) [2, 6: 5.2].
 * 4. Now and then rows that rest at their bounds are left out (`shrink`, `assembly/shrinking.ts`) [2, 6: 5.1], and
 *    brought back with a reconstructed gradient before training may end (`reconstruct`) [6: 5.3].
 *
 * A fit may start from the solution of another (`startFrom`) [4]. Fits of one solver differ in C and class weight;
 * kernel rows that one has computed serve the next. Deterministic: the same fits in the same order give the same models
 * to the last bit on one machine.
 *
 * [1] Platt 1998, Fast training of support vector machines using sequential minimal optimization.
 * [2] Joachims 1999, Making large-scale support vector machine learning practical.
 * [3] Keerthi, Shevade, Bhattacharyya and Murthy 2001, Improvements to Platt's SMO algorithm for SVM classifier design.
 * [4] DeCoste and Wagstaff 2000, Alpha seeding for support vector machines.
 * [5] Fan, Chen and Lin 2005, Working set selection using second order information for training support vector machines.
 * [6] Chang and Lin 2011, LIBSVM: a library for support vector machines.
 * [7] Wen, Shi, Li, He and Chen 2018, ThunderSVM: a fast SVM library on GPUs and CPUs.
 */
export class SmoSolver {
  private startedAt = performance.now();
  private toldAt = this.startedAt;

  private readonly memory: SmoMemory;
  private readonly gradient: Gradient;
  /** Number of points that are not left out; they stand first. */
  private active: number;

  /** β and f of each row of `x` when all rows were last active: what reconstruction starts from. */
  private readonly referenceBeta: Float64Array;
  private readonly referenceF: Float64Array;

  /** Largest violation of the KKT conditions among the active rows, when last looked at. */
  private gap = Number.POSITIVE_INFINITY;
  private iterations = 0;
  private workingSets = 0;

  /**
   * @param y 1 and 0, one for each row; both must occur, and all values of `x` be finite (`fit.ts` has checked).
   * @throws RangeError when memory cannot be had.
   */
  constructor(
    private readonly x: Matrix,
    private readonly y: Uint8Array,
    private options: SmoOptions,
  ) {
    this.memory = new SmoMemory(x, options);
    this.gradient = new Gradient(this.memory, () => this.checkTime());
    const { rows } = this.memory;
    this.active = rows;
    this.referenceBeta = new Float64Array(rows);
    this.referenceF = new Float64Array(rows);
  }

  /**
   * @param options with the kernel, gamma and cache that the solver was made for.
   * @throws TimeBudgetExceeded; RangeError when the warm start is of more rows; Error when the kernel is another, a fit
   *   has been abandoned, or another solver or a pass of decision values has taken over this thread's memory.
   */
  fit(options: SmoOptions): SmoResult {
    const { kernel, gamma, cacheMegabytes } = this.options;
    if (
      options.kernel !== kernel ||
      options.gamma !== gamma ||
      options.cacheMegabytes !== cacheMegabytes ||
      this.active < this.memory.rows ||
      !isOpen(this.memory.arena)
    ) {
      throw new Error(
        'The solver was made for another kernel, gamma or cache, was abandoned, or its memory was taken over.',
      );
    }
    this.options = options;
    this.startedAt = performance.now();
    this.toldAt = this.startedAt;
    this.gap = Number.POSITIVE_INFINITY;
    this.iterations = 0;
    this.workingSets = 0;
    this.gradient.computedRows = 0;
    this.startFromZero();
    if (options.warmStart !== undefined) this.startFrom(options.warmStart);
    return this.solve();
  }

  /** α = 0, the boxes [−C, 0] and [0, C · weight], and the gradient that follows. */
  private startFromZero(): void {
    const { c, positiveWeight } = this.options;
    for (let p = 0; p < this.memory.beta.length; p++) {
      const row = this.memory.index[p] ?? 0;
      const label = this.y[row];
      this.memory.lower[p] = label === 0 ? -c : 0;
      this.memory.upper[p] = label === 1 ? c * positiveWeight : 0;
      this.memory.beta[p] = 0;
      this.memory.f[p] = label === 1 ? -1 : 1;
    }
    this.synchronise();
  }

  /**
   * The shares of the bounds are kept as they were, the heavier class scaled down so that Σβ = 0 (alpha seeding); rows
   * that came later start at zero.
   */
  private startFrom(shares: MultiplierShares): void {
    if (shares.length > this.memory.rows) {
      throw new RangeError(`A warm start with ${shares.length} rows does not fit ${this.memory.rows} rows.`);
    }
    const { c, positiveWeight } = this.options;
    let up = 0;
    let down = 0;
    for (let i = 0; i < shares.length; i++) {
      if (this.y[i] === 1) up += (shares[i] ?? 0) * c * positiveWeight;
      else down += (shares[i] ?? 0) * c;
    }
    // Sums that differ by rounding alone are left so: a multiplier at its bound has to stay exactly there.
    const balanced = Math.abs(up - down) <= 1e-9 * up;
    const total = Math.min(up, down);
    for (let p = 0; p < this.memory.rows; p++) {
      const bound = (this.memory.upper[p] ?? 0) + (this.memory.lower[p] ?? 0);
      const share = shares[this.memory.index[p] ?? 0] ?? 0;
      this.memory.beta[p] = share * bound * (balanced ? 1 : total / (bound > 0 ? up : down));
    }
    this.gradient.update(this.changesSinceReference(), 0, this.memory.panelCount);
  }

  /** The loop of steps 1 to 4; the gap is the largest violation of the KKT conditions among the active rows. */
  private solve(): SmoResult {
    const { tolerance } = this.options;
    let retained: number[] = [];
    let sinceShrink = 0;
    let [smallest, sinceSmaller] = [Number.POSITIVE_INFINITY, 0];
    this.gap = this.violation();
    while (this.gap > tolerance || this.active < this.memory.rows) {
      this.checkTime();
      if (this.gap < smallest) [smallest, sinceSmaller] = [this.gap, 0];
      else if (++sinceSmaller > STAGNATION_SETS) {
        throw new Stagnated(
          `${this.memory.rows} rows can't be learnt: after ${this.workingSets} working sets the optimum is no nearer than ${smallest.toExponential(1)}.`,
        );
      }
      if (this.gap <= tolerance) {
        this.reconstruct();
        retained = [];
        sinceShrink = SHRINK_INTERVAL;
      } else {
        if (sinceShrink++ >= SHRINK_INTERVAL) {
          sinceShrink = 0;
          if (this.shrink()) {
            retained = [];
          }
        }
        retained = this.optimise(retained);
      }
      this.gap = this.violation();
    }
    this.tellProgress();
    return this.result();
  }

  private violation(): number {
    const { f, beta, lower, upper, extremes } = this.memory;
    this.memory.arena.kernel.violation(
      this.active,
      f.byteOffset,
      beta.byteOffset,
      lower.byteOffset,
      upper.byteOffset,
      extremes.byteOffset,
    );
    return this.mostLow - this.leastUp;
  }

  /** min f over the rows whose β may grow. */
  private get leastUp(): number {
    return this.memory.extremes[0] ?? 0;
  }

  /** max f over the rows whose β may shrink. */
  private get mostLow(): number {
    return this.memory.extremes[1] ?? 0;
  }

  /** Chooses a working set, solves it, brings f up to date. Returns the rows to keep for the next set. */
  private optimise(retained: readonly number[]): number[] {
    const count = this.chooseWorkingSet(retained);
    const members = Array.from(this.memory.chosen.subarray(0, count));
    const padded = roundUp(count, PANEL);
    this.memory.chosen.fill(members[0] ?? 0, count, padded);
    this.memory.setLower.fill(0, count, padded);
    this.memory.setUpper.fill(0, count, padded);
    this.memory.setBeta.fill(0, count, padded);
    this.memory.setF.fill(0, count, padded);
    for (const [s, position] of members.entries()) {
      this.memory.setLower[s] = this.memory.lower[position] ?? 0;
      this.memory.setUpper[s] = this.memory.upper[position] ?? 0;
      this.memory.setBeta[s] = this.memory.beta[position] ?? 0;
      this.memory.setF[s] = this.memory.f[position] ?? 0;
    }
    const { kernel } = this.memory.arena;
    const { arithmetic, words, scale } = this.memory.format;
    kernel.kernelSquare(
      arithmetic,
      words,
      scale,
      this.memory.panels.byteOffset,
      this.memory.offsets.byteOffset,
      this.memory.chosen.byteOffset,
      padded,
      this.memory.square.byteOffset,
      this.memory.groups.byteOffset,
      this.memory.groupOffsets.byteOffset,
      this.memory.setPanels.byteOffset,
      this.memory.setOffsets.byteOffset,
    );
    this.iterations += kernel.solveSubproblem(
      padded,
      this.memory.square.byteOffset,
      this.memory.setF.byteOffset,
      this.memory.setBeta.byteOffset,
      this.memory.setLower.byteOffset,
      this.memory.setUpper.byteOffset,
      this.memory.setSides.byteOffset,
      Math.max(INNER_ACCURACY * this.gap, this.options.tolerance / 2),
      100 * padded,
    );
    this.workingSets++;

    const changes: Change[] = [];
    for (const [s, position] of members.entries()) {
      const value = this.memory.setBeta[s] ?? 0;
      const amount = value - (this.memory.beta[position] ?? 0);
      if (amount !== 0) {
        this.memory.beta[position] = value;
        changes.push({ position, amount });
      }
    }
    this.gradient.update(changes, 0, roundUp(this.active, PANEL) / PANEL);
    return members.slice(0, Math.floor(this.memory.workingSetSize * RETAINED_SHARE));
  }

  /** The largest violators come first in `chosen`, then rows kept from the last sets, newest first. */
  private chooseWorkingSet(retained: readonly number[]): number {
    for (const position of retained) {
      this.memory.marks[position] = 1;
    }
    const { f, beta, lower, upper, marks, chosen, heap } = this.memory;
    let count = this.memory.arena.kernel.selectViolators(
      this.active,
      f.byteOffset,
      beta.byteOffset,
      lower.byteOffset,
      upper.byteOffset,
      this.leastUp,
      this.mostLow,
      marks.byteOffset,
      Math.floor((this.memory.workingSetSize - retained.length) / 2),
      chosen.byteOffset,
      heap.byteOffset,
    );
    for (const position of retained) {
      chosen[count++] = position;
    }
    for (let s = 0; s < count; s++) {
      marks[chosen[s] ?? 0] = 0;
    }
    return count;
  }

  /** Leaves out rows at their bounds that cannot be half of a violating pair now. Returns whether there were any. */
  private shrink(): boolean {
    const { panels, offsets, f, beta, lower, upper, index, moves } = this.memory;
    const { kernel } = this.memory.arena;
    const idle = kernel.countIdle(
      this.active,
      f.byteOffset,
      beta.byteOffset,
      lower.byteOffset,
      upper.byteOffset,
      this.leastUp,
      this.mostLow,
    );
    if (idle < SHRINK_SHARE * this.active) {
      return false;
    }
    if (this.active === this.memory.rows) {
      this.synchronise();
    }
    this.active = kernel.shrink(
      this.active,
      this.memory.format.words,
      panels.byteOffset,
      offsets.byteOffset,
      f.byteOffset,
      beta.byteOffset,
      lower.byteOffset,
      upper.byteOffset,
      index.byteOffset,
      this.leastUp,
      this.mostLow,
      moves.byteOffset,
    );
    this.gradient.followMoves(this.active);
    return true;
  }

  /** Takes note of β and f of all rows, which must be active. */
  private synchronise(): void {
    for (let p = 0; p < this.memory.rows; p++) {
      const row = this.memory.index[p] ?? 0;
      this.referenceBeta[row] = this.memory.beta[p] ?? 0;
      this.referenceF[row] = this.memory.f[p] ?? 0;
    }
  }

  /** Gives the left-out rows the f that they missed: Σ of all changes since they were left. All rows are active then. */
  private reconstruct(): void {
    for (let p = this.active; p < this.memory.rows; p++) {
      this.memory.f[p] = this.referenceF[this.memory.index[p] ?? 0] ?? 0;
    }
    const firstPanel = Math.floor(this.active / PANEL);
    const shared = this.memory.f.slice(firstPanel * PANEL, this.active);
    this.gradient.complete(this.changesSinceReference(), firstPanel);
    this.memory.f.set(shared, firstPanel * PANEL);
    this.active = this.memory.rows;
  }

  private changesSinceReference(): Change[] {
    const changes: Change[] = [];
    for (let position = 0; position < this.memory.rows; position++) {
      const amount =
        (this.memory.beta[position] ?? 0) - (this.referenceBeta[this.memory.index[position] ?? 0] ?? 0);
      if (amount !== 0) {
        changes.push({ position, amount });
      }
    }
    return changes;
  }

  private checkTime(): void {
    const now = performance.now();
    if (now - this.toldAt >= PROGRESS_INTERVAL_MS) {
      this.tellProgress();
    }
    if (now - this.startedAt > this.options.timeBudgetMs) {
      throw new TimeBudgetExceeded(
        `${this.memory.rows} rows were not learnt within ${Math.round(this.options.timeBudgetMs)} ms: after ${this.iterations} iterations ` +
          `the violation was ${this.gap.toPrecision(3)}, the tolerance is ${this.options.tolerance}.`,
      );
    }
  }

  private tellProgress(): void {
    this.toldAt = performance.now();
    this.options.onProgress?.({
      seconds: (this.toldAt - this.startedAt) / 1_000,
      iterations: this.iterations,
      violation: this.gap,
      activeRows: this.active,
    });
  }

  private result(): SmoResult {
    return {
      ...solutionOf(this.memory, this.x, this.y, this.options, (this.leastUp + this.mostLow) / 2),
      iterations: this.iterations,
      workingSets: this.workingSets,
      kernelRows: this.gradient.computedRows,
      violation: this.gap,
    };
  }
}
