import * as z from 'zod';
import type { StackTemplate } from '../../lib/local/assembly/intrinsics';
import { templateSchema } from '../../lib/local/assembly/intrinsics';
import type { Deployment } from './deployment';

type Path = readonly (string | number)[];

/** One change of one property; the value is gone when `to` is undefined. */
interface Change {
  readonly path: Path;
  readonly to: unknown;
  /** What it is called, where path and values don't tell. */
  readonly says?: string;
}

/** One edit of one resource. */
export interface Edit {
  /** What is edited, such as `Alarm hourly-failed: Threshold 1 → 2`; the same on every run. */
  readonly name: string;
  /** The resource's type, and its name without the stage. */
  readonly type: string;
  readonly resource: string;
  /** The state of a machine in which the change lies. */
  readonly state?: string;
  /** The templates with this edit. Those that are given stay as they are. */
  readonly apply: (stacks: readonly StackTemplate[]) => StackTemplate[];
}

type Json = Readonly<Record<string, unknown>>;
const object = z.record(z.string(), z.unknown());
const list = z.array(z.unknown());

/** Every edit of the kinds below, in the order of the templates. */
export function editsOf(deployment: Deployment, stacks: readonly StackTemplate[]): Edit[] {
  const application = `garoa-${deployment.config.stage}-`;
  return stacks.flatMap(({ stackName, template }) =>
    Object.entries(template.Resources).flatMap(([id, { Type, Properties }]): Edit[] => {
      const kind = KINDS[Type];
      if (kind === undefined) return [];
      const given = [
        Properties.AlarmName,
        Properties.FunctionName,
        Properties.StateMachineName,
        Properties.Name,
      ];
      const name = given.find((value): value is string => typeof value === 'string');
      const resource = name?.replace(application, '') ?? id.replace(/[0-9A-F]{8}$/, '');
      const type = Type.replace(/^.*::/, '');
      const title = (what: string): string => `${type} ${resource}: ${what}`;
      const edit = (
        what: string,
        change: (template: StackTemplate['template']) => void,
        path: Path = [],
      ): Edit => ({
        name: title(what),
        type,
        resource,
        ...(path.includes('States') && { state: String(path[path.lastIndexOf('States') + 1]) }),
        apply: (all) =>
          all.map((stack) => {
            if (stack.stackName !== stackName) return stack;
            const copy = templateSchema.parse(structuredClone(stack.template));
            change(copy);
            return { stackName, template: copy };
          }),
      });
      const properties = kind.prepare?.(deployment, resource, Properties) ?? Properties;
      const changes = [...kind.changes(properties)].map((one) => {
        const { path, to, says = `${path.join('.')} ${shown(at(properties, path))} → ${shown(to)}` } = one;
        const what = says.replace(/^Definition\./, '');
        return edit(
          what,
          (copy) => {
            const target = copy.Resources[id];
            if (target === undefined) return;
            const changed = structuredClone(properties);
            set(changed, path, to);
            target.Properties = kind.finish?.(changed) ?? changed;
          },
          path,
        );
      });
      const gone = kind.removable
        ? [edit('is gone', (copy) => void Reflect.deleteProperty(copy.Resources, id))]
        : [];
      return [...changes, ...gone];
    }),
  );
}

interface Kind {
  /** Properties in the shape that changes are made in. */
  readonly prepare?: (deployment: Deployment, resource: string, properties: Json) => Json;
  readonly changes: (properties: Json) => Iterable<Change>;
  readonly finish?: (properties: Json) => Record<string, unknown>;
  /** Whether one edit is that the resource is not there: nothing refers to it. */
  readonly removable?: boolean;
}

