import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { fitLibsvm, loadLibsvm } from '../../../lambdas/model/libsvm';
import { bundle, run } from './bundled';
import { weatherRows } from './smo/weather-rows';

/** Fits as a function does whose machine has no SIMD, and posts what came of each set of members. */
const ENTRY = `
import { parentPort, workerData } from 'node:worker_threads';
import { fitMembers, prepareEngine } from './fit';
if (!('libsvmFit' in workerData)) {
  prepareEngine().then(() => {
    const { x, y, attempts } = workerData;
    parentPort.postMessage(attempts.map(({ shared, members }) => {
      try {
        return fitMembers(x, y, shared, members).map(({ intercept }) => intercept);
      } catch (error) {
        return error.name + ': ' + error.message;
      }
    }));
  });
}
`;

const shared = { kernel: 'rbf', tolerance: 1e-3, cacheMegabytes: 20, timeBudgetMs: 60_000 } as const;
const member = { c: 1, gamma: 0.02, positiveWeight: 3 };

let folder: string;
let answers: unknown[];
const { x, y } = weatherRows(5_001);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'garoa-libsvm-'));
  bundle(folder, ENTRY, ['node_modules/libsvm-js/out/wasm/libsvm.wasm']);
  const attempts = [
    // Takes LIBSVM minutes.
    { shared: { ...shared, timeBudgetMs: 700 }, members: [{ c: 1_000, gamma: 0.5, positiveWeight: 30 }] },
    { shared, members: [member] },
    { shared: { ...shared, kernel: 'laplacian' }, members: [member] },
  ];
  answers = z.array(z.unknown()).parse(await run(folder, { x, y, attempts }));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('fits without SIMD', () => {
  it('are abandoned when their time is up, with the reason', () => {
    expect(answers[0]).toMatch(/^FitRefused: Without SIMD 5001 rows were not learnt within \d+ ms\.$/);
  });

  it('go on after one that was abandoned, in threads of their own, to what LIBSVM finds here', async () => {
    await loadLibsvm();

    expect(answers[1]).toEqual([fitLibsvm(x, y, { ...shared, ...member }).intercept]);
  });

  it('are refused when memory would not do', () => {
    expect(answers[2]).toBe('FitRefused: Without SIMD a Laplacian kernel takes at most 5000 rows, not 5001.');
  });
});
