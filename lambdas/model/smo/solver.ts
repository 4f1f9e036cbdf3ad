import type { Matrix } from '../matrix';
import { type Fitted, type MultiplierShares, type SvcOptions, TimeBudgetExceeded } from '../svc';
import { SCRATCH_BYTES } from './decision';
import { type Arena, isOpen, openArena } from './kernel-module';
import { GROUP, PANEL, roundUp, scalingFor, writePoints } from './points';
import { RowCache } from './row-cache';

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

export interface SmoResult extends Required<Fitted> {
  /** Pairs of multipliers optimised (Platt's joint steps). */
  readonly iterations: number;
  /** Working sets solved. */
  readonly workingSets: number;
  /** Kernel rows (of the active points) that were computed. */
  readonly kernelRows: number;
  /** ½αᵀQα − Σα, which training minimises. */
  readonly objective: number;
  /** Largest violation of the KKT conditions over all rows. */
  readonly violation: number;
}

/**
 * Rows whose multipliers are optimised together, against fixed others. Larger sets take fewer rounds, but each more than
 * it saves: 512 costs a tenth more on a year of hours, a third more on a third of a year, and no less on four.
 */
const WORKING_SET = 256;

/** Part of a working set that is kept for the next, so that rows that pull at one another meet again. */
const RETAINED_SHARE = 0.5;

/** A working set is solved until its violation is this part of the whole problem's. */
const INNER_ACCURACY = 0.1;

/** Working sets between two looks for rows to leave out. */
const SHRINK_INTERVAL = 5;

/** Part of the active rows that must be idle for shrinking to be worth its moves. */
const SHRINK_SHARE = 0.2;

/** Most rows whose kernel is added to the gradient at a time. */
const GRADIENT_ROWS = 1_024;

const PROGRESS_INTERVAL_MS = 1_000;

/** One fit by a solver of its own. @throws as `SmoSolver`. */
export function fitSmo(x: Matrix, y: Uint8Array, options: SmoOptions): SmoResult {
  return new SmoSolver(x, y, options).fit(options);
}

/** What was added to the β of the row at a position. */
interface Change {
  readonly position: number;
  readonly amount: number;
}

