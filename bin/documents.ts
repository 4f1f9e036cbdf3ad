import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIGURATION_FILE, configurationPage } from '../lib/config-table';
import { TABLES_FILE, tablesPage } from '../lib/data-lake/tables-page';
import { RUNBOOK_FILE, runbook } from '../lib/monitoring/runbook';
import { projectRoot } from '../lib/project-root';

/** `npm run documents`: writes the pages that are made from definitions; a test holds each to what it is made from. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  [CONFIGURATION_FILE]: configurationPage(),
  [TABLES_FILE]: tablesPage(),
  [RUNBOOK_FILE]: runbook(),
};
for (const [file, text] of Object.entries(DOCUMENTS)) {
  writeFileSync(join(projectRoot, file), text);
}
