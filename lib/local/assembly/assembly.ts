import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import {
  Resolver,
  type ResourceIdentity,
  type StackTemplate,
  type TemplateResource,
  templateSchema,
  UnresolvedTemplate,
} from './intrinsics';
import type {
  BucketResource,
  DatabaseResource,
  DeployedResources,
  FunctionResource,
  GlueTable,
  QueueResource,
  RuleResource,
  ScheduleResource,
  SecretResource,
  StateMachineResource,
  TopicResource,
  WorkgroupResource,
} from './resources';

const REGION = 'us-east-1';
const ACCOUNT = '123456789012';

/**
 * Resource types that have no part in what runs: permissions, logs, alarms, documentation of the stack.
 * A type that is neither here nor read below is refused, so that a new resource is never silently missing.
 */
const WITHOUT_EFFECT = [
  /^AWS::IAM::/,
  /^AWS::Logs::/,
  /^AWS::KMS::/,
  /^AWS::CloudWatch::/,
  /^AWS::CDK::Metadata$/,
  /^AWS::S3::BucketPolicy$/,
  /^AWS::SQS::QueuePolicy$/,
  /^AWS::SNS::TopicPolicy$/,
  /^AWS::SNS::Subscription$/,
  /^AWS::SecretsManager::ResourcePolicy$/,
  /^AWS::Lambda::Permission$/,
  /^AWS::Scheduler::ScheduleGroup$/,
  // The crawler shows what replies look like by now; nothing in the pipeline reads what it finds.
  /^AWS::Glue::(Crawler|SecurityConfiguration)$/,
  /^AWS::Athena::NamedQuery$/,
];

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.looseObject({
      type: z.string(),
      properties: z
        .looseObject({
          templateFile: z.string().optional(),
          stackName: z.string().optional(),
          file: z.string().optional(),
          directoryName: z.string().optional(),
        })
        .default({}),
    }),
  ),
});
const assetsSchema = z.object({
  files: z
    .record(
      z.string(),
      z.object({
        source: z.looseObject({ path: z.string().optional() }),
        destinations: z.record(z.string(), z.looseObject({ objectKey: z.string() })),
      }),
    )
    .default({}),
});

/**
 * Reads what `cdk deploy` would create from a synthesised cloud assembly: templates with every intrinsic
 * resolved, and the directories of the bundled functions.
 *
 * @throws UnresolvedTemplate when a template holds a resource or an intrinsic that is not known here.
 */
export function readAssembly(directory: string): DeployedResources {
  const stacks: StackTemplate[] = [];
  const assets = new Map<string, string>();
  collect(directory, stacks, assets);
  return new Assembly(stacks, assets).resources();
}

function collect(directory: string, stacks: StackTemplate[], assets: Map<string, string>): void {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const { artifacts } = manifestSchema.parse(read('manifest.json'));
  for (const [id, { type, properties }] of Object.entries(artifacts)) {
    const { templateFile, stackName, file, directoryName } = properties;
    if (type === 'aws:cloudformation:stack' && templateFile !== undefined) {
      stacks.push({ stackName: stackName ?? id, template: templateSchema.parse(read(templateFile)) });
    } else if (type === 'cdk:asset-manifest' && file !== undefined) {
      for (const { source, destinations } of Object.values(assetsSchema.parse(read(file)).files)) {
        for (const { objectKey } of Object.values(destinations)) {
          if (source.path !== undefined) assets.set(objectKey, join(directory, source.path));
        }
      }
    } else if (type === 'cdk:cloud-assembly' && directoryName !== undefined) {
      collect(join(directory, directoryName), stacks, assets);
    }
  }
}

/** One resource with its place, for reading its properties. */
interface Placed {
  readonly stackName: string;
  readonly logicalId: string;
  readonly resource: TemplateResource;
}

class Assembly {
  private readonly resolver: Resolver;
  private readonly placed: readonly Placed[];

  constructor(
    stacks: readonly StackTemplate[],
    private readonly assets: ReadonlyMap<string, string>,
  ) {
    this.placed = stacks.flatMap(({ stackName, template }) =>
      Object.entries(template.Resources).map(([logicalId, resource]) => ({ stackName, logicalId, resource })),
    );
    this.resolver = new Resolver({
      region: REGION,
      account: ACCOUNT,
      stacks,
      identify: (stackName, logicalId, resource) => this.identify({ stackName, logicalId, resource }),
    });
  }

