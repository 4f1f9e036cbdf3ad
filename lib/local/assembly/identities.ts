import * as z from 'zod';
import type { Resolver, ResourceIdentity, TemplateResource } from './intrinsics';

/** One resource with its place, for reading its properties. */
export interface Placed {
  readonly stackName: string;
  readonly logicalId: string;
  readonly resource: TemplateResource;
}

/**
 * Names and ARNs as CloudFormation would give them: the name that the template asks for, or one from the logical id.
 * Undefined for a type that nothing refers to here.
 */
export function identify(
  { stackName, logicalId, resource }: Placed,
  resolver: Resolver,
  { region, account }: { readonly region: string; readonly account: string },
): ResourceIdentity | undefined {
  const arn = (service: string, rest: string): string => `arn:aws:${service}:${region}:${account}:${rest}`;
  const named = (property: string, generated = `${stackName}-${logicalId}`): string => {
    const value = resource.Properties[property];
    return value === undefined ? generated : resolver.text(stackName, value, `${logicalId}.${property}`);
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
          RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
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
        ref: `https://sqs.${region}.amazonaws.com/${account}/${name}`,
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
      const input = resolver.resolve(
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
      return { ref: name, attributes: { Arn: `arn:aws:iam::${account}:role/${name}` } };
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

/** `app-data-lake` and `RawB6E8A5F1` make `app-data-lake-raw`; the hash of the logical id is noise. */
function bucketName(stackName: string, logicalId: string): string {
  const words = logicalId
    .replace(/[0-9A-F]{8}$/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();
  return `${stackName.toLowerCase()}-${words}`.slice(0, 63).replace(/-$/, '');
}
