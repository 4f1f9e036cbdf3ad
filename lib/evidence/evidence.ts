import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../hourly/hourly';
import { resourceName } from '../names';
import { roleWith } from '../permissions';
import { GaroaStateMachine } from '../state-machine';
import { evidenceDefinition } from './definition';

export interface EvidenceProps {
  readonly stage: string;
  readonly retraining: sfn.IStateMachine;
  readonly everyDays: number;
  readonly deadLetterQueue: sqs.IQueue;
  readonly logRetention: logs.RetentionDays;
}

/** Listens for `SkillBelowPersistence` of its own stage and retrains, once in a period. */
export class Evidence extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: EvidenceProps) {
    super(scope, id);
    const name = resourceName(props.stage, 'retrain-on-evidence');
    this.stateMachine = new GaroaStateMachine(this, 'Evidence', {
      name,
      description: 'Retrains when forecasts have become worse than persistence',
      definition: evidenceDefinition({
        retrainingArn: props.retraining.stateMachineArn,
        everyDays: props.everyDays,
      }),
      logRetention: props.logRetention,
      grants: [{ actions: ['states:StartExecution'], resources: [props.retraining.stateMachineArn] }],
    }).stateMachine;

    new events.Rule(this, 'Rule', {
      ruleName: name,
      description: 'Skill below persistence: retrain',
      eventPattern: {
        source: [EVENT_SOURCE],
        detailType: ['SkillBelowPersistence'],
        detail: { stage: [props.stage] },
      },
      targets: [
        new targets.SfnStateMachine(this.stateMachine, {
          role: roleWith(this, 'RuleRole', {
            description: `Starts ${name}`,
            principal: new iam.ServicePrincipal('events.amazonaws.com'),
            grants: [{ actions: ['states:StartExecution'], resources: [this.stateMachine.stateMachineArn] }],
          }),
          deadLetterQueue: props.deadLetterQueue,
          maxEventAge: Duration.hours(2),
          retryAttempts: 5,
        }),
      ],
    });
  }
}
