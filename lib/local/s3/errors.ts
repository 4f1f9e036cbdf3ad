import { randomBytes } from 'node:crypto';
import { AccessDenied } from '../iam/access';
import type { ServiceReply, ServiceRequest } from '../wire/service-server';
import { element, escapeXml } from '../wire/xml';
import { IncompleteBody } from './aws-chunked';
import { UnstorableKey } from './object-store';

/** S3 says no: its code, status and what its XML tells besides. */
export class S3Error extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    { Condition: condition },
  );
}

/** What was thrown, as S3 names it. @throws whatever is no refusal: a defect of the emulation. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) {
    return error;
  }
  if (error instanceof AccessDenied) {
    return new S3Error(403, 'AccessDenied', error.message);
  }
  if (error instanceof IncompleteBody) {
    return new S3Error(400, 'IncompleteBody', error.message);
  }
  if (error instanceof UnstorableKey) {
    return new S3Error(400, 'KeyTooLongError', error.message);
  }
  throw error;
}

export function errorReply(request: ServiceRequest, error: S3Error): ServiceReply {
  // A reply to HEAD has no body to name the error in: clients go by the status.
  return request.method === 'HEAD' ? { status: error.status } : errorBody(error);
}

export function errorBody(error: S3Error): ServiceReply {
  const details = Object.entries(error.details).map(([name, value]) => element(name, value));
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${element('Code', error.code)}<Message>${escapeXml(error.message)}</Message>${details.join('')}<RequestId>${randomBytes(8).toString('hex').toUpperCase()}</RequestId></Error>`,
  };
}
