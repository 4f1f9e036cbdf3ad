import { randomUUID } from 'node:crypto';
import type { FunctionResource } from '../assembly/resources';
import { AccessDenied } from '../iam/access';
import { ServiceError } from '../wire/json-protocol';
import type { Refusal, Service, ServiceReply, ServiceRequest } from '../wire/service-server';
import { Throttled } from './concurrency';
import { type InvocationResult, SYNCHRONOUS_PAYLOAD_BYTES } from './runtime';

/** Runs the functions that the endpoint is asked for. */
export interface FunctionInvoker {
  /** To its end, for the caller who waits. */
  invoke(functionName: string, event: unknown): Promise<InvocationResult>;
  /** Behind the caller's back, with the retries of an asynchronous invocation. */
  invokeLater(functionName: string, event: unknown): void;
}

const ROUTE = /^\/2015-03-31\/functions\/([^/]+)\/(invocations|configuration)$/;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const ASYNCHRONOUS_PAYLOAD_BYTES = 1024 * 1024;

type Action = 'invocations' | 'configuration';
const ACTIONS: Readonly<Record<Action, string>> = {
  invocations: 'lambda:InvokeFunction',
  configuration: 'lambda:GetFunctionConfiguration',
};
const REFUSALS: Readonly<Record<Refusal, readonly [string, number]>> = {
  throttle: ['TooManyRequestsException', 429],
  serverError: ['ServiceException', 500],
  unknownCaller: ['UnrecognizedClientException', 403],
  tooLarge: ['RequestTooLargeException', 413],
};

/** A name, `account:function:name` or an ARN, each perhaps with a version or alias. */
const FUNCTION_NAME =
  /^(?:arn:[^:]+:lambda:[^:]*:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::(\$LATEST|[\w-]+))?$/;

/**
 * Lambda's REST interface: Invoke in its three invocation types, and GetFunctionConfiguration. There are no
 * versions or aliases besides `$LATEST` and no log tail.
 */
export function lambdaService(options: {
  readonly functions: readonly FunctionResource[];
  readonly invoker: FunctionInvoker;
}): Service {
  function find(text: string, qualifier: string | null): FunctionResource {
    const [, name, suffix = '$LATEST'] = FUNCTION_NAME.exec(text) ?? [];
    if (name === undefined) {
      const message = `Value '${text}' at 'functionName' failed to satisfy constraint: it is no name of a function.`;
      throw new ServiceError('ValidationException', message);
    }
    const fn = options.functions.find((one) => one.name === name);
    if (fn === undefined || (qualifier ?? suffix) !== '$LATEST') {
      const place = options.functions[0]?.arn.replace(/function:.*$/, '') ?? '';
      throw new ServiceError(
        'ResourceNotFoundException',
        `Function not found: ${place}function:${name}`,
        404,
      );
    }
    return fn;
  }

  async function invoke(fn: FunctionResource, request: ServiceRequest): Promise<ServiceReply> {
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    const most = type === 'Event' ? ASYNCHRONOUS_PAYLOAD_BYTES : SYNCHRONOUS_PAYLOAD_BYTES;
    if (request.body.length > most) {
      const message = `${request.body.length} byte payload is too large for the ${type} invocation type (limit ${most} bytes)`;
      throw new ServiceError('RequestTooLargeException', message, 413);
    }
    const event = eventOf(request.body);
    if (type === 'DryRun') return reply(204);
    if (type === 'Event') {
      options.invoker.invokeLater(fn.name, event);
      return reply(202);
    }
    const { payload, functionError } = await options.invoker.invoke(fn.name, event);
    return reply(200, payload, {
      'x-amz-executed-version': '$LATEST',
      ...(functionError === undefined ? {} : { 'x-amz-function-error': 'Unhandled' }),
    });
  }

  return {
    name: 'lambda',
    describe: (request) => {
      const { action, name } = routeOf(request);
      return { operation: operationOf(action), subject: name };
    },
    async handle(request) {
      try {
        const { action, name } = routeOf(request);
        if (action === undefined) {
          throw new ServiceError(
            'UnknownOperationException',
            `lambda ${request.method} ${request.path} is not emulated.`,
            404,
          );
        }
        const fn = find(name, request.query.get('Qualifier'));
        request.caller.require(ACTIONS[action], fn.arn);
        return await (action === 'invocations' ? invoke(fn, request) : reply(200, configurationOf(fn)));
      } catch (error) {
        if (error instanceof ServiceError) return errorReply(error);
        if (error instanceof Throttled) {
          return errorReply(new ServiceError('TooManyRequestsException', error.message, 429));
        }
        if (error instanceof AccessDenied) {
          return errorReply(new ServiceError('AccessDeniedException', error.message, 403));
        }
        throw error;
      }
    },
    refuse: (kind, message) => {
      const [name, status] = REFUSALS[kind];
      return errorReply(new ServiceError(name, message, status));
    },
  };
}

function routeOf({ path }: ServiceRequest): { action: Action | undefined; name: string } {
  const [, name = '', action] = ROUTE.exec(path) ?? [];
  const known = action === 'invocations' || action === 'configuration' ? action : undefined;
  return { action: known, name: decodeURIComponent(name) };
}

function operationOf(action: string | undefined): string {
  if (action === undefined) return 'Unknown';
  return action === 'invocations' ? 'Invoke' : 'GetFunctionConfiguration';
}

/** No payload is an empty event. */
function eventOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8') || '{}');
  } catch {
    throw new ServiceError(
      'InvalidRequestContentException',
      'Could not parse request body into json: the payload is no JSON.',
    );
  }
}

function configurationOf(fn: FunctionResource): object {
  return {
    FunctionName: fn.name,
    FunctionArn: fn.arn,
    Handler: fn.handler,
    MemorySize: fn.memoryMegabytes,
    Timeout: fn.timeoutSeconds,
    Environment: { Variables: fn.environment },
    PackageType: 'Zip',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    Version: '$LATEST',
  };
}

function reply(
  status: number,
  output?: unknown,
  headers: Readonly<Record<string, string>> = {},
): ServiceReply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID(), ...headers },
    ...(output === undefined ? {} : { body: JSON.stringify(output) }),
  };
}

function errorReply({ name, message, status }: ServiceError): ServiceReply {
  const type = status < 500 ? 'User' : 'Service';
  return reply(status, { Type: type, Message: message, message }, { 'x-amzn-errortype': name });
}
