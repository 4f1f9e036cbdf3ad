import type { StepEvent } from '../../../lambdas/retrain/steps';
import { LAMBDA_RETRIES } from '../../constructs/retries';
import type { Concurrency } from '../concurrency';

/** What the definition needs to know of its surroundings; tokens of a stack are welcome. */
export interface RetrainingDefinitionProps {
  readonly functionArn: string;
  /** Name of the bucket that holds the objects of a run. */
  readonly queryResultsBucket: string;
  readonly locationCount: number;
  readonly concurrency: Pick<Concurrency, 'placesAtOnce' | 'batchesAtOnce'>;
  /** `aws`, or the partition of another part of the world. */
  readonly partition: string;
}

/** Child executions of the Distributed Map run under `<machine>/<label>`, which the role must name. */
export const LOCATION_MAP_LABEL = 'Location';

/** The retrain function's own limit; a task that is still silent then has been lost. */
const STEP_TIMEOUT_SECONDS = 900;

/** Longest useful time of one location: all its steps, each at its limit and tried twice. */
const LOCATION_TIMEOUT_SECONDS = 6 * 3600;
/** The next weekly run must not meet this one. */
const LONGEST_RUN_SECONDS = 6 * 24 * 3600;

/** Athena runs about twenty queries of an account at once by default, and the hourly function needs some. */
const CHUNK_CONCURRENCY = 4;

/**
 * A location that fails is caught and recorded, and its child execution succeeds. A child fails only when not
 * even that was possible; when that happens to more than one in ten, something is wrong with all of them.
 */
const TOLERATED_FAILURE_PERCENTAGE = 10;

/** From the most to the least specific; every step may be repeated, since it writes the same objects again. */
const RETRIES = [
  // The input or the data themselves are wrong: the same call would end the same way.
  { ErrorEquals: ['Refused', 'TrainingSetDamaged', 'ZodError'], MaxAttempts: 0 },
  ...LAMBDA_RETRIES,
  // A function that ran out of time or memory, or died: once more on a fresh environment.
  {
    ErrorEquals: [
      'States.Timeout',
      'Lambda.Unknown',
      'Sandbox.Timedout',
      'Runtime.ExitError',
      'Runtime.OutOfMemory',
    ],
    IntervalSeconds: 5,
    MaxAttempts: 1,
  },
  // A service that throttles or fails for longer than the SDK's own retries last.
  { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 20, MaxAttempts: 2, BackoffRate: 3 },
] as const;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type State = { readonly [key: string]: Json };

/**
 * The retraining state machine in Amazon States Language (JSONata). Its states call nothing but the retrain
 * function; what they hand on are the run, a location and small verdicts (`lambdas/retrain/steps.ts`).
 */
