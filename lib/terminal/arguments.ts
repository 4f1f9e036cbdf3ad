import { parseArgs } from 'node:util';
import { closest } from './closest';
import { Refusal } from './refusal';

/** The command line is wrong; the message is one line with a hint. */
export class BadArguments extends Refusal {
  override readonly name = 'BadArguments';
}

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What stands on a command line, checked against its options. */
export interface Given<Options extends OptionSpecs> {
  readonly positionals: readonly string[];
  value(name: keyof Options & string): string | undefined;
  has(name: keyof Options & string): boolean;
}

/**
 * Reads a command line. Called by `npm start` and `npm run garoa`; what values mean is for them to say.
 * @param hint ends every message, such as ` See npm start -- --help.`
 * @throws BadArguments for an option that is unknown, given twice, or lacks its value.
 */
export function readArguments<Options extends OptionSpecs>(
  args: readonly string[],
  options: Options,
  hint: string,
): Given<Options> {
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, string | undefined>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      positionals.push(token.value);
      continue;
    }
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (spec === undefined) {
      const near = closest(token.name, Object.keys(options));
      const advice = near === undefined ? '' : ` Did you mean --${near}?`;
      throw new BadArguments(`Unknown option ${token.rawName}.${advice}${hint}`);
    }
    if (given.has(token.name)) throw new BadArguments(`--${token.name} is given twice.${hint}`);
    if (spec.type === 'boolean' && token.value !== undefined) {
      throw new BadArguments(`--${token.name} takes no value.${hint}`);
    }
    // Without an equals sign the parser takes the next option for a value.
    const taken = token.inlineValue === false && token.value?.startsWith('--');
    if (spec.type === 'string' && (!token.value || taken === true)) {
      throw new BadArguments(`--${token.name} needs a value.${hint}`);
    }
    given.set(token.name, token.value);
  }
  return { positionals, value: (name) => given.get(name), has: (name) => given.has(name) };
}
