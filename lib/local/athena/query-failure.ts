/** A query that Athena ends as FAILED, in Athena's words: `TABLE_NOT_FOUND: line 1:15: Table … does not exist`. */
export class QueryFailure extends Error {
  readonly category: 'system' | 'user';
  readonly retryable: boolean;

  constructor(
    readonly code: string,
    message: string,
    options: { readonly category?: 'system' | 'user'; readonly retryable?: boolean } = {},
  ) {
    super(`${code}: ${message}`);
    this.category = options.category ?? 'user';
    this.retryable = options.retryable ?? false;
  }
}

/** A statement that Athena does not take at all: StartQueryExecution answers InvalidRequestException. */
export class StatementRefused extends Error {}
