/**
 * Edits that nothing shows, by their names, with the reason why that is as it should be: what was decided lies within
 * bounds, and only a stored copy of it could tell one value from another.
 */
export const SURVIVORS: readonly (readonly [RegExp, string])[] = [
  [
    /^Function ingest: MemorySize 512 → (256|1024)$/,
    'Both poll in time, and a month costs a dime more or less.',
  ],
  [
    /^(Schedule|Rule) .*MaximumRetryAttempts (2|5|10) → (1|3|4|5|10|20)$/,
    'Scheduler and EventBridge space their tries out over the age of an event and do not say how: any number but none will do.',
  ],
  [
    /^Rule \w+: .*MaximumEventAgeInSeconds 7200 → 28800$/,
    'An event that comes again after a day may be tried for any part of it.',
  ],
  [
    /^Schedule retrain: .*MaximumEventAgeInSeconds 21600 → 86400$/,
    'A retraining that comes each week may begin a day late.',
  ],
  [
    /^Schedule upkeep: ScheduleExpression cron\(25 0 .* → cron\(26 0 /,
    'Upkeep has half an hour for its start, between two hourly runs.',
  ],
  [
    /^EventInvokeConfig RetrainFunctionEventInvokeConfig: MaximumEventAgeInSeconds/,
    'A person leaves an order without waiting: how long it may lie is of no consequence.',
  ],
  [
    /^Bucket Models: .*NoncurrentDays 7 → 70$/,
    'Superseded pages cost cents: that they go sooner than models is enough.',
  ],
  [
    /^Alarm (?!ingest-failed: Metrics\.1\.).*Stat(istic)? Sum → SampleCount$/,
    'Each event is one datum of 1: their sum and their number are the same.',
  ],
  [
    /^Alarm .*Statistic (Sum|Average) → (Minimum|Sum)$/,
    'The metric is sent with the event alone, and once: the least of its data, and their sum, are what is asked for.',
  ],
  [
    /^Alarm .*MetricName Invocations → (AsyncEventsReceived|(?<!^Alarm ingest-failed: .*)Duration)$/,
    'Where there are polls there are events left for them and time that they take. A day of a backfill counts in one of the three and is too rare to tell.',
  ],
  [
    /^StateMachine (retrain|backfill|upkeep): .*Retry\.2\.MaxDelaySeconds 60 → none$/,
    'The sixth pause would be 64 seconds.',
  ],
  [
    /^StateMachine (retrain|backfill): .*Retry\.2 is gone$/,
    'What Lambda itself fails on is a failure of the task too, and is tried again as that.',
  ],
  [
    /^StateMachine (retrain|backfill): .*Retry\.3\.IntervalSeconds 5 → 1$/,
    'A function that died is started afresh: there is nothing to wait for.',
  ],
  [
    /^StateMachine retrain: States\.Retrain each location\.ToleratedFailurePercentage 10 → (0|100)$/,
    'A child that is lost is noted by publishing, whether it ends the map or not; it only decides whether others go on.',
  ],
  [
    /^StateMachine (retrain|backfill|retrain-on-evidence): TimeoutSeconds \d+ → \d{4,}$/,
    'A guard against what never ends, long beyond what any run takes.',
  ],
  [
    /^StateMachine retrain-on-evidence: States\.Start retraining once in the period\.(TimeoutSeconds 60 → 10|Retry\.1\.(MaxAttempts 4 → 40|IntervalSeconds 5 → 1|BackoffRate 3 → 1))$/,
    'To start an execution takes a second, and the machine ends its tries after five minutes.',
  ],
  [
    /^StateMachine retrain-on-evidence: .*Catch\.0\.Next Retrained in this period already → Retraining started$/,
    'Both states end well; their names are for people.',
  ],
  [
    /^StateMachine retrain: .*(Plan the run|Score a batch of recipes)\.Retry\.1\.MaxDelaySeconds 600 → none$/,
    'Where the last pauses of a busy account are longer than ten minutes, the failure is told within hours all the same.',
  ],
  [
    /^StateMachine retrain: .*Record the failure\.Catch\.0(\.Next .*| is gone)$/,
    'A child that is lost is noted by publishing, as is one whose failure could not be written down.',
  ],
  [
    /^Alarm ingest-did-not-run: EvaluationPeriods 2 → 1$/,
    'A period holds a poll at any pace, so that one without any is true already: the second spares a mail for what passes by itself.',
  ],
];
