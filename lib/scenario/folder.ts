import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../terminal/error-code';
import { Refusal } from '../terminal/refusal';
import { takeLock } from './lock';

/** The folder of a run can't be used; the message is one line. */
export class FolderRefused extends Refusal {
  override readonly name = 'FolderRefused';
}

const LOCK = 'run.pid';

/**
 * Makes the folder of a run ready: empty, or as the last run left it when `keep` is set. A file in it names the
 * process, so that two runs do not share it.
 * @returns what gives the folder free again
 * @throws FolderRefused when it can't be written, or another run is at work in it.
 */
export function prepareFolder(directory: string, keep: boolean): () => void {
  try {
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) {
      throw new FolderRefused(`${directory} is a file; the run needs a folder of that name.`);
    }
    mkdirSync(directory, { recursive: true });
    const release = takeLock(join(directory, LOCK));
    if (typeof release === 'number') {
      throw new FolderRefused(`Another run (process ${release}) is at work in ${directory}.`);
    }
    if (!keep) empty(directory);
    return release;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new FolderRefused(`${directory} can't be written (${code}).`);
  }
}

/** Leaves the lock, and those of processes that ask for it. */
function empty(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(LOCK)) rmSync(join(directory, name), { recursive: true });
  }
}
