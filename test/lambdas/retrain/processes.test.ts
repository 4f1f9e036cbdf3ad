import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { keys } from '../../../lambdas/lake/layout';
import { getText, putObject } from '../../../lambdas/lake/s3';
import { runStep } from '../../../lambdas/retrain/run-step';
import {
  inspectOutput,
  parseStep,
  planOutput,
  refitOutput,
  runKeys,
  testOutput,
} from '../../../lambdas/retrain/steps';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { settings, stepDependencies } from './dependencies';
import { invent, trainingSetFile } from './weather';

const ROOT = join(__dirname, '../../..');
const CANDIDATES = 2;
/** Twelve weeks: enough to judge full recipes by. */
const HOURS = 12 * 168;

/** Carries out one step in a process of its own, against the bucket that it is told. */
const ENTRY = `
import { S3Client } from '@aws-sdk/client-s3';
import { runStep } from './lambdas/retrain/run-step';
import { parseStep } from './lambdas/retrain/steps';
import { stepDependencies } from './test/lambdas/retrain/dependencies';
const { endpoint, event, settings } = JSON.parse(process.argv[2]);
const client = new S3Client({
  endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
runStep({ ...stepDependencies({ client, name: 'raw' }), settings }, parseStep(event))
  .then((result) => console.log(JSON.stringify(result)));
`;

let folder: string;
let local: LocalBucket;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'garoa-processes-'));
  await build({
    stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' },
    outfile: join(folder, 'step.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'WebAssembly.instantiateStreaming': 'undefined' },
  });
  copyFileSync(join(ROOT, 'lambdas/model/smo/smo.wasm'), join(folder, 'smo.wasm'));
  copyFileSync(join(ROOT, 'node_modules/libsvm-js/out/wasm/libsvm.wasm'), join(folder, 'libsvm.wasm'));
  local = await openLocalBucket();
});
afterAll(async () => {
  await local.close();
  rmSync(folder, { recursive: true });
});

type Step = (event: object) => Promise<unknown>;
const someCandidates = { ...settings, training: { ...settings.training, candidates: CANDIDATES } };

const here: Step = (event) =>
  runStep({ ...stepDependencies(local.bucket), settings: someCandidates }, parseStep(event));

const elsewhere: Step = async (event) => {
  const told = JSON.stringify({ endpoint: local.url, event, settings: someCandidates });
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'step.js'), told]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
};

/** A whole run but for the promotion; gives the bytes of the model. */
async function model(execution: string, step: Step, inTurn: boolean): Promise<string | undefined> {
  const planned = await step({
    step: 'plan',
    execution,
    startedAt: '2013-03-01T00:10:00.000Z',
    request: { scheduledTime: '2013-03-01T00:00:00Z' },
  });
  const { run } = planOutput.parse(planned);
  const location = 'ewr';
  await putObject(
    local.bucket,
    runKeys.trainingSet(run.id, location),
    trainingSetFile(invent(HOURS)),
    'application/octet-stream',
  );
  const { batches } = inspectOutput.parse(await step({ step: 'inspect', run, location }));
  const score = (first: number) => step({ step: 'score', run, location, batch: { first, count: 1 } });
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  expect(count).toBeGreaterThan(CANDIDATES);
  const candidates = Array.from({ length: count }, (_, candidate) => candidate);
  if (inTurn) for (const candidate of candidates) await score(candidate);
  else await Promise.all(candidates.reverse().map(score));
  const { decision, expectedChampion } = testOutput.parse(await step({ step: 'test', run, location }));
  const refitted = await step({ step: 'refit', run, location, decision, expectedChampion });
  return getText(local.bucket, keys.model(location, refitOutput.parse(refitted).version));
}

it('makes the same model, to the byte, in one process and in many, one after the other and side by side', async () => {
  const alone = await model('run-1', here, true);
  const together = await model('run-2', elsewhere, false);
  expect(alone).toContain('supportVectors');
  expect(together).toBe(alone);
});
