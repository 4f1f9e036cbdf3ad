import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

describe('the pages of the repository', () => {
  const pages = [
    'README.md',
    ...['lib', 'lambdas'].flatMap((folder) =>
      readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name)),
    ),
  ];

  it('link nothing that is not there', () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(join(projectRoot, page), 'utf8').matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(projectRoot, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(pages.length).toBeGreaterThan(5);
    expect(broken).toEqual([]);
  });

  it('name files and folders of this repository alone', () => {
    const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
    const named = [...readme.matchAll(/`((?:bin|lib|lambdas|test)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
  });

  it('begin with one of fifteen kilobytes at most', () => {
    expect(readFileSync(join(projectRoot, 'README.md')).length).toBeLessThanOrEqual(15 * 1024);
  });
});
