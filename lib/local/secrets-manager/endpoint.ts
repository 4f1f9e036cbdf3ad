import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { SecretResource } from '../assembly/resources';
import { jsonService, ServiceError } from '../wire/json-protocol';
import type { Service } from '../wire/service-server';

const getInput = z.object({
  SecretId: z.string(),
  VersionId: z.string().optional(),
  VersionStage: z.string().optional(),
});
const putInput = z.object({
  SecretId: z.string(),
  SecretString: z.string(),
  ClientRequestToken: z.string().optional(),
});

interface SecretVersion {
  readonly id: string;
  readonly value: string;
  readonly created: Date;
}

export interface SecretsManager extends Service {
  /**
   * Gives a secret a new current value; the one before becomes AWSPREVIOUS.
   * @throws ServiceError when no secret has that name or ARN.
   */
  setSecret(id: string, value: string): void;
}

/**
 * Secrets of the deployed application, in memory: text values with their current and previous version. A secret
 * without a value answers as one that was created empty. No rotation, no deletion, no policies.
 */
export function secretsManager(options: {
  readonly secrets: readonly SecretResource[];
  /** Text by secret name or ARN. */
  readonly values: Readonly<Record<string, string>>;
  readonly now: () => Date;
}): SecretsManager {
  const versions = new Map<string, SecretVersion[]>();

  function find(id: string): SecretResource {
    const secret = options.secrets.find((one) => one.name === id || one.arn === id);
    if (secret === undefined) {
      throw new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    return secret;
  }

  function put(secret: SecretResource, value: string, id: string = randomUUID()): SecretVersion {
    const made = { id, value, created: options.now() };
    versions.set(secret.arn, [made, ...(versions.get(secret.arn) ?? [])]);
    return made;
  }

  for (const secret of options.secrets) {
    const value = options.values[secret.name] ?? options.values[secret.arn];
    if (value !== undefined) {
      put(secret, value);
    }
  }

  const service = jsonService({
    name: 'secretsmanager',
    subject: (input) => z.object({ SecretId: z.string() }).catch({ SecretId: '' }).parse(input).SecretId,
    throttleError: 'ThrottlingException',
    serverError: 'InternalServiceError',
    operations: {
      GetSecretValue(input, caller) {
        const wanted = getInput.parse(input);
        const secret = find(wanted.SecretId);
        caller.require('secretsmanager:GetSecretValue', secret.arn);
        const kept = versions.get(secret.arn) ?? [];
        const stage = wanted.VersionStage ?? 'AWSCURRENT';
        const version =
          wanted.VersionId === undefined
            ? kept[['AWSCURRENT', 'AWSPREVIOUS'].indexOf(stage)]
            : kept.find((one) => one.id === wanted.VersionId);
        if (version === undefined) {
          throw new ServiceError(
            'ResourceNotFoundException',
            wanted.VersionId === undefined
              ? `Secrets Manager can't find the specified secret value for staging label: ${stage}`
              : `Secrets Manager can't find the specified secret value for VersionId: ${wanted.VersionId}`,
          );
        }
        return {
          ARN: secret.arn,
          Name: secret.name,
          VersionId: version.id,
          SecretString: version.value,
          VersionStages: stagesOf(kept.indexOf(version)),
          CreatedDate: version.created.getTime() / 1000,
        };
      },
      PutSecretValue(input, caller) {
        const { SecretId, SecretString, ClientRequestToken } = putInput.parse(input);
        const secret = find(SecretId);
        caller.require('secretsmanager:PutSecretValue', secret.arn);
        const present = versions.get(secret.arn)?.find((one) => one.id === ClientRequestToken);
        if (present !== undefined && present.value !== SecretString) {
          throw new ServiceError(
            'ResourceExistsException',
            "You can't use ClientRequestToken because that value is already in use for a version.",
          );
        }
        const version = present ?? put(secret, SecretString, ClientRequestToken);
        return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: ['AWSCURRENT'] };
      },
      DescribeSecret(input, caller) {
        const secret = find(getInput.parse(input).SecretId);
        caller.require('secretsmanager:DescribeSecret', secret.arn);
        const kept = versions.get(secret.arn) ?? [];
        return {
          ARN: secret.arn,
          Name: secret.name,
          VersionIdsToStages: Object.fromEntries(
            kept.slice(0, 2).map((one, index) => [one.id, stagesOf(index)]),
          ),
          ...(kept[0] === undefined ? {} : { LastChangedDate: kept[0].created.getTime() / 1000 }),
        };
      },
    },
  });
  return { ...service, setSecret: (id, value) => void put(find(id), value) };
}

function stagesOf(index: number): readonly string[] {
  return [['AWSCURRENT'], ['AWSPREVIOUS']][index] ?? [];
}