const COMPARISONS = [
  'GreaterThanOrEqualToThreshold',
  'GreaterThanThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
];
const PERIODS = [60, 300, 900, 3_600, 21_600, 86_400];
const MEASURED: Readonly<Record<string, readonly string[]>> = {
  'AWS/Lambda': ['Invocations', 'Errors', 'Duration', 'AsyncEventsReceived'],
  'AWS/States': [
    'ExecutionsStarted',
    'ExecutionsSucceeded',
    'ExecutionsFailed',
    'ExecutionsTimedOut',
    'ExecutionsAborted',
  ],
  'AWS/SQS': ['NumberOfMessagesSent', 'NumberOfMessagesReceived'],
  Garoa: ['EmptyHours', 'ForecastAgeMinutes', 'SkillAgainstPersistence', 'ModelsRefused', 'ObjectsSetAside'],
};

const KINDS: Readonly<Record<string, Kind>> = {
  'AWS::CloudWatch::Alarm': { changes: alarmChanges, removable: true },
  'AWS::Scheduler::Schedule': { changes: scheduleChanges, removable: true },
  'AWS::Events::Rule': { changes: ruleChanges, removable: true },
  'AWS::S3::Bucket': { changes: bucketChanges },
  'AWS::S3::BucketPolicy': { changes: bucketPolicyChanges, removable: true },
  'AWS::Athena::WorkGroup': { changes: workgroupChanges },
  'AWS::Lambda::Function': { changes: functionChanges },
  'AWS::Lambda::EventInvokeConfig': { changes: invokeChanges, removable: true },
  'AWS::StepFunctions::StateMachine': {
    // The text with its references is made readable first, and whole again afterwards.
    prepare: ({ resources }, resource, properties) => ({
      ...properties,
      Definition: resources.stateMachines.find(({ name }) => name.endsWith(`-${resource}`))?.definition,
    }),
    changes: machineChanges,
    finish: ({ Definition, ...properties }) => ({
      ...properties,
      DefinitionString: JSON.stringify(Definition),
    }),
  },
};

function* alarmChanges(alarm: Json): Generator<Change> {
  yield* others(['ComparisonOperator'], COMPARISONS, alarm);
  const threshold = z.number().parse(alarm.Threshold);
  for (const to of threshold === 0
    ? [-0.2, 0.2]
    : threshold === 1
      ? [0, 2]
      : [threshold / 2, threshold * 2]) {
    yield { path: ['Threshold'], to };
  }
  const count = z.int().parse(alarm.EvaluationPeriods);
  for (const to of count > 4 ? [Math.ceil(count / 2), count * 2] : [count - 1, count + 1]) {
    if (to > 0) yield { path: ['EvaluationPeriods'], to };
  }
  if (count > 1) yield { path: ['DatapointsToAlarm'], to: 1 };
  yield* others(['TreatMissingData'], ['breaching', 'notBreaching', 'ignore', 'missing'], alarm);
  yield { path: ['AlarmActions'], to: undefined };
  yield { path: ['OKActions'], to: undefined };
  if ('EvaluationWindow' in alarm) yield { path: ['EvaluationWindow'], to: undefined };

  const metrics = list.optional().parse(alarm.Metrics);
  if (metrics === undefined) {
    yield* metricChanges(alarm, [], 'Period', 'Statistic');
    return;
  }
  const stats = metrics.map((metric) => object.parse(metric));
  const periods = stats.flatMap((metric, index) =>
    'MetricStat' in metric ? [{ index, metric: object.parse(metric.MetricStat) }] : [],
  );
  for (const period of neighbours(PERIODS, z.number().parse(periods[0]?.metric.Period))) {
    const to = structuredClone(stats);
    for (const { index } of periods) set(to[index] ?? {}, ['MetricStat', 'Period'], period);
    yield { path: ['Metrics'], to, says: `Period of all metrics → ${period}` };
  }
  for (const { index, metric } of periods) {
    const path = ['Metrics', index, 'MetricStat', 'Metric'];
    yield* metricChanges(object.parse(metric.Metric), path, undefined, undefined);
    yield { path: ['Metrics', index, 'MetricStat', 'Stat'], to: 'SampleCount' };
    const expression = z.string().parse(stats.find((one) => 'Expression' in one)?.Expression);
    if (expression.includes('METRICS()')) {
      const to = stats.filter((_, place) => place !== index);
      yield { path: ['Metrics'], to, says: `Metrics.${index} is gone` };
    }
  }
  const formula = stats.findIndex((one) => 'Expression' in one);
  const [first = '', second = ''] = periods.map(({ index }) => String(stats[index]?.Id));
  const expression = String(stats[formula]?.Expression);
  const swapped = expression.replace(/[a-z]\w*/g, (id) =>
    id === first ? second : id === second ? first : id,
  );
  for (const to of [swapped, first, second]) {
    if (to !== expression && to !== '') yield { path: ['Metrics', formula, 'Expression'], to };
  }
}

