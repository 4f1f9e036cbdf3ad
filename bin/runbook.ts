import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUNBOOK_FILE, runbook } from '../lib/monitoring/runbook';
import { projectRoot } from '../lib/project-root';

writeFileSync(join(projectRoot, RUNBOOK_FILE), runbook());
