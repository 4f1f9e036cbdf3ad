import { Stack } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EventStart } from '../../constructs/event-start';
import { GaroaStateMachine } from '../../constructs/state-machine';
import { resourceName } from '../../names';
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
    this.stateMachine = new GaroaStateMachine(this, 'Evidence', {
      name: resourceName(props.stage, 'retrain-on-evidence'),
      description: 'Retrains when forecasts have become worse than persistence',
      definition: evidenceDefinition({
        retrainingArn: props.retraining.stateMachineArn,
        everyDays: props.everyDays,
        partition: Stack.of(this).partition,
      }),
      logRetention: props.logRetention,
      grants: [{ actions: ['states:StartExecution'], resources: [props.retraining.stateMachineArn] }],
    }).stateMachine;

    new EventStart(this, 'SkillBelowPersistence', {
      stage: props.stage,
      detailType: 'SkillBelowPersistence',
      stateMachine: this.stateMachine,
      deadLetterQueue: props.deadLetterQueue,
    });
  }
}
