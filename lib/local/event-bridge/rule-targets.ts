import type { RuleTarget } from '../assembly/resources';

/** What a rule hands to a target: the event, a part of it, or a fixed text. */
export function targetInput({ input, inputPath }: RuleTarget, event: unknown): unknown {
  if (input !== undefined) {
    const fixed: unknown = JSON.parse(input);
    return fixed;
  }
  return inputPath === undefined ? event : at(event, inputPath);
}

/** The value at a path of names such as `$.detail.location`. */
function at(event: unknown, path: string): unknown {
  return path
    .replace(/^\$\.?/, '')
    .split('.')
    .filter((name) => name !== '')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null
          ? Object.entries(value).find(([key]) => key === name)?.[1]
          : undefined,
      event,
    );
}