function* metricChanges(
  metric: Json,
  path: Path,
  period: string | undefined,
  statistic: string | undefined,
): Generator<Change> {
  const names = MEASURED[String(metric.Namespace)] ?? [];
  for (const to of names) if (to !== metric.MetricName) yield { path: [...path, 'MetricName'], to };
  yield { path: [...path, 'Dimensions', 0, 'Value'], to: 'another' };
  if (period !== undefined) {
    for (const to of neighbours(PERIODS, z.number().parse(metric[period]))) {
      yield { path: [...path, period], to };
    }
  }
  if (statistic !== undefined) yield* others([...path, statistic], ['Sum', 'Minimum', 'SampleCount'], metric);
}

function* scheduleChanges(schedule: Json): Generator<Change> {
  const expression = z.string().parse(schedule.ScheduleExpression);
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = expression
    .replace(/^cron\(|\)$/g, '')
    .split(' ');
  const cron = (...fields: string[]): Change => ({
    path: ['ScheduleExpression'],
    to: `cron(${fields.join(' ')})`,
  });
  if (minute === '*') {
    yield cron('0/2', hour, day, month, weekday, year);
  } else if (minute.includes('/')) {
    const [start = '', step = ''] = minute.split('/');
    yield cron(`${Number(start) + 1}/${step}`, hour, day, month, weekday, year);
    yield cron(`${start}/${Number(step) * 2}`, hour, day, month, weekday, year);
  } else {
    yield cron(String((Number(minute) + 1) % 60), hour, day, month, weekday, year);
    yield cron('0', hour, day, month, weekday, year);
  }
  if (hour === '*') {
    yield cron(minute, '0/2', day, month, weekday, year);
    yield cron(minute, '6', day, month, weekday, year);
  } else {
    yield cron(minute, String((Number(hour) + 1) % 24), day, month, weekday, year);
    yield cron(minute, '*', day, month, weekday, year);
    yield weekday === '?' || weekday === '*'
      ? cron(minute, hour, '?', month, 'MON', year)
      : cron(minute, hour, '*', month, '?', year);
    yield cron(minute, hour, '1', month, '?', year);
  }
  yield { path: ['State'], to: 'DISABLED' };
  const target = object.parse(schedule.Target);
  yield* retryChanges(object.parse(target.RetryPolicy), ['Target', 'RetryPolicy']);
  yield { path: ['Target', 'DeadLetterConfig'], to: undefined };
  yield { path: ['Target', 'Input'], to: '{}' };
}

function* ruleChanges(rule: Json): Generator<Change> {
  yield { path: ['State'], to: 'DISABLED' };
  const [target] = list.parse(rule.Targets);
  yield* retryChanges(object.parse(object.parse(target).RetryPolicy), ['Targets', 0, 'RetryPolicy']);
  yield { path: ['Targets', 0, 'DeadLetterConfig'], to: undefined };
}

function* retryChanges(policy: Json, path: Path): Generator<Change> {
  const age = z.number().parse(policy.MaximumEventAgeInSeconds);
  const attempts = z.number().parse(policy.MaximumRetryAttempts);
  for (const to of new Set([60, age * 4, 86_400])) {
    if (to !== age && to <= 86_400) yield { path: [...path, 'MaximumEventAgeInSeconds'], to };
  }
  for (const to of [0, Math.ceil(attempts / 2), attempts * 2]) {
    if (to !== attempts) yield { path: [...path, 'MaximumRetryAttempts'], to };
  }
}

