/** Where a cached row lay and where it has to go. */
interface Move {
  readonly fromSlot: number;
  readonly toSlot: number;
}

const NONE = -1;

/**
 * Which kernel row lies in which slot of the cache; the least recently used one gives way (Joachims 1999). Rows are known by their
 * position among the points. A row is whole when it has values for all points, else for the active ones only.
 * Holds no kernel values itself.
 */
export class RowCache {
  private readonly slotOfRow: Int32Array;
  private rowOfSlot: Int32Array;
  private lastUse: Float64Array;
  private wholeSlots: Uint8Array;
  private used = 0;
  private clock = 0;
  /** Slots to give up in this round, the next one last; made when first needed. */
  private victims: number[] | undefined;

  constructor(
    rows: number,
    private capacity: number,
  ) {
    this.slotOfRow = new Int32Array(rows).fill(NONE);
    this.rowOfSlot = new Int32Array(capacity);
    this.lastUse = new Float64Array(capacity);
    this.wholeSlots = new Uint8Array(capacity);
  }

  /** How many slots, from the first, have been filled. */
  get filled(): number {
    return this.used;
  }

  get full(): boolean {
    return this.used === this.capacity;
  }

  /** Rows asked for from here on stay until the next call. */
  startRound(): void {
    this.clock++;
    this.victims = undefined;
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

  isWhole(slot: number): boolean {
    return this.wholeSlots[slot] === 1;
  }

  /** The row in this slot now has values for all points. */
  complete(slot: number): void {
    this.wholeSlots[slot] = 1;
  }

  /** A slot for a row that is not in the cache, or undefined when every slot is in use in this round. */
  claim(row: number, whole: boolean): number | undefined {
    const slot = this.full ? this.giveUp() : this.used++;
    if (slot === undefined) {
      return undefined;
    }
    this.rowOfSlot[slot] = row;
    this.slotOfRow[row] = slot;
    this.lastUse[slot] = this.clock;
    this.wholeSlots[slot] = whole ? 1 : 0;
    return slot;
  }

  private giveUp(): number | undefined {
    this.victims ??= Array.from({ length: this.used }, (_, slot) => slot)
      .filter((slot) => this.useOf(slot) < this.clock)
      .sort((a, b) => this.useOf(b) - this.useOf(a) || b - a);
    let slot = this.victims.pop();
    while (slot !== undefined && this.useOf(slot) === this.clock) {
      slot = this.victims.pop();
    }
    if (slot !== undefined) {
      this.forget(slot);
    }
    return slot;
  }

  private useOf(slot: number): number {
    return this.lastUse[slot] ?? 0;
  }

  private forget(slot: number): void {
    const row = this.rowOfSlot[slot] ?? NONE;
    if (row !== NONE) {
      this.slotOfRow[row] = NONE;
    }
    this.rowOfSlot[slot] = NONE;
    this.lastUse[slot] = NONE;
  }

  /** Two rows change places among the points. */
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

  /** Gives up rows that are not whole. */
  keepWhole(): void {
    for (let slot = 0; slot < this.used; slot++) {
      if (!this.isWhole(slot)) {
        this.forget(slot);
      }
    }
  }

  /**
   * Keeps the rows below `active` only, none of them whole from now on, in slots without gaps, and takes on a new
   * capacity (rows are shorter now, so more fit). Returns where kept rows move: to lower slots, in ascending order.
   */
  compact(active: number, capacity: number): Move[] {
    const moves: Move[] = [];
    const rowOfSlot = new Int32Array(capacity);
    const lastUse = new Float64Array(capacity);
    for (let slot = 0; slot < this.used; slot++) {
      const row = this.rowOfSlot[slot] ?? NONE;
      if (row !== NONE && row < active) {
        const toSlot = moves.length;
        rowOfSlot[toSlot] = row;
        lastUse[toSlot] = this.useOf(slot);
        this.slotOfRow[row] = toSlot;
        moves.push({ fromSlot: slot, toSlot });
      } else {
        this.forget(slot);
      }
    }
    this.rowOfSlot = rowOfSlot;
    this.lastUse = lastUse;
    this.wholeSlots = new Uint8Array(capacity);
    this.capacity = capacity;
    this.used = moves.length;
    return moves;
  }
}
