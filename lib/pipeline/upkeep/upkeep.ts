import { Duration, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { partsOfPlaces } from '../../../lambdas/pages/parts-of-places';
import type { Location } from '../../../lambdas/weather/location';
import { GaroaStateMachine } from '../../constructs/state-machine';
import { resourceName } from '../../names';
import { PAGES_MAP_LABEL, upkeepDefinition } from './definition';

export interface UpkeepProps {
  readonly locations: readonly Location[];
  readonly stage: string;
  readonly hourlyFunction: lambda.IFunction;
  /** Minute at which hours are closed; upkeep follows the day's first of these runs. */
  readonly hourlyMinute: number;
  /** Takes a start that could not be delivered. */
  readonly deadLetterQueue: sqs.IQueue;
  readonly logRetention: logs.RetentionDays;
}

/** Minutes between the day's first hourly run and upkeep: longer than such a run may take. */
const AFTER_HOURLY_MINUTES = 20;

/** The state machine `garoa-<stage>-upkeep` and its daily schedule. */
export class Upkeep extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: UpkeepProps) {
    super(scope, id);
    const { hourlyFunction } = props;
    const parts = Math.max(1, partsOfPlaces(props.locations).length);
    const name = resourceName(props.stage, 'upkeep');
    this.stateMachine = new GaroaStateMachine(this, 'Upkeep', {
      name,
      description:
        'Looks after the lake: settles truth, finds gaps, joins and sweeps objects, judges champions',
      definition: upkeepDefinition({
        functionArn: hourlyFunction.functionArn,
        partition: Stack.of(this).partition,
        parts,
      }),
      logRetention: props.logRetention,
      ...(parts > 1 && { distributedMapLabel: PAGES_MAP_LABEL }),
      grants: [{ actions: ['lambda:InvokeFunction'], resources: [hourlyFunction.functionArn] }],
    }).stateMachine;

    new scheduler.Schedule(this, 'Schedule', {
      scheduleName: name,
      description: 'Looks after the lake',
      schedule: scheduler.ScheduleExpression.expression(
        `cron(${props.hourlyMinute + AFTER_HOURLY_MINUTES} 0 * * ? *)`,
      ),
      target: new StepFunctionsStartExecution(this.stateMachine, {
        input: scheduler.ScheduleTargetInput.fromObject({
          upkeep: true,
          scheduledTime: scheduler.ContextAttribute.scheduledTime,
        }),
        deadLetterQueue: props.deadLetterQueue,
        maxEventAge: Duration.hours(6),
        retryAttempts: 10,
      }),
    });
  }
}