  resources(): DeployedResources {
    const known = new Set<string>();
    const all = <T>(type: string, read: (placed: Placed) => T): T[] => {
      known.add(type);
      return this.placed.filter(({ resource }) => resource.Type === type).map(read);
    };
    const tables = all('AWS::Glue::Table', (placed) => this.table(placed));
    const asynchronous = new Map(all('AWS::Lambda::EventInvokeConfig', (placed) => this.eventInvoke(placed)));
    const resources: DeployedResources = {
      region: REGION,
      account: ACCOUNT,
      buckets: all('AWS::S3::Bucket', (placed): BucketResource => ({ name: this.ref(placed) })),
      databases: all('AWS::Glue::Database', (placed): DatabaseResource => {
        const name = this.ref(placed);
        return {
          name,
          tables: tables.filter(({ database }) => database === name).map(({ table }) => table),
        };
      }),
      workgroups: all('AWS::Athena::WorkGroup', (placed) => this.workgroup(placed)),
      secrets: all('AWS::SecretsManager::Secret', (placed): SecretResource => {
        const { ref } = this.identity(placed);
        return { name: ref.replace(/^.*:secret:/, '').replace(/-[A-Za-z0-9]{6}$/, ''), arn: ref };
      }),
      functions: all('AWS::Lambda::Function', (placed) => this.function(placed, asynchronous)),
      stateMachines: all('AWS::StepFunctions::StateMachine', (placed) => this.stateMachine(placed)),
      schedules: all('AWS::Scheduler::Schedule', (placed) => this.schedule(placed)).flat(),
      rules: all('AWS::Events::Rule', (placed) => this.rule(placed)).flat(),
      topics: all('AWS::SNS::Topic', (placed): TopicResource => {
        const { ref, attributes } = this.identity(placed);
        return { name: attributes.TopicName ?? ref, arn: ref };
      }),
      queues: all('AWS::SQS::Queue', (placed): QueueResource => {
        const { ref, attributes } = this.identity(placed);
        return { name: attributes.QueueName ?? ref, arn: attributes.Arn ?? ref };
      }),
    };
    for (const { stackName, logicalId, resource } of this.placed) {
      if (!known.has(resource.Type) && !WITHOUT_EFFECT.some((type) => type.test(resource.Type))) {
        throw new UnresolvedTemplate(
          `Stack ${stackName}: resource ${logicalId} has the type ${resource.Type}, which is not known here`,
        );
      }
    }
    return resources;
  }

  private identity(placed: Placed): ResourceIdentity {
    const identity = this.identify(placed);
    if (identity === undefined) throw new UnresolvedTemplate(`${placed.logicalId} has no name here`);
    return identity;
  }

  private ref(placed: Placed): string {
    return this.identity(placed).ref;
  }