function* bucketChanges(bucket: Json): Generator<Change> {
  yield { path: ['BucketEncryption'], to: undefined };
  for (const name of Object.keys(object.parse(bucket.PublicAccessBlockConfiguration))) {
    yield { path: ['PublicAccessBlockConfiguration', name], to: false };
  }
  yield { path: ['PublicAccessBlockConfiguration'], to: undefined };
  yield { path: ['OwnershipControls'], to: undefined };
  yield { path: ['LifecycleConfiguration'], to: undefined };
  if ('VersioningConfiguration' in bucket) {
    yield { path: ['VersioningConfiguration', 'Status'], to: 'Suspended' };
  }
  for (const [index, rule] of list.parse(object.parse(bucket.LifecycleConfiguration).Rules).entries()) {
    const path = ['LifecycleConfiguration', 'Rules', index];
    const found = object.parse(rule);
    yield { path: [...path, 'Status'], to: 'Disabled' };
    if ('Prefix' in found) yield { path: [...path, 'Prefix'], to: undefined };
    for (const [inner, name] of [
      [[], 'ExpirationInDays'],
      [['NoncurrentVersionExpiration'], 'NoncurrentDays'],
      [['AbortIncompleteMultipartUpload'], 'DaysAfterInitiation'],
    ] as const) {
      const days = at(found, [...inner, name]);
      if (typeof days !== 'number') continue;
      for (const to of [1, days * 10]) if (to !== days) yield { path: [...path, ...inner, name], to };
    }
  }
}

function* bucketPolicyChanges(policy: Json): Generator<Change> {
  for (const [index, statement] of list.parse(object.parse(policy.PolicyDocument).Statement).entries()) {
    const path = ['PolicyDocument', 'Statement', index];
    yield { path: [...path, 'Effect'], to: 'Allow' };
    yield { path: [...path, 'Action'], to: 's3:GetObject' };
    yield { path: [...path, 'Resource'], to: list.parse(object.parse(statement).Resource).slice(0, 1) };
    yield { path: [...path, 'Condition'], to: { Bool: { 'aws:SecureTransport': 'true' } } };
  }
}

function* workgroupChanges(workgroup: Json): Generator<Change> {
  const path = ['WorkGroupConfiguration'];
  const configuration = object.parse(workgroup.WorkGroupConfiguration);
  const cutoff = z.number().parse(configuration.BytesScannedCutoffPerQuery);
  for (const to of [undefined, 1e7, cutoff / 10, cutoff * 10]) {
    yield { path: [...path, 'BytesScannedCutoffPerQuery'], to };
  }
  yield { path: [...path, 'EnforceWorkGroupConfiguration'], to: false };
  yield { path: [...path, 'EngineVersion'], to: { SelectedEngineVersion: 'Athena engine version 2' } };
  yield { path: [...path, 'PublishCloudWatchMetricsEnabled'], to: false };
  yield { path: [...path, 'ResultConfiguration', 'EncryptionConfiguration'], to: undefined };
  yield { path: [...path, 'ResultConfiguration', 'OutputLocation'], to: 's3://somewhere-else/' };
}

function* functionChanges(fn: Json): Generator<Change> {
  const memory = z.number().parse(fn.MemorySize);
  for (const to of [128, Math.ceil(memory / 2), memory * 2, 20_480]) yield { path: ['MemorySize'], to };
  const timeout = z.number().parse(fn.Timeout);
  for (const to of [3, 60, timeout / 3, timeout * 2]) yield { path: ['Timeout'], to };
  for (const name of Object.keys(object.parse(object.parse(fn.Environment).Variables))) {
    yield { path: ['Environment', 'Variables', name], to: undefined };
    yield { path: ['Environment', 'Variables', name], to: 'something-else' };
  }
}