/**
 * Trains C-support vector classifiers to LIBSVM's optimum and stopping rule, by decomposition of the dual [2]. Until no
 * row violates the KKT conditions by more than the tolerance:
 *
 * 1. The rows that violate them most, with some of the last round, become the working set (`chooseWorkingSet`,
 *    `assembly/working-set.ts`) [2, 3].
 * 2. Its small problem is solved by SMO with pairs chosen by second-order information (`assembly/subproblem.ts`) [1, 5].
 * 3. The gradient of all active rows takes the changed multipliers in, in one dense pass in which kernel rows are
 *    computed four at a time (`updateGradient`, `assembly/gradient.ts`, `assembly/kernel.ts`), as on GPUs [7]; the rows
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
  private reportedAt = this.startedAt;
  private readonly rows: number;
  private readonly dimension: number;
  private readonly panelCount: number;
  private readonly laplacian: number;
  private readonly workingSetSize: number;
  private readonly arena: Arena;

  // Of each point, by position: left-out points are moved behind the active ones.
  private readonly panels: Float32Array;
  private readonly offsets: Float32Array;
  /** β = yα, between `lower` and `upper`. */
  private readonly beta: Float64Array;
  private readonly lower: Float64Array;
  private readonly upper: Float64Array;
  /** f = Σ βK − y, the gradient of the dual with respect to β. */
  private readonly f: Float64Array;
  private readonly marks: Uint8Array;
  /** The row of `x` at each position. */
  private readonly index: Uint32Array;
  private active: number;

  // Of the working set.
  private readonly chosen: Uint32Array;
  private readonly heap: Float64Array;
  private readonly square: Float32Array;
  private readonly setPanels: Float32Array;
  private readonly setOffsets: Float32Array;
  private readonly setF: Float64Array;
  private readonly setBeta: Float64Array;
  private readonly setLower: Float64Array;
  private readonly setUpper: Float64Array;
  private readonly setSides: Float64Array;

  // Of rows whose kernel is being added to f.
  private readonly groups: Float32Array;
  private readonly groupOffsets: Float32Array;
  private readonly positions: Uint32Array;
  private readonly coefficients: Float32Array;
  private readonly rowValues: Uint32Array;
  private readonly scratch: Uint8Array;

  private readonly moves: Uint32Array;
  private readonly extremes: Float64Array;
  private readonly cacheValues: Float32Array;
  private cache: RowCache;
  /** Floats of a cached row. */
  private stride: number;

  /** β and f of each row of `x` when all rows were last active: what reconstruction starts from. */
  private readonly referenceBeta: Float64Array;
  private readonly referenceF: Float64Array;

  /** Largest violation of the KKT conditions among the active rows, when last looked at. */
  private gap = Number.POSITIVE_INFINITY;
  private iterations = 0;
  private workingSets = 0;
  private kernelRows = 0;

  /**
   * @param y 1 and 0, one for each row; both must occur, and all values of `x` be finite (`fit.ts` has checked).
   * @throws RangeError when memory cannot be had.
   */
  constructor(
    private readonly x: Matrix,
    private readonly y: Uint8Array,
    private options: SmoOptions,
  ) {
    const { kernel, gamma, cacheMegabytes } = options;
    const rows = x.rows;
    const dimension = x.columns;
    const padded = roundUp(rows, PANEL);
    const set = Math.min(WORKING_SET, padded);
    // Computed and cached rows are filled up to whole groups apart.
    const groupRows = Math.max(GRADIENT_ROWS + 2 * GROUP, set);
    // Room for all kernel rows is as much as can be used, one group of them the least that is.
    const cacheFloats = Math.max(
      Math.min(Math.floor((cacheMegabytes * 2 ** 20) / 4), padded * padded),
      padded * GROUP,
    );
    this.rows = rows;
    this.panelCount = padded / PANEL;
    this.dimension = dimension;
    this.laplacian = kernel === 'laplacian' ? 1 : 0;
    this.workingSetSize = set;
    this.arena = openArena(
      padded * (4 * dimension + 53) +
        set * (4 * set + 4 * dimension + 68) +
        groupRows * (4 * dimension + 16) +
        SCRATCH_BYTES +
        cacheFloats * 4 +
        128,
      32,
    );
    const { arena } = this;
    this.panels = arena.floats(padded * dimension);
    this.offsets = arena.floats(padded);
    this.beta = arena.doubles(padded);
    this.lower = arena.doubles(padded);
    this.upper = arena.doubles(padded);
    this.f = arena.doubles(padded);
    this.marks = arena.bytes(padded);
    this.index = arena.words(padded);
    this.chosen = arena.words(set);
    this.heap = arena.doubles(set);
    this.square = arena.floats(set * set);
    this.setPanels = arena.floats(set * dimension);
    this.setOffsets = arena.floats(set);
    this.setF = arena.doubles(set);
    this.setBeta = arena.doubles(set);
    this.setLower = arena.doubles(set);
    this.setUpper = arena.doubles(set);
    this.setSides = arena.doubles(2 * set);
    this.groups = arena.floats(groupRows * dimension);
    this.groupOffsets = arena.floats(groupRows);
    this.positions = arena.words(groupRows);
    this.coefficients = arena.floats(groupRows);
    this.rowValues = arena.words(groupRows);
    this.scratch = arena.bytes(SCRATCH_BYTES);
    this.moves = arena.words(2 * padded + 1);
    this.extremes = arena.doubles(2);
    this.cacheValues = arena.floats(cacheFloats);
    this.stride = padded;
    this.cache = new RowCache(padded, Math.floor(cacheFloats / padded));

    writePoints(scalingFor(kernel, gamma, x), x, 0, rows, PANEL, this.panels, this.offsets);
    this.marks.fill(0);
    for (let i = 0; i < padded; i++) this.index[i] = i;
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
      this.active < this.rows ||
      !isOpen(this.arena)
    ) {
      throw new Error(
        'The solver was made for another kernel, gamma or cache, was abandoned, or its memory was taken over.',
      );
    }
    this.options = options;
    this.startedAt = performance.now();
    this.reportedAt = this.startedAt;
    this.gap = Number.POSITIVE_INFINITY;
    this.iterations = 0;
    this.workingSets = 0;
    this.kernelRows = 0;
    this.startFromZero();
    if (options.warmStart !== undefined) this.startFrom(options.warmStart);
    return this.solve();
  }

  /** α = 0, the boxes [−C, 0] and [0, C · weight], and the gradient that follows. */
  private startFromZero(): void {
    const { c, positiveWeight } = this.options;
    for (let p = 0; p < this.beta.length; p++) {
      const row = this.index[p] ?? 0;
      const label = this.y[row];
      this.lower[p] = label === 0 ? -c : 0;
      this.upper[p] = label === 1 ? c * positiveWeight : 0;
      this.beta[p] = 0;
      this.f[p] = label === 1 ? -1 : 1;
    }
    this.synchronise();
  }

  /**
   * The shares of the bounds are kept as they were, the heavier class scaled down so that Σβ = 0 (alpha seeding); rows
   * that came later start at zero.
   */
  private startFrom(shares: MultiplierShares): void {
    if (shares.length > this.rows) {
      throw new RangeError(`A warm start with ${shares.length} rows does not fit ${this.rows} rows.`);
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
    for (let p = 0; p < this.rows; p++) {
      const bound = (this.upper[p] ?? 0) + (this.lower[p] ?? 0);
      const share = shares[this.index[p] ?? 0] ?? 0;
      this.beta[p] = share * bound * (balanced ? 1 : total / (bound > 0 ? up : down));
    }
    this.updateGradient(this.changesSinceReference(), 0, this.panelCount);
  }

  /** The loop of steps 1 to 4; the gap is the largest violation of the KKT conditions among the active rows. */
  private solve(): SmoResult {
    const { tolerance } = this.options;
    let retained: number[] = [];
    let sinceShrink = 0;
    this.gap = this.violation();
    while (this.gap > tolerance || this.active < this.rows) {
      this.checkTime();
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
    this.report();
    return this.result();
  }

  private violation(): number {
    const { f, beta, lower, upper, extremes } = this;
    this.arena.kernel.violation(
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
    return this.extremes[0] ?? 0;
  }

  /** max f over the rows whose β may shrink. */
  private get mostLow(): number {
    return this.extremes[1] ?? 0;
  }

  /** Chooses a working set, solves it, brings f up to date. Returns the rows to keep for the next set. */
  private optimise(retained: readonly number[]): number[] {
    const count = this.chooseWorkingSet(retained);
    const members = Array.from(this.chosen.subarray(0, count));
    const padded = roundUp(count, PANEL);
    this.chosen.fill(members[0] ?? 0, count, padded);
    this.setLower.fill(0, count, padded);
    this.setUpper.fill(0, count, padded);
    this.setBeta.fill(0, count, padded);
    this.setF.fill(0, count, padded);
    for (const [s, position] of members.entries()) {
      this.setLower[s] = this.lower[position] ?? 0;
      this.setUpper[s] = this.upper[position] ?? 0;
      this.setBeta[s] = this.beta[position] ?? 0;
      this.setF[s] = this.f[position] ?? 0;
    }
    const { kernel } = this.arena;
    kernel.kernelSquare(
      this.laplacian,
      this.dimension,
      this.panels.byteOffset,
      this.offsets.byteOffset,
      this.chosen.byteOffset,
      padded,
      this.square.byteOffset,
      this.groups.byteOffset,
      this.groupOffsets.byteOffset,
      this.setPanels.byteOffset,
      this.setOffsets.byteOffset,
    );
    this.iterations += kernel.solveSubproblem(
      padded,
      this.square.byteOffset,
      this.setF.byteOffset,
      this.setBeta.byteOffset,
      this.setLower.byteOffset,
      this.setUpper.byteOffset,
      this.setSides.byteOffset,
      Math.max(INNER_ACCURACY * this.gap, this.options.tolerance / 2),
      100 * padded,
    );
    this.workingSets++;

    const changes: Change[] = [];
    for (const [s, position] of members.entries()) {
      const value = this.setBeta[s] ?? 0;
      const amount = value - (this.beta[position] ?? 0);
      if (amount !== 0) {
        this.beta[position] = value;
        changes.push({ position, amount });
      }
    }
    this.updateGradient(changes, 0, roundUp(this.active, PANEL) / PANEL);
    return members.slice(0, Math.floor(this.workingSetSize * RETAINED_SHARE));
  }

  /** Fills a group of rows up with its last one, which then adds nothing more. */
  private padGroup(row: number): number {
    const end = roundUp(row, GROUP);
    this.positions.fill(this.positions[row - 1] ?? 0, row, end);
    this.coefficients.fill(0, row, end);
    this.rowValues.fill(this.rowValues[row - 1] ?? 0, row, end);
    return end;
  }

  /** The largest violators come first in `chosen`, then rows kept from the last sets, newest first. */
  private chooseWorkingSet(retained: readonly number[]): number {
    for (const position of retained) {
      this.marks[position] = 1;
    }
    const { f, beta, lower, upper, marks, chosen, heap } = this;
    let count = this.arena.kernel.selectViolators(
      this.active,
      f.byteOffset,
      beta.byteOffset,
      lower.byteOffset,
      upper.byteOffset,
      this.leastUp,
      this.mostLow,
      marks.byteOffset,
      Math.floor((this.workingSetSize - retained.length) / 2),
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

  /**
   * f += Σ amount · K for the points of some panels. Kernel rows come from the cache or are computed; from the first
   * panel on they are cached, from a later one on rows that were cached for the active points are completed.
   */
  private updateGradient(changes: readonly Change[], firstPanel: number, panelCount: number): void {
    const { cache } = this;
    const whole = firstPanel + panelCount === this.panelCount;
    for (let from = 0; from < changes.length; from += GRADIENT_ROWS) {
      const fresh: [Change, number | undefined][] = [];
      const cached: [Change, number | undefined][] = [];
      cache.startRound();
      for (const change of changes.slice(from, from + GRADIENT_ROWS)) {
        const slot = cache.find(change.position);
        const usable = slot !== undefined && (!whole || cache.isWhole(slot));
        (usable ? cached : fresh).push([change, slot]);
      }
      let row = 0;
      for (const [{ position, amount }, slot] of fresh) {
        const target = slot ?? (firstPanel === 0 ? cache.claim(position, whole) : undefined);
        if (target !== undefined && whole) {
          cache.complete(target);
        }
        this.setRow(row++, position, amount, target, firstPanel);
      }
      row = this.padGroup(row);
      const freshRows = row;
      for (const [{ position, amount }, slot] of cached) {
        this.setRow(row++, position, amount, slot, firstPanel);
      }
      this.addRows(firstPanel, panelCount, freshRows, this.padGroup(row));
      this.kernelRows += fresh.length;
      this.checkTime();
    }
  }

  private setRow(
    row: number,
    position: number,
    amount: number,
    slot: number | undefined,
    firstPanel: number,
  ): void {
    this.positions[row] = position;
    this.coefficients[row] = amount;
    this.rowValues[row] =
      slot === undefined ? 0 : this.cacheValues.byteOffset + (slot * this.stride + firstPanel * PANEL) * 4;
  }

  /** f += Σ coefficient · K over the prepared rows, for the points of some panels; the first `fresh` are computed. */
  private addRows(firstPanel: number, panelCount: number, fresh: number, all: number): void {
    const { kernel } = this.arena;
    const { panels, offsets, f, positions, groups, groupOffsets, coefficients, rowValues, scratch } = this;
    kernel.gatherRows(
      this.dimension,
      panels.byteOffset,
      offsets.byteOffset,
      positions.byteOffset,
      fresh,
      groups.byteOffset,
      groupOffsets.byteOffset,
    );
    kernel.addKernelRows(
      this.laplacian,
      this.dimension,
      panels.byteOffset + firstPanel * PANEL * this.dimension * 4,
      offsets.byteOffset + firstPanel * PANEL * 4,
      panelCount,
      f.byteOffset + firstPanel * PANEL * 8,
      groups.byteOffset,
      groupOffsets.byteOffset,
      coefficients.byteOffset,
      rowValues.byteOffset,
      fresh / GROUP,
      all / GROUP,
      scratch.byteOffset,
      1,
      0,
      0,
    );
  }

  /** Leaves out rows at their bounds that cannot be half of a violating pair now. Returns whether there were any. */
  private shrink(): boolean {
    const { panels, offsets, f, beta, lower, upper, index, moves } = this;
    const { kernel } = this.arena;
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
    if (this.active === this.rows) {
      this.synchronise();
    }
    this.active = kernel.shrink(
      this.active,
      this.dimension,
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
    const swaps = moves[0] ?? 0;
    for (let s = 1; s <= 2 * swaps; s += 2) {
      this.cache.swap(moves[s] ?? 0, moves[s + 1] ?? 0);
    }
    for (let slot = 0; slot < this.cache.filled; slot++) {
      kernel.swapColumns(this.cacheValues.byteOffset + slot * this.stride * 4, moves.byteOffset);
    }
    if (this.cache.full) {
      this.compactCache();
    }
    return true;
  }

  /** Shortens cached rows to the active points, to make room for more of them. */
  private compactCache(): void {
    const stride = roundUp(this.active, PANEL);
    const capacity = Math.floor(this.cacheValues.length / stride);
    for (const { fromSlot, toSlot } of this.cache.compact(this.active, capacity)) {
      const from = fromSlot * this.stride;
      this.cacheValues.copyWithin(toSlot * stride, from, from + stride);
    }
    this.stride = stride;
  }

  /** Takes note of β and f of all rows, which must be active. */
  private synchronise(): void {
    for (let p = 0; p < this.rows; p++) {
      const row = this.index[p] ?? 0;
      this.referenceBeta[row] = this.beta[p] ?? 0;
      this.referenceF[row] = this.f[p] ?? 0;
    }
  }

  /** Gives the left-out rows the f that they missed: Σ of all changes since they were left. All rows are active then. */
  private reconstruct(): void {
    for (let p = this.active; p < this.rows; p++) {
      this.f[p] = this.referenceF[this.index[p] ?? 0] ?? 0;
    }
    const firstPanel = Math.floor(this.active / PANEL);
    const shared = this.f.slice(firstPanel * PANEL, this.active);
    if (this.stride < this.panelCount * PANEL) {
      this.stride = this.panelCount * PANEL;
      this.cache = new RowCache(this.stride, Math.floor(this.cacheValues.length / this.stride));
    }
    this.updateGradient(this.changesSinceReference(), firstPanel, this.panelCount - firstPanel);
    this.cache.keepWhole();
    this.f.set(shared, firstPanel * PANEL);
    this.active = this.rows;
  }

  private changesSinceReference(): Change[] {
    const changes: Change[] = [];
    for (let position = 0; position < this.rows; position++) {
      const amount = (this.beta[position] ?? 0) - (this.referenceBeta[this.index[position] ?? 0] ?? 0);
      if (amount !== 0) {
        changes.push({ position, amount });
      }
    }
    return changes;
  }

  private checkTime(): void {
    const now = performance.now();
    if (now - this.reportedAt >= PROGRESS_INTERVAL_MS) {
      this.report();
    }
    if (now - this.startedAt > this.options.timeBudgetMs) {
      throw new TimeBudgetExceeded(
        `${this.rows} rows were not learnt within ${Math.round(this.options.timeBudgetMs)} ms: after ${this.iterations} iterations ` +
          `the violation was ${this.gap.toPrecision(3)}, the tolerance is ${this.options.tolerance}.`,
      );
    }
  }

  private report(): void {
    this.reportedAt = performance.now();
    this.options.onProgress?.({
      seconds: (this.reportedAt - this.startedAt) / 1_000,
      iterations: this.iterations,
      violation: this.gap,
      activeRows: this.active,
    });
  }

  private result(): SmoResult {
    const { kernel, gamma } = this.options;
    const betaOfRow = new Float64Array(this.rows);
    const multiplierShares = new Float64Array(this.rows);
    let objective = 0;
    let freeSum = 0;
    let free = 0;
    for (let p = 0; p < this.rows; p++) {
      const row = this.index[p] ?? 0;
      const beta = this.beta[p] ?? 0;
      const lower = this.lower[p] ?? 0;
      const upper = this.upper[p] ?? 0;
      const f = this.f[p] ?? 0;
      betaOfRow[row] = beta;
      multiplierShares[row] = beta / (lower + upper);
      objective += (beta * (f - (this.y[row] === 1 ? 1 : -1))) / 2;
      if (beta > lower && beta < upper) {
        freeSum += f;
        free++;
      }
    }
    // As in LIBSVM: on free rows f is the threshold; without any, the middle of what the bounds allow.
    const threshold = free > 0 ? freeSum / free : (this.leastUp + this.mostLow) / 2;
    const supporting = Array.from(betaOfRow.keys()).filter((row) => betaOfRow[row] !== 0);
    const { columns } = this.x;
    const values = new Float64Array(supporting.length * columns);
    for (const [s, row] of supporting.entries()) {
      values.set(this.x.values.subarray(row * columns, (row + 1) * columns), s * columns);
    }
    return {
      model: {
        kernel,
        gamma,
        supportVectors: { rows: supporting.length, columns, values },
        coefficients: Float64Array.from(supporting, (row) => betaOfRow[row] ?? 0),
        intercept: -threshold,
      },
      iterations: this.iterations,
      workingSets: this.workingSets,
      kernelRows: this.kernelRows,
      objective,
      violation: this.gap,
      multiplierShares,
    };
  }
}
