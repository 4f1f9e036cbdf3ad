import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Upkeep } from '../../../../lib/pipeline/upkeep/upkeep';
import { aLocation } from '../../../lambdas/pages/content';

/** The policies of a machine that looks after so many places. */
function policiesFor(places: number): string {
  const stack = new Stack(new App(), 'Stack');
  new Upkeep(stack, 'Upkeep', {
    stage: 'test',
    locations: Array.from({ length: places }, (_, i) => aLocation({ id: `place-${i}` })),
    hourlyFunction: lambda.Function.fromFunctionArn(
      stack,
      'Hourly',
      'arn:aws:lambda:us-east-1:123456789012:function:hourly',
    ),
    hourlyMinute: 5,
    deadLetterQueue: new sqs.Queue(stack, 'Queue'),
    logRetention: logs.RetentionDays.ONE_MONTH,
  });
  const roles = Template.fromStack(stack).findResources('AWS::IAM::Role', {
    Properties: {
      AssumeRolePolicyDocument: { Statement: [{ Principal: { Service: 'states.amazonaws.com' } }] },
    },
  });
  return JSON.stringify(roles);
}

it('only a machine whose pages are made in parts may start and stop executions of its own', () => {
  expect(policiesFor(1_000)).not.toContain('states:');
  const parted = policiesFor(1_001);
  for (const action of ['StartExecution', 'DescribeExecution', 'StopExecution', 'RedriveExecution']) {
    expect(parted).toContain(`states:${action}`);
  }
  expect(parted).toContain('garoa-test-upkeep/Pages:*');
});
