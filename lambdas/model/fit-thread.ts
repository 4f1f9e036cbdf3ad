import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import * as z from 'zod';
import { messageOf } from '../runtime/errors';
import { fitLibsvm, loadLibsvm } from './libsvm';
import { fitByGamma } from './smo/ensemble';
import { type Fit, type Fitted, TimeBudgetExceeded } from './svc';

/** What one thread is asked to fit. */
interface FitRequest extends Fit {
  readonly engine: 'smo' | 'libsvm';
}

/** Whether threads can be had: one loads the very file that this module ended up in, and TypeScript it can't load. */
export const threadsSupported = !__filename.endsWith('.ts');

interface Channel {
  readonly requests: MessagePort;
  /** One integer in shared memory, 1 when the answer is there. */
  readonly answered: Int32Array;
}

const answer = z.union([
  z.object({
    fitted: z.array(
      z.object({
        model: z.object({
          kernel: z.enum(['rbf', 'laplacian']),
          gamma: z.number(),
          supportVectors: z.object({ rows: z.int(), columns: z.int(), values: z.instanceof(Float64Array) }),
          coefficients: z.instanceof(Float64Array),
          intercept: z.number(),
        }),
        multiplierShares: z.instanceof(Float64Array).exactOptional(),
      }),
    ),
  }),
  z.object({ failure: z.string(), late: z.boolean() }),
]);

/**
 * A thread that fits classifiers while its owner does something else, or waits. The owner blocks while it waits, so
 * that fitting stays a plain function. The thread loads the function's bundle, which does nothing by itself; seeing a
 * channel among its data, it serves it. It ends with the owner's process, or when it is told to: LIBSVM can't be
 * interrupted otherwise, and its memory goes with the thread.
 */
export class FitThread {
  private readonly port: MessagePort;
  private readonly answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  private readonly worker: Worker;
  private rows = 0;

  constructor() {
    const { port1, port2: requests } = new MessageChannel();
    this.port = port1;
    const channel: Channel = { requests, answered: this.answered };
    this.worker = new Worker(__filename, { workerData: { fitChannel: channel }, transferList: [requests] });
    this.worker.unref();
  }

  /** One request at a time: the one before has to be answered. */
  start(request: FitRequest): void {
    this.rows = request.x.rows;
    Atomics.store(this.answered, 0, 0);
    this.port.postMessage(request);
  }

  /**
   * What came of each member of the request, in its order.
   * @throws TimeBudgetExceeded when there is no answer within `patienceMs`, or it is that; Error when the fit failed.
   */
  wait(patienceMs: number): Fitted[] {
    Atomics.wait(this.answered, 0, 0, patienceMs);
    const received = receiveMessageOnPort(this.port);
    if (received === undefined) {
      throw new TimeBudgetExceeded(`${this.rows} rows were not learnt within ${Math.round(patienceMs)} ms.`);
    }
    const parsed = answer.parse(received.message);
    if ('fitted' in parsed) return parsed.fitted;
    throw parsed.late ? new TimeBudgetExceeded(parsed.failure) : new Error(parsed.failure);
  }

  end(): void {
    this.port.close();
    void this.worker.terminate();
  }
}

async function carryOut({ engine, ...fit }: FitRequest): Promise<Fitted[]> {
  if (engine === 'smo') return fitByGamma(fit);
  const { x, y, shared, members } = fit;
  await loadLibsvm();
  return members.map((member) => ({ model: fitLibsvm(x, y, { ...shared, ...member }) }));
}

function serve({ requests, answered }: Channel): void {
  requests.on('message', (request: FitRequest) => {
    void carryOut(request)
      .then(
        (fitted) => ({ fitted }),
        (error) => ({
          failure: messageOf(error),
          late: error instanceof TimeBudgetExceeded,
        }),
      )
      .then((message) => {
        requests.postMessage(message);
        Atomics.store(answered, 0, 1);
        Atomics.notify(answered, 0);
      });
  });
}

function hasChannel(data: unknown): data is { readonly fitChannel: Channel } {
  return typeof data === 'object' && data !== null && 'fitChannel' in data;
}

if (hasChannel(workerData)) serve(workerData.fitChannel);
