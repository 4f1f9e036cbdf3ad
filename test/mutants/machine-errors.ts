import * as z from 'zod';
import { parseStep, type StepEvent } from '../../lambdas/retrain/steps';
import { VirtualClock } from '../../lib/local/clock';
import type { Execution } from '../../lib/local/step-functions/execution';
import { StateMachines } from '../../lib/local/step-functions/interpreter';
import type { FunctionResult } from '../../lib/local/step-functions/runner';
import type { Deployment } from './deployment';

/** A call of a function: which, for what step or place, and the how-manieth of its kind. */
interface Call {
  readonly fn: 'ingest' | 'hourly' | 'retrain';
  /** Step of retraining; `again` for what a day of a backfill lacks, and else empty. */
  readonly step: string;
  readonly place: string;
  readonly count: number;
  /** Seconds since the execution began. */
  readonly second: number;
  /** How it ended, if not well. */
  readonly error?: string | undefined;
}

interface Lived {
  readonly execution: Execution;
  readonly calls: readonly Call[];
  readonly retrainings: number;
  readonly seconds: number;
}

type Fault = (call: Call) => string | undefined;

const START = new Date('2026-11-22T03:30:00Z');
/** Two places: the first has enough hours to be trained, the second keeps what it has. */
const PLACES = ['trained', 'kept'] as const;
const DAYS = { from: '2026-11-01', to: '2026-11-03' };
const run = {
  id: 'run-1',
  asOf: '2026-11-22T03:00:00Z',
  fromHour: '2026-01-01T00:00:00Z',
  toHour: '2026-11-22T01:00:00Z',
  reason: 'scheduled',
};

const INPUTS = {
  upkeep: { upkeep: true, scheduledTime: '2026-11-22T00:25:00Z' },
  backfill: DAYS,
  retrain: { scheduledTime: '2026-11-22T03:30:00Z' },
  'retrain-on-evidence': {
    time: '2026-11-22T00:30:00Z',
    detail: { locationIds: ['trained'], windowDays: 28, date: '2026-11-21' },
  },
} as const;
type Machine = keyof typeof INPUTS;
export const MACHINES = ['upkeep', 'backfill', 'retrain', 'retrain-on-evidence'] as const satisfies Machine[];

export function isMachine(name: string): name is Machine {
  return name in INPUTS;
}

/** What the steps of a retraining answer when all goes well. */
function answer(event: StepEvent): unknown {
  const place = 'location' in event ? { run, location: event.location } : {};
  switch (event.step) {
    case 'plan':
      return { run, locationsKey: 'locations', chunks: [{ first: 0, count: PLACES.length }] };
    case 'prepare':
      return { prepared: PLACES.length };
    case 'inspect':
      return {
        ...place,
        trainable: event.location === 'trained',
        reasons: event.location === 'trained' ? [] : ['too few hours'],
        round: 0,
        batches: [{ first: 0, count: 1 }],
      };
    case 'score':
      return { scored: 1, refused: 0 };
    case 'refine':
      return { ...place, round: event.round + 1, batches: [] };
    case 'test':
      return { ...place, decision: 'promote', reasons: ['better'], expectedChampion: null };
    case 'refit':
      return { ...place, version: '20261122T000000Z-0123abcd', outcome: 'promoted', expectedChampion: null };
    case 'publish':
      return { locations: PLACES.length, failed: 0, summaryKey: 'summary' };
    default:
      return event.step;
  }
}

