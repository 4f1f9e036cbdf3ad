import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Refusal } from '../../terminal/refusal';
import { command } from '../command';
import { apiKeySecretOf } from '../deployment';
import { readSecret } from '../secret-input';

/** The key was not set; the message says why, and holds no part of it. */
class KeyRefused extends Refusal {
  override readonly name = 'KeyRefused';
}

const LONGEST_KEY = 1_000;

export const setKey = command({
  name: 'set-key',
  summary: "set the weather provider's API key",
  details: `Asks for the key without showing it, or reads it from standard input:

  npm run garoa -- set-key < key.txt

It goes to Secrets Manager and nowhere else.`,
  operands: [],
  options: {},
  secretive: true,
  prepare() {
    return async ({ access, terminal }) => {
      const secret = await apiKeySecretOf(access);
      if (secret === undefined) {
        throw new KeyRefused('The deployed provider takes no key, so there is none to set.');
      }
      const key = checked(await readSecret(terminal, `API key for ${secret} (not shown): `));
      try {
        await access.secrets.send(new PutSecretValueCommand({ SecretId: secret, SecretString: key }));
      } catch (error) {
        throw withoutKey(error, key);
      }
      const known = access.hasConsole
        ? 'Functions take it at once when the provider rejects the one before, and within an hour in any case.'
        : 'The local cloud forgets it now: its weather API takes a key of its own.';
      return { text: `The key is set in ${secret}. ${known}`, data: { secret } };
    };
  },
});

/** @throws KeyRefused for what can't be a key. */
function checked(text: string): string {
  const key = text.trim();
  if (key === '') throw new KeyRefused('No key was given; the one before stays.');
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > LONGEST_KEY) {
    throw new KeyRefused(
      'That is no key (blanks, line breaks, other characters, or too long); the one before stays.',
    );
  }
  return key;
}

/** What a service says of a value may quote it. */
function withoutKey(error: unknown, key: string): unknown {
  if (!(error instanceof Error) || !error.message.includes(key)) return error;
  return new KeyRefused(`The key was not set: ${error.name}.`);
}
