import { Duration, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { onObjects } from '../../constructs/permissions';
import { GaroaStateMachine } from '../../constructs/state-machine';
import { resourceName } from '../../names';
import type { Concurrency } from '../concurrency';
import { LOCATION_MAP_LABEL, retrainingDefinition } from './definition';

export interface RetrainingProps {
  readonly stage: string;
  readonly retrainFunction: lambda.IFunction;
  /** Name of the bucket that holds the objects of a run. */
  readonly queryResultsBucket: string;
  /** Schedule expression, such as `cron(0 3 ? * SUN *)`; UTC. */
  readonly schedule: string;
  readonly locationCount: number;
  readonly concurrency: Pick<Concurrency, 'placesAtOnce' | 'batchesAtOnce'>;
  /** Takes the weekly start when it could not be delivered. */
  readonly deadLetterQueue: sqs.IQueue;
  readonly logRetention: logs.RetentionDays;
}

/**
 * The state machine `garoa-<stage>-retrain` and its weekly schedule. What starts it on evidence of lost skill
 * belongs to the stack; the machine takes `{"locations", "reason"}` from that.
 */
export class Retraining extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: RetrainingProps) {
    super(scope, id);
    const { retrainFunction, queryResultsBucket, locationCount } = props;
    const name = resourceName(props.stage, 'retrain');

    this.stateMachine = new GaroaStateMachine(this, 'Retraining', {
      name,
      description: 'Makes a challenger for each location, and promotes what earns it',
      definition: retrainingDefinition({
        functionArn: retrainFunction.functionArn,
        queryResultsBucket,
        locationCount,
        concurrency: props.concurrency,
        partition: Stack.of(this).partition,
      }),
      logRetention: props.logRetention,
      grants: [
        { actions: ['lambda:InvokeFunction'], resources: [retrainFunction.functionArn] },
        // A Distributed Map reads its items itself.
        onObjects(this, queryResultsBucket, 'retrain/*', ['s3:GetObject']),
      ],
      distributedMapLabel: LOCATION_MAP_LABEL,
    }).stateMachine;

    new scheduler.Schedule(this, 'Schedule', {
      scheduleName: name,
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
