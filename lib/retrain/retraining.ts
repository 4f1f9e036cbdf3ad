import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { INLINE_LOCATIONS } from '../../lambdas/retrain/steps';
import { LOCATION_MAP_LABEL, retrainingDefinition } from './definition';

export interface RetrainingProps {
  readonly stage: string;
  readonly retrainFunction: lambda.IFunction;
  readonly queryResultsBucket: s3.IBucket;
  /** Schedule expression, such as `cron(0 3 ? * SUN *)`; UTC. */
  readonly schedule: string;
  readonly locationCount: number;
  /** Takes the weekly start when it could not be delivered. */
  readonly deadLetterQueue: sqs.IQueue;
}

/**
 * The retraining state machine `garoa-<stage>-retrain` and its schedule. The rule that starts it on evidence
 * of lost skill belongs to the stack, which knows the bus; the machine takes `{"locations", "reason"}` from it.
 */
export class Retraining extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: RetrainingProps) {
    super(scope, id);

    const { stage, retrainFunction, queryResultsBucket, locationCount } = props;

    const stateMachineName = `garoa-${stage}-retrain`;

    this.stateMachine = new sfn.StateMachine(this, 'StateMachine', {
      stateMachineName,
      comment: 'Retrains the rain forecast of each location',
      definitionBody: sfn.DefinitionBody.fromString(
        Stack.of(this).toJsonString(
          retrainingDefinition({
            functionArn: retrainFunction.functionArn,
            queryResultsBucket: queryResultsBucket.bucketName,
            locationCount,
          }),
        ),
      ),
      tracingEnabled: true,
      logs: {
        destination: new logs.LogGroup(this, 'Log', {
          // Step Functions needs this prefix: its log policies are limited in size, and one rule covers all of it.
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: logs.RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: sfn.LogLevel.ERROR,
      },
    });
    // Step Functions invokes the function by its plain ARN: no version or alias is needed.
    this.stateMachine.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [retrainFunction.functionArn],
      }),
    );

    if (locationCount > INLINE_LOCATIONS) {
      // A Distributed Map reads its items itself, and runs its children as executions of its own machine. The
      // ARNs are spelled from the name, since a policy that refers to the machine would make the two depend on
      // each other in a circle.
      const stack = Stack.of(this);
      const arn = (resource: 'stateMachine' | 'execution', resourceName: string): string =>
        stack.formatArn({
          service: 'states',
          resource,
          resourceName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        });
      queryResultsBucket.grantRead(this.stateMachine, 'retrain/*');
      this.stateMachine.addToRolePolicy(
        new iam.PolicyStatement({
          actions: ['states:StartExecution'],
          resources: [arn('stateMachine', stateMachineName)],
        }),
      );
      this.stateMachine.addToRolePolicy(
        new iam.PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
          resources: [
            arn('execution', `${stateMachineName}:*`),
            arn('execution', `${stateMachineName}/${LOCATION_MAP_LABEL}:*`),
          ],
        }),
      );
    }

    new scheduler.Schedule(this, 'Schedule', {
      scheduleName: stateMachineName,
      description: 'Starts the retraining of all locations',
      schedule: scheduler.ScheduleExpression.expression(props.schedule),
      target: new StepFunctionsStartExecution(this.stateMachine, {
        input: scheduler.ScheduleTargetInput.fromObject({
          scheduledTime: scheduler.ContextAttribute.scheduledTime,
        }),
        deadLetterQueue: props.deadLetterQueue,
        maxEventAge: Duration.hours(6),
        retryAttempts: 10,
      }),
    });
  }
}
