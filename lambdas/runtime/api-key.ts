import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/** The provider's key as the run sees it. */
export interface ApiKey {
  /** @throws ApiKeyUnavailable when no key has been set, or none can be read and none is cached. */
  current(): Promise<string>;
  /** Asks Secrets Manager again because the provider rejected `rejected`; returns the same key when there is no newer. */
  renewed(rejected: string): Promise<string>;
  /** The command that sets the key, for error messages. */
  readonly howToSet: string;
}

/** No usable key: the message names the command that sets it and never holds any part of it. */
export class ApiKeyUnavailable extends Error {
  override readonly name = 'ApiKeyUnavailable';
}

/** A key set by hand is in use everywhere within this time even if the provider still accepts the old one. */
const LIFETIME_MS = 60 * 60_000;

/**
 * The key from Secrets Manager, kept for an hour in the warm function: 43,800 runs a month make 730 reads.
 * When Secrets Manager does not answer, a key that has outlived its hour serves on.
 */
export function secretApiKey(
  client: Pick<SecretsManagerClient, 'send'>,
  secretId: string,
  now: () => number = Date.now,
): ApiKey {
  const howToSet = `aws secretsmanager put-secret-value --secret-id ${secretId} --secret-string YOUR_KEY`;
  let cached: { readonly key: string; readonly until: number } | undefined;
  let reading: Promise<string> | undefined;

  const read = async (): Promise<string> => {
    const secret = await secretText(client, secretId);
    const key = secret && keyOf(secret);
    if (!key) throw new ApiKeyUnavailable(`No API key is set in ${secretId}. Set it with: ${howToSet}`);
    cached = { key, until: now() + LIFETIME_MS };
    return key;
  };

  /** However many calls need the key at once, one asks. */
  const readOnce = () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return {
    howToSet,
    async current() {
      if (cached && now() < cached.until) return cached.key;
      try {
        return await readOnce();
      } catch (error) {
        if (cached && !(error instanceof ApiKeyUnavailable)) return cached.key;
        throw error instanceof ApiKeyUnavailable ? error : unreadable(secretId, error);
      }
    },
    async renewed(rejected) {
      if (cached && cached.key !== rejected) return cached.key;
      try {
        return await readOnce();
      } catch (error) {
        throw error instanceof ApiKeyUnavailable ? error : unreadable(secretId, error);
      }
    },
  };
}

async function secretText(
  client: Pick<SecretsManagerClient, 'send'>,
  secretId: string,
): Promise<string | undefined> {
  try {
    return (await client.send(new GetSecretValueCommand({ SecretId: secretId }))).SecretString;
  } catch (error) {
    // A secret that was made and never given a value answers like one that is not there.
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** The console stores what people type as `{"name": "value"}` unless they choose plain text; both are taken. */
function keyOf(secret: string): string | undefined {
  const text = secret.trim();
  if (!text.startsWith('{')) return text;
  try {
    const values: unknown[] = Object.values(JSON.parse(text));
    const [only] = values;
    return values.length === 1 && typeof only === 'string' ? only.trim() : undefined;
  } catch {
    return undefined;
  }
}

/** Says what failed without the underlying error, whose fields are not ours to vouch for. */
function unreadable(secretId: string, error: unknown): ApiKeyUnavailable {
  const cause = error instanceof Error ? error.name : 'unknown error';
  return new ApiKeyUnavailable(`The API key could not be read from Secrets Manager (${secretId}): ${cause}`);
}