export function retrainingDefinition(props: RetrainingDefinitionProps): State {
  const invoke = (step: StepEvent['step'], payload: State): State => ({
    Type: 'Task',
    Resource: `arn:${props.partition}:states:::lambda:invoke`,
    Arguments: { FunctionName: props.functionArn, Payload: { step, ...payload } },
    Output: '{% $states.result.Payload %}',
    TimeoutSeconds: STEP_TIMEOUT_SECONDS,
    Retry: RETRIES,
  });

  const { placesAtOnce, batchesAtOnce } = props.concurrency;
  const turns = Math.ceil(props.locationCount / placesAtOnce);
  const run = '{% $states.input.run %}';
  const location = '{% $states.input.location %}';

  return {
    Comment:
      'Garoa: makes a challenger for each location, tests it on hours it has not seen, and promotes what earns it.',
    QueryLanguage: 'JSONata',
    TimeoutSeconds: Math.min(turns * LOCATION_TIMEOUT_SECONDS, LONGEST_RUN_SECONDS),
    StartAt: 'Plan the run',
    States: {
      'Plan the run': {
        ...invoke('plan', {
          execution: '{% $states.context.Execution.Name %}',
          startedAt: '{% $states.context.Execution.StartTime %}',
          request: '{% $states.input %}',
        }),
        Next: 'Prepare the training sets',
      },
      'Prepare the training sets': {
        Type: 'Map',
        Comment: 'One Athena query makes the training sets of up to a hundred locations.',
        Items: '{% $states.input.chunks %}',
        ItemSelector: { run, chunk: '{% $states.context.Map.Item.Value %}' },
        MaxConcurrency: Math.min(CHUNK_CONCURRENCY, placesAtOnce * batchesAtOnce),
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'Make the training sets of one chunk',
          States: {
            'Make the training sets of one chunk': {
              ...invoke('prepare', { run, chunk: '{% $states.input.chunk %}' }),
              End: true,
            },
          },
        },
        Output: '{% $states.input %}',
        Next: 'Retrain each location',
      },
      'Retrain each location': {
        Type: 'Map',
        ItemReader: {
          Resource: `arn:${props.partition}:states:::s3:getObject`,
          ReaderConfig: { InputType: 'JSON' },
          Arguments: { Bucket: props.queryResultsBucket, Key: '{% $states.input.locationsKey %}' },
        },
        MaxConcurrency: placesAtOnce,
        ToleratedFailurePercentage: TOLERATED_FAILURE_PERCENTAGE,
        Label: LOCATION_MAP_LABEL,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          ...oneLocation(),
        },
        ItemSelector: { run, location: '{% $states.context.Map.Item.Value.location %}' },
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            // What locations did achieve is in their objects; publishing names those that left none.
            Output: '{% $states.input %}',
            Next: 'Publish the pages',
          },
        ],
        Output: '{% $states.input %}',
        Next: 'Publish the pages',
      },
      'Publish the pages': {
        ...invoke('publish', { run, at: '{% $states.context.State.EnteredTime %}' }),
        Next: 'Was anything achieved?',
      },
      'Was anything achieved?': {
        Type: 'Choice',
        Choices: [
          {
            Condition: '{% $states.input.failed = $states.input.locations %}',
            Next: 'Every location failed',
          },
        ],
        Default: 'Retraining is done',
      },
      'Every location failed': {
        Type: 'Fail',
        Error: 'EveryLocationFailed',
        Cause: "{% 'No location could be retrained; the reasons are in ' & $states.input.summaryKey %}",
      },
      'Retraining is done': { Type: 'Succeed' },
    },
  };

  function oneLocation(): State {
    const Catch = [
      {
        ErrorEquals: ['States.ALL'],
        Output: { run, location, error: '{% $states.errorOutput %}' },
        Next: 'Record the failure',
      },
    ];
    return {
      StartAt: 'Inspect the training set',
      States: {
        'Inspect the training set': {
          ...invoke('inspect', { run, location }),
          Catch,
          Next: 'Can a challenger be made?',
        },
        'Can a challenger be made?': {
          Type: 'Choice',
          Choices: [{ Condition: '{% $states.input.trainable %}', Next: 'Search for the best recipe' }],
          Default: 'Keep the champion',
        },
        'Search for the best recipe': {
          Type: 'Map',
          Comment: 'One round of the search: its recipes are scored side by side, in batches.',
          Items: '{% $states.input.batches %}',
          ItemSelector: { run, location, batch: '{% $states.context.Map.Item.Value %}' },
          MaxConcurrency: batchesAtOnce,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            StartAt: 'Score a batch of recipes',
            States: {
              'Score a batch of recipes': {
                ...invoke('score', { run, location, batch: '{% $states.input.batch %}' }),
                End: true,
              },
            },
          },
          Output: { run, location, round: '{% $states.input.round %}' },
          Catch,
          Next: 'Look closer at the best',
        },
        'Look closer at the best': {
          ...invoke('refine', { run, location, round: '{% $states.input.round %}' }),
          Catch,
          Next: 'Is there more to try?',
        },
        'Is there more to try?': {
          Type: 'Choice',
          Choices: [
            {
              Condition: '{% $count($states.input.batches) > 0 %}',
              Next: 'Search for the best recipe',
            },
          ],
          Default: 'Test the recipes',
        },
        'Test the recipes': {
          ...invoke('test', { run, location }),
          Catch,
          Next: 'Does a recipe pass the gate?',
        },
        'Does a recipe pass the gate?': {
          Type: 'Choice',
          Choices: [
            {
              Comment: 'Neither the challenger’s recipe nor the champion’s is good enough.',
              Condition: "{% $states.input.decision = 'keep' %}",
              Next: 'Keep the champion',
            },
          ],
          Default: 'Refit on everything',
        },
        'Refit on everything': {
          ...invoke('refit', {
            run,
            location,
            decision: '{% $states.input.decision %}',
            expectedChampion: '{% $states.input.expectedChampion %}',
          }),
          Catch,
          Next: 'Is the refit sound?',
        },
        'Is the refit sound?': {
          Type: 'Choice',
          Choices: [
            {
              Comment: 'What was learnt from all hours does worse on them than what was tested.',
              Condition: "{% $states.input.outcome = 'kept' %}",
              Next: 'Keep the champion',
            },
          ],
          Default: 'Promote the model',
        },
        'Promote the model': {
          ...invoke('promote', {
            location,
            version: '{% $states.input.version %}',
            at: '{% $states.context.State.EnteredTime %}',
            decision: {
              run,
              outcome: '{% $states.input.outcome %}',
              expectedChampion: '{% $states.input.expectedChampion %}',
            },
          }),
          Catch,
          End: true,
        },
        'Keep the champion': {
          ...invoke('keep', { run, location, reasons: '{% $states.input.reasons %}' }),
          Catch,
          End: true,
        },
        'Record the failure': {
          ...invoke('fail', { run, location, error: '{% $states.input.error %}' }),
          // The failure that could not be written down must not end the other locations; publishing finds
          // no outcome for this one and counts it as failed.
          Catch: [{ ErrorEquals: ['States.ALL'], Output: 'failed', Next: 'Leave it to the summary' }],
          End: true,
        },
        'Leave it to the summary': { Type: 'Pass', End: true },
      },
    };
  }
}
