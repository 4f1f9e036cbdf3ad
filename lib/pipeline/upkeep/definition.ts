import { LAMBDA_RETRIES } from '../../constructs/retries';

/** Longer than the function may take: a task that is still silent then has been lost. */
const TASK_TIMEOUT_SECONDS = 930;
const MACHINE_TIMEOUT_SECONDS = 6 * 3600;

/**
 * The daily upkeep in Amazon States Language (JSONata). Input: `{"upkeep": true, "scheduledTime": …}`, which the
 * function takes as it is.
 *
 * A machine of its own invokes the function that closes the hours, so that an upkeep which fails, dies or does not
 * start is another figure than an hourly run that does, and neither hides the other.
 */
export function upkeepDefinition({
  functionArn,
  partition,
}: {
  readonly functionArn: string;
  /** `aws`, or the partition of another part of the world. */
  readonly partition: string;
}) {
  return {
    Comment: 'Garoa: looks after the lake once a day.',
    QueryLanguage: 'JSONata',
    TimeoutSeconds: MACHINE_TIMEOUT_SECONDS,
    StartAt: 'Look after the lake',
    States: {
      'Look after the lake': {
        Type: 'Task',
        Resource: `arn:${partition}:states:::lambda:invoke`,
        Arguments: { FunctionName: functionArn, Payload: '{% $states.input %}' },
        TimeoutSeconds: TASK_TIMEOUT_SECONDS,
        Retry: [
          { ErrorEquals: ['EventRefused'], MaxAttempts: 0 },
          ...LAMBDA_RETRIES,
          // Parts that are done are found done; what failed for a while is worth one more try when it may have passed.
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 600, MaxAttempts: 1 },
        ],
        Output: '{% $states.result.Payload %}',
        End: true,
      },
    },
  } as const;
}
