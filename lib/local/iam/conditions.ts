import { wildcard } from './wildcards';

/** What is known of a request beside its action and resource, by condition key in lower case. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** One line of a statement's `Condition`: all of a statement must hold. */
export type Condition = (context: Context) => boolean;

/**
 * Condition keys that requests carry here. A key of any other name would silently be absent from every request, so
 * a policy that uses one is refused.
 */
const KEYS: Readonly<Record<string, 'one value' | 'several values'>> = {
  'aws:calledvia': 'several values',
  'aws:principalarn': 'one value',
  'aws:securetransport': 'one value',
  'aws:sourceaccount': 'one value',
  'aws:sourcearn': 'one value',
  'events:detail-type': 'several values',
  'events:source': 'several values',
  's3:prefix': 'one value',
  's3:tlsversion': 'one value',
};

type Test = (value: string, wanted: string) => boolean;

const same: Test = (value, wanted) => value === wanted;
const sameLetters: Test = (value, wanted) => value.toLowerCase() === wanted.toLowerCase();
const like: Test = (value, wanted) => wildcard(wanted)(value);
const likeArn: Test = (value, wanted) => {
  const [has, wants] = [value.split(':'), wanted.split(':')];
  const rest = (parts: readonly string[]): string => parts.slice(5).join(':');
  return (
    wants.slice(0, 5).every((part, index) => wildcard(part)(has[index] ?? '')) &&
    wildcard(rest(wants))(rest(has))
  );
};
const compared =
  (read: (text: string) => number, holds: (a: number, b: number) => boolean): Test =>
  (value, wanted) =>
    holds(read(value), read(wanted));
const comparisons = (kind: string, read: (text: string) => number): Record<string, Test> => ({
  [`${kind}Equals`]: compared(read, (a, b) => a === b),
  [`${kind}LessThan`]: compared(read, (a, b) => a < b),
  [`${kind}LessThanEquals`]: compared(read, (a, b) => a <= b),
  [`${kind}GreaterThan`]: compared(read, (a, b) => a > b),
  [`${kind}GreaterThanEquals`]: compared(read, (a, b) => a >= b),
});

const TESTS: Readonly<Record<string, Test>> = {
  StringEquals: same,
  StringEqualsIgnoreCase: sameLetters,
  StringLike: like,
  // IAM treats the two alike: both take wildcards.
  ArnEquals: likeArn,
  ArnLike: likeArn,
  Bool: sameLetters,
  ...comparisons('Numeric', Number),
  ...comparisons('Date', (text) => Date.parse(text)),
};

/** `StringNotEquals` is the negation of `StringEquals`, and so on. */
const NEGATIONS: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
};

/**
 * The conditions of a statement, as tests. Rules of missing keys and of several values:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 * @throws what `refuse` makes, for an operator or a key that is not evaluated here.
 */
export function parseConditions(
  written: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>,
  refuse: (reason: string) => Error,
): Condition[] {
  return Object.entries(written).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => condition(operator, key, values, refuse)),
  );
}

function condition(
  written: string,
  key: string,
  wanted: readonly string[],
  refuse: (reason: string) => Error,
): Condition {
  const [, set, operator = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(written) ?? [];
  const name = key.toLowerCase();
  const kind = KEYS[name];
  if (kind === undefined) throw refuse(`the condition key ${key} is not known here`);
  const values = (context: Context): readonly string[] => [context[name] ?? []].flat();
  if (operator === 'Null' && set === undefined && ifExists === undefined) {
    return (context) => wanted.some((one) => (one === 'true') === (values(context).length === 0));
  }
  const negated = NEGATIONS[operator];
  const test = TESTS[negated ?? operator];
  if (test === undefined) throw refuse(`the condition operator ${written} is not evaluated here`);
  if (kind === 'several values' && set === undefined) {
    throw refuse(`${key} has several values: ForAllValues or ForAnyValue must say which of them count`);
  }
  const holds = (value: string): boolean =>
    wanted.some((one) => test(value, one)) !== (negated !== undefined);
  return (context) => {
    const present = values(context);
    if (set === 'ForAllValues') return present.every(holds);
    if (set === 'ForAnyValue') return present.some(holds);
    if (present.length === 0) return ifExists !== undefined || negated !== undefined;
    return present.every(holds);
  };
}
