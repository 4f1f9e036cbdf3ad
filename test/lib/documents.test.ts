import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIGURATION_FILE, configurationPage, configurationTable } from '../../lib/config-table';
import { TABLES_FILE, tablesPage } from '../../lib/data-lake/tables-page';
import { projectRoot } from '../../lib/project-root';

/* The runbook's own test stands with the monitoring, whose alarms it needs the CDK for. */
describe('a page made from definitions', () => {
  it.each([
    [CONFIGURATION_FILE, configurationPage],
    [TABLES_FILE, tablesPage],
  ])('stands in %s as `npm run documents` writes it', (file, page) => {
    expect(readFileSync(join(projectRoot, file), 'utf8')).toBe(page());
  });

  it('has the defaults of objects as well as those of values', () => {
    expect(configurationTable()).toContain('| `schedules.retrain.time` | Its time, UTC | `03:30` |');
    expect(configurationTable()).toMatch(/\| `training\.windowDays` \| [^|]+ \| `7000` \| 14 to 7000 \|/);
  });

  it('has every column with its unit or meaning', () => {
    expect(tablesPage()).toContain('| `temp_c` | double | air temperature, °C |');
    expect(tablesPage()).toContain('## verified_forecasts (view)');
  });
});
