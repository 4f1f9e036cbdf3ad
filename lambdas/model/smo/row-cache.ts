/** A cached row and where it lies. */
export interface Move {
  readonly fromSlot: number;
  readonly toSlot: number;
}

const NONE = -1;

/**
 * Which kernel row lies in which slot of the cache; the least recently used one gives way. Rows are known by their
 * position among the points. Holds no kernel values itself.
 */
export class RowCache {
  private readonly slotOfRow: Int32Array;
  private rowOfSlot: Int32Array;
  private lastUse: Float64Array;
  private filled = 0;
  private clock = 0;

  constructor(
    rows: number,
    private capacity: number,
  ) {
    this.slotOfRow = new Int32Array(rows).fill(NONE);
    this.rowOfSlot = new Int32Array(capacity);
    this.lastUse = new Float64Array(capacity);
  }

  /** Rows asked for from here on stay until the next call. */
  startRound(): void {
    this.clock++;
  }

  /** The slot of a row that is in the cache, or undefined. */
  find(row: number): number | undefined {
    const slot = this.slotOfRow[row] ?? NONE;
    if (slot === NONE) {
      return undefined;
    }
    this.lastUse[slot] = this.clock;
    return slot;
  }

  /** A slot for a row that is not in the cache, or undefined when every slot is in use in this round. */
  claim(row: number): number | undefined {
    const slot = this.filled < this.capacity ? this.filled++ : this.leastRecentlyUsed();
    if (slot === undefined) {
      return undefined;
    }
    this.rowOfSlot[slot] = row;
    this.slotOfRow[row] = slot;
    this.lastUse[slot] = this.clock;
    return slot;
  }

  private leastRecentlyUsed(): number | undefined {
    // A scan is nothing beside the row that is computed into the slot.
    let oldest: number | undefined;
    let time = this.clock;
    for (let slot = 0; slot < this.filled; slot++) {
      const used = this.lastUse[slot] ?? 0;
      if (used < time) {
        oldest = slot;
        time = used;
      }
    }
    if (oldest !== undefined) {
      this.slotOfRow[this.rowOfSlot[oldest] ?? 0] = NONE;
    }
    return oldest;
  }

  /** Two rows change places, `b` being left out of the active ones: its kernel row, if any, is given up. */
  swap(a: number, b: number): void {
    const slotA = this.slotOfRow[a] ?? NONE;
    const slotB = this.slotOfRow[b] ?? NONE;
    this.slotOfRow[a] = slotB;
    this.slotOfRow[b] = slotA;
    if (slotB !== NONE) {
      this.rowOfSlot[slotB] = a;
    }
    if (slotA !== NONE) {
      this.rowOfSlot[slotA] = b;
    }
  }

  /**
   * Keeps the rows below `active` only, in slots without gaps, and takes on a new capacity (rows are shorter now, so
   * more fit). Returns where kept rows move, to lower slots and in ascending order.
   */
  compact(active: number, capacity: number): Move[] {
    const moves: Move[] = [];
    const rowOfSlot = new Int32Array(capacity);
    const lastUse = new Float64Array(capacity);
    let kept = 0;
    for (let slot = 0; slot < this.filled; slot++) {
      const row = this.rowOfSlot[slot] ?? 0;
      if (row < active && kept < capacity) {
        rowOfSlot[kept] = row;
        lastUse[kept] = this.lastUse[slot] ?? 0;
        this.slotOfRow[row] = kept;
        moves.push({ fromSlot: slot, toSlot: kept++ });
      } else {
        this.slotOfRow[row] = NONE;
      }
    }
    this.rowOfSlot = rowOfSlot;
    this.lastUse = lastUse;
    this.capacity = capacity;
    this.filled = kept;
    return moves;
  }
}
