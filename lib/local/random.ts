import { createHash } from 'node:crypto';

/** Repeatable numbers in [0, 1): the same seed gives the same sequence on every machine. */
export function seededRandom(seed: string): () => number {
  let counter = 0;
  return () => {
    counter += 1;
    const digest = createHash('sha256').update(`${seed}:${counter}`).digest();
    return digest.readUIntBE(0, 6) / 2 ** 48;
  };
}
