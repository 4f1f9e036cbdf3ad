import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { Bucket } from '../../lambdas/lake/s3';
import { Env } from '../../lambdas/runtime/env';
import { applicationName, resourceName } from '../names';
import { Refusal } from '../terminal/refusal';
import type { Access } from './access';

type FunctionName = 'ingest' | 'hourly' | 'retrain';
export type MachineName = 'backfill' | 'retrain';

/** Where the parts of a stage are. */
export interface Deployment {
  readonly name: string;
  readonly region: string;
  readonly raw: Bucket;
  readonly processed: Bucket;
  readonly models: Bucket;
  readonly queryResults: Bucket;
  machineArn(machine: MachineName): string;
  /** Page of an execution in the AWS console; undefined for the local cloud. */
  consoleLink(executionArn: string): string | undefined;
}

/** The stage is not there, or not as this code knows it; the message says what to do. */
export class NotDeployed extends Refusal {
  override readonly name = 'NotDeployed';
}

/** A function answered with an error; the message is the function's own. */
export class FunctionFailed extends Refusal {
  override readonly name = 'FunctionFailed';

  constructor(
    readonly errorType: string,
    message: string,
  ) {
    super(message);
  }
}

const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/**
 * Finds a stage by its hourly function. Function and machine names follow from the stage; CloudFormation made up the
 * names of the buckets, which the function has in its environment.
 * @throws NotDeployed
 */
export async function findDeployment(access: Access): Promise<Deployment> {
  const { arn, environment } = await configurationOf(access, 'hourly');
  const [, partition, , region, account] = arn.split(':');
  if (partition === undefined || region === undefined || account === undefined) {
    throw new Error(`Lambda gave an ARN without region and account: ${arn}`);
  }
  const bucket = (variable: string): Bucket => {
    const name = environment[variable];
    if (name === undefined) throw new NotDeployed(otherVersion(access, `it has no ${variable}`));
    return { client: access.s3, name };
  };
  return {
    name: applicationName(access.stage),
    region,
    raw: bucket(Env.rawBucket),
    processed: bucket(Env.processedBucket),
    models: bucket(Env.modelsBucket),
    queryResults: bucket(Env.queryResultsBucket),
    machineArn: (machine) =>
      `arn:${partition}:states:${region}:${account}:stateMachine:${resourceName(access.stage, machine)}`,
    consoleLink: (executionArn) =>
      access.hasConsole
        ? `https://${region}.${CONSOLES[partition] ?? CONSOLES.aws}/states/home?region=${region}#/v2/executions/details/${executionArn}`
        : undefined,
  };
}

/** Id of the secret that holds the provider's key; undefined when the deployed provider needs none. */
export async function apiKeySecretOf(access: Access): Promise<string | undefined> {
  return (await configurationOf(access, 'ingest')).environment[Env.apiKeySecret];
}

/** A model file of another schema has a complaint for each of its fields. */
const LONGEST_MESSAGE = 600;

const failure = z.object({ errorType: z.string().default('Error'), errorMessage: z.string() });

/**
 * Invokes a function and waits for its answer.
 * @throws FunctionFailed with the function's own words.
 */
export async function invoke(access: Access, name: FunctionName, event: object): Promise<unknown> {
  const FunctionName = resourceName(access.stage, name);
  const { Payload, FunctionError } = await access.lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  const answer: unknown = JSON.parse(Payload?.transformToString() || 'null');
  if (FunctionError === undefined) return answer;
  const { errorType, errorMessage } = failure.parse(answer);
  throw new FunctionFailed(
    errorType,
    errorMessage.length > LONGEST_MESSAGE ? `${errorMessage.slice(0, LONGEST_MESSAGE)}…` : errorMessage,
  );
}

/** The functions run another version of the code than this command line. */
export function otherVersion({ stage, hasConsole }: Access, sign: string): string {
  const remedy = hasConsole ? 'deploy again with npx cdk deploy --all' : 'make a new run with npm start';
  return `${applicationName(stage)} was deployed from another version of this code (${sign}): ${remedy}.`;
}

async function configurationOf(
  access: Access,
  name: FunctionName,
): Promise<{ readonly arn: string; readonly environment: Readonly<Record<string, string>> }> {
  const { lambda, stage } = access;
  try {
    const found = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: resourceName(stage, name) }),
    );
    return { arn: found.FunctionArn ?? '', environment: found.Environment?.Variables ?? {} };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    const region = await lambda.config.region();
    throw new NotDeployed(
      `There is no ${applicationName(stage)} in ${region}: deploy it with npx cdk deploy --all, or name another --stage, --region or --profile.`,
    );
  }
}
