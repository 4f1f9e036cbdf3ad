/**
 * No execution of the account was free. Waits up to an hour, half of it on average, since others may use the account
 * too. Each attempt is three events of an execution's history: with 500 batches that are all throttled to the end,
 * which is the most that the configuration allows, a place's history stays under the 25,000 that an execution may have.
 */
const THROTTLING_RETRY = {
  ErrorEquals: ['Lambda.TooManyRequestsException'],
  IntervalSeconds: 2,
  MaxAttempts: 12,
  BackoffRate: 2,
  MaxDelaySeconds: 600,
  JitterStrategy: 'FULL',
} as const;

/**
 * A call that never reached the function, or that Lambda itself failed on: what AWS advises for every task that
 * invokes one. The machines' definitions share it; what else they repeat depends on what they call.
 */
const SERVICE_RETRY = {
  ErrorEquals: [
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
  ],
  IntervalSeconds: 2,
  MaxAttempts: 6,
  BackoffRate: 2,
  MaxDelaySeconds: 60,
  JitterStrategy: 'FULL',
} as const;

export const LAMBDA_RETRIES = [THROTTLING_RETRY, SERVICE_RETRY] as const;
