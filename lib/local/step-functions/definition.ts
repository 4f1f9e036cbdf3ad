import jsonata from 'jsonata';
import * as z from 'zod';

/**
 * The part of the Amazon States Language that the interpreter runs: JSONata throughout, Lambda invocations
 * and nested executions as tasks, inline and distributed maps. Anything else is refused when it is read,
 * so that a definition which would behave differently in AWS never runs here.
 */

const expression = z.string().regex(/^\{%[\s\S]*%\}$/, 'must be a JSONata expression in {% %}');
const numberOr = z.union([z.number().nonnegative(), expression]);
const assign = z.record(z.string(), z.unknown());

const retrier = z.strictObject({
  ErrorEquals: z.array(z.string()).min(1),
  IntervalSeconds: z.int().positive().default(1),
  MaxAttempts: z.int().nonnegative().default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().positive().optional(),
  JitterStrategy: z.enum(['NONE', 'FULL']).default('NONE'),
  Comment: z.string().optional(),
});
export type Retrier = z.infer<typeof retrier>;

const catcher = z.strictObject({
  ErrorEquals: z.array(z.string()).min(1),
  Next: z.string(),
  Output: z.unknown().optional(),
  Assign: assign.optional(),
  Comment: z.string().optional(),
});
export type Catcher = z.infer<typeof catcher>;

const common = { Comment: z.string().optional(), QueryLanguage: z.literal('JSONata').optional() };
const leads = { Next: z.string().optional(), End: z.literal(true).optional() };
const outcome = { Output: z.unknown().optional(), Assign: assign.optional() };
const handling = { Retry: z.array(retrier).default([]), Catch: z.array(catcher).default([]) };

const task = z.strictObject({
  Type: z.literal('Task'),
  ...common,
  ...leads,
  ...outcome,
  ...handling,
  Resource: z.enum([
    'arn:aws:states:::lambda:invoke',
    'arn:aws:states:::states:startExecution',
    'arn:aws:states:::states:startExecution.sync:2',
  ]),
  Arguments: z.unknown().optional(),
  TimeoutSeconds: numberOr.optional(),
});
export type TaskState = z.infer<typeof task>;

const choice = z.strictObject({
  Type: z.literal('Choice'),
  ...common,
  ...outcome,
  Choices: z
    .array(
      z.strictObject({ Condition: expression, Next: z.string(), ...outcome, Comment: z.string().optional() }),
    )
    .min(1),
  Default: z.string().optional(),
});
export type ChoiceState = z.infer<typeof choice>;

const pass = z.strictObject({ Type: z.literal('Pass'), ...common, ...leads, ...outcome });
const wait = z.strictObject({
  Type: z.literal('Wait'),
  ...common,
  ...leads,
  ...outcome,
  Seconds: numberOr.optional(),
  Timestamp: z.string().optional(),
});
export type WaitState = z.infer<typeof wait>;
const succeed = z.strictObject({ Type: z.literal('Succeed'), ...common, Output: z.unknown().optional() });
const fail = z.strictObject({
  Type: z.literal('Fail'),
  ...common,
  Error: z.string().optional(),
  Cause: z.string().optional(),
});
export type FailState = z.infer<typeof fail>;

const itemReader = z.strictObject({
  Resource: z.literal('arn:aws:states:::s3:getObject'),
  ReaderConfig: z.strictObject({
    InputType: z.enum(['JSON', 'JSONL']),
    MaxItems: z.int().positive().optional(),
  }),
  Arguments: z.unknown(),
});

const mapOwn = z.strictObject({
  Type: z.literal('Map'),
  ...common,
  ...leads,
  ...outcome,
  ...handling,
  Items: z.union([expression, z.array(z.unknown())]).optional(),
  ItemReader: itemReader.optional(),
  ItemSelector: z.unknown().optional(),
  ItemBatcher: z.strictObject({ MaxItemsPerBatch: numberOr, BatchInput: z.unknown().optional() }).optional(),
  MaxConcurrency: numberOr.optional(),
  ToleratedFailurePercentage: numberOr.optional(),
  ToleratedFailureCount: numberOr.optional(),
  Label: z.string().optional(),
});
const parallelOwn = z.strictObject({
  Type: z.literal('Parallel'),
  ...common,
  ...leads,
  ...outcome,
  ...handling,
});

const processorConfig = z.strictObject({
  Mode: z.enum(['INLINE', 'DISTRIBUTED']).default('INLINE'),
  ExecutionType: z.enum(['STANDARD', 'EXPRESS']).optional(),
});

