import { COMMON_OPTIONS, type Command, type DescribedOption } from './command';

/** The list of commands. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((one) => heading(one).length));
  return `Runs the deployed system from the command line, with your own AWS credentials.

  npm run garoa -- <command> [options]

${commands.map((one) => `  ${heading(one).padEnd(width)}  ${one.summary}`).join('\n')}
  ${'help <command>'.padEnd(width)}  what a command takes

Options of every command:
${optionLines(COMMON_OPTIONS)}
`;
}

/** All about one command. */
export function helpOf(one: Command): string {
  return `npm run garoa -- ${heading(one)} [options]: ${one.summary}

${one.details}
${Object.keys(one.options).length === 0 ? '' : `\n${optionLines(one.options)}\n`}
Options of every command:
${optionLines(COMMON_OPTIONS)}
`;
}

function heading({ name, operands }: Command): string {
  return [name, ...operands.map((operand) => `<${operand}>`)].join(' ');
}

function optionLines(options: Readonly<Record<string, DescribedOption>>): string {
  const heads = Object.entries(options).map(
    ([name, { placeholder }]) => `--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
  );
  const width = Math.max(...heads.map(({ length }) => length));
  return Object.values(options)
    .map(({ meaning }, index) => `  ${(heads[index] ?? '').padEnd(width)}  ${meaning}`)
    .join('\n');
}
