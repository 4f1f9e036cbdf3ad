import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { fitMembers } from '../../../lambdas/model/fit';
import { fitLibsvm, loadLibsvm } from '../../../lambdas/model/libsvm';
import { bundle, run } from './bundled';
import { weatherRows } from './smo/weather-rows';

/** Fits as a function does, and posts what came of each attempt. */
const ENTRY = `
import { parentPort, workerData } from 'node:worker_threads';
import { fitMembers } from './fit';
if ('attempts' in workerData) {
  const { x, y, attempts } = workerData;
  parentPort.postMessage(attempts.map(({ shared, members }) => {
    try {
      return fitMembers({ x, y, shared, members });
    } catch (error) {
      return error.name + ': ' + error.message;
    }
  }));
}
`;

const shared = { kernel: 'rbf', tolerance: 1e-3, cacheMegabytes: 20, timeBudgetMs: 3_600_000 } as const;
const member = { c: 1, gamma: 0.02, positiveWeight: 3 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'garoa-fit-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function attempt(files: readonly string[], task: object): Promise<unknown[]> {
  bundle(folder, ENTRY, files);
  return z.array(z.unknown()).parse(await run(folder, task));
}

describe('fits without SIMD', () => {
  let answers: unknown[];
  const { x, y } = weatherRows(5_001);
  beforeAll(async () => {
    answers = await attempt(['node_modules/libsvm-js/out/wasm/libsvm.wasm'], {
      x,
      y,
      attempts: [
        // Takes LIBSVM minutes.
        { shared: { ...shared, timeBudgetMs: 700 }, members: [{ c: 1_000, gamma: 0.5, positiveWeight: 30 }] },
        { shared, members: [member] },
        { shared: { ...shared, kernel: 'laplacian' }, members: [member] },
      ],
    });
  });

  it('are abandoned when their time is up, with the reason', () => {
    expect(answers[0]).toBe('FitRefused: 5001 rows were not learnt within 700 ms.');
  });

  it('go on after one that was abandoned, in threads of their own, to what LIBSVM finds here', async () => {
    await loadLibsvm();

    expect(answers[1]).toEqual([fitLibsvm(x, y, { ...shared, ...member })]);
  });

  it('are refused when memory would not do', () => {
    expect(answers[2]).toBe('FitRefused: Without SIMD a Laplacian kernel takes at most 5000 rows, not 5001.');
  });
});

describe('a long history', () => {
  const { x, y } = weatherRows(12_500);
  const wide = [0.5, 4].map((positiveWeight) => ({ c: 0.1, gamma: 0.005, positiveWeight }));
  const narrow = [2, 16].map((positiveWeight) => ({ c: 0.03, gamma: 0.02, positiveWeight }));
  const members = [wide[0], narrow[0], wide[1], narrow[1]].flatMap((each) => each ?? []);
  let answers: unknown[];
  beforeAll(async () => {
    answers = await attempt(['lambdas/model/smo/smo.wasm'], {
      x,
      y,
      attempts: [
        { shared, members },
        { shared: { ...shared, timeBudgetMs: 50 }, members },
        { shared, members },
        { shared, members: narrow },
      ],
    });
  });

  it('is learnt by two threads to the very bits that one finds', () => {
    const alone = fitMembers({ x, y, shared, members });

    expect(alone.map(({ gamma }) => gamma)).toEqual(members.map(({ gamma }) => gamma));
    expect(answers[0]).toEqual(alone);
    expect(answers[3]).toEqual([alone[1], alone[3]]);
  });

  it('is abandoned by both when the time is up, and learnt when it is tried again', () => {
    expect(answers[1]).toMatch(/^FitRefused: 12500 rows were not learnt within \d+ ms/);
    expect(answers[2]).toEqual(answers[0]);
  });
});