/** A chain of states with a start: a whole machine, a branch, or what a Map runs for each item. */
export interface Scope {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
export type MapState = z.infer<typeof mapOwn> & {
  readonly ItemProcessor: Scope & { readonly ProcessorConfig: z.infer<typeof processorConfig> };
};
export type ParallelState = z.infer<typeof parallelOwn> & { readonly Branches: readonly Scope[] };
export type State =
  | TaskState
  | ChoiceState
  | z.infer<typeof pass>
  | WaitState
  | z.infer<typeof succeed>
  | FailState
  | MapState
  | ParallelState;

const states: z.ZodType<Record<string, State>> = z.lazy(() => z.record(z.string(), state));
const scopeFields = { StartAt: z.string(), States: states, Comment: z.string().optional() };
const map = mapOwn.extend({
  ItemProcessor: z.strictObject({
    ...scopeFields,
    ProcessorConfig: processorConfig.default({ Mode: 'INLINE' }),
  }),
});
const parallel = parallelOwn.extend({ Branches: z.array(z.strictObject(scopeFields)).min(1) });
const state = z.discriminatedUnion('Type', [task, choice, pass, wait, succeed, fail, map, parallel]);

const machine = z.strictObject({
  ...scopeFields,
  QueryLanguage: z.literal('JSONata'),
  Version: z.literal('1.0').optional(),
  TimeoutSeconds: z.int().positive().optional(),
});
export type MachineDefinition = z.infer<typeof machine>;

/** A definition is outside the language that the interpreter runs, or does not hold together. */
class BadDefinition extends Error {
  override readonly name = 'BadDefinition';
}

/**
 * Checks a definition as Step Functions does on creation: fields, transitions, JSONata syntax.
 * @throws BadDefinition naming machine, place and reason.
 */
export function parseDefinition(name: string, definition: unknown): MachineDefinition {
  const parsed = machine.safeParse(definition);
  if (!parsed.success) {
    throw new BadDefinition(`State machine ${name}: ${z.prettifyError(parsed.error)}`);
  }
  const reasons = [...scopeProblems(parsed.data, ''), ...syntaxProblems(parsed.data, '')];
  if (reasons.length > 0) throw new BadDefinition(`State machine ${name}: ${reasons.join('; ')}`);
  return parsed.data;
}

function* scopeProblems(scope: Scope, path: string): Generator<string> {
  const has = (name: string): boolean => Object.hasOwn(scope.States, name);
  if (!has(scope.StartAt)) yield `${path}/StartAt: no state "${scope.StartAt}"`;
  for (const [name, state] of Object.entries(scope.States)) {
    const here = `${path}/${name}`;
    for (const target of targets(state)) {
      if (!has(target)) yield `${here}: no state "${target}" to go to`;
    }
    if ('End' in state || 'Next' in state) {
      if (state.End !== undefined && state.Next !== undefined) yield `${here}: has both Next and End`;
    } else if (['Task', 'Pass', 'Wait', 'Map', 'Parallel'].includes(state.Type)) {
      yield `${here}: has neither Next nor End`;
    }
    if (state.Type === 'Wait' && (state.Seconds === undefined) === (state.Timestamp === undefined)) {
      yield `${here}: needs either Seconds or Timestamp`;
    }
    if (state.Type === 'Map') yield* mapProblems(state, here);
    if (state.Type === 'Parallel') {
      for (const [index, branch] of state.Branches.entries())
        yield* scopeProblems(branch, `${here}[${index}]`);
    }
  }
}

function* mapProblems(state: MapState, here: string): Generator<string> {
  const inline = state.ItemProcessor.ProcessorConfig.Mode === 'INLINE';
  const distributedOnly = [
    'ItemReader',
    'ItemBatcher',
    'ToleratedFailurePercentage',
    'ToleratedFailureCount',
    'Label',
  ] as const;
  for (const field of distributedOnly) {
    if (inline && state[field] !== undefined) yield `${here}: ${field} needs a distributed Map`;
  }
  if (!inline && state.ItemProcessor.ProcessorConfig.ExecutionType === undefined) {
    yield `${here}: a distributed Map needs an ExecutionType`;
  }
  if (state.Items !== undefined && state.ItemReader !== undefined) {
    yield `${here}: has both Items and ItemReader`;
  }
  yield* scopeProblems(state.ItemProcessor, `${here}/ItemProcessor`);
}

function targets(state: State): string[] {
  const found: string[] = [];
  if ('Next' in state && state.Next !== undefined) found.push(state.Next);
  if ('Catch' in state) found.push(...state.Catch.map(({ Next }) => Next));
  if (state.Type === 'Choice') {
    found.push(...state.Choices.map(({ Next }) => Next));
    if (state.Default !== undefined) found.push(state.Default);
  }
  return found;
}

function* syntaxProblems(value: unknown, path: string): Generator<string> {
  const source = expressionSource(value);
  if (source !== undefined) {
    try {
      jsonata(source);
    } catch (error) {
      yield `${path}: ${jsonataMessage(error)}`;
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) yield* syntaxProblems(member, `${path}/${key}`);
  }
}

/** The JSONata inside `{% … %}`; undefined for anything that is not such a string. */
export function expressionSource(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith('{%') && value.endsWith('%}')
    ? value.slice(2, -2).trim()
    : undefined;
}

/** jsonata throws plain objects with a message. */
export function jsonataMessage(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
