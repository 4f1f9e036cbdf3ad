import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** `npm start` as a person meets it: in a folder of its own, through the command line. */
const directory = mkdtempSync(join(tmpdir(), 'garoa-start-'));
const broken = join(directory, 'broken.csv');
const short = join(directory, 'short.csv');
beforeAll(() => {
  writeFileSync(broken, 'location_id,observed_at,temp_c\nsp,2020-01-01T00:00:00Z,warm\n');
  writeFileSync(short, 'location_id,observed_at,temp_c\nsp,2020-01-01T00:00:00Z,20\n');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function start(...args: string[]): ChildProcess {
  return spawn(
    process.execPath,
    ['--import', resolve('node_modules/tsx/dist/loader.mjs'), resolve('bin/local.ts'), ...args],
    { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] },
  );
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out, err };
}

describe('npm start', () => {
  it('explains itself', async () => {
    const { code, out } = await ended(start('--help'));
    expect(code).toBe(0);
    for (const option of [
      '--observations',
      '--backfill-days',
      '--live-hours',
      '--retrain-at-end',
      '--keep',
    ]) {
      expect(out).toContain(option);
    }
  });

  it.each([
    ['an unknown option', ['--live-hour', '2'], 'Unknown option --live-hour. Did you mean --live-hours?'],
    [
      'a broken recording',
      ['--observations', broken],
      'broken.csv, line 2, column temp_c: "warm" is not a number',
    ],
    ['a recording that is not there', ['--observations', 'nowhere.csv'], 'nowhere.csv: no such file'],
    ['a recording that is too short', ['--observations', short], 'too few for a day of history'],
  ])('refuses %s with one line and a non-zero exit, before it touches anything', async (_, args, reason) => {
    const { code, out, err } = await ended(start(...args));
    expect(code).toBe(1);
    expect(err.trimEnd().split('\n')).toEqual([expect.stringContaining(reason)]);
    expect(out).toBe('');
    expect(existsSync(join(directory, '.garoa'))).toBe(false);
  });

  it('refuses a place that it cannot write to', async () => {
    writeFileSync(join(directory, '.garoa'), '');
    const { code, err } = await ended(start());
    rmSync(join(directory, '.garoa'));
    expect(code).toBe(1);
    expect(err.trimEnd().split('\n')).toEqual([expect.stringContaining('.garoa is a file')]);
  });

  // Linux tells of every process what it works on; elsewhere there is no such list to look at.
  (existsSync('/proc') ? it : it.skip)('leaves no process behind when it is interrupted', async () => {
    const child = start();
    const end = ended(child);
    await new Promise<void>((done) => {
      child.stdout?.once('data', () => done());
    });
    // The synthesis runs in a process of its own, which this run started.
    while (processesOf(directory).length < 2) await pause();
    child.kill('SIGINT');
    expect((await end).code).toBe(130);
    while (processesOf(directory).length > 0) await pause();
  });
});

const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 20));

/** Processes at work in the folder of this test: their working directory or environment names it. */
function processesOf(place: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`=${place}`);
    } catch {
      // It ended while the list was read.
      return false;
    }
  });
}
