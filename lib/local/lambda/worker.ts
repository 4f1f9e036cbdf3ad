/**
 * Runs inside a worker thread: Lambda's runtime for one execution environment. It loads the bundle, then
 * answers one invocation after the other. What the function writes is posted line by line in the order of
 * its results, so that every line is known before the invocation ends. The thread's environment variables
 * are the function's own.
 *
 * Compiled on the fly by `lambda.ts`; imports nothing from the project.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance as clock } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';

interface Invocation {
  readonly requestId: string;
  readonly event: string;
  readonly deadline: number;
}

const port = parentPort;
if (port === null) throw new Error('lambda-worker.ts runs in a worker thread only');
const { assetDirectory, handlerName, functionArn, memoryMegabytes, patience } = sandboxOf(workerData);

interface Sandbox {
  readonly assetDirectory: string;
  readonly handlerName: string;
  readonly functionArn: string;
  readonly memoryMegabytes: number;
  readonly patience: number;
}

function sandboxOf(data: unknown): Sandbox {
  if (!isSandbox(data)) throw new Error('lambda-worker.ts was started without its data');
  return data;
}

function isSandbox(data: unknown): data is Sandbox {
  return typeof data === 'object' && data !== null && 'assetDirectory' in data && 'handlerName' in data;
}

for (const stream of [process.stdout, process.stderr]) {
  let line = '';
  stream.write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    line += typeof chunk === 'string' ? chunk : Buffer.from(toBytes(chunk)).toString('utf8');
    const lines = line.split('\n');
    line = lines.pop() ?? '';
    for (const text of lines) port.postMessage({ line: text });
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') done();
    return true;
  };
}

function toBytes(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : new Uint8Array();
}

/** Lambda's Node runtime names errors by their class and gives the stack as lines. */
function describe(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (error instanceof Error || (typeof error === 'object' && error !== null && 'stack' in error)) {
    const { name, message, stack } = { name: 'Error', message: '', stack: '', ...pick(error) };
    return { errorType: name, errorMessage: message, trace: stack.split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

/** An error of another realm keeps its members on the prototype, so they are read by name. */
function pick(error: object): { name?: string; message?: string; stack?: string } {
  const text = (name: string): string | undefined => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? value : undefined;
  };
  const [name, message, stack] = [text('name'), text('message'), text('stack')];
  return {
    ...(name === undefined ? {} : { name }),
    ...(message === undefined ? {} : { message }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/*
 * On a busy machine a function may be given more real time than it was deployed with. Then its stopwatch runs slower
 * by the same factor, so that the deadlines which it sets itself, and the limits of its requests, leave it as much more.
 */
if (patience !== 1) {
  const stopwatch = performance.now.bind(performance);
  performance.now = () => stopwatch() / patience;
  const limit = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (milliseconds) => limit(milliseconds * patience);
}

const [fileName = 'index', exportName = 'handler'] = handlerName.split('.');
let handler: unknown;
try {
  const load = createRequire(join(assetDirectory, 'package.json'));
  const bundle: unknown = load(join(assetDirectory, `${fileName}.js`));
  handler = typeof bundle === 'object' && bundle !== null ? Reflect.get(bundle, exportName) : undefined;
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${handlerName} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    });
  }
  port.postMessage({ ready: true });
} catch (error) {
  port.postMessage({ initError: describe(error) });
}

/** How often an invocation's memory is looked at, ms. */
const SAMPLED_EVERY = 20;

/** What Lambda's REPORT line tells: the time that the thread was at work, and the most memory that it held. */
function measure(): () => { readonly busyMilliseconds: number; readonly peakBytes: number } {
  const before = busyMilliseconds();
  let peakBytes = 0;
  const look = (): void => {
    const { used_heap_size, external_memory } = getHeapStatistics();
    peakBytes = Math.max(peakBytes, used_heap_size + external_memory);
  };
  const timer = setInterval(look, SAMPLED_EVERY);
  return () => {
    clearInterval(timer);
    look();
    return { busyMilliseconds: busyMilliseconds() - before, peakBytes };
  };
}

/** Processor time of this thread where the system tells it; elsewhere the time in which it was not idle. */
function busyMilliseconds(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return clock.eventLoopUtilization().active;
  }
}

port.on('message', async ({ requestId, event, deadline }: Invocation) => {
  const usage = measure();
  const context = {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: String(memoryMegabytes),
    getRemainingTimeInMillis: () => Math.max(0, (deadline - Date.now()) / patience),
  };
  try {
    if (typeof handler !== 'function') throw new Error('the handler was not loaded');
    const result: unknown = await handler(JSON.parse(event), context);
    port.postMessage({ requestId, payload: JSON.stringify(result) ?? 'null', usage: usage() });
  } catch (error) {
    port.postMessage({ requestId, error: describe(error), usage: usage() });
  }
});
