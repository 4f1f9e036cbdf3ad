import { Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EventStart } from '../../constructs/event-start';
import { GaroaStateMachine } from '../../constructs/state-machine';
import { resourceName } from '../../names';
import { backfillDefinition, DAY_MAP_LABEL } from './definition';

export interface BackfillProps {
  readonly stage: string;
  readonly ingestFunction: lambda.IFunction;
  readonly hourlyFunction: lambda.IFunction;
  readonly daysAtOnce: number;
  readonly locationCount: number;
  readonly firstDay: string;
  readonly settledAfterHours: number;
  /** Takes events that could not be delivered. */
  readonly deadLetterQueue: sqs.IQueue;
  readonly logRetention: logs.RetentionDays;
}

/** The state machine `garoa-<stage>-backfill`: a person starts it, or the event that tells of gaps. */
export class Backfill extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: BackfillProps) {
    super(scope, id);
    const { ingestFunction, hourlyFunction } = props;
    this.stateMachine = new GaroaStateMachine(this, 'Backfill', {
      name: resourceName(props.stage, 'backfill'),
      description: "Fetches the provider's history of a range of days and recomputes its hours",
      definition: backfillDefinition({
        ingestFunctionArn: ingestFunction.functionArn,
        hourlyFunctionArn: hourlyFunction.functionArn,
        daysAtOnce: props.daysAtOnce,
        locationCount: props.locationCount,
        firstDay: props.firstDay,
        settledAfterHours: props.settledAfterHours,
        partition: Stack.of(this).partition,
      }),
      distributedMapLabel: DAY_MAP_LABEL,
      logRetention: props.logRetention,
      grants: [
        {
          actions: ['lambda:InvokeFunction'],
          resources: [ingestFunction.functionArn, hourlyFunction.functionArn],
        },
      ],
    }).stateMachine;

    new EventStart(this, 'GapsFound', {
      stage: props.stage,
      detailType: 'GapsFound',
      stateMachine: this.stateMachine,
      input: events.RuleTargetInput.fromEventPath('$.detail'),
      deadLetterQueue: props.deadLetterQueue,
    });
  }
}
