import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAssembly } from '../../../../lib/local/assembly/assembly';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

/** An assembly as the CDK writes it: one stack with one asset. */
function assembly(resources: object): string {
  const directory = mkdtempSync(join(tmpdir(), 'garoa-assembly-'));
  directories.push(directory);
  const write = (name: string, content: object): void =>
    writeFileSync(join(directory, name), JSON.stringify(content));
  write('manifest.json', {
    artifacts: {
      s: { type: 'aws:cloudformation:stack', properties: { templateFile: 's.json', stackName: 'app' } },
      'app.assets': { type: 'cdk:asset-manifest', properties: { file: 'app.assets.json' } },
      Tree: { type: 'cdk:tree', properties: { file: 'tree.json' } },
    },
  });
  write('s.json', { Resources: resources });
  write('app.assets.json', {
    files: {
      h: { source: { path: 'asset.h' }, destinations: { d: { objectKey: 'h.zip', bucketName: 'b' } } },
    },
  });
  mkdirSync(join(directory, 'asset.h'));
  return directory;
}

const ROLE = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      },
    },
  },
};
const ROLE_ARN = 'arn:aws:iam::123456789012:role/app-Role';

const FUNCTION = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: { 'Fn::Sub': `cdk-\${AWS::AccountId}` }, S3Key: 'h.zip' },
    Handler: 'index.handler',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Environment: { Variables: { RAW: { Ref: 'RawData1A2B3C4D' } } },
  },
};

