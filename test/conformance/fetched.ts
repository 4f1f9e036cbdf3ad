import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { Unavailable } from './unavailable';

const FETCH_TIMEOUT_MS = 300_000;

/** Where Maven and others keep what can be fetched again; `node_modules` is thrown away by every clean install. */
export function cacheFolder(name: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), name);
}

/** Runs a command that brings a part of something here. @throws Unavailable with what the command said. */
export function fetchBy(what: string, command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: FETCH_TIMEOUT_MS,
  });
  if (status !== 0) {
    const reason = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(0, 3).join(' ');
    throw new Unavailable(`${what} could not be fetched (${basename(command)}: ${reason}).`);
  }
}

/** A port of 127.0.0.1 that nobody has taken. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') {
    throw new Error('A TCP server has a port.');
  }
  return address.port;
}
