import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A reply as a provider really sent it, from `cases/`. */
export async function fieldCase(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(__dirname, 'cases', name), 'utf8'));
}
