import type { Matrix } from '../matrix';
import type { SvcModel } from '../svc';
import { openArena } from './kernel-module';
import { GROUP, PANEL, roundUp, scalingFor, writePoints } from './points';

/** Rows that are brought into the module's memory at a time. */
const BATCH = 8_192;

/**
 * f(x) of each row, by the kernel module: the same as `decisionFunction` of `svc.ts` within single precision of each
 * kernel value, many times faster.
 * @throws RangeError when the width differs from the support vectors'.
 */
export function decisionValues(model: SvcModel, x: Matrix): Float64Array {
  const { supportVectors, coefficients } = model;
  const dimension = supportVectors.columns;
  if (x.columns !== dimension) {
    throw new RangeError(`Rows have ${x.columns} columns, the support vectors ${dimension}.`);
  }
  const rows = roundUp(supportVectors.rows, GROUP);
  const batch = Math.min(BATCH, roundUp(x.rows, PANEL));
  const arena = openArena(rows * (dimension * 4 + 12) + batch * (dimension * 4 + 12) + SCRATCH_BYTES, 8);
  const groups = arena.floats(rows * dimension);
  const groupOffsets = arena.floats(rows);
  const weights = arena.floats(rows);
  const slots = arena.words(rows);
  const panels = arena.floats(batch * dimension);
  const offsets = arena.floats(batch);
  const sums = arena.doubles(batch);
  const scratch = arena.bytes(SCRATCH_BYTES);

  const scaling = scalingFor(model.kernel, model.gamma, supportVectors);
  writePoints(scaling, supportVectors, 0, supportVectors.rows, GROUP, groups, groupOffsets);
  weights.fill(0);
  weights.set(coefficients);
  slots.fill(0);
  const values = new Float64Array(x.rows);
  for (let from = 0; from < x.rows; from += batch) {
    const count = Math.min(batch, x.rows - from);
    writePoints(scaling, x, from, count, PANEL, panels, offsets);
    sums.fill(model.intercept);
    arena.kernel.addKernelRows(
      model.kernel === 'laplacian' ? 1 : 0,
      dimension,
      panels.byteOffset,
      offsets.byteOffset,
      roundUp(count, PANEL) / PANEL,
      sums.byteOffset,
      groups.byteOffset,
      groupOffsets.byteOffset,
      weights.byteOffset,
      slots.byteOffset,
      rows / GROUP,
      rows / GROUP,
      scratch.byteOffset,
    );
    values.set(sums.subarray(0, count), from);
  }
  return values;
}

/** Kernel values of four rows on one chunk of points, see `assembly/gradient.ts`. */
export const SCRATCH_BYTES = 4_096;
