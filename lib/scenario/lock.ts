import { spawnSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errorCode } from '../terminal/error-code';

/**
 * Takes a lock file that names the living process which holds it. The file appears in one step, with its content:
 * of any number of processes at the same instant, one has it. What a dead process left is replaced under a lock of
 * its own, so that nobody removes what a faster one has just put there.
 * @returns what gives the lock free again, or the id of the process that has it
 * @throws system errors of a folder that can't be written
 */
export function takeLock(path: string): (() => void) | number {
  const mine = `${path}.${process.pid}`;
  const own = identity(process.pid) ?? String(process.pid);
  writeFileSync(mine, own);
  try {
    if (!linked(mine, path)) {
      const owner = livingOwner(path, own);
      if (owner !== undefined) return owner;
      const release = takeLock(`${path}.next`);
      if (typeof release === 'number') return release;
      try {
        const faster = livingOwner(path, own);
        if (faster !== undefined) return faster;
        renameSync(mine, path);
      } finally {
        release();
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (read(path) === own) rmSync(path);
  };
}

/** Whether the file now has the other name too; false when somebody else's file has it. */
function linked(file: string, name: string): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The living process that the lock names, if it is another one. */
function livingOwner(path: string, own: string): number | undefined {
  const text = read(path);
  if (text === undefined || text === own) return undefined;
  const [id = '', ...started] = text.split(' ');
  const now = identity(Number(id));
  return now === undefined || (started.length > 0 && now !== text) ? undefined : Number(id);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * A process id with the time of its start, where `ps` tells it: another process that has the id later is not the
 * same. Undefined when there is no such process.
 */
function identity(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // The process may be alive and somebody else's.
    if (errorCode(error) !== 'EPERM') return undefined;
  }
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env });
  return `${pid} ${stdout ?? ''}`.trim();
}