function* invokeChanges(config: Json): Generator<Change> {
  const attempts = z.number().parse(config.MaximumRetryAttempts);
  for (const to of [0, 1, 2]) if (to !== attempts) yield { path: ['MaximumRetryAttempts'], to };
  const age = z.number().parse(config.MaximumEventAgeInSeconds);
  for (const to of [60, 21_600]) if (to !== age) yield { path: ['MaximumEventAgeInSeconds'], to };
  yield { path: ['DestinationConfig'], to: undefined };
}

function* machineChanges({ Definition }: Json): Generator<Change> {
  const machine = object.parse(Definition);
  const seconds = z.number().parse(machine.TimeoutSeconds);
  for (const to of [undefined, 60, seconds * 10]) yield { path: ['Definition', 'TimeoutSeconds'], to };
  yield* stateChanges(machine, ['Definition']);
}

function* stateChanges(scope: Json, path: Path): Generator<Change> {
  for (const [name, written] of Object.entries(object.parse(scope.States))) {
    const state = object.parse(written);
    const here = [...path, 'States', name];
    if (typeof state.TimeoutSeconds === 'number') {
      for (const to of [undefined, 10, state.TimeoutSeconds * 10])
        yield { path: [...here, 'TimeoutSeconds'], to };
    }
    for (const limit of ['MaxConcurrency', 'ToleratedFailurePercentage']) {
      if (typeof state[limit] !== 'number') continue;
      for (const to of [0, 100]) yield { path: [...here, limit], to };
    }
    const retries = list.default([]).parse(state.Retry);
    for (const [index, written] of retries.entries()) {
      const retrier = object.parse(written);
      const place = [...here, 'Retry', index];
      const to = retries.filter((_, other) => other !== index);
      yield { path: [...here, 'Retry'], to, says: `${place.join('.')} is gone` };
      for (const to of retrier.MaxAttempts === 0 ? [3] : [0, Number(retrier.MaxAttempts) * 10]) {
        yield { path: [...place, 'MaxAttempts'], to };
      }
      // Where pauses are drawn by lot, one edit would show in some states and not in others.
      if (typeof retrier.IntervalSeconds === 'number' && !('JitterStrategy' in retrier)) {
        for (const to of [1, retrier.IntervalSeconds * 100])
          yield { path: [...place, 'IntervalSeconds'], to };
      }
      if (typeof retrier.BackoffRate === 'number') yield { path: [...place, 'BackoffRate'], to: 1 };
      for (const option of ['MaxDelaySeconds', 'JitterStrategy']) {
        if (option in retrier) yield { path: [...place, option], to: undefined };
      }
    }
    const catches = list.default([]).parse(state.Catch);
    for (const [index, written] of catches.entries()) {
      const { Next } = object.parse(written);
      const to = catches.filter((_, other) => other !== index);
      yield { path: [...here, 'Catch'], to, says: `${[...here, 'Catch', index].join('.')} is gone` };
      const elsewhere = Object.keys(object.parse(scope.States)).find(
        (other) => other !== Next && other !== name,
      );
      if (elsewhere !== undefined) yield { path: [...here, 'Catch', index, 'Next'], to: elsewhere };
    }
    if ('ItemProcessor' in state) {
      yield* stateChanges(object.parse(state.ItemProcessor), [...here, 'ItemProcessor']);
    }
  }
}

function* others(path: Path, values: readonly unknown[], holder: Json): Generator<Change> {
  const known = holder[String(path.at(-1))];
  for (const to of values) if (to !== known) yield { path, to };
}

/** The next smaller and the next larger of ascending values. */
function neighbours(values: readonly number[], value: number): number[] {
  const smaller = values.filter((other) => other < value).at(-1);
  const larger = values.find((other) => other > value);
  return [smaller, larger].filter((other) => other !== undefined);
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

function set(value: object, path: Path, to: unknown): void {
  const holder = at(value, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof holder !== 'object' || holder === null || key === undefined) return;
  if (to === undefined) Reflect.deleteProperty(holder, key);
  else Reflect.set(holder, key, to);
}

/** A value as the name of an edit shows it: short enough for a line. */
function shown(value: unknown): string {
  if (value === undefined) return 'none';
  if (Array.isArray(value)) return `${value.length} of them`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
