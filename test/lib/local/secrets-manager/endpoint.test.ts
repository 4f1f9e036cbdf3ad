import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { itUnlikeMiniStack, REMOTE } from '../remote';
import { NOW, SECRET, startTestCloud, type TestCloud } from '../support';

const Name = REMOTE === undefined ? 'api-key' : `garoa-test-${Date.now()}`;
let cloud: TestCloud;
let secrets: SecretsManagerClient;
let arn: string = SECRET;

beforeAll(async () => {
  cloud = await startTestCloud();
  secrets = REMOTE === undefined ? cloud.secrets : new SecretsManagerClient({ maxAttempts: 1 });
  if (REMOTE !== undefined) arn = (await secrets.send(new CreateSecretCommand({ Name }))).ARN ?? '';
});
afterAll(async () => {
  if (REMOTE !== undefined) {
    await secrets.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
  }
  await cloud.close();
});

const read = (SecretId: string, VersionStage?: string) =>
  secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }));

it('does not know a secret that nobody made', async () => {
  await expect(read('nobodys')).rejects.toThrow(ResourceNotFoundException);
});

// No version without a value: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
itUnlikeMiniStack('knows a secret without a value', async () => {
  await expect(read(Name)).rejects.toThrow(
    "can't find the specified secret value for staging label: AWSCURRENT",
  );
});

it('gives the value by name and by ARN, and the one before', async () => {
  await secrets.send(new PutSecretValueCommand({ SecretId: Name, SecretString: 'first' }));
  await secrets.send(new PutSecretValueCommand({ SecretId: arn, SecretString: 'second' }));
  expect(await read(Name)).toMatchObject({
    ARN: arn,
    Name,
    SecretString: 'second',
    VersionStages: ['AWSCURRENT'],
    CreatedDate: REMOTE === undefined ? NOW : expect.any(Date),
  });
  expect((await read(arn, 'AWSPREVIOUS')).SecretString).toBe('first');
  const described = await secrets.send(new DescribeSecretCommand({ SecretId: Name }));
  const stages = Object.values(described.VersionIdsToStages ?? {}).flat();
  expect(stages.sort()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
});

// A token's second request is ignored: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
itUnlikeMiniStack('takes a retried value once', async () => {
  const put = (SecretString: string) =>
    secrets.send(
      new PutSecretValueCommand({
        SecretId: Name,
        SecretString,
        ClientRequestToken: 'token-of-at-least-thirty-two-characters',
      }),
    );
  await put('same');
  await put('same');
  expect((await read(Name, 'AWSPREVIOUS')).SecretString).toBe('second');
  await expect(put('other')).rejects.toThrow('already in use');
});
