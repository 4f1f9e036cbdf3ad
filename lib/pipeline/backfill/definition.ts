import { DAY_MS, HOUR_MS } from '../../../lambdas/runtime/time';
import { LAMBDA_RETRIES } from '../../constructs/retries';

/** What the definition needs to know of its surroundings; tokens of a stack are welcome. */
export interface BackfillDefinitionProps {
  readonly ingestFunctionArn: string;
  readonly hourlyFunctionArn: string;
  /** Days that the provider's limits and the account's allow to be fetched side by side. */
  readonly daysAtOnce: number;
  readonly locationCount: number;
  /** First UTC day that queries see. */
  readonly firstDay: string;
  /** Hours after an hour's start from which on the provider's history of it is final. */
  readonly settledAfterHours: number;
  /** `aws`, or the partition of another part of the world. */
  readonly partition: string;
}

/** Distinguishes the child executions of the days in the console and in ARNs. */
export const DAY_MAP_LABEL = 'Day';

/**
 * About eleven years: few enough days for their results to fit into one state. A longer history is filled by
 * several executions.
 */
export const MAXIMUM_DAYS = 4_000;

/** Athena writes at most this many partitions in one statement. */
const DAYS_PER_AGGREGATION = 100;

/** The functions' own limit; a task that is still silent then has been lost. */
const TASK_TIMEOUT_SECONDS = 900;
/** Of each day, however few its places, and for the aggregation of the longest range. */
const SECONDS_PER_DAY = 30;
const AGGREGATION_SECONDS = (MAXIMUM_DAYS / DAYS_PER_AGGREGATION) * TASK_TIMEOUT_SECONDS;

/** What the results of all days may weigh together: a state holds 256 KiB. */
const RESULT_CHARACTERS = 200_000;
/** Of a result, besides the reason why a day is missing. */
const RESULT_FRAME_CHARACTERS = 45;
const LONGEST_REASON = 300;
/** The cause of a failed execution holds 32,768 characters. */
const DAYS_NAMED = 1_000;

/** From the most to the least specific. Days and hours are written under fixed keys, so all may be repeated. */
const RETRIES = [
  // The request is wrong, or provider or plan have no history of the day: the same call can't end otherwise.
  { ErrorEquals: ['EventRefused', 'DayNotAvailable', 'HistoryNotInPlan'], MaxAttempts: 0 },
  ...LAMBDA_RETRIES,
  // The function ran out of time or memory, or died: what it had stored by then is not fetched again.
  { ErrorEquals: ['States.Timeout', 'Lambda.Unknown'], IntervalSeconds: 5, MaxAttempts: 2 },
  // A provider or service that failed for longer than the function's own retries last; what it did give is stored.
  { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 30, MaxAttempts: 1 },
] as const;

/**
 * The backfill state machine in Amazon States Language (JSONata). Input:
 * `{"from": "2026-11-01", "to": "2026-11-22", "locations"?: ["sao-paulo"], "force"?: true}`, both days included
 *
 * Each day is a child execution that fetches the provider's history; a day that the provider can't serve is
 * noted and costs no other day anything. Where a settled day came by halves, what it lacks is asked for once more; what
 * it still lacks then, and what is not settled yet, stands in the output. Then the hourly function recomputes the whole range. The execution
 * fails at the end when days are missing, naming them: starting it again with the same input fetches only those.
 * An execution that ended early (a lost child, an aggregation that failed) can be redriven from there.
 */
