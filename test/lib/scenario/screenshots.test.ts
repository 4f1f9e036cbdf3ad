import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findChromium } from '../../../lib/scenario/browser';

/** `npm run screenshots` where it can't do its work; what it makes of a run is tested on one, in `pipeline.test.ts`. */
const directory = mkdtempSync(join(tmpdir(), 'garoa-screenshots-'));
afterAll(() => rmSync(directory, { recursive: true }));

function screenshots(chromium: string): Promise<{ failed: boolean; out: string; err: string }> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', resolve('node_modules/tsx/dist/loader.mjs'), resolve('bin/screenshots.ts')],
      { cwd: directory, env: { ...process.env, CHROMIUM: chromium } },
      (error, out, err) => done({ failed: error !== null, out, err }),
    );
  });
}

describe('npm run screenshots', () => {
  it('says in one line that there is no run yet', async () => {
    const { failed, out, err } = await screenshots(process.execPath);
    expect({ failed, out }).toEqual({ failed: true, out: '' });
    expect(err).toMatch(/^There are no pages in .*\.garoa: run npm start first\.\n$/);
  });

  it('says in one line that there is no browser', async () => {
    const models = join(directory, '.garoa', 's3', 'garoa-prod-data-lake-models');
    mkdirSync(models, { recursive: true });
    mkdirSync(join(models, 'pages'));
    writeFileSync(join(models, 'pages', 'index.html'), '');
    const { failed, out, err } = await screenshots(join(directory, 'nowhere'));
    expect({ failed, out }).toEqual({ failed: true, out: '' });
    expect(err).toBe('No Chromium was found: install it, or name one in the variable CHROMIUM.\n');
  });
});

describe('the browser', () => {
  it('is the one that CHROMIUM names, and no other in its place', () => {
    expect(findChromium(process.execPath)).toBe(process.execPath);
    expect(findChromium(join(directory, 'nowhere'))).toBeUndefined();
  });
});
