/** What the tests that can ask an account need there; `test/conformance/aws/remote-stack.ts` deploys it. */
export const REMOTE_NAME = 'garoa-remote';
/** Target of the rule. */
export const EVENTS_QUEUE = `${REMOTE_NAME}-events`;
/** Of events on which the function has failed while nobody waited. */
export const FAILURES_QUEUE = `${REMOTE_NAME}-failures`;

/** Of the rule. */
export const PATTERN = {
  source: ['garoa'],
  'detail-type': ['SkillBelowPersistence'],
  detail: { days: [{ numeric: ['>=', 7] }] },
};

/** Answers with its event; an event that asks for it fails. */
export const FUNCTION_CODE = `exports.handler = async (event) => {
  if (event.fail) throw Object.assign(new Error('told to'), { name: 'Told' });
  return event;
};`;

/** Waits, takes one of three ways, and on the longest doubles each item and asks the function, which fails. */
export const DEFINITION = {
  QueryLanguage: 'JSONata',
  StartAt: 'Wait a little',
  States: {
    'Wait a little': { Type: 'Wait', Seconds: 2, Next: 'Which way?' },
    'Which way?': {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $exists($states.input.fail) %}', Next: 'Say why' },
        { Condition: '{% $exists($states.input.items) %}', Next: 'Note' },
      ],
      Default: 'Done',
    },
    'Say why': { Type: 'Fail', Error: 'Told', Cause: 'told to' },
    Note: { Type: 'Pass', Assign: { factor: 2 }, Next: 'Each' },
    Each: {
      Type: 'Map',
      Items: '{% $states.input.items %}',
      MaxConcurrency: 1,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'INLINE' },
        StartAt: 'Double',
        States: { Double: { Type: 'Pass', Output: '{% $factor * $states.input %}', End: true } },
      },
      Next: 'Ask',
    },
    Ask: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: { FunctionName: REMOTE_NAME, Payload: { fail: true } },
      Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, MaxAttempts: 1 }],
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Output: { doubled: '{% $states.input %}', caught: '{% $exists($states.errorOutput.Error) %}' },
          Next: 'Done',
        },
      ],
      Next: 'Done',
    },
    Done: { Type: 'Succeed' },
  },
};
