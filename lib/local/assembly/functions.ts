import * as z from 'zod';
import type { Placed } from './identities';
import { UnresolvedTemplate } from './intrinsics';
import type { TemplateReader } from './reader';
import type { FunctionResource } from './resources';

const functionProperties = z.object({
  Code: z.looseObject({ S3Key: z.string() }),
  Handler: z.string(),
  Role: z.string(),
  LoggingConfig: z.strictObject({ LogGroup: z.string().optional() }).default({}),
  MemorySize: z.number().default(128),
  Timeout: z.number().default(3),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()) }).default({ Variables: {} }),
});

const eventInvokeProperties = z.object({
  FunctionName: z.string(),
  MaximumRetryAttempts: z.number().default(2),
  MaximumEventAgeInSeconds: z.number().default(21_600),
  DestinationConfig: z
    .looseObject({ OnFailure: z.looseObject({ Destination: z.string() }).optional() })
    .optional(),
});

export function readFunctions(template: TemplateReader): FunctionResource[] {
  const asynchronous = new Map(
    template.all('AWS::Lambda::EventInvokeConfig').map((placed) => readAsynchronous(template, placed)),
  );
  return template.all('AWS::Lambda::Function').map((placed) => readFunction(template, placed, asynchronous));
}

function readFunction(
  template: TemplateReader,
  placed: Placed,
  asynchronous: ReadonlyMap<string, FunctionResource['asynchronous']>,
): FunctionResource {
  const { Code, Environment, Handler, LoggingConfig, MemorySize, Role, Timeout } = template.properties(
    placed,
    functionProperties,
  );
  const { ref: name, attributes } = template.identity(placed);
  const assetDirectory = template.assets.get(Code.S3Key);
  if (assetDirectory === undefined) {
    throw new UnresolvedTemplate(`Function ${name}: the assembly has no asset ${Code.S3Key}`);
  }
  return {
    name,
    arn: attributes.Arn ?? name,
    roleArn: Role,
    logGroup: LoggingConfig.LogGroup ?? `/aws/lambda/${name}`,
    handler: Handler,
    assetDirectory,
    environment: Environment.Variables,
    memoryMegabytes: MemorySize,
    timeoutSeconds: Timeout,
    // Lambda's own defaults, for a function without an event invoke configuration.
    asynchronous: asynchronous.get(name) ?? { maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600 },
  };
}

function readAsynchronous(
  template: TemplateReader,
  placed: Placed,
): [string, FunctionResource['asynchronous']] {
  const properties = template.properties(placed, eventInvokeProperties);
  const destination = properties.DestinationConfig?.OnFailure?.Destination;
  return [
    properties.FunctionName,
    {
      maximumRetryAttempts: properties.MaximumRetryAttempts,
      maximumEventAgeSeconds: properties.MaximumEventAgeInSeconds,
      ...(destination === undefined ? {} : { onFailureArn: destination }),
    },
  ];
}
