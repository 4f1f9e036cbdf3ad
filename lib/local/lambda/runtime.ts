import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { transformSync } from 'esbuild';
import * as z from 'zod';
import type { FunctionResource } from '../assembly/resources';
import { type MetricRecord, readMetrics } from '../cloudwatch/metric-lines';
import type { Death } from '../wire/calls';

/** What Lambda's Invoke API answers, synchronous invocation type. */
export interface InvocationResult {
  readonly requestId: string;
  /** The handler's return value, or the error object when `functionError` is there. */
  readonly payload: unknown;
  readonly functionError?: FunctionError;
  /** Real time from the request to the answer, waiting for a free environment included. */
  readonly milliseconds: number;
  /** Absent when the environment ended under the invocation. */
  readonly usage?: Usage;
}

/** What an invocation took; threads that the function starts are not in it. */
interface Usage {
  /** Time that the function's thread was at work, waits left out. */
  readonly busyMilliseconds: number;
  /** The most that its heap and its buffers held, garbage included. */
  readonly peakBytes: number;
}

interface FunctionError {
  /** Whether the handler threw, or the environment ended under it. */
  readonly kind: 'thrown' | 'timeout' | 'exit';
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

export interface LambdaOptions {
  readonly functions: readonly FunctionResource[];
  /** Variables that a function gets besides its own, such as endpoints and credentials; they win over its own. */
  readonly environmentOf: (fn: FunctionResource) => Readonly<Record<string, string>>;
  /** Whether the function's role lets Lambda write its log; lines that it doesn't are lost, as in AWS. */
  readonly mayLog?: (fn: FunctionResource, stream: string) => boolean;
  readonly region: string;
  /** Each function's lines go to `<name>.ndjson` here. */
  readonly logsDirectory: string;
  readonly now: () => Date;
  /** Environments of one function that may run at once; further invocations wait. */
  readonly concurrency: number;
  /** See `LocalCloudOptions`. */
  readonly patience?: number;
}

/** Sizes above which Lambda refuses a synchronous request or response. */
export const SYNCHRONOUS_PAYLOAD_BYTES = 6 * 1024 * 1024;
/** What all names and values of a function's own variables may have together. */
const ENVIRONMENT_BYTES = 4 * 1024;

const errorSchema = z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.array(z.string()) });
const usageSchema = z.object({ busyMilliseconds: z.number(), peakBytes: z.number() });
const messageSchema = z.union([
  z.strictObject({ line: z.string() }),
  z.strictObject({ ready: z.literal(true) }),
  z.strictObject({ initError: errorSchema }),
  z.strictObject({ requestId: z.string(), payload: z.string(), usage: usageSchema }),
  z.strictObject({ requestId: z.string(), error: errorSchema, usage: usageSchema }),
]);
type Answer = ({ readonly payload: string } | { readonly failure: FunctionError }) & {
  readonly usage?: Usage;
};

/**
 * Runs functions as deployed: the bundle in worker threads, one environment each, kept warm between
 * invocations. An environment that times out, runs out of heap or is crashed is gone, as a sandbox would be.
 * The memory size bounds the JavaScript heap; buffers and WebAssembly lie outside of it.
 */
export class LambdaRuntime {
  private readonly pools = new Map<string, Pool>();
  private readonly collected: MetricRecord[] = [];
  private invocations = 0;

  /** @throws Error for variables that Lambda would not take. */
  constructor(options: LambdaOptions) {
    mkdirSync(options.logsDirectory, { recursive: true });
    for (const fn of options.functions) {
      requireSmallEnvironment(fn);
      const pool = new Pool(fn, options, (record) => this.collected.push(record));
      this.pools.set(fn.name, pool);
      this.pools.set(fn.arn, pool);
    }
  }

  /** Invokes by name or ARN and waits for the end. @throws Error when there is no such function. */
  async invoke(nameOrArn: string, event: unknown): Promise<InvocationResult> {
    const pool = this.pools.get(nameOrArn.replace(/:\$LATEST$/, ''));
    if (pool === undefined) throw new Error(`No function ${nameOrArn}`);
    this.invocations += 1;
    const requestId = requestIdOf(`${pool.name}:${this.invocations}`);
    const body = JSON.stringify(event) ?? 'null';
    const started = performance.now();
    const answer =
      Buffer.byteLength(body) > SYNCHRONOUS_PAYLOAD_BYTES
        ? tooLarge('Request')
        : limited(await pool.run(requestId, body));
    const milliseconds = performance.now() - started;
    const told = { requestId, milliseconds, ...(answer.usage !== undefined && { usage: answer.usage }) };
    if ('payload' in answer) {
      const payload: unknown = JSON.parse(answer.payload);
      return { ...told, payload };
    }
    const { errorType, errorMessage, trace } = answer.failure;
    return { ...told, payload: { errorType, errorMessage, trace }, functionError: answer.failure };
  }

