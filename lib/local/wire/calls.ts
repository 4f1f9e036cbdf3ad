/** One request that a client's SDK, mostly a function's, sent to an emulated service. */
export interface AwsCall {
  /** `s3`, `athena`, `secretsmanager`, `events`, `lambda`, `states`. */
  readonly service: string;
  /** The API's name of the operation, such as `CopyObject` or `StartQueryExecution`. */
  readonly operation: string;
  /** Which function sent it: each worker's clients carry the function's name in their user agent id; others `unknown`. */
  readonly caller: string;
  /** `bucket/key`, query text or other subject of the call, for matching and for logs. */
  readonly subject: string;
  /** 1 for the first try of a request. */
  readonly attempt: number;
  /** How many tries its client makes before it gives up; 1 for a client that says nothing of tries. */
  readonly attempts: number;
}

/** What a fault plan may do with a call; `after` faults are carried out once the service has done its work. */
export type Fault =
  | { readonly kind: 'throttle' }
  | { readonly kind: 'serverError' }
  | { readonly kind: 'latency'; readonly milliseconds: number }
  /** The connection breaks before the service has heard of the call. */
  | { readonly kind: 'reset' }
  /** The reply comes in two parts with a pause between them. */
  | { readonly kind: 'slowBody'; readonly milliseconds: number }
  /** The work is done, and the reply says something else: a query failed, an entry was refused. */
  | { readonly kind: 'otherReply'; readonly body: (body: string) => string }
  /** The work is done and the reply is lost: the client sees a broken connection. */
  | { readonly kind: 'lostReply' }
  /** The calling function dies on the spot, before or after the service did its work; `by` a kill unless said. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after'; readonly by?: Death };

/** How an environment ends under its function. */
export type Death = 'kill' | 'timeLimit';

/** Asked for every call, in order; tests and the `--faults` option provide it. */
export type FaultPlan = (call: AwsCall) => Fault | undefined;
