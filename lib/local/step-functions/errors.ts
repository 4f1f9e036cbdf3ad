import type { Catcher, Retrier } from './definition';

/** An error by name, as states see it: what a Retry or Catch matches and what an execution ends with. */
export class StatesError extends Error {
  constructor(
    /** `States.Timeout`, `Lambda.Unknown`, or the name of the error that a function threw. */
    readonly error: string,
    readonly reason: string,
  ) {
    super(`${error}: ${reason}`);
  }

  override readonly name = 'StatesError';

  get output(): { Error: string; Cause: string } {
    return { Error: this.error, Cause: this.reason };
  }
}

/** Names that the wildcards do not reach: the execution ends unless they are named. */
const TERMINAL = ['States.DataLimitExceeded', 'States.Runtime'];

/** Whether a retrier or catcher answers for the error, by the wildcard rules of the States Language. */
export function handles(handler: Pick<Retrier | Catcher, 'ErrorEquals'>, error: string): boolean {
  return handler.ErrorEquals.some((name) => {
    if (name === error) return true;
    if (TERMINAL.includes(error)) return false;
    if (name === 'States.ALL') return true;
    return name === 'States.TaskFailed' && error !== 'States.Timeout';
  });
}

/** Largest JSON that may enter or leave a state, in bytes of UTF-8. */
const PAYLOAD_LIMIT = 262_144;

/** @throws StatesError States.DataLimitExceeded when the value is larger than a state may carry. */
export function withinLimit(value: unknown, what: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes > PAYLOAD_LIMIT) {
    const reason = `${what} has ${bytes} bytes; a state may carry ${PAYLOAD_LIMIT}.`;
    throw new StatesError('States.DataLimitExceeded', reason);
  }
}

/** Whatever is thrown that no state names is the interpreter's own failure, as `States.Runtime` is in AWS. */
export function asStatesError(error: unknown): StatesError {
  if (error instanceof StatesError) return error;
  return new StatesError(
    'States.Runtime',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}
