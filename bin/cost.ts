import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { column, uses } from '../lib/cost/columns';
import { readMeasured } from '../lib/cost/measured';
import { costSection, costTable, headline, PLACES, useTable, withCostSection } from '../lib/cost/report';
import { projectRoot } from '../lib/project-root';
import { endWhenFatal } from '../lib/terminal/fatal';

/** `npm run cost`: what a month costs, and what runs use; with `-- --write` the README's table is made anew. */
endWhenFatal(process.stderr);
const measured = readMeasured(projectRoot);
const columns = PLACES.map((places) => column(places, measured));
console.log(headline(columns));
console.log();
console.log(costTable(columns));
console.log();
console.log(useTable(uses(measured)));
if (process.argv.includes('--write')) {
  const readme = join(projectRoot, 'README.md');
  writeFileSync(readme, withCostSection(readFileSync(readme, 'utf8'), costSection(columns, measured)));
}
