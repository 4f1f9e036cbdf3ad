import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stageSchema } from '../config';
import { BadArguments, type Given, type OptionSpecs, readArguments } from '../terminal/arguments';
import { closest } from '../terminal/closest';
import { createProgress } from '../terminal/progress';
import { type Access, accessToAws } from './access';
import { COMMON_OPTIONS, type Command, type Terminal } from './command';
import { COMMANDS } from './commands';
import { explain } from './explain';
import { helpOf, overview } from './help';

const DEFAULT_STAGE = 'prod';
const LOCAL_FOLDER = '.garoa';
const HINT = ' See npm run garoa -- help.';

/** The way to a deployed system, open as long as a command works. */
export interface Connection {
  readonly access: Access;
  close(): Promise<void>;
}
type Connect = (common: Given<typeof COMMON_OPTIONS>, terminal: Terminal) => Promise<Connection>;

/**
 * `npm run garoa -- <command>`. Results go to the output, everything else to the messages. With `--json` the output
 * is JSON, also when the command fails: `{"error": {"message": …}}`.
 * @returns the exit code.
 */
export async function operate(
  args: readonly string[],
  terminal: Terminal,
  connect: Connect = connectAsAsked,
): Promise<number> {
  const progress = createProgress(terminal.messages);
  // Asked for on a command line that can't be read as well: whoever reads the answer is a program all the same.
  const json = args.includes('--json');
  let profile: string | undefined;
  try {
    const { word, help } = scan(args);
    if (help) {
      terminal.output.write(word === undefined ? overview(COMMANDS) : helpOf(commandOf(word)));
      return 0;
    }
    if (word === undefined) {
      readArguments(args, COMMON_OPTIONS, HINT);
      terminal.messages.write(overview(COMMANDS));
      if (json) terminal.output.write(failureJson(`No command is given.${HINT}`));
      return 1;
    }
    const { common, work } = commandOf(word).read(args);
    profile = common.value('profile');
    const connection = await connect(common, terminal);
    try {
      const { text, data } = await work({ access: connection.access, progress, terminal });
      terminal.output.write(`${common.has('json') ? JSON.stringify(data, null, 2) : text}\n`);
    } finally {
      await connection.close();
    }
    return 0;
  } catch (error) {
    progress.end('✗');
    const message = explain(error, profile);
    terminal.messages.write(`${message}\n`);
    if (json) terminal.output.write(failureJson(message));
    return 1;
  }
}

function failureJson(message: string): string {
  return `${JSON.stringify({ error: { message } }, null, 2)}\n`;
}

/** Every option of every command, to tell the command from values of options before it. */
const ALL_OPTIONS: OptionSpecs = Object.fromEntries(
  [COMMON_OPTIONS, ...COMMANDS.map(({ options }) => options)].flatMap((options) => Object.entries(options)),
);

/** The command's word, and whether help is asked for rather than the command itself. */
function scan(args: readonly string[]): { readonly word: string | undefined; readonly help: boolean } {
  const { tokens } = parseArgs({
    args: [...args],
    options: ALL_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const asked = tokens.some((token) => token.kind === 'option' && token.name === 'help');
  const [first, second] = words;
  if (first !== 'help') return { word: first, help: asked };
  return { word: second === 'help' ? undefined : second, help: true };
}

/** @throws BadArguments with the closest command. */
function commandOf(word: string): Command {
  const found = COMMANDS.find(({ name }) => name === word);
  if (found !== undefined) return found;
  const near = closest(word, ['help', ...COMMANDS.map(({ name }) => name)]);
  const advice = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new BadArguments(`Unknown command "${word}".${advice}${HINT}`);
}

async function connectAsAsked(given: Given<typeof COMMON_OPTIONS>, terminal: Terminal): Promise<Connection> {
  const [stage, region, profile] = [given.value('stage'), given.value('region'), given.value('profile')];
  if (given.has('local')) {
    for (const name of ['stage', 'region', 'profile'] as const) {
      if (given.has(name)) throw new BadArguments(`--${name} has no meaning with --local.${HINT}`);
    }
    // Loaded only now: the local cloud brings a database along.
    const { openLocalRun } = await import('./local');
    return openLocalRun(resolve(terminal.directory, LOCAL_FOLDER));
  }
  const parsed = stageSchema.default(DEFAULT_STAGE).safeParse(stage);
  if (!parsed.success) {
    throw new BadArguments(`--stage "${stage}" can be none: ${parsed.error.issues[0]?.message}.${HINT}`);
  }
  const access = accessToAws(parsed.data, {
    ...(region !== undefined && { region }),
    ...(profile !== undefined && { profile }),
  });
  return { access, close: async () => undefined };
}
