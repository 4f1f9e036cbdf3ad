import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../terminal/error-code';
import { Refusal } from '../terminal/refusal';

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
  const lock = join(directory, LOCK);
  try {
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) {
      throw new FolderRefused(`${directory} is a file; the run needs a folder of that name.`);
    }
    const owner = ownerOf(lock);
    if (owner !== undefined) {
      throw new FolderRefused(`Another run (process ${owner}) is at work in ${directory}.`);
    }
    if (!keep && stat !== undefined) {
      accessSync(directory, constants.W_OK);
      rmSync(directory, { recursive: true });
    }
    mkdirSync(directory, { recursive: true });
    writeFileSync(lock, String(process.pid));
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new FolderRefused(`${directory} can't be written (${code}).`);
  }
  return () => rmSync(lock, { force: true });
}

/** The living process that holds the lock, if it is another one. */
function ownerOf(lock: string): number | undefined {
  if (statSync(lock, { throwIfNoEntry: false }) === undefined) return undefined;
  const pid = Number(readFileSync(lock, 'utf8'));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // The process may be alive and somebody else's.
    return errorCode(error) === 'EPERM' ? pid : undefined;
  }
}
