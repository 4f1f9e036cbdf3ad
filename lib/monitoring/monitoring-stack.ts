import { Annotations, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Alarm, CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { GaroaConfig } from '../config';
import { applicationName, resourceName } from '../names';
import { ALARMS } from './alarms';
import { dashboard } from './dashboard';
import type { Monitored } from './metrics';
import { LOG_QUERIES } from './queries';
import { mailText } from './runbook';

export interface MonitoringStackProps extends StackProps {
  readonly config: GaroaConfig;
  readonly parts: Monitored;
}

/** The alarms, the topic that carries them to whoever subscribes, and the questions to the logs. */
export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, { config, parts, ...props }: MonitoringStackProps) {
    super(scope, id, props);
    const { stage, alarmEmail } = config;
    const topic = this.topic(stage);
    if (alarmEmail === undefined) {
      Annotations.of(this).addWarningV2(
        'garoa:no-alarm-email',
        `No garoa.alarmEmail is set: alarms will ring and reach nobody who has not subscribed to the topic ${resourceName(stage, 'alarms')}.`,
      );
    } else {
      topic.addSubscription(new EmailSubscription(alarmEmail));
    }

    const alarms = ALARMS.map((definition) => {
      const { name, watch } = definition;
      const { onWallClock, ...watched } = watch(config, parts);
      const made = new Alarm(this, name, {
        ...watched,
        alarmName: resourceName(stage, name),
        alarmDescription: mailText(definition, applicationName(stage)),
      });
      const action = new SnsAction(topic);
      made.addAlarmAction(action);
      made.addOkAction(action);
      const { defaultChild } = made.node;
      if (onWallClock && defaultChild instanceof CfnAlarm) {
        defaultChild.evaluationWindow = { wallClockWindow: { timezone: 'UTC' } };
      }
      return made;
    });
    for (const { name, of, query } of LOG_QUERIES) {
      new CfnQueryDefinition(this, name, {
        name: `${applicationName(stage)}/${name}`,
        queryString: query,
        logGroupNames: [parts[of].function.logGroup.logGroupName],
      });
    }
    if (config.dashboard) dashboard(this, stage, parts, alarms);
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
