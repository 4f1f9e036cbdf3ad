import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { NOW, SECRET, startTestCloud, type TestCloud } from '../support';

let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud();
});
afterAll(() => cloud.close());

const read = (SecretId: string, VersionStage?: string) =>
  cloud.secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }));

it('knows a secret without a value, and one that nobody made', async () => {
  await expect(read('api-key')).rejects.toThrow(
    "can't find the specified secret value for staging label: AWSCURRENT",
  );
  await expect(read('nobodys')).rejects.toThrow(ResourceNotFoundException);
});

it('gives the value by name and by ARN, and the one before', async () => {
  cloud.endpoints.setSecret('api-key', 'first');
  await cloud.secrets.send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: 'second' }));
  expect(await read('api-key')).toMatchObject({
    ARN: SECRET,
    Name: 'api-key',
    SecretString: 'second',
    VersionStages: ['AWSCURRENT'],
    CreatedDate: NOW,
  });
  expect((await read(SECRET, 'AWSPREVIOUS')).SecretString).toBe('first');
  const described = await cloud.secrets.send(new DescribeSecretCommand({ SecretId: 'api-key' }));
  expect(Object.values(described.VersionIdsToStages ?? {}).flat()).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
});

it('takes a retried value once', async () => {
  const put = (SecretString: string) =>
    cloud.secrets.send(
      new PutSecretValueCommand({
        SecretId: 'api-key',
        SecretString,
        ClientRequestToken: 'token-of-at-least-thirty-two-characters',
      }),
    );
  await put('same');
  await put('same');
  expect((await read('api-key', 'AWSPREVIOUS')).SecretString).toBe('second');
  await expect(put('other')).rejects.toThrow('already in use');
});
