import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { AccessDenied, type Caller } from '../iam/access';
import type { Refusal, Service, ServiceReply } from './service-server';

/** An error that the service names in its reply, which the SDK throws under that name. */
export class ServiceError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    /** 400 for the caller's mistakes, 500 for the service's own. */
    readonly status: number = 400,
    readonly details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** One operation: checks its input and whether the caller may, and answers what becomes the JSON reply. */
export type JsonOperation = (input: unknown, caller: Caller) => unknown;

export interface JsonServiceOptions {
  readonly name: Service['name'];
  readonly operations: Readonly<Record<string, JsonOperation>>;
  /** What a call is about, for fault plans: a query's text, a secret's id. */
  readonly subject: (input: unknown) => string;
  /** Names under which this service refuses for overload and for faults of its own. */
  readonly throttleError: string;
  readonly serverError: string;
}

/** A service that speaks AWS JSON 1.1: the operation in `X-Amz-Target`, input and output as JSON documents. */
export function jsonService(options: JsonServiceOptions): Service {
  const operationName = (headers: Readonly<Record<string, unknown>>) =>
    String(headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1) ?? '';
  return {
    name: options.name,
    describe: (request) => ({
      operation: operationName(request.headers),
      subject: options.subject(jsonOr(request.body, {})),
    }),
    async handle(request) {
      try {
        const name = operationName(request.headers);
        const operation = options.operations[name];
        if (operation === undefined) {
          throw new ServiceError('UnknownOperationException', `${options.name} ${name} is not emulated.`);
        }
        return jsonReply(200, await operation(parseJson(request.body), request.caller));
      } catch (error) {
        if (error instanceof ServiceError) {
          return errorReply(error);
        }
        if (error instanceof AccessDenied) {
          return errorReply(new ServiceError('AccessDeniedException', error.message));
        }
        if (error instanceof z.ZodError) {
          return errorReply(new ServiceError('ValidationException', z.prettifyError(error)));
        }
        throw error;
      }
    },
    refuse: (kind, message) => errorReply(refusal(options, kind, message)),
  };
}

function refusal(
  { throttleError, serverError }: JsonServiceOptions,
  kind: Refusal,
  message: string,
): ServiceError {
  switch (kind) {
    case 'throttle':
      return new ServiceError(throttleError, message);
    case 'serverError':
      return new ServiceError(serverError, message, 500);
    case 'unknownCaller':
      return new ServiceError('UnrecognizedClientException', message);
    case 'tooLarge':
      return new ServiceError('RequestEntityTooLargeException', message, 413);
  }
}

function parseJson(body: Buffer): unknown {
  const parsed = jsonOr(body, undefined);
  if (parsed === undefined) {
    throw new ServiceError('SerializationException', 'The request is not JSON.');
  }
  return parsed;
}

function jsonOr(body: Buffer, otherwise: unknown): unknown {
  try {
    return JSON.parse(body.toString('utf8') || '{}');
  } catch {
    return otherwise;
  }
}

function jsonReply(status: number, output: unknown): ServiceReply {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
    body: JSON.stringify(output ?? {}),
  };
}

function errorReply(error: ServiceError): ServiceReply {
  return jsonReply(error.status, { __type: error.name, message: error.message, ...error.details });
}
