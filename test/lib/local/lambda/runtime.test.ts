import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import type { FunctionResource } from '../../../../lib/local/assembly/resources';
import { LambdaRuntime } from '../../../../lib/local/lambda/runtime';

/** Bundled as the stack bundles functions, so that the runtime loads what it would load in production. */
const SOURCE = `
import { Console } from 'node:console';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
const own = new Console({ stdout: process.stdout, stderr: process.stderr });
let calls = 0;
class Refused extends Error { name = 'Refused'; }
export async function handler(event, context) {
  calls += 1;
  switch (event.do) {
    case 'echo': return { event, name: context.functionName, id: context.awsRequestId, calls };
    case 'env': return { ...process.env };
    case 'nothing': return;
    case 'throw': throw new Refused('no thanks');
    case 'throwText': throw 'text';
    case 'sleep': await sleep(event.ms); return event.ms;
    case 'hold': { const held = Buffer.alloc(event.bytes, 1); await sleep(400); return held[0]; }
    case 'exit': process.exit(3);
    case 'exitLater': setTimeout(() => process.exit(3), 20); return;
    case 'reject': Promise.reject(new Error('forgotten')); await sleep(1000); return;
    case 'hang': for (;;);
    case 'grow': { const all = []; for (;;) all.push(new Array(1e5).fill(Math.random())); }
    case 'large': return 'x'.repeat(7 * 1024 * 1024);
    case 'log':
      console.log('plain'); own.error('from a console of its own'); process.stdout.write('in '); process.stdout.write('parts\\n');
      own.log(JSON.stringify({ level: 'INFO', message: 'json' }));
      own.log(JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [{ Namespace: 'Garoa', Dimensions: [['service']],
        Metrics: [{ Name: 'Stored', Unit: 'Count' }] }] }, service: 'garoa', Stored: 3 }));
      return 'logged';
    case 'thread': return await new Promise((resolve, reject) => {
      const worker = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
      worker.once('message', resolve); worker.once('error', reject);
    });
  }
}
`;

const directory = mkdtempSync(join(tmpdir(), 'garoa-lambda-'));
const runtimes: LambdaRuntime[] = [];

