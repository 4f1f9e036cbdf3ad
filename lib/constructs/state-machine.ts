import { ArnFormat, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Grant, roleWith } from './permissions';

export interface GaroaStateMachineProps {
  readonly name: string;
  readonly description: string;
  /** Amazon States Language; tokens are welcome. */
  readonly definition: unknown;
  readonly logRetention: logs.RetentionDays;
  /** What its tasks do. */
  readonly grants: readonly Grant[];
  /** Label of the Distributed Map, when there is one: its children are executions of the same machine. */
  readonly distributedMapLabel?: string;
}

/** A Standard state machine with a log, traces, and a role that holds nothing but what is listed. */
export class GaroaStateMachine extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: GaroaStateMachineProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const { name, distributedMapLabel } = props;
    // Spelled from the name: a policy that refers to the machine would make role and machine wait for each other.
    const arn = (resource: 'stateMachine' | 'execution', resourceName: string) =>
      stack.formatArn({
        service: 'states',
        resource,
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });

    const logGroup = new logs.LogGroup(this, 'Log', {
      // Step Functions asks for this prefix: the policy that lets it write is limited in size, and covers it once.
      logGroupName: `/aws/vendedlogs/states/${name}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });

    const role = roleWith(this, 'Role', {
      description: `What ${name} may do`,
      principal: new iam.ServicePrincipal('states.amazonaws.com'),
      grants: [
        ...props.grants,
        ...(distributedMapLabel === undefined
          ? []
          : [
              { actions: ['states:StartExecution'], resources: [arn('stateMachine', name)] },
              {
                actions: ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
                resources: [
                  arn('execution', `${name}:*`),
                  arn('execution', `${name}/${distributedMapLabel}:*`),
                ],
                wildcard: 'Executions of its own: the Distributed Map runs, stops and redrives its children.',
              },
            ]),
        {
          actions: [
            'logs:CreateLogDelivery',
            'logs:GetLogDelivery',
            'logs:UpdateLogDelivery',
            'logs:DeleteLogDelivery',
            'logs:ListLogDeliveries',
            'logs:PutResourcePolicy',
            'logs:DescribeResourcePolicies',
            'logs:DescribeLogGroups',
            'xray:PutTraceSegments',
            'xray:PutTelemetryRecords',
            'xray:GetSamplingRules',
            'xray:GetSamplingTargets',
          ],
          resources: ['*'],
          wildcard: 'Log deliveries and traces have no resources that a policy could name.',
        },
      ],
    });

    this.stateMachine = new sfn.StateMachine(this, 'Machine', {
      stateMachineName: name,
      comment: props.description,
      definitionBody: sfn.DefinitionBody.fromString(stack.toJsonString(props.definition)),
      role,
      tracingEnabled: true,
      logs: { destination: logGroup, level: sfn.LogLevel.ERROR, includeExecutionData: true },
    });
    Validations.of(this.stateMachine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason:
        'Failed events are logged; the steps of Standard executions stay in their history for 90 days, where the console shows them.',
    });
  }
}
