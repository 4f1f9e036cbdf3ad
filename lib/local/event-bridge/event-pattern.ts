import * as z from 'zod';

const numericTests = z.array(z.union([z.string(), z.number()]));
const contentFilter = z.union([
  z.strictObject({ prefix: z.string() }),
  z.strictObject({ suffix: z.string() }),
  z.strictObject({ exists: z.boolean() }),
  z.strictObject({ 'equals-ignore-case': z.string() }),
  z.strictObject({ numeric: numericTests }),
  z.strictObject({
    'anything-but': z.union([
      z.string(),
      z.number(),
      z.array(z.union([z.string(), z.number()])),
      z.strictObject({ prefix: z.string() }),
      z.strictObject({ suffix: z.string() }),
    ]),
  }),
]);
type ContentFilter = z.infer<typeof contentFilter>;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const objectSchema = z.record(z.string(), z.unknown());

/**
 * Does an event match an EventBridge pattern? Each field of the pattern names the values that it takes (any of
 * the list: literals, `prefix`, `suffix`, `anything-but`, `numeric`, `exists`, `equals-ignore-case`); all fields
 * must match; an array in the event matches when one of its elements does.
 * @throws Error on a filter that is not known here, since a rule that silently never matches is worse.
 */
export function matchesPattern(pattern: unknown, event: unknown): boolean {
  const fields = objectSchema.parse(pattern);
  const values = objectSchema.safeParse(event);
  return Object.entries(fields).every(([name, wanted]) => {
    if (name === '$or') {
      return z
        .array(z.unknown())
        .parse(wanted)
        .some((one) => matchesPattern(one, event));
    }
    const value = values.success ? values.data[name] : undefined;
    if (!Array.isArray(wanted)) {
      return Array.isArray(value)
        ? value.some((one) => matchesPattern(wanted, one))
        : matchesPattern(wanted, value);
    }
    return wanted.some((test) =>
      Array.isArray(value) && value.length > 0
        ? value.some((one) => matchesValue(test, one))
        : matchesValue(test, value),
    );
  });
}

function matchesValue(test: unknown, value: unknown): boolean {
  const literal = scalar.safeParse(test);
  if (literal.success) {
    return literal.data === value;
  }
  const filter = contentFilter.safeParse(test);
  if (!filter.success) {
    throw new Error(`This event pattern filter is not known here: ${JSON.stringify(test)}`);
  }
  return matchesFilter(filter.data, value);
}

function matchesFilter(filter: ContentFilter, value: unknown): boolean {
  if ('exists' in filter) {
    return filter.exists === (value !== undefined);
  }
  if ('prefix' in filter) {
    return typeof value === 'string' && value.startsWith(filter.prefix);
  }
  if ('suffix' in filter) {
    return typeof value === 'string' && value.endsWith(filter.suffix);
  }
  if ('equals-ignore-case' in filter) {
    return typeof value === 'string' && value.toLowerCase() === filter['equals-ignore-case'].toLowerCase();
  }
  if ('numeric' in filter) {
    return typeof value === 'number' && matchesNumeric(filter.numeric, value);
  }
  const refused = filter['anything-but'];
  if (value === undefined) {
    return false;
  }
  if (Array.isArray(refused)) {
    return !refused.some((one) => one === value);
  }
  return typeof refused === 'object' ? !matchesFilter(refused, value) : refused !== value;
}

/** `[">", 0, "<=", 5]`: comparisons in pairs, all of which must hold. */
function matchesNumeric(tests: readonly (string | number)[], value: number): boolean {
  for (let i = 0; i < tests.length; i += 2) {
    const [operator, bound] = [tests[i], Number(tests[i + 1])];
    const holds =
      operator === '='
        ? value === bound
        : operator === '<'
          ? value < bound
          : operator === '<='
            ? value <= bound
            : operator === '>'
              ? value > bound
              : operator === '>='
                ? value >= bound
                : undefined;
    if (holds === undefined || Number.isNaN(bound)) {
      throw new Error(`This numeric test is not known here: ${JSON.stringify(tests)}`);
    }
    if (!holds) {
      return false;
    }
  }
  return tests.length > 0;
}
