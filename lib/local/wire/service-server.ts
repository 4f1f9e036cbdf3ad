import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '../iam/access';
import type { AwsCall, Death, FaultPlan } from './calls';

/** One HTTP request, read to its end. */
export interface ServiceRequest {
  readonly method: string;
  /** As sent: percent-encoded, never normalised. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request of somebody who is known: what an operation does, it does in the caller's name. */
export interface SignedRequest extends ServiceRequest {
  readonly caller: Caller;
}

/** Why a service refuses a request before it looks at its content. */
export type Refusal = 'throttle' | 'serverError' | 'unknownCaller' | 'tooLarge';

export interface ServiceReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** A service's own part: which operation a request is, what it does, and how it says no. */
export interface Service {
  readonly name: 's3' | 'athena' | 'secretsmanager' | 'events' | 'lambda' | 'states';
  describe(request: ServiceRequest): Pick<AwsCall, 'operation' | 'subject'>;
  /** Answers errors of the caller as replies; what it throws is a defect of the emulation and becomes a 500. */
  handle(request: SignedRequest): ServiceReply | Promise<ServiceReply>;
  /** The service's words; those for an overload and for a fault of its own are retried by the SDK. */
  refuse(kind: Refusal, message: string): ServiceReply;
}

export interface ServiceServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Whose request it is, by its `authorization` header. */
  readonly callerOf: (authorization: string | undefined) => Caller | undefined;
  readonly faults?: FaultPlan | undefined;
  readonly onCall?: ((call: AwsCall) => void) | undefined;
  /** Ends the function that sent the call, as a crash would. */
  readonly onCrash: (caller: string, by: Death) => void;
}

/**
 * Serves one service on a free port of 127.0.0.1, and carries out the fault plan around it. Connections stay
 * open until `close`: a server that closes idle ones races with the SDK's next request.
 */
export async function serve(service: Service, options: ServerOptions): Promise<ServiceServer> {
  const server = createServer((incoming, outgoing) => {
    answer(service, options, incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('A TCP server has a port.');
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  service: Service,
  options: ServerOptions,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { host } = incoming.headers;
  // A page in a browser may have a name of its own resolve to this machine; it can't choose what it sends as Host.
  if (host === undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) {
    incoming.resume();
    return send(outgoing, incoming.method, { status: 403, body: 'This host is not served here.' });
  }
  const received = await readRequest(incoming);
  if (received === undefined) {
    const message = `A request may have ${MAXIMUM_BODY_BYTES} bytes here.`;
    return send(outgoing, incoming.method, service.refuse('tooLarge', message));
  }
  const caller = options.callerOf(incoming.headers.authorization);
  if (caller === undefined) {
    const message = 'The security token included in the request is invalid.';
    return send(outgoing, incoming.method, service.refuse('unknownCaller', message));
  }
  const request: SignedRequest = { ...received, caller };
  const call: AwsCall = {
    service: service.name,
    caller: callerOf(request.headers),
    ...service.describe(request),
    ...triesOf(request.headers),
  };
  options.onCall?.(call);
  const fault = options.faults?.(call);
  switch (fault?.kind) {
    case undefined:
      return send(outgoing, request.method, await carryOut(service, request));
    case 'latency':
      await delay(fault.milliseconds);
      return send(outgoing, request.method, await carryOut(service, request));
    case 'reset':
      incoming.socket.destroy();
      return;
    case 'slowBody':
      return sendSlowly(outgoing, request.method, await carryOut(service, request), fault.milliseconds);
    case 'otherReply': {
      const reply = await carryOut(service, request);
      const body = fault.body(String(reply.body ?? ''));
      return send(outgoing, request.method, { ...reply, body });
    }
    case 'throttle':
    case 'serverError':
      return send(
        outgoing,
        request.method,
        service.refuse(fault.kind, `Injected by the fault plan (${fault.kind}).`),
      );
    case 'lostReply':
      await carryOut(service, request);
      incoming.socket.destroy();
      return;
    case 'crash':
      if (fault.when === 'after') {
        await carryOut(service, request);
      }
      options.onCrash(call.caller, fault.by ?? 'kill');
      incoming.socket.destroy();
      return;
  }
}

async function carryOut(service: Service, request: SignedRequest): Promise<ServiceReply> {
  try {
    return await service.handle(request);
  } catch (error) {
    return service.refuse('serverError', error instanceof Error ? error.message : String(error));
  }
}

/** Larger than anything that is sent here, and small enough to be held in memory. */
const MAXIMUM_BODY_BYTES = 128 * 1024 * 1024;

/** Undefined for a request that is too large, which is read to its end and not kept. */
async function readRequest(incoming: IncomingMessage): Promise<ServiceRequest | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes <= MAXIMUM_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAXIMUM_BODY_BYTES) return undefined;
  const target = incoming.url ?? '/';
  const mark = target.indexOf('?');
  return {
    method: incoming.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: incoming.headers,
    body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
  };
}

function send(outgoing: ServerResponse, method: string | undefined, reply: ServiceReply): void {
  const body = reply.body ?? '';
  outgoing.writeHead(reply.status, {
    'content-length': String(Buffer.byteLength(body)),
    ...reply.headers,
  });
  // A reply to HEAD carries the length of a body that it does not send; 304 has neither.
  outgoing.end(method === 'HEAD' ? undefined : body);
}

async function sendSlowly(
  outgoing: ServerResponse,
  method: string | undefined,
  reply: ServiceReply,
  milliseconds: number,
): Promise<void> {
  const body = Buffer.from(reply.body ?? '');
  const half = Math.ceil(body.byteLength / 2);
  if (method === 'HEAD' || half === 0) {
    await delay(milliseconds);
    return send(outgoing, method, reply);
  }
  outgoing.writeHead(reply.status, { 'content-length': String(body.byteLength), ...reply.headers });
  outgoing.write(body.subarray(0, half));
  await delay(milliseconds);
  outgoing.end(body.subarray(half));
}

/**
 * The SDK writes AWS_SDK_UA_APP_ID into its user agent as `app/<id>`. Powertools, once loaded, appends its own
 * name to the variable.
 */
function callerOf(headers: IncomingHttpHeaders): string {
  const id = /(?:^|\s)app\/(\S+)/.exec(headers['user-agent'] ?? '')?.[1];
  return id?.replace(/-PT-.*$/, '') ?? 'unknown';
}

/** The SDK tells with each try of a request which one it is, as `attempt=2; max=3`. */
function triesOf(headers: IncomingHttpHeaders): Pick<AwsCall, 'attempt' | 'attempts'> {
  const [, attempt = 1, attempts = 1] =
    /^attempt=(\d+); max=(\d+)$/.exec(String(headers['amz-sdk-request'] ?? '')) ?? [];
  return { attempt: Number(attempt), attempts: Number(attempts) };
}
