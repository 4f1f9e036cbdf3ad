import { spawn } from 'node:child_process';

/** Shows a file in the browser that the desktop prefers; says so when there is none, which is no failure. */
export function openInBrowser(file: string): void {
  const commands: Readonly<Record<string, string>> = { darwin: 'open', win32: 'explorer' };
  const child = spawn(commands[process.platform] ?? 'xdg-open', [file], {
    detached: true,
    stdio: 'ignore',
  });
  child.on('error', () => console.error(`No browser could be started; open ${file} yourself.`));
  child.unref();
}
