import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import * as z from 'zod';
import { fitSmo } from '../../../../lambdas/model/smo/solver';
import type { SvcOptions } from '../../../../lambdas/model/svc';
import { weatherRows } from './weather-rows';

const SMO = join(__dirname, '../../../../lambdas/model/smo');

const OPTIONS: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.02,
  positiveWeight: 3,
  tolerance: 1e-3,
  cacheMegabytes: 16,
  timeBudgetMs: 60_000,
};

const ENTRY = `
import { parentPort, workerData } from 'node:worker_threads';
import { smoSupported } from './kernel-module';
import { fitSmo } from './solver';
parentPort.postMessage(
  smoSupported() ? fitSmo(workerData.x, workerData.y, workerData.options).objective : 'not supported',
);
`;

// Bundling, and three threads on what may be a busy machine.
jest.setTimeout(60_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'garoa-smo-'));
  buildSync({
    stdin: { contents: ENTRY, resolveDir: SMO, loader: 'ts' },
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

async function inWorker(options: SvcOptions): Promise<unknown> {
  const worker = new Worker(join(folder, 'index.js'), { workerData: { ...weatherRows(1_500), options } });
  const answer = await new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  await worker.terminate();
  return answer;
}

it('trains in several workers at once, bundled, to the same bits as alone', async () => {
  copyFileSync(join(SMO, 'smo.wasm'), join(folder, 'smo.wasm'));
  const several = [OPTIONS, { ...OPTIONS, c: 3 }, { ...OPTIONS, kernel: 'laplacian' as const }];
  const objectives = z.array(z.number()).parse(await Promise.all(several.map(inWorker)));
  const { x, y } = weatherRows(1_500);

  expect(objectives).toEqual(several.map((options) => fitSmo(x, y, options).objective));
});

it('says that it cannot run where its module is missing', async () => {
  expect(await inWorker(OPTIONS)).toBe('not supported');
});
