import { LAMBDA_RETRIES } from '../../constructs/retries';

/** Longer than the function may take: a task that is still silent then has been lost. */
const TASK_TIMEOUT_SECONDS = 930;
const MACHINE_TIMEOUT_SECONDS = 6 * 3600;

/** In the names of the Map's child executions. */
export const PAGES_MAP_LABEL = 'Pages';

/**
 * The daily upkeep in Amazon States Language (JSONata). Input: `{"upkeep": true, "scheduledTime": …}`, which the
 * function takes as it is.
 *
 * A machine of its own invokes the function that closes the hours, so that an upkeep which fails, dies or does not
 * start is another figure than an hourly run that does, and neither hides the other. Pages of thousands of places are
 * made in parts, one after the other, whatever became of the lake or of another part.
 */
export function upkeepDefinition({ functionArn, partition, parts }: UpkeepDefinitionProps) {
  const invoke = (payload: string) =>
    ({
      Type: 'Task',
      Resource: `arn:${partition}:states:::lambda:invoke`,
      Arguments: { FunctionName: functionArn, Payload: payload },
      TimeoutSeconds: TASK_TIMEOUT_SECONDS,
      Retry: [
        { ErrorEquals: ['EventRefused'], MaxAttempts: 0 },
        ...LAMBDA_RETRIES,
        // Parts that are done are found done; what failed for a while is worth one more try when it may have passed.
        { ErrorEquals: ['States.ALL'], IntervalSeconds: 600, MaxAttempts: 1 },
      ],
      Output: '{% $states.result.Payload %}',
    }) as const;
  const lookAfter = invoke('{% $states.input %}');
  const machine = {
    Comment: 'Garoa: looks after the lake once a day.',
    QueryLanguage: 'JSONata',
    TimeoutSeconds: MACHINE_TIMEOUT_SECONDS,
    StartAt: 'Look after the lake',
  } as const;
  if (parts === 1) return { ...machine, States: { 'Look after the lake': { ...lookAfter, End: true } } };
  return {
    ...machine,
    States: {
      'Look after the lake': {
        ...lookAfter,
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Output: { failed: '{% $states.errorOutput %}' },
            Next: 'Make the pages',
          },
        ],
        Next: 'Make the pages',
      },
      'Make the pages': {
        Type: 'Map',
        Label: PAGES_MAP_LABEL,
        Items: `{% [0..${parts - 1}] %}`,
        ItemSelector:
          '{% $merge([$states.context.Execution.Input, {"pages": $states.context.Map.Item.Value}]) %}',
        // One at a time takes no more of the account than the lake did.
        MaxConcurrency: 1,
        ToleratedFailurePercentage: 100,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: "Make a part's pages",
          States: { "Make a part's pages": { ...invoke('{% $states.input %}'), End: true } },
        },
        Output: { lake: '{% $states.input %}', parts: '{% $count($states.result) %}' },
        Next: 'Was all done?',
      },
      'Was all done?': {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $exists($states.input.lake.failed) %}', Next: 'The lake was not looked after' },
          { Condition: `{% $states.input.parts < ${parts} %}`, Next: 'Pages are missing' },
        ],
        Default: 'All was done',
      },
      'The lake was not looked after': {
        Type: 'Fail',
        Error: '{% $states.input.lake.failed.Error %}',
        Cause: '{% $states.input.lake.failed.Cause %}',
      },
      'Pages are missing': {
        Type: 'Fail',
        Error: 'PagesMissing',
        Cause: `{% ${parts} - $states.input.parts & " of ${parts} parts of the pages could not be made; the log of the function names them." %}`,
      },
      'All was done': { Type: 'Succeed' },
    },
  } as const;
}

interface UpkeepDefinitionProps {
  readonly functionArn: string;
  /** `aws`, or the partition of another part of the world. */
  readonly partition: string;
  /** Parts that the pages of all places are made in. */
  readonly parts: number;
}