  /** Names as CloudFormation would give them: the one that the template asks for, or one from the logical id. */
  private identify({ stackName, logicalId, resource }: Placed): ResourceIdentity | undefined {
    const arn = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
    const named = (property: string, generated = `${stackName}-${logicalId}`): string => {
      const value = resource.Properties[property];
      return value === undefined
        ? generated
        : this.resolver.text(stackName, value, `${logicalId}.${property}`);
    };
    const withArn = (name: string, service: string, rest: string): ResourceIdentity => ({
      ref: name,
      attributes: { Arn: arn(service, rest) },
    });
    switch (resource.Type) {
      case 'AWS::S3::Bucket': {
        const name = named('BucketName', bucketName(stackName, logicalId));
        return {
          ref: name,
          attributes: {
            Arn: `arn:aws:s3:::${name}`,
            DomainName: `${name}.s3.amazonaws.com`,
            RegionalDomainName: `${name}.s3.${REGION}.amazonaws.com`,
          },
        };
      }
      case 'AWS::Lambda::Function': {
        const name = named('FunctionName');
        return withArn(name, 'lambda', `function:${name}`);
      }
      case 'AWS::StepFunctions::StateMachine': {
        const name = named('StateMachineName');
        const ref = arn('states', `stateMachine:${name}`);
        return { ref, attributes: { Arn: ref, Name: name } };
      }
      case 'AWS::SQS::Queue': {
        const name = named('QueueName');
        return {
          ref: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`,
          attributes: { Arn: arn('sqs', name), QueueName: name },
        };
      }
      case 'AWS::SNS::Topic': {
        const name = named('TopicName');
        return { ref: arn('sns', name), attributes: { TopicArn: arn('sns', name), TopicName: name } };
      }
      case 'AWS::SecretsManager::Secret': {
        // AWS appends six characters to a secret's ARN.
        const ref = arn('secretsmanager', `secret:${named('Name')}-a1B2c3`);
        return { ref, attributes: { Id: ref } };
      }
      case 'AWS::Glue::Database': {
        const input = this.resolver.resolve(
          stackName,
          resource.Properties.DatabaseInput,
          `${logicalId}.DatabaseInput`,
        );
        return { ref: z.object({ Name: z.string() }).parse(input).Name, attributes: {} };
      }
      case 'AWS::Athena::WorkGroup':
        return { ref: named('Name'), attributes: {} };
      case 'AWS::Scheduler::Schedule':
        return withArn(named('Name'), 'scheduler', `schedule/default/${named('Name')}`);
      case 'AWS::Events::Rule':
        return withArn(named('Name'), 'events', `rule/${named('Name')}`);
      case 'AWS::IAM::Role': {
        const name = named('RoleName');
        return { ref: name, attributes: { Arn: `arn:aws:iam::${ACCOUNT}:role/${name}` } };
      }
      case 'AWS::Logs::LogGroup': {
        const name = named('LogGroupName');
        return withArn(name, 'logs', `log-group:${name}:*`);
      }
      case 'AWS::KMS::Key':
        return withArn(logicalId, 'kms', `key/${logicalId}`);
      default:
        return undefined;
    }
  }

  /** Properties with intrinsics resolved, in the shape that the schema wants. */
  private properties<T extends z.ZodType>(placed: Placed, schema: T): z.infer<T> {
    const { stackName, logicalId, resource } = placed;
    const wanted = Object.keys(schema instanceof z.ZodObject ? schema.shape : resource.Properties);
    const properties = Object.fromEntries(
      Object.entries(resource.Properties)
        // What is not looked at may hold references that only AWS can resolve, such as roles.
        .filter(([name]) => wanted.includes(name))
        .map(([name, value]) => [name, this.resolver.resolve(stackName, value, `${logicalId}.${name}`)]),
    );
    const parsed = schema.safeParse(properties);
    if (!parsed.success) {
      const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
      throw new UnresolvedTemplate(`Stack ${stackName}, ${logicalId} (${resource.Type}): ${reason}`);
    }
    return parsed.data;
  }

  private table(placed: Placed): { database: string; table: GlueTable } {
    const { DatabaseName, TableInput } = this.properties(placed, tableProperties);
    const { StorageDescriptor: storage } = TableInput;
    const serde = storage?.SerdeInfo?.SerializationLibrary;
    const columns = (list: z.infer<typeof glueColumns>): { name: string; type: string }[] =>
      list.map(({ Name, Type }) => ({ name: Name, type: Type }));
    return {
      database: DatabaseName,
      table: {
        name: TableInput.Name,
        type: TableInput.TableType,
        columns: columns(storage?.Columns ?? []),
        partitionKeys: columns(TableInput.PartitionKeys),
        parameters: TableInput.Parameters,
        ...(storage?.Location === undefined ? {} : { location: storage.Location }),
        ...(serde === undefined ? {} : { serde }),
        ...(TableInput.ViewOriginalText === undefined
          ? {}
          : { viewOriginalText: TableInput.ViewOriginalText }),
      },
    };
  }

  private workgroup(placed: Placed): WorkgroupResource {
    const { WorkGroupConfiguration: configuration } = this.properties(placed, workgroupProperties);
    const cutoff = configuration.BytesScannedCutoffPerQuery;
    return {
      name: this.ref(placed),
      enforceConfiguration: configuration.EnforceWorkGroupConfiguration,
      outputLocation: configuration.ResultConfiguration.OutputLocation,
      ...(cutoff === undefined ? {} : { bytesScannedCutoff: cutoff }),
    };
  }

  private function(
    placed: Placed,
    asynchronous: ReadonlyMap<string, FunctionResource['asynchronous']>,
  ): FunctionResource {
    const { Code, Environment, Handler, MemorySize, Timeout } = this.properties(placed, functionProperties);
    const { ref: name, attributes } = this.identity(placed);
    const assetDirectory = this.assets.get(Code.S3Key);
    if (assetDirectory === undefined) {
      throw new UnresolvedTemplate(`Function ${name}: the assembly has no asset ${Code.S3Key}`);
    }
    return {
      name,
      arn: attributes.Arn ?? name,
      handler: Handler,
      assetDirectory,
      environment: Environment.Variables,
      memoryMegabytes: MemorySize,
      timeoutSeconds: Timeout,
      // Lambda's own defaults, for a function without an event invoke configuration.
      asynchronous: asynchronous.get(name) ?? { maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600 },
    };
  }

  private eventInvoke(placed: Placed): [string, FunctionResource['asynchronous']] {
    const properties = this.properties(placed, eventInvokeProperties);
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

  private stateMachine(placed: Placed): StateMachineResource {
    const { DefinitionString } = this.properties(placed, stateMachineProperties);
    const { ref, attributes } = this.identity(placed);
    const definition: unknown = JSON.parse(DefinitionString);
    return { name: attributes.Name ?? ref, arn: ref, definition };
  }

  private schedule(placed: Placed): ScheduleResource[] {
    const properties = this.properties(placed, scheduleProperties);
    if (properties.State === 'DISABLED') return [];
    const { Target } = properties;
    return [
      {
        name: this.ref(placed),
        expression: properties.ScheduleExpression,
        targetArn: Target.Arn,
        input: Target.Input,
        maximumEventAgeSeconds: Target.RetryPolicy.MaximumEventAgeInSeconds,
        maximumRetryAttempts: Target.RetryPolicy.MaximumRetryAttempts,
        ...(Target.DeadLetterConfig === undefined ? {} : { deadLetterArn: Target.DeadLetterConfig.Arn }),
      },
    ];
  }

  private rule(placed: Placed): RuleResource[] {
    const properties = this.properties(placed, ruleProperties);
    if (properties.State === 'DISABLED') return [];
    if (properties.ScheduleExpression !== undefined) {
      const reason = 'scheduled rules are not known here; use EventBridge Scheduler';
      throw new UnresolvedTemplate(`Rule ${this.ref(placed)}: ${reason}`);
    }
    return [
      {
        name: this.ref(placed),
        busName: properties.EventBusName.replace(/^arn:.*:event-bus\//, ''),
        pattern: properties.EventPattern,
        targets: properties.Targets.map(({ Arn, Input, InputPath }) => ({
          arn: Arn,
          ...(Input === undefined ? {} : { input: Input }),
          ...(InputPath === undefined ? {} : { inputPath: InputPath }),
        })),
      },
    ];
  }
}

const glueColumns = z.array(z.looseObject({ Name: z.string(), Type: z.string() })).default([]);
const tableProperties = z.object({
  DatabaseName: z.string(),
  TableInput: z.looseObject({
    Name: z.string(),
    TableType: z.enum(['EXTERNAL_TABLE', 'VIRTUAL_VIEW']),
    PartitionKeys: glueColumns,
    Parameters: z
      .record(z.string(), z.union([z.string(), z.boolean(), z.number()]).transform(String))
      .default({}),
    ViewOriginalText: z.string().optional(),
    StorageDescriptor: z
      .looseObject({
        Columns: glueColumns,
        Location: z.string().optional(),
        SerdeInfo: z.looseObject({ SerializationLibrary: z.string().optional() }).optional(),
      })
      .optional(),
  }),
});
const workgroupProperties = z.object({
  WorkGroupConfiguration: z.looseObject({
    EnforceWorkGroupConfiguration: z.boolean().default(true),
    BytesScannedCutoffPerQuery: z.number().optional(),
    ResultConfiguration: z.looseObject({ OutputLocation: z.string() }),
  }),
});
const functionProperties = z.object({
  Code: z.looseObject({ S3Key: z.string() }),
  Handler: z.string(),
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
const stateMachineProperties = z.object({ DefinitionString: z.string() });
const scheduleProperties = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.enum(['UTC', 'Etc/UTC']).optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Target: z.looseObject({
    Arn: z.string(),
    Input: z.string().default('{}'),
    // Scheduler's own defaults.
    RetryPolicy: z
      .object({
        MaximumEventAgeInSeconds: z.number().default(86_400),
        MaximumRetryAttempts: z.number().default(185),
      })
      .prefault({}),
    DeadLetterConfig: z.object({ Arn: z.string() }).optional(),
  }),
});
const ruleProperties = z.object({
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  EventBusName: z.string().default('default'),
  EventPattern: z.unknown().optional(),
  ScheduleExpression: z.string().optional(),
  Targets: z
    .array(
      z.looseObject({
        Arn: z.string(),
        Input: z.string().optional(),
        InputPath: z.string().optional(),
        // A transformed input is a text template with rules of its own; the state machine can do as much.
        InputTransformer: z.never().optional(),
      }),
    )
    .default([]),
});

/** `garoa-prod-data-lake` and `RawB6E8A5F1` make `garoa-prod-data-lake-raw`; the hash of the logical id is noise. */
function bucketName(stackName: string, logicalId: string): string {
  const words = logicalId
    .replace(/[0-9A-F]{8}$/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();
  return `${stackName.toLowerCase()}-${words}`.slice(0, 63).replace(/-$/, '');
}
