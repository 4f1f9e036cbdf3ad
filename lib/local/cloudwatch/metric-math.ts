import { UnknownMetric } from './metric';

/** One value for each period that was asked for; a period without a value is undefined. */
export type Series = readonly (number | undefined)[];
type Value = number | Series | readonly Series[];

type Token = { readonly kind: 'number' | 'name' | 'sign'; readonly text: string };

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(&&|\|\||[<>=!]=|[-+*/^(),<>[\]]))/y;

/** From the loosest to the tightest. */
const OPERATORS: readonly (readonly string[])[] = [
  ['OR', '||'],
  ['AND', '&&'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/'],
  ['^'],
];

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  OR: (a, b) => Number(a !== 0 || b !== 0),
  AND: (a, b) => Number(a !== 0 && b !== 0),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '^': (a, b) => a ** b,
};
const SPELT: Readonly<Record<string, string>> = { '||': 'OR', '&&': 'AND' };

/**
 * CloudWatch's metric math, as far as alarms here use it: operators, IF, METRICS, and SUM of several series. Of a
 * missing value: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 * @param metrics by their ids, all over the same periods.
 * @throws UnknownMetric for any other function, an id that is none, or text that is no expression.
 */
export function evaluateMath(expression: string, metrics: ReadonlyMap<string, Series>): Series {
  const tokens = tokensOf(expression);
  const refuse = (reason: string): UnknownMetric =>
    new UnknownMetric(`Metric math "${expression}": ${reason}`);
  let position = 0;
  const next = (): Token | undefined => tokens[position];
  const take = (text: string): boolean => {
    const found = next()?.text === text && next()?.kind !== 'number';
    if (found) position += 1;
    return found;
  };
  const expect = (text: string): void => {
    if (!take(text)) throw refuse(`"${text}" is missing`);
  };

  const binary = (level: number): Value => {
    const operators = OPERATORS[level];
    if (operators === undefined) return unary();
    let left = binary(level + 1);
    for (;;) {
      const operator = operators.find((one) => take(one));
      if (operator === undefined) return left;
      left = combine(SPELT[operator] ?? operator, left, binary(level + 1));
    }
  };
  const unary = (): Value => (take('-') ? combine('-', 0, unary()) : primary());
  const list = (end: string): Value[] => {
    const values: Value[] = [];
    if (take(end)) return values;
    do values.push(binary(0));
    while (take(','));
    expect(end);
    return values;
  };
  const primary = (): Value => {
    const token = next();
    if (token === undefined) throw refuse('it ends too early');
    if (token.kind === 'number') {
      position += 1;
      return Number(token.text);
    }
    if (take('(')) {
      const value = binary(0);
      expect(')');
      return value;
    }
    if (take('[')) return list(']').map(oneSeries);
    if (token.kind === 'sign') throw refuse(`"${token.text}" is not expected`);
    position += 1;
    if (take('(')) return call(token.text, list(')'));
    const series = metrics.get(token.text);
    if (series === undefined) throw refuse(`there is no metric ${token.text}`);
    return series;
  };
  const oneSeries = (value: Value): Series => {
    if (typeof value === 'number' || isSeveral(value)) throw refuse('one time series is wanted');
    return value;
  };
  const call = (name: string, values: readonly Value[]): Value => {
    const [first, second, third] = values;
    switch (name) {
      case 'METRICS':
        if (first !== undefined) throw refuse('METRICS with an argument is not computed here');
        return [...metrics.values()];
      case 'SUM':
        // Of one series it is a number that depends on how many points CloudWatch fetches: no alarm should ask.
        if (first === undefined || typeof first === 'number' || !isSeveral(first)) {
          throw refuse('SUM is computed of several series');
        }
        return first.reduce((sum, series) => oneSeries(combine('+', sum, series)));
      case 'IF':
        if (first === undefined || second === undefined) throw refuse('IF wants a condition and a value');
        return choose(oneSeries(first), second, third);
      default:
        throw refuse(`the function ${name} is not computed here`);
    }
  };
  const choose = (condition: Series, whenTrue: Value, whenFalse: Value | undefined): Series =>
    condition.map((met, index) => {
      if (met === undefined) return undefined;
      if (met !== 0) return typeof whenTrue === 'number' ? whenTrue : (oneSeries(whenTrue)[index] ?? 0);
      if (whenFalse === undefined || typeof whenFalse === 'number') return whenFalse;
      return oneSeries(whenFalse)[index];
    });
  const combine = (operator: string, left: Value, right: Value): Value => {
    const operate = OPERATIONS[operator];
    if (operate === undefined) throw refuse(`the operator ${operator} is not computed here`);
    if (typeof left === 'number' && typeof right === 'number') return operate(left, right);
    const a = typeof left === 'number' ? undefined : oneSeries(left);
    const b = typeof right === 'number' ? undefined : oneSeries(right);
    return (a ?? b ?? []).map((_, index) => {
      // Of two series, one that has no value counts as 0; where none has one, there is none.
      if (a?.[index] === undefined && b?.[index] === undefined) return undefined;
      const result = operate(
        typeof left === 'number' ? left : (a?.[index] ?? 0),
        typeof right === 'number' ? right : (b?.[index] ?? 0),
      );
      // A division by zero drops the point.
      return Number.isFinite(result) ? result : undefined;
    });
  };

  const value = binary(0);
  if (position < tokens.length) throw refuse(`"${next()?.text}" is not expected`);
  return oneSeries(value);
}

function isSeveral(value: Series | readonly Series[]): value is readonly Series[] {
  return value.length > 0 && value.every((one) => Array.isArray(one));
}

function tokensOf(expression: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const [, number, name, sign] = TOKEN.exec(expression) ?? [];
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else
      throw new UnknownMetric(`Metric math "${expression}": not understood from "${expression.slice(from)}"`);
  }
  return tokens;
}
