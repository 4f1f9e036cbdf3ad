import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '../..');

/** Runs the entry point as the CDK command line does, with the context that it hands over. */
function synthesise(garoa: unknown): { status: number | null; stderr: string; stdout: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'bin/garoa.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ garoa }) },
  });
  return { status, stderr, stdout };
}

describe('bin/garoa.ts', () => {
  it('says in one line what is wrong with the configuration, and fails', () => {
    const { status, stdout, stderr } = synthesise({
      locations: [{ id: 'São Paulo', name: 'x', query: 'x', timezone: 'UTC' }],
    });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^cdk\.json: garoa\.locations\[0\]\.id: use lower-case letters[^\n]*\n$/);
  });

  it('says so of a block on the command line that is no JSON', () => {
    const { status, stderr } = synthesise('{stage: dev}');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^cdk\.json: garoa: [^\n]*\n$/);
  });
});
