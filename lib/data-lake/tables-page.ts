import { type Column, TABLES } from '../../lambdas/lake/layout';
import { VIEWS } from '../../lambdas/lake/sql/views';

/** Where the page of the tables lies in the repository. */
export const TABLES_FILE = 'lambdas/lake/TABLES.md';

/** TABLES.md: every table and view with its columns, as the stack declares them; `npm run documents` writes it. */
export function tablesPage(): string {
  const sections = [
    ...TABLES.map(({ name, comment, zone, prefix, partitions, columns }) =>
      section(
        name,
        `${comment} In the ${zone} bucket under \`${prefix}\`, by ${partitions.join(' and ')}.`,
        columns,
      ),
    ),
    ...VIEWS.map(({ name, comment, columns }) => section(`${name} (view)`, comment, columns)),
  ];
  return `# Tables and views

Database \`garoa\` (\`garoa_<stage>\` of other stages). Times are UTC and units are in the names. \`dt\` is a UTC date
and \`hour\` two digits, both text. Made by \`npm run documents\` from [layout.ts](layout.ts) and
[views.ts](sql/views.ts).

${sections.join('\n\n')}
`;
}

function section(title: string, comment: string, columns: readonly Column[]): string {
  const rows = columns.map(
    ({ name, type, comment }) => `| \`${name}\` | ${type} | ${comment.replaceAll('|', '\\|')} |`,
  );
  return [`## ${title}`, '', comment, '', '| column | type | what it is |', '|---|---|---|', ...rows].join(
    '\n',
  );
}