describe('readAssembly', () => {
  it('reads a function with its bundle, its variables and the defaults of Lambda', () => {
    const directory = assembly({ Fn: FUNCTION, Role: ROLE, RawData1A2B3C4D: { Type: 'AWS::S3::Bucket' } });
    const { functions, buckets } = readAssembly(directory);
    expect(buckets).toEqual([{ name: 'app-raw-data' }]);
    expect(functions).toEqual([
      {
        name: 'app-Fn',
        arn: 'arn:aws:lambda:us-east-1:123456789012:function:app-Fn',
        roleArn: ROLE_ARN,
        logGroup: '/aws/lambda/app-Fn',
        handler: 'index.handler',
        assetDirectory: join(directory, 'asset.h'),
        environment: { RAW: 'app-raw-data' },
        memoryMegabytes: 128,
        timeoutSeconds: 3,
        asynchronous: { maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600 },
      },
    ]);
  });

  it('reads how asynchronous invocations are retried, schedules, rules and state machines', () => {
    const arn = { 'Fn::GetAtt': ['Fn', 'Arn'] };
    const { functions, schedules, rules, stateMachines, queues } = readAssembly(
      assembly({
        Fn: { ...FUNCTION, Properties: { ...FUNCTION.Properties, Environment: undefined } },
        Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } },
        Invoke: {
          Type: 'AWS::Lambda::EventInvokeConfig',
          Properties: {
            FunctionName: { Ref: 'Fn' },
            Qualifier: '$LATEST',
            MaximumRetryAttempts: 0,
            DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Dead', 'Arn'] } } },
          },
        },
        Every: {
          Type: 'AWS::Scheduler::Schedule',
          Properties: {
            Name: 'every',
            ScheduleExpression: 'rate(1 minute)',
            Target: { Arn: arn, RoleArn: ROLE_ARN, RetryPolicy: { MaximumRetryAttempts: 2 } },
          },
        },
        Off: {
          Type: 'AWS::Scheduler::Schedule',
          Properties: {
            ScheduleExpression: 'rate(1 minute)',
            State: 'DISABLED',
            Target: { Arn: arn, RoleArn: ROLE_ARN },
          },
        },
        Rule: {
          Type: 'AWS::Events::Rule',
          Properties: {
            EventPattern: { source: ['garoa'] },
            Targets: [{ Id: 't', Arn: arn, InputPath: '$.detail' }],
          },
        },
        Machine: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: {
            StateMachineName: 'm',
            RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
            DefinitionString: { 'Fn::Join': ['', ['{"StartAt":"', 'A', '"}']] },
          },
        },
        Role: ROLE,
      }),
    );
    const deadArn = 'arn:aws:sqs:us-east-1:123456789012:dead';
    const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:app-Fn';
    expect(queues).toEqual([{ name: 'dead', arn: deadArn }]);
    expect(functions[0]?.asynchronous).toEqual({
      maximumRetryAttempts: 0,
      maximumEventAgeSeconds: 21_600,
      onFailureArn: deadArn,
    });
    expect(schedules).toEqual([
      {
        name: 'every',
        arn: 'arn:aws:scheduler:us-east-1:123456789012:schedule/default/every',
        roleArn: ROLE_ARN,
        expression: 'rate(1 minute)',
        targetArn: functionArn,
        input: '{}',
        maximumEventAgeSeconds: 86_400,
        maximumRetryAttempts: 2,
      },
    ]);
    expect(rules).toEqual([
      {
        name: 'app-Rule',
        arn: 'arn:aws:events:us-east-1:123456789012:rule/app-Rule',
        busName: 'default',
        pattern: { source: ['garoa'] },
        targets: [{ arn: functionArn, inputPath: '$.detail' }],
      },
    ]);
    expect(stateMachines).toMatchObject([{ name: 'm', roleArn: ROLE_ARN, definition: { StartAt: 'A' } }]);
  });

  it('reads tables with their columns, partitions, serialization and views', () => {
    const { databases } = readAssembly(
      assembly({
        Db: { Type: 'AWS::Glue::Database', Properties: { DatabaseInput: { Name: 'garoa' } } },
        Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'lake' } },
        Table: {
          Type: 'AWS::Glue::Table',
          Properties: {
            DatabaseName: { Ref: 'Db' },
            TableInput: {
              Name: 'hours',
              TableType: 'EXTERNAL_TABLE',
              PartitionKeys: [{ Name: 'dt', Type: 'string' }],
              Parameters: { 'projection.enabled': true },
              StorageDescriptor: {
                Columns: [{ Name: 'a', Type: 'double', Comment: 'a' }],
                Location: { 'Fn::Join': ['', ['s3://', { Ref: 'Bucket' }, '/hours/']] },
                SerdeInfo: { SerializationLibrary: 'parquet' },
              },
            },
          },
        },
        View: {
          Type: 'AWS::Glue::Table',
          Properties: {
            DatabaseName: 'garoa',
            TableInput: { Name: 'v', TableType: 'VIRTUAL_VIEW', ViewOriginalText: '/* Presto View: e30= */' },
          },
        },
      }),
    );
    expect(databases).toEqual([
      {
        name: 'garoa',
        tables: [
          {
            name: 'hours',
            type: 'EXTERNAL_TABLE',
            columns: [{ name: 'a', type: 'double' }],
            partitionKeys: [{ name: 'dt', type: 'string' }],
            location: 's3://lake/hours/',
            serde: 'parquet',
            parameters: { 'projection.enabled': 'true' },
          },
          {
            name: 'v',
            type: 'VIRTUAL_VIEW',
            columns: [],
            partitionKeys: [],
            parameters: {},
            viewOriginalText: '/* Presto View: e30= */',
          },
        ],
      },
    ]);
  });

  it.each<[string, object, string]>([
    [
      'a type of resource',
      { Vm: { Type: 'AWS::EC2::Instance' } },
      'resource Vm has the type AWS::EC2::Instance',
    ],
    [
      'a property',
      { Fn: { ...FUNCTION, Properties: { ...FUNCTION.Properties, Layers: ['l'], VpcConfig: {} } } },
      'Fn (AWS::Lambda::Function) has Layers, VpcConfig, which is not known here',
    ],
    [
      'a window in which a schedule may fire',
      {
        S: {
          Type: 'AWS::Scheduler::Schedule',
          Properties: {
            ScheduleExpression: 'rate(1 day)',
            FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 },
            Target: { Arn: 'a', RoleArn: 'r' },
          },
        },
      },
      'FlexibleTimeWindow',
    ],
    [
      'an asset',
      {
        Fn: {
          ...FUNCTION,
          Properties: {
            ...FUNCTION.Properties,
            Code: { S3Key: 'other.zip' },
            Role: ROLE_ARN,
            Environment: undefined,
          },
        },
      },
      'no asset other.zip',
    ],
    [
      'a scheduled rule',
      { Rule: { Type: 'AWS::Events::Rule', Properties: { ScheduleExpression: 'rate(1 day)' } } },
      'scheduled rules are not known here',
    ],
    [
      'a time zone',
      {
        S: {
          Type: 'AWS::Scheduler::Schedule',
          Properties: {
            ScheduleExpression: 'rate(1 day)',
            ScheduleExpressionTimezone: 'America/Sao_Paulo',
            Target: { Arn: 'a', RoleArn: 'r' },
          },
        },
      },
      'ScheduleExpressionTimezone',
    ],
  ])('refuses %s that it does not know', (_, resources, reason) => {
    expect(() => readAssembly(assembly(resources))).toThrow(reason);
  });
});
