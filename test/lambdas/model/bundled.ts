import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';

const ROOT = join(__dirname, '../../..');

/** Bundles TypeScript that imports as if it lay in `lambdas/model`, as functions are, with files beside it. */
export function bundle(folder: string, contents: string, files: readonly string[]): void {
  buildSync({
    stdin: { contents, resolveDir: join(ROOT, 'lambdas/model'), loader: 'ts' },
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'WebAssembly.instantiateStreaming': 'undefined' },
  });
  for (const file of files) copyFileSync(join(ROOT, file), join(folder, file.split('/').at(-1) ?? ''));
}

/** Runs the bundle of a folder in a thread, as an execution environment of the local cloud; gives what it posts first. */
export async function run(folder: string, workerData: unknown): Promise<unknown> {
  const worker = new Worker(join(folder, 'index.js'), { workerData });
  const answer = await new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  await worker.terminate();
  return answer;
}
