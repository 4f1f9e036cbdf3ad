import { type Matrix, selectRows } from '../matrix';
import { distinctGammas, type SvcEnsemble } from '../svc';
import { openArena } from './kernel-module';
import { GROUP, PANEL, pointFormat, roundUp, writePoints } from './points';

/** Rows that are brought into the module's memory at a time. */
const BATCH = 8_192;

/**
 * f(x) of each row (down) and member (across), by the kernel module: the same as `decisionValues` of `svc.ts` within
 * single precision of each kernel value, many times faster. Kernel values are computed once for the members of one
 * gamma.
 * @throws RangeError when the width differs from the support vectors'.
 */
export function simdDecisionValues(ensemble: SvcEnsemble, x: Matrix): Matrix {
  const { supportVectors, members } = ensemble;
  if (x.columns !== supportVectors.columns) {
    throw new RangeError(`Rows have ${x.columns} columns, the support vectors ${supportVectors.columns}.`);
  }
  const values = new Float64Array(x.rows * members.length);
  for (const gamma of distinctGammas(members)) {
    const places = Array.from(members.keys()).filter((m) => members[m]?.gamma === gamma);
    const sums = sumsOfGamma(ensemble, gamma, x);
    places.forEach((m, s) => {
      for (let i = 0; i < x.rows; i++) {
        values[i * members.length + m] = sums[s * x.rows + i] ?? Number.NaN;
      }
    });
  }
  return { rows: x.rows, columns: members.length, values };
}

/** f(x) of all rows by the first member of that gamma, then by the next. */
function sumsOfGamma(ensemble: SvcEnsemble, gamma: number, x: Matrix): Float64Array {
  const { kernel } = ensemble;
  const members = ensemble.members.filter((member) => member.gamma === gamma);
  const used = Array.from({ length: ensemble.supportVectors.rows }, (_, s) => s).filter((s) =>
    members.some(({ coefficients }) => coefficients[s] !== 0),
  );
  const supportVectors = selectRows(ensemble.supportVectors, used);
  const format = pointFormat({ kernel, gamma }, supportVectors, x);
  const { arithmetic, words, scale } = format;
  const rows = roundUp(supportVectors.rows, GROUP);
  const batch = Math.min(BATCH, roundUp(x.rows, PANEL));
  const arena = openArena(
    rows * (words * 4 + 8 + 4 * members.length) +
      batch * (words * 4 + 4 + 8 * members.length) +
      SCRATCH_BYTES,
    8,
  );
  const groups = arena.words(rows * words);
  const groupOffsets = arena.words(rows);
  const weights = arena.floats(rows * members.length);
  const slots = arena.words(rows);
  const panels = arena.words(batch * words);
  const offsets = arena.words(batch);
  const sums = arena.doubles(batch * members.length);
  const scratch = arena.bytes(SCRATCH_BYTES);

  writePoints(format, supportVectors, 0, supportVectors.rows, GROUP, groups, groupOffsets);
  weights.fill(0);
  members.forEach(({ coefficients }, m) => {
    used.forEach((s, row) => {
      weights[m * rows + row] = coefficients[s] ?? Number.NaN;
    });
  });
  slots.fill(0);
  const values = new Float64Array(x.rows * members.length);
  for (let from = 0; from < x.rows; from += batch) {
    const count = Math.min(batch, x.rows - from);
    writePoints(format, x, from, count, PANEL, panels, offsets);
    members.forEach(({ intercept }, m) => {
      sums.fill(intercept, m * batch, (m + 1) * batch);
    });
    arena.kernel.addKernelRows(
      arithmetic,
      words,
      scale,
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
      members.length,
      batch * sums.BYTES_PER_ELEMENT,
      rows * weights.BYTES_PER_ELEMENT,
    );
    members.forEach((_, m) => {
      values.set(sums.subarray(m * batch, m * batch + count), m * x.rows + from);
    });
  }
  return values;
}

/** Kernel values of four rows on one chunk of points, see `assembly/gradient.ts`. */
export const SCRATCH_BYTES = 16_384;
