import { readAlarm } from './alarm';
import { readDatabases, readWorkgroup } from './catalogue';
import { type CloudAssembly, readCloudAssembly } from './cloud-assembly';
import { readRule, readSchedule, readStateMachine } from './deliveries';
import { readFunctions } from './functions';
import type { Placed } from './identities';
import { UnresolvedTemplate } from './intrinsics';
import { readResourcePolicies, readRoles } from './permissions';
import { TemplateReader } from './reader';
import type { DeployedResources, QueueResource, SecretResource, TopicResource } from './resources';

const REGION = 'us-east-1';
const ACCOUNT = '123456789012';

/**
 * Resource types that have no part in what runs: logs, dashboards, documentation of the stack.
 * A type that is neither here nor read below is refused, so that a new resource is never silently missing.
 */
const WITHOUT_EFFECT = [
  /^AWS::Logs::/,
  /^AWS::KMS::/,
  /^AWS::CloudWatch::Dashboard$/,
  /^AWS::CDK::Metadata$/,
  /^AWS::SNS::Subscription$/,
  /^AWS::Scheduler::ScheduleGroup$/,
  // The crawler shows what replies look like by now; nothing in the pipeline reads what it finds.
  /^AWS::Glue::(Crawler|SecurityConfiguration)$/,
  /^AWS::Athena::NamedQuery$/,
];

/**
 * Resource types that become part of what runs, with the properties that are read or have no effect here, besides
 * tags and description. A property that is not listed is refused: what it asks for would silently be missing.
 */
const READ: Readonly<Record<string, readonly string[]>> = {
  'AWS::S3::Bucket': [
    'BucketName',
    'BucketEncryption',
    'LifecycleConfiguration',
    'OwnershipControls',
    'PublicAccessBlockConfiguration',
    'VersioningConfiguration',
  ],
  'AWS::Glue::Database': ['CatalogId', 'DatabaseInput'],
  'AWS::Glue::Table': ['CatalogId', 'DatabaseName', 'TableInput'],
  'AWS::Athena::WorkGroup': ['Name', 'RecursiveDeleteOption', 'WorkGroupConfiguration'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::Lambda::Function': [
    'FunctionName',
    'Architectures',
    'Code',
    'Environment',
    'Handler',
    'LoggingConfig',
    'MemorySize',
    'Role',
    'Runtime',
    'Timeout',
  ],
  'AWS::Lambda::EventInvokeConfig': [
    'DestinationConfig',
    'FunctionName',
    'MaximumEventAgeInSeconds',
    'MaximumRetryAttempts',
    'Qualifier',
  ],
  'AWS::StepFunctions::StateMachine': [
    'StateMachineName',
    'DefinitionString',
    'LoggingConfiguration',
    'RoleArn',
    'TracingConfiguration',
  ],
  'AWS::Scheduler::Schedule': [
    'Name',
    'FlexibleTimeWindow',
    'ScheduleExpression',
    'ScheduleExpressionTimezone',
    'State',
    'Target',
  ],
  'AWS::Events::Rule': ['Name', 'EventBusName', 'EventPattern', 'ScheduleExpression', 'State', 'Targets'],
  'AWS::IAM::Role': ['RoleName', 'AssumeRolePolicyDocument', 'Policies'],
  'AWS::IAM::Policy': ['PolicyDocument', 'PolicyName', 'Roles'],
  'AWS::S3::BucketPolicy': ['Bucket', 'PolicyDocument'],
  'AWS::SQS::QueuePolicy': ['PolicyDocument', 'Queues'],
  'AWS::SNS::TopicPolicy': ['PolicyDocument', 'Topics'],
  'AWS::Lambda::Permission': ['Action', 'FunctionName', 'Principal', 'SourceAccount', 'SourceArn'],
  'AWS::SNS::Topic': ['DisplayName', 'TopicName'],
  'AWS::CloudWatch::Alarm': [
    'AlarmActions',
    'AlarmDescription',
    'AlarmName',
    'ComparisonOperator',
    'DatapointsToAlarm',
    'Dimensions',
    'EvaluationPeriods',
    'EvaluationWindow',
    'MetricName',
    'Metrics',
    'Namespace',
    'OKActions',
    'Period',
    'Statistic',
    'Threshold',
    'TreatMissingData',
  ],
  'AWS::SQS::Queue': ['QueueName', 'MessageRetentionPeriod', 'SqsManagedSseEnabled'],
};
const ALWAYS_WITHOUT_EFFECT = ['Description', 'Tags'];

/**
 * Reads what `cdk deploy` would create from a synthesised cloud assembly: templates with every intrinsic
 * resolved, and the directories of the bundled functions.
 *
 * @throws UnresolvedTemplate when a template holds a resource or an intrinsic that is not known here.
 */
export function readAssembly(directory: string): DeployedResources {
  return readResources(templatesOf(readCloudAssembly(directory)));
}

/** Reads single resources of an assembly, names and ARNs as the local cloud gives them. */
export function templatesOf(assembly: CloudAssembly): TemplateReader {
  return new TemplateReader(assembly, { region: REGION, account: ACCOUNT });
}

/** What would be created from templates that are read already. @throws UnresolvedTemplate */
export function readResources(template: TemplateReader): DeployedResources {
  for (const placed of template.placed) requireKnown(placed);
  return {
    region: REGION,
    account: ACCOUNT,
    buckets: template.all('AWS::S3::Bucket').map((placed) => ({ name: template.ref(placed) })),
    databases: readDatabases(template),
    workgroups: template.all('AWS::Athena::WorkGroup').map((placed) => readWorkgroup(template, placed)),
    secrets: template.all('AWS::SecretsManager::Secret').map((placed): SecretResource => {
      const { ref } = template.identity(placed);
      return { name: ref.replace(/^.*:secret:/, '').replace(/-[A-Za-z0-9]{6}$/, ''), arn: ref };
    }),
    functions: readFunctions(template),
    stateMachines: template
      .all('AWS::StepFunctions::StateMachine')
      .map((placed) => readStateMachine(template, placed)),
    schedules: template.all('AWS::Scheduler::Schedule').flatMap((placed) => readSchedule(template, placed)),
    rules: template.all('AWS::Events::Rule').flatMap((placed) => readRule(template, placed)),
    topics: template.all('AWS::SNS::Topic').map((placed): TopicResource => {
      const { ref, attributes } = template.identity(placed);
      return { name: attributes.TopicName ?? ref, arn: ref };
    }),
    queues: template.all('AWS::SQS::Queue').map((placed): QueueResource => {
      const { ref, attributes } = template.identity(placed);
      return { name: attributes.QueueName ?? ref, arn: attributes.Arn ?? ref };
    }),
    roles: readRoles(template),
    resourcePolicies: readResourcePolicies(template),
    alarms: template.all('AWS::CloudWatch::Alarm').map((placed) => readAlarm(template, placed)),
  };
}

function requireKnown({ stackName, logicalId, resource: { Type, Properties } }: Placed): void {
  const known = READ[Type];
  if (known === undefined) {
    if (WITHOUT_EFFECT.some((type) => type.test(Type))) return;
    throw new UnresolvedTemplate(
      `Stack ${stackName}: resource ${logicalId} has the type ${Type}, which is not known here`,
    );
  }
  const unknown = Object.keys(Properties).filter(
    (name) => !known.includes(name) && !ALWAYS_WITHOUT_EFFECT.includes(name),
  );
  if (unknown.length > 0) {
    throw new UnresolvedTemplate(
      `Stack ${stackName}: ${logicalId} (${Type}) has ${unknown.join(', ')}, which is not known here`,
    );
  }
}
