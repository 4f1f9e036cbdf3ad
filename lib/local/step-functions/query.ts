import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import { seededRandom } from '../random';
import { expressionSource, jsonataMessage } from './definition';
import { StatesError } from './errors';

/** What an expression may look at. */
export interface QueryScope {
  /** The value of `$states`: input, context and, where the field has them, result or errorOutput. */
  readonly states: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, unknown>>;
  /** What `$now()` and `$millis()` answer. */
  readonly now: Date;
  /** Makes `$uuid()` and unseeded `$random()` repeatable: differs from one evaluation to the next. */
  readonly seed: string;
}

/**
 * Evaluates every `{% … %}` string inside a value, as Step Functions does for Arguments, Output and the like.
 * @throws StatesError States.QueryEvaluationError naming the field, when an expression fails or yields nothing.
 */
export async function evaluate(value: unknown, field: string, scope: QueryScope): Promise<unknown> {
  const source = expressionSource(value);
  if (source !== undefined) return evaluateExpression(source, field, scope);
  if (Array.isArray(value)) {
    return Promise.all(value.map((member, index) => evaluate(member, `${field}[${index}]`, scope)));
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      async ([key, member]) => [key, await evaluate(member, `${field}/${key}`, scope)] as const,
    );
    return Object.fromEntries(await Promise.all(members));
  }
  return value;
}

const parsed = new Map<string, jsonata.Expression>();

async function evaluateExpression(source: string, field: string, scope: QueryScope): Promise<unknown> {
  let expression = parsed.get(source);
  if (expression === undefined) {
    expression = jsonata(source);
    parsed.set(source, expression);
  }
  const fail = (reason: string): StatesError =>
    new StatesError(
      'States.QueryEvaluationError',
      `The JSONata expression '${source}' specified for the field '${field}' ${reason}`,
    );
  let result: unknown;
  try {
    result = await expression.evaluate({}, { states: scope.states, ...scope.variables, ...functions(scope) });
  } catch (error) {
    throw fail(`threw an error during evaluation. ${jsonataMessage(error)}`);
  }
  if (result === undefined) throw fail('returned nothing (undefined).');
  if (typeof result === 'function' || isLambda(result)) throw fail('returned an unsupported result type.');
  // jsonata marks its arrays with hidden members: only the JSON of the value goes on.
  const plain: unknown = JSON.parse(JSON.stringify(result));
  return plain;
}

function isLambda(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_jsonata_lambda' in value;
}

/** The functions that Step Functions adds to JSONata, and those that must not look at the real clock. */
function functions(scope: QueryScope): Record<string, (...args: never[]) => unknown> {
  const random = seededRandom(scope.seed);
  return {
    partition: (array: unknown, size: unknown) => partition(array, size),
    range: (first: unknown, last: unknown, delta: unknown) => range(first, last, delta),
    hash: (text: unknown, algorithm: unknown) => hash(text, algorithm),
    random: (seed?: unknown) => (seed === undefined ? random() : seededRandom(String(seed))()),
    uuid: () => uuid(random),
    parse: (text: unknown) => parseJson(text),
    now: (picture?: unknown, zone?: unknown) => formatNow(scope.now, picture, zone),
    millis: () => scope.now.getTime(),
    eval: () => {
      throw new Error('$eval is not supported by Step Functions; use $parse');
    },
  };
}

function partition(array: unknown, size: unknown): unknown[][] {
  if (!Array.isArray(array)) throw new Error('$partition: the first argument is not an array');
  if (typeof size !== 'number' || size < 1) throw new Error('$partition: the size is not a positive number');
  const step = Math.floor(size);
  return Array.from({ length: Math.ceil(array.length / step) }, (_, index) =>
    array.slice(index * step, (index + 1) * step),
  );
}

function range(first: unknown, last: unknown, delta: unknown): number[] {
  if (typeof first !== 'number' || typeof last !== 'number' || typeof delta !== 'number' || delta === 0) {
    throw new Error('$range: first, last and delta must be numbers, and delta not 0');
  }
  const count = Math.floor((last - first) / delta) + 1;
  if (count > 1000) throw new Error('$range: more than 1000 items');
  return Array.from({ length: Math.max(count, 0) }, (_, index) => first + index * delta);
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

function hash(text: unknown, algorithm: unknown): string {
  const name = ALGORITHMS[String(algorithm)];
  if (name === undefined) throw new Error(`$hash: unknown algorithm ${String(algorithm)}`);
  return createHash(name)
    .update(typeof text === 'string' ? text : (JSON.stringify(text) ?? ''))
    .digest('hex');
}

function uuid(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16));
  digits[12] = '4';
  digits[16] = '89ab'.charAt(Math.floor(random() * 4));
  const text = digits.join('');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  );
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') throw new Error('$parse: the argument is not a string');
  const value: unknown = JSON.parse(text);
  return value;
}

const fromMillis = jsonata('$fromMillis(millis, picture, zone)');

function formatNow(now: Date, picture: unknown, zone: unknown): unknown {
  return picture === undefined
    ? now.toISOString()
    : fromMillis.evaluate({ millis: now.getTime(), picture, ...(zone === undefined ? {} : { zone }) });
}

/** A member of what an expression gave, where that is an object. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
