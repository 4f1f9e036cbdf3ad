import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import {
  DEFINITION,
  EVENTS_QUEUE,
  FAILURES_QUEUE,
  FUNCTION_CODE,
  PATTERN,
  REMOTE_NAME,
} from '../../lib/local/remote-parts';

/**
 * A CDK application of its own: a function, a machine, a rule and two queues for the local cloud's tests that ask an
 * account instead. The README beside says how to deploy it. The assembly goes to the folder that is named, or where the
 * CDK command line wants it.
 */
const [, , outdir] = process.argv;
const app = new App(outdir === undefined ? {} : { outdir });
const stack = new Stack(app, 'Remote', { stackName: REMOTE_NAME });

const queue = (id: string, queueName: string) =>
  new sqs.Queue(stack, id, { queueName, removalPolicy: RemovalPolicy.DESTROY });

const fn = new lambda.Function(stack, 'Function', {
  functionName: REMOTE_NAME,
  runtime: lambda.Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: lambda.Code.fromInline(FUNCTION_CODE),
  timeout: Duration.seconds(10),
  retryAttempts: 0,
  onFailure: new SqsDestination(queue('Failures', FAILURES_QUEUE)),
  logGroup: new logs.LogGroup(stack, 'Log', { removalPolicy: RemovalPolicy.DESTROY }),
});

const machine = new sfn.StateMachine(stack, 'Machine', {
  stateMachineName: REMOTE_NAME,
  definitionBody: sfn.DefinitionBody.fromString(JSON.stringify(DEFINITION)),
});
fn.grantInvoke(machine);

new events.Rule(stack, 'Rule', {
  ruleName: REMOTE_NAME,
  eventPattern: { source: PATTERN.source, detailType: PATTERN['detail-type'], detail: PATTERN.detail },
  targets: [new targets.SqsQueue(queue('Events', EVENTS_QUEUE))],
});

app.synth();
