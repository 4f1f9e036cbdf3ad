import type { Matrix } from '../matrix';
import type { Fitted, SvcOptions } from '../svc';
import type { SmoMemory } from './memory';

export interface Solution extends Required<Fitted> {
  /** ½αᵀQα − Σα, which training minimises. */
  readonly objective: number;
}

/**
 * The classifier that the multipliers stand for, once training is over.
 * @param middle threshold of f when no row is free: the middle of what the bounds allow.
 */
export function solutionOf(
  memory: SmoMemory,
  x: Matrix,
  y: Uint8Array,
  { kernel, gamma }: Pick<SvcOptions, 'kernel' | 'gamma'>,
  middle: number,
): Solution {
  const betaOfRow = new Float64Array(memory.rows);
  const multiplierShares = new Float64Array(memory.rows);
  let objective = 0;
  let freeSum = 0;
  let free = 0;
  for (let p = 0; p < memory.rows; p++) {
    const row = memory.index[p] ?? 0;
    const beta = memory.beta[p] ?? 0;
    const lower = memory.lower[p] ?? 0;
    const upper = memory.upper[p] ?? 0;
    const f = memory.f[p] ?? 0;
    betaOfRow[row] = beta;
    multiplierShares[row] = beta / (lower + upper);
    objective += (beta * (f - (y[row] === 1 ? 1 : -1))) / 2;
    if (beta > lower && beta < upper) {
      freeSum += f;
      free++;
    }
  }
  // As in LIBSVM: on free rows f is the threshold; without any, the middle of what the bounds allow.
  const threshold = free > 0 ? freeSum / free : middle;
  const supporting = Array.from(betaOfRow.keys()).filter((row) => betaOfRow[row] !== 0);
  const { columns } = x;
  const values = new Float64Array(supporting.length * columns);
  for (const [s, row] of supporting.entries()) {
    values.set(x.values.subarray(row * columns, (row + 1) * columns), s * columns);
  }
  return {
    model: {
      kernel,
      gamma,
      supportVectors: { rows: supporting.length, columns, values },
      coefficients: Float64Array.from(supporting, (row) => betaOfRow[row] ?? 0),
      intercept: -threshold,
    },
    objective,
    multiplierShares,
  };
}
