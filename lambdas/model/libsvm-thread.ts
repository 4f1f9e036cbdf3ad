import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import * as z from 'zod';
import { fitLibsvm, loadLibsvm, refuseTooManyRows } from './libsvm';
import type { Matrix } from './matrix';
import { type SvcModel, type SvcOptions, TimeBudgetExceeded } from './svc';

/**
 * LIBSVM can't be interrupted, but a thread can be ended: each fit gets one, and the caller waits for it no longer than
 * its time budget. The memory that LIBSVM took goes with the thread.
 *
 * The thread loads the very file that this module ended up in, which is the function's bundle; seeing a request among
 * the thread's data, it carries it out.
 */

interface Request {
  readonly libsvmFit: { readonly x: Matrix; readonly y: Uint8Array; readonly options: SvcOptions };
  readonly answers: MessagePort;
  /** One integer in shared memory, 1 when the answer is there. */
  readonly answered: Int32Array;
}

const answer = z.union([
  z.object({
    model: z.object({
      kernel: z.enum(['rbf', 'laplacian']),
      gamma: z.number(),
      supportVectors: z.object({ rows: z.int(), columns: z.int(), values: z.instanceof(Float64Array) }),
      coefficients: z.instanceof(Float64Array),
      intercept: z.number(),
    }),
  }),
  z.object({ failure: z.string() }),
]);

/**
 * `fitLibsvm` within `options.timeBudgetMs`, in a bundled program.
 * @throws TimeBudgetExceeded after that time, TooManyRows when memory would not do, Error when LIBSVM fails.
 */
export function fitLibsvmInThread(x: Matrix, y: Uint8Array, options: SvcOptions): SvcModel {
  refuseTooManyRows(x.rows, options);
  const { port1: received, port2: answers } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const request: Request = { libsvmFit: { x, y, options }, answers, answered };
  const thread = new Worker(__filename, { workerData: request, transferList: [answers] });
  Atomics.wait(answered, 0, 0, options.timeBudgetMs);
  const message = receiveMessageOnPort(received);
  received.close();
  void thread.terminate();
  if (message === undefined) {
    throw new TimeBudgetExceeded(
      `Without SIMD ${x.rows} rows were not learnt within ${Math.round(options.timeBudgetMs)} ms.`,
    );
  }
  const parsed = answer.parse(message.message);
  if ('failure' in parsed) throw new Error(parsed.failure);
  return parsed.model;
}

async function carryOut({ libsvmFit: { x, y, options }, answers, answered }: Request): Promise<void> {
  try {
    await loadLibsvm();
    answers.postMessage({ model: fitLibsvm(x, y, options) });
  } catch (error) {
    answers.postMessage({ failure: error instanceof Error ? error.message : String(error) });
  }
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
}

function isRequest(data: unknown): data is Request {
  return typeof data === 'object' && data !== null && 'libsvmFit' in data;
}

if (isRequest(workerData)) void carryOut(workerData);
