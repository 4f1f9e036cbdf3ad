import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { column, uses } from '../lib/cost/columns';
import { readMeasured } from '../lib/cost/measured';
import { costSection, costTable, headline, PLACES, useTable, withCostSection } from '../lib/cost/report';
import { projectRoot } from '../lib/project-root';
import { readArguments } from '../lib/terminal/arguments';
import { endWhenFatal } from '../lib/terminal/fatal';

/** `npm run cost`: what a month costs, and what runs use; with `-- --write` the README's table is made anew. */
endWhenFatal(process.stderr);
const given = readArguments(
  process.argv.slice(2),
  { write: { type: 'boolean' } },
  ' It takes --write alone.',
);
const measured = readMeasured(projectRoot);
const columns = PLACES.map((places) => column(places, measured));
console.log(headline(columns));
console.log();
console.log(costTable(columns));
console.log();
console.log(useTable(uses(measured)));
if (given.has('write')) {
  const readme = join(projectRoot, 'README.md');
  writeFileSync(readme, withCostSection(readFileSync(readme, 'utf8'), costSection(columns, measured)));
}
