import type { Matrix } from '../matrix';
import type { SvcOptions } from '../svc';
import { SCRATCH_BYTES } from './decision';
import { type Arena, openArena } from './kernel-module';
import { GROUP, PANEL, type PointFormat, pointFormat, roundUp, writePoints } from './points';

/**
 * Rows whose multipliers are optimised together, against fixed others. Larger sets take fewer rounds, but each more than
 * it saves: 512 costs a tenth more on a year of hours, a third more on a third of a year, and no less on four.
 */
const WORKING_SET = 256;

/** Most rows whose kernel is added to the gradient at a time. */
export const GRADIENT_ROWS = 1_024;

/** The arrays of one solver: where its points, multipliers and gradient lie in the kernel module's memory. */
export class SmoMemory {
  readonly arena: Arena;
  readonly rows: number;
  readonly format: PointFormat;
  readonly panelCount: number;
  readonly workingSetSize: number;

  // Of each point, by position: left-out points are moved behind the active ones.
  readonly panels: Uint32Array;
  readonly offsets: Uint32Array;
  /** β = yα, between `lower` and `upper`. */
  readonly beta: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** f = Σ βK − y, the gradient of the dual with respect to β. */
  readonly f: Float64Array;
  readonly marks: Uint8Array;
  /** The row of `x` at each position. */
  readonly index: Uint32Array;

  // Of the working set.
  readonly chosen: Uint32Array;
  readonly heap: Float64Array;
  readonly square: Float32Array;
  readonly setPanels: Uint32Array;
  readonly setOffsets: Uint32Array;
  readonly setF: Float64Array;
  readonly setBeta: Float64Array;
  readonly setLower: Float64Array;
  readonly setUpper: Float64Array;
  readonly setSides: Float64Array;

  // Of rows whose kernel is being added to f.
  readonly groups: Uint32Array;
  readonly groupOffsets: Uint32Array;
  readonly positions: Uint32Array;
  readonly coefficients: Float32Array;
  readonly rowValues: Uint32Array;
  readonly scratch: Uint8Array;

  readonly moves: Uint32Array;
  readonly extremes: Float64Array;
  readonly cacheValues: Float32Array;

  /** Writes the points of `x`; the other arrays are the solver's to fill. @throws RangeError when memory cannot be had. */
  constructor(x: Matrix, options: SvcOptions) {
    const { cacheMegabytes } = options;
    const rows = x.rows;
    const format = pointFormat(options, x);
    const { words } = format;
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
    this.format = format;
    this.panelCount = padded / PANEL;
    this.workingSetSize = set;
    this.arena = openArena(
      padded * (4 * words + 53) +
        set * (4 * set + 4 * words + 76) +
        groupRows * (4 * words + 16) +
        SCRATCH_BYTES +
        cacheFloats * 4 +
        128,
      32,
    );
    const { arena } = this;
    this.panels = arena.words(padded * words);
    this.offsets = arena.words(padded);
    this.beta = arena.doubles(padded);
    this.lower = arena.doubles(padded);
    this.upper = arena.doubles(padded);
    this.f = arena.doubles(padded);
    this.marks = arena.bytes(padded);
    this.index = arena.words(padded);
    this.chosen = arena.words(set);
    this.heap = arena.doubles(set);
    this.square = arena.floats(set * set);
    this.setPanels = arena.words(set * words);
    this.setOffsets = arena.words(set);
    this.setF = arena.doubles(set);
    this.setBeta = arena.doubles(set);
    this.setLower = arena.doubles(set);
    this.setUpper = arena.doubles(set);
    this.setSides = arena.doubles(3 * set);
    this.groups = arena.words(groupRows * words);
    this.groupOffsets = arena.words(groupRows);
    this.positions = arena.words(groupRows);
    this.coefficients = arena.floats(groupRows);
    this.rowValues = arena.words(groupRows);
    this.scratch = arena.bytes(SCRATCH_BYTES);
    this.moves = arena.words(2 * padded + 1);
    this.extremes = arena.doubles(2);
    this.cacheValues = arena.floats(cacheFloats);

    writePoints(format, x, 0, rows, PANEL, this.panels, this.offsets);
    this.marks.fill(0);
    for (let i = 0; i < padded; i++) this.index[i] = i;
  }
}
