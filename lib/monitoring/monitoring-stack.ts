import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Alarm, CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { GaroaConfig } from '../config';
import { resourceName } from '../names';
import { alarmDefinitions } from './alarms';
import { dashboard } from './dashboard';
import type { Monitored } from './metrics';

export interface MonitoringStackProps extends StackProps {
  readonly config: GaroaConfig;
  readonly parts: Monitored;
}

/** The dashboard, the alarms, and the topic that carries them to whoever subscribes. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, { config, parts, ...props }: MonitoringStackProps) {
    super(scope, id, props);
    const { stage, alarmEmail } = config;
    const topic = this.topic(stage);
    if (alarmEmail !== undefined) {
      topic.addSubscription(new EmailSubscription(alarmEmail));
    }

    const alarms = alarmDefinitions(config, parts).map(({ runbook, meaning, byCalendarDay, ...alarm }) => {
      const made = new Alarm(this, runbook, {
        ...alarm,
        alarmName: resourceName(stage, runbook),
        alarmDescription: `${meaning} Runbook: README.md#${runbook}`,
      });
      const action = new SnsAction(topic);
      made.addAlarmAction(action);
      made.addOkAction(action);
      const { defaultChild } = made.node;
      if (byCalendarDay && defaultChild instanceof CfnAlarm) {
        defaultChild.evaluationWindow = { wallClockWindow: { timezone: 'UTC' } };
      }
      return made;
    });
    dashboard(this, stage, parts, alarms);
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn, description: 'Subscribe to it for alarms' });
  }

  /** Alarms say nothing secret, and CloudWatch can't publish to a topic that is encrypted with the key of SNS. */
  private topic(stage: string): sns.Topic {
    const topic = new sns.Topic(this, 'Alarms', {
      topicName: resourceName(stage, 'alarms'),
      displayName: `Garoa ${stage}`,
      enforceSSL: true,
    });
    // A topic with a policy of its own lets nobody publish who is not named in it.
    topic.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    return topic;
  }
}
