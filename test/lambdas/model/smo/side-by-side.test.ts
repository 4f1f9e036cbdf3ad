import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { fitSmo } from '../../../../lambdas/model/smo/solver';
import type { SvcOptions } from '../../../../lambdas/model/svc';
import { bundle, run } from '../bundled';
import { weatherRows } from './weather-rows';

const OPTIONS: SvcOptions = {
  kernel: 'rbf',
  c: 1,
  gamma: 0.02,
  positiveWeight: 3,
  tolerance: 1e-3,
  cacheMegabytes: 16,
  timeBudgetMs: 3_600_000,
};

const ENTRY = `
import { parentPort, workerData } from 'node:worker_threads';
import { smoSupported } from './smo/kernel-module';
import { fitSmo } from './smo/solver';
parentPort.postMessage(
  smoSupported() ? fitSmo(workerData.x, workerData.y, workerData.options).objective : 'not supported',
);
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'garoa-smo-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const inThread = (options: SvcOptions) => run(folder, { ...weatherRows(1_500), options });

it('trains in several workers at once, bundled, to the same bits as alone', async () => {
  bundle(folder, ENTRY, ['lambdas/model/smo/smo.wasm']);
  const several = [OPTIONS, { ...OPTIONS, c: 3 }, { ...OPTIONS, kernel: 'laplacian' as const }];
  const objectives = z.array(z.number()).parse(await Promise.all(several.map(inThread)));
  const { x, y } = weatherRows(1_500);

  expect(objectives).toEqual(several.map((options) => fitSmo(x, y, options).objective));
});

it('says that it cannot run where its module is missing', async () => {
  bundle(folder, ENTRY, []);

  expect(await inThread(OPTIONS)).toBe('not supported');
});
