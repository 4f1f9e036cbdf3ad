import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { secretApiKey } from '../../../lambdas/runtime/api-key';

const HOUR = 3_600_000;

describe('the API key', () => {
  const manager = mockClient(SecretsManagerClient);
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  const reads = () => manager.commandCalls(GetSecretValueCommand).length;

  beforeEach(() => manager.reset());

  it('is read once however many calls need it at the same time', async () => {
    manager.on(GetSecretValueCommand).resolves({ SecretString: ' abc123\n' });
    const key = secretApiKey(client, 'garoa/key');
    expect(await Promise.all([key.current(), key.current(), key.current()])).toEqual([
      'abc123',
      'abc123',
      'abc123',
    ]);
    expect(reads()).toBe(1);
  });

  it('is read again after an hour', async () => {
    let now = 0;
    manager.on(GetSecretValueCommand).resolvesOnce({ SecretString: 'old' }).resolves({ SecretString: 'new' });
    const key = secretApiKey(client, 'garoa/key', () => now);
    expect(await key.current()).toBe('old');
    now = HOUR - 1;
    expect(await key.current()).toBe('old');
    now = HOUR;
    expect(await key.current()).toBe('new');
  });

  it('serves on after its hour while Secrets Manager does not answer', async () => {
    let now = 0;
    manager.on(GetSecretValueCommand).resolvesOnce({ SecretString: 'old' }).rejects(new Error('down'));
    const key = secretApiKey(client, 'garoa/key', () => now);
    await key.current();
    now = 2 * HOUR;
    expect(await key.current()).toBe('old');
  });

  it('is taken from what the console makes of a name and a value', async () => {
    manager.on(GetSecretValueCommand).resolves({ SecretString: '{"apiKey":"abc123"}' });
    expect(await secretApiKey(client, 'garoa/key').current()).toBe('abc123');
  });

  it('is renewed by one read, and not at all when another call has renewed it', async () => {
    manager.on(GetSecretValueCommand).resolvesOnce({ SecretString: 'old' }).resolves({ SecretString: 'new' });
    const key = secretApiKey(client, 'garoa/key');
    await key.current();
    expect(await Promise.all([key.renewed('old'), key.renewed('old')])).toEqual(['new', 'new']);
    expect(await key.renewed('old')).toBe('new');
    expect(reads()).toBe(2);
  });

  const howToSet = 'aws secretsmanager put-secret-value --secret-id garoa/key --secret-string YOUR_KEY';

  it.each([
    ['empty', { SecretString: '  ' }],
    ['an object of several values', { SecretString: '{"a":"secret-a","b":"secret-b"}' }],
    ['broken JSON', { SecretString: '{"a":"secret-a"' }],
    ['binary', {}],
  ])('is refused with the command that sets it when the secret is %s', async (_, output) => {
    manager.on(GetSecretValueCommand).resolves(output);
    const failure = await secretApiKey(client, 'garoa/key')
      .current()
      .catch((error: unknown) => error);
    expect(String(failure)).toBe(
      `ApiKeyUnavailable: No API key is set in garoa/key. Set it with: ${howToSet}`,
    );
  });

  it('is refused with the command that sets it when the secret never had a value', async () => {
    const error = new ResourceNotFoundException({ message: "can't find AWSCURRENT", $metadata: {} });
    manager.on(GetSecretValueCommand).rejects(error);
    await expect(secretApiKey(client, 'garoa/key').current()).rejects.toThrow(howToSet);
  });

  it('says what failed when it can’t be read, without the words of the service', async () => {
    manager
      .on(GetSecretValueCommand)
      .rejects(Object.assign(new Error('secret words'), { name: 'AccessDeniedException' }));
    const key = secretApiKey(client, 'garoa/key');
    await expect(key.current()).rejects.toThrow(
      'The API key could not be read from Secrets Manager (garoa/key): AccessDeniedException',
    );
  });
});