  /** Ends every environment of the function that is at work, as when a sandbox dies; idle ones stay. */
  crash(name: string, by: Death): void {
    this.pools.get(name)?.crash(by);
  }

  /** Metrics that functions have emitted in the embedded metric format, in order of arrival. */
  metrics(): readonly MetricRecord[] {
    return this.collected;
  }

  /** Ends idle environments, so that a phase's memory is free for the next; they start again when needed. */
  async recycle(): Promise<void> {
    await Promise.all([...new Set(this.pools.values())].map((pool) => pool.recycle()));
  }

  async close(): Promise<void> {
    await Promise.all([...new Set(this.pools.values())].map((pool) => pool.close()));
  }
}

interface Waiting {
  readonly requestId: string;
  readonly body: string;
  readonly answer: (answer: Answer) => void;
}

class Pool {
  private readonly environments = new Set<Environment>();
  private readonly waiting: Waiting[] = [];
  private started = 0;
  private closed = false;

  constructor(
    private readonly fn: FunctionResource,
    private readonly options: LambdaOptions,
    private readonly onMetric: (record: MetricRecord) => void,
  ) {}

  get name(): string {
    return this.fn.name;
  }

  run(requestId: string, body: string): Promise<Answer> {
    return new Promise((answer) => {
      this.waiting.push({ requestId, body, answer });
      this.next();
    });
  }

  crash(by: Death): void {
    for (const environment of this.environments) {
      if (!environment.busy) continue;
      if (by === 'timeLimit') environment.timeOut();
      else environment.end('exit', 'Runtime exited with error: signal: killed');
    }
  }

  async recycle(): Promise<void> {
    const idle = [...this.environments].filter(({ busy }) => !busy);
    for (const environment of idle) this.environments.delete(environment);
    await Promise.all(idle.map((environment) => environment.terminate()));
  }

  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.environments];
    this.environments.clear();
    await Promise.all(all.map((environment) => environment.terminate()));
  }

  private next(): void {
    if (this.closed || this.waiting.length === 0) return;
    const environment = [...this.environments].find(({ busy }) => !busy) ?? this.start();
    if (environment === undefined) return;
    const request = this.waiting.shift();
    if (request === undefined) return;
    environment.invoke(request.requestId, request.body, (answer) => {
      request.answer(answer);
      this.next();
    });
  }

  private start(): Environment | undefined {
    if (this.environments.size >= this.options.concurrency) return undefined;
    this.started += 1;
    const stream = `local/[$LATEST]${this.started}`;
    const logs = this.options.mayLog?.(this.fn, stream) ?? true;
    const { patience = 1 } = this.options;
    const environment: Environment = new Environment(this.fn, patience, this.variables(stream), {
      onLine: (line, requestId) => {
        if (logs) this.write(line, requestId);
      },
      onEnd: () => {
        this.environments.delete(environment);
        this.next();
      },
    });
    this.environments.add(environment);
    return environment;
  }

  private variables(stream: string): Record<string, string> {
    const { name, assetDirectory, handler, memoryMegabytes, environment, logGroup } = this.fn;
    return {
      ...environment,
      AWS_REGION: this.options.region,
      AWS_DEFAULT_REGION: this.options.region,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
      AWS_LAMBDA_LOG_GROUP_NAME: logGroup,
      AWS_LAMBDA_LOG_STREAM_NAME: stream,
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      _HANDLER: handler,
      LAMBDA_TASK_ROOT: assetDirectory,
      // The endpoints know the caller by the SDK's user agent, which carries this id.
      AWS_SDK_UA_APP_ID: name,
      // The deployed runtime is Node 24; the SDK's warning about this machine's Node would fill the logs.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      ...this.options.environmentOf(this.fn),
    };
  }

  private write(line: string, requestId: string | undefined): void {
    if (line.trim() === '') return;
    const json = parseJsonObject(line);
    const text = json === undefined ? JSON.stringify({ message: line, requestId }) : line;
    // At once, so that whoever reads after an invocation finds all of its lines.
    appendFileSync(join(this.options.logsDirectory, `${this.name}.ndjson`), `${text}\n`);
    if (json === undefined) return;
    for (const record of readMetrics(json)) {
      this.onMetric({ ...record, function: this.name, time: this.options.now().toISOString() });
    }
  }
}

/** One warm sandbox: a worker thread with the bundle loaded. */
class Environment {
  ended = false;
  private readonly worker: Worker;
  private current:
    | {
        readonly requestId: string;
        readonly answer: (answer: Answer) => void;
        readonly timer: NodeJS.Timeout;
      }
    | undefined;