export function backfillDefinition({
  ingestFunctionArn,
  hourlyFunctionArn,
  daysAtOnce,
  locationCount,
  firstDay,
  settledAfterHours,
  partition,
}: BackfillDefinitionProps) {
  /** What the day's fetching ends in where it fails. */
  const noted = [
    {
      ErrorEquals: ['States.ALL'],
      Output: {
        date: '{% $states.input.date %}',
        reason: `{% $substring(${errorText}, 0, $states.input.reasonLength) %}`,
      },
      Next: 'Note the day as missing',
    },
  ];
  const invoke = (functionArn: string, payload: Readonly<Record<string, string>>) => ({
    Type: 'Task',
    Resource: `arn:${partition}:states:::lambda:invoke`,
    Arguments: { FunctionName: functionArn, Payload: payload },
    TimeoutSeconds: TASK_TIMEOUT_SECONDS,
    Retry: RETRIES,
  });

  return {
    Comment: 'Garoa: fetches the history of a range of days and recomputes its hours.',
    QueryLanguage: 'JSONata',
    // A second for each place of a day, up to the function's own limit.
    TimeoutSeconds:
      Math.ceil(MAXIMUM_DAYS / daysAtOnce) * Math.min(TASK_TIMEOUT_SECONDS, SECONDS_PER_DAY + locationCount) +
      AGGREGATION_SECONDS,
    StartAt: 'Are both ends days?',
    States: {
      'Are both ends days?': {
        Type: 'Choice',
        Choices: [
          {
            Condition: `{% ${isDate('from')} and ${isDate('to')} and ${onlyKnownKeys} %}`,
            Next: 'Is the range sensible?',
          },
        ],
        Default: 'Refuse the request',
      },
      'Is the range sensible?': {
        Type: 'Choice',
        Choices: [
          {
            Condition:
              `{% $states.input.from >= "${firstDay}" and $states.input.from <= $states.input.to` +
              ` and $states.input.to <= ${today} and ${dayCount} <= ${MAXIMUM_DAYS} %}`,
            Next: 'Is any day over?',
          },
        ],
        Default: 'Refuse the request',
      },
      'Refuse the request': {
        Type: 'Fail',
        Error: 'RequestRefused',
        Cause:
          'Give {"from": "YYYY-MM-DD", "to": "YYYY-MM-DD"}, and "locations": [ids] and "force": true if wanted: ' +
          `UTC days, from not after to nor before garoa.firstDay (${firstDay}), to not in the future, ${MAXIMUM_DAYS} days at most.`,
      },
      'Is any day over?': {
        Type: 'Choice',
        Comment: 'History is complete once its day is over: today is left out.',
        Choices: [{ Condition: `{% ${dayCount} > 0 %}`, Next: 'List the days' }],
        Default: 'The range is filled',
      },
      'List the days': {
        Type: 'Pass',
        Output: {
          request:
            '{% ($ids := [$states.input.locations, $states.input.locationIds];' +
            ' $merge([$count($ids) > 0 ? {"locations": $ids} : {},' +
            ' $exists($states.input.force) ? {"force": $states.input.force} : {}])) %}',
          days: `{% [[0..${dayCount} - 1].${dayAt('$')}] %}`,
          ranges:
            `{% [[0..$floor((${dayCount} - 1) / ${DAYS_PER_AGGREGATION})].(` +
            `$first := $ * ${DAYS_PER_AGGREGATION};` +
            ` $last := $min([$first + ${DAYS_PER_AGGREGATION - 1}, ${dayCount} - 1]);` +
            ` {"from": ${dayAt('$first')}, "to": ${dayAt('$last')}})] %}`,
        },
        Next: 'Fetch each day',
      },
      'Fetch each day': {
        Type: 'Map',
        Label: DAY_MAP_LABEL,
        Items: '{% $states.input.days %}',
        ItemSelector: {
          date: '{% $states.context.Map.Item.Value %}',
          request: '{% $states.input.request %}',
          reasonLength:
            `{% $min([${LONGEST_REASON}, $floor(${RESULT_CHARACTERS} / $count($states.input.days))` +
            ` - ${RESULT_FRAME_CHARACTERS}]) %}`,
        },
        MaxConcurrency: daysAtOnce,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: "Fetch the day's history",
          States: {
            "Fetch the day's history": {
              ...invoke(ingestFunctionArn, {
                backfill: '{% $merge([{"date": $states.input.date}, $states.input.request]) %}',
                at: startTime,
              }),
              Output: `{% $merge([$states.input, ${unfinished}]) %}`,
              Catch: noted,
              Next: 'Is it whole?',
            },
            'Is it whole?': {
              Type: 'Choice',
              Comment: 'What the provider has not settled yet, upkeep asks for once it has.',
              Choices: [
                {
                  Condition: `{% $states.input.unfinished > 0 and ${isSettled(settledAfterHours)} %}`,
                  Next: 'Give the provider time',
                },
              ],
              Default: 'Note the day',
            },
            'Give the provider time': { Type: 'Wait', Seconds: 30, Next: 'Fetch what it lacks' },
            'Fetch what it lacks': {
              ...invoke(ingestFunctionArn, {
                backfill:
                  '{% $merge([{"date": $states.input.date}, $sift($states.input.request, function($value, $key) { $key != \'force\' })]) %}',
                at: startTime,
              }),
              Output: `{% $merge([$states.input, ${unfinished}]) %}`,
              Catch: noted,
              Next: 'Note the day',
            },
            'Note the day': {
              Type: 'Pass',
              Output: { date: '{% $states.input.date %}', unfinished: '{% $states.input.unfinished %}' },
              End: true,
            },
            'Note the day as missing': { Type: 'Pass', End: true },
          },
        },
        Output: {
          ranges: '{% $states.input.ranges %}',
          days: '{% $count($states.input.days) %}',
          missing: '{% [$states.result[$exists(reason)]] %}',
          unfinished: '{% [$states.result[unfinished > 0].{"date": date, "places": unfinished}] %}',
        },
        Next: 'Was any day fetched?',
      },
      'Was any day fetched?': {
        Type: 'Choice',
        Choices: [
          {
            Condition: '{% $count($states.input.missing) = $states.input.days %}',
            Next: 'Name the missing days',
          },
        ],
        Default: 'Recompute the hours',
      },
      'Recompute the hours': {
        Type: 'Map',
        Comment: 'One range after the other: each is one Athena statement and a copy for every day.',
        Items: '{% $states.input.ranges %}',
        MaxConcurrency: 1,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'Recompute a hundred days',
          States: {
            'Recompute a hundred days': {
              ...invoke(hourlyFunctionArn, {
                from: '{% $states.input.from %}',
                to: '{% $states.input.to %}',
                at: startTime,
              }),
              Output: '{% $states.input %}',
              End: true,
            },
          },
        },
        Output: {
          days: '{% $states.input.days %}',
          missing: '{% $states.input.missing %}',
          unfinished: '{% $states.input.unfinished %}',
        },
        Next: 'Was every day fetched?',
      },
      'Was every day fetched?': {
        Type: 'Choice',
        Choices: [{ Condition: '{% $count($states.input.missing) > 0 %}', Next: 'Name the missing days' }],
        Default: 'The range is filled',
      },
      'Name the missing days': {
        Type: 'Fail',
        Error: 'DaysMissing',
        Cause:
          '{% $count($states.input.missing) & " of " & $states.input.days & " days could not be fetched: " &' +
          ` $join($states.input.missing[[0..${DAYS_NAMED - 1}]].date, ", ") &` +
          ' ". First reason: " & $states.input.missing[0].reason %}',
      },
      'The range is filled': { Type: 'Succeed' },
    },
  };
}

