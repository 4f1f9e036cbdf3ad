import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { configurationTable } from '../../lib/config-table';

describe('the table of the configuration', () => {
  it('stands in the README as the schema has it', () => {
    const readme = readFileSync(resolve(__dirname, '../../README.md'), 'utf8');
    expect(readme).toContain(`<!-- configuration -->\n${configurationTable()}\n<!-- /configuration -->`);
  });

  it('has the defaults of objects as well as those of values', () => {
    expect(configurationTable()).toContain('| `schedules.retrain.time` | Its time, UTC | `03:30` |');
    expect(configurationTable()).toMatch(/\| `training\.windowDays` \| [^|]+ \| `7000` \| 14 to 7000 \|/);
  });
});