beforeAll(() => {
  buildSync({
    stdin: { contents: SOURCE, loader: 'js', resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(directory, 'index.js'),
  });
});
afterAll(async () => {
  await Promise.all(runtimes.map((runtime) => runtime.close()));
  rmSync(directory, { recursive: true });
});

function start(more: Partial<FunctionResource> = {}, concurrency = 2): LambdaRuntime {
  const runtime = new LambdaRuntime({
    functions: [
      {
        name: 'f',
        arn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
        roleArn: 'none',
        logGroup: '/aws/lambda/f',
        handler: 'index.handler',
        assetDirectory: directory,
        environment: { OWN: 'value' },
        memoryMegabytes: 128,
        timeoutSeconds: 10,
        asynchronous: { maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600 },
        ...more,
      },
    ],
    environmentOf: () => ({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }),
    region: 'us-east-1',
    logsDirectory: join(directory, 'logs'),
    now: () => new Date('2013-12-01T00:00:00Z'),
    concurrency,
  });
  runtimes.push(runtime);
  return runtime;
}

const outcome = async (runtime: LambdaRuntime, event: unknown): Promise<unknown> => {
  const { payload, functionError } = await runtime.invoke('f', event);
  return functionError === undefined ? payload : functionError;
};

describe('LambdaRuntime', () => {
  it('runs the bundle with Lambda context, by name and by ARN, in an environment that stays warm', async () => {
    const runtime = start();
    const first = await runtime.invoke('f', { do: 'echo' });
    expect(first.payload).toEqual({ event: { do: 'echo' }, name: 'f', id: first.requestId, calls: 1 });
    const second = await runtime.invoke('arn:aws:lambda:us-east-1:123456789012:function:f', { do: 'echo' });
    expect(second.payload).toMatchObject({ calls: 2 });
    expect(second.requestId).not.toBe(first.requestId);
  });

  it('gives a function its own variables and none of this process', async () => {
    process.env.GAROA_TEST_SECRET = 'leak';
    const variables = await outcome(start(), { do: 'env' });
    delete process.env.GAROA_TEST_SECRET;
    expect(variables).toMatchObject({
      OWN: 'value',
      AWS_LAMBDA_FUNCTION_NAME: 'f',
      AWS_SDK_UA_APP_ID: 'f',
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: directory,
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
    });
    expect(variables).not.toHaveProperty('GAROA_TEST_SECRET');
  });

  it('answers null for a handler that returns nothing', async () => {
    expect(await outcome(start(), { do: 'nothing' })).toBeNull();
  });

  it('reports what a handler throws as Lambda does', async () => {
    const runtime = start();
    const refused = await runtime.invoke('f', { do: 'throw' });
    expect(refused.functionError?.kind).toBe('thrown');
    expect(refused.payload).toEqual({
      errorType: 'Refused',
      errorMessage: 'no thanks',
      trace: expect.arrayContaining([expect.stringContaining('Refused: no thanks')]),
    });
    expect(await outcome(runtime, { do: 'throwText' })).toMatchObject({
      errorType: 'string',
      errorMessage: 'text',
    });
  });

  it('runs invocations side by side up to the limit, each in an environment of its own', async () => {
    const runtime = start({}, 2);
    const [a, b] = await Promise.all([
      runtime.invoke('f', { do: 'sleep', ms: 60 }),
      runtime.invoke('f', { do: 'sleep', ms: 60 }),
    ]);
    expect([a?.payload, b?.payload]).toEqual([60, 60]);
    const calls = await Promise.all([1, 2, 3].map(() => outcome(runtime, { do: 'echo' })));
    // Two warm environments had one call each; the third invocation waited for one of them.
    expect(calls.filter((payload) => JSON.stringify(payload).includes('"calls":2'))).toHaveLength(2);
    expect(calls.filter((payload) => JSON.stringify(payload).includes('"calls":3'))).toHaveLength(1);
  });

  it('refuses variables that have more than four kilobytes together', () => {
    expect(() => start({ environment: { A: 'x'.repeat(4_095) } })).not.toThrow();
    expect(() => start({ environment: { A: 'x'.repeat(4_096) } })).toThrow('4097 bytes; Lambda takes 4096');
  });

  it('tells how long the function was at work, waits left out, and how much memory it held', async () => {
    const { usage } = await start().invoke('f', { do: 'hold', bytes: 40e6 });
    expect(usage?.peakBytes).toBeGreaterThan(40e6);
    expect(usage?.peakBytes).toBeLessThan(128e6);
    expect(usage?.busyMilliseconds).toBeGreaterThan(0);
    expect(usage?.busyMilliseconds).toBeLessThan(300);
  });

  it('replaces an environment that died while it was idle', async () => {
    const runtime = start({}, 1);
    await runtime.invoke('f', { do: 'exitLater' });
    await sleep(500);
    expect(await outcome(runtime, { do: 'echo' })).toMatchObject({ calls: 1 });
  });

  it('ends an invocation that takes too long, and starts afresh for the next', async () => {
    const runtime = start({ timeoutSeconds: 0.3 }, 1);
    const late = {
      kind: 'timeout',
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringContaining('Task timed out after 0.30 seconds'),
    };
    expect(await outcome(runtime, { do: 'hang' })).toMatchObject(late);
    // On a busy machine even doing nothing may take too long; some time it does not.
    let next = await outcome(runtime, { do: 'nothing' });
    while (next !== null) {
      expect(next).toMatchObject(late);
      next = await outcome(runtime, { do: 'nothing' });
    }
  });

  it.each([
    ['ends its process', { do: 'exit' }],
    ['leaves a rejection unhandled', { do: 'reject' }],
    ['outgrows its memory', { do: 'grow' }],
  ])('reports a function that %s, and goes on', async (_, event) => {
    const runtime = start({ memoryMegabytes: 48 }, 1);
    expect(await outcome(runtime, event)).toMatchObject({ kind: 'exit', errorType: 'Runtime.ExitError' });
    expect(await outcome(runtime, { do: 'nothing' })).toBeNull();
  });

  it.each([
    ['kill', 'exit', 'Runtime.ExitError'],
    ['timeLimit', 'timeout', 'Sandbox.Timedout'],
  ] as const)('can be ended by a %s in the middle of an invocation', async (by, kind, errorType) => {
    const runtime = start({}, 1);
    await runtime.invoke('f', { do: 'nothing' });
    const running = outcome(runtime, { do: 'sleep', ms: 5_000 });
    runtime.crash('f', by);
    expect(await running).toMatchObject({ kind, errorType });
  });

  it('refuses a response that Lambda could not deliver', async () => {
    expect(await outcome(start(), { do: 'large' })).toMatchObject({
      errorType: 'Function.ResponseSizeTooLarge',
    });
  });

  it('says so when the handler or the function is not there', async () => {
    expect(await outcome(start({ handler: 'index.nothing' }), {})).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
    });
    await expect(start().invoke('g', {})).rejects.toThrow('No function g');
  });

  it('lets a function start threads of its own', async () => {
    expect(await outcome(start(), { do: 'thread' })).toBe(42);
  });

  it('writes every line to the log of the function, and collects embedded metrics', async () => {
    const runtime = start({ name: 'logger' });
    const { requestId } = await runtime.invoke('logger', { do: 'log' });
    expect(runtime.metrics()).toEqual([
      {
        namespace: 'Garoa',
        name: 'Stored',
        unit: 'Count',
        values: [3],
        dimensions: { service: 'garoa' },
        function: 'logger',
        time: '2013-12-01T00:00:00.000Z',
      },
    ]);
    await runtime.close();
    const lines = readFileSync(join(directory, 'logs', 'logger.ndjson'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.slice(0, 4).map((line): unknown => JSON.parse(line))).toEqual([
      { message: 'plain', requestId },
      { message: 'from a console of its own', requestId },
      { message: 'in parts', requestId },
      { level: 'INFO', message: 'json' },
    ]);
  });

  it('frees idle environments on request', async () => {
    const runtime = start({}, 1);
    await runtime.invoke('f', { do: 'echo' });
    await runtime.recycle();
    expect(await outcome(runtime, { do: 'echo' })).toMatchObject({ calls: 1 });
  });
});
