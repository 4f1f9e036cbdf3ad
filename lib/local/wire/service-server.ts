import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { AwsCall, FaultPlan } from './calls';

/** One HTTP request, read to its end. */
export interface ServiceRequest {
  readonly method: string;
  /** As sent: percent-encoded, never normalised. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

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
  handle(request: ServiceRequest): ServiceReply | Promise<ServiceReply>;
  /** The service's words for an overload and for a fault of its own: both are retried by the SDK. */
  refuse(kind: 'throttle' | 'serverError', message: string): ServiceReply;
}

export interface ServiceServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly faults?: FaultPlan | undefined;
  readonly onCall?: ((call: AwsCall) => void) | undefined;
  /** Ends the function that sent the call, as a crash would. */
  readonly onCrash: (caller: string) => void;
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
  const request = await readRequest(incoming);
  const call: AwsCall = {
    service: service.name,
    caller: callerOf(request.headers),
    ...service.describe(request),
  };
  options.onCall?.(call);
  const fault = options.faults?.(call);
  switch (fault?.kind) {
    case undefined:
      return send(outgoing, request, await carryOut(service, request));
    case 'latency':
      await delay(fault.milliseconds);
      return send(outgoing, request, await carryOut(service, request));
    case 'throttle':
    case 'serverError':
      return send(
        outgoing,
        request,
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
      options.onCrash(call.caller);
      incoming.socket.destroy();
      return;
  }
}

async function carryOut(service: Service, request: ServiceRequest): Promise<ServiceReply> {
  try {
    return await service.handle(request);
  } catch (error) {
    return service.refuse('serverError', error instanceof Error ? error.message : String(error));
  }
}

async function readRequest(incoming: IncomingMessage): Promise<ServiceRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk);
  }
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

function send(outgoing: ServerResponse, request: ServiceRequest, reply: ServiceReply): void {
  const body = reply.body ?? '';
  outgoing.writeHead(reply.status, {
    'content-length': String(Buffer.byteLength(body)),
    ...reply.headers,
  });
  // A reply to HEAD carries the length of a body that it does not send; 304 has neither.
  outgoing.end(request.method === 'HEAD' ? undefined : body);
}

/**
 * The SDK writes AWS_SDK_UA_APP_ID into its user agent as `app/<id>`. Powertools, once loaded, appends its own
 * name to the variable.
 */
function callerOf(headers: IncomingHttpHeaders): string {
  const id = /(?:^|\s)app\/(\S+)/.exec(headers['user-agent'] ?? '')?.[1];
  return id?.replace(/-PT-.*$/, '') ?? 'unknown';
}
