import { DAY_MS } from '../../../lambdas/runtime/time';

/** What the definition needs to know of its surroundings; tokens of a stack are welcome. */
export interface EvidenceDefinitionProps {
  readonly retrainingArn: string;
  /** One retraining at most in each period of so many days, counted from 1970-01-01. */
  readonly everyDays: number;
  /** `aws`, or the partition of another part of the world. */
  readonly partition: string;
}

/**
 * Retrains the locations of a `SkillBelowPersistence` event, in Amazon States Language (JSONata). Input: the
 * event as EventBridge delivers it.
 *
 * Skill stays lost for as long as new hours need to show otherwise, and the event comes again every day of that
 * time. So the execution is named after the period and the first location: Step Functions starts a name once in
 * 90 days, which makes the second start fail without any table that would have to remember the first. Locations
 * that join a known list later wait for the next period or for the weekly run.
 */
export function evidenceDefinition({ retrainingArn, everyDays, partition }: EvidenceDefinitionProps) {
  return {
    Comment: 'Garoa: retrains when forecasts have become worse than persistence.',
    QueryLanguage: 'JSONata',
    TimeoutSeconds: 300,
    StartAt: 'Start retraining once in the period',
    States: {
      'Start retraining once in the period': {
        Type: 'Task',
        Resource: `arn:${partition}:states:::states:startExecution`,
        Arguments: {
          StateMachineArn: retrainingArn,
          // 80 characters at most: 16, and a location's id of up to 64.
          Name:
            `{% 'evidence-' & $string($floor($toMillis($states.input.time) / ${everyDays * DAY_MS})) &` +
            " '-' & $states.input.detail.locationIds[0] %}",
          Input: {
            locations: '{% [$states.input.detail.locationIds] %}',
            reason:
              "{% 'Worse than persistence over the ' & $string($states.input.detail.windowDays) & ' days up to ' &" +
              ' $states.input.detail.date %}',
          },
        },
        TimeoutSeconds: 60,
        Retry: [
          { ErrorEquals: ['StepFunctions.ExecutionAlreadyExistsException'], MaxAttempts: 0 },
          { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 5, MaxAttempts: 4, BackoffRate: 3 },
        ],
        Catch: [
          {
            ErrorEquals: ['StepFunctions.ExecutionAlreadyExistsException'],
            Next: 'Retrained in this period already',
          },
        ],
        Next: 'Retraining started',
      },
      'Retrained in this period already': { Type: 'Succeed' },
      'Retraining started': { Type: 'Succeed' },
    },
  } as const;
}