/** Runs a machine of the templates, interpreted, against functions that answer well but for a fault. */
async function livedBy(
  { resources, config }: Deployment,
  machine: Machine,
  fault: Fault = () => undefined,
  options: { readonly refusedStarts?: number; readonly startedBefore?: boolean } = {},
): Promise<Lived> {
  const clock = new VirtualClock(START);
  const calls: Call[] = [];
  let refused = 0;
  const full = (name: string): string => `garoa-${config.stage}-${name}`;
  const machines = new StateMachines({
    machines: resources.stateMachines,
    clock,
    readObject: async () => JSON.stringify(PLACES.map((location) => ({ location }))),
    allows: (_, action) => {
      if (action !== 'states:StartExecution' || machine !== 'retrain-on-evidence') return true;
      refused += 1;
      return refused > (options.refusedStarts ?? 0);
    },
    invokeFunction: async (arn, payload): Promise<FunctionResult> => {
      const name = resources.functions.find((fn) => fn.arn === arn)?.name;
      const fn = (['ingest', 'hourly', 'retrain'] as const).find((one) => name === full(one));
      if (fn === undefined) return { error: 'Lambda.ResourceNotFoundException', cause: arn };
      // The real function's parser: a state that sends another shape ends the run.
      const event = fn === 'retrain' ? parseStep(payload) : undefined;
      const place =
        event === undefined ? placeOf(payload) : 'location' in event ? String(event.location) : '';
      const before = calls.filter(
        (call) => call.fn === fn && call.place === place && call.error === undefined,
      );
      // A day of a backfill that came by halves is asked for again.
      const step = event?.step ?? (fn === 'ingest' && before.length > 0 ? 'again' : '');
      const count = calls.filter(
        (call) => call.fn === fn && call.step === step && call.place === place,
      ).length;
      const call = { fn, step, place, count, second: (clock.now().getTime() - START.getTime()) / 1000 };
      const error = fault(call);
      calls.push({ ...call, error });
      const cause = JSON.stringify({ errorType: error, errorMessage: 'as the fault wants it', trace: [] });
      if (error !== undefined) return { error, cause };
      const unfinished = place === DAYS.from && step === '' ? 1 : 0;
      return { payload: event === undefined ? { unfinished } : answer(event) };
    },
  });
  if (options.startedBefore) {
    machines.start(full(machine), INPUTS[machine]);
    await clock.run(new Date(START.getTime() + 3_600_000));
  }
  const retrainings = (): number => machines.list().filter((one) => one.machine === full('retrain')).length;
  const before = retrainings();
  const arn = machines.start(full(machine), INPUTS[machine]);
  await clock.run(undefined, () => machines.describe(arn).status !== 'RUNNING');
  const execution = machines.describe(arn);
  await clock.run(new Date(clock.now().getTime() + 60_000));
  return {
    execution,
    calls,
    retrainings: retrainings() - before,
    seconds: (Date.parse(execution.stoppedAt ?? '') - Date.parse(execution.startedAt)) / 1000,
  };
}

/** The day of a backfill's call, or the first of a range. */
function placeOf(payload: unknown): string {
  const text = JSON.stringify(payload);
  return /"(?:date|from)":"([^"]+)"/.exec(text)?.[1] ?? '';
}

/** What passes by itself, as Lambda and Step Functions call it; the last is an error of the function's own. */
const PASSING = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'States.Timeout',
  'ServiceUnavailable',
] as const;

/** What the same call would meet again, as the functions call it. */
const LASTING: Readonly<Record<Call['fn'], readonly string[]>> = {
  hourly: ['EventRefused'],
  ingest: ['EventRefused', 'DayNotAvailable', 'HistoryNotInPlan'],
  retrain: ['Refused', 'TrainingSetDamaged', 'ZodError'],
};

/** A busy account gives no execution for so long, and Lambda itself fails for so long. */
const THROTTLED_SECONDS = 600;
const FAILING_SECONDS = 20;
/** What the functions call may fail for so long; upkeep has a day to wait for it. */
const UNAVAILABLE_SECONDS = { upkeep: 300, backfill: 20, retrain: 60 } as const;
/** A failure that does not pass is told within so long, and meanwhile nothing waits longer for its next try. */
const TOLD_WITHIN_SECONDS = 3 * 3_600;
const LONGEST_PAUSE_SECONDS = 900;
const MOST_TRIES = 20;
/** Each of these may take a quarter of an hour. */
const MOST_DEATHS = 4;
/** What passes at once is tried again within so long. */
const SOON_SECONDS = 60;

/** A call of an ordinary run; each fault is put to one call of every state. */
type Point = Pick<Call, 'fn' | 'step' | 'place'>;

const sameAs = (point: Point) => (call: Call) =>
  call.fn === point.fn && call.step === point.step && call.place === point.place;

/**
 * What the machines make of errors, where that is not what is wanted: an error that passes costs nothing, one that lasts
 * is told soon, costs one day or one place at most, and is not asked for again in vain.
 * @param state the one whose calls are put to faults; all when absent, or when it calls nothing itself.
 */
