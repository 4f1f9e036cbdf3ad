import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as destinations from 'aws-cdk-lib/aws-lambda-destinations';
import { type BundlingOptions, LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { SETTINGS_FILE, type Settings } from '../../lambdas/settings';
import { applicationName, resourceName } from '../names';
import { projectRoot } from '../project-root';
import { deadLetterQueue } from './dead-letter-queue';
import { type Grant, roleWith } from './permissions';
import { UNREACHABLE_MODULES } from './unreachable-modules';

export interface GaroaFunctionProps {
  /** Also the folder under lambdas/ that holds `handler.ts`. */
  readonly name: 'ingest' | 'hourly' | 'retrain';
  readonly description: string;
  readonly settings: Settings;
  readonly memoryMegabytes: number;
  readonly timeout: Duration;
  readonly logRetention: logs.RetentionDays;
  /** Resource names, under the names of `lambdas/runtime/env.ts`. */
  readonly environment: Readonly<Record<string, string>>;
  /** All that the function may do besides writing its own log. */
  readonly grants: readonly Grant[];
  /** What Lambda does with an event that nobody waits for when the function fails on it. */
  readonly asynchronous: { readonly retryAttempts: number; readonly maxEventAge: Duration };
  /** Files to lie beside the bundle under their own names, such as WebAssembly modules; paths from the project's root. */
  readonly files?: readonly string[];
}

/**
 * A function as every Garoa function is: bundled with the SDK and its settings, arm64, a role that holds
 * nothing but what is listed, a log that expires, and a queue where lost events can be looked at.
 *
 * No concurrency is reserved: a reservation would fail in accounts that still have the initial limit of 10,
 * and none is needed, since schedules, Map states and idempotent keys bound and tolerate overlap.
 */
export class GaroaFunction extends Construct {
  readonly function: lambda.Function;
  /** Events that were given up: not delivered by a schedule, or failed as often as they were retried. */
  readonly failures: sqs.Queue;

  constructor(scope: Construct, id: string, props: GaroaFunctionProps) {
    super(scope, id);
    const functionName = resourceName(props.settings.stage, props.name);

    this.failures = deadLetterQueue(this, 'Failures', `${functionName}-failures`);

    const logGroup = new logs.LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: props.logRetention,
      // Logs explain the running system; what must outlive it is in the lake.
      removalPolicy: RemovalPolicy.DESTROY,
    });

    const role = roleWith(this, 'Role', {
      description: `What ${functionName} may do`,
      principal: new iam.ServicePrincipal('lambda.amazonaws.com'),
      grants: [
        {
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [logGroup.logGroupArn],
          wildcard: 'Streams of its own log group: Lambda makes up their names.',
        },
        { actions: ['sqs:SendMessage'], resources: [this.failures.queueArn] },
        ...props.grants,
      ],
    });

    this.function = bundled(props, (bundling) => {
      const made = new NodejsFunction(this, 'Function', {
        functionName,
        description: props.description,
        entry: join(projectRoot, 'lambdas', props.name, 'handler.ts'),
        handler: 'handler',
        runtime: lambda.Runtime.NODEJS_24_X,
        architecture: lambda.Architecture.ARM_64,
        memorySize: props.memoryMegabytes,
        timeout: props.timeout,
        role,
        logGroup,
        environment: {
          ...props.environment,
          // Tells the metrics and logs of two stages apart.
          POWERTOOLS_SERVICE_NAME: applicationName(props.settings.stage),
        },
        // Only Node runtimes with version 2 of the SDK looked at this variable.
        awsSdkConnectionReuse: false,
        projectRoot,
        depsLockFilePath: join(projectRoot, 'package-lock.json'),
        bundling,
      });
      made.configureAsyncInvoke({
        retryAttempts: props.asynchronous.retryAttempts,
        maxEventAge: props.asynchronous.maxEventAge,
        onFailure: new destinations.SqsDestination(this.failures),
      });
      return made;
    });
  }
}

/**
 * Bundling happens while the construct is made, so the settings file that it copies need not live longer.
 * The asset's hash is that of the bundle: equal input, equal hash, wherever the file lay.
 */
function bundled<T>({ settings, files = [] }: GaroaFunctionProps, make: (bundling: BundlingOptions) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'garoa-'));
  try {
    const settingsFile = join(directory, SETTINGS_FILE);
    writeFileSync(settingsFile, JSON.stringify(settings));
    const copied = [settingsFile, ...files.map((file) => join(projectRoot, file))];
    return make({
      format: OutputFormat.CJS,
      target: 'node24',
      minify: true,
      logLevel: LogLevel.WARNING,
      // Without it the ESM builds of the SDK, a fifth smaller, are passed over.
      mainFields: ['module', 'main'],
      bundleAwsSDK: true,
      externalModules: UNREACHABLE_MODULES,
      // Browsers have it; Emscripten's loader would warn at every start that a file can't be streamed.
      define: { 'WebAssembly.instantiateStreaming': 'undefined' },
      commandHooks: {
        beforeInstall: () => [],
        beforeBundling: () => [],
        // Copied here and not by a command: a shell would read dollars and quotes in paths. The hook is also asked for
        // the commands of a container, whose directory is none of this machine.
        afterBundling: (_inputDirectory, outputDirectory) => {
          if (existsSync(outputDirectory)) {
            for (const file of copied) copyFileSync(file, join(outputDirectory, basename(file)));
          }
          return [];
        },
      },
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
