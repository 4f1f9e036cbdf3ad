import { BadArguments, type Given, type OptionSpec, readArguments } from '../terminal/arguments';
import type { Progress } from '../terminal/progress';
import type { Access } from './access';

/** What a command found out: for people, and for programs (`--json`). */
export interface Answer {
  readonly text: string;
  readonly data: unknown;
}

/** The surroundings of a command beside AWS. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & {
    readonly isTTY?: boolean;
    setRawMode?(raw: boolean): unknown;
  };
  /** Takes results. */
  readonly output: { write(text: string): unknown };
  /** Takes questions, progress and errors. */
  readonly messages: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown };
  readonly openInBrowser: (file: string) => void;
  /** Folder that relative paths start from. */
  readonly directory: string;
}

export interface Surroundings {
  readonly access: Access;
  readonly progress: Progress;
  readonly terminal: Terminal;
}

export interface DescribedOption extends OptionSpec {
  /** What stands for the value in the help, such as `DATE`. */
  readonly placeholder?: string;
  readonly meaning: string;
}
type DescribedOptions = Readonly<Record<string, DescribedOption>>;

/** Options that every command takes. */
export const COMMON_OPTIONS = {
  stage: { type: 'string', placeholder: 'NAME', meaning: 'the stage that was deployed (prod)' },
  region: { type: 'string', placeholder: 'NAME', meaning: 'AWS region, instead of the one that is set' },
  profile: { type: 'string', placeholder: 'NAME', meaning: 'AWS profile, instead of the one that is set' },
  local: { type: 'boolean', meaning: 'ask the local cloud that npm start left in .garoa/' },
  json: { type: 'boolean', meaning: 'answer in JSON, for programs' },
  help: { type: 'boolean', short: 'h', meaning: 'show this' },
} as const satisfies DescribedOptions;

export type Work = (surroundings: Surroundings) => Promise<Answer>;

/** A command as its file defines it. */
interface CommandDefinition<Options extends DescribedOptions> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Sentences for `help <command>`. */
  readonly details: string;
  /** Names of what must follow the command, in order. */
  readonly operands: readonly string[];
  readonly options: Options;
  /** What is on its command line may be a secret: a mistake is never quoted. */
  readonly secretive?: boolean;
  /**
   * Checks what was given before anything is called, and gives the work that follows from it.
   * @throws BadArguments
   */
  prepare(given: Given<Options>, operands: readonly string[]): Work;
}

/** A command as the command line knows it. */
export interface Command extends Omit<CommandDefinition<DescribedOptions>, 'prepare'> {
  /** @throws BadArguments */
  read(args: readonly string[]): { readonly common: Given<typeof COMMON_OPTIONS>; readonly work: Work };
}

export function command<Options extends DescribedOptions>(definition: CommandDefinition<Options>): Command {
  const hint = ` See npm run garoa -- help ${definition.name}.`;
  return {
    ...definition,
    read(args) {
      try {
        const given = readArguments(args, { ...COMMON_OPTIONS, ...definition.options }, hint);
        const [, ...operands] = given.positionals;
        const { length } = definition.operands;
        const extra = operands[length];
        if (extra !== undefined) throw new BadArguments(`Unexpected "${extra}".${hint}`);
        if (operands.length < length) {
          const wanted = definition.operands.map((name) => `<${name}>`).join(' ');
          throw new BadArguments(`${definition.name} needs ${wanted}.${hint}`);
        }
        return { common: given, work: definition.prepare(given, operands) };
      } catch (error) {
        if (!(error instanceof BadArguments && definition.secretive)) throw error;
        throw new BadArguments(
          `${definition.name} reads the key from standard input, never from the command line, which others can see.${hint}`,
        );
      }
    },
  };
}
