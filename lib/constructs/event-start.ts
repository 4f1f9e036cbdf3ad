import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../../lambdas/hourly/events';
import { resourceName } from '../names';
import { roleWith } from './permissions';

export interface EventStartProps {
  readonly stage: string;
  /** One of the events that the hourly function puts on the bus. */
  readonly detailType: 'SkillBelowPersistence' | 'GapsFound';
  readonly stateMachine: sfn.IStateMachine;
  /** The execution's input; the whole event when absent. */
  readonly input?: events.RuleTargetInput;
  readonly deadLetterQueue: sqs.IQueue;
}

/** Starts a state machine when an event of the same stage comes. */
export class EventStart extends Construct {
  constructor(scope: Construct, id: string, props: EventStartProps) {
    super(scope, id);
    const { stage, detailType, stateMachine, input, deadLetterQueue } = props;
    new events.Rule(this, 'Rule', {
      ruleName: resourceName(stage, detailType),
      eventPattern: { source: [EVENT_SOURCE], detailType: [detailType], detail: { stage: [stage] } },
      targets: [
        new targets.SfnStateMachine(stateMachine, {
          role: roleWith(this, 'Role', {
            description: `Starts an execution on ${detailType}`,
            principal: new iam.ServicePrincipal('events.amazonaws.com'),
            grants: [{ actions: ['states:StartExecution'], resources: [stateMachine.stateMachineArn] }],
          }),
          ...(input !== undefined && { input }),
          deadLetterQueue,
          maxEventAge: Duration.hours(2),
          retryAttempts: 5,
        }),
      ],
    });
  }
}
