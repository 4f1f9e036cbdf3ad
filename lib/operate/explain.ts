import { errorCode } from '../terminal/error-code';
import { Refusal } from '../terminal/refusal';

const NO_ANSWER = [
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
];
/** Names under which services and sign-in refuse who is asking. */
const REFUSED_CREDENTIALS = [
  'ExpiredToken',
  'ExpiredTokenException',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'MissingAuthenticationTokenException',
  'IncompleteSignature',
];
const SIGN_IN = 'sign in (aws sso login, aws configure), or name a --profile that is';

/**
 * An error as one sentence for whoever sits at the command line. What is none of theirs to mend, a defect of this
 * code, keeps its stack.
 * @param profile that credentials were looked for in, if one was named.
 */
export function explain(error: unknown, profile = process.env.AWS_PROFILE): string {
  if (error instanceof Refusal) return oneLine(error.message);
  if (!(error instanceof Error)) return String(error);
  const { name, message } = error;
  if (message === 'Region is missing') {
    return 'No region is set: give --region, or set AWS_REGION or the region of your profile.';
  }
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    const where = profile === undefined ? '' : ` in the profile ${profile}`;
    return `There are no usable AWS credentials${where} (${oneLine(message)}): ${SIGN_IN}.`;
  }
  if (REFUSED_CREDENTIALS.includes(name)) {
    return `AWS does not accept your credentials (${name}: ${oneLine(message)}): ${SIGN_IN}.`;
  }
  if (NO_ANSWER.includes(errorCode(error) ?? '') || name === 'TimeoutError') {
    return `AWS could not be reached (${oneLine(message) || errorCode(error)}): is the network there, and the region right?`;
  }
  // Errors of services carry the metadata of their reply.
  if ('$metadata' in error) return `AWS answered ${name}: ${oneLine(message)}`;
  if (message.startsWith('Region not accepted')) return oneLine(message);
  return error.stack ?? String(error);
}

/** Reasons of validation come in lines; a sentence has none. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
