import { type Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Construct } from 'constructs';
import type { GaroaFunction } from './garoa-function';
import { roleWith } from './permissions';

/** One schedule of a function. */
export interface FunctionScheduleProps {
  readonly name: string;
  readonly description: string;
  /** Expression of EventBridge Scheduler; always UTC. */
  readonly expression: string;
  /** Goes into the event beside `scheduledTime`. */
  readonly input?: Readonly<Record<string, string | number>>;
  /** How long a delivery that failed is worth repeating, and how often. */
  readonly maxEventAge: Duration;
  readonly retryAttempts: number;
}

/** The schedules of one function, with the one role that may invoke it; what can't be delivered goes to its queue. */
export class FunctionSchedules extends Construct {
  constructor(
    scope: Construct,
    id: string,
    target: GaroaFunction,
    schedules: readonly FunctionScheduleProps[],
  ) {
    super(scope, id);
    const role = schedulerRole(this, [
      { actions: ['lambda:InvokeFunction'], resources: [target.function.functionArn] },
      { actions: ['sqs:SendMessage'], resources: [target.failures.queueArn] },
    ]);
    for (const { name, description, expression, input, maxEventAge, retryAttempts } of schedules) {
      new scheduler.Schedule(this, name, {
        scheduleName: name,
        description,
        schedule: scheduler.ScheduleExpression.expression(expression),
        target: new LambdaInvoke(target.function, {
          role,
          deadLetterQueue: target.failures,
          maxEventAge,
          retryAttempts,
          input: scheduler.ScheduleTargetInput.fromObject({
            scheduledTime: scheduler.ContextAttribute.scheduledTime,
            ...input,
          }),
        }),
      });
    }
  }
}

/** A role that EventBridge Scheduler takes on for schedules of this account only. */
function schedulerRole(scope: Construct, grants: Parameters<typeof roleWith>[2]['grants']): iam.IRole {
  const stack = Stack.of(scope);
  return roleWith(scope, 'Role', {
    description: 'Delivers the events of schedules',
    principal: new iam.ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: {
          'aws:SourceAccount': stack.account,
          'aws:SourceArn': stack.formatArn({
            service: 'scheduler',
            resource: 'schedule-group',
            resourceName: 'default',
          }),
        },
      },
    }),
    grants,
  });
}
