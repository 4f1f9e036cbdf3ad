import { GRADIENT_ROWS, type SmoMemory } from './memory';
import { GROUP, PANEL, roundUp } from './points';
import { RowCache } from './row-cache';

/** What was added to the β of the row at a position. */
export interface Change {
  readonly position: number;
  readonly amount: number;
}

/** Brings the gradient up to date with changed multipliers, by kernel rows from its cache or computed. */
export class Gradient {
  /** Kernel rows (of the active points) that were computed; a new fit sets it back. */
  computedRows = 0;
  private cache: RowCache;
  /** Floats of a cached row. */
  private stride: number;

  /** @param checkTime called after each pass; may throw. */
  constructor(
    private readonly memory: SmoMemory,
    private readonly checkTime: () => void,
  ) {
    this.stride = memory.panelCount * PANEL;
    this.cache = this.emptyCache();
  }

  /**
   * f += Σ amount · K for the points of some panels. Kernel rows come from the cache or are computed; from the first
   * panel on they are cached, from a later one on rows that were cached for the active points are completed.
   */
  update(changes: readonly Change[], firstPanel: number, panelCount: number): void {
    const { cache } = this;
    const whole = firstPanel + panelCount === this.memory.panelCount;
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
      this.computedRows += fresh.length;
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
    this.memory.positions[row] = position;
    this.memory.coefficients[row] = amount;
    this.memory.rowValues[row] =
      slot === undefined
        ? 0
        : this.memory.cacheValues.byteOffset + (slot * this.stride + firstPanel * PANEL) * 4;
  }

  /** f += Σ coefficient · K over the prepared rows, for the points of some panels; the first `fresh` are computed. */
  private addRows(firstPanel: number, panelCount: number, fresh: number, all: number): void {
    const { kernel } = this.memory.arena;
    const { arithmetic, words, scale } = this.memory.format;
    const { panels, offsets, f, positions, groups, groupOffsets, coefficients, rowValues, scratch } =
      this.memory;
    kernel.gatherRows(
      words,
      panels.byteOffset,
      offsets.byteOffset,
      positions.byteOffset,
      fresh,
      groups.byteOffset,
      groupOffsets.byteOffset,
    );
    kernel.addKernelRows(
      arithmetic,
      words,
      scale,
      panels.byteOffset + firstPanel * PANEL * words * 4,
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

  /** Fills a group of rows up with its last one, which then adds nothing more. */
  private padGroup(row: number): number {
    const end = roundUp(row, GROUP);
    this.memory.positions.fill(this.memory.positions[row - 1] ?? 0, row, end);
    this.memory.coefficients.fill(0, row, end);
    this.memory.rowValues.fill(this.memory.rowValues[row - 1] ?? 0, row, end);
    return end;
  }

  /** Shortens cached rows to the active points, to make room for more of them. */
  private compact(active: number): void {
    const stride = roundUp(active, PANEL);
    const capacity = Math.floor(this.memory.cacheValues.length / stride);
    for (const { fromSlot, toSlot } of this.cache.compact(active, capacity)) {
      const from = fromSlot * this.stride;
      this.memory.cacheValues.copyWithin(toSlot * stride, from, from + stride);
    }
    this.stride = stride;
  }

  /** Moves points of the cached rows as `shrink` moved the points, and makes room when there is none left. */
  followMoves(active: number): void {
    const { arena, cacheValues, moves } = this.memory;
    const swaps = moves[0] ?? 0;
    for (let s = 1; s <= 2 * swaps; s += 2) {
      this.cache.swap(moves[s] ?? 0, moves[s + 1] ?? 0);
    }
    for (let slot = 0; slot < this.cache.filled; slot++) {
      arena.kernel.swapColumns(cacheValues.byteOffset + slot * this.stride * 4, moves.byteOffset);
    }
    if (this.cache.full) {
      this.compact(active);
    }
  }

  /** Gives the points from a panel on what they missed, and completes their part of the cached rows. */
  complete(changes: readonly Change[], firstPanel: number): void {
    const { panelCount } = this.memory;
    if (this.stride < panelCount * PANEL) {
      this.stride = panelCount * PANEL;
      this.cache = this.emptyCache();
    }
    this.update(changes, firstPanel, panelCount - firstPanel);
    this.cache.keepWhole();
  }

  private emptyCache(): RowCache {
    return new RowCache(this.stride, Math.floor(this.memory.cacheValues.length / this.stride));
  }
}