const instant = (field: 'from' | 'to'): string => `$toMillis($states.input.${field} & 'T00:00:00Z')`;

/** JSONata for the day on which the execution started; a redriven one asks for the same days as at first. */
const today = '$substring($states.context.Execution.StartTime, 0, 10)';

/** JSONata for the number of days that the range has up to yesterday. */
const dayCount = `($round(($min([${instant('to')}, $toMillis(${today} & 'T00:00:00Z') - ${DAY_MS}]) - ${instant('from')}) / ${DAY_MS}) + 1)`;

/** A misspelt key would otherwise mean all locations. The second half comes with the event `GapsFound`. */
const onlyKnownKeys =
  '$count($keys($states.input)[$not($ in ["from", "to", "locations", "force",' +
  ' "version", "stage", "missingHours", "locationIds"])]) = 0';

/** JSONata for the n-th day of the range, counted from 0. */
const dayAt = (n: string): string =>
  `$fromMillis(${instant('from')} + (${n}) * ${DAY_MS}, '[Y0001]-[M01]-[D01]')`;

/** JSONata that is false, and no error, for anything but a day that exists. */
function isDate(field: 'from' | 'to'): string {
  const value = `$states.input.${field}`;
  const shaped = `$contains(${value}, /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/)`;
  // Some parsers roll the 31st of a short month over into the next one.
  const exists = `$fromMillis(${instant(field)}, '[Y0001]-[M01]-[D01]') = ${value}`;
  return `($type(${value}) = 'string' ? (${shaped} ? ${exists} : false) : false)`;
}

/** What the functions take for now. */
const startedAt = '$states.context.Execution.StartTime';
const startTime = `{% ${startedAt} %}`;

/** JSONata for the part of the function's answer that says how many places lack hours of the day. */
const unfinished = '{"unfinished": $states.result.Payload.unfinished}';

/** JSONata: whether the day's last hour was settled when the execution started. */
const isSettled = (hours: number): string =>
  `$toMillis($states.input.date & 'T23:00:00Z') + ${hours * HOUR_MS} <= $toMillis(${startedAt})`;

/** JSONata for what went wrong: of Lambda's JSON the message, of other errors the whole cause. */
const errorText =
  '$states.errorOutput.Error & ": " & $replace($substringBefore($substringAfter($states.errorOutput.Cause,' +
  String.raw` "\"errorMessage\":\""), "\",\"trace\""), "\\\"", "\"")`;