export async function* machineFindings(
  deployment: Deployment,
  machine: Machine,
  state?: string,
): AsyncGenerator<string> {
  const ordinary = await livedBy(deployment, machine);
  if (unwell(ordinary)) {
    yield 'an ordinary run fails';
    return;
  }
  if (machine === 'retrain') {
    const ends = ordinary.calls.filter(({ step }) => ['promote', 'keep'].includes(step));
    if (ends.length !== PLACES.length) yield 'not every place comes to its end';
  }
  if (machine === 'retrain-on-evidence') {
    if (ordinary.retrainings !== 1) yield 'no retraining was started';
    const again = await livedBy(deployment, machine, undefined, { startedBefore: true });
    if (again.execution.status !== 'SUCCEEDED' || again.retrainings !== 0) yield 'a second event in a period';
    if (again.seconds > 1) yield 'a start that can not be is tried again';
    const once = await livedBy(deployment, machine, undefined, { refusedStarts: 2 });
    if (once.execution.status !== 'SUCCEEDED' || once.retrainings !== 1) yield 'two starts that fail';
    const never = await livedBy(deployment, machine, undefined, { refusedStarts: 1_000 });
    if (never.execution.status === 'SUCCEEDED') yield 'a start that always fails';
    if (never.seconds > TOLD_WITHIN_SECONDS) yield 'a start that always fails is told late';
    return;
  }
  const all = new Map<string, Point>(
    ordinary.calls.toReversed().map(({ fn, step, place }) => [`${fn} ${step}`.trim(), { fn, step, place }]),
  );
  const own = callOf(deployment, machine, state);
  const points = [...all].filter(([name]) => own === undefined || `${name} `.startsWith(`${own} `));
  for (const [name, point] of points) {
    const at = sameAs(point);
    for (const error of PASSING) {
      const lived = await livedBy(deployment, machine, (call) =>
        at(call) && call.count === 0 ? error : undefined,
      );
      if (unwell(lived)) yield `${error} once at ${name}`;
      // An upkeep that died has a day to wait for its second try.
      const soon = error.startsWith('Lambda.') && (machine !== 'upkeep' || error !== 'Lambda.Unknown');
      if (soon && lived.seconds - ordinary.seconds > SOON_SECONDS)
        yield `${error} once at ${name} costs minutes`;
    }
    for (const [error, seconds] of [
      ['Lambda.TooManyRequestsException', THROTTLED_SECONDS],
      ['Lambda.ServiceException', FAILING_SECONDS],
      ['ServiceUnavailable', UNAVAILABLE_SECONDS[machine]],
    ] as const) {
      let since: number | undefined;
      const lived = await livedBy(deployment, machine, (call) => {
        if (!at(call)) return undefined;
        since ??= call.second;
        return call.second < since + seconds ? error : undefined;
      });
      if (unwell(lived)) yield `${error} for ${seconds} s at ${name}`;
    }
    for (const error of LASTING[point.fn]) {
      const { calls } = await livedBy(deployment, machine, (call) => (at(call) ? error : undefined));
      if (calls.filter(at).length > 1) yield `${error} is asked for again at ${name}`;
    }
    for (const [error, most] of [
      ['ServiceUnavailable', MOST_TRIES],
      ['Lambda.TooManyRequestsException', MOST_TRIES],
      ['Lambda.ServiceException', MOST_TRIES],
      ['Lambda.Unknown', MOST_DEATHS],
      ['States.Timeout', MOST_DEATHS],
    ] as const) {
      const lived = await livedBy(deployment, machine, (call) => (at(call) ? error : undefined));
      const tries = lived.calls.filter(at);
      const pauses = tries.slice(1).map(({ second }, index) => second - (tries[index]?.second ?? 0));
      if (lived.seconds > TOLD_WITHIN_SECONDS) yield `${error} at ${name} is told late`;
      if (Math.max(0, ...pauses) > LONGEST_PAUSE_SECONDS) yield `${error} at ${name} is waited out for long`;
      if (tries.length > most) yield `${error} at ${name} is met ${tries.length} times`;
      if (!toldRightly(machine, point, lived)) yield `${error} at ${name} is told wrongly`;
    }
  }
  if (machine === 'retrain') {
    if (own === undefined || own === 'retrain fail') yield* recordingFindings(deployment);
    const lived = await livedBy(deployment, machine, ({ step }) =>
      step === 'test' || step === 'fail' ? 'ServiceUnavailable' : undefined,
    );
    if (lived.execution.status !== 'SUCCEEDED') yield 'a failure that can not be written down';
    const lost = await livedBy(deployment, machine, ({ step }) =>
      step === 'test' ? 'States.DataLimitExceeded' : undefined,
    );
    const steps = lost.calls.map(({ step }) => step).filter((step) => ['plan', 'publish'].includes(step));
    if (lost.execution.status !== 'SUCCEEDED' || steps.join() !== 'plan,publish')
      yield 'a child that is lost';
  }
}