  constructor(
    private readonly fn: FunctionResource,
    private readonly patience: number,
    variables: Record<string, string>,
    private readonly hooks: {
      readonly onLine: (line: string, requestId: string | undefined) => void;
      /** Told once, also of an environment that dies while it is idle. */
      readonly onEnd: () => void;
    },
  ) {
    const { assetDirectory, handler, arn, memoryMegabytes } = fn;
    this.worker = new Worker(workerCode(), {
      eval: true,
      env: variables,
      workerData: { assetDirectory, handlerName: handler, functionArn: arn, memoryMegabytes, patience },
      resourceLimits: { maxOldGenerationSizeMb: memoryMegabytes },
      // Options of the parent's command line, such as a TypeScript loader, are no part of Lambda's Node.
      execArgv: [],
    });
    this.worker.on('message', (message) => this.receive(messageSchema.parse(message)));
    this.worker.on('error', (error) => this.end('exit', `Runtime exited with error: ${error.message}`));
    this.worker.on('exit', (code) => this.end('exit', `Runtime exited with error: exit status ${code}`));
    this.worker.unref();
  }

  get busy(): boolean {
    return this.current !== undefined || this.ended;
  }

  invoke(requestId: string, event: string, answer: (answer: Answer) => void): void {
    const { timeoutSeconds } = this.fn;
    const milliseconds = timeoutSeconds * 1000 * this.patience;
    const timer = setTimeout(() => this.timeOut(), milliseconds);
    this.current = { requestId, answer, timer };
    this.worker.ref();
    this.worker.postMessage({ requestId, event, deadline: Date.now() + milliseconds });
  }

  timeOut(): void {
    this.end('timeout', `Task timed out after ${this.fn.timeoutSeconds.toFixed(2)} seconds`);
  }

  /** Kills the sandbox; an invocation in flight ends with the error that Lambda reports for it. */
  end(kind: 'timeout' | 'exit', reason: string): void {
    if (this.ended) return;
    this.ended = true;
    void this.worker.terminate();
    const requestId = this.current?.requestId;
    this.settle({
      failure: {
        kind,
        errorType: kind === 'timeout' ? 'Sandbox.Timedout' : 'Runtime.ExitError',
        errorMessage: `RequestId: ${requestId} Error: ${reason}`,
        trace: [],
      },
    });
    this.hooks.onEnd();
  }

  async terminate(): Promise<void> {
    this.end('exit', 'Runtime exited with error: signal: killed');
    await this.worker.terminate();
  }

  private receive(message: z.infer<typeof messageSchema>): void {
    if ('line' in message) this.hooks.onLine(message.line, this.current?.requestId);
    else if ('payload' in message) this.settle({ payload: message.payload, usage: message.usage });
    else if ('error' in message) {
      this.settle({ failure: { kind: 'thrown', ...message.error }, usage: message.usage });
    } else if ('initError' in message) {
      this.ended = true;
      void this.worker.terminate();
      this.settle({ failure: { kind: 'thrown', ...message.initError } });
      this.hooks.onEnd();
    }
  }

  private settle(answer: Answer): void {
    const { current } = this;
    if (current === undefined) return;
    clearTimeout(current.timer);
    this.current = undefined;
    this.worker.unref();
    current.answer(answer);
  }
}

function requireSmallEnvironment({ name, environment }: FunctionResource): void {
  const bytes = Buffer.byteLength(Object.entries(environment).flat().join(''));
  if (bytes > ENVIRONMENT_BYTES) {
    throw new Error(`The variables of ${name} have ${bytes} bytes; Lambda takes ${ENVIRONMENT_BYTES}.`);
  }
}

function limited(answer: Answer): Answer {
  return 'payload' in answer && Buffer.byteLength(answer.payload) > SYNCHRONOUS_PAYLOAD_BYTES
    ? tooLarge('Response')
    : answer;
}

function tooLarge(what: 'Request' | 'Response'): Answer {
  const errorMessage = `${what} payload size exceeded maximum allowed payload size (${SYNCHRONOUS_PAYLOAD_BYTES} bytes).`;
  const errorType = what === 'Request' ? 'Lambda.RequestTooLargeException' : 'Function.ResponseSizeTooLarge';
  return { failure: { kind: 'thrown', errorType, errorMessage, trace: [] } };
}

/** Repeatable request ids, so that nothing derived from one differs between two runs. */
function requestIdOf(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

const jsonObject = z.record(z.string(), z.unknown());

function parseJsonObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return jsonObject.parse(JSON.parse(line));
  } catch {
    // A function may print what it likes; such a line is logged as text.
    return undefined;
  }
}

let compiled: string | undefined;

function workerCode(): string {
  compiled ??= transformSync(readFileSync(join(__dirname, 'worker.ts'), 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    target: 'node20',
  }).code;
  return compiled;
}
