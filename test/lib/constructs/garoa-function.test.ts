import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { loadSettings } from '../../../lambdas/settings';
import { parseConfig, settingsOf } from '../../../lib/config';
import { GaroaFunction } from '../../../lib/constructs/garoa-function';

const settings = settingsOf(parseConfig({ stage: 'test' }));
const directories: string[] = [];

/** Bundles the ingest function as a deployment does, and gives the assembly's asset directories. */
function bundle(rainThresholdMm: number): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'garoa-test-'));
  directories.push(outdir);
  const app = new App({ outdir, context: { '@aws-cdk/core:newStyleStackSynthesis': true } });
  new GaroaFunction(new Stack(app, 'Stack'), 'Ingest', {
    name: 'ingest',
    description: 'of a test',
    settings: { ...settings, rainThresholdMm },
    memoryMegabytes: 128,
    timeout: Duration.minutes(1),
    logRetention: 30,
    environment: {},
    grants: [],
    asynchronous: { retryAttempts: 0, maxEventAge: Duration.minutes(1) },
    files: ['package.json'],
  });
  return readdirSync(app.synth().directory)
    .filter((name) => name.startsWith('asset.'))
    .map((name) => join(outdir, name));
}

const assetName = (path: string | undefined) => path?.split('/').at(-1);

describe('a bundled function', () => {
  const [first] = bundle(0.1);

  afterAll(() => {
    for (const directory of directories) {
      rmSync(directory, { recursive: true });
    }
  });

  it('has its settings and files beside one bundle that exports the handler', () => {
    expect(readdirSync(first ?? '').toSorted()).toEqual(['garoa.json', 'index.js', 'package.json']);
    expect(loadSettings(first)).toEqual(settings);
    expect(readFileSync(join(first ?? '', 'index.js'), 'utf8')).toMatch(/module\.exports=/);
  });

  it('brings the SDK along, and needs nothing but Node itself', () => {
    const code = readFileSync(join(first ?? '', 'index.js'), 'utf8');
    const required = new Set([...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? ''));
    // Looked for by the SDK, and missed only by those who sign for several regions at once.
    required.delete('@aws-sdk/signature-v4-crt');
    expect([...required].filter((name) => !isBuiltin(name))).toEqual([]);
  });

  it('is made whatever characters the folders have in their names', () => {
    const odd = mkdtempSync(join(tmpdir(), `a $HOME "b" 'c' `));
    directories.push(odd);
    const { TMPDIR } = process.env;
    process.env.TMPDIR = odd;
    try {
      expect(readdirSync(bundle(0.1)[0] ?? '').toSorted()).toEqual([
        'garoa.json',
        'index.js',
        'package.json',
      ]);
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  });

  it('has the same hash for the same input, and another for other settings', () => {
    expect(assetName(bundle(0.1)[0])).toBe(assetName(first));
    expect(assetName(bundle(0.2)[0])).not.toBe(assetName(first));
  });
});
