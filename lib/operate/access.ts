import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';

/** All that the commands reach: one stage, in AWS or in the local cloud. */
export interface Access {
  readonly stage: string;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  readonly sfn: SFNClient;
  /** Undefined where queues can't be asked: the local cloud keeps none. */
  readonly sqs: SQSClient | undefined;
  readonly now: () => Date;
  /** Lets time pass between two looks at an execution. */
  readonly pause: () => Promise<void>;
  /** Whether time is virtual: orders then carry it, since the functions' own clock shows another. */
  readonly isVirtual: boolean;
  /** Whether the AWS console shows what goes on. */
  readonly hasConsole: boolean;
}

/** Where a client of one service goes; what is absent is found as the SDK always does. */
export interface ClientConfiguration {
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export type ServiceId = 'LAMBDA' | 'S3' | 'SECRETS_MANAGER' | 'SFN';

/** One client for each service; nothing is sent yet. */
export function clientsFor(
  configuration: (service: ServiceId) => ClientConfiguration,
): Pick<Access, 'lambda' | 's3' | 'secrets' | 'sfn'> {
  return {
    lambda: new LambdaClient(configuration('LAMBDA')),
    s3: new S3Client(configuration('S3')),
    secrets: new SecretsManagerClient(configuration('SECRETS_MANAGER')),
    sfn: new SFNClient(configuration('SFN')),
  };
}

/** How often a running execution is looked at, in milliseconds. */
const LOOK_EVERY_MS = 3_000;

/** The deployed system, with the credentials of whoever sits at the command line. */
export function accessToAws(stage: string, configuration: ClientConfiguration): Access {
  return {
    stage,
    ...clientsFor(() => configuration),
    sqs: new SQSClient(configuration),
    now: () => new Date(),
    pause: () => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS)),
    isVirtual: false,
    hasConsole: true,
  };
}