/** The same for the state that writes a place's failure down, which no ordinary run comes to. */
async function* recordingFindings(deployment: Deployment): AsyncGenerator<string> {
  const failing = (fault: Fault) =>
    livedBy(deployment, 'retrain', (call) =>
      call.step === 'refit' ? 'Refused' : call.step === 'fail' ? fault(call) : undefined,
    );
  const written = ({ calls }: Lived) =>
    calls.some(({ step, error }) => step === 'fail' && error === undefined);
  const ordinary = await failing(() => undefined);
  for (const error of PASSING) {
    const lived = await failing(({ count }) => (count === 0 ? error : undefined));
    if (!written(lived)) yield `${error} once loses what is to be written down`;
    if (error.startsWith('Lambda.') && lived.seconds - ordinary.seconds > SOON_SECONDS)
      yield `${error} once costs minutes where a failure is written down`;
  }
  for (const [error, seconds] of [
    ['Lambda.TooManyRequestsException', THROTTLED_SECONDS],
    ['Lambda.ServiceException', FAILING_SECONDS],
    ['ServiceUnavailable', UNAVAILABLE_SECONDS.retrain],
  ] as const) {
    let since: number | undefined;
    const lived = await failing(({ second }) => {
      since ??= second;
      return second < since + seconds ? error : undefined;
    });
    if (!written(lived)) yield `${error} for ${seconds} s loses what is to be written down`;
  }
  for (const [error, most] of [
    ['Refused', 1],
    ['ServiceUnavailable', MOST_TRIES],
    ['Lambda.TooManyRequestsException', MOST_TRIES],
    ['Lambda.ServiceException', MOST_TRIES],
    ['Lambda.Unknown', MOST_DEATHS],
  ] as const) {
    const lived = await failing(() => error);
    const tries = lived.calls.filter(({ step }) => step === 'fail');
    const pauses = tries.slice(1).map(({ second }, index) => second - (tries[index]?.second ?? 0));
    if (tries.length > most) yield `${error} is met ${tries.length} times where a failure is written down`;
    if (Math.max(0, ...pauses) > LONGEST_PAUSE_SECONDS)
      yield `${error} keeps a failure from being written down`;
    if (lived.seconds > TOLD_WITHIN_SECONDS) yield `${error} holds up the others' end`;
  }
}

const taskSchema = z.looseObject({
  Arguments: z.looseObject({
    FunctionName: z.string(),
    Payload: z.looseObject({ step: z.string().default('') }).catch({ step: '' }),
  }),
});

/** Function and step that a state calls. */
function callOf({ resources }: Deployment, machine: Machine, state: string | undefined): string | undefined {
  const definition = resources.stateMachines.find(({ name }) => name.endsWith(`-${machine}`))?.definition;
  const task = taskSchema.safeParse(find(definition, state ?? ''));
  if (!task.success) return undefined;
  const { FunctionName, Payload } = task.data.Arguments;
  const fn = resources.functions.find(({ arn }) => arn === FunctionName)?.name.replace(/^.*-/, '');
  return `${fn} ${Payload.step}`.trim();
}

/** The member of that name, wherever in a value it is. */
function find(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, name)) return Reflect.get(value, name);
  for (const member of Object.values(value)) {
    const found = find(member, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a run did not come to its ordinary end, or one of its places did not. */
function unwell({ execution, calls }: Lived): boolean {
  return execution.status !== 'SUCCEEDED' || calls.some(({ step }) => step === 'fail');
}

/** Whether a failure that lasts ended as it should: with the execution, or with its own day or place alone. */
function toldRightly(machine: Machine, { fn, place }: Point, { execution, calls }: Lived): boolean {
  const { status } = execution;
  if (machine === 'backfill' && fn === 'ingest') {
    const days = calls.filter((call) => call.fn === 'ingest').map((call) => call.place);
    return (
      status === 'FAILED' &&
      (execution.cause?.includes(place) ?? false) &&
      new Set(days).size === 3 &&
      calls.some((call) => call.fn === 'hourly')
    );
  }
  if (machine === 'retrain' && place !== '') {
    const failed = calls.filter((call) => call.step === 'fail').map((call) => call.place);
    const other = place === 'trained' ? 'keep' : 'promote';
    return (
      status === 'SUCCEEDED' &&
      failed.length === 1 &&
      failed[0] === place &&
      calls.some((call) => call.step === other)
    );
  }
  return status === 'FAILED';
}
